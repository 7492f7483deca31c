import pytest

from .api import Api, Body, Connect, code, reason

COOKIE = "id:100-SBX-001&token:_mch-example.com-1"


async def lead(api: Api, lead_id: int, fields: str) -> Body | None:
    rows = (await api.get(f"/rest/v1/lead/{lead_id}.json", fields=fields))["result"]
    return rows[0] if rows else None


async def test_deleting_by_body(api: Api) -> None:
    answer = await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 3}, {"id": 999}, {"id": 3}]})

    assert answer["result"][0] == {"id": 3, "status": "deleted"}
    assert [reason(row) for row in answer["result"][1:]] == ["1004", "1004"]
    assert await lead(api, 3, "email") is None


async def test_deleting_by_query(api: Api) -> None:
    answer = await api.post("/rest/v1/leads/delete.json", id="1,2")

    assert [row["status"] for row in answer["result"]] == ["deleted", "deleted"]


async def test_the_deleted_disappear_everywhere_but_in_deleted_leads(api: Api) -> None:
    token = await api.since()
    await api.post("/rest/v1/leads/delete.json", {"input": [{"id": 3}]})

    [deleted] = await api.drain("/rest/v1/activities/deletedleads.json", nextPageToken=token)
    assert (deleted["leadId"], deleted["activityTypeId"]) == (3, 37)
    for path in ("/rest/v1/lists/1001/leads.json", "/rest/v1/leads/programs/2001.json"):
        assert 3 not in [row["id"] for row in await api.drain(path)]
    found = await api.get("/rest/v1/leads.json", filterType="email", filterValues="lead3@example.com")
    assert found["result"] == []


@pytest.mark.parametrize(
    ("body", "params", "expected"),
    [
        (None, {}, "1002"),
        ({"input": []}, {}, "1002"),
        ({"input": [{"email": "a@example.com"}]}, {}, "1001"),
        (None, {"id": "x"}, "1001"),
        ({"input": [{"id": 1}] * 300}, {"id": 1}, "1003"),
        ({"input": [{"id": 1}] * 301}, {}, "1003"),
    ],
)
async def test_deletions_that_cannot_be(api: Api, body: object, params: dict[str, str | int], expected: str) -> None:
    assert code(await api.post("/rest/v1/leads/delete.json", body, **params)) == expected


async def test_merging_keeps_the_winners_values(connect: Connect) -> None:
    leads: list[Body] = [
        {"email": "win@example.com", "title": "", "firstName": "Win"},
        {"email": "lose@example.com", "title": "Owner", "firstName": "Lou", "city": None},
        {"email": "also@example.com", "title": "Clerk", "city": "Lyon"},
        {"email": "other@example.com"},
    ]
    api = await connect(leads=leads, lists={1: [2], 2: [1, 3]}, activities=0)
    await api.post("/rest/v1/leads/2/associate.json", cookie=COOKIE)
    token = await api.since()
    answer = await api.post("/rest/v1/leads/1/merge.json", leadIds="2,3", mergeInCRM="false")

    assert answer["success"]
    assert "result" not in answer
    assert await lead(api, 1, "email,title,firstName,city,cookies") == {
        "id": 1,
        "email": "win@example.com",
        "title": "Owner",
        "firstName": "Win",
        "city": "Lyon",
        "cookies": COOKIE,
    }
    assert await lead(api, 2, "email") is None
    assert [row["listId"] for row in await api.drain("/rest/v1/leads/1/listMembership.json")] == [1, 2]
    merged = await api.drain("/rest/v1/activities.json", activityTypeIds="32", nextPageToken=token)
    assert [(row["leadId"], row["attributes"][0]["value"]) for row in merged] == [(1, "2,3")]
    deleted = await api.drain("/rest/v1/activities/deletedleads.json", nextPageToken=token)
    assert [row["leadId"] for row in deleted] == [2, 3]
    changed = await api.drain("/rest/v1/activities/leadchanges.json", fields="title,city", nextPageToken=token)
    assert {row["fields"][0]["newValue"] for row in changed} == {"Owner", "Lyon"}


async def test_merging_hands_over_what_the_losers_did(api: Api) -> None:
    await api.post("/rest/v1/lists/1001/leads.json", {"input": [{"id": 1}]})
    before = await api.drain(
        "/rest/v1/activities.json", activityTypeIds="1,10", leadIds="1,2", nextPageToken=await api.since()
    )
    await api.post("/rest/v1/leads/1/merge.json", leadId=2)
    after = await api.drain(
        "/rest/v1/activities.json", activityTypeIds="1,10", leadIds="1", nextPageToken=await api.since()
    )

    assert {row["marketoGUID"] for row in after} == {row["marketoGUID"] for row in before}


@pytest.mark.parametrize(
    ("winner", "params", "expected"),
    [
        (1, {}, "1002"),
        (1, {"leadIds": ",".join(map(str, range(2, 28)))}, "1080"),
        (1, {"leadIds": "2,1"}, "1003"),
        (1, {"leadIds": "2,999"}, "1004"),
        (999, {"leadIds": "2"}, "1004"),
        (1, {"leadIds": "x"}, "1001"),
        (1, {"leadIds": "2", "mergeInCRM": "perhaps"}, "1001"),
    ],
)
async def test_merges_that_cannot_be(api: Api, winner: int, params: dict[str, str], expected: str) -> None:
    assert code(await api.post(f"/rest/v1/leads/{winner}/merge.json", **params)) == expected
    assert len(api.sandbox.instance.leads) == 100


async def test_twenty_five_can_be_merged(api: Api) -> None:
    assert (await api.post("/rest/v1/leads/1/merge.json", leadIds=list(range(2, 27))))["success"]
    assert len(api.sandbox.instance.leads) == 75


async def test_a_cookie_belongs_to_one_lead(api: Api) -> None:
    other = COOKIE.replace("-1", "-2")
    for lead_id, cookie in ((1, COOKIE), (1, other), (2, COOKIE)):
        answer = await api.post(f"/rest/v1/leads/{lead_id}/associate.json", cookie=cookie)
        assert answer["success"]
        assert "result" not in answer

    assert await lead(api, 1, "cookies") == {"id": 1, "cookies": other}
    assert await lead(api, 2, "cookies") == {"id": 2, "cookies": COOKIE}


@pytest.mark.parametrize(
    ("lead_id", "params", "expected"),
    [(1, {}, "1002"), (1, {"cookie": "crumbs"}, "1012"), (999, {"cookie": COOKIE}, "1004")],
)
async def test_cookies_that_cannot_be(api: Api, lead_id: int, params: dict[str, str], expected: str) -> None:
    assert code(await api.post(f"/rest/v1/leads/{lead_id}/associate.json", **params)) == expected


async def test_partitions(api: Api) -> None:
    names = [row["name"] for row in (await api.get("/rest/v1/leads/partitions.json"))["result"]]
    moves = [{"id": 1, "partitionName": "EMEA"}, {"id": 999, "partitionName": "EMEA"}, {"id": 2, "partitionName": "X"}]
    answer = await api.post("/rest/v1/leads/partitions.json", {"input": moves})

    assert names == ["Default", "EMEA"]
    assert answer["result"][0] == {"id": 1, "status": "updated"}
    assert [reason(row) for row in answer["result"][1:]] == ["1004", "1008"]
    assert await lead(api, 1, "leadPartitionId") == {"id": 1, "leadPartitionId": 2}


async def test_memberships_of_a_lead(api: Api) -> None:
    lists = await api.drain("/rest/v1/leads/5/listMembership.json")
    programs = await api.drain("/rest/v1/leads/5/programMembership.json")
    campaigns = await api.drain("/rest/v1/leads/5/smartCampaignMembership.json")

    assert [row["listId"] for row in lists] == [1001]
    assert [row["id"] for row in programs] == [2001]
    assert [row["smartCampaignId"] for row in campaigns] == [4001]


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"filterType": "programId", "filterValues": "2001,7"}, 1),
        ({"filterType": "programId", "filterValues": "7"}, 0),
        ({"earliestUpdatedAt": "2020-01-01T00:00:00Z"}, 1),
        ({"latestUpdatedAt": "2020-01-01T00:00:00Z"}, 0),
    ],
)
async def test_program_memberships_can_be_filtered(api: Api, params: dict[str, str], number: int) -> None:
    assert len(await api.drain("/rest/v1/leads/5/programMembership.json", **params)) == number


async def test_memberships_that_cannot_be_asked_for(api: Api) -> None:
    assert code(await api.get("/rest/v1/leads/999/listMembership.json")) == "1004"
    assert code(await api.get("/rest/v1/leads/5/programMembership.json", filterType="name")) == "1011"


async def test_a_program_status_only_moves_forward(api: Api) -> None:
    path = "/rest/v1/leads/programs/2001/status.json"
    await api.post("/rest/v1/leads.json", {"input": [{"email": "new@example.com"}]})
    body = {"status": "no show", "input": [{"id": 1}, {"id": 3}, {"id": 101}, {"id": 999}]}
    answer = await api.post(path, body)

    assert answer["result"][0] == {"id": 1, "status": "No Show"}
    assert [reason(row) for row in answer["result"][1:]] == ["1037", "1013", "1004"]
    attended = await api.post(path, {"status": "Attended", "input": [{"id": 1}]})
    assert attended["result"] == [{"id": 1, "status": "Attended"}]
    [row] = await api.drain("/rest/v1/leads/1/programMembership.json")
    assert row["reachedSuccess"] is True
    moves = await api.drain(
        "/rest/v1/activities.json", activityTypeIds="104", leadIds="1", nextPageToken=await api.since()
    )
    assert [item["value"] for row in moves for item in row["attributes"] if item["name"] == "Old Status"] == [
        "Registered",
        "No Show",
    ]


@pytest.mark.parametrize(
    ("program", "status", "expected"), [(2001, "Excited", "1025"), (9, "Attended", "1013"), (2001, "", "1002")]
)
async def test_statuses_that_cannot_be(api: Api, program: int, status: str, expected: str) -> None:
    body = {"status": status, "input": [{"id": 1}]}

    assert code(await api.post(f"/rest/v1/leads/programs/{program}/status.json", body)) == expected
