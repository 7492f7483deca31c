"""Programs: finding, creating and changing them, their life cycle, and what lies in them."""

import pytest

from .api import Api, Body, Connect, code
from .forms import EVENTS, LISTS, read, refusal, submit, write

NURTURING = {"id": 16, "type": "Folder"}
FAIR = {"name": "Fair", "type": "Event", "channel": "Webinar", "folder": EVENTS}


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect()


def ids(rows: list[Body]) -> set[int]:
    return {row["id"] for row in rows}


async def test_a_program_by_id_has_tags_and_costs(api: Api) -> None:
    [row] = await read(api, "program/2001")

    assert row["tags"] == [{"tagType": "Region", "tagValue": "EMEA"}]
    assert row["costs"] == [{"startDate": "2026-03-01", "cost": 2000, "note": "Speakers"}]
    assert row["folder"] == {"type": "Folder", "value": 15, "folderName": "Events"}
    assert (row["type"], row["channel"], row["status"]) == ("Event", "Webinar", "")
    assert await read(api, "program/999") == []


async def test_by_name_tags_and_costs_must_be_asked_for(api: Api) -> None:
    [plain] = await read(api, "program/byName", name="Spring Webinar")
    [full] = await read(api, "program/byName", name="Spring Webinar", includeTags="true", includeCosts="true")

    assert "tags" not in plain
    assert "costs" not in plain
    assert [full] == await read(api, "program/2001")
    assert await read(api, "program/byName", name="Spring") == []


async def test_browsing_never_answers_tags(api: Api) -> None:
    rows = await read(api, "programs")

    assert ids(rows) == {2001, 2002, 2003}
    assert not any("tags" in row or "startDate" in row for row in rows)


async def test_filters(api: Api) -> None:
    assert ids(await read(api, "programs", status="on")) == {2002}
    assert ids(await read(api, "programs", filterType="id", filterValues="2001,2003")) == {2001, 2003}
    assert ids(await read(api, "programs", filterType="programId", filterValues="2002")) == {2002}
    assert ids(await read(api, "programs", filterType="folderId", filterValues="16")) == {2002}
    assert len(await read(api, "programs", filterType="workspace", filterValues="Default")) == 3
    assert await read(api, "programs", latestUpdatedAt="2001-01-01T00:00:00Z") == []
    assert len(await read(api, "programs", earliestUpdatedAt="2001-01-01T00:00:00Z")) == 3
    assert code(await api.get("/rest/asset/v1/programs.json", filterType="id")) == "1002"
    assert code(await api.get("/rest/asset/v1/programs.json", filterType="name", filterValues="a")) == "1001"


async def test_by_tag_the_order_is_random(api: Api) -> None:
    for number in range(12):
        tags = [{"tagType": "Region", "tagValue": "APAC"}]
        await write(api, "programs", **{**FAIR, "name": f"Fair {number}"}, tags=tags)

    pages = [await read(api, "program/byTag", tagType="Region", tagValue="APAC") for _ in range(4)]

    assert len({tuple(row["id"] for row in page) for page in pages}) > 1
    assert len({frozenset(ids(page)) for page in pages}) == 1
    assert pages[0][0]["tags"] == [{"tagType": "Region", "tagValue": "APAC"}]
    assert await read(api, "program/byTag", tagType="Region", tagValue="AMER") == []


@pytest.mark.parametrize(
    ("given", "channel", "shown", "status"),
    [
        ("Default", "Online Advertising", "Default", ""),
        ("program", "Online Advertising", "Default", ""),
        ("Nurture", "Nurture", "Engagement", "off"),
        ("Email", "Email Send", "Email", "unlocked"),
    ],
)
async def test_types_in_both_spellings(api: Api, given: str, channel: str, shown: str, status: str) -> None:
    row = await write(api, "programs", name="New", type=given, channel=channel, folder=EVENTS, description="d")

    assert (row["type"], row["status"], row["description"]) == (shown, status, "d")
    assert row["id"] in ids(await read(api, "programs"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "Spring Webinar"}, "709"),
        ({"name": "x" * 256}, "701"),
        ({"type": "Party"}, "1001"),
        ({"channel": "Blimp"}, "709"),
        ({"channel": "Nurture"}, "709"),
        ({"folder": {"id": 2001, "type": "Program"}}, "711"),
        ({"folder": LISTS}, "711"),
        ({"folder": {"id": 999, "type": "Folder"}}, "710"),
        ({"tags": [{"tagType": "Region", "tagValue": "Moon"}]}, "709"),
        ({"tags": [{"tagType": "Colour", "tagValue": "Red"}]}, "709"),
        ({"tags": "red"}, "1001"),
        ({"costs": [{"startDate": "soon", "cost": 1}]}, "704"),
        ({"type": "Event with Webinar", "channel": "Online Event"}, "709"),
    ],
)
async def test_programs_that_cannot_be_created(api: Api, change: dict[str, object], expected: str) -> None:
    assert await refusal(api, "programs", **{**FAIR, **change}) == expected


async def test_costs_are_added_unless_they_replace(api: Api) -> None:
    more = [{"startDate": "2026-04-01", "cost": 7}]

    assert len((await write(api, "program/2001", costs=more))["costs"]) == 2
    assert (await write(api, "program/2001", costs=more, costsDestructiveUpdate="true"))["costs"] == [
        {"startDate": "2026-04-01", "cost": 7, "note": ""}
    ]
    assert (await write(api, "program/2001", costsDestructiveUpdate="true"))["costs"] == []


async def test_a_program_is_changed(api: Api) -> None:
    tags = [{"tagType": "Business Line", "tagValue": "Hardware"}]

    row = await write(api, "program/2001", name="Summer Webinar", description="d", tags=tags, startDate="2026-07-01")

    assert (row["name"], row["description"], row["startDate"]) == ("Summer Webinar", "d", "2026-07-01")
    assert len(row["tags"]) == 2
    assert (await read(api, "folder/2001", type="Program"))[0]["name"] == "Summer Webinar"
    assert await refusal(api, "program/2001", name="Welcome Nurture") == "709"
    assert await refusal(api, "program/2001", endDate="later") == "704"
    assert await refusal(api, "program/999", name="None") == "702"


async def test_an_email_program_is_approved_and_unapproved(api: Api) -> None:
    assert await refusal(api, "program/2003/unapprove") == "709"
    assert await write(api, "program/2003/approve") == {"id": 2003}
    assert (await read(api, "program/2003"))[0]["status"] == "locked"
    assert await refusal(api, "program/2003/approve") == "709"
    assert await refusal(api, "program/2003", startDate="2031-06-01T09:00:00.000Z") == "709"
    assert await write(api, "program/2003/unapprove") == {"id": 2003}
    assert (await read(api, "program/2003"))[0]["status"] == "unlocked"


async def test_what_cannot_be_approved(api: Api) -> None:
    made = await write(api, "programs", name="New", type="Email", channel="Email Send", folder=EVENTS)
    path = f"program/{made['id']}"

    assert await refusal(api, f"{path}/approve") == "709"
    dates = {"startDate": "2031-06-01T08:00:00.000Z", "endDate": "2031-06-02T08:00:00.000Z"}
    assert (await write(api, path, **dates)).items() >= dates.items()
    assert await refusal(api, f"{path}/approve") == "709"
    assert await read(api, f"{path}/smartList") == []
    assert await refusal(api, "program/2001/approve") == "709"
    assert await refusal(api, "program/2001/unapprove") == "709"


async def test_tags_are_set_and_dropped_one_by_one(api: Api) -> None:
    path = "program/2001/tag/Business%20Line"

    for value in ("Hardware", "Software"):
        answer = await api.post("/rest/asset/v1/program/2001/tag/Region.json", tagValue="APAC")
        assert answer["result"] == [{"id": 2001}]
        await write(api, "program/2001/tag/Business Line", tagValue=value)
    [row] = await read(api, "program/2001")
    assert row["tags"] == [
        {"tagType": "Region", "tagValue": "APAC"},
        {"tagType": "Business Line", "tagValue": "Software"},
    ]

    assert await write(api, f"{path.replace('%20', ' ')}/delete") == {"id": 2001}
    assert await refusal(api, f"{path.replace('%20', ' ')}/delete") == "702"
    assert await refusal(api, "program/2001/tag/Region", tagValue="Moon") == "709"
    assert await refusal(api, "program/2001/tag/Region") == "1002"


async def test_a_required_tag_cannot_be_dropped(api: Api) -> None:
    tags = [{"tagType": "Webinar Partner", "tagValue": "Contoso"}]
    fields = {"name": "New", "type": "Event with Webinar", "channel": "Online Event", "folder": EVENTS}
    made = await write(api, "programs", **fields, tags=tags)

    assert await refusal(api, f"program/{made['id']}/tag/Webinar Partner/delete") == "709"


async def test_a_clone_has_copies_of_everything(api: Api) -> None:
    program = {"id": 2002, "type": "Program"}
    folder = await write(api, "folders", name="Inner", parent=program)
    await write(api, "staticLists", name="Guests", folder=program)
    await write(api, "smartCampaigns", name="Deep", folder={"id": folder["id"], "type": "Folder"})
    await write(api, "folder/2002/tokens", folderType="Program", name="who", type="text", value="you")

    clone = await write(api, "program/2002/clone", name="Copy", folder=EVENTS, description="d")

    assert (clone["status"], clone["description"], clone["costs"]) == ("off", "d", [])
    contents = await read(api, f"folder/{clone['id']}/content", type="Program")
    assert [row["type"] for row in contents] == ["Folder", "Smart Campaign", "Static List"]
    assert {row["id"] for row in contents}.isdisjoint({folder["id"], 4002})
    [inner, *_] = contents
    assert len(await read(api, f"folder/{inner['id']}/content")) == 1
    assert len(await read(api, "smartCampaign/byName", name="Deep")) == 2
    [tokens] = await read(api, f"folder/{clone['id']}/tokens", folderType="Program")
    assert tokens["tokens"][0]["value"] == "you"
    lists = (await api.get("/rest/v1/lists.json", programName="Copy"))["result"]
    assert [row["name"] for row in lists] == ["Guests"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "Spring Webinar", "folder": EVENTS}, "709"),
        ({"name": "x" * 256, "folder": EVENTS}, "701"),
        ({"name": "Copy", "folder": {"id": 2001, "type": "Program"}}, "711"),
        ({"name": "Copy"}, "1002"),
    ],
)
async def test_clones_that_cannot_be_made(api: Api, fields: dict[str, object], expected: str) -> None:
    assert await refusal(api, "program/2001/clone", **fields) == expected


async def test_a_clone_stays_in_its_workspace(api: Api) -> None:
    api.sandbox.instance.programs[2001].workspace = "EMEA"

    assert await refusal(api, "program/2001/clone", name="Copy", folder=EVENTS) == "709"


async def test_deleting_a_program_deletes_what_is_in_it(api: Api) -> None:
    made = await write(api, "programs", **FAIR)
    program = {"id": made["id"], "type": "Program"}
    folder = await write(api, "folders", name="Inner", parent=program)
    inner = {"id": folder["id"], "type": "Folder"}
    static_list = await write(api, "staticLists", name="Guests", folder=inner)
    campaign = await write(api, "smartCampaigns", name="Deep", folder=program)
    await write(api, f"folder/{made['id']}/tokens", folderType="Program", name="who", type="text", value="you")

    assert await write(api, f"program/{made['id']}/delete") == {"id": made["id"]}

    assert await read(api, f"program/{made['id']}") == await read(api, f"folder/{folder['id']}", type="Folder") == []
    assert await read(api, f"smartCampaign/{campaign['id']}") == []
    assert code(await api.get(f"/rest/v1/lists/{static_list['id']}.json")) == "1013"
    assert await refusal(api, f"program/{made['id']}/delete") == "702"


async def test_a_program_in_use_is_not_deleted(api: Api) -> None:
    assert await refusal(api, "program/2002/delete") == "709"
    assert await write(api, "smartList/6001/delete")
    assert await write(api, "program/2002/delete")


async def test_a_program_whose_list_is_in_use_is_not_deleted(api: Api) -> None:
    made = await write(api, "programs", **FAIR)
    program = {"id": made["id"], "type": "Program"}
    guests = await write(api, "staticLists", name="Guests", folder=program)
    await write(api, f"staticList/{guests['id']}", name="List 1001")

    assert await refusal(api, f"program/{made['id']}/delete") == "709"


async def test_channels_and_tag_types(api: Api) -> None:
    channels = await read(api, "channels")
    assert [row["name"] for row in await read(api, "channels", maxReturn=1, offset=1)] == ["Webinar"]
    assert len(channels) == 5
    [channel] = await read(api, "channel/byName", Name="Webinar")
    assert [channel] == await read(api, "channel/byName", name="Webinar")
    assert [status["step"] for status in channel["progressionStatuses"]] == [10, 20, 30, 40]
    assert await read(api, "channel/byName", name="webina") == []
    assert code(await api.get("/rest/asset/v1/channel/byName.json")) == "1002"

    kinds = await read(api, "tagTypes")
    [kind] = await read(api, "tagType/byName", name="Region")
    assert "allowableValues" not in kinds[1]
    assert kind == {**kinds[1], "allowableValues": "[AMER,APAC,EMEA]"}
    assert kind["applicableProgramTypes"] == "[program,event,webinar,nurture,email]"
    assert await read(api, "tagType/byName", name="Colour") == []


async def test_segmentations(api: Api) -> None:
    rows = await read(api, "segmentation")
    assert {row["status"] for row in rows} == {"approved"}
    assert set(rows[0]["folder"]) == {"type", "value", "folderName"}
    assert await read(api, "segmentation", status="draft") == []

    path = f"segmentation/{rows[0]['id']}/segments"
    segments = await read(api, path, status="approved")
    assert segments[-1]["name"] == "Default"
    assert {row["segmentationId"] for row in segments} == {rows[0]["id"]}
    assert await read(api, path, status="draft") == await read(api, path, offset=99) == []
    assert code(await api.get("/rest/asset/v1/segmentation/999/segments.json")) == "702"


async def test_readers_cannot_write(connect: Connect) -> None:
    api = await connect(permissions=frozenset({"Read-Only Assets"}))

    assert await read(api, "programs")
    assert code(await submit(api, "programs", **FAIR)) == "603"
    assert code(await submit(api, "smartCampaign/4003/activate")) == "603"
    assert code(await api.get("/rest/asset/v1/redirectRules.json")) == "603"
