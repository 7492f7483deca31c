"""Ranges that are loaded, and what is missing of a whole; and chunks that never promise what was not put."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mirror.backfill.context import Span, SpanLog, joined, missing, months
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.plan import MONTH

ENDS = st.integers(0, 40)
SPANS = st.lists(st.builds(Span, ENDS, ENDS), max_size=12)


def _within(spans: tuple[Span, ...] | list[Span]) -> set[int]:
    return {place for span in spans for place in range(int(span.start), int(span.end))}


@given(SPANS)
def test_joined_ranges_hold_the_same_in_order_and_apart(spans: list[Span]) -> None:
    found = joined(spans)
    assert _within(found) == _within(spans)
    assert all(one.end < other.start for one, other in pairwise(found))


@given(st.builds(Span, ENDS, ENDS), SPANS)
def test_what_is_missing_and_what_is_done_make_the_whole(whole: Span, done: list[Span]) -> None:
    left = missing(whole, done)
    assert _within(left) == _within([whole]) - _within(done)


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_months_cover_a_range_without_gaps(start: int, length: int) -> None:
    found = months(Span(start, start + length))
    assert (found[0].start, found[-1].end) == (start, start + length)
    assert all(one.end == other.start for one, other in pairwise(found))
    assert all(0 < one.end - one.start <= MONTH for one in found)


async def test_progress_holds_only_what_was_put_before() -> None:
    log, put = SpanLog(), list[tuple[Span, ...]]()

    async def slow(chunk: LoadChunk) -> None:
        await asyncio.sleep(0)
        put.append(chunk.progress["done"])

    async def one(number: int) -> None:
        span = Span(number, number + 1)
        await log.put(slow, span, lambda done: LoadChunk(read_at=0.0, progress={"done": done}))

    await asyncio.gather(*map(one, (3, 0, 2, 1)))
    assert [len(_within(done)) for done in put] == [1, 2, 3, 4]
    assert put[-1] == (Span(0, 4),)
