import pytest

from marketo_async.sandbox import Sandbox

from .api import Api, Body, Connect, code, reason

MEMBERS = "/rest/v1/lists/7/leads.json"


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect(lists={7: [1, 2], 8: [], 9: range(1, 101)}, activities=0)


async def ids(api: Api) -> list[int]:
    return [row["id"] for row in await api.drain(MEMBERS)]


async def test_browsing(api: Api) -> None:
    rows = (await api.get("/rest/v1/lists.json"))["result"]

    assert [row["id"] for row in rows] == [7, 8, 9]
    assert set(rows[0]) == {"id", "name", "description", "workspaceId", "workspaceName", "createdAt", "updatedAt"}
    assert (rows[0]["workspaceId"], rows[0]["workspaceName"]) == (1, "Default")
    assert (await api.get("/rest/v1/lists/7.json"))["result"] == [rows[0]]


async def test_a_list_inside_a_program(api: Api) -> None:
    static_list = api.sandbox.instance.lists.get(8)
    assert static_list is not None
    static_list.program_name = "Spring Webinar"
    [row] = (await api.get("/rest/v1/lists.json", programName="Spring Webinar"))["result"]

    assert (row["id"], row["programName"]) == (8, "Spring Webinar")


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"id": "7,9"}, [7, 9]),
        ({"name": "List 8"}, [8]),
        ({"name": "List 8", "id": 7}, []),
        ({"programName": "Nothing"}, []),
        ({"workspaceName": "Default"}, [7, 8, 9]),
    ],
)
async def test_filters(api: Api, params: dict[str, str | int], found: list[int]) -> None:
    assert [row["id"] for row in (await api.get("/rest/v1/lists.json", **params))["result"]] == found


async def test_browsing_in_pages_knows_no_more_result(api: Api) -> None:
    first = await api.get("/rest/v1/lists.json", batchSize=2)
    second = await api.get("/rest/v1/lists.json", batchSize=2, nextPageToken=first["nextPageToken"])

    assert "moreResult" not in first
    assert [row["id"] for row in first["result"] + second["result"]] == [7, 8, 9]


async def test_adding(api: Api) -> None:
    answer = await api.post(MEMBERS, {"input": [{"id": 5}, {"id": 999}, {"id": 1}]})

    assert answer["result"][0] == {"id": 5, "status": "added"}
    assert reason(answer["result"][1]) == "1004"
    assert answer["result"][2] == {"id": 1, "status": "added"}
    assert await ids(api) == [1, 2, 5]


async def test_adding_and_removing_by_query(api: Api) -> None:
    added = await api.post(MEMBERS, id=[4, 3])
    removed = (await api.raw("DELETE", MEMBERS, params={"id": "1,4"})).json()

    assert [row["status"] for row in added["result"]] == ["added", "added"]
    assert [row["status"] for row in removed["result"]] == ["removed", "removed"]
    assert await ids(api) == [2, 3]


async def test_removing_by_body(api: Api) -> None:
    answer = (await api.raw("DELETE", MEMBERS, json={"input": [{"id": 2}, {"id": 3}, {"id": 999}]})).json()

    assert answer["result"][0] == {"id": 2, "status": "removed"}
    assert [reason(row) for row in answer["result"][1:]] == ["1015", "1004"]


@pytest.mark.parametrize("how", ["query", "get with body", "post"])
async def test_membership(api: Api, how: str) -> None:
    path = "/rest/v1/lists/7/leads/ismember.json"
    body = {"input": [{"id": 1}, {"id": 3}, {"id": 999}]}
    if how == "query":
        answer = await api.get(path, id="1,3,999")
    elif how == "post":
        answer = await api.post(path, body, _method="GET")
    else:
        answer = (await api.raw("GET", path, json=body)).json()

    assert answer["result"][:2] == [{"id": 1, "status": "memberof"}, {"id": 3, "status": "notmemberof"}]
    assert reason(answer["result"][2]) == "1004"


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/rest/v1/lists/999/leads.json", {"input": [{"id": 1}]}, "1013"),
        (MEMBERS, {"input": [{"id": 1}] * 301}, "1003"),
        (MEMBERS, {"input": [{}]}, "1001"),
        (MEMBERS, {}, "1002"),
        (MEMBERS, None, "1002"),
    ],
)
async def test_additions_that_cannot_be(api: Api, path: str, body: object, expected: str) -> None:
    assert code(await api.post(path, body)) == expected


async def test_only_what_changes_leaves_activities(api: Api) -> None:
    token = await api.since()
    await api.post(MEMBERS, {"input": [{"id": 1}, {"id": 5}]})
    await api.raw("DELETE", MEMBERS, json={"input": [{"id": 5}, {"id": 6}]})
    rows = await api.drain("/rest/v1/activities.json", activityTypeIds="24,25", nextPageToken=token)

    assert [(row["activityTypeId"], row["leadId"], row["primaryAttributeValueId"]) for row in rows] == [
        (24, 5, 7),
        (25, 5, 7),
    ]
    only = await api.drain("/rest/v1/activities.json", activityTypeIds="24", assetIds="8", nextPageToken=token)
    assert only == []


async def test_everybody_is_on_the_default_list(marketo_sandbox: Sandbox) -> None:
    [everybody] = marketo_sandbox.instance.lists

    assert everybody.id == 1001
    assert len(everybody) == 100


class TestAssets:
    PATH = "/rest/asset/v1/staticLists.json"

    async def test_shape(self, api: Api) -> None:
        answer = await api.get(self.PATH)

        assert answer["errors"] == []
        assert answer["warnings"] == []
        row = answer["result"][0]
        assert row["createdAt"].endswith("Z+0000")
        assert row["folder"] == {"id": 20, "type": "Folder"}
        assert set(row) >= {"id", "name", "computedUrl", "workspace", "description", "updatedAt"}

    async def test_twenty_by_default_and_two_hundred_at_most(self, connect: Connect) -> None:
        api = await connect(lists={number: [] for number in range(1, 251)})

        assert len((await api.get(self.PATH))["result"]) == 20
        assert len((await api.get(self.PATH, maxReturn=200))["result"]) == 200
        assert [row["id"] for row in (await api.get(self.PATH, offset=245))["result"]] == list(range(246, 251))
        assert code(await api.get(self.PATH, maxReturn=201)) == "1003"
        assert code(await api.get(self.PATH, offset=-1)) == "1003"

    async def test_an_exact_multiple_ends_with_the_warning(self, connect: Connect) -> None:
        api = await connect(lists={number: [] for number in range(1, 41)})
        answer = await api.get(self.PATH, offset=40)

        assert answer["success"] is True
        assert answer["warnings"] == ["No assets found for the given search criteria."]
        assert "result" not in answer

    @pytest.mark.parametrize(
        ("params", "number"),
        [
            ({"folder": '{"id":20,"type":"Folder"}'}, 3),
            ({"folder": '{"id":20,"type":"FOLDER"}'}, 3),
            ({"folder": '{"id":20,"type":"Program"}'}, 0),
            ({"earliestUpdatedAt": "2020-01-01T00:00:00Z"}, 3),
            ({"latestUpdatedAt": "2020-01-01T00:00:00Z"}, 0),
        ],
    )
    async def test_filters(self, api: Api, params: dict[str, str], number: int) -> None:
        answer: Body = await api.get(self.PATH, **params)

        assert len(answer.get("result", [])) == number

    async def test_a_folder_that_is_none(self, api: Api) -> None:
        assert code(await api.get(self.PATH, folder="twenty")) == "1001"
