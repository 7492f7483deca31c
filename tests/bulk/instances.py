"""A sandbox with a year of leads, and a client of it that waits for nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import Fault, InstanceLimits, Quirks, Sandbox

POLL = 0.005
QUICK = {"export_wait": 0.0, "export_seconds": 0.005, "import_wait": 0.0, "import_seconds": 0.005}
FILES = "/bulk/v1/leads/export/*/file.json"
DAY = timedelta(days=1)


def range_of(days: float) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    return now - days * DAY, now


def client(sandbox: Sandbox, **options: Any) -> Marketo:
    wide = Governor(Limits(calls=100_000, daily=1_000_000))
    options.setdefault("retry", RetryPolicy(attempts=4, few=2, base=0.001, cap=0.002))
    return Marketo(
        sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=wide, **options
    )


@asynccontextmanager
async def instance(
    leads: int | Iterable[Any] = 400, *, faults: Iterable[Fault] = (), limits: Any = None, seed: int = 7, **quirks: Any
) -> AsyncIterator[tuple[Sandbox, Marketo]]:
    sandbox = Sandbox(
        leads=leads,
        activities=300,
        limits=limits or InstanceLimits(calls=100_000, daily=1_000_000),
        quirks=Quirks(**{**QUICK, **quirks}),
        faults=faults,
        seed=seed,
    )
    async with sandbox, client(sandbox) as marketo:
        yield sandbox, marketo


async def until(true: Callable[[], bool]) -> None:
    """Give way until something is true."""
    while not true():  # noqa: ASYNC110 - the sandbox sets no event
        await asyncio.sleep(0.001)


def jobs(sandbox: Sandbox) -> list[Any]:
    return list(sandbox.instance.exports._jobs.values())


def calls(sandbox: Sandbox, ending: str) -> int:
    return sum(count for operation, count in sandbox.stats.by_operation.items() if operation.endswith(ending))
