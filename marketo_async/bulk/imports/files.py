"""From rows of any kind to files that Marketo takes: below 10 MB by their encoded bytes, cut between rows.

Two imports run at once at Marketo, and what two of them do to one person has no order. So each row goes by its key into
one of two lanes, and the files of a lane are sent one after the other: no key is ever in two files under way. All of it
is on disk, whatever the size. Not here: sending (``load``).
"""

from __future__ import annotations

import csv
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from io import StringIO
from pathlib import Path
from struct import Struct as Binary
from zlib import crc32

import msgspec
from msgspec import Struct

from marketo_async.atomic_file import disk
from marketo_async.bulk.rows.blocks import cells_of
from marketo_async.errors import InvalidRequest
from marketo_async.request import LARGEST_FILE
from marketo_async.wire_value import as_cell
from marketo_async.writes import folded

Given = Mapping[str, object] | Struct

LANES = 2
_FRAME = 4_096  # bytes; what multipart puts around a file is a tenth of it
LARGEST = LARGEST_FILE - _FRAME
_INDEX = Binary("<Q")
_LINE_END = "\r\n"
_REMEDY = "make room in the temporary folder (TMPDIR), then run the same again: no row was sent"


class ImportFile(Struct, kw_only=True):
    """One file to send, with its path, size and number of ``rows``, which are from ``first`` to before ``end``."""

    path: Path
    lane: int
    first: int
    end: int = 0
    rows: int = 0
    size: int = 0

    def numbered(self) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows, each with its index in the input."""
        cells = cells_of(self.path.read_bytes(), ",")
        next(cells)
        with self.path.with_suffix(".index").open("rb") as indices:
            for row in cells:
                yield _INDEX.unpack(indices.read(_INDEX.size))[0], row

    def keys(self, columns: Sequence[str], names: Sequence[str]) -> set[Hashable]:
        """Return the keys of its rows as `InFlight` holds them, ``names`` being the columns that identify a row."""
        at = [columns.index(name) for name in names]
        found: set[Hashable] = set()
        for _, cells in self.numbered():
            parts = tuple(folded(cells[place]) for place in at)
            if None not in parts:
                found.add(parts[0] if len(parts) == 1 else parts)
        return found


class Columns:
    """The columns of an import, and each row as cells of them; every row has to have just these members.

    With ``names`` given, a row may leave members out: their cells are empty. Rows that differ are refused otherwise,
    since an empty cell is a value to Marketo.
    """

    def __init__(self, first: Given, names: Sequence[str] | None = None) -> None:
        self.names = list(names or _members(first))
        self._lenient = names is not None
        self._wanted = set(self.names)
        if not self.names:
            raise InvalidRequest("row 0 has no members")

    def cells(self, index: int, row: Given) -> list[str]:
        """Return a row's cells; `InvalidRequest` names the row for what can't be written."""
        values = _members(row)
        extra = values.keys() - self._wanted
        if None in extra:  # csv.DictReader keeps surplus cells under this key
            raise InvalidRequest(
                f"row {index} has more cells than the header has names (key None of csv.DictReader); mend the row"
            )
        missing = () if self._lenient else self._wanted - values.keys()
        if extra or missing:
            what = "; ".join(
                f"{said} {', '.join(map(repr, sorted(names)))}"
                for said, names in (("has also", extra), ("has no", missing))
                if names
            )
            raise InvalidRequest(f"row {index} is not like the first one: it {what}; name all columns with fields=")
        return [_cell(index, name, values.get(name)) for name in self.names]


class ImportFiles:
    """Puts rows into files in ``folder``: the first rows fill one file, later rows go into ``lanes``."""

    def __init__(
        self, folder: Path, columns: Columns, keys: Sequence[str], *, lanes: int, largest: int = LARGEST
    ) -> None:
        self.chunks: list[ImportFile] = []
        self.rows = self.size = 0
        self._folder, self._columns, self._lanes, self._largest = folder, columns, lanes, largest
        self._at = [columns.names.index(key) for key in keys]
        self._buffer = StringIO(newline="")
        # The csv module of Python 3.11 and 3.12 quotes no line end but this one; `_written` cuts it off.
        self._writer = csv.writer(self._buffer, lineterminator=_LINE_END)
        self._head = self._written(columns.names)
        self._open: dict[int, _Growing] = {}

    def add(self, row: Given) -> None:
        """Take a row; `InvalidRequest` names one that can't be sent."""
        cells = self._columns.cells(self.rows, row)
        line = self._written(cells)
        if len(self._head) + len(line) > self._largest:
            raise InvalidRequest(
                f"row {self.rows} has {len(line):,} bytes, a file takes {self._largest:,} with its header"
            )
        lane = 0
        if self._lanes > 1 and self.chunks:
            key = "\0".join(folded(cells[place]) or "" for place in self._at)
            lane = crc32(key.encode()) % self._lanes
        growing = self._open.get(lane)
        if growing is not None and growing.chunk.size + len(line) > self._largest:
            self._close(lane)
            if len(self.chunks) == 1:  # from here on rows go into lanes
                return self.add(row)
            growing = None
        if growing is None:
            growing = self._open[lane] = self._begun(lane)
        growing.write(self.rows, line)
        self.rows += 1
        self.size += len(line)
        return None

    def close(self) -> list[ImportFile]:
        """Finish all files and return them, in the order of their first rows."""
        with ExitStack() as closing:  # closes all, also if one can't write its last bytes
            for lane in list(self._open):
                closing.callback(self._close, lane)
        return sorted(self.chunks, key=lambda chunk: chunk.first)

    def _begun(self, lane: int) -> _Growing:
        path = self._folder / f"{len(self.chunks)}-{lane}.csv"
        growing = _Growing(ImportFile(path=path, lane=lane, first=self.rows))
        growing.head(self._head)
        return growing

    def _close(self, lane: int) -> None:
        growing = self._open.pop(lane)
        growing.close()
        self.chunks.append(growing.chunk)

    def _written(self, cells: Sequence[str]) -> bytes:
        """Return a line in which readers find just these cells, whatever they hold.

        The word ``null`` is quoted: bare, it is how Marketo's own files write that there is no value.
        """
        if "null" in cells:
            return (",".join(map(_quoted, cells)) + "\n").encode()
        self._writer.writerow(cells)
        line = self._buffer.getvalue().removesuffix(_LINE_END)
        self._buffer.seek(0)
        self._buffer.truncate()
        return f"{line}\n".encode()


class _Growing:
    """A file that is being written, with the indices of its rows beside it."""

    def __init__(self, chunk: ImportFile) -> None:
        self.chunk = chunk
        with disk(chunk.path, _REMEDY):
            self._file = chunk.path.open("wb")
            self._indices = chunk.path.with_suffix(".index").open("wb")

    def head(self, line: bytes) -> None:
        self.chunk.size += self._file.write(line)

    def write(self, index: int, line: bytes) -> None:
        try:
            self.chunk.size += self._file.write(line)
            self._indices.write(_INDEX.pack(index))
        except OSError:
            with disk(self.chunk.path, _REMEDY):  # only now, as it would slow down each row
                raise
        self.chunk.rows += 1
        self.chunk.end = index + 1

    def close(self) -> None:
        with disk(self.chunk.path, _REMEDY), self._indices, self._file:
            pass  # both are closed, also if one can't write its last bytes


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def _members(row: Given) -> Mapping[str, object]:
    if isinstance(row, Struct):
        fields = msgspec.structs.fields(row)
        return {field.encode_name: getattr(row, field.name) for field in fields}
    if isinstance(row, Mapping):
        return row
    raise InvalidRequest(f"a row is a mapping or a Struct, not {type(row).__name__}")


def _cell(index: int, name: str, value: object) -> str:
    if value is msgspec.UNSET:
        return ""
    try:
        return as_cell(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"row {index}: {name}: {error}") from error
