"""Verification finds every kind of damage, and nothing else; repair mends it, and nothing else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from marketo_async import Marketo
from marketo_async.changes.position import Position
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.mirror.runner import Mirror
from marketo_async.mirror.verify import Difference, Repair, Verifier, VerifyReport
from marketo_async.mirror.verify.activities import ActivityCheck
from marketo_async.mirror.verify.lists import ListCheck
from marketo_async.sandbox import Sandbox
from marketo_async.sandbox.records import lead_changes

from .mirrored import HORIZON, Mirrored, filled, instance, opened

POLL = 0.01


class World:
    """An instance and its mirror."""

    def __init__(self, sandbox: Sandbox, marketo: Marketo, mirror: Mirrored) -> None:
        self.sandbox, self.marketo, self.mirror = sandbox, marketo, mirror

    async def verify(self, **options: Any) -> VerifyReport:
        verifier = Verifier(
            self.marketo,
            self.mirror.destination,
            self.mirror.found.catalog,
            self.mirror.state,
            poll=POLL,
            rng=random.Random(1),
        )
        return await verifier.verify(**options)

    async def repair(self, report: VerifyReport) -> list[Difference]:
        repair = Repair(self.marketo, self.mirror.destination, self.mirror.found, instance=self.mirror.state.instance)
        return await repair.run(report.differences)

    def settle_until(self, horizon: datetime) -> None:
        """Let the mirror have everything only up to a moment."""
        position = Position(1, self.mirror.state.instance, horizon.timestamp())
        self.mirror.state = replace(self.mirror.state, position=position.text())


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Mirrored:
    folder = tmp_path_factory.mktemp("whole")
    return asyncio.run(filled(folder / "marketo.duckdb", folder / "dlt"))


@pytest.fixture
async def world(whole: Mirrored, tmp_path: Path) -> AsyncIterator[World]:
    async with instance() as (sandbox, marketo), opened(whole, tmp_path / "marketo.duckdb", tmp_path / "dlt") as mirror:
        yield World(sandbox, marketo, mirror)


def without(table: str, guid: str) -> str:
    return f"DELETE FROM {{{table}}} WHERE marketo_guid = '{guid}'"  # noqa: S608


def with_made_up(table: str, guid: str) -> str:
    return f"INSERT INTO {{{table}}} SELECT * REPLACE ('{guid}' AS marketo_guid) FROM {{{table}}} LIMIT 1"  # noqa: S608


def found(report: VerifyReport) -> set[tuple[object, ...]]:
    return {(one.table, one.kind, *one.key.values(), one.column) for one in report.differences}


@pytest.mark.slow
async def test_every_kind_of_damage_is_found_exactly_and_repaired(world: World) -> None:
    right = await world.verify(full=True)
    assert right.right
    assert {part.part: part.compared for part in right.parts} == {"leads": 700, "activities": 1_195, "lists": 720}
    lost = await world.mirror.one("SELECT min(marketo_guid) FROM {activity_open_email}")
    await world.mirror.damage(
        "DELETE FROM {leads} WHERE id IN (17, 700)",
        "UPDATE {leads} SET first_name = 'Eve', title = 'x' WHERE id = 20",
        "INSERT INTO {leads} SELECT * REPLACE (5000 AS id) FROM {leads} WHERE id = 1",
        without("activity_open_email", lost),
        with_made_up("activity_open_email", "made up"),
        "DELETE FROM {list_members} WHERE list_id = 1002 AND lead_id = 7",
        "INSERT INTO {list_members} SELECT * REPLACE (600 AS lead_id) FROM {list_members} WHERE list_id = 1002 LIMIT 1",
        "INSERT INTO {lists} SELECT * REPLACE (1099 AS id) FROM {lists} LIMIT 1",
    )
    report = await world.verify(full=True)
    assert found(report) == {
        ("leads", "missing", 17, None),
        ("leads", "missing", 700, None),
        ("leads", "different", 20, "first_name"),
        ("leads", "different", 20, "title"),
        ("leads", "extra", 5000, None),
        ("activity_open_email", "missing", lost, None),
        ("activity_open_email", "extra", "made up", None),
        ("list_members", "missing", 1002, 7, None),
        ("list_members", "extra", 1002, 600, None),
        ("lists", "extra", 1099, None),
    }
    wrong = next(one for one in report.differences if one.column == "first_name")
    lead = world.sandbox.instance.leads.get(20)
    assert lead is not None
    assert (wrong.mirror, wrong.marketo) == ("Eve", lead["firstName"])
    assert await world.repair(report) == []
    assert (await world.verify(full=True)).right


async def test_a_sample_compares_random_leads_and_says_the_bound(world: World) -> None:
    report = await world.verify(parts=("leads",), chunks=1)
    (part,) = report.parts
    assert (part.compared, part.total) == (300, 700)
    assert str(part) == (
        "300 of 700 leads compared in every field, 0 differences: with 95 % confidence fewer than 1 % differ"
    )
    await world.mirror.damage("UPDATE {leads} SET last_name = 'Doe' WHERE id % 10 = 0")
    (part,) = (await world.verify(parts=("leads",), chunks=1)).parts
    assert 10 < part.wrong < 60
    assert part.bound is not None
    assert part.bound > 0.1  # the true share is not excluded


@pytest.mark.slow
async def test_what_changed_after_the_watermark_is_no_difference(world: World) -> None:
    world.sandbox.clock.advance(5)
    inside = world.sandbox.instance
    lead_changes.change_lead(inside, 30, {"firstName": "Renamed"})
    new = lead_changes.create_lead(inside, {"email": "new@example.com"})
    lead_changes.delete_lead(inside, 31)
    lead_changes.merge_leads(inside, 32, [33])
    members = inside.lists.get(1002)
    assert members is not None
    lead_changes.add_to_list(inside, members, 650)
    report = await world.verify(full=True)
    assert report.right, report.differences
    leads, _, lists = report.parts
    assert leads.unsettled == 5  # renamed, new, deleted, the winner and the loser
    assert lists.unsettled
    # Once the mirror should have them, the same rows are differences.
    world.settle_until(datetime.fromtimestamp(world.sandbox.clock.time() + 2, UTC))
    world.sandbox.clock.advance(5)
    report = await world.verify(full=True)
    keys = {one.key["id"] for one in report.differences if one.table == "leads"}
    assert keys == {30, new, 31, 32, 33}
    assert {"missing"} == {one.kind for one in report.differences if one.table.startswith("activity_")}
    await world.repair(report)
    assert (await world.verify(full=True)).right


async def test_bulk_finds_what_paging_finds_and_dates_it(world: World) -> None:
    lost = await world.mirror.one("SELECT max(marketo_guid) FROM {activity_send_email}")
    date = await world.mirror.one("SELECT activity_date FROM {activity_send_email} ORDER BY marketo_guid DESC LIMIT 1")
    await world.mirror.damage(
        without("activity_send_email", lost),
        with_made_up("activity_send_email", "made up"),
        with_made_up("activity_send_email", "5:2026:6:1"),  # of the feed, for an activity without a GUID
    )
    tables = {kind: name for kind, name in world.mirror.found.types.items() if name in world.mirror.found.catalog}
    tables.pop(37)
    until = HORIZON
    results = []
    for paged in (0, 1_000_000):
        check = ActivityCheck(world.marketo, world.mirror.destination, tables, poll=POLL, paged=paged)
        before = dict(world.sandbox.stats.by_operation)
        results.append(await check.check(since=None, until=until))
        jobs = sum(
            count - before.get(name, 0)
            for name, count in world.sandbox.stats.by_operation.items()
            if name.endswith("activities/export/create.json")
        )
        assert (jobs > 0) == (paged == 0)
    bulk, paging = results
    assert bulk == paging
    missing, extra = sorted(bulk.differences, key=lambda one: one.kind, reverse=True)
    assert missing.key == {"marketo_guid": lost}
    assert missing.about["activity_date"] == date
    assert extra.key == {"marketo_guid": "made up"}


async def test_activities_of_deleted_leads_are_the_mirrors_to_keep(world: World) -> None:
    await world.mirror.damage(
        "INSERT INTO {activity_open_email} SELECT * REPLACE ('of a deleted lead' AS marketo_guid, 9000 AS lead_id)"
        " FROM {activity_open_email} LIMIT 1",
        "INSERT INTO {lead_deletions} (lead_id) VALUES (9000)",
    )
    assert (await world.verify(parts=("activities",))).right


async def test_a_mirror_that_lost_nearly_everything_is_compared_by_a_job(world: World) -> None:
    await world.mirror.damage("DELETE FROM {activity_visit_webpage} WHERE marketo_guid NOT LIKE '%0'")
    tables = {6: "activity_send_email", 1: "activity_visit_webpage"}
    check = ActivityCheck(world.marketo, world.mirror.destination, tables, poll=POLL, paged=100)
    until = HORIZON
    whole = await check.check(since=until - timedelta(days=41), until=until)
    kept = await world.mirror.one("SELECT count(*) FROM {activity_visit_webpage}")
    total = sum(one.activity_type_id == 1 for one in world.sandbox.instance.activities)
    assert len(whole.differences) == total - kept


@pytest.mark.slow
async def test_an_activity_that_marketo_no_longer_lists_is_left(world: World) -> None:
    gone = Difference(
        table="activity_open_email",
        kind="missing",
        key={"marketo_guid": "gone"},
        about={"activity_date": datetime.now(UTC), "activity_type_id": 10, "lead_id": 1},
    )
    (leads,) = (await world.verify(parts=("leads",))).parts
    assert await world.repair(VerifyReport(parts=(replace(leads, differences=[gone]),))) == [gone]


@pytest.mark.slow
async def test_a_mirror_verifies_and_repairs_its_own_tables(tmp_path: Path) -> None:
    async with instance(leads=40, activities=0) as (_, marketo):
        target = f"duckdb:///{tmp_path / 'marketo.duckdb'}"
        async with Mirror(marketo, target, tables=["leads"], folder=tmp_path / "dlt", gather=0.01) as mirror:
            with pytest.raises(ConfigurationError, match="holds no mirror yet"):
                await mirror.verify()
            await mirror.run()
            await mirror.destination.execute("DELETE FROM {leads} WHERE id = 3")
            seen: list[tuple[str, int]] = []
            report = await mirror.verify(repair=True, progress=lambda part, rows: seen.append((part, rows)))
            assert [(one.kind, one.key) for one in report.differences] == [("missing", {"id": 3})]
            assert report.repaired
            assert not report.left
            assert seen == [("leads", 40)]
            assert (await mirror.verify()).right


async def test_unknown_parts_are_refused(world: World) -> None:
    with pytest.raises(InvalidRequest, match="'programs' can't be verified; possible are leads, activities, lists"):
        await world.verify(parts=("programs",))


async def test_lists_for_some_calls_are_drawn(world: World) -> None:
    async def recent() -> Any:
        raise AssertionError("nothing differs")

    check = ListCheck(world.marketo, world.mirror.destination)
    some = await check.check(recent, most_calls=1, rng=random.Random(1))
    assert (some.compared, some.scope) == (20, " of 1 of 2 lists")
