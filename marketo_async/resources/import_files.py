"""How a bulk import sends its file. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from marketo_async.models.bulk import FileFormat
from marketo_async.operation import File

_CONTENT_TYPES: Mapping[FileFormat, str] = {
    "CSV": "text/csv",
    "TSV": "text/tab-separated-values",
    "SSV": "text/plain",
}


def as_file(content: bytes, format: FileFormat) -> Mapping[str, File]:
    """Return the part ``file``, under a name that tells its format."""
    return {"file": File(name=f"import.{lower(format)}", content=content, content_type=_CONTENT_TYPES[format])}


def lower(format: FileFormat) -> str:
    """Return a format as imports spell it: exports answer in capitals, imports ask in small letters."""
    return format.lower()
