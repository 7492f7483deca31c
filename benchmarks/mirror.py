"""A mirror in DuckDB: its first load against the plan and beside tap-marketo, kills, and what verify finds.

The mirror runs in processes of their own against a sandbox in this one. The first load has Marketo's limits in scaled
time: windows and latencies are four times as short, so 20 calls a second. Its activities are of the last 28 days, which
the plan pages. tap-marketo gets an environment of its own and limits that never refuse.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec.structs import replace

from benchmarks import mirror_rival
from benchmarks.elsewhere import Where
from benchmarks.mirror_tables import Tables, instance_rows, unlike
from benchmarks.mirror_worker import Order, Outcome
from benchmarks.report import Figure, at_most, exactly, info
from marketo_async import Governor, Limits, Marketo
from marketo_async.changes.position import Position
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.describing import InstanceTables, instance_tables
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.package import packed
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.target import target_of
from marketo_async.mirror.verify import Verifier, VerifyReport
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, SandboxClock, Traffic

SCALE = 4.0
LATENCY = 0.5
WIDE = InstanceLimits(calls=10**6, concurrency=100, daily=10**9, export_daily_bytes=10**12)
CORE = ["leads", "lead_changes", "lead_deletions", "lead_merges", "lists", "list_members", "activities"]
QUICK_JOBS = Quirks(export_wait=0.0, export_seconds=0.005)
INSTANCE = "100-SBX-001"
# Where numpy and pandas are installed, pyarrow and dlt import them; the mirror needs neither.
_WORKER = """
import sys
sys.modules["numpy"] = sys.modules["pandas"] = None
from benchmarks.mirror_worker import main
main()
"""


def where(sandbox: Sandbox) -> Where:
    """Return the address of a sandbox."""
    return Where(sandbox.base_url, sandbox.client_id, sandbox.client_secret)


async def worker(order: Order, *, killed_after: float | None = None) -> Outcome | None:
    """Run a mirror in a process of its own; ``None`` if it was killed."""
    import sys  # noqa: PLC0415 - the one that runs this

    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        _WORKER,
        msgspec.json.encode(order).decode(),
        stdout=asyncio.subprocess.PIPE,
    )
    if killed_after is not None:
        await asyncio.sleep(killed_after)
        process.kill()
        await process.wait()
        return None
    output, _ = await process.communicate()
    return msgspec.json.decode(output, type=Outcome)


async def first_load(leads: int, activities: int, folder: Path) -> list[Figure]:
    """Load an instance at the real limits, in scaled time."""
    limits = InstanceLimits(daily=10**9)
    latency = (LATENCY / SCALE, 0.2 / SCALE)
    clock = SandboxClock(speed=SCALE)
    sandbox = Sandbox(
        leads=leads, activities=activities, activity_days=28.0, limits=limits, latency=latency, clock=clock
    )
    async with sandbox:
        order = Order(
            where=where(sandbox),
            target=f"duckdb:///{folder / 'first.duckdb'}",
            folder=str(folder / "first"),
            tables=["leads", "activities"],
            limits=(limits.calls, limits.per / SCALE),
            latency=latency[0],
        )
        outcome = await worker(order)
        refused = sum(sandbox.stats.refused.values())
        tables = Tables(folder / "first.duckdb")
        rows = tables.count("leads"), len(tables.guids())
    assert outcome is not None
    return [
        info(
            "first load",
            f"{leads:,} leads, {activities:,} activities: {outcome.calls:,} calls, {outcome.seconds:.0f} s",
        ),
        exactly("leads missed or doubled", leads - rows[0], 0, quoted=True),
        exactly("activities missed or doubled", activities - rows[1], 0, quoted=True),
        at_most("calls against the plan", outcome.calls / outcome.planned_calls, 1.05, quoted=True),
        at_most("time against the plan", outcome.seconds / outcome.planned_seconds, 1.1, quoted=True),
        exactly("refusals", refused, 0, quoted=True),
        at_most("memory of the process that mirrors", outcome.peak, 300, " MB", quoted=True),
        info("CPU of the process that mirrors", f"{outcome.cpu:.1f} s"),
    ]


async def kills(events: int, times: int, folder: Path) -> list[Figure]:
    """Kill mirrors while an instance lives, and compare every row at the end."""
    traffic, rng = Traffic(rate=0), random.Random(5)
    quirks = replace_quirks(QUICK_JOBS, late_share=0.1, late_by=(0.0, 2.0))
    async with Sandbox(leads=2_000, activities=0, limits=WIDE, quirks=quirks, traffic=traffic) as sandbox:
        traffic.join(sandbox.instance)
        order = Order(
            where=where(sandbox),
            target=f"duckdb:///{folder / 'kills.duckdb'}",
            folder=str(folder / "kills"),
            tables=CORE,
            since=datetime.now(UTC),
            follow=True,
            quick=True,
        )
        for _ in range(times):
            life = rng.uniform(2.0, 8.0)
            victim = asyncio.create_task(worker(order, killed_after=life))
            for _ in range(events // times):
                traffic.happen()
                await asyncio.sleep(life / (events / times))
            await victim
        for _ in range(2):  # what is committed late by then, too
            await asyncio.sleep(3.0)
            await worker(replace(order, follow=False))
        different = unlike(Tables(folder / "kills.duckdb"), instance_rows(sandbox, traffic))
    wrong = sum(len(extra) + len(missing) for extra, missing in different.values())
    return [
        exactly(f"rows that differ after {len(traffic.log):,} operations and {times} kills", wrong, 0, quoted=True),
        info("tables that differ", ", ".join(different) or "none"),
    ]


async def proofs(leads: int, activities: int, folder: Path) -> list[Figure]:
    """Damage one activity and one field of one lead, and verify everything."""
    sandbox = Sandbox(leads=leads, activities=activities, activity_days=60.0, limits=WIDE, quirks=QUICK_JOBS)
    async with sandbox, _client(sandbox) as marketo:
        destination = Destination(target_of(f"duckdb:///{folder / 'proofs.duckdb'}"), folder=folder / "proofs")
        found, state = await _filled(sandbox, marketo, destination)
        await destination.execute(
            "DELETE FROM {activity_send_email}"
            " WHERE marketo_guid = (SELECT min(marketo_guid) FROM {activity_send_email})",
            f"UPDATE {{leads}} SET title = 'x' WHERE id = {leads * 2 // 3}",  # noqa: S608
        )
        verifier = Verifier(marketo, destination, found.catalog, state, poll=0.05)
        figures = []
        for part, wanted in (("activities", "missing"), ("leads", "different")):
            started, before = time.perf_counter(), _exported(sandbox)
            report: VerifyReport = await verifier.verify(parts=(part,), full=True)
            took = time.perf_counter() - started
            rows = sum(one.compared for one in report.parts)
            mb = (_exported(sandbox) - before) / 1e6
            figures += [
                exactly(
                    f"{part}: differences among {rows:,} rows, one of them {wanted}",
                    len(report.differences),
                    1,
                    quoted=True,
                ),
                info(f"{part}: cost", f"{report.calls:,} calls, {mb:.1f} MB, {took:.0f} s"),
            ]
        await destination.close()
    return figures


async def cycle(folder: Path) -> list[Figure]:
    """Load 13 tables with 3,500 rows, as often as a poll may, and take the median of the CPU time."""
    async with Sandbox(leads=500, activities=3_000, limits=WIDE) as sandbox, _client(sandbox) as marketo:
        destination = Destination(target_of(f"duckdb:///{folder / 'cycle.duckdb'}"), folder=folder / "cycle")
        state = await destination.open(INSTANCE)
        found = await instance_tables(marketo, destination, tables=["leads", "activities"], taken={})
        rows = _rows(sandbox, found)
    chosen = {"leads": rows.pop("leads")}
    activities = [row for some in rows.values() for row in some]
    for place, name in enumerate(sorted(found.types.values())[:12]):
        chosen[name] = activities[place * 250 : place * 250 + 250]
    costs = []
    for _ in range(5):
        package = packed([LoadChunk(rows=chosen, read_at=time.time())], state)
        cpu = time.process_time()
        await destination.load(package, found.catalog)
        costs.append(time.process_time() - cpu)
        state = package.state
    await destination.close()
    total = sum(map(len, chosen.values()))
    return [
        at_most(f"CPU of a load of {len(chosen)} tables with {total:,} rows", sorted(costs)[2], 1.0, " s", quoted=True)
    ]


def _client(sandbox: Sandbox) -> Marketo:
    return Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        munchkin_id=INSTANCE,
        governor=Governor(Limits(calls=10**6, concurrency=100, daily=10**9)),
    )


def replace_quirks(quirks: Quirks, **changes: Any) -> Quirks:
    """Return quirks with other values of some."""
    from dataclasses import replace as changed  # noqa: PLC0415 - msgspec has one of this name

    return changed(quirks, **changes)


def _rows(sandbox: Sandbox, found: InstanceTables) -> dict[str, list[dict[str, Any]]]:
    """Return everything that an instance has, as rows by table, without asking it."""
    rows: dict[str, list[dict[str, Any]]] = {"leads": []}
    for lead_id in sandbox.instance.leads.ids():
        rows["leads"].append(dict(sandbox.instance.leads.get(lead_id) or {}))
    for activity in sandbox.instance.activities:
        row = {
            "marketoGUID": activity.marketo_guid,
            "leadId": activity.lead_id,
            "activityDate": activity.activity_date,
            "activityTypeId": activity.activity_type_id,
            "primaryAttributeValue": activity.primary_attribute_value,
        }
        rows.setdefault(found.types[activity.activity_type_id], []).append(row)
    return rows


async def _filled(sandbox: Sandbox, marketo: Marketo, destination: Destination) -> tuple[InstanceTables, MirrorState]:
    """Fill a destination with everything that an instance has, and return what its mirror would know."""
    state = await destination.open(INSTANCE)
    found = await instance_tables(marketo, destination, tables=["leads", "activities"], taken={})
    horizon = time.time() + 1.0
    state = replace(
        state,
        position=Position(1, INSTANCE, horizon).text(),
        types=found.types,
        tables=tuple(table.name for table in found.catalog),
    )
    rows = _rows(sandbox, found)
    fields = [column.source for column in found.catalog["leads"].columns]
    rows["leads"] = []
    async for lead in marketo.leads.by_filter("id", sandbox.instance.leads.ids(), fields=fields):
        rows["leads"].append(lead)
    for name in [*rows]:
        some = rows.pop(name)
        for start in range(0, len(some), 50_000):
            chunk = LoadChunk(rows={name: some[start : start + 50_000]}, read_at=horizon)
            await destination.load(packed([chunk], state), found.catalog)
    gc.collect()
    await asyncio.sleep(max(0.0, horizon + 1.0 - time.time()))
    return found, state


def _exported(sandbox: Sandbox) -> int:
    return mirror_rival.exported(sandbox)


def run(*, quick: bool = False) -> Sequence[Figure]:
    """Return the figures."""
    with TemporaryDirectory(prefix="benchmark-mirror-") as name:
        folder = Path(name)
        parts = [
            cycle(folder),
            first_load(*((6_000, 30_000) if quick else (100_000, 1_000_000)), folder),
            kills(*((400, 2) if quick else (10_000, 20)), folder),
            proofs(*((2_000, 40_000) if quick else (100_000, 1_000_000)), folder),
            mirror_rival.beside(*((500, 2_000, 300) if quick else (2_000, 20_000, 1_000)), folder, worker),
        ]
        return [figure for part in parts for figure in asyncio.run(part)]
