"""Files of the Design Studio."""

from __future__ import annotations

import pytest

from marketo_async import Marketo
from marketo_async.errors import ApiError
from marketo_async.models.assets import FolderId
from marketo_async.operation import File, Repeat
from marketo_async.resources import Files
from tests.families.conftest import Tell

IMAGES = FolderId(8)


def text(name: str, content: bytes) -> File:
    return File(name=name, content=content, content_type="text/plain")


async def test_the_folder_of_a_file_has_an_asset_s_kind_for_a_type(tell: Tell) -> None:
    row = {"id": 147, "size": 61346, "mimeType": "image/jpeg", "folder": {"type": "Email", "id": 9}, "name": "a.jpg"}

    file = await tell(row).files.get(147)

    assert file is not None
    assert (file.size, file.mime_type, file.description) == (61346, "image/jpeg", None)
    assert file.folder is not None
    assert (file.folder.number, file.folder.type) == (9, "Email")


async def test_the_life_of_a_file(marketo: Marketo) -> None:
    made = await marketo.files.create(text("a.txt", b"one"), IMAGES, description="d")
    again = await marketo.files.create(text("a.txt", b"three"), IMAGES)
    replaced = await marketo.files.update_content(made.id, text("a.txt", b"\x00\xff\r\n--"))
    found = await marketo.files.by_name("a.txt")

    assert (made.name, made.size, made.mime_type, made.description) == ("a.txt", 3, "text/plain", "d")
    assert (again.id, again.size) == (made.id, 5)
    assert replaced.size == 6
    assert found is not None
    assert found.id == made.id
    assert made.id in [file.id for file in await marketo.files.browse(folder=IMAGES).all()]
    with pytest.raises(ApiError):
        await marketo.files.create(text("a.txt", b"two"), IMAGES, insert_only=True)


def test_an_upload_that_must_be_new_is_no_harmless_repeat() -> None:
    files = Files(None)  # type: ignore[arg-type]

    assert Files.create.planner(files, text("a.txt", b""), IMAGES).repeat is None
    assert Files.create.planner(files, text("a.txt", b""), IMAGES, insert_only=True).repeat is Repeat.SETTLES
