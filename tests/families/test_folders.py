"""Folders and my tokens."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketo_async import Marketo
from marketo_async.errors import ApiError, InvalidRequest
from marketo_async.models.assets import FolderId
from marketo_async.models.folders import FolderItem
from marketo_async.models.tokens import Token
from tests.families.conftest import Tell

ROOT, EVENTS, WEBINAR = FolderId(1), FolderId(15), FolderId(2001, "Program")
SOCIAL = {
    "name": "Social",
    "description": None,
    "createdAt": "2011-03-04T17:01:32Z+0000",
    "updatedAt": "2011-03-04T17:01:32Z+0000",
    "url": None,
    "folderId": {"id": 341, "type": "FOLDER"},
    "folderType": "Email",
    "parent": {"id": 11, "type": "FOLDER"},
    "path": "/Design Studio/Default/Emails/Social",
    "isArchive": False,
    "isSystem": False,
    "accessZoneId": 1,
    "workspace": "Default",
    "id": 341,
}


async def test_a_folder_is_read_in_any_spelling_and_can_be_passed_on(tell: Tell) -> None:
    folder = await tell(SOCIAL).folders.get(FolderId(341))
    program = await tell({**SOCIAL, "folderId": {"id": 341, "type": "Program"}}).folders.get(FolderId(341, "Program"))
    root = await tell({**SOCIAL, "parent": None}).folders.get(FolderId(341))

    assert folder is not None
    assert program is not None
    assert root is not None
    assert folder.reference == FolderId(341)
    assert program.reference == FolderId(341, "Program")
    assert folder.parent is not None
    assert folder.parent.number == 11
    assert folder.created_at == datetime(2011, 3, 4, 17, 1, 32, tzinfo=UTC)
    assert (folder.access_zone_id, folder.url, root.parent) == (1, None, None)


async def test_nothing_found_is_no_error(tell: Tell) -> None:
    assert await tell().folders.get(EVENTS) is None
    assert await tell().folders.by_name("nowhere") == []
    assert await tell().folders.browse().all() == []
    assert await tell().tokens.browse(EVENTS) == []


async def test_a_folder_and_a_program_of_one_id_are_both_delivered(tell: Tell) -> None:
    program = {**SOCIAL, "folderId": {"id": 341, "type": "Program"}}

    folders = await tell(SOCIAL, program).folders.browse().all()
    held = await tell({"id": 7, "type": "Email"}, {"id": 7, "type": "Program"}).folders.content(ROOT).all()

    assert [folder.reference for folder in folders] == [FolderId(341), FolderId(341, "Program")]
    assert held == [FolderItem(id=7, type="Email"), FolderItem(id=7, type="Program")]


async def test_a_search_below_a_root_needs_a_type(marketo: Marketo) -> None:
    with pytest.raises(InvalidRequest, match="needs a type"):
        await marketo.folders.by_name("Events", root=ROOT)

    [events] = await marketo.folders.by_name("Events", type="Folder", root=ROOT, workspace="Default")
    assert events.reference == EVENTS


async def test_the_life_of_a_folder(marketo: Marketo) -> None:
    made = await marketo.folders.create("2027", EVENTS, description="next year")
    changed = await marketo.folders.update(made.reference, name="2028", is_archive=True)
    tree = await marketo.folders.browse(root=EVENTS, max_depth=1).all()
    held = await marketo.folders.content(EVENTS).all()
    gone = await marketo.folders.delete(made.reference)

    assert (changed.name, changed.description, changed.is_archive) == ("2028", "next year", True)
    assert made.reference in [folder.reference for folder in tree]
    assert FolderItem(id=made.id, type="Folder") in held
    assert gone.id == made.id
    assert await marketo.folders.get(made.reference) is None
    with pytest.raises(ApiError, match=r"70[29]"):
        await marketo.folders.delete(ROOT)


async def test_tokens_come_with_their_folder(tell: Tell) -> None:
    row = {"name": "April", "type": "date", "value": "2015-04-01", "computedUrl": "https://app.example/#MF1"}
    april = Token(name="April", type="date", value="2015-04-01", computed_url="https://app.example/#MF1")

    assert await tell({"folder": {"type": "Folder", "value": 416}, "tokens": [row]}).tokens.browse(EVENTS) == [april]
    assert await tell({"folder": "416", "tokens": None}).tokens.browse(EVENTS) == []


async def test_the_life_of_a_token(marketo: Marketo) -> None:
    made = await marketo.tokens.create(WEBINAR, "seats", "number", "10")
    await marketo.tokens.create(WEBINAR, "seats", "number", "12")
    tokens = {token.name: token.value for token in await marketo.tokens.browse(WEBINAR)}
    gone = await marketo.tokens.delete(WEBINAR, "seats", "number")

    assert [token.value for token in made.tokens] == ["10"]
    assert tokens["seats"] == "12"
    assert gone.id == WEBINAR.id
    assert "seats" not in [token.name for token in await marketo.tokens.browse(WEBINAR)]
