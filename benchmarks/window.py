"""500 calls by 60 tasks, window scaled to 100 per 4 s, latency 0.12 s +/- 0.1.

Measures the pace at a full window, and refusals as the server counts them. The bound is that of the limits alone: the
first 100 calls may start at once, every further 100 take a window of 4 s, and the last 100 take their latency, ten at
a time.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.report import Figure, at_least, exactly, info
from marketo_async import Governor, Limits, Marketo
from marketo_async.sandbox import InstanceLimits, Sandbox

CALLS, TASKS = 500, 60
WINDOW, PER, SLOTS = 100, 4.0, 10
LATENCY, JITTER = 0.12, 0.1


async def measure(calls: int) -> list[Figure]:
    """Let 60 tasks share some hundreds of calls."""
    instance = InstanceLimits(calls=WINDOW, per=PER)
    async with Sandbox(leads=1000, limits=instance, latency=(LATENCY, JITTER), seed=1) as sandbox:
        governor = Governor(Limits(calls=WINDOW, per=PER))
        numbers = iter(range(1, calls + 1))
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        ) as marketo:

            async def work() -> None:
                for number in numbers:
                    await marketo.leads.get(number)

            started = time.perf_counter()
            await asyncio.gather(*(work() for _ in range(TASKS)))
            took = time.perf_counter() - started
        stats = sandbox.stats
    bound = (calls / WINDOW - 1) * PER + WINDOW * LATENCY / SLOTS
    return [
        exactly("refusals", sum(stats.refused.values()), 0, quoted=True),
        at_least("pace against the bound", bound / took, 0.95, quoted=True),
        info("from start to last answer", f"{took:.2f} s, bound {bound:.2f} s"),
        info("most calls in any window, at once", f"{stats.peak_window}, {stats.max_in_flight}"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    return asyncio.run(measure(2 * CALLS // 5 if quick else CALLS))
