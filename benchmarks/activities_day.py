"""A day of activities in shards, 1.5 s a page, Marketo's real limits.

Measures calls per second of a day in eight shards, and of the same client paging one listing. The instance allows 5.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from benchmarks.report import Figure, at_least, exactly, info
from marketo_async import Governor, Marketo
from marketo_async.sandbox import Sandbox

ACTIVITIES, PAGES_ALONE, LATENCY = 36_000, 8, 1.5
QUICK, PAGES_QUICK = 7_200, 1


async def measure(records: int, pages_alone: int) -> list[Figure]:
    """Drain the day in shards, and a few of its pages one after the other."""
    async with Sandbox(leads=1000, activities=records, latency=LATENCY, seed=3) as sandbox:
        until = datetime.now(UTC) + timedelta(minutes=1)
        since = until - timedelta(days=1, minutes=2)
        types = sorted({activity.activity_type_id for activity in sandbox.instance.activities})
        governor = Governor()
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        ) as marketo:
            started = time.perf_counter()
            guids = [a.marketo_guid async for a in marketo.activities.between(since, until, types=types)]
            took = time.perf_counter() - started
            calls = sandbox.stats.calls
            if calls + pages_alone >= governor.limits.calls:
                await asyncio.sleep(governor.limits.per)  # the second way must not wait for the window of the first
            pages = marketo.activities.since(since, types=types).pages()
            started = time.perf_counter()
            for _ in range(pages_alone):
                await anext(pages)
            alone = time.perf_counter() - started
            await pages.aclose()
        refused = sum(sandbox.stats.refused.values())
    return [
        exactly("refusals", refused, 0),
        exactly("activities, each once", len(set(guids)), records),
        exactly("activities delivered", len(guids), records),
        at_least("calls per second in eight shards", calls / took, 4, quoted=True),
        info("calls per second, one listing", f"{(pages_alone + 1) / alone:.2f}", quoted=True),
        info("the day", f"{calls} calls in {took:.1f} s"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    return asyncio.run(measure(QUICK, PAGES_QUICK) if quick else measure(ACTIVITIES, PAGES_ALONE))
