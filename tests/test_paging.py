"""Draining listings: where they end, what is fetched ahead, and that a token loses and doubles nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Marketo, Page, Pager, RetryPolicy
from marketo_async.envelope import Envelope, MissingResult
from marketo_async.errors import InvalidRequest, MarketoError, TransportError, Unavailable, UnexpectedShape
from marketo_async.models.activities import Activity
from marketo_async.models.lists import StaticList
from marketo_async.operation import Operation, Paging, page
from marketo_async.paging import Lane, LanePager, MergedPager, OrderedPager, after, turn
from marketo_async.resources.activity_ranges import Shard, distinct, shards_of
from marketo_async.sandbox import Sandbox
from tests.governor.instance import in_virtual_time
from tests.wire import Answer, MockedMarketo, done, ok
from tests.wire import envelope as envelope_of


class Shelf:
    """One listing: its pages by number; a cursor is the number of the next one. Notes what was asked for."""

    def __init__(self, pages: list[list[int]], failing_at: int | None = None) -> None:
        self.pages = pages
        self.failing_at = failing_at
        self.asked: list[int] = []

    async def fetch(self, cursor: str | None) -> Page[int]:
        number = int(cursor or 0)
        self.asked.append(number)
        await asyncio.sleep(1)
        if number == self.failing_at:
            raise Unavailable("down", code="608")
        more = number + 1 < len(self.pages)
        return Page(self.pages[number], str(number + 1) if more else None, more)

    def lane(self, cursor: str | None) -> Lane[int]:
        return Lane(self.fetch, cursor)


def shelves(sizes: list[list[int]]) -> list[Shelf]:
    """Return listings with pages of the given sizes, filled with running numbers."""
    numbers = iter(range(10_000))
    return [Shelf([[next(numbers) for _ in range(size)] for size in pages] or [[]]) for pages in sizes]


def lanes_of(all_shelves: list[Shelf]) -> Callable[[], Iterator[Callable[[str | None], Lane[int]]]]:
    return lambda: (shelf.lane for shelf in all_shelves)


def whole(*, all_shelves: list[Shelf]) -> list[int]:
    return [number for shelf in all_shelves for numbers in shelf.pages for number in numbers]


POSITION_ENDS = [
    ({"nextPageToken": None}, False),
    ({"nextPageToken": "A=="}, True),
    ({"nextPageToken": "A==", "moreResult": True}, True),
    ({"nextPageToken": "A==", "moreResult": False}, False),
    ({"nextPageToken": "", "moreResult": False}, False),
    ({"nextPageToken": "A==", "result": []}, True),  # an empty page in the middle
    ({"nextPageToken": "A==", "result": None}, True),
]


def envelope(members: dict[str, Any]) -> Envelope[list[Any]]:
    return Envelope(
        success=True,
        result=members.get("result", [1, 2]),
        next_page_token=members.get("nextPageToken"),
        more_result=members.get("moreResult"),
    )


@pytest.mark.parametrize(("members", "more"), POSITION_ENDS)
def test_a_position_listing_ends_by_its_token_or_by_more_result(members: dict[str, Any], *, more: bool) -> None:
    found = after(Paging.POSITION, {}, envelope(members))
    assert found.more is more
    assert found.token == ("A==" if more else None)


def test_a_date_listing_ends_by_more_result_and_keeps_its_token() -> None:
    assert after(Paging.DATE, {}, envelope({"nextPageToken": "B", "moreResult": True})) == Page([1, 2], "B", more=True)
    assert after(Paging.DATE, {}, envelope({"nextPageToken": "B", "moreResult": False})) == Page([1, 2], "B")
    assert after(Paging.DATE, {}, envelope({"nextPageToken": "B", "moreResult": True, "result": None})).more


def test_an_offset_listing_asks_for_the_most_and_ends_with_a_short_page() -> None:
    query = turn(Paging.OFFSET, page(StaticList, query={"folder": "x"}), None).query
    assert query == {"folder": "x", "maxReturn": 200, "offset": 0}
    assert after(Paging.OFFSET, query, envelope({"result": [0] * 200})) == Page([0] * 200, "200", more=True)
    assert after(Paging.OFFSET, query, envelope({"result": [0] * 199})) == Page([0] * 199)
    assert after(Paging.OFFSET, query, envelope({"result": None})) == Page([])
    turned = turn(Paging.OFFSET, page(StaticList, query={"maxReturn": 20}), "40")
    assert turned.query == {"maxReturn": 20, "offset": 40}


def test_one_page_is_fetched_ahead_and_not_two() -> None:
    async def main() -> None:
        shelf = Shelf([[1], [2], [3], [4]])
        async with aclosing(LanePager(shelf.lane).pages()) as pages:
            assert (await anext(pages)).items == [1]
            await asyncio.sleep(10)
            assert shelf.asked == [0, 1]
            started = asyncio.get_running_loop().time()
            assert (await anext(pages)).items == [2]  # it has come while we slept
            assert asyncio.get_running_loop().time() - started < 0.5

    in_virtual_time(main())


def test_the_first_record_costs_no_more_than_it_must() -> None:
    async def main() -> None:
        shelf = Shelf([[], [7], [8]])
        assert await LanePager(shelf.lane).first() == 7
        assert shelf.asked == [0, 1]
        all_shelves = shelves([[0], [2], [2], [2]])
        assert await OrderedPager(lanes_of(all_shelves), width=20).first() == 0
        assert [len(shelf.asked) for shelf in all_shelves] == [1, 1, 0, 0]
        all_shelves = shelves([[0], [2], [2], [2]])
        assert await MergedPager([shelf.lane for shelf in all_shelves]).first() == 0
        assert [len(shelf.asked) for shelf in all_shelves] == [1, 1, 0, 0]
        assert await LanePager(Shelf([[]]).lane).first() is None

    in_virtual_time(main())


def test_leaving_a_drain_leaves_no_task_behind() -> None:
    async def main() -> None:
        for pager in (
            LanePager(Shelf([[1], [2], [3]]).lane),
            OrderedPager(lanes_of(shelves([[1, 1], [1], [1]])), width=3),
            MergedPager([shelf.lane for shelf in shelves([[1, 1], [1], [1]])]),
        ):
            async with aclosing(pager.pages()) as pages:
                await anext(pages)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert asyncio.all_tasks() == {asyncio.current_task()}

    in_virtual_time(main())


def test_a_token_is_that_of_the_last_page_taken_whole() -> None:
    async def main() -> None:
        pager = LanePager(Shelf([[1, 2], [3, 4], [5]]).lane)
        taken = []
        async for number in pager:
            taken.append(number)
            if number == 3:
                break
        assert pager.token == "1"
        assert [*taken[:2], *[number async for number in pager]] == [1, 2, 3, 4, 5]

    in_virtual_time(main())


def test_the_error_that_ends_a_drain_says_where_to_go_on() -> None:
    async def main() -> None:
        shelf = Shelf([[1], [2], [3], [4]], failing_at=2)
        pager = LanePager(shelf.lane)
        taken: list[int] = []

        async def take() -> None:
            async for found in pager.pages():
                taken.extend(found.items)

        with pytest.raises(MarketoError) as caught:
            await take()
        assert (taken, caught.value.token) == ([1, 2], "2")
        shelf.failing_at = None
        assert await LanePager(shelf.lane, caught.value.token).all() == [3, 4]

    in_virtual_time(main())


def test_lanes_in_order_keep_their_width_busy() -> None:
    async def main() -> float:
        all_shelves = shelves([[1]] * 100)
        assert await OrderedPager(lanes_of(all_shelves), width=20).all() == whole(all_shelves=all_shelves)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(main()) == pytest.approx(5.0, abs=0.1)


def test_lanes_side_by_side_take_as_long_as_the_longest() -> None:
    async def main() -> float:
        all_shelves = shelves([[1] * 3, [1] * 6, [1] * 2])
        found = await MergedPager([shelf.lane for shelf in all_shelves]).all()
        assert sorted(found) == whole(all_shelves=all_shelves)
        return asyncio.get_running_loop().time()

    assert in_virtual_time(main()) == pytest.approx(6.0, abs=0.1)


sizes = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=4), min_size=1, max_size=6)


@given(sizes=sizes, width=st.integers(1, 5), stop=st.integers(0, 25))
def test_a_drain_in_order_goes_on_from_any_page(sizes: list[list[int]], width: int, stop: int) -> None:
    all_shelves = shelves(sizes)

    async def main() -> list[int]:
        token, taken = None, []
        async with aclosing(OrderedPager(lanes_of(all_shelves), width=width).pages()) as pages:
            async for number, found in _numbered(pages):
                taken += found.items
                token = found.token
                if number == stop:
                    break
        return taken + await OrderedPager(lanes_of(all_shelves), width=width, token=token).all()

    assert in_virtual_time(main()) == whole(all_shelves=all_shelves)


@given(sizes=sizes, stop=st.integers(0, 25))
def test_a_drain_side_by_side_goes_on_from_any_page(sizes: list[list[int]], stop: int) -> None:
    all_shelves = shelves(sizes)
    lanes = [shelf.lane for shelf in all_shelves]

    async def main() -> list[int]:
        token, taken = None, []
        async with aclosing(MergedPager(lanes).pages()) as pages:
            async for number, found in _numbered(pages):
                taken += found.items
                token = found.token
                if number == stop:
                    break
        return taken + await MergedPager(lanes, token).all()

    assert sorted(in_virtual_time(main())) == whole(all_shelves=all_shelves)


async def _numbered(pages: AsyncIterator[Page[int]]) -> AsyncIterator[tuple[int, Page[int]]]:
    number = 0
    async for found in pages:
        yield number, found
        number += 1


@pytest.mark.parametrize("make", [OrderedPager, MergedPager])
@pytest.mark.parametrize("token", ["", "x", "1", "{}", "[[", ":", "9" * 400])
def test_a_token_of_something_else_is_refused(make: type[Pager[int]], token: str) -> None:
    async def main() -> None:
        lanes = [shelf.lane for shelf in shelves([[1]])]
        pager: Pager[int] = (
            OrderedPager(lambda: iter(lanes), width=2, token=token)
            if make is OrderedPager
            else MergedPager(lanes, token)
        )
        with pytest.raises(InvalidRequest):
            await pager.all()

    in_virtual_time(main())


def test_a_token_of_other_arguments_is_refused() -> None:
    async def main() -> None:
        three = [shelf.lane for shelf in shelves([[1, 1]] * 3)]
        async with aclosing(MergedPager(three).pages()) as pages:
            token = (await anext(pages)).token
        with pytest.raises(InvalidRequest, match="other arguments"):
            await MergedPager(three[:2], token).all()

    in_virtual_time(main())


@pytest.mark.parametrize("rule", [Paging.POSITION, Paging.DATE])
@pytest.mark.parametrize("token", ["", None])
def test_more_without_a_token_is_an_error_and_no_end(token: str | None, rule: Paging) -> None:
    with pytest.raises(MissingResult, match="nextPageToken") as caught:
        after(rule, {}, envelope({"nextPageToken": token, "moreResult": True}))
    assert caught.value.path == "$.nextPageToken"


@pytest.mark.looptime
async def test_a_listing_that_promises_more_and_has_no_token_raises(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok({"id": 1}, nextPageToken="A", moreResult=True), ok({"id": 2}, moreResult=True)]
    async with patient as marketo:
        pager = marketo.lists.leads(7)
        with pytest.raises(UnexpectedShape, match="moreResult") as caught:
            async for _ in pager:
                pass

    assert (caught.value.path, caught.value.token, pager.token) == ("$.nextPageToken", "A", "A")
    assert len(mocked.calls) == 2


async def gather_into(found: list[Any], pager: Pager[Any]) -> None:
    async for item in pager:
        found.append(item)  # noqa: PERF401 - what came before an error counts


# Where a listing goes that never ends: the token after each token.
CIRCLES = {
    "one token": {"A": "A"},
    "two tokens": {"A": "B", "B": "A"},
    "back to the third": {"A": "B", "B": "C", "C": "D", "D": "C"},
}


@pytest.mark.parametrize("items", [[], [1]], ids=["empty", "with a record"])
@pytest.mark.parametrize("circle", CIRCLES.values(), ids=CIRCLES)
def test_a_listing_whose_tokens_go_in_a_circle_is_an_error(circle: dict[str, str], items: list[int]) -> None:
    asked: list[str | None] = []

    async def circling(cursor: str | None) -> Page[int]:
        asked.append(cursor)
        await asyncio.sleep(1)
        return Page(items, circle[cursor] if cursor else "A", more=True)

    async def main() -> None:
        for pager in (
            LanePager(lambda cursor: Lane(circling, cursor)),
            OrderedPager(lambda: iter([lambda cursor: Lane(circling, cursor)]), width=4),
            MergedPager([lambda cursor: Lane(circling, cursor)]),
        ):
            asked.clear()
            found: list[int] = []
            with pytest.raises(TransportError, match="not advancing") as caught:
                await gather_into(found, pager)
            assert len(asked) == len(set(asked)), "no page was asked for twice"
            assert len(found) == len(items) * (len(asked) - 1)
            assert caught.value.token == pager.token

    in_virtual_time(main())


def test_a_lane_that_is_taken_up_notices_the_token_it_began_with() -> None:
    async def standing(cursor: str | None) -> Page[int]:
        return Page([1], "A", more=True)

    async def main() -> None:
        with pytest.raises(TransportError, match="'A'"):
            await LanePager(lambda cursor: Lane(standing, cursor), "A").all()

    in_virtual_time(main())


@pytest.mark.looptime
async def test_the_end_of_a_date_listing_may_repeat_its_token(mocked: MockedMarketo, patient: Marketo) -> None:
    since = datetime(2024, 1, 2, tzinfo=UTC)
    mocked.script = [done(nextPageToken="A"), done(nextPageToken="A", moreResult=False)]
    async with patient as marketo:
        pager = marketo.activities.since(since, types=[1])
        assert await pager.all() == []
        assert pager.token == "A"
        mocked.script = [done(nextPageToken="A", moreResult=False)]
        assert await marketo.activities.since(since, types=[1], token="A").all() == []


def running_empty(full_at: int = 0) -> Callable[[str | None], Awaitable[Page[int]]]:
    """Return a listing of empty pages with new tokens; every *full_at*-th has a record."""

    async def fetch(cursor: str | None) -> Page[int]:
        number = int(cursor or 0) + 1
        await asyncio.sleep(1)
        return Page([number] if full_at and number % full_at == 0 else [], str(number), more=True)

    return fetch


def test_endless_empty_pages_are_bounded_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        pager = LanePager(lambda cursor: Lane(running_empty(), cursor, most_empty=120))
        with pytest.raises(TransportError, match="120 pages in a row") as caught:
            await pager.first()
        assert "RetryPolicy.empty_pages" in str(caught.value)

    in_virtual_time(main())
    counts = [record.args[0] for record in caplog.records if isinstance(record.args, tuple)]
    assert counts == [10, 100]


def test_empty_pages_between_full_ones_are_no_reason_to_stop() -> None:
    async def main() -> None:
        pager = LanePager(lambda cursor: Lane(running_empty(full_at=50), cursor, most_empty=50))
        found = []
        async for item in pager:
            found.append(item)
            if len(found) == 20:
                break
        assert found == [50 * number for number in range(1, 21)]

    in_virtual_time(main())


@pytest.mark.looptime
async def test_the_bound_on_empty_pages_is_a_setting(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [done(nextPageToken=f"{number}", moreResult=True) for number in range(100)]
    async with patient as marketo:
        other = marketo.with_options(retry=RetryPolicy(empty_pages=7))
        with pytest.raises(TransportError, match="7 pages in a row"):
            await other.activities.since(datetime(2024, 1, 2, tzinfo=UTC), types=[1]).all()

    assert len(mocked.calls) == 1 + 7


LISTINGS: dict[str, tuple[Callable[[Marketo], Pager[Any]], Callable[[int], Answer]]] = {
    "by offset": (
        lambda marketo: marketo.static_lists.browse(),
        lambda size: ok(*({"id": number, "name": "x"} for number in range(size))),
    ),
    "by index": (
        lambda marketo: marketo.emails_v2.browse("1"),
        lambda size: envelope_of(success=True, result={"items": [{"id": f"{number}"} for number in range(size)]}),
    ),
    "of users": (
        lambda marketo: marketo.users.browse(),
        lambda size: Answer(json.dumps([{"userid": f"{number}"} for number in range(size)]).encode()),
    ),
}


@pytest.mark.looptime
@pytest.mark.parametrize(("listing", "page_of"), LISTINGS.values(), ids=LISTINGS)
async def test_a_server_that_always_gives_the_same_full_page_ends_a_listing_without_tokens_too(
    listing: Callable[[Marketo], Pager[Any]], page_of: Callable[[int], Answer], mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [page_of(50 if listing is LISTINGS["by index"][0] else 200)]
    async with patient as marketo:
        other = marketo.with_options(retry=RetryPolicy(empty_pages=3))
        found: list[Any] = []
        with pytest.raises(TransportError, match="pages in a row"):
            await gather_into(found, listing(other))

    assert len(found) == len({item.userid if hasattr(item, "userid") else item.id for item in found}) > 0


START = datetime(2026, 3, 1, tzinfo=UTC)


def activity(seconds: float, guid: str | None) -> Activity:
    return Activity(marketo_guid=guid, lead_id=1, activity_type_id=1, activity_date=START + timedelta(seconds=seconds))


def test_an_activity_is_known_again_by_its_guid() -> None:
    sift = distinct(Activity)
    assert sift([activity(0, "a"), activity(1, "b"), activity(1, "a")])[0] == [activity(0, "a"), activity(1, "b")]
    assert sift([activity(0, "b"), activity(0, None), activity(0, None)])[0] == [activity(0, None)] * 2


def test_memory_is_bounded_and_the_recent_past_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("marketo_async.resources.activity_ranges._REMEMBERED", 10)
    sift = distinct(Activity)
    for n in range(25):
        sift([activity(n, str(n))])
    assert sift([activity(24, "24"), activity(15, "15")])[0] == []
    assert sift([activity(0, "0")])[0] == [activity(0, "0")]


def test_a_shard_ends_only_where_nothing_more_can_follow() -> None:
    within = Shard(START, START + timedelta(seconds=10)).sift(Activity)

    assert within()([activity(0, "a"), activity(9, "b")]) == ([activity(0, "a"), activity(9, "b")], False)
    assert within()([activity(9, "b"), activity(10, "c")]) == ([activity(9, "b")], True)
    assert within()([activity(11, "d"), activity(9, "b")]) == ([activity(9, "b")], False)  # out of order: no proof
    assert within()([activity(12, "d"), activity(11, "e")]) == ([], True)
    assert within()([activity(-1, "z")]) == ([], False)
    assert within()([]) == ([], False)


@given(seconds=st.integers(1, 100_000), count=st.integers(1, 50))
def test_shards_tile_the_range_at_whole_seconds(seconds: int, count: int) -> None:
    end = START + timedelta(seconds=seconds)
    shards = shards_of(START, end, shards=count)
    assert (shards[0].start, shards[-1].end) == (START, end)
    assert all(left.end == right.start for left, right in pairwise(shards))
    assert all(shard.end and shard.start < shard.end and not shard.start.microsecond for shard in shards)
    assert len(shards) == min(count, seconds)


LISTS = Operation(
    name="static_lists.browse", method="GET", path="/rest/asset/v1/staticLists.json", paging=Paging.OFFSET
)


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 400])
async def test_offset_paging_to_the_warning_that_ends_it(count: int) -> None:
    async with Sandbox(leads=1, lists={1000 + n: [1] for n in range(count)}) as sandbox:
        governor = Governor(Limits(calls=1000))
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        ) as marketo:
            caller = marketo.leads._sender
            found = await caller.pages(LISTS, page(StaticList)).all()
            pager = caller.pages(LISTS, page(StaticList, token="200"))
            assert len(await pager.all()) == max(0, count - 200)
    assert len({static_list.id for static_list in found}) == len(found) == count


async def test_a_drained_date_listing_goes_on_with_what_is_new() -> None:
    async with (
        Sandbox(leads=5) as sandbox,
        Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo,
    ):
        since = datetime.now(UTC) - timedelta(hours=1)
        many_types = list(range(1, 14))  # more than one listing takes: two lanes
        for types in ([12], many_types):
            pager = marketo.activities.since(since, types=types)
            before = await pager.all()
            token = pager.token
            await marketo.leads.sync([{"email": f"new{len(types)}@example.com"}], action="createOnly")
            sandbox.clock.advance(2)
            again = await marketo.activities.since(since, types=types, token=token).all()
            assert [found.activity_type_id for found in again] == [12]
            assert again[0].marketo_guid not in {found.marketo_guid for found in before}


async def test_a_lane_that_ended_is_asked_again_only_after_all_have_ended() -> None:
    asked: list[str] = []

    def lane(name: str, pages: int) -> Callable[[str | None], Lane[str]]:
        async def fetch(cursor: str | None) -> Page[str]:
            asked.append(name)
            number = int(cursor or 0) + 1
            return Page([f"{name} {number}"], str(number), more=number < pages)

        return lambda cursor: Lane(fetch, cursor)

    lanes = [lane("short", 1), lane("long", 3)]
    first = MergedPager(lanes)
    assert sorted(await first.all()) == ["long 1", "long 2", "long 3", "short 1"]
    assert asked.count("short") == 1

    later = MergedPager(lanes, first.token)
    assert sorted(await later.all()) == ["long 4", "short 2"]


async def test_types_and_leads_named_twice_bring_their_activities_once() -> None:
    async with Sandbox(leads=50, activities=400) as sandbox:
        governor = Governor(Limits(calls=1000))
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        ) as marketo:
            since = datetime.now(UTC) - timedelta(days=2)
            types = list(range(1, 14))
            found = await marketo.activities.since(since, types=[*types, *types], leads=[*range(1, 51), 1, 2]).all()
    assert found
    assert len({activity.marketo_guid for activity in found}) == len(found)
