"""The library of the extra ``parquet``, and the names of its types for annotations."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from marketo_async.errors import ConfigurationError

__all__ = ["RecordBatch", "Table", "need_pyarrow"]

if TYPE_CHECKING:
    from pyarrow import RecordBatch, Table
else:  # annotations are read at run time too, and then pyarrow may be missing
    RecordBatch = Table = object


def need_pyarrow(what: str, instead: str = "") -> None:
    """Raise `ConfigurationError` if ``what`` needs pyarrow and it is not installed."""
    if find_spec("pyarrow") is None:
        raise ConfigurationError(f"{what} needs pyarrow: pip install 'marketo-async[parquet]'{instead}")
