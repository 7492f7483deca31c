"""Runs a bulk export or import from the command line, with its gauge and its summary.

See ``exports`` and ``imports`` for the options, and ``gauge`` for the display.
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
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
from marketo_async.errors import ImportStopped, InvalidRequest, MarketoError

ExportCall = Callable[[Path, Callable[[ExportProgress], None] | None], Awaitable[ExportReport]]
ImportCall = Callable[
    [Path, Callable[[ImportProgress], None], Callable[[list[Rejected]], None]], Awaitable[ImportReport]
]

_VOLUME = 500 * 1_048_576  # the usual daily export volume of an instance
_MB = 1_048_576
_SHOWN = 10  # failures or ranges that are listed one by one


class TransferGauge(Gauge):
    """Shows the progress of a bulk export or import, and the pace of calls."""

    now: ExportProgress | ImportProgress | None = None

    def line(self) -> str:
        """Return the progress as one line of plain text."""
        figures = ", ".join(f"{row.name} {row.figures}" for row in self.rows())
        return f"{figures} | {self.pace()}"

    def panel(self) -> RenderableType:
        """Return the progress as bars in a frame."""
        return self.framed(self.rows())

    def show(self, progress: ExportProgress | ImportProgress) -> None:
        """Keep the progress that a hook received."""
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
                GaugeRow("jobs", None, None, f"{now.queued} queued, {now.importing} importing{_batches(now)}"),
                GaugeRow("bytes", None, None, _mb(now.bytes)),
                GaugeRow(now.kind, done, now.rows, f"{done:,} / {now.rows:,} rows, {now.failed:,} failed"),
            ]
        return [GaugeRow("jobs", None, None, "none yet")]


def _batches(now: ImportProgress) -> str:
    return f" (import {', '.join(map(str, now.under_way))})" if now.under_way else ""


def export(marketo: Marketo, work: ExportCall, path: Path, *, quiet: bool) -> None:
    """Run an export and print its summary; an exception gets a note that says how to resume.

    For stdout, the file is made in a temporary folder and copied when it is complete; the default format is CSV. An
    export to stdout can't be resumed.
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
            error.add_note(f"the data received so far is kept beside {path}; resume with: {this_command()}")
        raise


def _export(marketo: Marketo, work: ExportCall, path: Path, shown: str, *, quiet: bool) -> None:
    gauge = TransferGauge(marketo.governor)

    async def run() -> ExportReport:
        async with gauge.shown(quiet=quiet), marketo:
            return await work(path, None if quiet else gauge.show)  # a hook costs calls: it asks for the day's volume

    report = asyncio.run(run())
    if not quiet and report.dropped:
        typer.echo(f"not exported, as the instance refuses these fields: {', '.join(report.dropped)}", err=True)
    if not quiet:
        typer.echo(f"{report.rows:,} rows, {report.bytes:,} bytes in {shown} | {gauge.pace()}", err=True)


def load(
    marketo: Marketo,
    work: ImportCall,
    file: str,
    rejects: Path | None,
    *,
    lookup: Sequence[str],
    dry_run: bool,
    quiet: bool,
) -> None:
    """Run an import of a file and print its summary; exits with ``Exit.REFUSED`` unless Marketo took all rows.

    An interrupted import gets a note with the command that looks up the files under way: the operation ``lookup`` and
    its first arguments, before the batch id.
    """
    gauge = TransferGauge(marketo.governor)

    with _input(file) as path, RejectsFile(rejects) as rejected:

        async def run() -> ImportReport:
            async with gauge.shown(quiet=quiet), marketo:
                return await work(path, gauge.show, rejected.add)

        try:
            report = asyncio.run(run())
        except (KeyboardInterrupt, ImportStopped) as error:
            if isinstance(gauge.now, ImportProgress):
                _add_notes(error, gauge.now, rejected, lookup)
            raise
        if not dry_run:
            rejected.begin()
    if dry_run:
        typer.echo(_planned(report))
        return
    if not quiet:
        for line in _summary(report, gauge.pace()):
            typer.echo(line, err=True)
    if rejected.error is not None:
        raise rejected.error
    if not report.all_taken:
        raise typer.Exit(Exit.REFUSED)


@contextmanager
def _input(file: str) -> Iterator[Path]:
    """Yield the path of a file; stdin and pipes, which can be read only once, are copied to one."""
    stdin = Path(file) == STDOUT
    if not stdin and (not Path(file).exists() or Path(file).is_dir()):
        raise InvalidRequest(f"{file} is not a file; check the path, or pass - for stdin")
    if not stdin and Path(file).is_file():
        yield Path(file)
        return
    with TemporaryDirectory(prefix="marketo-async-") as folder:
        copy = Path(folder) / "stdin.csv"
        with copy.open("wb") as target:
            if stdin:
                copyfileobj(typer.get_binary_stream("stdin"), target)
            else:
                with Path(file).open("rb") as pipe:
                    copyfileobj(pipe, target)
        yield copy


def _planned(report: ImportReport) -> str:
    """Return what an import would do; a file needs a call to send it and at least one for its status."""
    return f"rows: {report.rows:,}, files: {report.files:,}, calls: at least {2 * report.files:,}; nothing was sent"


def _add_notes(
    error: KeyboardInterrupt | ImportStopped, now: ImportProgress, rejected: RejectsFile, lookup: Sequence[str]
) -> None:
    """Say what an import that ended early has done: its rejects, its open rows, and how to look up its files."""
    if now.files:
        rejected.begin()
        error.add_note(rejected.summary())
    for note in _left_open(error) if isinstance(error, ImportStopped) else ():
        error.add_note(note)
    for batch_id in now.under_way[:_SHOWN]:
        command = shlex.join(["marketo-async", "call", *lookup, str(batch_id)])
        error.add_note(f"sent, and its result is not known: import {batch_id}; look it up with: {command}")


def _summary(report: ImportReport, pace: str) -> Iterator[str]:
    """Yield the lines of an import's summary, the result first."""
    warned = len(report.warnings) + sum(one.rows or 0 for one in report.unlisted if one.kind == "warning")
    taken = f"{report.processed:,} of {report.rows:,} rows taken"
    yield f"{taken}, {report.failed:,} failed, {warned:,} with a warning | {pace}"
    if report.uncounted:
        yield f"{report.uncounted:,} rows are missing from Marketo's counts: it is not known whether they were taken"
    for one in report.unlisted:
        count = "an unknown number" if one.rows is None else f"{one.rows:,}"
        what = "failed" if one.kind == "failure" else "have a warning"
        rows = f"{count} of rows {one.first:,} to {one.end - 1:,}"
        yield f"import {one.batch_id}: {rows} {what}, but it is not known which: {one.reason}"
    for row in report.failures[:_SHOWN]:
        yield f"row {'?' if row.index is None else row.index}: {row.reason}: {row.record}"


def _left_open(error: ImportStopped) -> Iterator[str]:
    """Yield the ranges of rows that were not taken, or maybe not; rows of one file need not be adjacent."""
    for first, end in error.unknown[:_SHOWN]:
        rows = f"some of rows {first:,} to {end - 1:,}"
        yield f"sent, but not known to be taken: {rows}; check the instance before you send them again"
    for first, end in error.unsent[:_SHOWN]:
        yield f"not sent: some of rows {first:,} to {end - 1:,}"


def _mb(size: int) -> str:
    return f"{size / _MB:,.1f} MB"
