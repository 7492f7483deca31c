"""Loads: tried again while the database is away, acknowledged once they are complete, begun only if needed."""

from __future__ import annotations

import asyncio

import pytest

from marketo_async.errors import TargetUnavailable
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.freshness import Freshness
from marketo_async.mirror.gathering import Gathering
from marketo_async.mirror.loader import Loader
from marketo_async.mirror.loading import Destination, LoadReport
from marketo_async.mirror.package import Package
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import LISTS, PROGRAMS, Catalog
from marketo_async.mirror.target import target_of

pytestmark = pytest.mark.looptime


class Away(Destination):
    """A database that is away for the first ``times`` loads."""

    def __init__(self, times: int, known: set[str] | None = None) -> None:
        super().__init__(target_of("duckdb:///a"))
        self.times = times
        self.loaded: list[Package] = []
        self.known = known or set()

    async def tables(self) -> set[str]:
        return self.known

    async def load(self, package: Package, catalog: Catalog) -> LoadReport:
        if self.times:
            self.times -= 1
            raise TargetUnavailable("it is away")
        self.loaded.append(package)
        return LoadReport(rows={})


def loader(destination: Away, state: MirrorState | None = None) -> Loader:
    catalog = Catalog([LISTS, PROGRAMS])
    freshness = Freshness(destination, catalog, started=0.0)
    return Loader(destination, catalog, freshness, state or MirrorState(instance="i"))


async def test_a_load_is_tried_again_for_some_minutes_and_counts_once() -> None:
    destination, acks = Away(times=4), list[str]()
    writing = loader(destination)
    began = asyncio.get_running_loop().time()
    await writing.load([LoadChunk(read_at=1.0, position="a", ack=lambda: acks.append("a"))])

    assert asyncio.get_running_loop().time() - began == pytest.approx(86.0)
    assert (len(destination.loaded), acks, writing.state.position, writing.state.loads) == (1, ["a"], "a", 1)


async def test_a_database_that_stays_away_is_reported_and_nothing_counts() -> None:
    acks = list[str]()
    writing = loader(Away(times=100))
    with pytest.raises(TargetUnavailable, match="it is away"):
        await writing.load([LoadChunk(read_at=1.0, position="a", ack=lambda: acks.append("a"))])

    assert (acks, writing.state) == ([], MirrorState(instance="i"))


async def test_chunks_are_written_until_there_are_no_more() -> None:
    destination, gathering = Away(times=0), Gathering(Catalog(), seconds=1.0)
    writing = asyncio.create_task(loader(destination).run(gathering))
    for position in "abc":
        await gathering.put(LoadChunk(read_at=1.0, position=position))
        await asyncio.sleep(0.6)
    await gathering.end()
    await writing

    assert [package.state.position for package in destination.loaded] == ["b", "c"]


async def test_a_mirror_begins_with_the_tables_that_are_missing_and_its_position() -> None:
    destination = Away(times=0, known={"lists"})
    writing = loader(destination)
    await writing.begin("a", 1.0)

    (package,) = destination.loaded
    assert ([*package.chunks[0].rows], package.state.position) == (["programs"], "a")
    assert package.state.tables == ("lists", "programs")


async def test_a_mirror_that_has_everything_begins_without_a_load() -> None:
    destination = Away(times=0, known={"lists", "programs"})
    await loader(destination, MirrorState(instance="i", position="a", tables=("lists", "programs"))).begin("a", 1.0)

    assert destination.loaded == []
