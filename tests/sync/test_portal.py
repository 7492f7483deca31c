"""A loop in a thread: calls, streams, feeds, and every way in which one of them may end early."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async import portal as portal_module
from marketo_async.errors import ConfigurationError
from marketo_async.portal import Feed, Portal, _end


class Ended:
    """What is awaited at the end of a loop, and how often it was."""

    def __init__(self) -> None:
        self.times = 0

    async def __call__(self) -> None:
        self.times += 1


@pytest.fixture
def ended() -> Ended:
    return Ended()


@pytest.fixture
def portal(ended: Ended) -> Iterator[Portal]:
    portal = Portal().open(ended)
    yield portal
    portal.close()


async def tasks_under_way() -> int:
    return len(asyncio.all_tasks()) - 2  # the portal's own, and that of this call


def at_work(portal: Portal) -> int:
    return portal.call(tasks_under_way)


async def numbers(count: int, *, pause: int = 0) -> AsyncGenerator[int, None]:
    for number in range(count):
        if pause and number % pause == 0:
            await asyncio.sleep(0)
        yield number


async def for_ever() -> None:
    await asyncio.Event().wait()


def test_a_call_returns_or_raises_what_its_coroutine_does(portal: Portal) -> None:
    async def divide(number: int, *, by: int) -> float:
        await asyncio.sleep(0)
        return number / by

    assert portal.call(divide, 7, by=2) == 3.5
    with pytest.raises(ZeroDivisionError):
        portal.call(divide, 7, by=0)


@settings(deadline=None, max_examples=20)
@given(count=st.integers(0, 5_000), pause=st.integers(0, 1_500))
def test_a_stream_yields_everything_once_and_in_order(count: int, pause: int) -> None:
    portal = Portal().open(Ended())
    try:
        assert list(portal.stream(numbers(count, pause=pause))) == list(range(count))
        assert at_work(portal) == 0
    finally:
        portal.close()


def test_a_stream_raises_behind_what_came_before(portal: Portal) -> None:
    async def failing() -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        raise LookupError("gone")

    found: list[int] = []
    with pytest.raises(LookupError, match="gone"):
        found.extend(portal.stream(failing()))
    assert found == [1, 2]


def test_a_stream_runs_little_ahead_and_goes_on_as_it_is_read(portal: Portal) -> None:
    made = 0

    async def counted() -> AsyncGenerator[int, None]:
        nonlocal made
        for made in range(1, 10_001):
            yield made

    with closing(portal.stream(counted())) as stream:
        assert next(stream) == 1
        assert made <= 2_000
        assert sum(1 for _ in stream) == 9_999


def test_a_stream_that_is_left_early_is_closed_in_its_loop(portal: Portal) -> None:
    closed = threading.Event()

    async def endless() -> AsyncGenerator[int, None]:
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            closed.set()

    for _ in portal.stream(endless()):
        break
    assert closed.is_set()
    assert at_work(portal) == 0


@given(count=st.integers(0, 1_000))
@settings(deadline=None, max_examples=20)
def test_a_feed_is_read_once_and_in_order_in_the_reader_s_thread(count: int) -> None:
    threads = set()

    def records() -> Iterator[int]:
        for number in range(count):
            threads.add(threading.get_ident())
            yield number

    async def doubled(feed: Feed[int]) -> AsyncGenerator[int, None]:
        async for number in feed:
            yield 2 * number

    portal = Portal().open(Ended())
    try:
        feed = Feed(records())
        assert list(portal.stream(doubled(feed), feed)) == [2 * number for number in range(count)]
        assert threads <= {threading.get_ident()}
    finally:
        portal.close()


def test_what_goes_wrong_in_a_feed_is_raised_behind_the_records_before_it(portal: Portal) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("disk")

    async def same(feed: Feed[int]) -> AsyncGenerator[int, None]:
        async for number in feed:
            yield number

    feed = Feed(broken())
    found: list[int] = []
    with pytest.raises(OSError, match="disk"):
        found.extend(portal.stream(same(feed), feed))
    assert found == [1]
    assert at_work(portal) == 0


def test_a_feed_that_nobody_serves_is_empty(portal: Portal) -> None:
    async def drained(feed: Feed[int]) -> list[int]:
        return [number async for number in feed]

    assert portal.call(drained, Feed([1, 2, 3])) == []


def test_any_number_of_threads_share_a_portal(portal: Portal) -> None:
    def work(number: int) -> int:
        return sum(portal.stream(numbers(number))) + portal.call(tasks_under_way) * 0

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(work, range(200))) == [sum(range(number)) for number in range(200)]
    assert at_work(portal) == 0


def test_what_is_interrupted_is_cancelled_before_the_caller_goes_on(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()
    began = threading.Event()

    async def long() -> None:
        began.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupted(_: object) -> None:
        began.wait()
        raise KeyboardInterrupt  # which a test can't get in any other way

    with monkeypatch.context() as patched:
        patched.setattr("marketo_async.portal._Work.result", interrupted)
        with pytest.raises(KeyboardInterrupt):
            portal.call(long)
    assert cancelled.is_set()
    assert at_work(portal) == 0


def test_closing_ends_what_other_threads_wait_for(portal: Portal, ended: Ended) -> None:
    def stream() -> None:
        async def silent() -> AsyncGenerator[int, None]:
            await for_ever()
            yield 1

        list(portal.stream(silent()))

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(portal.call, for_ever), pool.submit(stream)]
        while at_work(portal) < 2:  # until both are under way
            pass
        portal.close()
        for future in waiting:
            with pytest.raises(ConfigurationError, match="closed during"):
                future.result()
    assert ended.times == 1
    portal.close()
    assert ended.times == 1
    with pytest.raises(ConfigurationError, match="not open"):
        portal.call(for_ever)


def test_a_portal_opens_once_and_again_after_its_end(portal: Portal) -> None:
    with pytest.raises(ConfigurationError, match="open already"):
        portal.open(Ended())
    portal.close()
    assert portal.open(Ended()).call(tasks_under_way) == 0


def test_a_call_from_the_loop_s_own_thread_is_refused(portal: Portal) -> None:
    async def nested() -> None:
        portal.call(for_ever)

    with pytest.raises(ConfigurationError, match="own event loop"):
        portal.call(nested)


def test_a_call_with_wrong_arguments_fails_and_does_not_wait(portal: Portal) -> None:
    async def one(number: int) -> int:
        return number

    with pytest.raises(TypeError, match="argument"):
        portal.call(one)  # type: ignore[call-arg]
    assert at_work(portal) == 0


def test_garbage_may_be_collected_within_a_call(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a call allocates, and so may close the pages of somebody who has gone."""
    cleaned = threading.Event()

    async def clean() -> None:
        cleaned.set()

    def pages() -> Iterator[int]:
        try:
            yield 1
        finally:
            portal.finish(clean)

    held = [pages()]
    assert next(held[0]) == 1
    make = portal_module._Work

    def collecting(*args: Any) -> Any:
        held.clear()
        return make(*args)

    monkeypatch.setattr(portal_module, "_Work", collecting)
    assert portal.call(tasks_under_way) == 0
    assert cleaned.is_set()


def test_garbage_that_is_collected_in_the_loop_s_thread_holds_nothing_up(portal: Portal) -> None:
    stream = portal.stream(numbers(1_000_000))
    assert next(stream) == 0
    held = [stream]
    del stream

    async def collect() -> None:
        held.clear()
        gc.collect()

    portal.call(collect)
    while at_work(portal) > 0:
        pass


def test_cleaning_up_in_the_loop_s_thread_happens_soon_and_after_the_end_not_at_all(portal: Portal) -> None:
    cleaned = threading.Event()

    async def clean() -> None:
        cleaned.set()

    async def finish() -> None:
        portal.finish(clean)

    portal.call(finish)
    while not cleaned.is_set():
        pass
    cleaned.clear()
    portal.finish(clean)
    assert cleaned.is_set()
    cleaned.clear()
    portal.close()
    portal.finish(clean)
    assert not cleaned.is_set()


def test_a_fork_can_neither_call_nor_end_the_loop(
    portal: Portal, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("os.getpid", lambda: 0)
        assert not portal.usable
        with pytest.raises(ConfigurationError, match="in each process"):
            portal.call(for_ever)
        assert portal._thread is not None
        _end(1, threading.current_thread(), portal._thread)
        portal.close()
    assert portal.call(tasks_under_way) == 0
    assert ended.times == 0


def test_a_coroutine_that_ends_in_an_error_when_it_is_cancelled_disturbs_nobody(portal: Portal) -> None:
    async def stubborn() -> AsyncGenerator[int, None]:
        yield 1
        try:
            await for_ever()
        except asyncio.CancelledError:
            raise LookupError("while cleaning up") from None

    stream = portal.stream(stubborn())
    assert next(stream) == 1
    stream.close()
    assert at_work(portal) == 0


def test_what_goes_wrong_at_the_end_is_told_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async def failing() -> None:
        raise OSError("disk")

    Portal().open(failing).close()
    assert [record.message for record in caplog.records] == ["the client was not closed properly"]
    assert "disk" in caplog.text


def test_a_portal_that_nobody_holds_ends(ended: Ended) -> None:
    portal = Portal().open(ended)
    del portal
    gc.collect()
    assert ended.times == 1


def test_what_can_not_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anyio.run", lambda *_: (_ for _ in ()).throw(OSError("too many open files")))
    with pytest.raises(OSError, match="too many open files"):
        Portal().open(Ended())
