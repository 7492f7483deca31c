import asyncio

import pytest

from .api import Api, Body, Connect, code, reason

PUSH = "/rest/v1/leads/push.json"
SUBMIT = "/rest/v1/leads/submitForm.json"
COOKIE = "id:100-SBX-001&token:_mch-example.com-1"


async def activities(api: Api, lead_id: int, *types: int) -> list[Body]:
    return await api.drain(
        "/rest/v1/activities.json", activityTypeIds=list(types), leadIds=lead_id, nextPageToken=await api.since()
    )


async def test_push_upserts_into_a_program(api: Api) -> None:
    body = {
        "programName": "Spring Webinar",
        "programStatus": "Registered",
        "source": "kiosk",
        "reason": "visited",
        "input": [{"email": "new@example.com"}, {"email": "lead4@example.com"}, {"email": "bad"}],
    }
    answer = await api.post(PUSH, body)

    assert [row["status"] for row in answer["result"]] == ["created", "updated", "skipped"]
    assert answer["warnings"] == []
    assert reason(answer["result"][2]) == "1003"
    [pushed] = await activities(api, 101, 145)
    assert pushed["primaryAttributeValue"] == "Spring Webinar"
    assert {(item["name"], item["value"]) for item in pushed["attributes"]} == {
        ("Reason", "visited"),
        ("Source", "kiosk"),
    }
    memberships = await api.get("/rest/v1/leads/101/programMembership.json")
    assert memberships["result"][0]["progressionStatus"] == "Registered"


async def test_every_push_leaves_another_activity(api: Api) -> None:
    body = {"programName": "Welcome Nurture", "input": [{"email": "lead4@example.com"}]}
    await api.post(PUSH, body)
    await api.post(PUSH, body)

    assert len(await activities(api, 4, 145)) == 2
    assert len(await activities(api, 4, 104)) == 1


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"programName": None}, "1002"),
        ({"input": None}, "1002"),
        ({"programName": "Nothing"}, "1013"),
        ({"programStatus": "Excited"}, "1025"),
        ({"lookupField": "shoeSize"}, "1006"),
        ({"partitionName": "APAC"}, "1008"),
    ],
)
async def test_pushes_that_cannot_be(api: Api, changes: Body, expected: str) -> None:
    body = {"programName": "Spring Webinar", "input": [{"email": "new@example.com"}], **changes}

    assert code(await api.post(PUSH, body)) == expected


def submission(**changes: object) -> Body:
    record = {"leadFormFields": {"email": "new@example.com", "company": "Initech"}, "cookie": COOKIE}
    record["visitorData"] = {"pageURL": "https://example.com", "leadClientIpAddress": "192.0.2.1", "queryString": ""}
    return {"formId": 3001, "input": [record], **changes}


async def test_a_form_is_filled_out(api: Api) -> None:
    answer = await api.post(SUBMIT, submission())

    assert answer["result"] == [{"id": 101, "status": "created"}]
    [filled] = await activities(api, 101, 2)
    assert filled["primaryAttributeValueId"] == 3001
    assert {"name": "Client IP Address", "value": "192.0.2.1"} in filled["attributes"]
    found = await api.get("/rest/v1/leads.json", filterType="cookies", filterValues=COOKIE, fields="company")
    assert found["result"] == [{"id": 101, "company": "Initech"}]
    memberships = await api.get("/rest/v1/leads/101/programMembership.json")
    assert [row["id"] for row in memberships["result"]] == [2001]


async def test_of_duplicates_the_newest_is_updated(api: Api) -> None:
    await api.post("/rest/v1/leads.json", {"action": "createDuplicate", "input": [{"email": "lead9@example.com"}]})
    record = {"leadFormFields": {"email": "lead9@example.com"}}
    answer = await api.post(SUBMIT, {"formId": 3001, "input": [record], "programId": 2002})

    assert answer["result"] == [{"id": 101, "status": "updated"}]
    memberships = await api.get("/rest/v1/leads/101/programMembership.json")
    assert [row["id"] for row in memberships["result"]] == [2002]
    assert memberships["result"][0]["stream"] == "Early Stage"
    assert memberships["result"][0]["nurtureCadence"] == "norm"


async def test_overlapping_submissions_create_duplicates_too(connect: Connect) -> None:
    api = await connect(latency=0.25)
    answers = await asyncio.gather(*(api.post(SUBMIT, submission()) for _ in range(2)))

    assert [answer["result"][0]["status"] for answer in answers] == ["created", "created"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"leadFormFields": {"firstName": "Nia"}}, "1003"),
        ({"leadFormFields": {"email": "a@example.com", "leadScore": 1}}, "1006"),
        ({"leadFormFields": {"email": "a@example.com"}, "cookie": "crumbs"}, "1012"),
        ({"leadFormFields": {"email": "crumbs"}}, "1003"),
    ],
)
async def test_submissions_that_are_skipped(api: Api, record: Body, expected: str) -> None:
    answer = await api.post(SUBMIT, {"formId": 3001, "input": [record]})

    assert reason(answer["result"][0]) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"formId": 1}, "1013"),
        ({"formId": "x"}, "1001"),
        ({"formId": None}, "1002"),
        ({"programId": 1}, "1013"),
        ({"input": [{}, {}]}, "1003"),
        ({"input": [{"leadFormFields": []}]}, "1001"),
    ],
)
async def test_submissions_that_cannot_be(api: Api, changes: Body, expected: str) -> None:
    assert code(await api.post(SUBMIT, submission(**changes))) == expected
