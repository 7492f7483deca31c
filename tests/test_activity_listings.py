"""Listings of activities: types and fields that only the instance knows, and ranges that are whole in any order."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Marketo, Pager
from marketo_async.errors import InvalidRequest, MarketoError
from marketo_async.models.activities import Activity
from marketo_async.models.moment import parse
from marketo_async.resources.activity_ranges import Shard, shards_of
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, SandboxClock, Traffic
from marketo_async.sync import Marketo as BlockingMarketo
from tests.wire import Answer, MockedMarketo, ok
from tests.writes.instances import GENEROUS

NOW = 1_900_000_000.0
START = datetime.fromtimestamp(NOW, UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LATE = timedelta(minutes=8)  # the most that a sandbox is late
TYPES = "GET /rest/v1/activities/types.json"
FIELDS = "GET /rest/v1/leads/describe2.json"


@asynccontextmanager
async def opened(**knobs: Any) -> AsyncIterator[tuple[Sandbox, Marketo]]:
    async with (
        Sandbox(**{"leads": 60, "activities": 300, "limits": GENEROUS, **knobs}) as sandbox,
        Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            governor=Governor(Limits(calls=10_000)),
        ) as marketo,
    ):
        yield sandbox, marketo


def guids(found: Sequence[Any]) -> list[str]:
    return sorted(str(one.marketo_guid) for one in found)


def truth(sandbox: Sandbox, *types: int, since: datetime = START - DAY, until: datetime = START + DAY) -> list[str]:
    return sorted(
        one.marketo_guid
        for one in sandbox.instance.activities.visible()
        if one.activity_type_id in types and since <= parse(one.activity_date) < until
    )


# Types and fields that only the instance knows


async def test_all_types_are_those_of_the_instance_but_deletions() -> None:
    async with opened() as (sandbox, marketo):
        await marketo.leads.delete([1, 2])
        since = datetime.now(UTC) - 2 * DAY
        found = await marketo.activities.since(since, types="all").all()
        within = await marketo.activities.between(since, since + 3 * DAY, types="all", shards=3).all()
        deleted = await marketo.activities.deleted_leads(since).all()
        wanted = sorted(one.marketo_guid for one in sandbox.instance.activities if one.activity_type_id != 37)

    assert guids(found) == guids(within) == wanted
    assert [one.activity_type_id for one in deleted] == [37, 37]
    assert sandbox.stats.by_operation[TYPES] == 1


@pytest.mark.parametrize(
    ("types", "ids"),
    [
        (["Visit Webpage"], "1"),
        (["visit webpage ", "FILL OUT FORM"], "1,2"),
        (["fillOutForm", 1, "Fill Out Form"], "2,1"),
        (iter(["Visit Webpage", 2]), "1,2"),
        ([2, 1], "2,1"),
        ("all", "1,2,100001"),
    ],
)
async def test_types_go_by_id_name_or_api_name(mocked: MockedMarketo, patient: Marketo, types: Any, ids: str) -> None:
    known = ok(
        {"id": 100_001, "name": "Demo", "apiName": "demo"},
        {"id": 37, "name": "Delete Lead"},
        {"id": 2, "name": "Fill Out Form", "apiName": "fillOutForm"},
        {"id": 1, "name": "Visit Webpage"},
    )
    token, empty = Answer(b'{"success": true, "nextPageToken": "T"}'), ok(moreResult=False, nextPageToken="U")
    mocked.script = [token, empty] if types == [2, 1] else [known, token, empty]
    async with patient as marketo:
        assert await marketo.activities.since(START, types=types).all() == []
    assert mocked.calls[-1].query["activityTypeIds"] == ids


@pytest.mark.parametrize(
    ("types", "told"),
    [
        (["Visit Webpages"], "'Visit Webpages'; meant 'Visit Webpage'?"),
        (["fillOutForms", "Twin"], "'fillOutForms'; meant 'Fill Out Form'?"),
        (["Walk"], "'Walk'; activities.types"),
        (["Twin"], "'Twin' is the name of the types 3 and 4; pass an id"),
    ],
)
async def test_a_name_that_is_not_one_type_is_refused_with_what_to_pass(
    mocked: MockedMarketo, patient: Marketo, types: list[int | str], told: str
) -> None:
    mocked.script = [
        ok(
            {"id": 1, "name": "Visit Webpage"},
            {"id": 2, "name": "Fill Out Form", "apiName": "fillOutForm"},
            {"id": 3, "name": "Twin"},
            {"id": 4, "name": "Twin"},
        )
    ]
    async with patient as marketo:
        for pager in (
            marketo.activities.since(START, types=types),
            marketo.activities.between(START, START + HOUR, types=types),
        ):
            for read in (pager.all, pager.first):
                with pytest.raises(InvalidRequest) as refusal:
                    await read()
                assert told in str(refusal.value)
    assert len(mocked.calls) == 1


async def test_an_instance_without_types_is_said_to_have_none(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok()]
    async with patient as marketo:
        with pytest.raises(InvalidRequest, match="types is empty"):
            await marketo.activities.since(START, types="all").all()


async def test_a_token_holds_the_types_whatever_the_instance_adds() -> None:
    async with opened(leads=20, activities=0) as (sandbox, marketo):
        pager = marketo.activities.since(datetime.now(UTC) - DAY, types=["New Lead", "Merge Leads"])
        await marketo.leads.sync([{"email": "first@example.com"}])
        assert len(await pager.all()) == 1
        token = pager.token
        assert token is not None
        assert token.startswith("12,32:")
        assert await pager.all() == []

        await marketo.leads.sync([{"email": "second@example.com"}])
        calls = sandbox.stats.by_operation[TYPES]
        again = marketo.activities.since(START, types="all", token=token)
        found = await again.first()
        assert found is not None
        assert found.activity_type_id == 12
        assert [page.items[0].lead_id async for page in again.pages()] == [found.lead_id]
        assert sandbox.stats.by_operation[TYPES] == calls


@pytest.mark.parametrize("token", ["nonsense", "a,b:T", "", "12"])
async def test_a_token_of_another_listing_is_refused(mocked: MockedMarketo, patient: Marketo, token: str) -> None:
    async with patient as marketo:
        with pytest.raises(InvalidRequest, match=r"is not a token from this listing|types is empty"):
            await marketo.activities.since(START, types="all", token=token).all()
    assert mocked.calls == []


async def test_an_error_of_a_resumed_listing_carries_the_token(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [Answer(b'{"success": false, "errors": [{"code": "1003", "message": "no"}]}')]
    async with patient as marketo:
        with pytest.raises(MarketoError) as failure:
            await marketo.activities.since(START, types="all", token="1,2:T").all()
    assert failure.value.token == "1,2:T"


async def test_all_fields_are_those_that_describe_has() -> None:
    clock = SandboxClock(speed=0, start=NOW)
    async with opened(activities=0, clock=clock) as (sandbox, marketo):
        await marketo.leads.sync([{"id": 3, "title": "Queen", "city": "Oslo"}], action="updateOnly", lookup_field="id")
        await marketo.leads.sync([{"email": "new@example.com"}])
        clock.advance(10)
        pager = marketo.activities.lead_changes(START - HOUR, fields="all")
        found = await pager.all()
        shards = await marketo.activities.lead_changes(START - HOUR, until=START + HOUR, shards=4, fields="all").all()
        wanted = truth(sandbox, 12, 13)

        assert guids(found) == guids(shards) == wanted
        assert {"title", "city"} <= {change.name for one in found for change in one.fields}
        assert await pager.all() == []  # resumed by its token
        assert sandbox.stats.by_operation[FIELDS] == 1


async def test_more_fields_than_a_url_takes_are_posted(mocked: MockedMarketo, patient: Marketo) -> None:
    names = [f"aFieldOfThisInstance{n}" for n in range(700)]
    described = ok({"name": "Lead", "fields": [{"name": name} for name in names]})
    token, empty = Answer(b'{"success": true, "nextPageToken": "T"}'), ok(moreResult=False, nextPageToken="U")
    async with patient as marketo:
        for fields, script in (("all", [described, token, empty]), (names, [token, empty])):
            mocked.script = list(script)
            assert await marketo.activities.lead_changes(START, fields=fields).all() == []
            sent = mocked.calls[-1]
            assert (sent.method, dict(sent.query)) == ("POST", {"_method": "GET"})
            assert sent.body == f"fields={','.join(names)}&nextPageToken=T".encode()


# Ranges


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"until": START}, "must be before until"),
        ({"until": START - HOUR}, "must be before until"),
        ({"until": "soon"}, "not an ISO 8601 date"),
        ({"until": START + HOUR, "shards": 0}, "shards must be at least 1"),
        ({"until": START + HOUR, "lag": -HOUR}, "pass a duration of 0 or more"),
        ({"until": START + HOUR, "lag": 5}, "lag must be a timedelta"),
        ({"shards": 2}, "pass until"),
        ({"lag": HOUR}, "pass until"),
    ],
)
@pytest.mark.parametrize("name", ["lead_changes", "deleted_leads"])
def test_ranges_that_cannot_be_are_refused_before_a_call(
    patient: Marketo, name: str, arguments: dict[str, Any], told: str
) -> None:
    others = {"fields": "all"} if name == "lead_changes" else {}
    with pytest.raises(InvalidRequest) as refusal:
        getattr(patient.activities, name)(START, **others, **arguments)
    assert told in str(refusal.value)
    if "shards" not in arguments:
        with pytest.raises(InvalidRequest) as refusal:
            patient.activities.since(START, types="all", **arguments)
        assert told in str(refusal.value)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda family: family.since(START, types="every"), "types must be a list or 'all', not the text 'every'"),
        (lambda family: family.since(START, types=[]), "types is empty"),
        (lambda family: family.since(START, types="all", leads=[]), "leads is empty"),
        (lambda family: family.since(START, types=[1, 2], asset_ids=[5]), "exactly one activity type"),
        (lambda family: family.lead_changes(START, fields="title"), "fields must be a list or 'all'"),
        (lambda family: family.lead_changes(START, fields=[]), "fields is empty"),
        (lambda family: family.lead_changes(START, fields="all", leads=range(31)), "leads has 31 members"),
    ],
)
def test_searches_that_cannot_be_are_refused_before_a_call(
    patient: Marketo, call: Callable[[Any], object], told: str
) -> None:
    with pytest.raises(InvalidRequest) as refusal:
        call(patient.activities)
    assert told in str(refusal.value)


RANGES: dict[str, tuple[Callable[..., Pager[Any]], tuple[int, ...]]] = {
    "since": (
        lambda family, since, until, shards, **lag: family.since(since, until=until, types=[1, 12, 13], **lag),
        (1, 12, 13),
    ),
    "between": (
        lambda family, since, until, **rest: family.between(since, until, types=["Visit Webpage", 6], **rest),
        (1, 6),
    ),
    "lead_changes": (
        lambda family, since, until, **rest: family.lead_changes(since, until=until, fields="all", **rest),
        (12, 13),
    ),
    "deleted_leads": (
        lambda family, since, until, **rest: family.deleted_leads(since, until=until, **rest),
        (37,),
    ),
}


@pytest.mark.parametrize("shards", [1, 5])
@pytest.mark.parametrize(
    ("quirks", "lag"),
    [
        (Quirks(), timedelta(0)),
        (Quirks(since_inclusive=True, short_pages=0.3, empty_pages=0.3), timedelta(0)),
        (Quirks(late_share=0.3, token_order="date"), timedelta(0)),
        (Quirks(late_share=0.3, token_order="commit"), LATE),
    ],
)
async def test_a_range_has_each_of_its_records_once(quirks: Quirks, lag: timedelta, shards: int) -> None:
    clock, traffic = (
        SandboxClock(speed=0, start=NOW),
        Traffic(rate=0, mix={"visit": 4, "change": 4, "email": 2, "create": 2, "delete": 2}),
    )
    limits = InstanceLimits(calls=100_000, daily=1_000_000, token_life=30 * 86_400.0)
    async with opened(leads=200, activities=0, clock=clock, quirks=quirks, limits=limits) as (sandbox, marketo):
        traffic.join(sandbox.instance)
        for _ in range(600):
            traffic.happen()
            clock.advance(6)
        clock.advance(3_600)
        since, until = START + timedelta(minutes=12), START + timedelta(minutes=47)
        for name, (listing, types) in RANGES.items():
            pager = listing(marketo.activities, since, until, shards=shards, lag=lag)
            found = await pager.all()
            assert guids(found) == truth(sandbox, *types, since=since, until=until), name
            assert found, name
            if shards == 1 and not quirks.late_share:
                assert [one.activity_date for one in found] == sorted(one.activity_date for one in found)


async def test_a_range_is_resumed_by_its_token() -> None:
    clock, traffic = SandboxClock(speed=0, start=NOW), Traffic(rate=0, mix={"delete": 1})
    async with opened(leads=150, activities=0, clock=clock) as (sandbox, marketo):
        traffic.join(sandbox.instance)
        for _ in range(100):
            traffic.happen("delete")
            clock.advance(6)
        until = START + timedelta(minutes=9)
        found: list[Activity] = []
        token, more = None, True
        while more:
            pager = marketo.activities.deleted_leads(START, until=until, shards=3, batch_size=10, token=token)
            async with aclosing(pager.pages()) as pages:
                found += (await anext(pages)).items
                more = await anext(pages, None) is not None  # so that the first page counts as read
            token = pager.token
        assert guids(found) == truth(sandbox, 37, since=START, until=until)


async def test_a_drain_under_steady_traffic_ends() -> None:
    clock, traffic = SandboxClock(speed=0, start=NOW), Traffic(rate=0, mix={"visit": 1})
    async with opened(leads=50, activities=0, clock=clock) as (sandbox, marketo):
        traffic.join(sandbox.instance)
        for _ in range(50):
            traffic.happen()
            clock.advance(6)
        until = START + timedelta(seconds=300)
        found: list[Activity] = []
        pages = 0
        async for page in marketo.activities.since(START - HOUR, until=until, types="all", batch_size=10).pages():
            pages += 1
            found += page.items
            for _ in range(30):  # more than the page had
                traffic.happen()
                clock.advance(1)
            assert pages < 20
        assert guids(found) == truth(sandbox, 1, until=until)
    assert len(found) == 50


async def test_a_client_without_a_loop_has_the_same_listings() -> None:
    clock, traffic = SandboxClock(speed=0, start=NOW), Traffic(rate=0)
    async with opened(leads=80, activities=0, clock=clock) as (sandbox, _):
        traffic.join(sandbox.instance)
        for _ in range(100):
            traffic.happen()
            clock.advance(6)
        since, until = START + timedelta(minutes=1), START + timedelta(minutes=9)

        def read() -> dict[str, list[str]]:
            with BlockingMarketo(
                sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret
            ) as marketo:
                return {
                    name: guids(listing(marketo.activities, since, until, shards=2).all())  # type: ignore[arg-type]
                    for name, (listing, _) in RANGES.items()
                }

        found = await asyncio.to_thread(read)
        assert found == {name: truth(sandbox, *types, since=since, until=until) for name, (_, types) in RANGES.items()}


# Any instance, in any order of dates

Row = tuple[int, int]  # the second of its date, and that of its commit


def listed(rows: Sequence[Row], order: Literal["date", "commit"], size: int, after: float) -> Iterator[list[Activity]]:
    """Yield the pages of a listing that starts after a moment, as Marketo would have them."""
    key = 0 if order == "date" else 1
    ranked = sorted(enumerate(rows), key=lambda row: (row[1][key], row[0]))
    first = bisect_right(ranked, after, key=lambda row: row[1][key])
    for begin in range(first, len(ranked), size):
        yield [
            Activity(
                marketo_guid=str(number), lead_id=1, activity_type_id=1, activity_date=START + timedelta(seconds=date)
            )
            for number, (date, _) in ranked[begin : begin + size]
        ]


def drained(shard: Shard, pages: Iterator[list[Activity]]) -> list[Activity]:
    sift, found = shard.sift(Activity)(), []
    for page in pages:
        items, enough = sift(page)
        found += items
        if enough:
            break
    return found


rows_late_by = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 40)).map(lambda row: (row[0], row[0] + row[1])), max_size=60
)


@given(
    rows=rows_late_by,
    order=st.sampled_from(["date", "commit"]),
    size=st.integers(1, 20),
    begin=st.integers(0, 250),
    length=st.integers(1, 300),
    count=st.integers(1, 9),
)
def test_every_record_of_a_range_is_in_one_shard_in_whatever_order(
    rows: list[Row], order: Literal["date", "commit"], size: int, begin: int, length: int, count: int
) -> None:
    since, until = START + timedelta(seconds=begin), START + timedelta(seconds=begin + length)
    lag = timedelta(seconds=40 if order == "commit" else 0)
    found = [
        one
        for shard in shards_of(since, until, shards=count, lag=lag)
        for one in drained(shard, listed(rows, order, size, (shard.opening - START).total_seconds()))
    ]

    wanted = sorted(str(number) for number, (date, _) in enumerate(rows) if begin <= date < begin + length)
    assert guids(found) == wanted


@given(rows=rows_late_by, size=st.integers(1, 20), begin=st.integers(0, 300))
def test_without_an_end_a_listing_has_everything_after_its_start(rows: list[Row], size: int, begin: int) -> None:
    (shard,) = shards_of(START + timedelta(seconds=begin), None)
    found = drained(shard, listed(rows, "date", size, (shard.opening - START).total_seconds()))

    assert guids(found) == sorted(str(number) for number, (date, _) in enumerate(rows) if date > begin)


def test_a_lag_finds_what_was_recorded_among_later_activities() -> None:
    rows = [(5, 5), (20, 20), (9, 30), (31, 31)]
    for seconds, wanted in ((0, ["0"]), (21, ["0", "2"])):
        (shard,) = shards_of(START, START + timedelta(seconds=10), lag=timedelta(seconds=seconds))
        assert guids(drained(shard, listed(rows, "commit", 1, -1))) == wanted


def test_a_range_in_order_ends_at_the_first_page_past_it() -> None:
    rows = [(second, second) for second in range(100)]
    pages = listed(rows, "date", 10, -1)
    (shard,) = shards_of(START, START + timedelta(seconds=25))

    assert len(drained(shard, pages)) == 25
    assert next(pages)[0].activity_date == START + timedelta(seconds=30)
