"""Companies, opportunities, roles and custom objects: equal to the instance, or left out with a message."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from marketo_async import Marketo
from marketo_async.errors import InvalidRequest
from marketo_async.mirror.backfill.objects import KEYED, ObjectTable, object_passes, object_tables
from marketo_async.mirror.backfill.passes import HOURLY, WEEKLY, Pass
from marketo_async.mirror.plan import DAY, InstanceFacts
from marketo_async.mirror.tables import Catalog, MirrorColumn, leads_table
from marketo_async.models.custom_object_types import Link, NewObjectField
from marketo_async.sandbox import Fault, SandboxClock
from tests.mirror.instances import instance
from tests.mirror.loads import Loaded, context
from tests.mirror.test_listings import Clock

FACTS = InstanceFacts(at=time.time(), began=time.time() - 40 * DAY)


async def _sell(marketo: Marketo, number: int) -> None:
    """Make companies, opportunities and roles of some leads."""
    some = range(1, number + 1)
    await marketo.companies.sync([{"externalCompanyId": f"C{n}", "company": f"Company {n}"} for n in some])
    leads = [{"id": n, "externalCompanyId": f"C{n}"} for n in some]
    await marketo.leads.sync(leads, action="updateOnly", lookup_field="id")
    await marketo.opportunities.sync([{"externalOpportunityId": f"O{n}", "name": f"Deal {n}"} for n in some])
    await marketo.opportunity_roles.sync(
        [{"externalOpportunityId": f"O{n}", "leadId": n, "role": "Buyer", "isPrimary": True} for n in some]
    )


async def _no_columns(_: str) -> dict[str, MirrorColumn]:
    return {}


async def _found(marketo: Marketo, *chosen: str) -> list[ObjectTable]:
    """Return the tables of the objects that an instance has."""
    return await object_tables(marketo, chosen or KEYED.keys(), _no_columns, everything=not chosen)


async def _passes(marketo: Marketo, folder: Path, loaded: Loaded, clock: Clock) -> list[Pass]:
    """Return the passes of the objects of an instance, in the order of their stages."""
    found = await _found(marketo)
    for one in found:
        loaded.catalog.add(one.table)
    shared = context(marketo, loaded.catalog, folder, FACTS, loaded=loaded, clock=clock)
    return sorted(object_passes(shared, found), key=lambda one: one.stage)


async def _with_leads(marketo: Marketo) -> Loaded:
    table, _ = leads_table(await marketo.leads.describe2())
    loaded = Loaded(Catalog([table]))
    fields = [column.source for column in table.columns]
    async for lead in marketo.leads.by_filter("id", range(1, 701), fields=fields):
        loaded.tables["leads"][(lead["id"],)] = lead
    return loaded


async def test_objects_are_found_by_the_keys_of_other_rows(tmp_path: Path) -> None:
    async with instance(leads=700) as (_, marketo):
        await _sell(marketo, 650)
        loaded, clock = await _with_leads(marketo), Clock()
        for one in await _passes(marketo, tmp_path, loaded, clock):
            assert await loaded.run(one)
        assert {row["externalCompanyId"] for row in loaded.tables["companies"].values()} >= {"C1", "C650"}
        assert len(loaded.tables["companies"]) == 650
        assert len(loaded.tables["opportunity_roles"]) == 650
        assert {row["name"] for row in loaded.tables["opportunities"].values()} == {f"Deal {n}" for n in range(1, 651)}
        await marketo.opportunities.delete([{"externalOpportunityId": "O7"}])
        clock.ahead = WEEKLY + 1
        for one in await _passes(marketo, tmp_path, loaded, clock):
            assert await loaded.run(one)
        assert len(loaded.tables["opportunities"]) == 649


async def test_without_leads_objects_are_left_out_and_nothing_is_deleted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with instance(leads=10) as (sandbox, marketo):
        loaded, clock = Loaded(Catalog()), Clock()
        passes = await _passes(marketo, tmp_path, loaded, clock)
        calls = sandbox.stats.calls
        with caplog.at_level(logging.WARNING, logger="marketo_async.mirror"):
            for one in passes[:2]:
                assert await loaded.run(one)
        assert sandbox.stats.calls == calls
    assert "companies is left out" in caplog.text


async def _make_cars(marketo: Marketo, *, linked: bool = True) -> None:
    types = marketo.custom_object_types
    await types.sync("car", "Car")
    fields = [
        NewObjectField(name="vin", display_name="VIN", data_type="string", is_dedupe_field=True),
        NewObjectField(name="wheels", display_name="Wheels", data_type="integer"),
    ]
    if linked:
        link = Link(name="Lead", field="id")
        fields.append(NewObjectField(name="leadId", display_name="Lead", data_type="integer", related_to=link))
    await types.create_fields("car", fields)
    await types.approve("car")


async def _cars(marketo: Marketo, folder: Path, loaded: Loaded) -> Pass:
    [one] = [one for one in await _passes(marketo, folder, loaded, Clock()) if one.name.startswith("custom_")]
    assert one.every == HOURLY
    one.every = 0.0
    return one


async def test_custom_objects_are_exported_and_then_what_has_changed(tmp_path: Path) -> None:
    clock = SandboxClock(start=time.time() - 10)  # an export ends with the last whole second
    async with instance(leads=50, clock=clock) as (sandbox, marketo):
        await _make_cars(marketo)
        await marketo.custom_objects.sync("car", [{"vin": f"V{n}", "leadId": n, "wheels": 4} for n in range(1, 21)])
        loaded = Loaded(Catalog())
        assert await loaded.run(await _cars(marketo, tmp_path, loaded))
        assert {row["vin"] for row in loaded.tables["custom_car"].values()} == {f"V{n}" for n in range(1, 21)}
        jobs = len(sandbox.instance.exports._jobs)
        assert jobs == 2  # the instance began 40 days ago
        await marketo.custom_objects.sync("car", [{"vin": "V3", "leadId": 3, "wheels": 3}])
        assert await loaded.run(await _cars(marketo, tmp_path, loaded))
        assert len(sandbox.instance.exports._jobs) == jobs + 1
        wheels = {row["vin"]: row["wheels"] for row in loaded.tables["custom_car"].values()}
        assert wheels["V3"] == "3"
        assert len(wheels) == 20


async def test_types_without_a_link_to_leads_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with instance(leads=50) as (_, marketo):
        await _make_cars(marketo, linked=False)
        with caplog.at_level(logging.WARNING, logger="marketo_async.mirror"):
            assert [one.table.name for one in await _found(marketo)] == list(KEYED)
    assert "custom_car is left out" in caplog.text


@pytest.mark.parametrize("code", ["603", "616", "1018", "1026"])
async def test_objects_that_the_instance_lacks_have_no_table(code: str, caplog: pytest.LogCaptureFixture) -> None:
    faults = [Fault(code, path=path) for path in ("/rest/v1/companies/", "/rest/v1/customobjects.json")]
    async with instance(faults=faults) as (_, marketo):
        with caplog.at_level(logging.WARNING, logger="marketo_async.mirror"):
            names = {one.table.name for one in await _found(marketo)}
        assert names == KEYED.keys() - {"companies"}
    assert "companies is left out" in caplog.text
    assert "custom objects are left out" in caplog.text


async def test_a_custom_object_is_chosen_by_its_table() -> None:
    async with instance() as (_, marketo):
        await _make_cars(marketo)
        assert [one.table.name for one in await _found(marketo, "custom_car")] == ["custom_car"]
        with pytest.raises(InvalidRequest, match="'custom_boat'; it has custom_car"):
            await _found(marketo, "custom_car", "custom_boat")
