"""Sandboxes for the mirror's loads, and clients that wait for nothing."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import Fault, InstanceLimits, Quirks, Sandbox, SandboxClock

QUICK = {"export_wait": 0.0, "export_seconds": 0.005}
POLL = 0.01
WIDE = Limits(calls=100_000, daily=1_000_000)


@asynccontextmanager
async def instance(
    *,
    leads: int | Iterable[Mapping[str, object]] = 400,
    activities: int | Iterable[Mapping[str, object]] = 300,
    activity_days: float = 1.0,
    lists: Mapping[int, Iterable[int]] | None = None,
    limits: Limits = WIDE,
    permissions: frozenset[str] | None = None,
    faults: Iterable[Fault] = (),
    governor: Governor | None = None,
    latency: float = 0.0,
    clock: SandboxClock | None = None,
    **quirks: Any,
) -> AsyncIterator[tuple[Sandbox, Marketo]]:
    """Yield a sandbox and an open client of it."""
    sandbox = Sandbox(
        leads=leads,
        activities=activities,
        activity_days=activity_days,
        lists=lists,
        limits=InstanceLimits(calls=limits.calls, per=limits.per, daily=limits.daily),
        quirks=Quirks(**{**QUICK, **quirks}),
        permissions=permissions,
        faults=faults,
        latency=latency,
        clock=clock,
    )
    async with sandbox:
        client = Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            governor=governor or Governor(limits),
            retry=RetryPolicy(attempts=4, few=2, base=0.001, cap=0.002),
        )
        async with client as marketo:
            yield sandbox, marketo


def some_leads(ids: Iterable[int], *, days: float = 300.0) -> list[dict[str, object]]:
    """Return records of leads with these ids, created evenly over the last days in the order of their ids."""
    wanted = sorted(ids)
    now = time.time()
    step = days * 86_400 / max(1, len(wanted))
    return [
        {
            "id": lead_id,
            "email": f"lead{lead_id}@example.com",
            "firstName": f"Nr {lead_id}",
            "createdAt": _iso(now - (len(wanted) - number) * step),
            "updatedAt": _iso(now - (len(wanted) - number) * step),
        }
        for number, lead_id in enumerate(wanted)
    ]


def _iso(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
