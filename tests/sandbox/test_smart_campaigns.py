"""Smart campaigns and smart lists as assets."""

import pytest

from .api import Api, Connect, code
from .forms import EVENTS, IMAGES, LISTS, read, refusal, write

SMART_LISTS = {"id": 11, "type": "Folder"}


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect()


async def test_campaigns_are_found(api: Api) -> None:
    async def names(**params: object) -> list[str]:
        return [row["name"] for row in await read(api, "smartCampaigns", **params)]

    assert await names() == ["Newsletter", "Send Welcome Mail", "Score Form Fills"]
    assert await names(isActive="true") == ["Send Welcome Mail"]
    assert await names(isActive="false", folder=EVENTS) == ["Newsletter", "Score Form Fills"]
    assert await names(folder={"id": 2002, "type": "PROGRAM"}) == ["Send Welcome Mail"]
    assert await names(offset=2, maxReturn=1) == ["Score Form Fills"]
    assert await names(latestUpdatedAt="2001-01-01T00:00:00Z") == []


async def test_a_campaign_says_what_it_is(api: Api) -> None:
    [batch], [trigger], [idle] = [await read(api, f"smartCampaign/{number}") for number in (4001, 4002, 4003)]

    assert (batch["type"], batch["status"], batch["isActive"]) == ("batch", "Single Run", False)
    assert (trigger["type"], trigger["status"], trigger["isRequestable"]) == ("trigger", "Active", True)
    assert (idle["type"], idle["status"], idle["isRequestable"]) == ("trigger", "Inactive", False)
    assert (trigger["parentProgramId"], trigger["folder"]) == (2002, {"id": 2002, "type": "Program"})
    assert "parentProgramId" not in batch
    assert [idle] == await read(api, "smartCampaign/byName", name="Score Form Fills")
    assert await read(api, "smartCampaign/999") == await read(api, "smartCampaign/byName", name="Score") == []


async def test_a_new_campaign_is_empty_and_cannot_be_activated(api: Api) -> None:
    row = await write(api, "smartCampaigns", name="New", folder=EVENTS, description="d")

    assert (row["type"], row["status"], row["description"]) == ("default", "Never Run", "d")
    assert await refusal(api, f"smartCampaign/{row['id']}/activate") == "709"
    assert await refusal(api, "smartCampaigns", name="New", folder=EVENTS) == "709"
    assert await refusal(api, "smartCampaigns", name="Newer", folder=LISTS) == "711"
    assert await refusal(api, "smartCampaigns", name="Newer", folder=EVENTS, description="x" * 2001) == "701"


async def test_a_name_may_repeat_in_another_program(api: Api) -> None:
    for place in (2001, 2002):
        await write(api, "smartCampaigns", name="Newsletter", folder={"id": place, "type": "Program"})

    assert len(await read(api, "smartCampaign/byName", name="Newsletter")) == 3


async def test_activation(api: Api) -> None:
    path = "smartCampaign/4003"

    assert await refusal(api, f"{path}/deactivate") == "709"
    assert await write(api, f"{path}/activate") == {"id": 4003}
    assert await refusal(api, f"{path}/activate") == "709"
    assert (await read(api, path))[0]["status"] == "Active"
    assert await write(api, f"{path}/deactivate") == {"id": 4003}
    assert (await read(api, path))[0]["isActive"] is False
    api.sandbox.instance.campaigns[4003].flow_steps = 0
    assert await refusal(api, f"{path}/activate") == "709"


async def test_activation_may_come_as_an_empty_multipart_form(api: Api) -> None:
    path = "/rest/asset/v1/smartCampaign/4003/activate.json"

    answer = await api.raw("POST", path, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert answer.json()["result"] == [{"id": 4003}]


async def test_a_campaign_is_changed_by_form_and_by_json(api: Api) -> None:
    assert (await write(api, "smartCampaign/4001", name="Daily News"))["name"] == "Daily News"
    answer = await api.post("/rest/asset/v1/smartCampaign/4001.json", {"description": "each day"})
    assert (answer["result"][0]["name"], answer["result"][0]["description"]) == ("Daily News", "each day")
    assert code(await api.post("/rest/asset/v1/smartCampaign/4001.json", {"name": 5})) == "1001"
    assert await refusal(api, "smartCampaign/4001", name="Score Form Fills") == "709"
    assert await refusal(api, "smartCampaign/999", name="None") == "702"


async def test_a_copy_is_not_active(api: Api) -> None:
    copy = await write(api, "smartCampaign/4002/clone", name="Copy", folder=EVENTS, isExecutable="true")

    assert (copy["type"], copy["isActive"], copy["folder"]) == ("trigger", False, EVENTS)
    assert await write(api, f"smartCampaign/{copy['id']}/activate")
    assert await write(api, f"smartCampaign/{copy['id']}/delete") == {"id": copy["id"]}
    assert await refusal(api, f"smartCampaign/{copy['id']}/delete") == "702"


async def test_ids_are_not_used_twice(api: Api) -> None:
    first = await write(api, "smartCampaigns", name="New", folder=EVENTS)
    await write(api, f"smartCampaign/{first['id']}/delete")

    assert (await write(api, "smartCampaigns", name="New", folder=EVENTS))["id"] > first["id"]


async def test_smart_lists_of_campaigns_and_programs(api: Api) -> None:
    [plain] = await read(api, "smartCampaign/4003/smartList")
    [ruled] = await read(api, "smartCampaign/4003/smartList", includeRules="true")
    [own] = await read(api, "program/2003/smartList", includeRules="true")

    assert "rules" not in plain
    assert ruled["rules"]["triggers"] == ["Fills Out Form"]
    assert ruled["rules"]["filters"][0]["conditions"][0]["values"] == ["Germany"]
    assert own["folder"] == {"id": 2003, "type": "Program"}
    assert await read(api, f"smartList/{own['id']}") == []
    assert code(await api.get("/rest/asset/v1/program/2001/smartList.json")) == "709"
    assert code(await api.get("/rest/asset/v1/smartCampaign/999/smartList.json")) == "702"


async def test_smart_lists_are_found(api: Api) -> None:
    assert [row["id"] for row in await read(api, "smartLists")] == [6001, 6002]
    assert await read(api, "smartLists", folder=EVENTS) == []
    assert await read(api, "smartLists", earliestUpdatedAt="2101-01-01T00:00:00Z") == []
    [row] = await read(api, "smartList/byName", name="German Speakers")
    assert [row] == await read(api, "smartList/6002", includeRules="false")
    assert row["folder"] == SMART_LISTS
    [ruled] = await read(api, "smartList/6002", includeRules="true")
    assert (ruled["rules"]["filterMatchType"], ruled["rules"]["triggers"]) == ("Any", [])


async def test_a_smart_list_is_copied_and_deleted(api: Api) -> None:
    copy = await write(api, "smartList/6002/clone", name="Copy", folder=SMART_LISTS, description="d")

    assert copy["description"] == "d"
    assert len((await read(api, f"smartList/{copy['id']}", includeRules="true"))[0]["rules"]["filters"]) == 1
    assert await refusal(api, "smartList/6002/clone", name="Copy", folder=SMART_LISTS) == "709"
    assert await refusal(api, "smartList/6002/clone", name="Other", folder=IMAGES) == "711"
    assert await write(api, f"smartList/{copy['id']}/delete") == {"id": copy["id"]}
    assert await refusal(api, f"smartList/{copy['id']}/delete") == "702"
