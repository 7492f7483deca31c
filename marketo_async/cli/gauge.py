"""`Gauge`: shows the progress of a run, from the governor's snapshot and the records counted so far.

A terminal is redrawn ten times a second; anything else gets a line every five seconds. Both go to stderr, so they never
mix with data. See ``drain`` and ``transfer`` for the summary at the end.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import typer
from msgspec import Struct
from rich.console import Console, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from marketo_async import Governor

_FRAME = 0.1
_LINE = 5.0
_WIDEST = 88
_FIGURES = 23  # wide enough for most figures, so that the bars keep their length


class Tally:
    """Counts the records of one drain as they come, out of ``total`` if that is known."""

    def __init__(self, noun: str, total: int | None = None, *, records: int = 0) -> None:
        self.noun = noun
        self.total = total
        self.records = records

    def __str__(self) -> str:
        total = "" if self.total is None else f" of {self.total:,}"
        return f"{self.records:,}{total} {self.noun}"

    def add(self, records: int) -> None:
        """Count more records."""
        self.records += records


class GaugeRow(Struct, frozen=True):
    """One line of a gauge: a name, the part of a total that is done if known, and the figures as text."""

    name: str
    done: int | None
    total: int | None
    figures: str


class Gauge:
    """Shows the calls that ``governor`` admits and the records that ``tallies`` count."""

    def __init__(self, governor: Governor, *tallies: Tally) -> None:
        self._governor = governor
        self._tallies = tallies
        self._started = time.monotonic()
        self._console = Console(stderr=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the gauge was made."""
        return time.monotonic() - self._started

    def line(self) -> str:
        """Return the progress as one line of plain text."""
        now, limits = self._governor.snapshot(), self._governor.limits
        return (
            f"{', '.join(map(str, self._tallies))} | {self.pace()}"
            f" | window {now.window_used}/{limits.calls} | in flight {now.in_flight}/{limits.concurrency}"
            f" | quota {now.used_today:,}/{limits.daily:,}"
        )

    def panel(self) -> RenderableType:
        """Return the progress as bars in a frame; its height never changes."""
        now, limits = self._governor.snapshot(), self._governor.limits
        grid = _grid()
        for tally in self._tallies:
            figures = f"{tally.records:,}" if tally.total is None else f"{tally.records:,} / {tally.total:,}"
            bar = "" if tally.total is None else _bar(tally.records, tally.total, "green")
            grid.add_row(tally.noun, bar, f"{figures} records")
        window = f"{now.window_used} / {limits.calls} in {limits.per:g} s"
        grid.add_row("window", _bar(now.window_used, limits.calls, "cyan"), window)
        grid.add_row(
            "in flight", _bar(now.in_flight, limits.concurrency, "cyan"), f"{now.in_flight} / {limits.concurrency}"
        )
        grid.add_row(
            "quota", _bar(now.used_today, limits.daily, "cyan"), f"{now.used_today:,} / {limits.daily:,} today"
        )
        short = "the window" if now.window_used >= now.window_share else "a slot"
        waiting = f", {now.waiting} waiting for {short}" if now.waiting else ""
        return self._frame(grid, waiting)

    def framed(self, rows: Sequence[GaugeRow]) -> RenderableType:
        """Return ``rows`` in a frame, each with a bar if its total is known."""
        grid = _grid()
        for row in rows:
            bar = "" if row.total is None else _bar(row.done or 0, row.total, "green")
            grid.add_row(row.name, bar, row.figures)
        return self._frame(grid)

    def _frame(self, grid: Table, waiting: str = "") -> RenderableType:
        footer = Text(f"{self.pace()}{waiting}", style="dim", no_wrap=True, overflow="ellipsis")
        return Panel(
            grid,
            title=Text("marketo-async", style="bold"),
            subtitle=footer,
            width=min(self._console.width, _WIDEST),
            border_style="dim",
        )

    @asynccontextmanager
    async def shown(self, *, quiet: bool = False) -> AsyncIterator[None]:
        """Show the gauge while the block runs, unless ``quiet``."""
        # FORCE_COLOR makes rich treat any stream as a terminal, so isatty decides.
        if quiet:
            yield
        elif sys.stderr.isatty() and not self._console.is_dumb_terminal:
            with Live(self.panel(), console=self._console, auto_refresh=False, transient=True) as live:
                async with _repeated(_FRAME, lambda: live.update(self.panel(), refresh=True)):
                    yield
        else:
            async with _repeated(_LINE, lambda: typer.echo(self.line(), err=True)):
                yield

    def pace(self) -> str:
        """Return the seconds, the calls and the calls per second so far, as text."""
        calls, elapsed = self._governor.snapshot().granted, self.elapsed
        return f"{elapsed:.1f} s, {calls:,} calls, {calls / max(elapsed, 1e-9):.2f} calls/s"


@asynccontextmanager
async def _repeated(every: float, paint: Callable[[], None]) -> AsyncIterator[None]:
    """Call ``paint`` repeatedly, ``every`` so many seconds, while the block runs."""

    async def forever() -> None:
        while True:
            await asyncio.sleep(every)
            paint()

    painting = asyncio.ensure_future(forever())
    try:
        yield
    finally:
        painting.cancel()
        await asyncio.wait([painting])
        if not painting.cancelled():
            painting.result()


def _grid() -> Table:
    """Return a table of names, bars and figures."""
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True, justify="right", min_width=_FIGURES)
    return grid


def _bar(done: int, total: int, style: str) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=done, complete_style=style, finished_style=style)
