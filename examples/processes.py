"""Worker processes that drain one instance together: multiprocessing, with the limits shared through one file.

Each process has a client and a governor of its own; `SQLiteStore` makes them keep one instance's limits together,
with every other process on this machine that names the same file.

Run it as it is, and it talks to a sandbox on this machine. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID),
MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET, and it reads leads from that instance.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from marketo_async import Governor, Limits, Marketo
from marketo_async.governor import SQLiteStore
from marketo_async.sandbox import InstanceLimits, Sandbox

PROCESSES, PARTS, LEADS = 4, 12, 120


def emails(numbers: range, store: str, limits: Limits) -> int:
    """Read some leads in a process of the pool, and return how many there were."""
    return asyncio.run(read(numbers, Governor(limits, store=SQLiteStore(store))))


async def read(numbers: range, governor: Governor) -> int:
    """Read them side by side; the governor lets as many calls go as all processes together may make."""
    async with Marketo.from_env(governor=governor) as marketo:
        leads = await asyncio.gather(*(marketo.leads.get(number, fields=["email"]) for number in numbers))
    return sum(lead is not None for lead in leads)


async def work(limits: Limits) -> None:
    """Cut the work into parts, and let a pool of processes do them."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit the event loop of this process
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(PROCESSES, mp_context=context) as pool:
        store = str(Path(folder) / "instance.db")  # yours would be one for each instance, such as /var/lib/app/....db
        size = LEADS // PARTS
        parts = [pool.submit(emails, range(1 + size * n, 1 + size * (n + 1)), store, limits) for n in range(PARTS)]
        found = await asyncio.gather(*map(asyncio.wrap_future, parts))
        print(f"{sum(found)} leads by {PROCESSES} processes in {PARTS} parts")


async def main() -> None:
    """Drain the instance in the environment, or a sandbox that tells what it saw."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        await work(Limits())
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    limits = InstanceLimits(calls=50, per=3.0)  # 3 seconds instead of 20, so that there is something to see
    async with Sandbox(leads=1_000, limits=limits, latency=(0.1, 0.05)) as sandbox:
        os.environ["MARKETO_BASE_URL"] = sandbox.base_url
        os.environ["MARKETO_CLIENT_ID"] = sandbox.client_id
        os.environ["MARKETO_CLIENT_SECRET"] = sandbox.client_secret
        await work(Limits(calls=50, per=3.0))
        print(f"{sandbox.stats.calls} calls, refused: {sum(sandbox.stats.refused.values())}")


if __name__ == "__main__":
    asyncio.run(main())
