"""A process that follows an instance into a target until it is killed. It forks from a server that has imported all."""

from __future__ import annotations

import asyncio
import multiprocessing
from datetime import datetime, timedelta
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, TypedDict

from marketo_async import Governor, Limits, Marketo
from marketo_async.mirror.runner import Mirror
from marketo_async.sandbox import Sandbox

GENEROUS = Limits(calls=10_000, concurrency=100, daily=1_000_000)


class Pace(TypedDict):
    poll: float
    gather: float
    lag: timedelta
    sweep: timedelta
    job_poll: float


QUICK: Pace = {
    "poll": 0.1,
    "gather": 0.02,
    "lag": timedelta(seconds=10),
    "sweep": timedelta(seconds=1),
    "job_poll": 0.02,
}


def context() -> ForkServerContext:
    """Return a context whose processes start within milliseconds."""
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload([__name__, "dlt", "dlt.destinations", "pyarrow", "duckdb", "psycopg2"])
    return found


def started(sandbox: Sandbox, target: str, folder: Path, tables: list[str], since: datetime) -> BaseProcess:
    """Start a process that follows."""
    args = (sandbox.base_url, sandbox.client_id, sandbox.client_secret, target, folder, tables, since)
    process = context().Process(target=_main, args=args, daemon=True)
    process.start()
    return process


def _main(*args: Any) -> None:
    asyncio.run(_follow(*args))


async def _follow(
    base_url: str,
    client_id: str,
    client_secret: str,
    target: str,
    folder: Path,
    tables: list[str],
    since: datetime,
) -> None:
    governor = Governor(GENEROUS)
    async with (
        Marketo(base_url, client_id=client_id, client_secret=client_secret, governor=governor) as marketo,
        Mirror(marketo, target, tables=tables, since=since, folder=folder, **QUICK) as mirror,
    ):
        await mirror.run(follow=True)
