"""Files of bulk jobs: rows as comma, tab or semicolon separated text, and back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Literal, Protocol, cast

from marketo_async.sandbox.errors import ApiError

FileFormat = Literal["CSV", "TSV", "SSV"]

_PIECE = 1_048_576
_HELD = 16 * _PIECE  # a larger file is on disk


class Digest(Protocol):
    """A digest of bytes."""

    def update(self, piece: bytes, /) -> None:
        """Add bytes."""
        ...


_DELIMITERS: Mapping[FileFormat, str] = {"CSV": ",", "TSV": "\t", "SSV": ";"}


def as_format(name: str | None) -> FileFormat:
    """Return the format of this case-insensitive name, by default CSV, or raise 1003."""
    known = (name or "CSV").upper()
    if known not in _DELIMITERS:
        raise ApiError("1003", f"Invalid format '{name}'")
    return cast(FileFormat, known)


def written(header: Sequence[str], rows: Iterable[Sequence[object]], file_format: FileFormat) -> bytes:
    """Return a file; a missing value is the bare word ``null``."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITERS[file_format], lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue().encode()


def stored(
    header: Sequence[str], rows: Iterable[Sequence[object]], file_format: FileFormat, *, copies: int
) -> tuple[IO[bytes], int, str]:
    """Write a file to disk, each row ``copies`` times; return it, its size and its SHA-256 digest."""
    file = cast("IO[bytes]", SpooledTemporaryFile(_HELD))  # noqa: SIM115 - it lives as long as its job
    digest, text = sha256(), io.StringIO()
    writer = csv.writer(text, delimiter=_DELIMITERS[file_format], lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        if copies > 1:
            _write(file, digest, text)
            writer.writerow([_cell(value) for value in row])
            line = text.getvalue()
            text.write(line * (copies - 2))
        if text.tell() >= _PIECE:
            _write(file, digest, text)
    _write(file, digest, text)
    return file, file.tell(), digest.hexdigest()


def _write(file: IO[bytes], digest: Digest, text: io.StringIO) -> None:
    piece = text.getvalue().encode()
    digest.update(piece)
    file.write(piece)
    text.seek(0)
    text.truncate()


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
