"""``demo``: reads a sandbox with Marketo's limits at full speed, and reports what happened.

The sandbox, not the client, counts refusals, calls in the window and calls in flight, by its own clock. See
``least_time`` for the bound that the time is compared with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from msgspec import Struct
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from marketo_async import Governor, Limits, Marketo, Pager
from marketo_async.cli.gauge import Gauge, Tally
from marketo_async.cli.least_time import LeastTime
from marketo_async.sandbox import Sandbox, Stats

T = TypeVar("T")

LEADS = 30_000
ACTIVITIES = 22_000
LATENCY = 0.5
SEED = 7

_SPREAD = 0.4
_SHARDS = 20
_TYPES = (1, 2, 6, 7, 10, 11, 12, 13, 22)  # the types a sandbox generates; a listing takes up to ten


class Drained(Struct, frozen=True):
    """Counts of one drain: the records on the instance, the records received, and the distinct ones of those."""

    there: int
    came: int
    different: int

    @property
    def flaw(self) -> str | None:
        """The missing and doubled records in words, or ``None`` if there are none."""
        missing, doubled = self.there - self.different, self.came - self.different
        return f"{missing:,} missing, {doubled:,} doubled" if missing or doubled else None


class DemoResult(Struct, frozen=True, kw_only=True):
    """The result of a demo: times by the client's clock, counts by the sandbox."""

    leads: Drained
    activities: Drained
    elapsed: float
    stats: Stats
    bound: LeastTime

    @property
    def refused(self) -> int:
        """The number of calls that the sandbox refused because they broke a limit."""
        return self.stats.refused.total()

    @property
    def flawless(self) -> bool:
        """Whether every record came exactly once and no call was refused."""
        return not (self.leads.flaw or self.activities.flaw or self.refused)

    def report(self) -> RenderableType:
        """Return the table, followed by the bound in one line."""
        bound, stats = self.bound, self.stats
        limits = bound.limits
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        table.add_column("")
        table.add_column("this run", justify="right", style="bold")
        table.add_column("the limit", justify="right")
        table.add_column("", style="dim")
        table.add_row("leads", f"{self.leads.came:,}", "", self.leads.flaw or "by id, each once")
        activities = self.activities.flaw or f"a day in {_SHARDS} shards, each once"
        table.add_row("activities", f"{self.activities.came:,}", "", activities)
        table.add_row("calls", f"{stats.calls:,}", f"{limits.daily:,} a day", "counted by the sandbox")
        table.add_row("refused", f"{self.refused:,}", "", "codes 606, 607 and 615")
        window = f"{limits.calls:,} in {limits.per:g} s"
        table.add_row("peak window", f"{stats.peak_window:,}", window, "counted by the sandbox")
        table.add_row(
            "most in flight", f"{stats.max_in_flight}", f"{limits.concurrency} at once", "counted by the sandbox"
        )
        table.add_row("time", f"{self.elapsed:.2f} s", f"{bound.seconds:.2f} s", "the bound below")
        reached = f"{bound.seconds / self.elapsed:.1%} of the possible pace" if bound.seconds else ""
        table.add_row("calls a second", _pace(stats.calls, self.elapsed), _pace(stats.calls, bound.seconds), reached)
        return Group(table, Text(f"The bound: {bound}."), Text())


def around(latency: float) -> tuple[float, float]:
    """Return a mean latency and a spread like a real instance's: 0.5 s becomes 0.3 to 0.7 s."""
    return latency, latency * _SPREAD


async def run(
    *, leads: int, activities: int, latency: float, seed: int, quiet: bool, limits: Limits | None = None
) -> DemoResult:
    """Start a sandbox, read its leads and a day of its activities concurrently, and return the result."""
    limits = limits or Limits()
    # The oldest activity is just under a day older than the sandbox, whose clock continues to run.
    since = datetime.now(UTC) - timedelta(days=1, seconds=2)
    instance = Sandbox(leads=leads, activities=activities, limits=limits, latency=around(latency), seed=seed)
    async with instance as sandbox:
        until = datetime.now(UTC) + timedelta(seconds=1)
        governor = Governor(limits)
        people, deeds = Tally("leads", leads), Tally("activities", activities)
        marketo = Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        )
        gauge = Gauge(governor, people, deeds)
        async with marketo, gauge.shown(quiet=quiet):
            by_id = marketo.leads.by_filter("id", range(1, leads + 1), fields=["id", "email"])
            of_the_day = marketo.activities.between(since, until, types=_TYPES, shards=_SHARDS)
            ids, guids = await asyncio.gather(
                _keys(by_id, people, lambda lead: lead["id"]),
                _keys(of_the_day, deeds, lambda activity: activity.marketo_guid),
            )
            elapsed = gauge.elapsed
        return DemoResult(
            leads=Drained(leads, people.records, len(ids)),
            activities=Drained(activities, deeds.records, len(guids)),
            elapsed=elapsed,
            stats=sandbox.stats,
            bound=LeastTime(calls=sandbox.stats.calls, latency=latency, limits=limits),
        )


def _pace(calls: int, seconds: float) -> str:
    return f"{calls / seconds:.2f}" if seconds else "unbounded"


async def _keys(pager: Pager[T], tally: Tally, key: Callable[[T], Hashable]) -> set[Hashable]:
    """Read ``pager`` to its end, count its records as they come, and return their distinct keys."""
    keys: set[Hashable] = set()
    async with aclosing(pager.pages()) as pages:
        async for page in pages:
            tally.add(len(page.items))
            keys.update(map(key, page.items))
    return keys
