"""However a batcher comes to its end, everybody who waits for it hears of it: for room, for a result, for a flush."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import pytest

from marketo_async.batcher import Batcher
from marketo_async.batcher.queue import Room
from marketo_async.errors import MarketoError, TransportError
from marketo_async.writes import Result

Numbers = Batcher[int, Result[int]]
SOON = 5.0


async def fails(_: Sequence[int]) -> list[Result[int]]:
    await asyncio.sleep(1)
    raise TransportError("no connection", sent=False)


async def never(_: Sequence[int]) -> list[Result[int]]:
    await asyncio.Event().wait()
    return []


async def broken(_: Sequence[int]) -> list[Result[int]]:
    await asyncio.sleep(1)
    return None  # type: ignore[return-value]  # it breaks the worker, as a mistake of ours would


async def close_fails(batcher: Numbers) -> None:
    with pytest.raises(TransportError):
        await batcher.close()


async def close_is_cancelled(batcher: Numbers) -> None:
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.sleep(2)
    closing.cancel()
    with suppress(asyncio.CancelledError):
        await closing


async def worker_is_cancelled(batcher: Numbers) -> None:
    assert batcher._worker is not None
    batcher._worker.cancel()
    await asyncio.wait([batcher._worker])
    with pytest.raises(MarketoError):
        await batcher.put(9)


async def worker_breaks(batcher: Numbers) -> None:
    with pytest.raises(TypeError):
        await batcher.close()


Send = Callable[[Sequence[int]], Awaitable[list[Result[int]]]]
ENDS: dict[str, tuple[Send, Callable[[Numbers], Awaitable[None]]]] = {
    "close fails": (fails, close_fails),
    "close is cancelled": (never, close_is_cancelled),
    "the worker is cancelled": (never, worker_is_cancelled),
    "the worker breaks": (broken, worker_breaks),
}


@pytest.mark.looptime
@pytest.mark.parametrize(("send", "end"), ENDS.values(), ids=ENDS)
async def test_everybody_who_waits_hears_of_the_end(send: Send, end: Callable[[Numbers], Awaitable[None]]) -> None:
    batcher = await Batcher(send, max_records=2, max_queued=2).__aenter__()
    written = asyncio.ensure_future(batcher.submit(1))
    await asyncio.sleep(0)
    await batcher.put(2)
    waiting = [
        written,
        *(asyncio.ensure_future(batcher.put(number)) for number in (3, 4)),
        asyncio.ensure_future(batcher.submit(5)),
        asyncio.ensure_future(batcher.flush()),
    ]
    await asyncio.sleep(0.5)
    async with asyncio.timeout(SOON):
        await end(batcher)
        found = await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(error, MarketoError | TypeError) for error in found)
    errors = [error for error in found if isinstance(error, MarketoError)]
    assert len({id(error) for error in errors}) == len(errors), "each has one of its own"


@pytest.mark.looptime
async def test_several_callers_of_a_call_that_failed_get_an_error_each() -> None:
    batcher = await Batcher(fails, max_records=3).__aenter__()
    found = await asyncio.gather(*(batcher.submit(number) for number in range(3)), return_exceptions=True)
    assert {type(error) for error in found} == {TransportError}
    assert len({id(error) for error in found}) == 3
    await batcher.close()


async def test_a_place_that_comes_as_its_taker_is_cancelled_goes_to_the_next() -> None:
    room = Room(1)
    await room.take()
    first, second = asyncio.ensure_future(room.take()), asyncio.ensure_future(room.take())
    await asyncio.sleep(0)
    room.give()
    first.cancel()
    async with asyncio.timeout(SOON):
        await second
    third = asyncio.ensure_future(room.take())
    await asyncio.sleep(0)
    third.cancel()
    await asyncio.wait([third])
    room.give()
    async with asyncio.timeout(SOON):
        await room.take()
