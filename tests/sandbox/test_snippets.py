from typing import Any

import pytest

from .api import Api, Body
from .forms import read, refusal, submit, write
from .models import check_answer

SNIPPET = "snippet/401"


@pytest.fixture
async def api(connect: Any) -> Api:
    started: Api = await connect(leads=3, activities=0)
    return started


async def content(api: Api, **params: object) -> dict[str, str]:
    answer = await api.get(f"/rest/asset/v1/{SNIPPET}/content.json", **params)  # type: ignore[arg-type]
    check_answer(answer, "asset", "ResponseOfSnippetContentResponse")
    return {row["type"]: row["content"] for row in answer["result"]}


async def test_content(api: Api) -> None:
    assert await content(api) == {"HTML": "<p>All rights reserved</p>", "Text": ""}
    answer = await submit(api, f"{SNIPPET}/content", type="Text", content="Rights")
    check_answer(answer, "asset", "ResponseOfIdResponse")
    await api.post(f"/rest/asset/v1/{SNIPPET}/content.json", type="HTML", content="<i>Rights</i>")

    assert await content(api, status="draft") == {"HTML": "<i>Rights</i>", "Text": "Rights"}
    assert (await content(api, status="approved"))["Text"] == ""
    assert await read(api, "snippet/999/content") == []


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("content", {"type": "Picture", "content": "x"}, "1001"),
        ("content", {"type": "HTML"}, "1002"),
        ("content", {"type": "DynamicContent", "content": "5"}, "704"),
        ("dynamicContent/1101", {"type": "HTML", "value": "x"}, "709"),
        ("dynamicContent/1101", {"type": "HTML"}, "1002"),
        ("dynamicContent/1101", {"type": "Picture", "value": "x"}, "1001"),
    ],
)
async def test_content_that_cannot_be(api: Api, path: str, fields: Body, expected: str) -> None:
    assert await refusal(api, f"{SNIPPET}/{path}", **fields) == expected


async def test_dynamic_content(api: Api) -> None:
    assert await read(api, f"{SNIPPET}/dynamicContent") == []
    await write(api, f"{SNIPPET}/content", type="DynamicContent", content="1002")
    await write(api, f"{SNIPPET}/dynamicContent/1201", type="Text", value="Big")

    assert await content(api, status="draft") == {"DynamicContent": "1002"}
    [dynamic] = await read(api, f"{SNIPPET}/dynamicContent", status="draft")
    assert dynamic["segmentation"] == 1002
    assert [(item["segmentName"], item["type"], item["content"]) for item in dynamic["content"]] == [
        ("Enterprise", "HTML", "<p>All rights reserved</p>"),
        ("Enterprise", "Text", "Big"),
        ("Default", "HTML", "<p>All rights reserved</p>"),
        ("Default", "Text", ""),
    ]
    assert await refusal(api, f"{SNIPPET}/dynamicContent/7", type="Text", value="x") == "704"
    await write(api, f"{SNIPPET}/approveDraft")
    await write(api, "email/700/content/articleNote", type="Snippet", value=401)
    [email] = await read(api, "email/700/fullContent", status="draft")
    assert "All rights reserved" in email["content"]


async def test_archiving(api: Api) -> None:
    await write(api, SNIPPET, isArchive="true")
    assert api.sandbox.instance.studio.archived_snippets == {401}
    await write(api, SNIPPET, isArchive="false")
    assert api.sandbox.instance.studio.archived_snippets == set()
