"""One record that makes its whole call fail: it is found in few calls, set aside, and the others are written once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from math import ceil, log2

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async.batcher import Batcher
from marketo_async.codes import lookup
from marketo_async.errors import (
    AccessDenied,
    ApiError,
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    InvalidData,
    InvalidRequest,
    NotFound,
    RequestTooLarge,
    TransportError,
)
from marketo_async.writes import Result

SOON = 5.0


class Instance:
    """Refuses whole calls because of some of their records, and counts what it writes."""

    def __init__(self, poison: set[int], code: str = "609") -> None:
        self.poison, self.code = poison, code
        self.error: Callable[[], Exception] = lambda: lookup(self.code).error("no", code=self.code)
        self.written: list[int] = []
        self.calls = 0

    async def __call__(self, records: Sequence[int]) -> list[Result[int]]:
        self.calls += 1
        if self.poison & set(records):
            raise self.error()
        self.written += records
        return [Result(index=index, record=record, status="created") for index, record in enumerate(records)]


@pytest.mark.looptime
@pytest.mark.parametrize("at", [0, 1, 149, 150, 298, 299])
async def test_the_record_at_fault_is_found_in_few_calls_and_the_others_are_written(at: int) -> None:
    instance = Instance({at})
    async with Batcher(instance, max_records=300) as batcher:
        for number in range(300):
            await batcher.put(number)
        await batcher.flush()
        assert batcher.waiting == 0
        (found,) = await batcher.set_aside()
        now = instance.calls
        await batcher.put(300)

    assert (found.record, "609" in found.reason) == (at, True)
    assert instance.written == [number for number in range(301) if number != at], "in order, each once"
    assert now <= ceil(log2(300)) + 4


@pytest.mark.looptime
async def test_its_own_caller_gets_the_error_and_the_other_callers_their_results() -> None:
    instance = Instance({3})
    async with Batcher(instance, max_records=8) as batcher:
        found = await asyncio.gather(*(batcher.submit(number) for number in range(8)), return_exceptions=True)
        assert await batcher.set_aside() == [], "its caller knows"

    assert [type(result) for result in found] == [Result] * 3 + [lookup("609").error] + [Result] * 4


@given(
    count=st.integers(1, 60),
    poison=st.sets(st.integers(0, 59), max_size=6),
    repeats=st.sampled_from([0, 1]),
    code=st.sampled_from(["609", "1003", "701", "413"]),
    width=st.integers(1, 3),
    awaited=st.sets(st.integers(0, 59)),
)
@settings(max_examples=60, deadline=None)
def test_nobody_is_blocked_nothing_is_written_twice_and_the_order_is_kept(
    count: int, poison: set[int], repeats: int, code: str, width: int, awaited: set[int]
) -> None:
    poison = {number for number in poison if number < count}
    instance = Instance(poison, code)

    async def run() -> None:
        async with (
            asyncio.timeout(SOON),
            Batcher(instance, repeats=bool(repeats), max_records=16, width=width) as batcher,
        ):
            await asyncio.gather(batcher.submit(1000), batcher.flush())  # it works in general
            callers = {}
            for number in range(count):
                if number in awaited:
                    callers[number] = asyncio.ensure_future(batcher.submit(number))
                    await asyncio.sleep(0)
                else:
                    await batcher.put(number)
            await batcher.put(1001)
            await batcher.flush()
            aside = {found.record for found in await batcher.set_aside()}
            assert aside == poison - awaited
            outcomes = await asyncio.gather(*callers.values(), return_exceptions=True)
            failed = {
                number for number, outcome in zip(callers, outcomes, strict=True) if isinstance(outcome, Exception)
            }
            assert failed == poison & awaited
            assert batcher.waiting == 0

    asyncio.run(run())
    assert instance.written == [1000, *(number for number in range(count) if number not in poison), 1001]


@pytest.mark.looptime
@pytest.mark.parametrize("successes", [0, 1])
async def test_a_fault_that_every_record_has_sets_hardly_any_aside_and_is_not_searched_again_at_once(
    successes: int,
) -> None:
    instance = Instance(set())
    async with Batcher(instance, max_records=64, retry_after=60) as batcher:
        if successes:
            await asyncio.gather(batcher.submit(1000), batcher.flush())
        instance.poison = set(range(64))
        for number in range(64):
            await batcher.put(number)
        await asyncio.sleep(1)
        assert instance.calls <= 25
        assert len(await batcher.set_aside()) == successes
        before = instance.calls
        await asyncio.sleep(600)
        assert instance.calls - before <= 11, "one call a time, as without a search"
        instance.poison = {10}
        await asyncio.sleep(3600)
        assert batcher.waiting == 0
        instance.poison.clear()

    assert len(set(instance.written)) == len(instance.written)


ABOUT_NO_RECORD: dict[str, Exception] = {
    "no permission": AccessDenied("no", code="603"),
    "no list": NotFound("no", code="610"),
    "no connection": TransportError("no", sent=False),
    "a caller's time-out": CallTimeout("no", sent=False),
    "no identity": AuthenticationError("no"),
    "not open": ConfigurationError("no"),
    "a mistake": RuntimeError("no"),
}


@pytest.mark.looptime
@pytest.mark.parametrize("error", ABOUT_NO_RECORD.values(), ids=ABOUT_NO_RECORD)
async def test_an_error_that_no_record_can_cause_is_not_searched(error: Exception) -> None:
    instance = Instance({1})
    instance.error = lambda: error
    async with Batcher(instance, max_records=8) as batcher:
        for number in range(8):
            await batcher.put(number)
        await asyncio.sleep(1)
        assert (instance.calls, batcher.waiting) == (1, 8)
        instance.poison.clear()

    assert instance.written == list(range(8))


DOUBTFUL: dict[str, Exception] = {
    "611": ApiError("system error", code="611"),
    "500": ApiError("internal error", code="500"),
    "a code nobody knows": ApiError("?", code="98765"),
    "a broken connection": TransportError("broke"),
    "a mistake": RuntimeError("?"),
}


@pytest.mark.looptime
@pytest.mark.parametrize("error", DOUBTFUL.values(), ids=DOUBTFUL)
async def test_what_may_have_been_executed_is_never_sent_again_where_that_would_double(error: Exception) -> None:
    instance = Instance({2})
    instance.error = lambda: error
    async with Batcher(instance, max_records=4, repeats=False) as batcher:
        for number in range(4):
            await batcher.put(number)
        await asyncio.sleep(1000)
        assert (instance.calls, batcher.waiting) == (1, 0)
        assert [found.record for found in await batcher.set_aside()] == [0, 1, 2, 3]


@pytest.mark.looptime
@pytest.mark.parametrize(
    "error",
    [InvalidData("no", code="1003"), InvalidRequest("no"), RequestTooLarge("no"), ApiError("system", code="611")],
)
async def test_which_errors_a_record_can_cause(error: Exception) -> None:
    instance = Instance({2})
    instance.error = lambda: error
    async with Batcher(instance, max_records=4) as batcher:
        for number in range(4):
            await batcher.put(number)
        await asyncio.sleep(1)
        assert (batcher.waiting, [found.record for found in await batcher.set_aside()]) == (0, [2])

    assert instance.written == [0, 1, 3]
