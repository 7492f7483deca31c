"""Static lists as assets, and what becomes of their members."""

import pytest

from .api import Api, Connect, code
from .forms import EVENTS, IMAGES, LISTS, read, refusal, write


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect(lists={1001: [1, 2], 1002: [3]})


async def test_static_lists_are_found(api: Api) -> None:
    [row] = await read(api, "staticList/1002")

    assert [row] == await read(api, "staticList/byName", name="List 1002")
    assert row["folder"] == LISTS
    assert [one["id"] for one in await read(api, "staticLists", folder=LISTS)] == [1001, 1002]
    assert await read(api, "staticLists", folder=EVENTS) == await read(api, "staticList/999") == []
    assert await read(api, "staticLists", latestUpdatedAt="2001-01-01T00:00:00Z") == []
    assert code(await api.get("/rest/asset/v1/staticLists.json", folder="20")) == "1001"
    assert code(await api.get("/rest/asset/v1/staticLists.json", folder='{"id":20,"type":"List"}')) == "1001"


async def test_a_new_list_takes_members(api: Api) -> None:
    made = await write(api, "staticLists", name="Guests", folder=LISTS, description="d")
    members = f"/rest/v1/lists/{made['id']}/leads.json"

    assert made["description"] == "d"
    assert (await api.post(members, {"input": [{"id": 7}]}))["result"] == [{"id": 7, "status": "added"}]
    assert [lead["id"] for lead in (await api.get(members))["result"]] == [7]
    assert (await write(api, f"staticList/{made['id']}", name="People"))["name"] == "People"
    assert (await api.get(f"/rest/v1/lists/{made['id']}.json"))["result"][0]["name"] == "People"


async def test_a_list_in_a_program_names_it(api: Api) -> None:
    made = await write(api, "staticLists", name="Guests", folder={"id": 2001, "type": "Program"})

    rows = (await api.get("/rest/v1/lists.json", programName="Spring Webinar"))["result"]

    assert [row["id"] for row in rows] == [made["id"]]
    await write(api, "program/2001", name="Renamed")
    assert (await api.get("/rest/v1/lists.json", programName="Renamed"))["result"][0]["id"] == made["id"]


async def test_what_is_deleted_is_gone_for_leads_too(api: Api) -> None:
    assert await write(api, "staticList/1002/delete") == {"id": 1002}

    assert code(await api.get("/rest/v1/lists/1002/leads.json")) == "1013"
    assert await refusal(api, "staticList/1002/delete") == "702"
    assert await refusal(api, "staticList/1002", name="None") == "702"


async def test_a_list_in_use_is_not_deleted(api: Api) -> None:
    assert await refusal(api, "staticList/1001/delete") == "709"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "List 1001", "folder": LISTS}, "709"),
        ({"name": "Guests", "folder": IMAGES}, "711"),
        ({"name": "Guests", "folder": {"id": 1, "type": "Program"}}, "710"),
        ({"folder": LISTS}, "1002"),
    ],
)
async def test_lists_that_cannot_be_created(api: Api, fields: dict[str, object], expected: str) -> None:
    assert await refusal(api, "staticLists", **fields) == expected
