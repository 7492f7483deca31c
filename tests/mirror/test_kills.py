"""Processes that are killed at any moment leave a destination from which the next one continues: 0 lost, 0 doubled.

A real process, killed by the system, with late commits, deletions and merges while it loads.
"""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio

from marketo_async import Marketo
from marketo_async.mirror.runner import Mirror
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, Traffic

from .follower import QUICK, started
from .truth import Differences, differences, held, true

CORE = [
    "leads",
    "lead_changes",
    "lead_deletions",
    "lead_merges",
    "lists",
    "list_members",
    "programs",
    "program_members",
]
EVENTS, MANY = 12, 200  # a process
KILLS = int(os.environ.get("MIRROR_KILLS", "12"))


@pytest.fixture
def rng() -> random.Random:
    return random.Random(11)


@pytest_asyncio.fixture
async def sandbox(traffic: Traffic) -> AsyncIterator[Sandbox]:
    """A sandbox that commits every tenth activity up to two seconds late."""
    limits = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)
    quirks = Quirks(late_share=0.1, late_by=(0.0, 2.0))
    async with Sandbox(leads=400, activities=0, limits=limits, traffic=traffic, quirks=quirks) as sandbox:
        traffic.join(sandbox.instance)
        yield sandbox


class Murders:
    """Kills processes that follow, while events happen."""

    def __init__(self, sandbox: Sandbox, traffic: Traffic, folder: Path, tables: list[str], rng: random.Random) -> None:
        self.sandbox = sandbox
        self.traffic = traffic
        self.folder = folder
        self.tables = tables
        self.rng = rng
        self.since = datetime.fromtimestamp(sandbox.clock.time(), UTC)

    async def commit(self, target: str, kills: int, longest: float, events: int = EVENTS) -> None:
        for _ in range(kills):
            process = started(self.sandbox, target, self.folder, self.tables, self.since)
            life = self.rng.uniform(0.1, longest)
            for _ in range(events):
                self.traffic.happen()
                await asyncio.sleep(life / events)
            assert process.is_alive()
            process.kill()
            process.join()

    async def settle(self, marketo: Marketo, target: str) -> Differences:
        """Let a mirror run until its tables equal the instance, or until it had the time; return what differs."""
        async with Mirror(marketo, target, tables=self.tables, since=self.since, folder=self.folder, **QUICK) as mirror:
            following = asyncio.create_task(mirror.run(follow=True))
            different: Differences = {"nothing": ([], [])}
            try:
                async with asyncio.timeout(60):
                    while different and not following.done():
                        await asyncio.sleep(1.0)
                        different = await self.different(mirror)
            except TimeoutError:
                pass
            finally:
                following.cancel()
                await asyncio.wait({following})
            return await self.different(mirror)

    async def different(self, mirror: Mirror) -> Differences:
        truth = true(self.sandbox, self.traffic)
        names = {
            name for name in truth if name in self.tables or (name == "activities" and "activities" in self.tables)
        }
        return differences(await held(mirror.destination, names), {name: truth[name] for name in names})


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_kill_loses_nothing_and_doubles_nothing(
    sandbox: Sandbox, traffic: Traffic, marketo: Marketo, duckdb: str, tmp_path: Path, rng: random.Random
) -> None:
    murders = Murders(sandbox, traffic, tmp_path / "dlt", CORE, rng)
    await murders.commit(duckdb, kills=1, longest=1.5)

    assert await murders.settle(marketo, duckdb) == {}


@pytest.mark.slow
@pytest.mark.timeout(580)
@pytest.mark.parametrize("destination", ["duckdb", "postgres"])
async def test_many_kills_amid_thousands_of_events_lose_nothing_and_double_nothing(
    destination: str,
    sandbox: Sandbox,
    traffic: Traffic,
    marketo: Marketo,
    tmp_path: Path,
    rng: random.Random,
    request: pytest.FixtureRequest,
) -> None:
    target = request.getfixturevalue(destination)
    murders = Murders(sandbox, traffic, tmp_path / "dlt", [*CORE, "activities"], rng)
    await murders.commit(target, kills=KILLS, longest=5.0, events=MANY)

    assert len(traffic.log) == KILLS * MANY
    assert await murders.settle(marketo, target) == {}


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_local_folder_may_vanish_between_two_runs(
    sandbox: Sandbox, traffic: Traffic, marketo: Marketo, duckdb: str, tmp_path: Path, rng: random.Random
) -> None:
    murders = Murders(sandbox, traffic, tmp_path / "dlt", ["leads", "lead_changes"], rng)
    await murders.settle(marketo, duckdb)
    shutil.rmtree(murders.folder)
    for _ in range(EVENTS):
        traffic.happen()

    assert await murders.settle(marketo, duckdb) == {}
