"""Asset operations as they are called: forms with JSON inside of their fields, and multipart forms with files."""

from __future__ import annotations

import aiohttp
import msgspec

from .api import Api, Body

EVENTS = {"id": 15, "type": "Folder"}
IMAGES = {"id": 8, "type": "Folder"}
LISTS = {"id": 20, "type": "Folder"}
NOTHING = "No assets found for the given search criteria."


def text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


async def submit(api: Api, path: str, **fields: object) -> Body:
    data = {name: text(value) for name, value in fields.items()}
    return (await api.raw("POST", f"/rest/asset/v1/{path}.json", data=data)).json()


async def read(api: Api, path: str, **params: object) -> list[Body]:
    answer = await api.get(f"/rest/asset/v1/{path}.json", **{name: text(value) for name, value in params.items()})
    assert answer["success"], answer
    assert answer["errors"] == []
    if "result" not in answer:
        assert answer["warnings"] == [NOTHING]
    rows: list[Body] = answer.get("result", [])
    return rows


async def write(api: Api, path: str, **fields: object) -> Body:
    answer = await submit(api, path, **fields)
    assert answer["success"], answer
    [row] = answer["result"]
    return dict(row)


async def refusal(api: Api, path: str, **fields: object) -> str:
    answer = await submit(api, path, **fields)
    assert answer["success"] is False, answer
    assert answer["warnings"] == []
    [error] = answer["errors"]
    return str(error["code"])


async def upload(
    api: Api,
    path: str,
    content: bytes,
    *,
    filename: str | None,
    content_type: str | None = "image/png",
    **fields: object,
) -> Body:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, text(value))
    if content_type is None:
        form.add_field("file", content.decode())
    else:
        form.add_field("file", content, filename=filename, content_type=content_type)
    return (await api.raw("POST", f"/rest/asset/v1/{path}.json", data=form)).json()
