"""30,000 leads by id, latency 0.5 s +/- 0.2, Marketo's real limits.

Measures calls spent, order and time. The bound: 100 calls of 0.5 s on average, ten at a time, all in one window.
"""

from __future__ import annotations

import asyncio
import time

from benchmarks.report import Figure, at_most, exactly, info
from marketo_async import Marketo
from marketo_async.sandbox import Sandbox

LEADS, LATENCY, JITTER = 30_000, 0.5, 0.2


async def measure(leads: int) -> list[Figure]:
    """Drain every lead once."""
    async with (
        Sandbox(leads=leads, latency=(LATENCY, JITTER), seed=2) as sandbox,
        Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo,
    ):
        wanted = range(1, leads + 1)
        started = time.perf_counter()
        got = [lead["id"] async for lead in marketo.leads.by_filter("id", wanted, fields=["email"])]
        took = time.perf_counter() - started
        stats = sandbox.stats
    bound = leads / 300 * LATENCY / 10
    return [
        exactly("calls", stats.calls, leads // 300, quoted=True),
        exactly("refusals", sum(stats.refused.values()), 0),
        exactly("leads in the requested order", sum(a == b for a, b in zip(got, wanted, strict=False)), leads),
        at_most("time against the bound", took / bound, 1.35, quoted=True),
        info("from start to last lead", f"{took:.2f} s, bound {bound:.2f} s"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    return asyncio.run(measure(LEADS // 5 if quick else LEADS))
