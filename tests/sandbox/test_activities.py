from datetime import UTC, datetime, timedelta

import pytest

from marketo_async.sandbox import Quirks, SandboxClock

from .api import Api, Body, Connect, code

ACTIVITIES = "/rest/v1/activities.json"
CHANGES = "/rest/v1/activities/leadchanges.json"
ALL_TYPES = "1,2,6,7,10,11,12,13,22"
START = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


def given(*dates: datetime, **members: object) -> list[Body]:
    return [
        {"leadId": 1, "activityTypeId": 1, "activityDate": date.isoformat(), "primaryAttributeValueId": 5, **members}
        for date in dates
    ]


async def test_a_date_token_and_nothing_else(api: Api) -> None:
    answer = await api.get("/rest/v1/activities/pagingtoken.json", sinceDatetime="2026-01-01T00:00:00+01:00")

    assert set(answer) == {"requestId", "success", "nextPageToken"}


@pytest.mark.parametrize(("since", "expected"), [("", "1002"), ("yesterday", "1001")])
async def test_datetimes_that_cannot_be(api: Api, since: str, expected: str) -> None:
    assert code(await api.get("/rest/v1/activities/pagingtoken.json", sinceDatetime=since)) == expected


async def test_draining_delivers_each_once_and_in_order(connect: Connect) -> None:
    api = await connect(activities=1_000)
    rows = await api.drain(ACTIVITIES, activityTypeIds=ALL_TYPES, nextPageToken=await api.since())

    assert len({row["marketoGUID"] for row in rows}) == len(rows) == 1_000
    dates = [row["activityDate"] for row in rows]
    assert dates == sorted(dates)
    assert all(date.endswith("Z") for date in dates)
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == 1_000


async def test_the_last_page_still_has_a_token_to_poll_with(api: Api) -> None:
    token = await api.since()
    while True:
        page = await api.get(ACTIVITIES, activityTypeIds="12", nextPageToken=token)
        token = page["nextPageToken"]
        if not page["moreResult"]:
            break
    nothing = await api.get(ACTIVITIES, activityTypeIds="12", nextPageToken=token)
    assert nothing["result"] == []
    assert nothing["moreResult"] is False

    await api.post("/rest/v1/leads.json", {"input": [{"email": "new@example.com"}]})
    polled = await api.get(ACTIVITIES, activityTypeIds="12", nextPageToken=nothing["nextPageToken"])
    assert [row["leadId"] for row in polled["result"]] == [101]


async def test_a_token_covers_what_comes_after_its_datetime(connect: Connect) -> None:
    dates = [START - timedelta(minutes=minutes) for minutes in (30, 20, 10)]
    for inclusive in (False, True):
        api = await connect(
            activities=given(*dates),
            clock=SandboxClock(speed=0, start=START.timestamp()),
            quirks=Quirks(since_inclusive=inclusive),
        )
        token = await api.since(dates[1].isoformat())
        rows = await api.drain(ACTIVITIES, activityTypeIds="1", nextPageToken=token)

        assert len(rows) == 1 + inclusive


async def test_datetimes_without_an_offset_are_utc(connect: Connect) -> None:
    api = await connect(activities=given(START), clock=SandboxClock(speed=0, start=START.timestamp() + 1))
    before = await api.since("2026-05-04T11:59:59")
    after = await api.since("2026-05-04T12:00:00")

    assert len(await api.drain(ACTIVITIES, activityTypeIds="1", nextPageToken=before)) == 1
    assert await api.drain(ACTIVITIES, activityTypeIds="1", nextPageToken=after) == []


async def test_given_activities_are_sorted_and_kept_as_they_are(connect: Connect) -> None:
    attributes = [{"name": "Webpage URL", "value": "/a"}]
    late, early = given(START, START - timedelta(hours=1), attributes=attributes, marketoGUID="g", id=9)
    late["marketoGUID"], late["id"] = "h", 5_000_000_000
    late["primaryAttributeValue"] = "Home"
    api = await connect(activities=[late, early], clock=SandboxClock(speed=0, start=START.timestamp()))
    rows = await api.drain(ACTIVITIES, activityTypeIds="1", nextPageToken=await api.since())

    assert [row["marketoGUID"] for row in rows] == ["g", "h"]
    assert rows[1] == {
        "id": 5_000_000_000,
        "marketoGUID": "h",
        "leadId": 1,
        "activityDate": "2026-05-04T12:00:00Z",
        "activityTypeId": 1,
        "primaryAttributeValueId": 5,
        "primaryAttributeValue": "Home",
        "attributes": attributes,
    }


async def test_the_future_is_not_seen_before_it_comes(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=START.timestamp())
    api = await connect(activities=given(START + timedelta(minutes=5)), clock=clock)
    page = await api.get(ACTIVITIES, activityTypeIds="1,12", nextPageToken=await api.since())
    assert page["result"] == []

    await api.post("/rest/v1/leads.json", {"input": [{"email": "new@example.com"}]})
    clock.advance(301)
    rows = await api.drain(ACTIVITIES, activityTypeIds="1,12", nextPageToken=page["nextPageToken"])
    assert [row["activityTypeId"] for row in rows] == [12, 1]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "1002"),
        ({"activityTypeIds": "1"}, "1002"),
        ({"nextPageToken": "T"}, "1002"),
        ({"activityTypeIds": "1", "nextPageToken": "nonsense"}, "1003"),
        ({"activityTypeIds": "visits", "nextPageToken": "T"}, "1001"),
        ({"activityTypeIds": ",".join(map(str, range(1, 12))), "nextPageToken": "T"}, "1003"),
        ({"activityTypeIds": "1", "leadIds": ",".join(map(str, range(1, 32))), "nextPageToken": "T"}, "1003"),
        ({"activityTypeIds": "1", "listId": "9", "nextPageToken": "T"}, "1013"),
        ({"activityTypeIds": "1", "batchSize": "301", "nextPageToken": "T"}, "1003"),
    ],
)
async def test_questions_that_cannot_be(api: Api, params: dict[str, str], expected: str) -> None:
    token = await api.since()
    asked = {name: token if value == "T" else value for name, value in params.items()}

    assert code(await api.get(ACTIVITIES, **asked)) == expected


async def test_filters(connect: Connect) -> None:
    api = await connect(activities=600, lists={1: [3, 4], 2: []})
    token = await api.since()

    async def leads(**params: str) -> set[int]:
        rows = await api.drain(ACTIVITIES, activityTypeIds=ALL_TYPES, nextPageToken=token, **params)
        return {row["leadId"] for row in rows}

    assert await leads(leadIds="3,5") == {3, 5}
    assert await leads(listId="1") == {3, 4}
    assert await leads(listId="1", leadIds="4,5") == {4}
    assert await leads(listId="2") == set()
    mails = await api.drain(ACTIVITIES, activityTypeIds="6", assetIds="701,702", nextPageToken=token)
    assert {row["primaryAttributeValueId"] for row in mails} == {701, 702}
    assert {row["campaignId"] for row in mails} == {4001}


async def test_lists_that_are_too_long_to_filter_by(connect: Connect) -> None:
    for cap, works in ((100, False), (101, True), (None, True)):
        api = await connect(quirks=Quirks(list_filter_cap=cap))
        answer = await api.get(ACTIVITIES, activityTypeIds="1", listId=1001, nextPageToken=await api.since())
        assert answer["success"] is works


async def test_a_token_is_bound_to_its_filters_but_not_to_the_page_size(api: Api) -> None:
    page = await api.get(ACTIVITIES, activityTypeIds="1,2", batchSize=5, nextPageToken=await api.since())
    token = page["nextPageToken"]

    assert code(await api.get(ACTIVITIES, activityTypeIds="1", nextPageToken=token)) == "1003"
    assert code(await api.get(CHANGES, fields="title", nextPageToken=token)) == "1003"
    assert (await api.get(ACTIVITIES, activityTypeIds="1,2", batchSize=50, nextPageToken=token))["success"]


async def test_empty_pages_with_more_to_come(connect: Connect) -> None:
    api = await connect(activities=50, quirks=Quirks(empty_pages=1.0, empty_run=2, absent_result=True))
    token, sizes = await api.since(), []
    while True:
        page = await api.get(ACTIVITIES, activityTypeIds=ALL_TYPES, batchSize=20, nextPageToken=token)
        sizes.append(len(page.get("result", [])))
        assert ("result" in page) is (sizes[-1] > 0)
        token = page["nextPageToken"]
        if not page["moreResult"]:
            break

    assert sizes == [0, 0, 20, 0, 0, 20, 0, 0, 10]


async def test_short_pages_with_more_to_come(connect: Connect) -> None:
    api = await connect(activities=200, quirks=Quirks(short_pages=0.8))
    first = await api.get(ACTIVITIES, activityTypeIds=ALL_TYPES, batchSize=100, nextPageToken=await api.since())
    rows = await api.drain(ACTIVITIES, activityTypeIds=ALL_TYPES, batchSize=100, nextPageToken=await api.since())

    assert first["moreResult"] is True
    assert len({row["marketoGUID"] for row in rows}) == len(rows) == 200


async def test_activities_may_have_no_id(connect: Connect) -> None:
    api = await connect(quirks=Quirks(omit_activity_ids=True))
    rows = await api.drain(ACTIVITIES, activityTypeIds=ALL_TYPES, nextPageToken=await api.since())
    changes = await api.drain(CHANGES, fields="title", nextPageToken=await api.since())

    assert not any("id" in row for row in rows + changes)
    assert len({row["marketoGUID"] for row in rows}) == 200


async def test_lead_changes_are_those_of_the_fields_asked_for(api: Api) -> None:
    rows = await api.drain(CHANGES, fields="title,city", nextPageToken=await api.since())
    changed = [row for row in rows if row["activityTypeId"] == 13]

    assert {row["fields"][0]["name"] for row in changed} == {"title", "city"}
    assert all({"id", "name", "newValue", "oldValue"} == set(row["fields"][0]) for row in changed)
    assert any(row["activityTypeId"] == 12 for row in rows)
    some = await api.drain(CHANGES, fields="title,city", leadIds="1,2,3", nextPageToken=await api.since())
    assert {row["leadId"] for row in some} <= {1, 2, 3}


@pytest.mark.parametrize(("fields", "expected"), [("", "1002"), ("shoeSize", "1006")])
async def test_lead_changes_need_known_fields(api: Api, fields: str, expected: str) -> None:
    assert code(await api.get(CHANGES, fields=fields, nextPageToken=await api.since())) == expected


async def test_every_type_that_occurs_is_described(api: Api) -> None:
    types = {row["id"]: row for row in (await api.get("/rest/v1/activities/types.json"))["result"]}
    rows = await api.drain(ACTIVITIES, activityTypeIds=ALL_TYPES, nextPageToken=await api.since())

    assert {row["activityTypeId"] for row in rows} <= set(types)
    for row in rows:
        described = {attribute["name"] for attribute in types[row["activityTypeId"]]["attributes"]}
        assert {attribute["name"] for attribute in row.get("attributes", [])} <= described
