"""The cost of live events in a sandbox: the share of one core that 500 events per second take without calls.

Reads the CPU time of this process before and after; only the sandbox runs in it. Every event changes the instance and
writes its activities, a tenth of them committed late.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.report import Figure, at_most, info
from marketo_async.sandbox import Quirks, Sandbox, Traffic

RATE = 500.0
SECONDS = 20.0


async def share_of_a_core(seconds: float) -> tuple[float, int]:
    """Return the CPU time a second, and how many events happened."""
    traffic = Traffic(RATE)
    async with Sandbox(leads=10_000, activities=50_000, quirks=Quirks(late_share=0.1), traffic=traffic):
        await asyncio.sleep(1.0)  # the first events fill indexes
        events, used, began = len(traffic.log), time.process_time(), time.monotonic()
        await asyncio.sleep(seconds)
        return (time.process_time() - used) / (time.monotonic() - began), len(traffic.log) - events


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    seconds = SECONDS / 5 if quick else SECONDS
    share, events = asyncio.run(share_of_a_core(seconds))
    return [
        at_most("share of a core for 500 events a second", share, 0.5),
        info("events a second that happened", f"{events / seconds:.0f}"),
    ]
