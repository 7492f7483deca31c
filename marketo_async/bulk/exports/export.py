"""The results of an export: rows one by one, record batches, or a file that a later run can resume.

Rows are read from files that were downloaded and checked first. So a slow reader occupies no slot, and no row comes
from a damaged file. See ``request`` for the selections, and ``rows.reader`` for the rows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, TypeVar, cast

from msgspec import Struct

from marketo_async.atomic_file import disk
from marketo_async.bulk.arrow_extra import RecordBatch
from marketo_async.bulk.exports.output import ExportOutput, OutputFormat, format_of
from marketo_async.bulk.exports.request import Calls, ExportRequest
from marketo_async.bulk.exports.run import ExportRun, Hook
from marketo_async.bulk.exports.state import StateFile, new_state
from marketo_async.bulk.progress import ExportReport
from marketo_async.bulk.rows.reader import BLOCK, DictMaker, Maker, OnBadRow, Reader, StructMaker
from marketo_async.bulk.rows.typed import ColumnTypes
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.workthread import WorkThread

T = TypeVar("T")


class RowOptions(Struct, Generic[T], frozen=True, kw_only=True):
    """How rows are read: as instances of ``model``; the word ``null`` as ``None`` or as text; the hook for bad rows."""

    model: type[T]
    null: bool = True
    on_bad_row: OnBadRow | None = None

    def maker(self, columns: list[str]) -> Maker[T]:
        """Return a maker of rows with these columns."""
        if isinstance(self.model, type) and issubclass(self.model, Struct):
            return cast("Maker[T]", StructMaker(columns, self.model))
        return cast("Maker[T]", DictMaker(columns))


class ExportOptions(Struct, frozen=True, kw_only=True):
    """How an export runs: its polling, its progress hook, and the day's volume before it, which the hook receives."""

    polling: Polling
    hook: Hook | None = None
    used_before: int | None = None


async def rows(
    calls: Calls[Any], request: ExportRequest[Any], slots: JobSlots, options: ExportOptions, row_options: RowOptions[T]
) -> AsyncGenerator[T, None]:
    """Yield the rows of all windows, in order, from files in a temporary folder."""
    async with aclosing(_windows(calls, request, slots, options)) as windows:
        async for path, mark in windows:
            async with aclosing(_read(path, request, mark, row_options)) as found:
                async for row in found:
                    yield row


async def record_batches(
    calls: Calls[Any],
    request: ExportRequest[Any],
    slots: JobSlots,
    options: ExportOptions,
    types: ColumnTypes,
    on_bad_row: OnBadRow | None,
) -> AsyncGenerator[RecordBatch, None]:
    """Yield the rows of all windows, in order, as record batches whose columns have ``types``."""
    from marketo_async.bulk.exports.batches import FileBatches  # noqa: PLC0415 - needs pyarrow

    async with aclosing(_windows(calls, request, slots, options)) as windows:
        async for path, mark in windows:
            file = FileBatches(types, format=request.format, on_bad_row=on_bad_row)
            with path.open("rb") as source:
                async with aclosing(file.read(source, mark=mark.encode())) as found:
                    async for some in found:
                        for batch in some:
                            yield batch


async def _windows(
    calls: Calls[Any], request: ExportRequest[Any], slots: JobSlots, options: ExportOptions
) -> AsyncGenerator[tuple[Path, str], None]:
    """Yield the file of each window, in order, and the mark in its header; the file exists until the next one."""
    state_file = StateFile(new_state(request.arguments(), request.parts(), slots.rng))
    with TemporaryDirectory(prefix="marketo-async-") as folder:
        run = _export_run(calls, request, slots, options, state_file, lambda number: Path(folder, str(number)))
        with slots.running(run):
            try:
                async with aclosing(run.files()) as files:
                    async for number in files:
                        window = state_file.state.windows[number]
                        yield run.path(number), window.mark
                        run.path(number).unlink()
                        window.written = True
                        run.report()
            finally:
                await run.abandon()


def _export_run(
    calls: Calls[Any],
    request: ExportRequest[Any],
    slots: JobSlots,
    options: ExportOptions,
    state_file: StateFile,
    path: Callable[[int], Path],
) -> ExportRun:
    return ExportRun(
        calls,
        slots,
        options.polling,
        state_file,
        path,
        kind=request.kind,
        hook=options.hook,
        used_before=options.used_before,
    )


async def _read(
    path: Path, request: ExportRequest[Any], mark: str, row_options: RowOptions[T]
) -> AsyncGenerator[T, None]:
    """Yield the rows of one file, without the window's mark in its header."""
    reader: Reader[T] = Reader(
        row_options.maker, format=request.format, null=row_options.null, on_bad_row=row_options.on_bad_row
    )
    thread = WorkThread("marketo-async-rows")
    with path.open("rb") as file:
        with disk(path):
            block = (await thread.run(file.readline)).replace(mark.encode(), b"")
        while block:
            for row in reader.feed(block):
                yield row
            with disk(path):
                block = await thread.run(file.read, BLOCK)
    while rest := reader.close():
        for row in rest:
            yield row


async def to_file(
    calls: Calls[Any],
    request: ExportRequest[Any],
    slots: JobSlots,
    options: ExportOptions,
    path: Path,
    *,
    output: OutputFormat | None,
    start_over: bool,
    types: ColumnTypes | None = None,
    on_bad_row: OnBadRow | None = None,
) -> ExportReport:
    """Write all windows to one file, and return a report; if this is cancelled, so are the jobs that still run.

    The values of JSON lines and Parquet have ``types``, or are text.
    """
    kind = format_of(path, output)
    arguments = {"instance": slots.instance, **request.arguments()}
    with ExportOutput(path, start_over=start_over) as target:
        every = list(request.fields) if request.every else None
        state_file = target.state_file(
            lambda: new_state(arguments, request.parts(), slots.rng, span=request.span, fields=every)
        )
        if request.every:
            _keep_fields(calls, state_file)
        run = _export_run(calls, request, slots, options, state_file, target.window)
        with slots.running(run):
            try:
                async with aclosing(run.files()) as files:
                    async for number in files:
                        await target.append(state_file, number, target.window(number))
                        run.report()
            except asyncio.CancelledError:
                await run.abandon()
                raise
        columns = request.columns(calls.fields)
        size = await target.finish(state_file, kind, columns=columns, types=types, on_bad_row=on_bad_row)
    return ExportReport(
        path=str(path),
        jobs=[run.jobs[number] for number in sorted(run.jobs)],
        rows=state_file.state.rows,
        bytes=size,
        resumed=target.resumed,
        dropped=state_file.state.dropped,
    )


def _keep_fields(calls: Calls[Any], state_file: StateFile) -> None:
    """Take the fields of an earlier run, and save those that are dropped before a job depends on it."""
    state = state_file.state
    calls.fields = state.fields or calls.fields

    def keep(dropped: list[str]) -> None:
        state.fields, state.dropped = calls.fields, dropped
        state_file.save()

    calls.on_dropped = keep
