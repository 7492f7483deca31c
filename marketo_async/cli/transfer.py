"""Running a bulk export or import from the command line: its gauge, and what is said when it has ended.

Not here: the options (``bulk``), and what a gauge looks like (``gauge``).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory

import typer
from rich.console import RenderableType

from marketo_async import Marketo
from marketo_async.bulk import ExportProgress, ExportReport, ImportProgress, ImportReport, Rejected
from marketo_async.cli.drain import this_command
from marketo_async.cli.exits import Exit
from marketo_async.cli.gauge import Gauge, GaugeRow
from marketo_async.cli.output import STDOUT
from marketo_async.cli.rejects import RejectsFile
from marketo_async.errors import ImportStopped, MarketoError

ExportCall = Callable[[Path, Callable[[ExportProgress], None] | None], Awaitable[ExportReport]]
Import = Callable[[Callable[[ImportProgress], None], Callable[[list[Rejected]], None]], Awaitable[ImportReport]]

_VOLUME = 500 * 1_048_576  # what an instance may export a day, as a rule
_MB = 1_048_576
_SHOWN = 10  # failures, or files, that are named one by one


class TransferGauge(Gauge):
    """Shows how far a bulk export or import is, beside what the governor lets through."""

    now: ExportProgress | ImportProgress | None = None

    def line(self) -> str:
        """Return everything in one line of plain text."""
        told = ", ".join(f"{row.name} {row.figures}" for row in self.rows())
        return f"{told} | {self.pace()}"

    def panel(self) -> RenderableType:
        """Return everything as bars in a frame."""
        return self.framed(self.rows())

    def show(self, progress: ExportProgress | ImportProgress) -> None:
        """Take what a hook is told."""
        self.now = progress

    def rows(self) -> Sequence[GaugeRow]:
        """Return the bars."""
        now = self.now
        if isinstance(now, ExportProgress):
            used = (
                [] if now.used_today is None else [GaugeRow("today", now.used_today, _VOLUME, f"{_mb(now.used_today)}")]
            )
            return [
                GaugeRow("windows", now.windows_done, now.windows, f"{now.windows_done} / {now.windows}"),
                GaugeRow("jobs", None, None, f"{now.queued} queued, {now.processing} processing"),
                GaugeRow("bytes", now.bytes, now.bytes_expected, f"{_mb(now.bytes)} / {_mb(now.bytes_expected)}"),
                GaugeRow(now.kind, None, None, f"{now.rows:,} rows"),
                *used,
            ]
        if isinstance(now, ImportProgress):
            done = now.processed + now.failed
            return [
                GaugeRow("files", now.files_done, now.files, f"{now.files_done} / {now.files}"),
                GaugeRow("jobs", None, None, f"{now.queued} queued, {now.importing} importing"),
                GaugeRow("bytes", None, None, _mb(now.bytes)),
                GaugeRow(now.kind, done, now.rows, f"{done:,} / {now.rows:,} rows, {now.failed:,} failed"),
            ]
        return [GaugeRow("jobs", None, None, "none yet")]


def export(marketo: Marketo, work: ExportCall, path: Path, *, quiet: bool) -> None:
    """Run an export, and say what came; whatever stops it gets a note on how to go on.

    For stdout, the file is made in a temporary folder and copied once it is whole: CSV unless a format is named. Such
    an export can't be resumed.
    """
    if path == STDOUT:
        with TemporaryDirectory(prefix="marketo-async-") as folder:
            whole = Path(folder) / "stdout.csv"
            _export(marketo, work, whole, "stdout", quiet=quiet)
            with whole.open("rb") as file:
                copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        return
    try:
        _export(marketo, work, path, str(path), quiet=quiet)
    except (KeyboardInterrupt, MarketoError, OSError) as error:
        if path.with_name(f"{path.name}.state").exists():
            error.add_note(f"what has come is kept beside {path}; go on with: {this_command()}")
        raise


def _export(marketo: Marketo, work: ExportCall, path: Path, shown: str, *, quiet: bool) -> None:
    gauge = TransferGauge(marketo.governor)

    async def go() -> ExportReport:
        async with gauge.shown(quiet=quiet), marketo:
            return await work(path, None if quiet else gauge.show)  # a hook costs calls, for the volume of the day

    report = asyncio.run(go())
    if not quiet:
        typer.echo(f"{report.rows:,} rows, {report.bytes:,} bytes in {shown} | {gauge.pace()}", err=True)


def load(marketo: Marketo, work: Import, rejects: Path | None, *, quiet: bool) -> None:
    """Run an import, and say what became of its rows; the exit code is that of a failure unless all were taken."""
    gauge = TransferGauge(marketo.governor)

    with RejectsFile(rejects) as rejected:

        async def go() -> ImportReport:
            async with gauge.shown(quiet=quiet), marketo:
                return await work(gauge.show, rejected.add)

        try:
            report = asyncio.run(go())
        except (KeyboardInterrupt, ImportStopped) as error:
            if isinstance(gauge.now, ImportProgress) and gauge.now.files:
                rejected.begin()
                error.add_note(rejected.summary())
            for note in _left_open(error) if isinstance(error, ImportStopped) else ():
                error.add_note(note)
            raise
        rejected.begin()
    if not quiet:
        for line in _summary(report, gauge.pace()):
            typer.echo(line, err=True)
    if rejected.error is not None:
        raise rejected.error
    if not report.all_taken:
        raise typer.Exit(Exit.REFUSED)


def _summary(report: ImportReport, pace: str) -> Iterator[str]:
    """Yield what there is to say of an import, its result first."""
    warned = len(report.warnings) + sum(one.rows or 0 for one in report.unlisted if one.kind == "warning")
    taken = f"{report.processed:,} of {report.rows:,} rows taken"
    yield f"{taken}, {report.failed:,} failed, {warned:,} with a warning | {pace}"
    if report.uncounted:
        yield f"{report.uncounted:,} rows are in none of Marketo's counts: it is not known whether they were taken"
    for one in report.unlisted:
        count = "an unknown number" if one.rows is None else f"{one.rows:,}"
        what = "failed" if one.kind == "failure" else "have a warning"
        rows = f"{count} of rows {one.first:,} to {one.end - 1:,}"
        yield f"import {one.batch_id}: {rows} {what}, but which is not known: {one.reason}"
    for row in report.failures[:_SHOWN]:
        yield f"row {'?' if row.index is None else row.index}: {row.reason}: {row.record}"


def _left_open(error: ImportStopped) -> Iterator[str]:
    """Yield which rows were not taken, or not for certain; those of one file need not follow each other."""
    for first, behind in error.unknown[:_SHOWN]:
        rows = f"some of rows {first:,} to {behind - 1:,}"
        yield f"sent, but not known to be taken: {rows}; look at the instance before you send them again"
    for first, behind in error.unsent[:_SHOWN]:
        yield f"not sent: some of rows {first:,} to {behind - 1:,}"


def _mb(size: int) -> str:
    return f"{size / _MB:,.1f} MB"
