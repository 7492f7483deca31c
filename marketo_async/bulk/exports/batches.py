"""`FileBatches`: the record batches of one file of an export; a thread reads them, a block ahead."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import IO

import pyarrow as pa

from marketo_async.bulk.rows.arrow import BLOCK, BatchReader
from marketo_async.bulk.rows.reader import OnBadRow
from marketo_async.bulk.rows.typed import ColumnTypes
from marketo_async.errors import BadRow
from marketo_async.models.bulk import FileFormat
from marketo_async.workthread import WorkThread

_Step = tuple[list[pa.RecordBatch], list[BadRow], bool]


class FileBatches:
    """The record batches of one file, whose columns have ``types``; ``on_bad_row`` is called in the event loop."""

    def __init__(self, types: ColumnTypes, *, format: FileFormat = "CSV", on_bad_row: OnBadRow | None = None) -> None:
        self._bad: list[BadRow] = []
        self._on_bad_row = on_bad_row
        self._reader = BatchReader(types, format=format, on_bad_row=self._bad.append if on_bad_row else None)
        self._thread = WorkThread("marketo-async-batches")

    @property
    def schema(self) -> pa.Schema | None:
        """The schema of the batches; ``None`` until the header is read."""
        return self._reader.schema

    async def read(self, source: IO[bytes], *, mark: bytes = b"") -> AsyncGenerator[list[pa.RecordBatch], None]:
        """Yield the batches of each block of a file, without ``mark`` in its header; raises `BadRow`."""
        head = (await self._thread.run(source.readline)).replace(mark, b"") if mark else b""
        ahead = self._ahead(source, head)
        try:
            more = True
            while more:
                batches, bad, more = await ahead
                if more:
                    ahead = self._ahead(source)
                for row in bad:
                    if self._on_bad_row is not None:
                        self._on_bad_row(row)
                if batches:
                    yield batches
        finally:
            ahead.cancel()

    def _ahead(self, source: IO[bytes], head: bytes = b"") -> asyncio.Task[_Step]:
        task = asyncio.create_task(self._thread.run(self._step, source, head))
        task.add_done_callback(_take_error)
        return task

    def _step(self, source: IO[bytes], head: bytes) -> _Step:
        """Read one block: its batches, its bad rows, and whether there may be more."""
        block = head + source.read(BLOCK)
        if block:
            block += source.readline()  # whole lines are not copied again
        found = self._reader.feed(block) if block else self._reader.close()
        bad = self._bad.copy()
        self._bad.clear()
        return found, bad, bool(block or found)


def _take_error(task: asyncio.Task[_Step]) -> None:
    """Take the error of a block that nothing waits for any more; it would be logged otherwise."""
    if not task.cancelled():
        task.exception()
