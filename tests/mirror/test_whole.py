"""The first load of everything into a real DuckDB and Postgres, and a field that is added afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_async.mirror.runner import Mirror
from tests.mirror.follower import QUICK
from tests.mirror.instances import instance


@pytest.mark.slow
@pytest.mark.parametrize("database", ["duckdb", "postgres"])
async def test_every_table_of_an_instance_is_loaded_and_a_new_field_is_filled_in(
    database: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    target = request.getfixturevalue(database)
    async with instance(leads=400, activities=1_500, activity_days=50.0) as (sandbox, marketo):
        async with Mirror(marketo, target, folder=tmp_path, **QUICK) as mirror:
            await mirror.run()
            rows = (await mirror.status()).rows
        log = [one for one in sandbox.instance.activities if one.activity_type_id != 37]
        assert rows["leads"] == 400
        assert sum(count for name, count in rows.items() if name.startswith("activity_")) == len(log)
        assert rows["programs"] == len(sandbox.instance.programs)
        for name in ("emails", "forms", "landing_pages", "smart_campaigns", "folders", "channels", "tags", "segments"):
            assert rows[name] > 0, name

        sandbox.instance.lead_fields.add_custom("shoeSize", "Shoe Size", "integer")
        people = sandbox.instance.leads
        for lead_id in people.ids():  # without an activity, so that the feed says nothing of it
            people.update(lead_id, {"shoeSize": lead_id % 50})
        async with Mirror(marketo, target, folder=tmp_path, **QUICK) as mirror:
            await mirror.run()
            sizes = await mirror.destination.query("SELECT id, shoe_size FROM {leads} ORDER BY id")
        assert sizes == [(lead_id, lead_id % 50) for lead_id in people.ids()]
