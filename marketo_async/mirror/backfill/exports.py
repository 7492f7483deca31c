"""Reads the files of export jobs in blocks of rows, and keeps each file until its rows are loaded.

A file's name holds what it was asked with, so that another run finds the same file, or resumes its job.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from hashlib import sha256
from pathlib import Path

import anyio
import msgspec
from msgspec import Struct

from marketo_async.atomic_file import disk, replace_file
from marketo_async.bulk.progress import ExportReport
from marketo_async.bulk.rows.reader import BLOCK, DictMaker, OnBadRow, Reader, Row
from marketo_async.mirror.backfill.context import LoadContext
from marketo_async.mirror.plan import JOB_CALLS
from marketo_async.workthread import WorkThread

BLOCK_ROWS = 5_000
_NAME = 16  # characters of a file's digest


class ExportedFile(Struct, frozen=True):
    """A whole file of an export, and when its job was asked for at the earliest, in epoch seconds."""

    path: Path
    read_at: float

    def drop(self) -> None:
        """Remove the file; for after its rows are loaded."""
        self.path.unlink(missing_ok=True)
        _beside(self.path).unlink(missing_ok=True)


async def exported_file(
    context: LoadContext,
    name: str,
    asked: object,
    export: Callable[[Path, bool], Awaitable[ExportReport]],
    *,
    size: int = 0,
) -> ExportedFile:
    """Return the file of an export: the one that another run has left, or that of ``export``, once the day allows it.

    ``asked`` is everything that the file depends on. ``export`` receives the path, and whether to start over. ``size``
    is how many bytes it will have, about.
    """
    digest = sha256(msgspec.json.encode(asked)).hexdigest()[:_NAME]
    path = context.folder / f"{name}-{digest}.csv"
    state = path.with_name(f"{path.name}.state")
    if not path.exists() or state.exists():
        await context.meter.allow(calls=JOB_CALLS, exported=size)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        read_at = float(_beside(path).read_text())
    except (FileNotFoundError, ValueError):
        read_at = context.clock()
        replace_file(_beside(path), str(read_at).encode())
        start_over = True
    else:
        start_over = False
        if path.exists() and not state.exists():
            return ExportedFile(path, read_at)
    report = await export(path, start_over)
    context.meter.export(sum(job.file_size or 0 for job in report.jobs))
    return ExportedFile(path, read_at)


async def row_blocks(path: Path, on_bad_row: OnBadRow) -> AsyncGenerator[list[Row], None]:
    """Yield the rows of a file, some thousands at a time. Cells of the word ``null`` are ``None``."""
    reader: Reader[Row] = Reader(DictMaker, on_bad_row=on_bad_row)
    thread = WorkThread("marketo-mirror-rows")
    rows: list[Row] = []
    with path.open("rb") as file:
        more = True
        while more:
            with disk(path):
                block = await thread.run(file.read, BLOCK)
            found = reader.feed(block) if block else reader.close()
            more = bool(block) or bool(found)
            rows += found
            if len(rows) >= BLOCK_ROWS:
                yield rows
                rows = []
                await anyio.lowlevel.checkpoint()
    if rows:
        yield rows


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.asked")
