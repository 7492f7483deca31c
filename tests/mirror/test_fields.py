"""Fields that come are filled in, those that change are reported, and those that go keep their columns."""

from __future__ import annotations

import logging
import random
import time
from pathlib import Path

import pytest

from marketo_async import Marketo
from marketo_async.mirror.backfill.fields import LeadFields, field_changes
from marketo_async.mirror.backfill.passes import DAILY
from marketo_async.mirror.plan import InstanceFacts
from marketo_async.mirror.tables import Catalog, leads_table
from marketo_async.models.leads import Description, FieldSummary
from marketo_async.sandbox import Sandbox
from tests.mirror.instances import instance
from tests.mirror.loads import Loaded, context
from tests.mirror.test_listings import Clock

FACTS = InstanceFacts(at=time.time(), began=time.time() - 86_400)


def _description(**types: str) -> Description:
    return Description(fields=[FieldSummary(name=name, data_type=kind) for name, kind in types.items()])


def test_a_description_is_compared_with_a_table() -> None:
    table, _ = leads_table(_description(email="email", score="integer", old="string"))
    changes = field_changes(table, _description(email="email", score="float", fresh="date"), ["email", "score", "old"])
    assert changes.new == ("fresh",)
    assert changes.retyped == {"score": ("bigint", "double")}
    assert changes.gone == ("old",)


def test_a_vanished_field_keeps_its_column_and_is_not_asked_for() -> None:
    table, _ = leads_table(_description(email="email", old="string"))
    later, _ = leads_table(_description(email="email"), {column.source: column for column in table.columns})
    assert later.column("old") == table.column("old")
    assert "old" not in later.fields
    assert later.fields == ["id", "email"]


def test_what_changed_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    table, _ = leads_table(_description(score="integer", old="string"))
    with caplog.at_level(logging.INFO, logger="marketo_async.mirror"):
        field_changes(table, _description(score="string", fresh="date"), ["score", "old"]).report("leads")
    assert "new field, fresh" in caplog.text
    assert "score of leads is now text; its column stays bigint" in caplog.text
    assert "old of leads is gone" in caplog.text


async def _begun(sandbox: Sandbox, marketo: Marketo) -> Loaded:
    """Return a destination that has all leads, and knows their fields."""
    table, _ = leads_table(await marketo.leads.describe2())
    loaded = Loaded(Catalog([table]))
    for lead_id in sandbox.instance.leads.ids():
        loaded.tables["leads"][(lead_id,)] = {"id": lead_id}
    return loaded


def _fields(marketo: Marketo, folder: Path, loaded: Loaded, clock: Clock) -> LeadFields:
    return LeadFields(context(marketo, loaded.catalog, folder, FACTS, loaded=loaded, clock=clock))


@pytest.mark.parametrize("seed", range(3))
async def test_a_new_field_becomes_a_column_that_is_filled_in_whatever_is_killed(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    async with instance(leads=2_000) as (sandbox, marketo):
        loaded, clock = await _begun(sandbox, marketo), Clock()
        assert await loaded.run(_fields(marketo, tmp_path, loaded, clock))
        sandbox.instance.lead_fields.add_custom("shoeSize", "Shoe Size", "integer")
        people = [{"id": lead_id, "shoeSize": lead_id % 50} for lead_id in sandbox.instance.leads.ids()]
        await marketo.leads.sync(people, action="updateOnly", lookup_field="id")
        assert _fields(marketo, tmp_path, loaded, clock).done(loaded.state)  # once a day
        if seed:
            clock.ahead = DAILY + 1
        else:  # a mirror that starts has described them already
            known = {column.source: column for column in loaded.catalog["leads"].columns}
            loaded.catalog.add(leads_table(await marketo.leads.describe2(), known)[0])
            assert not _fields(marketo, tmp_path, loaded, clock).done(loaded.state)
        for _ in range(40):
            puts = rng.randint(1, 6)
            if await loaded.run(_fields(marketo, tmp_path, loaded, clock), chunks=puts, loses=rng.randint(0, 1)):
                break
        column = loaded.catalog["leads"].column("shoeSize")
        assert column is not None
        assert (column.name, column.type) == ("shoe_size", "bigint")
        assert {key[0]: row.get("shoeSize") for key, row in loaded.tables["leads"].items()} == {
            person["id"]: person["shoeSize"] for person in people
        }
        assert _fields(marketo, tmp_path, loaded, clock).done(loaded.state)


async def test_without_new_fields_a_day_costs_one_call(tmp_path: Path) -> None:
    async with instance(leads=900) as (sandbox, marketo):
        loaded, clock = await _begun(sandbox, marketo), Clock()
        assert await loaded.run(_fields(marketo, tmp_path, loaded, clock))
        clock.ahead = DAILY + 1
        calls = sandbox.stats.calls
        assert await loaded.run(_fields(marketo, tmp_path, loaded, clock))
        assert sandbox.stats.calls == calls + 1
