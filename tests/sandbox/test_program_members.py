from typing import Any

import pytest

from marketo_async.sandbox import Quirks, SandboxClock
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.families import program_members

from .api import Api, Body, Connect, code, reason

PATH = "/rest/v1/programs/2001/members"
NURTURE = "/rest/v1/programs/2002/members"
FIELDS = "/rest/v1/programs/members/schema/fields"
NOW = 1_767_225_600.0
DAY = 86_400.0


@pytest.fixture
def clock() -> SandboxClock:
    return SandboxClock(speed=0, start=NOW)


@pytest.fixture
async def api(connect: Connect, clock: SandboxClock) -> Api:
    return await connect(leads=12, activities=0, clock=clock)


async def found(api: Api, filter_type: str, values: str, path: str = PATH, **params: str | int) -> list[Body]:
    return await api.drain(f"{path}.json", filterType=filter_type, filterValues=values, **params)


async def move(api: Api, status: str, *lead_ids: int, path: str = NURTURE) -> list[Body]:
    body = {"statusName": status, "input": [{"leadId": lead_id} for lead_id in lead_ids]}
    rows: list[Body] = (await api.post(f"{path}/status.json", body))["result"]
    return rows


async def change(api: Api, *records: Body, path: str = PATH) -> list[Body]:
    rows: list[Body] = (await api.post(f"{path}.json", {"input": records}))["result"]
    return rows


async def test_default_fields(api: Api) -> None:
    assert await found(api, "leadId", "3,99") == [
        {
            "seq": 0,
            "acquiredBy": False,
            "leadId": 3,
            "membershipDate": iso(NOW - DAY),
            "programId": 2001,
            "reachedSuccess": True,
        }
    ]


async def test_every_field_can_be_asked_for(api: Api) -> None:
    await move(api, "Engaged", 1)
    [description] = (await api.get("/rest/v1/programs/members/describe.json"))["result"]
    names = ",".join(field["name"] for field in description["fields"])
    [row] = await found(api, "leadId", "1", NURTURE, fields=names)

    assert set(row) == {"seq", *names.split(",")}
    assert row["program"] == "Welcome Nurture"
    assert (row["nurtureCadence"], row["trackName"], row["statusName"]) == ("norm", "Early Stage", "Engaged")
    assert row["reachedSuccessDate"] == row["createdAt"] == row["updatedAt"] == iso(NOW)
    assert (row["isExhausted"], row["waitlistPriority"]) == (False, None)


async def test_description(api: Api) -> None:
    [description] = (await api.get("/rest/v1/programs/members/describe.json"))["result"]

    assert description["dedupeFields"] == ["leadId", "programId"]
    assert "idField" not in description
    assert description["searchableFields"] == [["leadId"], ["reachedSuccess"], ["statusName"], ["updatedAt"]]


@pytest.mark.parametrize(
    ("filter_type", "values", "leads"),
    [
        ("statusName", "attended", [3, 7, 11]),
        ("statusName", "Attended,No Show", [2, 3, 6, 7, 10, 11]),
        ("reachedSuccess", "true", [3, 7, 11]),
        ("leadId", "5,4", [4, 5]),
    ],
)
async def test_filters(api: Api, filter_type: str, values: str, leads: list[int]) -> None:
    assert [row["leadId"] for row in await found(api, filter_type, values, batchSize=2)] == leads


async def test_changes_in_a_window(api: Api, clock: SandboxClock) -> None:
    clock.advance(3600)
    await api.authorize()
    await change(api, {"leadId": 5, "statusReason": "Called"})
    window: dict[str, str] = {"filterType": "updatedAt", "startAt": iso(NOW), "endAt": iso(NOW + 7 * DAY)}

    assert [row["leadId"] for row in await api.drain(f"{PATH}.json", **window)] == [5]
    for wrong in ({"endAt": iso(NOW + 8 * DAY)}, {"endAt": iso(NOW - 1)}):
        assert code(await api.get(f"{PATH}.json", **{**window, **wrong})) == "1003"
    for absent in ("startAt", "endAt"):
        assert code(await api.get(f"{PATH}.json", **{**window, absent: ""})) == "1002"


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"filterType": "leadId"}, "1002"),
        ({"filterValues": "1"}, "1002"),
        ({"filterType": "acquiredBy", "filterValues": "true"}, "1011"),
        ({"filterType": "nonsense", "filterValues": "1"}, "1006"),
        ({"filterType": "leadId", "filterValues": "one"}, "1001"),
        ({"filterType": "reachedSuccess", "filterValues": "perhaps"}, "1001"),
        ({"filterType": "leadId", "filterValues": ",".join(map(str, range(301)))}, "1003"),
        ({"filterType": "leadId", "filterValues": "1", "fields": "nonsense"}, "1006"),
    ],
)
async def test_queries_that_cannot_be(api: Api, params: dict[str, str], expected: str) -> None:
    assert code(await api.get(f"{PATH}.json", **params)) == expected


async def test_large_programs_are_filtered_by_lead_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program_members, "MOST_MEMBERS", 10)

    assert len(await found(api, "leadId", "1,2")) == 2
    assert code(await api.get(f"{PATH}.json", filterType="statusName", filterValues="Invited")) == "1003"


async def test_members_without_a_value_may_be_absent(connect: Connect) -> None:
    api = await connect(leads=3, activities=0, quirks=Quirks(omit_null=True))

    assert await found(api, "leadId", "1", fields="statusReason") == [{"seq": 0, "leadId": 1}]


async def test_unknown_programs(api: Api) -> None:
    path = "/rest/v1/programs/9/members"
    assert code(await api.get(f"{path}.json", filterType="leadId", filterValues="1")) == "1013"
    for name, extra in ((".json", {}), ("/status.json", {"statusName": "Invited"}), ("/delete.json", {})):
        assert code(await api.post(f"{path}{name}", {"input": [{"leadId": 1}], **extra})) == "1013"


class TestStatus:
    async def test_only_forward(self, api: Api) -> None:
        created = await move(api, "Member", 1, 2, 99)
        forward = await move(api, "engaged", 1)
        again = await move(api, "Member", 1, 2)

        assert created[:2] == [
            {"seq": 0, "leadId": 1, "status": "created"},
            {"seq": 1, "leadId": 2, "status": "created"},
        ]
        assert reason(created[2]) == "1004"
        assert forward == [{"seq": 0, "leadId": 1, "status": "updated"}]
        assert [reason(row) for row in again] == ["1037", "1037"]
        assert "leadId" not in again[0]
        rows = await found(api, "leadId", "1,2", NURTURE, fields="statusName,reachedSuccess,reachedSuccessDate")
        assert [(row["statusName"], row["reachedSuccess"]) for row in rows] == [("Engaged", True), ("Member", False)]
        assert [row["reachedSuccessDate"] for row in rows] == [iso(NOW), None]

    async def test_leaves_activities(self, api: Api) -> None:
        token = await api.since()
        await move(api, "Member", 1)
        await move(api, "Member", 1)
        rows = await api.drain("/rest/v1/activities.json", activityTypeIds=104, nextPageToken=token)

        assert [(row["leadId"], row["primaryAttributeValueId"]) for row in rows] == [(1, 2002)]

    async def test_unknown_status(self, api: Api) -> None:
        body: Body = {"statusName": "Nonsense", "input": [{"leadId": 1}]}

        assert code(await api.post(f"{PATH}/status.json", body)) == "1025"
        assert code(await api.post(f"{PATH}/status.json", {"input": [{"leadId": 1}]})) == "1002"
        assert code(await api.post(f"{PATH}/status.json", {**body, "statusName": "Invited", "input": [{}]})) == "1001"
        many = [{"leadId": 1}] * 301
        assert code(await api.post(f"{PATH}/status.json", {"statusName": "Invited", "input": many})) == "1003"


class TestData:
    async def test_changing(self, api: Api) -> None:
        token = await api.since()
        given = {"acquiredBy": True, "statusReason": "Called", "registrationCode": 7, "statusName": "Attended"}
        rows = await change(api, {"leadId": 1, **given}, {"leadId": 1, "statusReason": "Called"})

        assert rows == [{"seq": seq, "leadId": 1, "status": "updated"} for seq in (0, 1)]
        [row] = await found(api, "leadId", "1", fields=",".join(given))
        assert row == {"seq": 0, "leadId": 1, **given, "registrationCode": "7", "statusName": "Registered"}
        logged = await api.drain("/rest/v1/activities.json", activityTypeIds=123, nextPageToken=token)
        assert [activity["attributes"][0]["value"] for activity in logged] == [
            "acquiredBy",
            "statusReason",
            "registrationCode",
        ]
        assert [activity["attributes"][1]["value"] for activity in logged] == ["true", "Called", "7"]

    async def test_needs_a_membership(self, api: Api) -> None:
        rows = await change(
            api, {"leadId": 1, "statusReason": "x"}, {"leadId": 99, "statusReason": "x"}, path=NURTURE
        ) + await change(api, {"leadId": 1, "nonsense": "x"}, {"leadId": 1, "acquiredBy": "perhaps"})

        assert [reason(row) for row in rows] == ["1013", "1004", "1006", "1001"]
        assert rows[0]["leadId"] == 1


async def test_removing(api: Api) -> None:
    body = {"input": [{"leadId": 1}, {"leadId": 1}, {"leadId": 99}]}
    rows = (await api.post(f"{PATH}/delete.json", body))["result"]

    assert rows[0] == {"seq": 0, "leadId": 1, "status": "deleted"}
    assert [reason(row) for row in rows[1:]] == ["1037", "1004"]
    assert await found(api, "leadId", "1") == []


class TestFields:
    async def create(self, api: Api, **record: Any) -> Body:
        answer = await api.post(f"{FIELDS}.json", {"input": [record]})
        row: Body = answer["result"][0]
        return row

    async def test_a_field_of_ones_own(self, api: Api) -> None:
        row = await self.create(api, name="seat", displayName="Seat", dataType="string", isSensitive=True)
        changed = await api.post(f"{FIELDS}/seat.json", {"input": [{"displayName": "Chair"}]})
        [field] = (await api.get(f"{FIELDS}/seat.json"))["result"]

        assert row == {"name": "seat", "status": "created"}
        assert changed["result"] == [{"name": "seat", "status": "updated"}]
        assert (field["displayName"], field["isCustom"], field["isSensitive"]) == ("Chair", True, True)
        assert field in await api.drain(f"{FIELDS}.json", batchSize=7)
        await change(api, {"leadId": 2, "seat": "12B"})
        assert [found["leadId"] for found in await found(api, "seat", "12b")] == [2]

    async def test_twenty_at_most(self, api: Api) -> None:
        for number in range(20):
            row = await self.create(api, name=f"f{number}", displayName=f"F {number}", dataType="integer")
            assert row["status"] == "created"

        assert reason(await self.create(api, name="more", displayName="More", dataType="integer")) == "1003"
