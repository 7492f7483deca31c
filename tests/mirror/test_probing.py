"""The probes find how large and how old an instance is, for the price that they say."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

import pytest

from marketo_async.mirror.plan import DAY
from marketo_async.mirror.probing import probe
from marketo_async.sandbox import Sandbox
from tests.mirror.instances import POLL, instance, some_leads


def _at(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _ids(shape: str) -> list[int]:
    rng = random.Random(shape)
    match shape:
        case "dense":
            return list(range(1, 5_001))
        case "sparse":
            return sorted(rng.sample(range(1, 20_001), 4_000))
        case "late beginning":
            return list(range(3_001, 6_001))
        case "few":
            return [7]
        case _:
            return []


@pytest.mark.parametrize("activities", [0, 500])
@pytest.mark.parametrize("shape", ["dense", "sparse", "late beginning", "few", "none"])
async def test_probes_find_the_newest_id_the_density_and_the_beginning(shape: str, activities: int) -> None:
    ids = _ids(shape)
    async with instance(leads=some_leads(ids), activities=activities if ids else 0, lists={}) as (sandbox, marketo):
        before = sandbox.stats.calls
        facts = await probe(marketo, rng=random.Random(1))
        assert facts.calls == sandbox.stats.calls - before
    if not ids:
        assert facts.newest is None
        return
    assert facts.newest == ids[-1]
    assert facts.leads == pytest.approx(len(ids), rel=0.15, abs=1)
    assert facts.began <= time.time() - 300 * DAY
    assert facts.began >= time.time() - 303 * DAY
    assert facts.calls <= 130


@pytest.mark.parametrize("days", [0.5, 3.0, 40.0, 200.0])
async def test_probes_estimate_the_activities(days: float) -> None:
    leads = some_leads(range(1, 1_001))
    async with instance(leads=leads, activities=20_000, activity_days=days) as (_, marketo):
        facts = await probe(marketo, rng=random.Random(5))
    found = facts.activities(facts.began, facts.at)
    assert found == pytest.approx(20_000, rel=0.1)


async def test_what_the_user_names_is_not_probed() -> None:
    async with instance() as (sandbox, marketo):
        since = time.time() - 10 * DAY
        facts = await probe(marketo, since=since, activities=False)
        assert facts.began == since
        assert not facts.rates
        operations = dict(sandbox.stats.by_operation)
    assert not any("folders" in name for name in operations)


async def test_what_the_user_may_not_read_is_left_out() -> None:
    async with instance(permissions=frozenset({"Read-Only Assets"})) as (_, marketo):
        facts = await probe(marketo)
    assert facts.newest is None
    assert facts.leads == 0
    assert facts.programs > 0


async def test_widths_are_those_of_an_export() -> None:
    async with instance(leads=300, activities=600) as (sandbox, marketo):
        names = [field.name for field in (await marketo.leads.describe2()).fields]
        facts = await probe(marketo, fields=names)
        assert isinstance(sandbox, Sandbox)
        rows = [
            row
            async for row in marketo.bulk.leads.export(
                fields=names, created_at=(_at(facts.began), _at(facts.at)), poll=POLL
            )
        ]
    sizes = [sum(1 + len(str(value)) for value in row.values()) for row in rows]
    assert facts.width == pytest.approx(sum(sizes) / len(sizes), rel=0.1)


@pytest.mark.parametrize("days", [3.0, 200.0])
async def test_empty_pages_are_followed(days: float) -> None:
    leads = some_leads(range(1, 1_001))
    async with instance(leads=leads, activities=6_000, activity_days=days, empty_pages=0.5) as (_, marketo):
        facts = await probe(marketo, rng=random.Random(5))
    assert facts.activities(facts.at - 2 * days * DAY, facts.at) == pytest.approx(6_000, rel=0.25)
    assert facts.first_activity == pytest.approx(facts.at - days * DAY, abs=DAY)


async def test_a_newest_lead_that_is_deleted_is_enough() -> None:
    async with instance(leads=some_leads([900]), activities=[], lists={}) as (_, marketo):
        await marketo.leads.sync([{"email": "new@example.com"}])
        everyone = [lead["id"] for lead in await marketo.leads.by_filter("email", ["new@example.com"]).all()]
        await marketo.leads.delete([900, *everyone])
        facts = await probe(marketo, rng=random.Random(5))
    assert facts.newest == everyone[0]
    assert facts.leads == 0
