"""The whole first load: what it costs against its plan, pauses at quotas, outages, kills, and refreshes."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import pytest

from marketo_async import Governor, Limits, Marketo
from marketo_async.errors import InvalidData
from marketo_async.governor.quota import day_of
from marketo_async.mirror.backfill.backfill import FACTS, Backfill
from marketo_async.mirror.backfill.listings import listing_kinds
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.meter import Allowance
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import CallPace, InstanceFacts, LoadBudget, MirrorPlan, planned
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import (
    LEAD_DELETIONS,
    LIST_MEMBERS,
    Catalog,
    activity_table,
    activity_table_names,
    leads_table,
    program_members_table,
)
from marketo_async.sandbox import Fault, Sandbox
from tests.mirror.instances import WIDE, instance, some_leads
from tests.mirror.loads import Loaded, context

NOTHING = InstanceFacts(at=0.0, began=0.0)
ALL = ("leads", "activities", "lists", "list_members", "programs", "program_members", "emails", "lead_deletions")


async def _begun(
    marketo: Marketo, folder: Path, loaded: Loaded | None = None, *, tables: tuple[str, ...] = ALL, **options: Any
) -> tuple[Backfill, Loaded]:
    kinds = await marketo.activities.types_by_id()
    types = activity_table_names(kinds.values()) if "activities" in tables else {}
    found = [activity_table(name, kinds[number])[0] for number, name in types.items()]
    fixed = [*(kind.table for kind in listing_kinds().values()), LIST_MEMBERS, LEAD_DELETIONS]
    found += [table for table in fixed if table.name in tables]
    if "leads" in tables:
        found.append(leads_table(await marketo.leads.describe2())[0])
    if "program_members" in tables:
        found.append(program_members_table(await marketo.program_members.describe())[0])
    catalog = Catalog(found)
    loaded = loaded or Loaded(catalog)
    shared = context(marketo, catalog, folder, NOTHING, loaded=loaded, **options)
    return Backfill(shared, kinds=kinds, types=types, rng=random.Random(3)), loaded


def _check(loaded: Loaded, sandbox: Sandbox) -> None:
    """Assert that the tables equal the instance."""
    instance = sandbox.instance
    assert {key[0] for key in loaded.tables["leads"]} == set(instance.leads.ids())
    guids = {key[0] for name, rows in loaded.tables.items() if name.startswith("activity_") for key in rows}
    assert guids == {one.marketo_guid for one in instance.activities if one.activity_type_id != 37}
    members = {(one.id, lead_id) for one in instance.lists.by_id.values() for lead_id in one.lead_ids}
    assert set(loaded.tables["list_members"]) == members
    assert set(loaded.tables["lists"]) == {(list_id,) for list_id in instance.lists.by_id}
    assert set(loaded.tables["programs"]) == {(program_id,) for program_id in instance.programs}
    assert len(loaded.tables["program_members"]) == sum(len(one.members) for one in instance.programs.values())
    assert loaded.tables["emails"]


async def test_a_first_load_brings_every_table(tmp_path: Path) -> None:
    async with instance(leads=some_leads(range(1, 2_001)), activities=3_000, activity_days=60.0) as (sandbox, marketo):
        backfill, loaded = await _begun(marketo, tmp_path)
        assert not backfill.done(loaded.state)
        assert await loaded.run(backfill)
        _check(loaded, sandbox)
        assert backfill.done(loaded.state)
        calls = sandbox.stats.calls
        assert await loaded.run(backfill)
        assert sandbox.stats.calls == calls


@pytest.mark.parametrize("seed", range(3))
async def test_a_first_load_that_is_killed_again_and_again_ends_the_same(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    leads = some_leads(range(1, 1_501))
    async with instance(leads=leads, activities=2_500, activity_days=60.0) as (sandbox, marketo):
        backfill, loaded = await _begun(marketo, tmp_path)
        for _ in range(60):
            backfill, _same = await _begun(marketo, tmp_path, loaded)
            puts = rng.randint(5, 40)
            if await loaded.run(backfill, chunks=puts, loses=rng.randint(0, puts // 3)):
                break
        assert backfill.done(loaded.state)
        _check(loaded, sandbox)


async def _planned_and_made(sandbox: Sandbox, marketo: Marketo, folder: Path, limits: Limits) -> tuple[MirrorPlan, int]:
    """Run a first load; return its plan, and the calls that it took."""
    tables = ("leads", "activities", "lists")
    backfill, loaded = await _begun(marketo, folder, tables=tables)
    before = sandbox.stats.calls
    assert await loaded.run(backfill)
    made = sandbox.stats.calls - before
    facts = loaded.state.progress_of(FACTS, InstanceFacts)
    assert facts is not None
    pace = CallPace(calls=limits.calls, per=limits.per, latency=facts.latency)
    return planned(tables, facts, pace, LoadBudget(calls=1_000_000)), made


@pytest.mark.parametrize(
    ("shape", "activities", "days"),
    [
        ("sparse", 9_000, 28.0),
        pytest.param("dense", 12_000, 20.0, marks=pytest.mark.slow),
        pytest.param("dense", 30_000, 3.0, marks=pytest.mark.slow),
    ],
)
async def test_a_load_costs_the_calls_of_its_plan(shape: str, activities: int, days: float, tmp_path: Path) -> None:
    ids = range(1, 24_001) if shape == "dense" else sorted(random.Random(1).sample(range(1, 30_001), 6_000))
    leads = some_leads(ids, days=29.0)
    async with instance(leads=leads, activities=activities, activity_days=days) as (sandbox, marketo):
        plan, made = await _planned_and_made(sandbox, marketo, tmp_path, WIDE)
    assert {table.way for table in plan.tables} <= {"ids", "paging", "listing"}
    assert made <= 1.05 * plan.calls
    assert made >= 0.8 * plan.calls


async def test_an_outage_delays_a_load_and_does_not_repeat_it(tmp_path: Path, wall: WallClock) -> None:
    leads = some_leads(range(1, 3_001))
    async with instance(leads=leads, activities=0) as (sandbox, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("leads",), clock=wall)
        assert await loaded.run(backfill, chunks=2) is False  # the probes have no faults
        sandbox.faults.append(Fault("http_503", path="/rest/v1/leads.json", probability=0.6))
        assert await loaded.run(backfill)
        assert {key[0] for key in loaded.tables["leads"]} == set(sandbox.instance.leads.ids())


async def test_activities_that_are_chosen_later_are_probed_then(tmp_path: Path) -> None:
    async with instance(leads=10, activities=2_000, activity_days=60.0) as (_, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("lists",))
        assert await loaded.run(backfill)
        facts = loaded.state.progress_of(FACTS, InstanceFacts)
        assert facts is not None
        assert not facts.rates
        later, other = await _begun(marketo, tmp_path, tables=("lists", "activities"))
        other.state = loaded.state
        assert await other.run(later)
        facts = other.state.progress_of(FACTS, InstanceFacts)
        assert facts is not None
        assert facts.activities(0, facts.at) == pytest.approx(2_000, rel=0.2)


async def test_what_the_user_may_not_read_is_left_out_beside_the_rest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    denied = ("/rest/v1/leads.json", "/bulk/v1/leads", "/rest/v1/activities.json", "/bulk/v1/activities")
    async with instance(leads=30, faults=[Fault("603", path=path) for path in denied]) as (_, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("leads", "activities", "lists", "emails"))
        assert await loaded.run(backfill)
    assert loaded.tables.keys() == {"lists", "emails"}
    assert "leads is left out: the API user's role does not have the permission" in caplog.text


async def test_an_error_that_does_not_pass_ends_the_load(tmp_path: Path) -> None:
    async with instance(faults=[Fault("1003", path="/rest/v1/lists.json")]) as (_, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("programs",))
        with pytest.raises((InvalidData, ExceptionGroup)):
            await loaded.run(backfill)


class WallClock:
    """Time that passes as it is waited for."""

    def __init__(self, moment: float) -> None:
        self.now = moment

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> WallClock:
    wall = WallClock(time.time())
    monkeypatch.setattr("marketo_async.mirror.meter.anyio.sleep", wall.sleep)
    return wall


async def test_the_calls_of_a_day_pause_a_load_until_midnight(tmp_path: Path, wall: WallClock) -> None:
    leads = some_leads(range(1, 9_001))
    governor = Governor(Limits(calls=100_000, daily=1_000_000), clock=wall)
    async with instance(leads=leads, activities=0, governor=governor) as (sandbox, marketo):
        allowance = Allowance(calls=60)
        backfill, loaded = await _begun(marketo, tmp_path, tables=("leads",), allowance=allowance, clock=wall)
        first = day_of(wall.now)
        before = sandbox.stats.calls
        assert await loaded.run(backfill)
        made = sandbox.stats.calls - before
    assert {key[0] for key in loaded.tables["leads"]} == set(range(1, 9_001))
    assert wall.now >= first[1]
    days = round((day_of(wall.now)[0] - first[0]) / 86_400)
    assert days <= made / 60 + 1
    assert made <= 60 * (days + 1) + 10


async def test_a_quota_that_marketo_reports_pauses_a_load(tmp_path: Path, wall: WallClock) -> None:
    leads = some_leads(range(1, 901))
    governor = Governor(Limits(calls=100_000, daily=1_000_000), clock=wall)
    async with instance(leads=leads, activities=0, governor=governor) as (sandbox, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("lists",), clock=wall)
        sandbox.faults.append(Fault("607", path="/rest/v1/lists.json", times=1))
        before = wall.now
        assert await loaded.run(backfill)
    assert wall.now > before
    assert loaded.tables["lists"]


async def test_refreshes_repeat_at_their_pace(tmp_path: Path, wall: WallClock) -> None:
    async with instance(leads=10, activities=0) as (sandbox, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("emails", "lists"), clock=wall)
        assert await loaded.run(backfill)
        first = dict(sandbox.stats.by_operation)
        began = wall.now

        class Keeping:
            name = "keeping"

            def done(self, state: MirrorState) -> bool:
                return not state.instance

            async def run(self, put: Put, state: MirrorState) -> None:
                await backfill.keep(put)

        assert not await loaded.run(Keeping(), chunks=20)
        days = (wall.now - began) / 86_400
        later = sandbox.stats.by_operation["GET /rest/asset/v1/emails.json"] - first["GET /rest/asset/v1/emails.json"]
    assert 2 <= later <= days + 1


async def test_beyond_the_volume_of_a_day_activities_are_paged(tmp_path: Path, wall: WallClock) -> None:
    leads = some_leads(range(1, 2_001), days=60.0)
    async with instance(leads=leads, activities=4_000, activity_days=90.0) as (sandbox, marketo):
        backfill, loaded = await _begun(
            marketo,
            tmp_path,
            tables=("activities",),
            allowance=Allowance(calls=1_000_000, exported=400_000),
            clock=wall,
        )
        first = wall.now
        assert await loaded.run(backfill)
        assert len(sandbox.instance.exports._jobs) >= 1
        guids = {key[0] for rows in loaded.tables.values() for key in rows}
        assert guids == {one.marketo_guid for one in sandbox.instance.activities if one.activity_type_id != 37}
        assert wall.now == first  # what the volume of the day does not hold is paged instead


async def test_a_refresh_that_is_denied_is_not_asked_for_all_the_time(tmp_path: Path, wall: WallClock) -> None:
    async with instance(leads=10, activities=0) as (sandbox, marketo):
        backfill, loaded = await _begun(marketo, tmp_path, tables=("leads",), clock=wall)
        assert await loaded.run(backfill)
        wall.now += 86_400 + 1
        sandbox.faults.append(Fault("603", path="/rest/v1/leads/describe2.json"))
        began, calls = wall.now, sandbox.stats.calls

        async def put(chunk: LoadChunk) -> None:
            assert not chunk.size
            assert chunk.ack is not None
            chunk.ack()

        keeping = asyncio.ensure_future(backfill.keep(put))
        while wall.now < began + 4 * 3_600 and not keeping.done():  # noqa: ASYNC110 - it waits for the fake clock
            await asyncio.sleep(0)
        assert keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        asked = sandbox.stats.calls - calls
    assert 1 <= asked <= (wall.now - began) / 600 + 1
