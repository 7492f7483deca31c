"""What it costs to call from blocking code: one call through a standing anyio portal, as a blocking client makes it.

Measures the time that a call through the portal takes beyond the same coroutine awaited on the loop, for a call that
does nothing and for a real one at a sandbox in another process without latency. The two take turns, round after round.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager

from anyio.from_thread import BlockingPortal, start_blocking_portal

from benchmarks.elsewhere import LIFTED, Where, unlimited_sandbox
from benchmarks.report import Figure, at_most, over_repeats, told
from marketo_async import Governor, Limits, Marketo

ROUNDS, CALLS = 30, 50

Call = Callable[[], Awaitable[object]]


async def _nothing() -> None:
    await asyncio.sleep(0)


async def _awaited(call: Call) -> float:
    started = time.perf_counter()
    for _ in range(CALLS):
        await call()
    return (time.perf_counter() - started) / CALLS


def through(portal: BlockingPortal, call: Call) -> float:
    """Return the seconds of one call from this thread, which waits for its result."""
    started = time.perf_counter()
    for _ in range(CALLS):
        portal.call(call)
    return (time.perf_counter() - started) / CALLS


def paired(portal: BlockingPortal, call: Call, rounds: int) -> list[float]:
    """Return how many µs a blocking call takes beyond an awaited one, round by round."""
    pairs = [(through(portal, call), portal.call(_awaited, call)) for _ in range(rounds + 1)]
    return [(blocking - awaited) * 1e6 for blocking, awaited in pairs[1:]]  # the first round warms up


def opened(portal: BlockingPortal, where: Where) -> AbstractContextManager[Marketo]:
    """Return a client that is open on the portal's loop for as long as the context is."""
    governor = Governor(Limits(calls=LIFTED, daily=LIFTED))
    marketo = Marketo(where.base_url, client_id=where.client_id, client_secret=where.client_secret, governor=governor)
    return portal.wrap_async_context_manager(marketo)


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    rounds = ROUNDS // 3 if quick else ROUNDS
    with unlimited_sandbox() as where, start_blocking_portal() as portal, opened(portal, where) as marketo:

        async def lead() -> object:
            return await marketo.leads.get(1)

        empty, real = paired(portal, _nothing, rounds), paired(portal, lead, rounds)
    overhead = at_most("a call that does nothing: beyond awaiting it", statistics.median(empty), 200, " µs")
    of_a_call = told("a lead by id: beyond awaiting it", f"{statistics.median(real):.0f} µs")
    return [over_repeats(overhead, empty), over_repeats(of_a_call, real)]
