"""A feed of three lanes at rest, poll 60 s: calls an hour, and the lag from commit to acknowledged row.

Time is virtual, a call takes 0.1 s. The sandbox's own log keeps the activities, with a tenth of them committed up to 8
minutes late and tokens by date. See ``feed_kills`` for what is lost.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from msgspec import Struct

from benchmarks.instance import in_virtual_time
from benchmarks.report import Figure, at_most, exactly, info
from marketo_async.changes import Changes, Gap
from marketo_async.changes.lanes import CHANGES, DELETIONS, OPENING
from marketo_async.changes.selection import feed_options, feed_selection
from marketo_async.models import activities as rows
from marketo_async.operation import Operation, Page, Plan
from marketo_async.sandbox.records.activity_log import LAST_SEQUENCE, Activity, ActivityLog

T = TypeVar("T")

HOURS, QUICK_HOURS = 12, 2
POLL, SWEEP, LAG = 60.0, timedelta(minutes=30), timedelta(minutes=30)
LATE_SHARE, LATE_BY = 0.1, 480.0
EVERY = 4.0  # seconds between two activities: each lane has some in every poll
CALL = 0.1  # seconds
PAGE = 300
NUDGES = 40
START = datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp()
TYPES = (22, 24, 25, 32, 101, 104, 108, 123, 12, 13, 37)  # of leads, lists and programs: three lanes


def now() -> float:
    """Return the virtual moment in epoch seconds."""
    return START + asyncio.get_running_loop().time()


class Rested(Struct):
    """What a feed did: its calls, the lag of each row in seconds, and the rows that it did not get in time."""

    calls: int
    prompt: list[float]
    late: list[float]
    missing: int


class QuietInstance:
    """Answers the calls of a feed, without a network, from an activity log."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.calls = 0
        self.log = ActivityLog(now, omit_ids=False, order="date", delay=self._delay)

    def _delay(self) -> float:
        return self.rng.uniform(0.0, LATE_BY) if self.rng.random() < LATE_SHARE else 0.0

    def happen(self) -> None:
        """Write an activity of one of the types."""
        self.log.add(self.rng.randrange(1, 1000), self.rng.choice(TYPES))

    async def send(self, operation: Operation, plan: Plan[Any]) -> Any:
        """Answer a call after its latency."""
        self.calls += 1
        await asyncio.sleep(CALL)
        if operation is OPENING:
            since = plan.query["sinceDatetime"]
            assert isinstance(since, datetime)
            return f"{since.timestamp()} {LAST_SEQUENCE}"
        date, sequence = str(plan.query["nextPageToken"]).split()
        types = {12, 13} if operation is CHANGES else {37} if operation is DELETIONS else set(TYPES) - {12, 13, 37}
        found, reached, more = self.log.after(
            (float(date), int(sequence)), lambda activity: activity.activity_type_id in types, PAGE
        )
        return Page(
            [_row(activity, changes=operation is CHANGES) for activity in found], f"{reached[0]!r} {reached[1]}", more
        )

    async def describe(self, _: object) -> list[rows.ActivityType]:
        """Return no activity types: the feed asks for ids."""
        return []

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Wait; this client is never closed."""
        return await what()


def _row(activity: Activity, *, changes: bool) -> rows.Activity | rows.LeadChange:
    model: type[rows.Activity | rows.LeadChange] = rows.LeadChange if changes else rows.Activity
    return model(
        marketo_guid=activity.marketo_guid,
        lead_id=activity.lead_id,
        activity_date=datetime.fromisoformat(activity.activity_date),
        activity_type_id=activity.activity_type_id,
    )


def feed_of(instance: QuietInstance, *, poll: float) -> Changes:
    """Return a feed that starts now."""
    options = feed_options(
        since=None, position=None, store=None, sweep=SWEEP, poll=poll, follow=True, window=8, mode="live", budget=None
    )
    sender: Any = instance  # a feed makes no writes and downloads nothing
    return Changes(
        feed_selection(TYPES, ["title"], LAG),
        options,
        instance="100-SBX-001",
        sender=sender,
        bulk=sender,
        clock=now,
        rng=instance.rng,
    )


async def rested(hours: int, *, busy: bool) -> Rested:
    """Follow a feed for some hours after the first one."""
    instance = QuietInstance(random.Random(5))
    acknowledged: dict[str, float] = {}
    async with feed_of(instance, poll=POLL) as changes:

        async def read() -> None:
            async for batch in changes:
                for event in batch.events:
                    assert not isinstance(event, Gap)
                    acknowledged[event.guid] = now()
                batch.ack()

        async def happen() -> None:
            while True:
                await asyncio.sleep(instance.rng.expovariate(1 / EVERY))
                instance.happen()

        work = [asyncio.ensure_future(read())]
        if busy:
            work.append(asyncio.ensure_future(happen()))
        await asyncio.sleep(3600)
        before = instance.calls
        await asyncio.sleep(hours * 3600)
        calls, end = instance.calls - before, now()
        for task in work:
            task.cancel()
        await asyncio.wait(work)
    return judged(instance.log, acknowledged, calls, until=end)


def judged(log: ActivityLog, acknowledged: Mapping[str, float], calls: int, *, until: float) -> Rested:
    """Compare the log with the moments at which rows were acknowledged, up to the moment ``until``."""
    found = Rested(calls, [], [], 0)
    due = until - SWEEP.total_seconds() - POLL - 5
    for activity, committed in log.commits():
        date = datetime.fromisoformat(activity.activity_date).timestamp()
        seen = acknowledged.get(activity.marketo_guid)
        if seen is not None:
            (found.prompt if committed - date < 1 else found.late).append(seen - committed)
        elif committed < due:
            found.missing += 1
    return found


async def nudged() -> list[float]:
    """Return the lags of rows after whose commit the feed is nudged, as by a webhook, half a second later."""
    instance = QuietInstance(random.Random(6))
    lags = []
    async with feed_of(instance, poll=3600.0) as changes:
        await asyncio.sleep(10)
        for _ in range(NUDGES):
            await asyncio.sleep(instance.rng.uniform(1, 600))
            instance.log.add(1, 22, date=now())
            committed = now()
            asyncio.get_running_loop().call_later(0.5, changes.nudge)
            while not (batch := await anext(changes)).events:
                pass
            batch.ack()
            lags.append(now() - committed)
    return lags


def p95(lags: list[float]) -> float:
    """Return the 95th percentile."""
    return sorted(lags)[int(0.95 * len(lags))]


def rows_of(found: Rested) -> str:
    """Return how many rows came, and how many of them late."""
    return f"{len(found.prompt) + len(found.late):,}; {len(found.late):,}"


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` rests for two hours."""
    hours = QUICK_HOURS if quick else HOURS
    busy = in_virtual_time(rested(hours, busy=True))
    idle = in_virtual_time(rested(hours, busy=False))
    lags = in_virtual_time(nudged())
    sweep = SWEEP.total_seconds()
    return [
        info(f"{hours + 1} hours at rest: rows; committed late", rows_of(busy)),
        exactly("rows missing", busy.missing, 0),
        at_most("calls an hour, with sweeps", busy.calls / hours, 195, quoted=True),
        at_most("calls an hour without events", idle.calls / hours, 60, quoted=True),
        at_most("lag of a row, p95", p95(busy.prompt), POLL + 5, " s", quoted=True),
        at_most("lag of a late row, p95", p95(busy.late), sweep + POLL, " s", quoted=True),
        at_most("lag after a nudge, p95", p95(lags), 2, " s", quoted=True),
    ]
