"""What waits for a load: gathered for a while, bounded in rows, and nothing left at the end."""

from __future__ import annotations

import asyncio

import pytest

from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.gathering import Gathering
from marketo_async.mirror.tables import Catalog, table_of

pytestmark = pytest.mark.looptime


CATALOG = Catalog([table_of("t", ["id"], [("id", "bigint")])[0]])


def chunk(rows: int, position: str | None = None) -> LoadChunk:
    return LoadChunk(rows={"t": [{"id": number} for number in range(rows)]}, read_at=0.0, position=position)


async def test_a_load_takes_what_some_seconds_bring() -> None:
    gathering = Gathering(CATALOG, seconds=2.0)

    async def bring() -> None:
        for _ in range(5):
            await gathering.put(chunk(1))
            await asyncio.sleep(0.9)

    bringing = asyncio.create_task(bring())
    assert [len(await gathering.take()) for _ in range(2)] == [3, 2]
    await bringing


async def test_a_full_load_does_not_wait() -> None:
    gathering = Gathering(CATALOG, seconds=100.0, most_values=10)
    await gathering.put(chunk(10))

    async with asyncio.timeout(1):
        assert len(await gathering.take()) == 1


async def test_those_who_put_wait_while_enough_rows_wait() -> None:
    gathering = Gathering(CATALOG, seconds=1.0, most_values=10)
    await gathering.put(chunk(11, "a"))
    waiting = asyncio.create_task(gathering.put(chunk(1, "b")))
    await asyncio.sleep(50)

    assert (waiting.done(), gathering.position) == (False, "a")
    assert len(await gathering.take()) == 1
    await waiting
    assert gathering.position == "b"


async def test_the_last_load_has_the_rest_and_then_there_is_none() -> None:
    gathering = Gathering(CATALOG, seconds=1.0)
    await gathering.put(chunk(1))
    await gathering.end()

    assert [len(await gathering.take()) for _ in range(2)] == [1, 0]
