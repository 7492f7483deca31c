"""Reads the rows of a CSV file from a spreadsheet, a database or another program.

The caller may name the encoding and the delimiter; otherwise they are detected. Line ends are LF, CRLF or CR. A file
that is not delimited text is refused before a row is read, and the error says what to do. See ``rows`` for the reader.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, get_args

from msgspec import Struct

from marketo_async.bulk.rows.blocks import Exact, RawRecord, is_unicode
from marketo_async.bulk.rows.reader import BLOCK, DictMaker, Reader, Row
from marketo_async.errors import BadRow, InvalidRequest
from marketo_async.workthread import WorkThread

Delimiter = Literal[",", ";", "\t", "|"]

_BY_SUFFIX = {".tsv": "\t", ".tab": "\t", ".ssv": ";"}
_BYTE_ORDER_MARKS = (  # UTF-32 first: its mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = (
    (b"PK\x03\x04", "a workbook (.xlsx, .ods) or another zip archive", "save the sheet as 'CSV UTF-8'"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls)", "save the sheet as 'CSV UTF-8'"),
    (b"\x1f\x8b", "compressed by gzip", "decompress it"),
    (b"[", "one JSON array", "write one record on each line, or pass its rows: load(json.load(open(path)))"),
)
_SWAP = bytes.maketrans(b"\r\n", b"\n\r")
_SWAPPED = str.maketrans("\r\n", "\n\r")
_HEADER = re.compile(rb'(?:"(?:[^"]|"")*"|[^"\r\n])*')
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_UNREADABLE = "marketo_async.unreadable"


class FileDialect(Struct, frozen=True, kw_only=True):
    """The encoding, delimiter and nulls of a file; ``None`` means detect. Without ``null``, the word ``null`` is text.

    Without ``encoding``, the file is UTF-8, or has the encoding of its byte order mark. Without ``delimiter``, it is
    the one of comma, semicolon, tab and ``|`` that splits the header line into the most names of known fields.
    ``rename`` maps names of the file's columns to API names.
    """

    encoding: str | None = None
    delimiter: Delimiter | None = None
    null: bool = False
    rename: Mapping[str, str] = {}

    def __post_init__(self) -> None:
        """Raise `InvalidRequest` for an encoding that Python does not have, and for other delimiters."""
        if self.delimiter is not None and self.delimiter not in get_args(Delimiter):
            raise InvalidRequest(f"delimiter is {self.delimiter!r}: pass one of ',', ';', '|' and a tab")
        try:
            "".encode(self.encoding or "utf-8")
        except (LookupError, UnicodeError) as error:
            raise InvalidRequest(
                f"encoding={self.encoding!r} is not a text encoding of Python; name one such as 'cp1252' or 'utf-16'"
            ) from error


async def rows_of(
    path: Path, dialect: FileDialect, known: Collection[str], header: Callable[[Sequence[str]], object]
) -> AsyncGenerator[Row, None]:
    """Yield the rows of a file; ``header`` receives its columns first, also if no row follows.

    ``known`` are the possible names of columns, in any case. Raises `InvalidRequest` for a
    file that is empty or not delimited text, and `BadRow` for a row that can't be read.
    """
    thread = WorkThread("marketo-async-import")
    with path.open("rb") as file:
        block = await thread.run(file.read, BLOCK)
        text = _Text(path, block, dialect, known)
        reader: Reader[Row] = Reader(text.maker(header), delimiter=text.delimiter, null=dialect.null)
        while block:
            for row in text.with_remedy(partial(reader.feed, text.utf8(block))):
                yield row
            block = await thread.run(file.read, BLOCK)
        for row in text.with_remedy(partial(reader.feed, text.utf8(b"", final=True))):
            yield row
    while rows := text.with_remedy(reader.close):
        for row in rows:
            yield row


def renamed(columns: Sequence[str], names: Mapping[str, str]) -> list[str]:
    """Return columns with their new names; raises `InvalidRequest` for a name that no column has."""
    if missing := [name for name in names if name not in columns]:
        raise InvalidRequest(
            f"the file has no column {', '.join(map(repr, missing))} to rename; its columns are {', '.join(columns)}"
        )
    return [names.get(column, column) for column in columns]


class _Text:
    """Detects the encoding, delimiter and line ends of a file from its first ``block``; recodes all blocks to UTF-8."""

    def __init__(self, path: Path, block: bytes, dialect: FileDialect, known: Collection[str]) -> None:
        _refuse_other_kinds(path, block)
        self._rename = dialect.rename
        self._encoding = dialect.encoding or _marked_encoding(block) or "utf-8"
        self._decoder = None
        if codecs.lookup(self._encoding).name not in {"utf-8", "utf-8-sig"}:
            self._decoder = codecs.getincrementaldecoder(self._encoding)(_UNREADABLE)
        self._swaps = False
        line = self._header(path, block)
        self.delimiter = dialect.delimiter or _detected_delimiter(line, path.suffix.lower(), [*known, *dialect.rename])

    def utf8(self, block: bytes, *, final: bool = False) -> bytes:
        """Return a block as UTF-8 for the reader; bytes invalid in the encoding become bytes invalid in UTF-8."""
        if self._decoder is not None:
            block = self._decoder.decode(block, final).encode(errors="surrogatepass")
        return block.translate(_SWAP) if self._swaps else block

    def maker(self, header: Callable[[Sequence[str]], object]) -> Callable[[list[str]], DictMaker]:
        """Return a function that passes the columns to ``header`` and returns the maker of their rows."""

        def make(columns: list[str]) -> DictMaker:
            named = renamed(columns, self._rename)
            header(named)
            return _SwappedMaker(named) if self._swaps else DictMaker(named)

        return make

    def with_remedy(self, read: Callable[[], list[Row]]) -> list[Row]:
        """Return the rows of ``read``; a `BadRow` for bytes invalid in the encoding says how to name another one."""
        try:
            return read()
        except BadRow as bad:
            if is_unicode(bad.text):
                raise
            raise BadRow(
                f"the bytes are not {self._encoding}; name the file's encoding, such as cp1252 (encoding=, --encoding)",
                line=bad.line,
                column=bad.column,
                text=bad.text,
            ) from bad

    def _header(self, path: Path, block: bytes) -> str:
        """Return the header line, and detect line ends: a file with CR alone is read with CR and LF swapped."""
        data = self.utf8(block).removeprefix(codecs.BOM_UTF8)
        if self._decoder is not None:
            self._decoder.reset()
        found = _HEADER.match(data)
        line = found[0] if found else b""
        if not line.strip():
            raise InvalidRequest(f"line 1 of {path} is blank; put the API names of the columns there")
        if b"\0" in line:
            raise InvalidRequest(f"{path} is not {self._encoding} text; name its encoding, such as 'utf-16-le'")
        if re.fullmatch(rb"sep=.", line):
            raise InvalidRequest(
                f"line 1 of {path} is {line.decode(errors='replace')!r}, which only Excel reads; remove it"
            )
        self._swaps = re.match(rb"\r(?!\r*\n)", data[len(line) :]) is not None
        return (line.translate(_SWAP) if self._swaps else line).decode(errors="replace")


class _SwappedMaker(DictMaker):
    """Makes rows of a file whose CR and LF are swapped, so that its records end with LF; swaps them back in cells."""

    def many(self, records: Iterable[Sequence[str]], *, null: bool) -> list[Row]:
        """Make rows."""
        return [_swapped(row) for row in super().many(records, null=null)]

    def one(self, record: RawRecord) -> Row:
        """Make one row; raises `BadRow` for LF outside of quotes, as it may end a record too."""
        if "\r" in _QUOTED.sub("", record.text):
            raise BadRow(
                "the file has both CR and LF line ends; save it with one of them",
                line=record.line,
                text=record.text.translate(_SWAPPED),
            )
        return _swapped(super().one(record))


def _swapped(row: Row) -> Row:
    return {name: cell and cell.translate(_SWAPPED) for name, cell in row.items()}


def _refuse_other_kinds(path: Path, block: bytes) -> None:
    if not block:
        raise InvalidRequest(f"{path} is empty; put the API names of the columns in its first line")
    for mark, kind, remedy in _NOT_TEXT:
        if block.removeprefix(codecs.BOM_UTF8).startswith(mark):
            raise InvalidRequest(f"{path} is not a CSV file: it is {kind}; {remedy}")


def _marked_encoding(block: bytes) -> str | None:
    """Return the encoding that a byte order mark means, or ``None``."""
    return next((encoding for mark, encoding in _BYTE_ORDER_MARKS if block.startswith(mark)), None)


def _detected_delimiter(line: str, suffix: str, known: Collection[str]) -> str:
    """Return the delimiter that splits a header line into the most known names, or else the most names."""
    names = {name.casefold() for name in known}
    candidates: list[str] = [_BY_SUFFIX.get(suffix, ","), *get_args(Delimiter)]
    if suffix == ".ssv":  # Marketo's pages contradict each other: semicolon or space
        candidates.append(" ")

    def fitness(delimiter: str) -> tuple[int, int]:
        cells = _cells(line, delimiter)
        return sum(cell.strip().casefold() in names for cell in cells), len(cells) if delimiter != " " else 0

    return max(candidates, key=fitness)  # the first, if several are equal


def _cells(line: str, delimiter: str) -> list[str]:
    exact = Exact(line, delimiter=delimiter, line=1, crlf=False, null=False, final=True)
    found: Iterator[RawRecord | BadRow] = iter(exact)
    header = next(found, None)
    return [cell or "" for cell in header.cells] if isinstance(header, RawRecord) else []


def _unreadable(error: UnicodeError) -> tuple[str, int]:
    """Decode invalid bytes as a surrogate, which is invalid in UTF-8, so that the reader reports the cell."""
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    raise error


codecs.register_error(_UNREADABLE, _unreadable)
