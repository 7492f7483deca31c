"""A sandbox that keeps what arrives, and guarded senders of agents on it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.call import Options
from marketo_async.mcp.access import Access
from marketo_async.mcp.agent_guard import AgentGuard
from marketo_async.mcp.agent_share import DayBudget
from marketo_async.mcp.audit import AuditLog
from marketo_async.mcp.audit.query import NumberedRecord, read_records
from marketo_async.mcp.guard import GivenConfirmation, GuardedSender
from marketo_async.mcp.recorder import Origin
from marketo_async.operation import Merged, Ordered, Plan
from marketo_async.planning import plan_of
from marketo_async.resources.base import Resource
from marketo_async.sandbox import InstanceLimits, Sandbox
from marketo_async.sandbox.stats import Arrived
from marketo_async.schema import callee
from marketo_async.writes import Batches
from tests.mcp.policies import MUNCHKIN, access

ROOMY = InstanceLimits(calls=1_000_000, concurrency=100, daily=100_000_000)
HARMLESS = RetryPolicy(attempts=2, base=0.001, cap=0.002)


class Confirmed(Struct, frozen=True):
    digest: str
    by: str = "a person"


class Stage:
    """One open client of a sandbox, and the guards of agents before it."""

    def __init__(self, sandbox: Sandbox, marketo: Marketo, folder: Path) -> None:
        self.sandbox, self.marketo = sandbox, marketo
        self.arrived: list[Arrived] = []
        sandbox.stats.requests = self.arrived
        self.audit = AuditLog(folder / "audit", MUNCHKIN)
        self.budget = DayBudget(folder / "budget.db")

    def guard(self, of: Access | str, **options: Any) -> AgentGuard:
        """Return the guard of an access, or of an agent whose table has these lines."""
        return AgentGuard(
            access(of) if isinstance(of, str) else of,
            self.marketo._open_client,
            Options(retry=HARMLESS),
            audit=self.audit,
            budget=self.budget,
            limits=options.pop("limits", Limits(calls=1_000_000, concurrency=100)),
            **options,
        )

    def sender(self, of: Access | str, confirmed: GivenConfirmation | None = None) -> GuardedSender:
        return GuardedSender(self.guard(of), Origin(via="test", tool="tool"), confirmed=confirmed)

    def records(self) -> list[NumberedRecord]:
        (path,) = self.audit.folder.glob("*.jsonl")
        return list(read_records(path))

    @property
    def paths(self) -> list[str]:
        return [f"{one.method} {one.target.partition('?')[0]}" for one in self.arrived]


@asynccontextmanager
async def staged(folder: Path, *, leads: int = 50, activities: int = 50, **options: Any) -> AsyncIterator[Stage]:
    """Open a sandbox and a client of it."""
    options.setdefault("limits", ROOMY)
    async with (
        Sandbox(leads=leads, activities=activities, **options) as sandbox,
        Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            munchkin_id=sandbox.munchkin_id,
            ingestion_url=sandbox.ingestion_url,
            governor=Governor(Limits(calls=1_000_000, concurrency=100)),
            retry=HARMLESS,
        ) as marketo,
    ):
        stage = Stage(sandbox, marketo, folder)
        try:
            yield stage
        finally:
            stage.audit.close()
            stage.budget.close()


def family(kind: type[Resource], sender: GuardedSender) -> Any:
    """Return a family whose calls go through a guarded sender."""
    from marketo_async.models.leads import Record  # noqa: PLC0415

    made: Callable[..., Any] = kind
    return made(sender, Record)


async def called(sender: GuardedSender, name: str, arguments: dict[str, Any], munchkin_id: str = MUNCHKIN) -> Any:
    """Call an operation with JSON arguments to its end: all results, or all records of the listing."""
    operation, planned = plan_of(name, arguments, munchkin_id=munchkin_id)
    if isinstance(planned, Batches):
        return await sender.writes(operation, planned).all()
    if isinstance(planned, Ordered | Merged) or operation.paging is not None:
        return await sender.pages(operation, planned).all()
    assert isinstance(planned, Plan)
    return await sender.send(callee(name).operation, planned)
