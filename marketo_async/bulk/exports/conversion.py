"""From an export's text to JSON lines or Parquet, with typed values or text. Only Parquet needs pyarrow."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

import msgspec

from marketo_async.atomic_file import disk
from marketo_async.bulk.rows.reader import BLOCK, DictMaker, OnBadRow, Reader, Row
from marketo_async.bulk.rows.typed import ColumnTypes, TypedMaker, TypedRow
from marketo_async.workthread import WorkThread

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import parquet

_GROUP = 65_536  # rows of one row group of a Parquet file
_AHEAD = 1  # blocks that wait to be written


async def to_json_lines(
    source: IO[bytes], sink: IO[bytes], path: Path, types: ColumnTypes | None, on_bad_row: OnBadRow | None
) -> None:
    """Write one JSON object per row; values are text or null, or have ``types``.

    Errors of the disk name ``path``.
    """
    reader: Reader[Row] | Reader[TypedRow]
    if types is None:
        reader = Reader(DictMaker, on_bad_row=on_bad_row)
    else:
        reader = Reader(partial(TypedMaker, types=types), on_bad_row=on_bad_row)
    thread, encode = WorkThread("marketo-async-rows"), msgspec.json.Encoder().encode_lines
    more = True
    while more:
        block = await thread.run(source.read, BLOCK)
        rows = reader.feed(block) if block else reader.close()
        more = bool(block) or bool(rows)  # a bad row is raised after the rows before it
        with disk(path):  # not around the reader, which may raise an error of on_bad_row
            sink.write(encode(rows))


async def to_parquet(
    source: IO[bytes], sink: IO[bytes], path: Path, types: ColumnTypes, on_bad_row: OnBadRow | None
) -> None:
    """Write a Parquet file whose columns have ``types``. Errors of the disk name ``path``."""
    from marketo_async.bulk.exports.batches import FileBatches  # noqa: PLC0415 - needs pyarrow

    file, thread = FileBatches(types, on_bad_row=on_bad_row), WorkThread("marketo-async-parquet")
    writer = _RowGroups(sink)
    written: deque[asyncio.Task[None]] = deque()  # a row group takes longer than the next block
    try:
        async with aclosing(file.read(source)) as found:
            async for batches in found:
                written.append(asyncio.create_task(thread.run(writer.take, batches)))
                if len(written) > _AHEAD:
                    with disk(path):
                        await written.popleft()
        with disk(path):
            await asyncio.gather(*written)
            await thread.run(writer.close, file.schema)
    except BaseException:
        await asyncio.gather(*written, return_exceptions=True)
        with suppress(Exception):  # else the garbage collector closes it, after the file
            await thread.run(writer.close, file.schema)
        raise


class _RowGroups:
    """Writes record batches to a Parquet file, one row group at a time."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: parquet.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []

    def take(self, batches: list[pa.RecordBatch]) -> None:
        """Hold batches, and write them as soon as they fill a row group."""
        self._held += batches
        if sum(len(batch) for batch in self._held) >= _GROUP:
            self._flush(batches[0].schema)

    def close(self, schema: pa.Schema) -> None:
        """Write the batches that are held, and the end of the file."""
        self._flush(schema).close()

    def _flush(self, schema: pa.Schema) -> parquet.ParquetWriter:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        self._writer = self._writer or parquet.ParquetWriter(self._file, schema)
        held, self._held = self._held, []
        if held:
            self._writer.write_table(pa.Table.from_batches(held, schema=schema))
        return self._writer
