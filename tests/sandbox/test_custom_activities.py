import pytest

from .api import Api, Body, code

TYPE = "/rest/v1/activities/external/type"
TYPES = "/rest/v1/activities/external/types.json"
EXTERNAL = "/rest/v1/activities/external.json"


def new_type(api_name: str = "webinar", **changes: object) -> Body:
    return {
        "apiName": api_name,
        "name": f"Went to {api_name}",
        "triggerName": "Goes",
        "filterName": "Went",
        "description": "A talk",
        "primaryAttribute": {"apiName": "title", "name": "Title"},
        **changes,
    }


def attribute(api_name: str, **changes: object) -> Body:
    return {"apiName": api_name, "name": api_name.title(), "dataType": "string", **changes}


async def describe(api: Api, name: str = "webinar", **params: str) -> Body:
    [row] = (await api.get(f"{TYPE}/{name}/describe.json", **params))["result"]
    result: Body = row
    return result


async def approved(api: Api, name: str = "webinar") -> int:
    assert (await api.post(f"{TYPE}.json", new_type(name)))["success"]
    created = await api.post(
        f"{TYPE}/{name}/attributes/create.json", {"attributes": [attribute("seats", dataType="integer")]}
    )
    assert created["success"]
    [row] = (await api.post(f"{TYPE}/{name}/approve.json"))["result"]
    return int(row["id"])


def activity(type_id: int, **changes: object) -> Body:
    return {
        "leadId": 1,
        "activityDate": "2026-01-02T03:04:05+07:00",
        "activityTypeId": type_id,
        "primaryAttributeValue": "Paging",
        "attributes": [{"apiName": "seats", "value": 7}],
        **changes,
    }


async def test_a_new_type_is_a_draft(api: Api) -> None:
    [row] = (await api.post(f"{TYPE}.json", new_type()))["result"]

    assert row["status"] == "draft"
    assert row["primaryAttribute"]["isPrimary"] is True
    assert await describe(api, draft="true") == row
    assert code(await api.get(f"{TYPE}/webinar/describe.json")) == "1013"
    assert (await api.get(TYPES))["result"] == [row]
    assert row["id"] not in [kind["id"] for kind in (await api.get("/rest/v1/activities/types.json"))["result"]]


async def test_drafts_and_live_versions_live_side_by_side(api: Api) -> None:
    type_id = await approved(api)
    assert (await describe(api))["status"] == "approved"

    await api.post(f"{TYPE}/webinar.json", {"description": "A long talk"})
    live, draft = await describe(api), await describe(api, draft="true")
    assert live["status"] == draft["status"] == "approved with draft"
    assert (live["description"], draft["description"]) == ("A talk", "A long talk")

    [discarded] = (await api.post(f"{TYPE}/webinar/discardDraft.json"))["result"]
    assert (discarded["status"], discarded["description"]) == ("approved", "A talk")

    await api.post(f"{TYPE}/webinar.json", new_type(description="A short talk"))
    [again] = (await api.post(f"{TYPE}/webinar/approve.json"))["result"]
    assert (again["status"], again["description"]) == ("approved", "A short talk")
    [kind] = [row for row in (await api.get("/rest/v1/activities/types.json"))["result"] if row["id"] == type_id]
    assert kind["apiName"] == "webinar"
    assert [item["apiName"] for item in kind["attributes"]] == ["seats"]


async def test_repeats_of_the_life_cycle_fail(api: Api) -> None:
    await approved(api)

    assert code(await api.post(f"{TYPE}.json", new_type())) == "1017"
    assert code(await api.post(f"{TYPE}/webinar/approve.json")) == "1003"
    assert code(await api.post(f"{TYPE}/webinar/discardDraft.json")) == "1048"
    [deleted] = (await api.post(f"{TYPE}/webinar/delete.json"))["result"]
    assert deleted["status"] == "deleted"
    assert code(await api.post(f"{TYPE}/webinar/delete.json")) == "1013"


async def test_attributes_of_the_draft(api: Api) -> None:
    await approved(api)
    path = f"{TYPE}/webinar/attributes"
    await api.post(f"{path}/create.json", {"attributes": [attribute("room"), attribute("host")]})
    await api.post(f"{path}/update.json", {"attributes": [{"apiName": "room", "description": "Where"}]})
    [row] = (await api.post(f"{path}/delete.json", {"attributes": [{"apiName": "host"}]}))["result"]

    assert [(item["apiName"], item["description"]) for item in row["attributes"]] == [("seats", ""), ("room", "Where")]
    assert [item["apiName"] for item in (await describe(api))["attributes"]] == ["seats"]


async def test_the_primary_attribute_changes_in_two_steps(api: Api) -> None:
    await approved(api)
    path = f"{TYPE}/webinar/attributes/update.json"
    promote = {"attributes": [{"apiName": "seats", "isPrimary": True}]}
    assert code(await api.post(path, promote)) == "1003"

    await api.post(path, {"attributes": [{"apiName": "title", "isPrimary": False}]})
    assert code(await api.post(f"{TYPE}/webinar/approve.json")) == "1003"
    await api.post(path, promote)
    [row] = (await api.post(f"{TYPE}/webinar/approve.json"))["result"]
    assert row["primaryAttribute"]["apiName"] == "seats"


async def test_a_failed_edit_changes_nothing(api: Api) -> None:
    await approved(api)
    body = {"attributes": [attribute("room"), attribute("seats")]}

    assert code(await api.post(f"{TYPE}/webinar/attributes/create.json", body)) == "1017"
    assert (await describe(api))["status"] == "approved"


async def test_at_most_ten_types_and_twenty_attributes(api: Api) -> None:
    for number in range(10):
        assert (await api.post(f"{TYPE}.json", new_type(f"kind{number}")))["success"]
    assert code(await api.post(f"{TYPE}.json", new_type("kind10"))) == "1027"

    attributes = [attribute(f"a{number}") for number in range(21)]
    assert code(await api.post(f"{TYPE}/kind0/attributes/create.json", {"attributes": attributes})) == "1028"
    assert (await api.post(f"{TYPE}/kind0/attributes/create.json", {"attributes": attributes[:20]}))["success"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"apiName": "1234"}, "1003"),
        ({"apiName": "with space"}, "1003"),
        ({"apiName": "a" * 256}, "1003"),
        ({"name": "Odd!"}, "1003"),
        ({"triggerName": None}, "1002"),
        ({"primaryAttribute": "title"}, "1001"),
        ({"primaryAttribute": {"name": "Title"}}, "1002"),
        ({"primaryAttribute": {"apiName": "title"}}, "1002"),
        ({"primaryAttribute": {"apiName": "title", "name": "Title", "dataType": "blob"}}, "1003"),
    ],
)
async def test_types_that_cannot_be(api: Api, changes: Body, expected: str) -> None:
    assert code(await api.post(f"{TYPE}.json", {**new_type(), **changes})) == expected


async def test_types_that_do_not_exist(api: Api) -> None:
    for call in (".json", "/approve.json", "/discardDraft.json", "/delete.json", "/attributes/create.json"):
        assert code(await api.post(f"{TYPE}/nothing{call}", {})) == "1013"
    await approved(api)
    for call in ("update", "delete"):
        body = {"attributes": [{"apiName": "nothing"}]}
        assert code(await api.post(f"{TYPE}/webinar/attributes/{call}.json", body)) == "1013"
    primary = {"attributes": [{"apiName": "title"}]}
    assert code(await api.post(f"{TYPE}/webinar/attributes/delete.json", primary)) == "1003"


async def test_types_are_renamed_until_they_are_used(api: Api) -> None:
    type_id = await approved(api)
    renamed = await api.post(f"{TYPE}/webinar.json", {"apiName": "seminar", "name": "Seminar"})
    assert renamed["result"][0]["apiName"] == "seminar"
    await approved(api, "lecture")
    assert code(await api.post(f"{TYPE}/seminar.json", {"apiName": "lecture"})) == "1017"

    await api.post(f"{TYPE}/seminar/approve.json")
    assert (await api.post(EXTERNAL, {"input": [activity(type_id)]}))["result"][0]["status"] == "added"
    assert code(await api.post(f"{TYPE}/seminar.json", {"apiName": "webinar"})) == "1022"
    other_primary = {"primaryAttribute": {"apiName": "seats", "name": "Seats"}}
    assert code(await api.post(f"{TYPE}/seminar.json", other_primary)) == "1022"
    assert (await api.post(f"{TYPE}/seminar.json", {"description": "Used"}))["success"]
    assert code(await api.post(f"{TYPE}/seminar/delete.json")) == "1022"


async def test_custom_activities_are_added_every_time(api: Api) -> None:
    type_id = await approved(api)
    record = activity(type_id)
    named = activity(type_id, attributes=[{"name": "Seats", "value": None}])
    answer = await api.post(EXTERNAL, {"input": [record, record, named]})

    assert [row["status"] for row in answer["result"]] == ["added"] * 3
    assert len({row["marketoGUID"] for row in answer["result"]}) == 3
    rows = await api.drain(
        "/rest/v1/activities.json", activityTypeIds=type_id, nextPageToken=await api.since("2026-01-01T00:00:00Z")
    )
    assert [row["attributes"][0]["value"] for row in rows] == [7, 7, None]
    assert rows[0]["activityDate"] == "2026-01-01T20:04:05Z"
    assert rows[0]["primaryAttributeValue"] == "Paging"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"leadId": None}, "1002"),
        ({"leadId": "one"}, "1001"),
        ({"leadId": 999}, "1004"),
        ({"activityDate": "today"}, "1001"),
        ({"activityDate": 1_767_000_000}, "1001"),
        ({"activityTypeId": 1}, "1003"),
        ({"primaryAttributeValue": ""}, "1002"),
        ({"attributes": [{"apiName": "nothing", "value": 1}]}, "1006"),
        ({"attributes": [{"apiName": "seats", "value": [1]}]}, "1001"),
        ({"attributes": "seats"}, "1001"),
        ({"attributes": [{"apiName": "seats", "value": "x" * 65_536}]}, "1049"),
    ],
)
async def test_failed_rows_carry_errors_and_not_reasons(api: Api, changes: Body, expected: str) -> None:
    type_id = await approved(api)
    good, bad = activity(type_id, attributes=[]), {**activity(type_id), **changes}
    rows = (await api.post(EXTERNAL, {"input": [bad, good]}))["result"]

    assert rows[0]["status"] == "skipped"
    assert "reasons" not in rows[0]
    assert [error["code"] for error in rows[0]["errors"]] == [expected]
    assert rows[1]["status"] == "added"


async def test_drafts_take_no_activities(api: Api) -> None:
    [draft] = (await api.post(f"{TYPE}.json", new_type()))["result"]
    [row] = (await api.post(EXTERNAL, {"input": [activity(draft["id"])]}))["result"]

    assert row["errors"][0]["code"] == "1003"
