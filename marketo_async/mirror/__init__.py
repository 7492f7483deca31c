"""The mirror: it keeps a database equal to an instance. It needs the extra ``mirror``. See `Mirror`.

dlt writes the tables, at any of its destinations; the plan, the feed, deletions and merges are this package's.
"""

from __future__ import annotations

from marketo_async.errors import ConfigurationError

try:
    from marketo_async.mirror.runner import Mirror, MirrorProgress, MirrorStatus
    from marketo_async.mirror.source import source
    from marketo_async.mirror.verify import Difference, VerifiedPart, VerifyReport
except ModuleNotFoundError as error:
    if error.name != "pyarrow":
        raise
    raise ConfigurationError("a mirror needs pyarrow: pip install 'marketo-async[mirror]'") from error

__all__ = ["Difference", "Mirror", "MirrorProgress", "MirrorStatus", "VerifiedPart", "VerifyReport", "source"]
