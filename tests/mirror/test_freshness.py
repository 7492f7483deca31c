"""Older rows of a snapshot never replace what the feed has read, whatever the order in which they are loaded."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from marketo_async.mirror import freshness
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.freshness import Freshness, keys_of
from marketo_async.mirror.loader import Loader
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import LEAD_DELETIONS, LIST_MEMBERS, LISTS, Catalog, table_of
from marketo_async.mirror.target import target_of

LEADS, _ = table_of("leads", ["id"], [("id", "bigint"), ("title", "text")], guarded=True)
CATALOG = Catalog([LEADS, LEAD_DELETIONS, LISTS, LIST_MEMBERS])
STARTED = 100.0


class Mirrored:
    """A loader of a DuckDB file, as a process that started at a moment has it."""

    def __init__(self, destination: Destination, *, started: float = STARTED) -> None:
        self.destination = destination
        self.freshness = Freshness(destination, CATALOG, started=started)
        self.loader = Loader(destination, CATALOG, self.freshness, MirrorState(instance="i"))

    async def load(self, *chunks: LoadChunk) -> None:
        await self.loader.load(chunks)

    async def leads(self) -> dict[int, str]:
        return dict(await self.destination.query("SELECT id, title FROM {leads}"))

    async def members(self) -> set[tuple[int, int]]:
        return set(await self.destination.query("SELECT list_id, lead_id FROM {list_members}"))


@pytest_asyncio.fixture
async def mirrored(tmp_path: Path) -> Any:
    destination = Destination(target_of(f"duckdb:///{tmp_path}/a.duckdb"), folder=tmp_path / "dlt")
    await destination.open("i")
    yield Mirrored(destination)
    await destination.close()


def leads(titles: Mapping[int, str], *, read_at: float, snapshot: bool = False, gone: Sequence[int] = ()) -> LoadChunk:
    return LoadChunk(
        rows={"leads": [{"id": number, "title": title} for number, title in titles.items()]},
        deletions={"leads": [{"id": number} for number in gone]},
        gone=frozenset(gone),
        read_at=read_at,
        snapshot=snapshot,
    )


def members(
    *pairs: tuple[int, int], read_at: float, snapshot: bool = False, left: Sequence[tuple[int, int]] = ()
) -> LoadChunk:
    def keys(found: Sequence[tuple[int, int]]) -> list[dict[str, int]]:
        return [{"listId": list_id, "leadId": lead_id} for list_id, lead_id in found]

    return LoadChunk(
        rows={"list_members": keys(pairs)}, deletions={"list_members": keys(left)}, read_at=read_at, snapshot=snapshot
    )


@pytest.mark.slow
async def test_a_page_that_was_read_before_the_feed_read_its_leads_changes_nothing(mirrored: Mirrored) -> None:
    await mirrored.load(leads({1: "new", 2: "new"}, read_at=120.0, gone=[3]))
    await mirrored.load(leads({1: "old", 2: "old", 3: "gone", 4: "four"}, read_at=110.0, snapshot=True))

    assert await mirrored.leads() == {1: "new", 2: "new", 4: "four"}


@pytest.mark.slow
async def test_a_page_that_was_read_later_is_newer(mirrored: Mirrored) -> None:
    await mirrored.load(leads({1: "old"}, read_at=120.0))
    await mirrored.load(leads({1: "new"}, read_at=130.0, snapshot=True))

    assert await mirrored.leads() == {1: "new"}


@pytest.mark.slow
async def test_both_in_one_load_are_told_apart_in_either_order(mirrored: Mirrored) -> None:
    page = leads({1: "old", 3: "gone"}, read_at=110.0, snapshot=True)
    feed = leads({1: "new"}, read_at=120.0, gone=[3])
    for order in ([page, feed], [feed, page]):
        await mirrored.load(*order)
        assert await mirrored.leads() == {1: "new"}


@pytest.mark.slow
async def test_an_export_from_before_this_process_is_compared_with_the_destination(mirrored: Mirrored) -> None:
    deleted = LoadChunk(rows={"lead_deletions": [{"leadId": 3, "marketoGUID": "g"}]}, read_at=120.0)
    await mirrored.load(leads({1: "new", 2: "old"}, read_at=120.0, gone=[3]), deleted)
    await mirrored.load(leads({2: "old"}, read_at=105.0))
    later = Mirrored(mirrored.destination, started=200.0)
    table = pa.table({"id": [1, 2, 3, 4], "title": ["old", "export", "export", "export"]})
    export = LoadChunk(rows={"leads": table}, read_at=110.0, snapshot=True)
    await later.load(export)
    await later.load(export)

    assert await later.leads() == {1: "new", 2: "export", 4: "export"}


@pytest.mark.slow
async def test_what_is_too_much_for_the_memory_is_known_to_the_destination(
    mirrored: Mirrored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freshness, "_MOST", 1)
    for number in range(1, 5):
        await mirrored.load(leads({2 * number: "new", 2 * number + 1: "new"}, read_at=110.0 + number))
    await mirrored.load(leads(dict.fromkeys(range(1, 11), "old"), read_at=105.0, snapshot=True))

    assert await mirrored.leads() == {1: "old", **dict.fromkeys(range(2, 10), "new"), 10: "old"}
    assert len(mirrored.freshness._recent) + len(mirrored.freshness._older) <= 4


@pytest.mark.slow
async def test_memberships_of_leads_that_are_gone_go_too(mirrored: Mirrored) -> None:
    await mirrored.load(members((7, 1), (7, 2), (8, 1), read_at=110.0))
    await mirrored.load(members((9, 1), read_at=115.0), leads({}, read_at=120.0, gone=[1]))
    assert await mirrored.members() == {(7, 2)}

    await mirrored.load(members((7, 1), (7, 3), read_at=119.0, snapshot=True))
    assert await mirrored.members() == {(7, 2), (7, 3)}


@pytest.mark.slow
async def test_a_page_of_members_brings_nobody_back_and_removes_nobody_who_came_later(mirrored: Mirrored) -> None:
    await mirrored.load(members((7, 1), (7, 2), read_at=110.0))
    await mirrored.load(members((7, 3), left=[(7, 2)], read_at=120.0))
    await mirrored.load(members((7, 1), (7, 2), left=[(7, 3)], read_at=115.0, snapshot=True))

    assert await mirrored.members() == {(7, 1), (7, 3)}


class NeverAsked(Destination):
    async def query(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        raise AssertionError("everything has happened since the start")


PAIRS = st.tuples(st.integers(1, 2), st.integers(1, 3))
MOMENTS = st.floats(STARTED, STARTED + 10)
READ = st.builds(
    lambda pairs, gone, at: (pairs, gone, at), st.sets(PAIRS), st.sets(st.integers(1, 3), max_size=1), MOMENTS
)


@given(st.lists(READ, max_size=5), st.sets(PAIRS), MOMENTS, st.sampled_from(["dicts", "arrow"]))
def test_a_row_of_a_page_is_loaded_exactly_if_the_feed_has_not_read_it_since(
    read: list[tuple[set[tuple[int, int]], set[int], float]], page: set[tuple[int, int]], asked: float, kind: str
) -> None:
    known = Freshness(NeverAsked(target_of("duckdb:///a")), CATALOG, started=STARTED)
    for pairs, gone, read_at in read:
        known.note(replace(members(*pairs, read_at=read_at), gone=frozenset(gone)))
    chunk = members(*sorted(page), read_at=asked, snapshot=True)
    if kind == "arrow":
        columns = {"list_id": [pair[0] for pair in sorted(page)], "lead_id": [pair[1] for pair in sorted(page)]}
        chunk = replace(chunk, rows={"list_members": pa.table(columns)})
    found = asyncio.run(known.admitted(chunk)).rows["list_members"]

    newest: dict[tuple[int, int], float] = {}
    for pairs, _, read_at in read:
        newest.update(dict.fromkeys(pairs, read_at))  # the feed reads in order; its last word counts
    left = {lead for _, gone, _ in read for lead in gone}
    expected = {pair for pair in page if pair[1] not in left and newest.get(pair, -1.0) < asked}
    assert set(keys_of(LIST_MEMBERS, found)) == expected
