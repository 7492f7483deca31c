"""The first load of leads: every lead once, by either way, whatever is killed; and never before the beginning."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from marketo_async import Marketo
from marketo_async.mirror.backfill.leads import LeadLoad, LeadsDone
from marketo_async.mirror.plan import DAY, MONTH, InstanceFacts
from marketo_async.mirror.tables import Catalog, leads_table
from marketo_async.sandbox import Sandbox
from tests.mirror.instances import instance, some_leads
from tests.mirror.loads import Loaded, context

IDS = [*range(1, 1_201), *range(4_000, 4_100)]


async def _catalog(marketo: Marketo) -> Catalog:
    return Catalog([leads_table(await marketo.leads.describe2())[0]])


def _facts(way: str, *, newest: int = IDS[-1], days: float = 300.0) -> InstanceFacts:
    """Return facts that make one way the cheaper."""
    density = 0.3 if way == "ids" else 0.000_001
    width = 250.0 if way == "ids" else 0.001
    far = newest if way == "ids" else 2_000_000_000
    now = time.time()
    return InstanceFacts(at=now, newest=far, density=density, width=width, began=now - days * DAY - DAY)


def _there(sandbox: Sandbox) -> set[int]:
    return set(sandbox.instance.leads.ids())


@pytest.mark.parametrize("way", ["ids", "bulk"])
async def test_every_lead_is_loaded_once_with_its_values(way: str, tmp_path: Path) -> None:
    async with instance(leads=some_leads(IDS), activities=0) as (sandbox, marketo):
        catalog = await _catalog(marketo)
        loaded, load = Loaded(catalog), LeadLoad(context(marketo, catalog, tmp_path, _facts(way)))
        began = time.time()
        assert await loaded.run(load)
        assert load.done(loaded.state)
        rows = loaded.tables["leads"]
        assert {key[0] for key in rows} == _there(sandbox)
        assert rows[(7,)]["email"] == "lead7@example.com"
        assert all(chunk.snapshot and began <= chunk.read_at <= time.time() for chunk in loaded.chunks if chunk.rows)
        progress = loaded.state.progress_of("leads", LeadsDone)
        assert progress is not None
        assert progress.way == way
        calls = sandbox.stats.calls
        assert await loaded.run(load)
        assert sandbox.stats.calls == calls  # nothing is left to do
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("way", ["ids", "bulk"])
async def test_a_killed_load_continues_with_what_is_not_loaded(way: str, seed: int, tmp_path: Path) -> None:
    rng = random.Random(f"{way}{seed}")
    async with instance(leads=some_leads(IDS), activities=0) as (sandbox, marketo):
        catalog = await _catalog(marketo)
        loaded = Loaded(catalog)
        load = LeadLoad(context(marketo, catalog, tmp_path, _facts(way), loaded=loaded))
        for _ in range(60):
            load = LeadLoad(context(marketo, catalog, tmp_path, _facts(way), loaded=loaded))
            puts = rng.randint(1, 6)
            if await loaded.run(load, chunks=puts, loses=rng.randint(0, puts - 1) if rng.random() < 0.5 else 0):
                break
        assert load.done(loaded.state)
        assert {key[0] for key in loaded.tables["leads"]} == _there(sandbox)


async def test_chunks_of_ids_are_read_at_once_and_only_as_far_as_there_are_leads(tmp_path: Path) -> None:
    async with instance(leads=some_leads(range(1, 6_001)), activities=0, latency=0.02) as (sandbox, marketo):
        catalog = await _catalog(marketo)
        loaded = Loaded(catalog)
        calls = sandbox.stats.calls
        assert await loaded.run(LeadLoad(context(marketo, catalog, tmp_path, _facts("ids", newest=6_000))))
        assert sandbox.stats.calls - calls == 20 + 3
        assert sandbox.stats.max_in_flight > 3


async def test_leads_above_the_newest_id_that_was_found_are_loaded_too(tmp_path: Path) -> None:
    async with instance(leads=some_leads(range(1, 3_001)), activities=0) as (sandbox, marketo):
        catalog = await _catalog(marketo)
        loaded = Loaded(catalog)
        assert await loaded.run(LeadLoad(context(marketo, catalog, tmp_path, _facts("ids", newest=900))))
        assert {key[0] for key in loaded.tables["leads"]} == _there(sandbox)


async def test_no_export_is_before_the_beginning(tmp_path: Path) -> None:
    async with instance(leads=some_leads(IDS, days=100.0), activities=0) as (sandbox, marketo):
        catalog = await _catalog(marketo)
        facts = _facts("bulk", days=100.0)
        assert await Loaded(catalog).run(LeadLoad(context(marketo, catalog, tmp_path, facts)))
        jobs = list(sandbox.instance.exports._jobs.values())
    assert len(jobs) == -(-101 * DAY // MONTH)


async def test_a_complete_file_that_a_killed_run_left_is_read_without_a_job(tmp_path: Path) -> None:
    async with instance(leads=some_leads(range(1, 51), days=20.0), activities=0) as (sandbox, marketo):
        catalog = await _catalog(marketo)
        facts = _facts("bulk", days=20.0)
        loaded = Loaded(catalog)
        first = LeadLoad(context(marketo, catalog, tmp_path, facts, clock=lambda: facts.at))
        assert not await loaded.run(first, chunks=1, loses=1)
        assert not loaded.tables["leads"]
        made = len(sandbox.instance.exports._jobs)
        again = LeadLoad(context(marketo, catalog, tmp_path, facts, clock=lambda: facts.at))
        assert await loaded.run(again)
        assert len(loaded.tables["leads"]) == 50
        assert len(sandbox.instance.exports._jobs) == made == 1
