"""Members of lists and programs, and deletions: equal to the instance, also after kills; left members are removed."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from marketo_async import Marketo
from marketo_async.mirror.backfill.members import member_passes
from marketo_async.mirror.backfill.passes import WEEKLY, Pass
from marketo_async.mirror.plan import InstanceFacts
from marketo_async.mirror.tables import LEAD_DELETIONS, LIST_MEMBERS, Catalog, program_members_table
from marketo_async.sandbox import Sandbox
from tests.mirror.instances import instance
from tests.mirror.loads import Loaded, context
from tests.mirror.test_listings import Clock

FACTS = InstanceFacts(at=time.time(), began=time.time() - 86_400)
LISTS = {1000 + n: range(1, 1 + 137 * n) for n in range(1, 9)}


async def _loaded(marketo: Marketo) -> Loaded:
    members, _ = program_members_table(await marketo.program_members.describe())
    return Loaded(Catalog([LIST_MEMBERS, LEAD_DELETIONS, members]))


def _pass(name: str, marketo: Marketo, folder: Path, loaded: Loaded, clock: Clock) -> Pass:
    shared = context(marketo, loaded.catalog, folder, FACTS, loaded=loaded, clock=clock)
    return next(one for one in member_passes(shared) if one.name == name)


def _there(sandbox: Sandbox, name: str) -> set[tuple[int, int]]:
    if name == "list_members":
        return {(one.id, lead_id) for one in sandbox.instance.lists.by_id.values() for lead_id in one.lead_ids}
    return {(one.id, lead_id) for one in sandbox.instance.programs.values() for lead_id in one.members}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["list_members", "program_members"])
async def test_members_are_those_of_the_instance_after_any_kills(name: str, seed: int, tmp_path: Path) -> None:
    rng = random.Random(seed)
    async with instance(leads=1_200, lists=LISTS) as (sandbox, marketo):
        loaded, clock = await _loaded(marketo), Clock()
        one = _pass(name, marketo, tmp_path, loaded, clock)
        for _ in range(50):
            puts = rng.randint(1, 30)
            one = _pass(name, marketo, tmp_path, loaded, clock)
            if await loaded.run(one, chunks=puts, loses=rng.randint(0, puts // 2)):
                break
        assert one.done(loaded.state)
        assert set(loaded.tables[name]) == _there(sandbox, name)
        calls = sandbox.stats.calls
        assert await loaded.run(_pass(name, marketo, tmp_path, loaded, clock))
        assert sandbox.stats.calls == calls
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240


async def test_a_weekly_pass_removes_who_has_left(tmp_path: Path) -> None:
    async with instance(leads=1_200, lists=LISTS) as (sandbox, marketo):
        loaded, clock = await _loaded(marketo), Clock()
        assert await loaded.run(_pass("list_members", marketo, tmp_path, loaded, clock))
        await marketo.lists.remove(1003, [5, 6, 7])
        await marketo.lists.add(1001, [1_100])
        clock.ahead = WEEKLY + 1
        assert await loaded.run(_pass("list_members", marketo, tmp_path, loaded, clock))
        assert set(loaded.tables["list_members"]) == _there(sandbox, "list_members")


async def test_deletions_that_marketo_still_lists_are_loaded_once(tmp_path: Path) -> None:
    async with instance(leads=100) as (sandbox, marketo):
        await marketo.leads.delete([3, 4, 5])
        loaded, clock = await _loaded(marketo), Clock()
        assert await loaded.run(_pass("lead_deletions", marketo, tmp_path, loaded, clock))
        assert set(loaded.tables["lead_deletions"]) == {(3,), (4,), (5,)}
        clock.ahead = 100 * WEEKLY
        calls = sandbox.stats.calls
        assert await loaded.run(_pass("lead_deletions", marketo, tmp_path, loaded, clock))
        assert sandbox.stats.calls == calls


async def test_an_instance_without_lists_has_no_members(tmp_path: Path) -> None:
    async with instance(lists={}) as (_, marketo):
        loaded = await _loaded(marketo)
        assert await loaded.run(_pass("list_members", marketo, tmp_path, loaded, Clock()))
        assert not loaded.tables["list_members"]
