"""100,000 tasks that wait for the governor at once.

Measures the time of an admission under that load (request, wait, wake-up, release) and the memory of one waiter, next
to the same tasks waiting for a bare future each.
"""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
import tracemalloc

from benchmarks.report import Figure, at_most, info, over_repeats
from marketo_async import Governor, Limits

TASKS = 100_000


async def admit() -> float:
    """Return the seconds per admission with all tasks waiting."""
    governor = Governor(Limits(calls=10 * TASKS, concurrency=10, daily=10 * TASKS))

    async def call() -> None:
        permit = await governor.acquire()
        await asyncio.sleep(0)
        permit.release()

    held = [await governor.acquire() for _ in range(10)]
    tasks = [asyncio.create_task(call()) for _ in range(TASKS)]
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    started = time.process_time()
    for permit in held:
        permit.release()
    await asyncio.gather(*tasks)
    took = time.process_time() - started
    gc.enable()
    return took / TASKS


async def memory(*, governed: bool) -> float:
    """Return the bytes per waiting task, with the governor or with a bare future."""
    governor = Governor(Limits(concurrency=1))
    held = await governor.acquire()
    loop = asyncio.get_running_loop()

    async def wait() -> None:
        await (governor.acquire() if governed else loop.create_future())

    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tasks = [asyncio.create_task(wait()) for _ in range(TASKS)]
    await asyncio.sleep(0)
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    held.release()
    return used / TASKS


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    repeats = 1 if quick else 5
    admissions = [asyncio.run(admit()) * 1e6 for _ in range(repeats)]
    admission = at_most("CPU per admission", statistics.median(admissions), 25, " µs", quoted=True)
    waiter, bare = (asyncio.run(memory(governed=governed)) for governed in (True, False))
    return [
        over_repeats(admission, admissions),
        info(
            "memory per waiting task",
            f"{waiter:,.0f} bytes, of which {bare:,.0f} are the task and its future",
            quoted=True,
        ),
        info(f"memory of all {TASKS:,}", f"{waiter * TASKS / 1e6:.0f} MB"),
    ]
