"""`Reader`: turns the bytes of a bulk file into rows, as ``dict`` or as the caller's Struct. Pure.

A regular block is read the fast way: ``str.split`` without quotes, the ``csv`` module with quotes, and a function
compiled for the header, which builds the rows. Any other block is read the exact way (``Exact``), which yields the same
rows, and also knows the line of each record. See ``blocks`` for records.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct, inspect

from marketo_async.bulk.rows.blocks import Blocks, Exact, RawRecord
from marketo_async.errors import BadRow
from marketo_async.models.bulk import FileFormat
from marketo_async.models.moment import Moment, decode_hook, parse

T = TypeVar("T")
S = TypeVar("S", bound=Struct)

Row = dict[str, str | None]
OnBadRow = Callable[[BadRow], None]
BLOCK = 65_536  # bytes to feed at a time; their rows still fit the CPU's cache

DELIMITERS: Mapping[FileFormat, str] = {"CSV": ",", "TSV": "\t", "SSV": ";"}
_BOM = b"\xef\xbb\xbf"
_QUOTED_NULL = re.compile(r'(?:^|[\n,;\t| ])"null"(?:[\r\n,;\t| ]|$)')


class Maker(Protocol[T]):
    """Makes rows from cells: many at once, or a single one with exact errors."""

    def many(self, records: Iterable[Sequence[str]], *, null: bool) -> list[T]:
        """Make rows, or raise `ValueError` if any can't be made; ``null`` says that there may be nulls."""
        ...

    def one(self, record: RawRecord) -> T:
        """Make one row, or raise `BadRow`."""
        ...


class DictMaker:
    """Makes rows as ``dict`` by column."""

    def __init__(self, columns: Sequence[str]) -> None:
        self._columns = columns
        self._plain, self._with_null = _dicts(columns, null=False), _dicts(columns, null=True)

    def many(self, records: Iterable[Sequence[str]], *, null: bool) -> list[Row]:
        """Make rows; raises `ValueError` if any has a different number of cells."""
        return self._with_null(records) if null else self._plain(records)

    def one(self, record: RawRecord) -> Row:
        """Make one row."""
        cells, wanted = len(record.cells), len(self._columns)
        if cells != wanted:
            raise BadRow(f"{cells} cells, but {wanted} columns", line=record.line, text=record.text)
        return dict(zip(self._columns, record.cells, strict=True))


def _dicts(columns: Sequence[str], *, null: bool) -> Callable[[Iterable[Sequence[str]]], list[Row]]:
    """Compile a function that makes rows with ``columns``: twice as fast as ``dict(zip(...))``; it checks the count."""
    cells = [f"c{number}" for number in range(len(columns))]
    values = [f"None if {cell} == 'null' else {cell}" if null else cell for cell in cells]
    members = ", ".join(f"{column!r}: {value}" for column, value in zip(columns, values, strict=True))
    made: dict[str, Callable[[Iterable[Sequence[str]]], list[Row]]] = {}
    source = f"def dicts(records): return [{{{members}}} for [{', '.join(cells)}] in records]"
    exec(source, made)  # noqa: S102 - contains the names of columns only as their repr
    return made["dicts"]


class StructMaker(Generic[S]):
    """Makes rows as instances of ``model``: parses dates, numbers and booleans, and JSON for all other types."""

    def __init__(self, columns: Sequence[str], model: type[S]) -> None:
        self._dicts, self._model, self._list = DictMaker(columns), model, list[model]  # type: ignore[valid-type]
        self._types = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
        self._json = [name for name in columns if name in self._types and _is_json(self._types[name])]
        required = {field.encode_name for field in msgspec.structs.fields(model) if field.required}
        if missing := sorted(required - set(columns)):
            raise BadRow(f"the file has no column {', '.join(missing)}, which {model.__name__} needs", line=1)

    def many(self, records: Iterable[Sequence[str]], *, null: bool) -> list[S]:
        """Make rows; raises `ValueError` if any can't be made."""
        rows: list[dict[str, object]] = self._dicts.many(records, null=null)  # type: ignore[assignment]
        for name in self._json:
            for row in rows:
                if isinstance(cell := row[name], str):
                    row[name] = msgspec.json.decode(cell)
        found: list[S] = msgspec.convert(rows, self._list, strict=False, dec_hook=decode_hook)
        return found

    def one(self, record: RawRecord) -> S:
        """Make one row; also accepts Marketo's other forms of dates, and empty text where a number is missing."""
        row: dict[str, object] = {}
        for name, cell in self._dicts.one(record).items():
            row[name] = self._value(name, cell, record) if name in self._types else cell
        try:
            return msgspec.convert(row, self._model, strict=False, dec_hook=decode_hook)
        except msgspec.ValidationError as error:
            raise BadRow(str(error), line=record.line, text=record.text) from error

    def _value(self, name: str, cell: str | None, record: RawRecord) -> object:
        kind = self._types[name]
        try:
            if name in self._json and cell is not None:
                return msgspec.json.decode(cell)
            msgspec.convert(cell, kind, strict=False, dec_hook=decode_hook)
        except msgspec.DecodeError as error:  # a ValidationError is one too
            for other in (lambda text: None if text == "" else parse(text), parse):
                try:
                    value = other(cell or "")
                    msgspec.convert(value, kind, strict=False, dec_hook=decode_hook)
                except ValueError:
                    continue
                return value
            raise BadRow(f"{error}: {cell!r}", line=record.line, column=name, text=record.text) from error
        return cell


def _is_json(kind: object) -> bool:
    """Return whether a member of this type is JSON in a cell."""
    if kind is Moment:
        return False
    known = inspect.type_info(kind)
    kinds = known.types if isinstance(known, inspect.UnionType) else (known,)
    return any(isinstance(member, inspect.DictType | inspect.CollectionType | inspect.StructType) for member in kinds)


class Layout(Struct, frozen=True):
    """The columns of a file, and what is between its cells."""

    columns: Sequence[str]
    delimiter: str


class Reader(Generic[T]):
    """Reads a file in pieces: ``feed`` and ``close`` return the rows that are complete.

    A row that can't be read raises `BadRow` after the rows before it are returned, or is passed to ``on_bad_row``. With
    ``null``, the word ``null`` becomes ``None``, but not in quotes. ``delimiter`` replaces that of the format.
    ``read_block`` is another fast way: it returns the rows of a block, or ``None`` for a block that has to be read the
    exact way.
    """

    def __init__(
        self,
        maker: Callable[[list[str]], Maker[T]],
        *,
        format: FileFormat = "CSV",
        delimiter: str | None = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        read_block: Callable[[bytes, Layout], list[T] | None] | None = None,
    ) -> None:
        self.columns: list[str] | None = None
        self._make, self._read_block = maker, read_block
        self._format, self._delimiter = format, delimiter or DELIMITERS[format]
        self._null, self._on_bad_row = null, on_bad_row
        self._blocks = Blocks()
        self._line, self._crlf, self._begun = 1, False, False
        self._multiline = False  # whether any record so far contains line feeds
        self._failed: BadRow | None = None
        self._maker: Maker[T] | None = None

    def feed(self, chunk: bytes) -> list[T]:
        """Add bytes, ideally ``BLOCK`` of them, and return the rows that they complete."""
        return self._rows(self._blocks.feed(chunk), final=False)

    def close(self) -> list[T]:
        """Return the remaining rows at the end of the file; call it until it returns none."""
        rows = self._rows(self._blocks.close(), final=True)
        return rows if rows or self._failed is None else self._rows(b"", final=True)

    def _rows(self, data: bytes, *, final: bool) -> list[T]:
        if self._failed is not None:
            raise self._failed
        if data and not self._begun:
            data, self._begun = data.removeprefix(_BOM), True
        if not data:
            return []
        if self._maker is None:
            text = data.decode(errors="surrogateescape")
            data = self._read_header(text).encode(errors="surrogateescape")
        rows = self._at_once(data)
        if rows is None:
            return self._exact(data.decode(errors="surrogateescape"), self._maker, final=final)
        self._line += data.count(b"\n")
        return rows

    def _at_once(self, data: bytes) -> list[T] | None:
        """Read a block the fast way, or return ``None`` if it has to be read the exact way."""
        if self._maker is None or (b"\r" in data and not (self._crlf and data.count(b"\r") == data.count(b"\r\n"))):
            return None
        if self._read_block is not None:
            return self._read_block(data, Layout(self.columns or [], self._delimiter))
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        # Checked before the pattern, which is a hundred times slower.
        if self._null and '"null"' in text and _QUOTED_NULL.search(text):
            return None
        return self._fast(text, self._maker)

    def _fast(self, text: str, maker: Maker[T]) -> list[T] | None:
        """Split a block at once, or return ``None`` if that fails."""
        delimiter, null = self._delimiter, self._null and "null" in text
        plain = (text.replace("\r\n", "\n") if self._crlf else text).removesuffix("\n")
        lines = plain.split("\n") if text else []
        records: Iterable[list[str]] = (line.split(delimiter) for line in lines)
        try:
            if '"' not in text:
                rows = maker.many(records, null=null)
            else:
                rows = None
                if not self._multiline:  # faster, and correct if every record is one line
                    rows = maker.many(csv.reader(lines, delimiter=delimiter, strict=True), null=null)
                    self._multiline = len(rows) != len(lines)
                if self._multiline:
                    whole = StringIO(text, newline="\n")
                    rows = maker.many(csv.reader(whole, delimiter=delimiter, strict=True), null=null)
        except (csv.Error, ValueError):
            if not self._multiline and '"' in text:
                self._multiline = True
                return self._fast(text, maker)
            return None
        return rows

    def _exact(self, text: str, maker: Maker[T] | None, *, final: bool) -> list[T]:
        exact = Exact(text, delimiter=self._delimiter, line=self._line, crlf=self._crlf, null=self._null, final=final)
        rows: list[T] = []
        for found in exact:
            try:
                if isinstance(found, BadRow):
                    raise found
                if maker is not None and (found.text or len(self.columns or ()) == 1):
                    rows.append(maker.one(found))
            except BadRow as bad:
                if self._on_bad_row is None:
                    self._failed = bad
                    return rows
                self._on_bad_row(bad)
        self._line += text.count("\n", 0, exact.read)
        self._blocks.put_back(text[exact.read :].encode(errors="surrogateescape"))
        return rows

    def _read_header(self, text: str) -> str:
        """Read the header, and return the text after it."""
        line = text.partition("\n")[0]
        self._crlf = line.endswith("\r")
        if self._format == "SSV" and ";" not in line and " " in line:
            self._delimiter = " "  # Marketo's pages contradict each other: semicolon or space
        exact = Exact(text, delimiter=self._delimiter, line=1, crlf=self._crlf, null=False, final=True)
        found = next(iter(exact))
        if isinstance(found, BadRow):
            raise found
        columns = [cell or "" for cell in found.cells]
        if len(set(columns)) < len(columns):
            raise BadRow("two columns have the same name", line=1, text=found.text)
        self.columns, self._maker = columns, self._make(columns)
        self._line += text.count("\n", 0, exact.read)
        return text[exact.read :]
