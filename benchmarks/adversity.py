"""A fifth of the calls fail (608, 713, 604, 502, reset, cut-off body, HTML) and tokens live 2 s.

Measures that every record reaches the caller once and none is missing. Limits are scaled so that it takes seconds.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from benchmarks.report import Figure, exactly, info
from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import Fault, InstanceLimits, Sandbox

LEADS, ACTIVITIES = 30_000, 20_000
KINDS = ("608", "713", "604", "html", "reset", "truncate", "html200")


async def measure(many_leads: int, many_activities: int) -> list[Figure]:
    """Drain leads and activities while calls fail."""
    faults = [Fault(kind=kind, probability=0.2 / len(KINDS)) for kind in KINDS]
    instance = InstanceLimits(calls=200, per=2.0, token_life=2.0)
    async with Sandbox(
        leads=many_leads, activities=many_activities, limits=instance, latency=(0.05, 0.04), faults=faults, seed=4
    ) as sandbox:
        until = datetime.now(UTC) + timedelta(minutes=1)
        since = until - timedelta(days=1, minutes=2)
        types = sorted({activity.activity_type_id for activity in sandbox.instance.activities})
        async with Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            governor=Governor(Limits(calls=200, per=2.0)),
            retry=RetryPolicy(base=0.05, cap=1.0),
        ) as marketo:
            leads = [lead["id"] async for lead in marketo.leads.by_filter("id", range(1, many_leads + 1))]
            members = [lead["id"] async for lead in marketo.lists.leads(1001)]
            guids = [a.marketo_guid async for a in marketo.activities.between(since, until, types=types)]
        stats = sandbox.stats
    failed = sum(stats.faults_injected.values())
    return [
        exactly("leads by id, each once", len(set(leads)), many_leads),
        exactly("leads delivered", len(leads), many_leads),
        exactly("list members, each once", len(set(members)), many_leads),
        exactly("list members delivered", len(members), many_leads),
        exactly("activities, each once", len(set(guids)), many_activities),
        exactly("activities delivered", len(guids), many_activities),
        exactly("refusals", sum(stats.refused.values()), 0),
        info("calls that failed", f"{failed} of {stats.calls}, and {stats.identity_calls} tokens"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    part = 5 if quick else 1
    return asyncio.run(measure(LEADS // part, ACTIVITIES // part))
