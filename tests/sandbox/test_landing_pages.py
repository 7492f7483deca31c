from typing import Any

import pytest

from .api import Api, Body, code
from .forms import read, refusal, submit, write
from .models import check_answer
from .test_designs import modelled, post_file

PAGES, TEMPLATES = {"id": 4, "type": "Folder"}, {"id": 9, "type": "Folder"}
GUIDED, FREE = "landingPage/501", "landingPage/502"


@pytest.fixture
async def api(connect: Any) -> Api:
    started: Api = await connect(leads=3, activities=0)
    return started


async def sections(api: Api, path: str, **params: object) -> list[Body]:
    answer = await api.get(f"/rest/asset/v1/{path}/content.json", **params)  # type: ignore[arg-type]
    # The description types ids and free-form values as objects, whatever they are.
    result = [{**row, "id": None, "content": None, "formattingOptions": None} for row in answer["result"]]
    check_answer({**answer, "result": result}, "asset", "ResponseOfLandingPageContentResponse")
    rows: list[Body] = answer["result"]
    return rows


async def full(api: Api, path: str, **params: Any) -> str:
    answer = await api.get(f"/rest/asset/v1/{path}/fullContent.json", **params)
    # The description requires a status here that it does not describe.
    assert set(answer["result"][0]) == {"id", "content"}
    return str(answer["result"][0]["content"])


async def test_a_new_page(api: Api) -> None:
    fields = {"title": "Mine", "urlPageName": "mine", "prefillForm": "false", "mobileEnabled": "true"}
    row = await write(api, "landingPages", name="Mine", folder=PAGES, template=351, **fields)

    assert (row["template"], row["title"], row["formPrefill"], row["mobileEnabled"]) == (351, "Mine", False, True)
    assert row["URL"].endswith("/mine.html")
    assert [section["type"] for section in await sections(api, f"landingPage/{row['id']}")] == ["RichText", "Form"]
    other = await write(api, "landingPages", name="My page", folder=PAGES, template=352, formPrefill="false")
    assert other["formPrefill"] is False
    assert other["URL"].endswith("/My-page.html")
    assert await read(api, f"landingPage/{other['id']}/content") == []


@pytest.mark.parametrize(("template", "expected"), [(999, "709"), (353, "709"), ("x", "1001")])
async def test_templates_must_be_approved(api: Api, template: object, expected: str) -> None:
    await write(api, "landingPageTemplates", name="Empty", folder=TEMPLATES)

    assert await refusal(api, "landingPages", name="Mine", folder=PAGES, template=template) == expected


async def test_metadata(api: Api) -> None:
    row = await write(api, FREE, title="Changed", robots="noindex", keywords="a,b", metaTagsDescription="x")

    assert (row["status"], row["title"], row["robots"], row["keywords"]) == ("draft", "Changed", "noindex", "a,b")
    assert (await read(api, FREE))[0]["title"] == "Thanks"


async def test_a_clone_from_another_template(api: Api) -> None:
    copy = await write(api, f"{FREE}/clone", name="Copy", folder=PAGES, template=351)
    same = await write(api, f"{FREE}/clone", name="Same", folder=PAGES, template=352)

    assert (copy["template"], copy["title"]) == (351, "Thanks")
    assert len(await sections(api, f"landingPage/{copy['id']}")) == 2
    assert len(await sections(api, f"landingPage/{same['id']}")) == 1
    assert await refusal(api, f"{FREE}/clone", name="Third", folder=PAGES, template=999) == "709"


async def test_sections_of_a_free_form_page(api: Api) -> None:
    answer = await submit(
        api, f"{FREE}/content", contentId="9", type="richText", value="<i>Hi</i>", left="5px", hideMobile="true"
    )
    modelled(answer, "ResponseOfIdResponse")
    await write(api, f"{FREE}/content", contentId="contact", type="Form", value=3001)
    rows = await sections(api, FREE, status="draft")
    assert [row["id"] for row in rows] == ["text", 9, "contact"]
    assert rows[1] == {
        "id": 9,
        "type": "RichText",
        "index": 1,
        "content": "<i>Hi</i>",
        "formattingOptions": {"left": "5px", "hideMobile": True},
    }
    assert rows[2]["followupType"] == "formDefined"
    await write(api, f"{FREE}/content/9", type="HTML", value="<b>Ho</b>", top="7px", index=0)
    rows = await sections(api, FREE, status="draft")
    assert (rows[0]["id"], rows[0]["type"]) == (9, "HTML")
    assert rows[0]["formattingOptions"] == {"left": "5px", "hideMobile": True, "top": "7px"}
    text = await full(api, FREE)
    assert text.index("<b>Ho</b>") < text.index("<p>Thanks</p>") < text.index("mktoForm_3001")
    await write(api, f"{FREE}/content/text/delete")
    assert [row["id"] for row in await sections(api, FREE, status="draft")] == [9, "contact"]
    assert [row["id"] for row in await sections(api, FREE)] == ["text"]
    await write(api, "form/3001", theme="plain")
    assert [row["id"] for row in await read(api, "form/3001/usedBy")] == [501, 502]


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        (f"{FREE}/content", {"contentId": "text", "type": "HTML"}, "709"),
        (f"{FREE}/content", {"contentId": "new", "type": "Poem"}, "1001"),
        (f"{FREE}/content", {"contentId": "new"}, "1002"),
        (f"{FREE}/content", {"contentId": "new", "type": "Form", "value": "9"}, "702"),
        (f"{FREE}/content", {"contentId": "new", "type": "Snippet", "value": "x"}, "702"),
        (f"{FREE}/content", {"contentId": "new", "type": "DynamicContent", "value": "1"}, "704"),
        (f"{FREE}/content/new", {"type": "HTML"}, "702"),
        (f"{FREE}/content/new/delete", {}, "702"),
        (f"{GUIDED}/content", {"contentId": "new", "type": "HTML"}, "709"),
        (f"{GUIDED}/content/intro/delete", {}, "709"),
        (f"{GUIDED}/variable/none", {"value": "x"}, "702"),
        (f"{GUIDED}/variable/heading", {}, "1002"),
        (f"{GUIDED}/dynamicContent/none", {}, "704"),
    ],
)
async def test_sections_that_cannot_be(api: Api, path: str, fields: Body, expected: str) -> None:
    assert await refusal(api, path, **fields) == expected


async def test_content_may_be_added_without_an_id(api: Api) -> None:
    """As the samples of the documentation do; the ids are then the server's, as recorded ones are."""
    await write(api, f"{FREE}/content", type="Form", value="3001")
    await write(api, f"{FREE}/content", type="Image", value="https://example.com/a.png")
    await write(api, f"{FREE}/content", type="HTML", value="<p>x</p>")
    rows = (await sections(api, FREE, status="draft"))[-3:]

    assert [row["id"] for row in rows] == [1501, 1502, 1503]
    form, image, html = (row["content"] for row in rows)
    assert (form["content"], form["contentType"]) == ("3001", "Form")
    assert form["contentUrl"].endswith("#FO3001A1")
    assert image == {
        "content": "https://example.com/a.png",
        "contentType": "Image",
        "contentUrl": "https://example.com/a.png",
    }
    assert html == "<p>x</p>"


async def test_guided_pages(api: Api) -> None:
    await write(api, f"{GUIDED}/content/intro", type="RichText", value="Come in")
    answer = await submit(api, f"{GUIDED}/variable/heading", value="Hello there")
    rows = (await api.get(f"/rest/asset/v1/{GUIDED}/variables.json", status="draft"))["result"]

    assert answer["result"] == [rows[0]]
    assert rows == [
        {"id": "heading", "type": "string", "value": "Hello there"},
        {"id": "showFooter", "type": "boolean", "value": "true"},
    ]
    text = await full(api, GUIDED)
    assert "<h1>Hello there</h1>" in text
    assert "Come in" in text
    assert "mktoForm_3001" in text
    assert await read(api, f"{FREE}/variables") == []
    for part in ("variables", "content", "fullContent", "dynamicContent/x"):
        assert await read(api, f"landingPage/999/{part}") == []


async def test_dynamic_sections(api: Api) -> None:
    await write(api, f"{FREE}/content/text", type="DynamicContent", value=1001)
    [section] = await sections(api, FREE, status="draft")
    path = f"{FREE}/dynamicContent/{section['content']}"
    await write(api, path, segment="Asia", type="RichText", value="<p>Arigato</p>")
    await write(api, path, value="<p>Cheers</p>")
    await write(api, f"{FREE}/content/text", type="DynamicContent", value=1001, left="1px")

    answer = await api.get(f"/rest/asset/v1/{path}.json")
    check_answer(answer, "asset", "ResponseOfLandingPageDynamicContentResponse")
    [dynamic] = answer["result"]
    assert len(dynamic["createdAt"]) == len("2016-07-21")
    assert [(item["segmentName"], item["content"]) for item in dynamic["segments"]] == [
        ("Europe", "<p>Thanks</p>"),
        ("Asia", "<p>Arigato</p>"),
        ("Default", "<p>Cheers</p>"),
    ]
    assert "Cheers" in await full(api, FREE, leadId=1)
    assert "Arigato" in await full(api, FREE, segmentation='[{"segmentationId":1001,"segmentId":1102}]')
    assert "Cheers" in await full(api, FREE, segmentation='[{"segmentationId":1001,"segmentId":7}]')
    assert await refusal(api, path, segment="Moon") == "702"
    assert await refusal(api, path, type="DynamicContent", value="1001") == "709"
    await write(api, f"{FREE}/content", contentId="new", type="DynamicContent", value=1002, top="1px")
    assert [row["type"] for row in await sections(api, FREE, status="draft")] == ["DynamicContent"] * 2


async def test_who_may_see_a_page_as_a_lead(api: Api) -> None:
    path = f"/rest/asset/v1/{FREE}/fullContent.json"
    assert code(await api.get(path, leadId=99)) == "1004"
    assert code(await api.get(path, segmentation="1001")) == "1001"
    await api.authorize(api.sandbox.add_user("reader@sandbox.example", frozenset({"Read-Only Assets"})))
    assert code(await api.get(path, leadId=1)) == "603"


async def test_embedded_snippets(api: Api) -> None:
    await write(api, f"{FREE}/content", contentId="note", type="Snippet", value=401)
    assert "All rights reserved" in await full(api, FREE)
    api.sandbox.instance.studio.snippets.drop(401)
    assert "All rights reserved" not in await full(api, FREE)


async def test_social_buttons_keep_a_page(api: Api) -> None:
    await write(api, f"{FREE}/content", contentId="like", type="SocialButton")
    await write(api, f"{FREE}/approveDraft")
    await write(api, f"{FREE}/unapprove")

    assert await refusal(api, f"{FREE}/delete") == "709"


class TestTemplates:
    async def test_kinds(self, api: Api) -> None:
        free = await write(api, "landingPageTemplates", name="One", folder=TEMPLATES, templateType="freeform")
        guided = await write(
            api, "landingPageTemplates", name="Two", folder=TEMPLATES, templateType="guided", enableMunchkin="false"
        )

        assert (free["templateType"], free["enableMunchkin"]) == ("freeForm", True)
        assert (guided["templateType"], guided["enableMunchkin"]) == ("guided", False)
        assert await refusal(api, "landingPageTemplates", name="x", folder=TEMPLATES, templateType="wild") == "1001"

    async def test_tracking(self, api: Api) -> None:
        row = await write(api, "landingPageTemplate/352", enableMunchkin="false")

        assert (row["status"], row["enableMunchkin"]) == ("draft", False)

    async def test_content(self, api: Api) -> None:
        path = "landingPageTemplate/352/content"
        assert (await post_file(api, path, b"<p>Bare</p>"))["result"] == [{"id": 352}]
        answer = await api.get(f"/rest/asset/v1/{path}.json", status="draft")
        check_answer(answer, "asset", "ResponseOfLpTemplateGetContentResponse")

        assert answer["result"][0]["content"] == "<p>Bare</p>"
        assert await refusal(api, path, content="<p></p>") == "613"
        assert await read(api, "landingPageTemplate/999/content") == []
        await write(api, "landingPageTemplate/352/approveDraft")
        assert await full(api, FREE) == '<p>Bare</p><div id="text"><p>Thanks</p></div>'
        api.sandbox.instance.studio.landing_page_templates.drop(352)
        assert await full(api, FREE) == '<div id="text"><p>Thanks</p></div>'
