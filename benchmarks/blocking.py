"""The cost of a call from blocking code: one call of the blocking client against the same call awaited.

Measures the time that a call takes beyond the same one awaited in the same loop, for an empty call through the client's
portal and for a lead by id from a sandbox in another process without latency. The two alternate, round by round. Also
measures 32 threads that share one client, window scaled to 100 per 3 s: refusals as the server counts them.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.elsewhere import LIFTED, Setup, Where, host, unlimited_sandbox
from benchmarks.report import Figure, at_most, exactly, info, over_repeats
from marketo_async import Governor, Limits
from marketo_async.sandbox import InstanceLimits
from marketo_async.sync import Marketo

ROUNDS, CALLS = 30, 50
THREADS, SHARED, PER = 32, 400, 3.0

Call = Callable[[], Coroutine[Any, Any, object]]


async def _nothing() -> None:
    await asyncio.sleep(0)


async def _awaited(call: Callable[[], Awaitable[object]]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS


def _blocking(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - started) / CALLS


def paired(marketo: Marketo, blocking: Callable[[], object], awaited: Call, rounds: int) -> list[float]:
    """Return how many µs a blocking call takes beyond an awaited one, round by round."""
    portal = marketo._portal  # noqa: SLF001 - so that both run in the same loop
    pairs = [(_blocking(blocking), portal.call(_awaited, awaited)) for _ in range(rounds + 1)]
    return [(mine - floor) * 1e6 for mine, floor in pairs[1:]]  # the first round warms up


def opened(where: Where, limits: Limits) -> Marketo:
    """Return a blocking client that is not open yet."""
    return Marketo(
        where.base_url, client_id=where.client_id, client_secret=where.client_secret, governor=Governor(limits)
    )


def costs(rounds: int) -> list[Figure]:
    """Return the cost that a blocking call adds."""
    with unlimited_sandbox() as where, opened(where, Limits(calls=LIFTED, daily=LIFTED)) as marketo:
        portal, leads = marketo._portal, marketo.leads.twin  # noqa: SLF001
        empty = paired(marketo, lambda: portal.call(_nothing), _nothing, rounds)
        lead = paired(marketo, lambda: marketo.leads.get(1), lambda: leads.get(1), rounds)  # type: ignore[attr-defined]
    extra = statistics.median(lead)
    return [
        over_repeats(at_most("a lead by id, beyond the async call", extra, 200, " µs", quoted=True), lead),
        over_repeats(info("an empty call, beyond awaiting it", f"{statistics.median(empty):.0f} µs"), empty),
    ]


def shared(calls: int) -> list[Figure]:
    """Return the figures of 32 threads on one client."""
    limits = InstanceLimits(calls=100, per=PER)
    with host() as process, process.sandbox(Setup(leads=calls, latency=(0.05, 0.04), limits=limits)) as remote:
        with (
            opened(remote.where, Limits(calls=100, per=PER)) as marketo,
            ThreadPoolExecutor(THREADS) as pool,
        ):
            started = time.perf_counter()
            found = sum(lead is not None for lead in pool.map(marketo.leads.get, range(1, calls + 1)))
            took = time.perf_counter() - started
        seen = remote.seen()
    return [
        exactly(f"{THREADS} threads, {calls} calls: refusals", seen.refused, 0, quoted=True),
        exactly("the same: leads found", found, calls),
        info("the same: pace against the bound of the limits", f"{(calls / 100 - 1) * PER / took:.2f}"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    return [*costs(ROUNDS // 3 if quick else ROUNDS), *shared(SHARED // 2 if quick else SHARED)]
