"""A backlog of 100,000 events: calls and pace at real limits, events a second without limits; memory of 1,000,000.

The instance runs in another process: a sandbox where calls and pace count, and a stand-in that makes up its activities
where the cost of the client counts. Calls are those that the server received, with the openings and the types.
"""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import msgspec
from msgspec import Struct

from benchmarks.elsewhere import LIFTED, Setup, Where, host, peak
from benchmarks.feed_standin import PAGE
from benchmarks.report import Figure, at_least, at_most, exactly, info, over_repeats
from marketo_async import Governor, Limits, Marketo

EVENTS, MANY = 100_000, 1_000_000
QUICK_EVENTS, QUICK_MANY = 9_000, 100_000
REPEATS, QUICK_REPEATS = 5, 2  # on a shared machine, the best run has the least of the others' work in it
LATENCY = (0.03, 0.02)
TYPES = (1, 2, 6, 7, 10, 11, 12, 13, 22)  # those of the sandbox's activities
FIELDS = ("title", "city", "leadScore")  # and those that its changes are of
CALLS, PER = 100, 20.0
ROOT = Path(__file__).resolve().parent.parent


class Drained(Struct, frozen=True):
    """One drain of a backlog: the events, different GUIDs, seconds, CPU seconds, and memory growth in MB."""

    events: int
    different: int
    seconds: float
    cpu: float
    growth: float


async def drain(where: Where, since: str, types: tuple[int, ...], limits: Limits, *, count_guids: bool) -> Drained:
    """Read a backlog to its end; memory counts from the first batch on."""
    marketo = Marketo(
        where.base_url, client_id=where.client_id, client_secret=where.client_secret, governor=Governor(limits)
    )
    guids: set[str] = set()
    events, before = 0, 0.0
    started, cpu = time.perf_counter(), time.process_time()
    async with marketo, marketo.changes(since=since, types=types, fields=FIELDS, follow=False) as changes:
        async for batch in changes:
            if not events:
                before = peak()
            events += len(batch.events)
            if count_guids:
                guids.update(event.guid for event in batch.events)  # type: ignore[union-attr]  # no gap without deletions
    return Drained(events, len(guids), time.perf_counter() - started, time.process_time() - cpu, peak() - before)


def at_real_limits(events: int) -> list[Figure]:
    """Return the calls and the pace of a sandbox that keeps Marketo's limits."""
    since = (datetime.now(UTC) - timedelta(days=1, seconds=60)).isoformat()
    with host() as process, process.sandbox(Setup(activities=events, latency=LATENCY)) as remote:
        found = asyncio.run(drain(remote.where, since, TYPES, Limits(calls=CALLS, per=PER), count_guids=True))
        seen = remote.seen()
    windows = math.ceil(seen.calls / CALLS) - 1
    last = seen.calls - windows * CALLS
    bound = windows * PER + math.ceil(last / 10) * LATENCY[0]
    return [
        exactly(f"{events:,} events at real limits: missing", events - found.different, 0),
        exactly("the same: doubled", found.events - found.different, 0),
        at_most("the same: calls against rows / 300", seen.calls / math.ceil(events / PAGE), 1.05, quoted=True),
        info("the same: calls, and the fewest possible", f"{seen.calls} of {math.ceil(events / PAGE)}"),
        at_least("the same: pace against the limit", bound / found.seconds, 0.95, quoted=True),
        info("the same: seconds, and the bound", f"{found.seconds:.1f} s, {bound:.1f} s"),
        exactly("the same: refusals", seen.refused, 0),
    ]


@contextmanager
def _stand_in(count: int) -> Iterator[tuple[str, str]]:
    command = [sys.executable, "-m", "benchmarks.feed_standin", str(count)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603 - ours
        try:
            assert server.stdout is not None
            base_url, first = server.stdout.readline().split()
            yield base_url, datetime.fromtimestamp(float(first) - 1, UTC).isoformat()
        finally:
            server.kill()


def without_limits(count: int) -> tuple[Drained, int]:
    """Drain the stand-in in a fresh process, and return what that measured, with the calls that were received."""
    with _stand_in(count) as (base_url, since):
        command = [sys.executable, "-m", "benchmarks.feed_backlog", base_url, since]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)  # noqa: S603 - ours
        with urlopen(f"{base_url}/calls") as answer:  # noqa: S310 - loopback
            return msgspec.json.decode(done.stdout, type=Drained), int(answer.read())


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` drains fewer events."""
    figures = at_real_limits(QUICK_EVENTS if quick else EVENTS)
    repeats = [without_limits(EVENTS)[0] for _ in range(QUICK_REPEATS if quick else REPEATS)]
    paces = [found.events / found.seconds for found in repeats]
    cpu = min(found.cpu for found in repeats)
    many, calls = without_limits(QUICK_MANY if quick else MANY)
    pace = at_least(f"{EVENTS:,} events without limits: events a second, the best run", max(paces), 20_000, quoted=True)
    return [
        *figures,
        over_repeats(pace, paces),
        info("the same: events a second of the client's CPU", f"{EVENTS / cpu:,.0f}"),
        info(f"{many.events:,} events: seconds, calls", f"{many.seconds:.1f} s, {calls:,}"),
        exactly("the same: missing or doubled", abs(many.events - (QUICK_MANY if quick else MANY)), 0),
        at_most("the same: memory growth", many.growth, 32, " MB", quoted=True),
    ]


if __name__ == "__main__":
    lifted = Limits(calls=LIFTED, daily=LIFTED)
    result = asyncio.run(drain(Where(sys.argv[1], "i", "s"), sys.argv[2], (1,), lifted, count_guids=False))
    sys.stdout.buffer.write(msgspec.json.encode(result))
