"""A day of activities in shards, 1.5 s a page, Marketo's real limits.

Measures calls per second of a day in eight shards, beside the same client paging one listing. The instance allows 5.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from benchmarks.report import Figure, at_least, exactly, told
from marketo_async import Governor, Marketo
from marketo_async.sandbox import Sandbox

ACTIVITIES, PAGES_ALONE, LATENCY = 36_000, 8, 1.5


async def measure() -> list[Figure]:
    """Drain the day side by side, and a few pages of it one after the other."""
    async with Sandbox(leads=1000, activities=ACTIVITIES, latency=LATENCY, seed=3) as sandbox:
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
            await asyncio.sleep(governor.limits.per)  # the other way starts with an empty window, too
            pages = marketo.activities.since(since, types=types).pages()
            started = time.perf_counter()
            for _ in range(PAGES_ALONE):
                await anext(pages)
            alone = time.perf_counter() - started
            await pages.aclose()
        refused = sum(sandbox.stats.refused.values())
    return [
        exactly("refusals", refused, 0),
        exactly("activities, each once", len(set(guids)), ACTIVITIES),
        exactly("activities delivered", len(guids), ACTIVITIES),
        at_least("calls per second in eight shards", calls / took, 4),
        told("calls per second, one listing", f"{(PAGES_ALONE + 1) / alone:.2f}"),
        told("the day", f"{calls} calls in {took:.1f} s"),
    ]


def run() -> list[Figure]:
    """Return the figures."""
    return asyncio.run(measure())
