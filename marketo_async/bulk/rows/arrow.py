"""`BatchReader`: turns the bytes of a bulk file into record batches of pyarrow, whose columns have types. Pure.

pyarrow's own CSV reader reads the blocks of which it makes the same rows as ``reader``. All other blocks are read the
exact way, and so are those with a value that does not fit, because only that way knows its row. What pyarrow would read
differently is refused before or after it reads:

- quotes inside a cell, text after a closing quote, a byte order mark at the beginning of a block;
- whole numbers in base 16, numbers without end (``nan``, ``inf``), and years that Python has not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from marketo_async.bulk.rows.attributes import ATTRIBUTES, AttributeColumns
from marketo_async.bulk.rows.reader import Layout, OnBadRow, Reader
from marketo_async.bulk.rows.typed import ColumnTypes, TypedMaker, TypedRow
from marketo_async.models.bulk import FileFormat
from marketo_async.models.columns import ColumnType, UnfitValue

BLOCK = 1_048_576  # bytes to feed at a time: less is slower, more takes memory

ARROW: Mapping[ColumnType, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "bool": pa.bool_(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "date": pa.date32(),
}

_BOM = b"\xef\xbb\xbf"


def schema_of(columns: Sequence[str], types: ColumnTypes) -> pa.Schema:
    """Return the schema of the batches of a file with these columns."""
    fields = {name: ARROW[types.kind(name)] for name in columns}
    if (attributes := types.attributes(columns)) is not None:
        fields |= {name: ARROW[kind] for name, kind in attributes.types.items()}
    return pa.schema(list(fields.items()))


def table_of(batches: Sequence[pa.RecordBatch], columns: Sequence[str], types: ColumnTypes) -> pa.Table:
    """Return batches as one table; without any, a table without rows that has these columns."""
    return pa.Table.from_batches(batches, None if batches else schema_of(columns, types))


class BatchReader:
    """Reads a file in pieces: ``feed`` and ``close`` return the record batches that are complete.

    A row that can't be read, or has a value that does not fit its column, raises `BadRow` after the rows before it are
    returned, or is passed to ``on_bad_row``. The word ``null`` is null, but not in quotes.
    """

    def __init__(self, types: ColumnTypes, *, format: FileFormat = "CSV", on_bad_row: OnBadRow | None = None) -> None:
        self._types = types
        self._reader: Reader[TypedRow | pa.RecordBatch] = Reader(
            self._maker, format=format, on_bad_row=on_bad_row, read_block=self._read_block
        )
        self.schema: pa.Schema | None = None
        self._attributes: AttributeColumns | None = None

    def feed(self, chunk: bytes) -> list[pa.RecordBatch]:
        """Add bytes, ideally ``BLOCK`` of them, and return the rows that they complete."""
        return list(self._batches(self._reader.feed(chunk)))

    def close(self) -> list[pa.RecordBatch]:
        """Return the remaining rows at the end of the file; call it until it returns none."""
        return list(self._batches(self._reader.close()))

    def _maker(self, columns: list[str]) -> TypedMaker:
        self.schema, self._attributes = schema_of(columns, self._types), self._types.attributes(columns)
        return TypedMaker(columns, self._types, json=False)

    def _batches(self, found: Sequence[TypedRow | pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield batches as they are, and the rows between them as batches."""
        for exact, rows in groupby(found, key=lambda one: isinstance(one, dict)):
            if exact:
                yield pa.RecordBatch.from_pylist(list(rows), schema=self.schema)
            else:
                yield from rows

    def _read_block(self, data: bytes, layout: Layout) -> list[TypedRow | pa.RecordBatch] | None:
        """Return the rows of a block, or ``None`` if pyarrow would read it differently."""
        if not data:
            return []
        if not _is_regular(data, layout):
            return None
        try:
            table = self._typed(_read(data, layout, self._types))
        except (pa.ArrowInvalid, UnfitValue):
            return None
        return None if table is None else table.to_batches()

    def _typed(self, table: pa.Table) -> pa.Table | None:
        """Return a table with whole numbers in the place of their text, and attributes as columns.

        ``None`` if pyarrow has read a value that ours does not read.
        """
        for at, name in enumerate(table.column_names):
            column = table.column(at)
            if self._types.kind(name) == "bigint":
                if _has_base_16(column):
                    return None
                table = table.set_column(at, name, column.cast(ARROW["bigint"]))
            elif not _is_in_python(column):
                return None
        return table if self._attributes is None else self._widened(table, self._attributes)

    def _widened(self, table: pa.Table, attributes: AttributeColumns) -> pa.Table:
        """Return a table with the columns of the attributes; raises `UnfitValue`."""
        rows = table.select([ATTRIBUTES]).to_pylist()
        for row in rows:
            attributes.add_to(row)
        for name in (ATTRIBUTES, *attributes.types):
            column = pa.array([row[name] for row in rows], ARROW[attributes.types.get(name, "text")])
            at = table.schema.get_field_index(name)
            table = table.append_column(name, column) if at < 0 else table.set_column(at, name, column)
        return table.combine_chunks()


def _read(data: bytes, layout: Layout, types: ColumnTypes) -> pa.Table:
    """Read a block with the types of its columns, but whole numbers as text: pyarrow's reader also takes base 16."""
    kinds: dict[str, ColumnType] = {name: types.kind(name) for name in layout.columns}
    return csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(column_names=layout.columns, block_size=len(data)),
        parse_options=csv.ParseOptions(
            delimiter=layout.delimiter, newlines_in_values=True, ignore_empty_lines=len(layout.columns) > 1
        ),
        convert_options=csv.ConvertOptions(
            column_types={name: ARROW["text" if kind == "bigint" else kind] for name, kind in kinds.items()},
            null_values=["null"],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _is_regular(data: bytes, layout: Layout) -> bool:
    """Return whether pyarrow splits a block into the same cells as ours."""
    if data.startswith(_BOM):
        return False
    if b'"' not in data:
        return True
    whole = pc.MatchSubstringOptions(_records(layout.delimiter))
    return _every(_call("match_substring_regex", pa.array([data], pa.binary()), whole))


@cache
def _records(delimiter: str) -> str:
    """Return the pattern of records whose quotes enclose whole cells."""
    between = re.escape(delimiter)
    return rf'\A(?:(?:"(?:[^"]|"")*"|[^"{between}\r\n]*)(?:{between}|\r?\n|\z))*\z'


def _has_base_16(column: pa.ChunkedArray) -> bool:
    """Return whether the text of a whole number may be in base 16, which the cast would read."""
    if _every(_call("ascii_is_decimal", column)):
        return False
    letter = pc.MatchSubstringOptions("x", ignore_case=True)
    return not _every(_call("invert", _call("match_substring", column, letter)))


def _is_in_python(column: pa.ChunkedArray) -> bool:
    """Return whether Python has all values of a column: finite numbers, and years from 1 to 9999."""
    if pa.types.is_floating(column.type):
        return _every(_call("is_finite", column))
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        try:
            _call("min_max", column).as_py()
        except (OverflowError, ValueError):
            return False
    return True


def _every(found: pa.ChunkedArray) -> bool:
    """Return whether no value is false; nulls don't count."""
    return _call("all", found).as_py() is not False


def _call(name: str, column: pa.Array | pa.ChunkedArray, options: pc.FunctionOptions | None = None) -> Any:
    """Call one of pyarrow's functions for columns, which its module makes only at run time."""
    return pc.call_function(name, [column], options)
