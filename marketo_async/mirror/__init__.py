"""The mirror: it keeps a database equal to an instance. It needs the extra ``mirror``. See `Mirror`.

dlt writes the tables, at any of its destinations; the plan, the feed, deletions and merges are this package's.
"""

from __future__ import annotations

from importlib.util import find_spec

if _missing := [name for name in ("dlt", "pyarrow") if find_spec(name) is None]:
    raise ModuleNotFoundError(
        f"the mirror needs {' and '.join(_missing)}: pip install 'marketo-async[mirror]'", name=_missing[0]
    )

from marketo_async.mirror.runner import Mirror
from marketo_async.mirror.source import source
from marketo_async.mirror.status import MirrorProgress, MirrorStatus
from marketo_async.mirror.target import Target, target_of
from marketo_async.mirror.verify import Difference, VerifiedPart, VerifyReport

__all__ = [
    "Difference",
    "Mirror",
    "MirrorProgress",
    "MirrorStatus",
    "Target",
    "VerifiedPart",
    "VerifyReport",
    "source",
    "target_of",
]
