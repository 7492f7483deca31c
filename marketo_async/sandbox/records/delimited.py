"""Files of bulk jobs: rows as comma, tab or semicolon separated text, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, cast

from marketo_async.sandbox.errors import ApiError

FileFormat = Literal["CSV", "TSV", "SSV"]

_DELIMITERS: Mapping[FileFormat, str] = {"CSV": ",", "TSV": "\t", "SSV": ";"}


def as_format(name: str | None) -> FileFormat:
    """Return the format of this name in any case, by default CSV, or raise 1003."""
    known = (name or "CSV").upper()
    if known not in _DELIMITERS:
        raise ApiError("1003", f"Invalid format '{name}'")
    return cast(FileFormat, known)


def written(header: Sequence[str], rows: Iterable[Sequence[object]], file_format: FileFormat) -> bytes:
    """Return a file; what has no value is the bare word ``null``."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITERS[file_format], lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def read(content: bytes, file_format: FileFormat) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a file without its empty lines, or raise ``ValueError``."""
    text = io.StringIO(content.decode("utf-8-sig"), newline="")
    try:
        lines = [line for line in csv.reader(text, delimiter=_DELIMITERS[file_format]) if line]
    except csv.Error as error:
        raise ValueError(str(error)) from None
    if not lines:
        raise ValueError("the file is empty")
    return lines[0], lines[1:]


def _cell(value: object) -> object:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else value
