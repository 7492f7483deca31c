"""Marketo's own limits at latencies of 0.05 to 3 s, with jitter, and the window over time.

Measures, as the server counts them, refusals, the fullest rolling window, the most calls at once, and the pace of 1,000
calls by 60 tasks. The bound is that of the limits alone (``least_time``); the rule keeps a place for the latency of its
call beyond the window, so a second figure compares with what the rule allows: ``calls / (per + latency)``. Virtual
time, no sockets: a server's count needs none, and minutes pass in a second. An aiolimiter of 100 in 20 s runs the same
load, for the chart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiolimiter import AsyncLimiter
from msgspec import Struct

from benchmarks.instance import Instance, Road, course, in_virtual_time
from benchmarks.report import Chart, Finding, Line, at_least, exactly, info
from marketo_async import Governor, Limits
from marketo_async.cli.least_time import LeastTime

LATENCIES = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0)
CALLS, TASKS = 1_000, 60
LIMITS = Limits()
SHOWN = 80.0  # seconds of the chart
USUAL = 0.5  # a common latency: the one of the demo and the charts


class Run(Struct, frozen=True):
    """The result of one load: the instance's own log, and when the last answer came."""

    instance: Instance
    seconds: float


async def governed(latency: float, calls: int) -> Run:
    """Make ``calls`` as a session does: the window is stamped at the answer, and the slot released after it."""
    governor, instance = Governor(LIMITS), Instance(LIMITS)
    road, numbers, loop = Road(instance, latency, seed=1), iter(range(calls)), asyncio.get_running_loop()
    started = loop.time()

    async def work() -> None:
        for _ in numbers:
            await road.call_through(governor)

    await asyncio.gather(*(work() for _ in range(TASKS)))
    return Run(instance, loop.time() - started)


async def leaky(latency: float, seconds: float) -> Run:
    """Load the instance through an aiolimiter of its limits and ten slots; refused calls are repeated."""
    limiter, slots = AsyncLimiter(LIMITS.calls, LIMITS.per), asyncio.Semaphore(LIMITS.concurrency)
    instance = Instance(LIMITS)
    road, loop = Road(instance, latency, seed=1), asyncio.get_running_loop()

    async def work() -> None:
        while loop.time() < seconds:
            async with limiter, slots:
                await road.call()

    await asyncio.gather(*(work() for _ in range(TASKS)))
    return Run(instance, loop.time())


def at(latency: float, calls: int) -> list[Finding]:
    """Return the figures of one latency."""
    run = in_virtual_time(governed(latency, calls))
    bound = LeastTime(calls=calls, latency=latency, limits=LIMITS).seconds
    kept = Limits(calls=LIMITS.calls, per=LIMITS.per + latency)
    allowed = LeastTime(calls=calls, latency=latency, limits=kept).seconds
    instance, name = run.instance, f"latency {latency:g} s"
    return [
        exactly(f"{name}: refusals", instance.refused.total(), 0, quoted=latency == USUAL),
        at_least(f"{name}: pace against what the rule allows", allowed / run.seconds, 0.98),
        _against_the_bound(f"{name}: pace against the bound of the limits", bound / run.seconds, latency),
        info(f"{name}: fullest window, most at once", f"{instance.peak_window}, {instance.most_in_flight}"),
    ]


def _against_the_bound(what: str, value: float, latency: float) -> Finding:
    """Compare a pace with the promise of two per cent at usual latencies; above them the rule itself costs more."""
    return at_least(what, value, 0.98) if latency <= USUAL else info(what, f"{value:.3g}")


def charts() -> list[Chart]:
    """Draw the first minutes of the governor and of a leaky bucket, as the server sees them."""
    calls = int(LIMITS.calls * (SHOWN / LIMITS.per + 1))
    mine = in_virtual_time(governed(USUAL, calls)).instance
    theirs = in_virtual_time(leaky(USUAL, SHOWN)).instance
    window = [
        Line(label, *course(instance.arrivals, LIMITS.per, 0.25, SHOWN))
        for label, instance in (("marketo_async", mine), ("aiolimiter(100, 20)", theirs))
    ]
    flights = [(moment, held) for moment, held in mine.flights if moment <= SHOWN]
    return [
        Chart(
            name="window",
            title="Calls in the last 20 s, as the server counts them, latency 0.5 s ± 40 %",
            x="seconds",
            y="calls in 20 s",
            lines=window,
            limit=LIMITS.calls,
        ),
        Chart(
            name="in_flight",
            title="Calls in flight at the server, latency 0.5 s ± 40 %",
            x="seconds",
            y="calls at once",
            lines=[Line("marketo_async", [m for m, _ in flights], [float(h) for _, h in flights], steps=True)],
            limit=LIMITS.concurrency,
        ),
    ]


def run(*, quick: bool = False) -> Sequence[Finding]:
    """Return the figures and the charts."""
    latencies = LATENCIES[1::2] if quick else LATENCIES
    figures = [figure for latency in latencies for figure in at(latency, CALLS)]
    return [*figures, *charts()]
