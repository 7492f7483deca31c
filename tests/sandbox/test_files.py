"""Files: multipart forms, and what they do."""

import pytest

from .api import Api, Body, Connect, code
from .forms import EVENTS, IMAGES, read, upload

PIXELS = bytes(range(256)) + b"\r\n--\r\n"


@pytest.fixture
async def api(connect: Connect) -> Api:
    return await connect()


async def test_files_are_found(api: Api) -> None:
    assert [row["name"] for row in await read(api, "files")] == ["logo.gif", "terms.txt"]
    assert len(await read(api, "files", folder=IMAGES, maxReturn=1, offset=1)) == 1
    assert await read(api, "files", folder=EVENTS) == []
    assert await read(api, "file/7001") == await read(api, "file/byName", name="logo.gif")
    assert await read(api, "file/999") == await read(api, "file/byName", name="logo") == []


async def test_a_file_is_uploaded(api: Api) -> None:
    answer = await upload(api, "files", PIXELS, filename="new.png", name="new.png", folder=IMAGES, description="d")

    [row] = answer["result"]
    assert (row["name"], row["size"], row["mimeType"], row["description"]) == ("new.png", len(PIXELS), "image/png", "d")
    assert row["folder"] == {"id": 8, "type": "Image", "name": "Images and Files"}
    assert await read(api, f"file/{row['id']}") == [row]


async def test_the_same_name_overwrites_unless_it_may_only_insert(api: Api) -> None:
    fields: Body = {"name": "logo.gif", "folder": IMAGES}

    answer = await upload(api, "files", PIXELS, filename="logo.gif", insertOnly="false", **fields)
    assert (answer["result"][0]["id"], answer["result"][0]["size"]) == (7001, len(PIXELS))

    assert code(await upload(api, "files", PIXELS, filename="logo.gif", insertOnly="true", **fields)) == "709"


async def test_the_content_is_replaced(api: Api) -> None:
    answer = await upload(api, "file/7001/content", b"abc", filename="any.png", id=7001)

    [row] = answer["result"]
    assert (row["name"], row["size"], row["mimeType"]) == ("logo.gif", 3, "image/png")
    assert code(await upload(api, "file/999/content", b"abc", filename="any.png")) == "702"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"filename": "other.png", "name": "new.png", "folder": IMAGES}, "709"),
        ({"filename": "new.png", "name": "new.png", "folder": EVENTS}, "711"),
        ({"filename": "new.png", "name": "new.png", "folder": {"id": 2001, "type": "Program"}}, "711"),
        ({"filename": "new.png", "name": "new.png", "folder": {"id": 999, "type": "Folder"}}, "710"),
        ({"filename": "new.png", "name": "new.png"}, "1002"),
        ({"filename": None, "content_type": None, "name": "new.png", "folder": IMAGES}, "613"),
    ],
)
async def test_files_that_cannot_be_uploaded(api: Api, fields: Body, expected: str) -> None:
    assert code(await upload(api, "files", b"abc", **fields)) == expected


PART = b'Content-Disposition: form-data; name=file; filename="a"'


@pytest.mark.parametrize(
    ("header", "body"),
    [
        ("multipart/form-data", b"--b\r\n"),
        ("multipart/form-data; boundary=b", b"nothing"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + PART + b"\r\n\r\nabc"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + PART + b"--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Type: a/b\r\n\r\nabc\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\n" + PART + b"\r\n\r\nabc\r\n--b--"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: x; name=file\r\n\r\nabc\r\n--b--"),
    ],
)
async def test_bodies_without_a_file_are_invalid(api: Api, header: str, body: bytes) -> None:
    answer = await api.raw("POST", "/rest/asset/v1/file/7001/content.json", data=body, headers={"Content-Type": header})

    assert code(answer.json()) == "613"


async def test_parts_are_read_in_any_layout(api: Api) -> None:
    body = (
        b"preamble\r\n--b c\r\ncontent-type: a/b\r\n"
        b'CONTENT-DISPOSITION: form-data; filename=a.b; name="file"\r\n\r\nabc\r\n--b c--\r\n'
    )
    headers = {"Content-Type": 'multipart/form-data; charset=utf-8; boundary="b c"'}

    answer = (await api.raw("POST", "/rest/asset/v1/file/7001/content.json", data=body, headers=headers)).json()

    assert (answer["result"][0]["size"], answer["result"][0]["mimeType"]) == (3, "a/b")
