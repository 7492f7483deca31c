"""`ImportFiles`: writes rows to files below Marketo's limit of 10 MB; a row is never split.

Marketo runs two imports at once, in no defined order. So the key of a row assigns it to one of two lanes, and the files
of a lane are sent one after the other: a key is never in two files under way. All rows are on disk, so memory stays
constant. See ``run`` for the sending.
"""

from __future__ import annotations

import csv
import dataclasses
import sqlite3
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from struct import Struct as Binary
from typing import Any, ClassVar, Protocol
from zlib import crc32

import msgspec
from msgspec import Struct

from marketo_async.atomic_file import disk
from marketo_async.bulk.rows.blocks import cells_of
from marketo_async.errors import InvalidRequest
from marketo_async.request import LARGEST_FILE
from marketo_async.wire_value import as_cell
from marketo_async.writes import folded


class DataclassRow(Protocol):
    """An instance of a dataclass."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


InputRow = Mapping[str, object] | Struct | DataclassRow | sqlite3.Row

LANES = 2
_FRAME = 4_096  # bytes; ten times what multipart encoding adds to a file
LARGEST = LARGEST_FILE - _FRAME
_INDEX = Binary("<Q")
_LINE_END = "\r\n"
_REMEDY = "make room in the temporary folder (TMPDIR), then run the same again: no row was sent"


class ImportFile(Struct, kw_only=True):
    """One file to send; its ``rows`` are among those of the input in the half-open range [``first``, ``end``)."""

    path: Path
    lane: int
    first: int
    end: int = 0
    rows: int = 0
    size: int = 0

    def numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the cells of each row, with its index in the input."""
        cells = cells_of(self.path.read_bytes(), ",")
        next(cells)
        with self.path.with_suffix(".index").open("rb") as indices:
            for row in cells:
                yield _INDEX.unpack(indices.read(_INDEX.size))[0], row

    def keys(self, columns: Sequence[str], names: Sequence[str]) -> set[Hashable]:
        """Return the keys of the rows, in the form of `InFlight`; ``names`` are the columns that identify a row."""
        places = [columns.index(name) for name in names]
        found: set[Hashable] = set()
        for _, cells in self.numbered():
            parts = tuple(folded(cells[place]) for place in places)
            if None not in parts:
                found.add(parts[0] if len(parts) == 1 else parts)
        return found


class Columns:
    """The columns of an import: those of the first row, or ``names``; turns each row into cells.

    With ``names``, a row may lack members; their cells are empty. Without, each row must have exactly the members of
    the first one, because Marketo reads an empty cell as a value.
    """

    def __init__(self, first: InputRow, names: Sequence[str] | None = None) -> None:
        self.names = list(names or _members(0, first))
        self._lenient = names is not None
        self._wanted = set(self.names)
        if not self.names:
            raise InvalidRequest("row 0 has no members: give each row at least one field")

    def cells(self, index: int, row: InputRow) -> list[str]:
        """Return a row's cells; raises `InvalidRequest` for other members, and for a value that can't be written."""
        values = _members(index, row)
        extra = values.keys() - self._wanted
        if None in extra:  # csv.DictReader keeps surplus cells under this key
            raise InvalidRequest(
                f"row {index} has more cells than the header has names (key None of csv.DictReader); correct the row"
            )
        missing = () if self._lenient else self._wanted - values.keys()
        if extra or missing:
            difference = "; ".join(
                f"{verb} {', '.join(map(repr, sorted(names)))}"
                for verb, names in (("has also", extra), ("has no", missing))
                if names
            )
            raise InvalidRequest(
                f"row {index} differs from the first row: it {difference}; name all columns with fields="
            )
        return [_cell(index, name, values.get(name)) for name in self.names]


class ImportFiles:
    """Writes rows to files in ``folder``: the first rows fill one file, later rows are divided among ``lanes``."""

    def __init__(
        self, folder: Path, columns: Columns, keys: Sequence[str], *, lanes: int, largest: int = LARGEST
    ) -> None:
        self.files: list[ImportFile] = []
        self.rows = self.size = 0
        self._folder, self._columns, self._lanes, self._largest = folder, columns, lanes, largest
        self._key_columns = [columns.names.index(key) for key in keys]
        self._buffer = StringIO(newline="")
        # Python 3.11 and 3.12 quote a line end in a cell only if it is one of the writer's; `_encoded` removes it.
        self._writer = csv.writer(self._buffer, lineterminator=_LINE_END)
        self._head = self._encoded(columns.names)
        self._open: dict[int, _OpenFile] = {}

    def add(self, row: InputRow) -> None:
        """Write a row; raises `InvalidRequest`, with its index, if it can't be sent."""
        cells = self._columns.cells(self.rows, row)
        line = self._encoded(cells)
        if len(self._head) + len(line) > self._largest:
            raise InvalidRequest(
                f"row {self.rows} has {len(line):,} bytes, but a file has at most {self._largest:,} with its header:"
                " shorten or leave out the row"
            )
        lane = 0
        if self._lanes > 1 and self.files:
            key = "\0".join(folded(cells[place]) or "" for place in self._key_columns)
            lane = crc32(key.encode()) % self._lanes
        current = self._open.get(lane)
        if current is not None and current.file.size + len(line) > self._largest:
            self._close(lane)
            if len(self.files) == 1:  # from now on, rows are divided among lanes
                return self.add(row)
            current = None
        if current is None:
            current = self._open[lane] = self._opened(lane)
        current.write(self.rows, line)
        self.rows += 1
        self.size += len(line)
        return None

    def close(self) -> list[ImportFile]:
        """Finish all files and return them, in the order of their first rows."""
        with ExitStack() as closing:  # closes all, also if one can't write its last bytes
            for lane in list(self._open):
                closing.callback(self._close, lane)
        return sorted(self.files, key=lambda file: file.first)

    def _opened(self, lane: int) -> _OpenFile:
        path = self._folder / f"{len(self.files)}-{lane}.csv"
        return _OpenFile(ImportFile(path=path, lane=lane, first=self.rows), self._head)

    def _close(self, lane: int) -> None:
        current = self._open.pop(lane)
        current.close()
        self.files.append(current.file)

    def _encoded(self, cells: Sequence[str]) -> bytes:
        """Return the cells as a line of CSV, quoted as needed.

        The text ``null`` is quoted, because without quotes it means a missing value in Marketo's files.
        """
        if "null" in cells:
            return (",".join(map(_quoted, cells)) + "\n").encode()
        self._writer.writerow(cells)
        line = self._buffer.getvalue().removesuffix(_LINE_END)
        self._buffer.seek(0)
        self._buffer.truncate()
        return f"{line}\n".encode()


class _OpenFile:
    """A file that is being written, and a second one with the indices of its rows in the input."""

    def __init__(self, file: ImportFile, header: bytes) -> None:
        self.file = file
        with disk(file.path, _REMEDY):
            self._file = file.path.open("wb")
            self._indices = file.path.with_suffix(".index").open("wb")
            file.size += self._file.write(header)

    def write(self, index: int, line: bytes) -> None:
        try:
            self.file.size += self._file.write(line)
            self._indices.write(_INDEX.pack(index))
        except OSError:
            with disk(self.file.path, _REMEDY):  # only now, as it would slow down each row
                raise
        self.file.rows += 1
        self.file.end = index + 1

    def close(self) -> None:
        with disk(self.file.path, _REMEDY), self._indices, self._file:
            pass  # both are closed, also if one can't write its last bytes


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _members(index: int, row: InputRow) -> Mapping[str, object]:
    if isinstance(row, Struct):
        fields = msgspec.structs.fields(row)
        return {field.encode_name: getattr(row, field.name) for field in fields}
    if isinstance(row, Mapping):
        return row
    if isinstance(row, sqlite3.Row):
        return dict(zip(row.keys(), row, strict=True))
    if dataclasses.is_dataclass(row) and not isinstance(row, type):
        return {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    remedy = "._asdict()" if hasattr(row, "_asdict") else ".to_dict()" if hasattr(row, "to_dict") else ""
    raise InvalidRequest(
        f"row {index} has the type {type(row).__name__}: pass "
        + (f"row{remedy}" if remedy else "mappings, Structs, dataclasses or rows of sqlite3")
    )


def _cell(index: int, name: str, value: object) -> str:
    if value is msgspec.UNSET:
        return ""
    try:
        return as_cell(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"row {index}: {name}: {error}") from error
