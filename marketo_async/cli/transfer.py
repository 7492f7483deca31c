"""Running a bulk export or import from the command line: its gauge, and what is said when it has ended.

Not here: the options (``bulk``), and what a gauge looks like (``gauge``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import typer
from rich.console import RenderableType

from marketo_async import Marketo
from marketo_async.bulk import ExportProgress, ExportReport, ImportProgress, ImportReport
from marketo_async.cli.drain import this_command
from marketo_async.cli.exits import Exit
from marketo_async.cli.gauge import Gauge, Row
from marketo_async.errors import MarketoError

Export = Callable[[Callable[[ExportProgress], None] | None], Awaitable[ExportReport]]
Import = Callable[[Callable[[ImportProgress], None]], Awaitable[ImportReport]]

_VOLUME = 500 * 1_048_576  # what an instance may export a day, as a rule
_MB = 1_048_576


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

    def rows(self) -> Sequence[Row]:
        """Return the bars."""
        now = self.now
        if isinstance(now, ExportProgress):
            used = [] if now.used_today is None else [Row("today", now.used_today, _VOLUME, f"{_mb(now.used_today)}")]
            return [
                Row("windows", now.windows_done, now.windows, f"{now.windows_done} / {now.windows}"),
                Row("jobs", None, None, f"{now.queued} queued, {now.processing} processing"),
                Row("bytes", now.bytes, now.bytes_expected, f"{_mb(now.bytes)} / {_mb(now.bytes_expected)}"),
                Row(now.kind, None, None, f"{now.rows:,} rows"),
                *used,
            ]
        if isinstance(now, ImportProgress):
            done = now.processed + now.failed
            return [
                Row("files", now.files_done, now.files, f"{now.files_done} / {now.files}"),
                Row("jobs", None, None, f"{now.queued} queued, {now.importing} importing"),
                Row("bytes", None, None, _mb(now.bytes)),
                Row(now.kind, done, now.rows, f"{done:,} / {now.rows:,} rows, {now.failed:,} failed"),
            ]
        return [Row("jobs", None, None, "none yet")]


def export(marketo: Marketo, work: Export, path: Path, *, quiet: bool) -> None:
    """Run an export, and say what came; whatever stops it gets a note on how to go on."""
    gauge = TransferGauge(marketo.governor)

    async def go() -> ExportReport:
        async with gauge.shown(quiet=quiet), marketo:
            return await work(None if quiet else gauge.show)  # a hook costs calls, for the volume of the day

    try:
        report = asyncio.run(go())
    except (KeyboardInterrupt, MarketoError, OSError) as error:
        if path.with_name(f"{path.name}.state").exists():
            error.add_note(f"what has come is kept beside {path}; go on with: {this_command()}")
        raise
    if not quiet:
        typer.echo(f"{report.rows:,} rows, {report.bytes:,} bytes in {path} | {gauge.pace()}", err=True)


def load(marketo: Marketo, work: Import, rejects: Path | None, *, quiet: bool) -> None:
    """Run an import, and say what became of its rows; the exit code tells whether all were taken."""
    gauge = TransferGauge(marketo.governor)

    async def go() -> ImportReport:
        async with gauge.shown(quiet=quiet), marketo:
            return await work(gauge.show)

    report = asyncio.run(go())
    if rejects is not None:
        lines = [{"kind": "failure", **_plain(row)} for row in report.failures]
        lines += [{"kind": "warning", **_plain(row)} for row in report.warnings]
        rejects.write_bytes(msgspec.json.Encoder().encode_lines(lines))
    if not quiet:
        failed, warned = len(report.failures), len(report.warnings)
        typer.echo(
            f"{report.processed:,} of {report.rows:,} rows taken, {failed:,} failed, {warned:,} with a warning"
            f" | {gauge.pace()}",
            err=True,
        )
        for row in report.failures[:10]:
            typer.echo(f"row {row.index}: {row.reason}: {row.record}", err=True)
    if report.failures:
        raise typer.Exit(Exit.REFUSED)


def _plain(row: msgspec.Struct) -> dict[str, object]:
    found: dict[str, object] = msgspec.to_builtins(row)
    return found


def _mb(size: int) -> str:
    return f"{size / _MB:,.1f} MB"
