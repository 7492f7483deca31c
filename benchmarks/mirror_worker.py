"""A mirror in a process of its own, so that its CPU time and memory are counted alone, and so that it can be killed.

See ``mirror`` for what is measured.
"""

from __future__ import annotations

import asyncio
import sys
import time
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.elsewhere import Where, peak
from marketo_async import Governor, Limits, Marketo
from marketo_async.mirror import Mirror
from marketo_async.mirror.backfill.backfill import FACTS
from marketo_async.mirror.plan import CallPace, InstanceFacts, LoadBudget, planned


class Order(Struct, frozen=True, kw_only=True):
    """What to mirror, and how: ``limits`` are calls and seconds of the window, ``latency`` the seconds of a call."""

    where: Where
    target: str
    folder: str
    tables: list[str]
    limits: tuple[int, float] = (10_000, 20.0)
    latency: float = 0.001
    since: datetime | None = None
    follow: bool = False
    quick: bool = False  # polls and sweeps within seconds


class Outcome(Struct, frozen=True, kw_only=True):
    """What a run took, and what its plan said: seconds of all and of the CPU, MB at most, calls."""

    seconds: float
    cpu: float
    peak: float
    calls: int
    planned_calls: int = 0
    planned_seconds: float = 0.0


async def mirrored(order: Order) -> Outcome:
    """Run a mirror to its end, or until the process is killed."""
    calls, per = order.limits
    governor = Governor(Limits(calls=calls, per=per, daily=10_000_000))
    marketo = Marketo(
        order.where.base_url,
        client_id=order.where.client_id,
        client_secret=order.where.client_secret,
        governor=governor,
    )
    pace = {"poll": 0.1, "gather": 0.02, "lag": timedelta(seconds=10), "sweep": timedelta(seconds=1)}
    mirror = Mirror(
        marketo,
        order.target,
        tables=order.tables,
        since=order.since,
        folder=Path(order.folder),
        **(pace if order.quick else {}),  # type: ignore[arg-type]
    )
    started, cpu = time.perf_counter(), time.process_time()
    async with marketo, mirror:
        await mirror.run(follow=order.follow)
        seconds = time.perf_counter() - started
        facts = mirror.state.progress_of(FACTS, InstanceFacts)
    outcome = Outcome(
        seconds=seconds,
        cpu=time.process_time() - cpu,
        peak=peak(),
        calls=governor.snapshot().granted,
    )
    if facts is None:
        return outcome
    budget = LoadBudget(calls=10_000_000)
    names = [name for name in ("leads", "activities") if name in order.tables]
    plan = planned(names, facts, CallPace(calls=calls, per=per, latency=order.latency), budget)
    return msgspec.structs.replace(outcome, planned_calls=plan.calls, planned_seconds=plan.seconds)


def main() -> None:
    """Run the order of the command line, and print its outcome."""
    found = asyncio.run(mirrored(msgspec.json.decode(sys.argv[1], type=Order)))
    sys.stdout.write(msgspec.json.encode(found).decode())
