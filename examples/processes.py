"""Worker processes that drain one instance together: multiprocessing, with the limits shared through one file.

Each process has its own blocking client and governor. `SQLiteStore` makes them keep one instance's limits together,
with every other process on this machine that names the same file.

Without MARKETO_* in the environment, it uses a sandbox on this machine. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID),
MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to read leads from your instance.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from marketo_async import Governor, Limits
from marketo_async.governor import SQLiteStore
from marketo_async.sandbox import InstanceLimits, Sandbox
from marketo_async.sync import Marketo

PROCESSES, PARTS, LEADS = 4, 12, 120

clients: list[Marketo] = []  # this process's own


def begin(store: str, limits: Limits) -> None:
    """Open the client of a process of the pool; it is closed when the process ends."""
    clients.append(Marketo.from_env(governor=Governor(limits, store=SQLiteStore(store))).open())


def emails(numbers: range) -> int:
    """Read some leads, and return how many there were; the governor counts the calls of all processes together."""
    return sum(clients[0].leads.get(number, fields=["email"]) is not None for number in numbers)


def work(limits: Limits) -> None:
    """Split the work into parts, and give them to a pool of processes."""
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "instance.db")  # in production: one file per instance, such as /var/lib/app/....db
        context = multiprocessing.get_context("spawn")  # a fork would inherit the threads' locks of this process
        with ProcessPoolExecutor(PROCESSES, mp_context=context, initializer=begin, initargs=(store, limits)) as pool:
            size = LEADS // PARTS
            found = pool.map(emails, [range(1 + size * n, 1 + size * (n + 1)) for n in range(PARTS)])
            print(f"{sum(found)} leads by {PROCESSES} processes in {PARTS} parts")


@contextmanager
def instance() -> Iterator[Limits]:
    """Yield the limits of the instance in the environment, or of a sandbox, and report what it received."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        yield Limits()
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    limits = InstanceLimits(calls=50, per=2.0)  # 2 seconds instead of 20, so that the example is short
    with start_blocking_portal() as portal:
        sandbox = portal.call(partial(Sandbox, leads=1_000, limits=limits, latency=(0.1, 0.05)))
        with portal.wrap_async_context_manager(sandbox):
            os.environ["MARKETO_BASE_URL"] = sandbox.base_url
            os.environ["MARKETO_CLIENT_ID"] = sandbox.client_id
            os.environ["MARKETO_CLIENT_SECRET"] = sandbox.client_secret
            yield Limits(calls=50, per=2.0)
            print(f"{sandbox.stats.calls} calls, refused: {sum(sandbox.stats.refused.values())}")


if __name__ == "__main__":
    with instance() as allowed:
        work(allowed)
