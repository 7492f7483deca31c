"""Writes through the guard until it is killed: `python -m tests.mcp.writer BASE_URL CLIENT_ID SECRET FOLDER FIRST`.

Every call adds one person that no other call adds; ``FIRST`` is the first one.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import count
from pathlib import Path

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.call import Options
from marketo_async.mcp.agent_guard import AgentGuard
from marketo_async.mcp.agent_share import DayBudget
from marketo_async.mcp.audit import AuditLog
from marketo_async.mcp.guard import GuardedSender
from marketo_async.planning import plan_of
from marketo_async.writes import Batches
from tests.mcp.policies import access

WRITERS = 4


async def main(base_url: str, client_id: str, client_secret: str, folder: str, first: str) -> None:
    limits = Limits(calls=1_000_000, concurrency=WRITERS)
    async with Marketo(
        base_url, client_id=client_id, client_secret=client_secret, governor=Governor(limits), retry=RetryPolicy()
    ) as marketo:
        guard = AgentGuard(
            access('access = { lists = "write" }\nlimits = { calls_a_day = 1000000, at_once = 4 }'),
            marketo._open_client,
            Options(),
            audit=AuditLog(Path(folder) / "audit", "killed"),
            budget=DayBudget(Path(folder) / "budget.db"),
            limits=limits,
        )
        numbers = count(int(first))

        async def write() -> None:
            for number in numbers:
                operation, planned = plan_of("lists.add", {"list_id": 1001, "lead_ids": [number]})
                assert isinstance(planned, Batches)
                await GuardedSender(guard).writes(operation, planned).all()

        await asyncio.gather(*(write() for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
