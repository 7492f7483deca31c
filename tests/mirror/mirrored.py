"""A DuckDB that holds a sandbox's leads, activities and lists, to damage and to verify; without the mirror's runner."""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from marketo_async import Governor, Limits, Marketo
from marketo_async.changes.position import Position
from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.describing import InstanceTables, instance_tables
from marketo_async.mirror.folding import table_row
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.package import packed
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.target import target_of
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, SandboxClock

TABLES = (
    *("leads", "lead_changes", "lead_deletions", "lead_merges", "lists", "list_members"),
    *("activity_new_lead", "activity_change_data_value", "activity_delete_lead", "activity_add_to_list"),
    *("activity_visit_webpage", "activity_open_email", "activity_send_email", "activity_merge_leads"),
)
INSTANCE = "100-SBX-001"
QUICK = {"export_wait": 0.0, "export_seconds": 0.005}


START = float(int(time.time()) - 5)  # of the clock of every sandbox, so that all of them hold the same
HORIZON = datetime.fromtimestamp(START + 2, UTC)


@asynccontextmanager
async def instance(leads: int = 700, activities: int = 1_500, **quirks: Any) -> AsyncIterator[tuple[Sandbox, Marketo]]:
    """Run a sandbox with two lists, whose jobs end at once, and a client of it. All of them hold the same."""
    clock = SandboxClock(speed=0, start=START)
    sandbox = Sandbox(
        leads=leads,
        activities=activities,
        activity_days=40.0,
        lists={1001: range(1, leads + 1), 1002: range(5, 25)},
        limits=InstanceLimits(calls=1_000_000, daily=10_000_000),
        quirks=Quirks(**{**QUICK, **quirks}),
        clock=clock,
    )
    clock.speed = 1.0
    async with sandbox, client(sandbox) as marketo:
        yield sandbox, marketo


def client(sandbox: Sandbox) -> Marketo:
    return Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        governor=Governor(Limits(calls=1_000_000, daily=10_000_000)),
    )


@dataclass
class Mirrored:
    """A destination that was filled from an instance, and what its mirror knows."""

    destination: Destination
    found: InstanceTables
    state: MirrorState

    async def damage(self, *statements: str) -> None:
        await self.destination.execute(*statements)

    async def one(self, sql: str) -> Any:
        """Return the first value of a query."""
        return (await self.destination.query(sql))[0][0]


async def fill(marketo: Marketo, destination: Destination, horizon: datetime) -> Mirrored:
    """Load everything that an instance has, as if its mirror had followed the feed up to ``horizon``."""
    state = await destination.open(INSTANCE)
    found = await instance_tables(marketo, destination, tables=TABLES, taken={})
    catalog, kinds, names = found.catalog, found.kinds, found.types
    rows: defaultdict[str, list[MirrorRow]] = defaultdict(list)
    fields = [column.source for column in catalog["leads"].columns]
    rows["leads"] += [lead async for lead in marketo.leads.by_filter("id", range(1, 1_000), fields=fields)]
    async for activity in marketo.activities.since(horizon - timedelta(days=60), types="all"):
        kind = activity.activity_type_id
        if names[kind] in catalog:
            rows[names[kind]].append(table_row(activity, kinds[kind]))
    async for one in marketo.lists.browse():
        rows["lists"].append(msgspec.to_builtins(one))
        async for lead in marketo.lists.leads(one.id, fields=["id"]):
            rows["list_members"].append({"listId": one.id, "leadId": lead["id"]})
    for table in catalog:
        rows[table.name] += []
    state = replace(
        state,
        position=Position(1, INSTANCE, horizon.timestamp()).text(),
        tables=tuple(table.name for table in catalog),
        types=names,
    )
    package = packed([LoadChunk(rows=rows, read_at=horizon.timestamp())], state)
    await destination.load(package, catalog)
    return Mirrored(destination, found, package.state)


async def filled(file: Path, folder: Path) -> Mirrored:
    """Fill a DuckDB with everything that an instance has, and close it."""
    async with instance() as (_, marketo):
        mirrored = await fill(marketo, Destination(target_of(f"duckdb:///{file}"), folder=folder), HORIZON)
        await mirrored.destination.close()
    return mirrored


@asynccontextmanager
async def opened(mirrored: Mirrored, file: Path, folder: Path) -> AsyncIterator[Mirrored]:
    """Open a copy of a mirror."""
    shutil.copy(mirrored.destination.target.place, file)
    destination = Destination(target_of(f"duckdb:///{file}"), folder=folder)
    state = await destination.open(mirrored.state.instance)
    try:
        yield Mirrored(destination, mirrored.found, state)
    finally:
        await destination.close()
