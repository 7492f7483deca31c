"""Folders: the tree, and what may be done to it."""

import pytest

from .api import Api, Connect, code
from .forms import EVENTS, read, refusal, submit, write


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect()


async def test_the_roots_have_no_parent(api: Api) -> None:
    rows = await read(api, "folders", maxDepth=0)

    assert [row["name"] for row in rows] == ["Marketing Activities", "Design Studio", "Lead Database"]
    assert not any("parent" in row for row in rows)


async def test_depth_counts_from_the_root(api: Api) -> None:
    root = {"id": 2, "type": "FOLDER"}

    shallow, deep = await read(api, "folders", root=root, maxDepth=1), await read(api, "folders", root=root)

    assert {row["id"] for row in shallow} == {2, 4, 5, 6, 7, 8}
    assert {row["id"] for row in deep} == {2, 4, 5, 6, 7, 8, 9, 10}


async def test_a_tree_of_another_workspace_or_root_is_empty(api: Api) -> None:
    assert await read(api, "folders", workSpace="EMEA") == []
    assert await read(api, "folders", root={"id": 999, "type": "Folder"}) == []
    assert len(await read(api, "folders", workspace="Default", maxDepth=0)) == 3


async def test_pages_end_with_a_warning(api: Api) -> None:
    first = await read(api, "folders", maxReturn=10)
    rest = await read(api, "folders", maxReturn=10, offset=10)

    assert len(first) == 10
    assert not {row["id"] for row in first} & {row["id"] for row in rest if row["folderId"]["type"] == "Folder"}
    assert await read(api, "folders", maxReturn=10, offset=50) == []


async def test_a_folder_has_both_shapes_of_id(api: Api) -> None:
    [row] = await read(api, "folder/15", type="Folder")

    assert (row["id"], row["folderId"]) == (15, EVENTS)
    assert row["parent"] == {"id": 1, "type": "Folder"}
    assert row["path"] == "/Marketing Activities/Events"
    assert row["createdAt"].endswith("Z+0000")
    assert row["isSystem"] is False


@pytest.mark.parametrize(
    "root",
    [
        '{"id":15,"type":"Folder"}',
        '{"id":"15","type":"folder"}',
        "{'id': 15, 'type': Folder}",
        "{id: 15, type: Folder}",
        " { 'type' : 'Folder' , 'id' : '15' } ",
    ],
)
async def test_references_are_read_leniently(api: Api, root: str) -> None:
    """The most used Python client has sent single quotes and a bare word for years."""
    expected = await read(api, "folders", root=EVENTS)

    assert expected
    assert (await api.get("/rest/asset/v1/folders.json", root=root))["result"] == expected


@pytest.mark.parametrize(
    "root", ["15", "{'id': 15}", "{'id': x, 'type': Folder}", "{'id': 15, 'type': Folder", "[]", "{}"]
)
async def test_references_that_are_none(api: Api, root: str) -> None:
    assert code(await api.get("/rest/asset/v1/folders.json", root=root)) == "1001"


async def test_ids_of_folders_and_programs_overlap(api: Api) -> None:
    folder = await write(api, "folders", name="Same id", parent=EVENTS)

    [as_program] = await read(api, "folder/2001", type="Program")
    [as_folder] = await read(api, "folder/2001", type="Folder")

    assert folder["id"] == 2001
    assert as_program["folderType"] == "Marketing Event"
    assert as_folder["folderType"] == "Marketing Folder"
    assert as_folder["name"] == "Same id"
    assert as_program["name"] == "Spring Webinar"


async def test_by_name_answers_every_match(api: Api) -> None:
    program = {"id": 2001, "type": "Program"}
    await write(api, "folders", name="Drafts", parent=EVENTS)
    await write(api, "folders", name="Drafts", parent=program, description="d")

    async def found(**params: object) -> int:
        return len(await read(api, "folder/byName", name="Drafts", **params))

    assert await found() == 2
    assert await found(type="Program") == 0
    assert await found(root=program) == 1
    assert await found(root="16", type="Folder") == 0
    assert await found(root="15", type="Folder") == 2
    assert await found(workSpace="EMEA") == 0
    assert code(await api.get("/rest/asset/v1/folder/byName.json", name="Drafts", root="15")) == "1002"


async def test_contents_are_folders_programs_and_assets(api: Api) -> None:
    assert {"id": 2001, "type": "Program"} in await read(api, "folder/15/content", type="Folder")
    assert await read(api, "folder/2002/content", type="Program") == [{"id": 4002, "type": "Smart Campaign"}]
    assert {"id": 1001, "type": "Static List"} in await read(api, "folder/20/content")
    assert code(await api.get("/rest/asset/v1/folder/999/content.json", type="Folder")) == "702"


async def test_a_folder_is_created_changed_and_deleted(api: Api) -> None:
    made = await write(api, "folders", name="Fairs", parent=EVENTS, description="old")
    path = f"folder/{made['id']}"

    changed = await write(api, path, type="Folder", name="Trade Fairs", description="new", isArchive="true")
    assert (changed["name"], changed["description"], changed["isArchive"]) == ("Trade Fairs", "new", True)
    assert (await read(api, path, type="Folder"))[0]["path"] == "/Marketing Activities/Events/Trade Fairs"
    assert await write(api, path, type="Folder", name="Trade Fairs")

    assert await write(api, f"{path}/delete", type="Folder") == {"id": made["id"]}
    assert await read(api, path, type="Folder") == []
    assert await refusal(api, f"{path}/delete", type="Folder") == "702"


async def test_parameters_may_come_in_the_query(api: Api) -> None:
    answer = await api.post("/rest/asset/v1/folders.json", name="Fairs", parent='{"id":15,"type":"folder"}')

    assert answer["result"][0]["parent"] == EVENTS


async def test_a_method_in_the_form_is_not_heeded(api: Api) -> None:
    answer = await api.post("/rest/asset/v1/folder/byName.json", name="Events", _method="GET")

    assert code(answer) == "605"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"name": "Fairs", "parent": {"id": 999, "type": "Folder"}}, "710"),
        ({"name": "Fairs", "parent": {"id": 15, "type": "Shelf"}}, "1001"),
        ({"name": "Fairs", "parent": "15"}, "1001"),
        ({"name": "Fairs"}, "1002"),
        ({"name": "x" * 256, "parent": EVENTS}, "701"),
        ({"name": "  ", "parent": EVENTS}, "701"),
        ({"name": "Fairs", "parent": EVENTS, "description": "x" * 2001}, "701"),
        ({"name": "Nurturing", "parent": {"id": 1, "type": "Folder"}}, "709"),
    ],
)
async def test_folders_that_cannot_be_created(api: Api, fields: dict[str, object], expected: str) -> None:
    assert await refusal(api, "folders", **fields) == expected


@pytest.mark.parametrize(
    ("path", "type", "expected"),
    [
        ("15/delete", "Folder", "709"),
        ("8/delete", "Folder", "709"),
        ("2001/delete", "Program", "711"),
        ("8", "Folder", "709"),
    ],
)
async def test_folders_that_cannot_be_touched(api: Api, path: str, type: str, expected: str) -> None:
    assert await refusal(api, f"folder/{path}", type=type, name="New") == expected


async def test_a_name_is_unique_among_siblings(api: Api) -> None:
    made = await write(api, "folders", name="A", parent=EVENTS)
    await write(api, "folders", name="B", parent=EVENTS)

    assert await refusal(api, f"folder/{made['id']}", type="Folder", name="B") == "709"


async def test_a_json_body_is_no_form(api: Api) -> None:
    assert code(await api.post("/rest/asset/v1/folders.json", {"name": "Fairs"})) == "612"


async def test_tokens_are_put_read_and_deleted(api: Api) -> None:
    path = "folder/15/tokens"
    for value in ("1", "2"):
        row = await write(api, path, folderType="Folder", name="price", type="number", value=value)
        assert row["folder"] == {"type": "Folder", "value": 15, "folderName": "Events"}
    await write(api, path, folderType="Folder", name="price", type="text", value="cheap")

    [row] = await read(api, path, folderType="Folder")
    assert [(one["type"], one["value"]) for one in row["tokens"]] == [("number", "2"), ("text", "cheap")]

    assert await write(api, f"{path}/delete", folderType="Folder", name="price", type="number") == {"id": 15}
    assert await refusal(api, f"{path}/delete", folderType="Folder", name="price", type="number") == "702"
    assert await write(api, f"{path}/delete", name="price", type="text") == {"id": 15}
    assert await read(api, path) == []


async def test_tokens_of_a_program(api: Api) -> None:
    [row] = await read(api, "folder/2001/tokens", folderType="Program")

    assert row["folder"]["folderName"] == "Spring Webinar"
    assert {one["name"] for one in row["tokens"]} == {"speaker", "start"}
    assert code(await api.get("/rest/asset/v1/folder/2001/tokens.json")) == "702"


async def test_tokens_that_cannot_be_put(api: Api) -> None:
    token = {"folderType": "Folder", "name": "price", "type": "number", "value": "1"}
    for change, expected in (({"name": "x" * 51}, "701"), ({"type": "money"}, "1001"), ({"value": ""}, "1002")):
        assert await refusal(api, "folder/15/tokens", **{**token, **change}) == expected
    assert code(await submit(api, "folder/15/tokens/delete", name="price")) == "1002"
    assert code(await submit(api, "folder/15/tokens/delete", type="text")) == "1002"
