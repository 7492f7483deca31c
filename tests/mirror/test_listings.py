"""Tables that are listings: equal to the instance after each pass, read again at their pace, left out where lacking."""

from __future__ import annotations

import logging
import time
from pathlib import Path

import pytest

from marketo_async import Marketo
from marketo_async.errors import InvalidData
from marketo_async.mirror.backfill.listings import ListingPass, listing_kinds
from marketo_async.mirror.plan import InstanceFacts
from marketo_async.mirror.tables import Catalog
from marketo_async.sandbox import Fault
from tests.mirror.instances import instance
from tests.mirror.loads import Loaded, context

FACTS = InstanceFacts(at=time.time(), began=time.time() - 86_400)
SEGMENTATIONS = "/rest/asset/v1/segmentation.json"
KINDS = listing_kinds()


class Clock:
    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def _pass(name: str, marketo: Marketo, folder: Path, clock: Clock, loaded: Loaded) -> ListingPass:
    shared = context(marketo, loaded.catalog, folder, FACTS, loaded=loaded, clock=clock)
    return ListingPass(shared, KINDS[name])


def _loaded() -> Loaded:
    return Loaded(Catalog(kind.table for kind in KINDS.values()))


@pytest.mark.parametrize("name", sorted(KINDS))
async def test_a_pass_loads_the_whole_listing_and_waits_for_its_next_time(name: str, tmp_path: Path) -> None:
    async with instance(lists={n: [1] for n in range(1001, 1004)}) as (sandbox, marketo):
        clock, loaded = Clock(), _loaded()
        one = _pass(name, marketo, tmp_path, clock, loaded)
        if name == "tokens":
            await marketo.tokens.create((await marketo.folders.browse().all())[0].reference, "my", "text", "v")
        assert not one.done(loaded.state)
        assert await loaded.run(one)
        assert one.done(loaded.state)
        assert loaded.tables[name]
        calls = sandbox.stats.calls
        assert await loaded.run(one)
        assert sandbox.stats.calls == calls
        clock.ahead = KINDS[name].every + 1
        assert not one.done(loaded.state)
        assert await loaded.run(one)
        assert sandbox.stats.calls > calls


async def test_what_a_listing_no_longer_has_is_deleted(tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        clock, loaded = Clock(), _loaded()
        one = _pass("emails", marketo, tmp_path, clock, loaded)
        assert await loaded.run(one)
        before = set(loaded.tables["emails"])
        gone = (await marketo.emails.browse().first()).id  # type: ignore[union-attr]
        await marketo.emails.unapprove(gone)
        await marketo.emails.delete(gone)
        clock.ahead = KINDS["emails"].every + 1
        assert await loaded.run(_pass("emails", marketo, tmp_path, clock, loaded))
        assert set(loaded.tables["emails"]) == before - {(gone,)}


async def test_a_row_that_the_feed_has_written_meanwhile_is_not_deleted(tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        clock, loaded = Clock(), _loaded()
        assert await loaded.run(_pass("lists", marketo, tmp_path, clock, loaded))
        clock.ahead = KINDS["lists"].every + 1
        for number, ahead in ((98, 0.0), (99, clock.ahead + 60)):
            loaded.tables["lists"][(number,)] = {"id": number}
            loaded.read_at["lists", (number,)] = time.time() + ahead
        assert await loaded.run(_pass("lists", marketo, tmp_path, clock, loaded))
        assert (98,) not in loaded.tables["lists"]
        assert (99,) in loaded.tables["lists"]


@pytest.mark.parametrize("code", ["603", "616", "703", "1018", "1026"])
async def test_what_the_instance_lacks_is_left_out_with_a_message(
    code: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fault = Fault(code, path=SEGMENTATIONS)
    async with instance(faults=[fault]) as (_, marketo):
        loaded = _loaded()
        one = _pass("segmentations", marketo, tmp_path, Clock(), loaded)
        with caplog.at_level(logging.WARNING, logger="marketo_async.mirror"):
            assert await loaded.run(one)
        assert one.done(loaded.state)
        assert not loaded.tables["segmentations"]
    assert "segmentations is left out" in caplog.text


async def test_any_other_error_is_raised(tmp_path: Path) -> None:
    fault = Fault("1003", path=SEGMENTATIONS)
    async with instance(faults=[fault]) as (_, marketo):
        loaded = _loaded()
        with pytest.raises(InvalidData):
            await loaded.run(_pass("segmentations", marketo, tmp_path, Clock(), loaded))
        assert loaded.state.progress == {}


def test_columns_have_the_types_of_the_model() -> None:
    columns = {column.source: column.type for column in KINDS["emails"].table.columns}
    assert columns["id"] == "bigint"
    assert columns["createdAt"] == "timestamp"
    assert columns["operational"] == "bool"
    assert columns["subject"] == "json"
    assert columns["name"] == "text"
