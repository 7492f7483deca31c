"""The first load of activities: each once, in the table of its type, newest first, whatever is killed."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import pytest

from marketo_async import Marketo
from marketo_async.mirror.backfill.activities import ActivityLoad
from marketo_async.mirror.meter import Allowance
from marketo_async.mirror.plan import DAY, ActivityRate, InstanceFacts
from marketo_async.mirror.tables import Catalog, activity_table, activity_table_names
from marketo_async.models.moment import parse
from marketo_async.sandbox import Sandbox
from tests.mirror.instances import instance
from tests.mirror.loads import Loaded, context

DAYS = 100.0
BULK = Allowance(calls=1_000_000)
NO_BYTES = Allowance(calls=1_000_000, exported=1)


def _facts(rows: float = 4_000.0) -> InstanceFacts:
    now = time.time()
    began = now - DAYS * DAY - DAY
    return InstanceFacts(at=now, began=began, rates=(ActivityRate(began, now, rows),), type_groups=2)


async def _load(
    marketo: Marketo, folder: Path, loaded: Loaded | None = None, **options: Any
) -> tuple[ActivityLoad, Loaded]:
    kinds = await marketo.activities.types_by_id()
    types = activity_table_names(kinds.values())
    catalog = Catalog(activity_table(name, kinds[number])[0] for number, name in types.items())
    facts = options.pop("facts", None) or _facts()
    loaded = loaded or Loaded(catalog)
    return ActivityLoad(context(marketo, catalog, folder, facts, loaded=loaded, **options), kinds, types), loaded


def _there(sandbox: Sandbox) -> set[str]:
    log = sandbox.instance.activities
    return {one.marketo_guid for one in log if one.activity_type_id != 37}


def _loaded(loaded: Loaded) -> set[str]:
    return {str(key[0]) for rows in loaded.tables.values() for key in rows}


@pytest.mark.parametrize("allowance", [BULK, NO_BYTES], ids=["exports", "paging alone"])
async def test_every_activity_is_loaded_into_the_table_of_its_type(allowance: Allowance, tmp_path: Path) -> None:
    async with instance(leads=100, activities=4_000, activity_days=DAYS) as (sandbox, marketo):
        load, loaded = await _load(marketo, tmp_path, allowance=allowance)
        assert await loaded.run(load)
        assert load.done(loaded.state)
        assert _loaded(loaded) == _there(sandbox)
        jobs = len(sandbox.instance.exports._jobs)
        for name, rows in loaded.tables.items():
            kinds = {row["activityTypeId"] for row in rows.values()}
            assert len(kinds) == 1, name
        visits = loaded.tables["activity_visit_webpage"]
        assert all(row["@Webpage URL"].startswith("/page") for row in visits.values())
        calls = sandbox.stats.calls
        assert await loaded.run(load)
        assert sandbox.stats.calls == calls
    assert jobs == (3 if allowance is BULK else 0)
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240


async def test_both_ways_give_the_same_rows(tmp_path: Path) -> None:
    async with instance(leads=100, activities=2_000, activity_days=DAYS) as (_, marketo):
        by_paging, one = await _load(marketo, tmp_path, allowance=NO_BYTES)
        by_exports, other = await _load(marketo, tmp_path)
        assert await one.run(by_paging)
        assert await other.run(by_exports)
    for name in one.tables.keys() | other.tables.keys():
        assert _typed(one, name) == _typed(other, name)


def _typed(loaded: Loaded, name: str) -> dict[str, object]:
    pa = pytest.importorskip("pyarrow")
    from marketo_async.mirror.arrow import arrow_rows  # noqa: PLC0415 - needs pyarrow

    assert pa
    rows = [loaded.tables[name][key] for key in sorted(loaded.tables[name])]
    return arrow_rows(loaded.catalog[name], rows, read_at=0.0).to_pydict()  # type: ignore[no-any-return]


@pytest.mark.parametrize("seed", range(4))
async def test_a_killed_load_continues_with_what_is_not_loaded(seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    async with instance(leads=100, activities=3_000, activity_days=DAYS) as (sandbox, marketo):
        load, loaded = await _load(marketo, tmp_path)
        for _ in range(80):
            load, _same = await _load(marketo, tmp_path, loaded)
            puts = rng.randint(1, 9)
            if await loaded.run(load, chunks=puts, loses=rng.randint(0, puts - 1) if rng.random() < 0.3 else 0):
                break
        assert load.done(loaded.state)
        assert _loaded(loaded) == _there(sandbox)


async def test_the_newest_are_there_first(tmp_path: Path) -> None:
    async with instance(leads=100, activities=4_000, activity_days=DAYS) as (_, marketo):
        load, loaded = await _load(marketo, tmp_path, allowance=NO_BYTES)
        assert await loaded.run(load)
    ends = [
        min(row["activityDate"] for rows in chunk.rows.values() for row in rows)
        for chunk in loaded.chunks
        if chunk.size
    ]
    assert ends[0] > ends[-1]
    newest = max(row["activityDate"] for rows in loaded.tables.values() for row in rows.values())
    assert (newest - ends[0]).days <= 31


async def test_since_overrides_where_the_history_begins(tmp_path: Path) -> None:
    async with instance(leads=100, activities=2_000, activity_days=DAYS) as (sandbox, marketo):
        since = float(int(time.time() - 20 * DAY))
        load, loaded = await _load(marketo, tmp_path, since=since)
        assert await loaded.run(load)
        inside = {
            one.marketo_guid for one in sandbox.instance.activities if parse(one.activity_date).timestamp() >= since
        }
        assert _loaded(loaded) == inside


async def test_without_a_table_of_activities_there_is_nothing_to_do(tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        kinds = await marketo.activities.types_by_id()
        empty = Catalog()
        load = ActivityLoad(context(marketo, empty, tmp_path, _facts()), kinds, activity_table_names(kinds.values()))
        loaded = Loaded(empty)
        assert load.done(loaded.state)
        assert await loaded.run(load)
        assert not loaded.chunks


async def test_a_table_that_is_chosen_later_has_a_load_of_its_own(tmp_path: Path) -> None:
    async with instance(leads=100, activities=2_000, activity_days=DAYS) as (sandbox, marketo):
        load, loaded = await _load(marketo, tmp_path)
        chosen = {name: loaded.catalog[name] for name in ("activity_visit_webpage", "activity_open_email")}
        kinds = await marketo.activities.types_by_id()
        types = activity_table_names(kinds.values())
        few = context(marketo, Catalog(chosen.values()), tmp_path, _facts(), loaded=loaded)
        assert await loaded.run(ActivityLoad(few, kinds, types))
        assert loaded.tables.keys() == chosen.keys()
        before = {name: dict(rows) for name, rows in loaded.tables.items()}
        assert not load.done(loaded.state)
        loads = len(loaded.chunks)
        assert await loaded.run(load)
        assert _loaded(loaded) == _there(sandbox)
        again = {name for chunk in loaded.chunks[loads:] for name in chunk.rows}
        assert not again & before.keys()
        assert load.done(loaded.state)
