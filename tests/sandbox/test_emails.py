from typing import Any

import pytest

from marketo_async.sandbox.records.drafts import Use

from .api import Api, Body, code
from .forms import read, refusal, submit, write
from .models import check_answer
from .test_designs import SENDER, modelled, post_file

EMAILS = {"id": 6, "type": "Folder"}
EMAIL, PLAIN = "email/700", "email/708"


@pytest.fixture
async def api(connect: Any) -> Api:
    started: Api = await connect(leads=3, activities=0)
    return started


async def sections(api: Api, path: str = EMAIL) -> dict[str, Body]:
    answer = await api.get(f"/rest/asset/v1/{path}/content.json", status="draft")
    if "result" not in answer:
        answer = await api.get(f"/rest/asset/v1/{path}/content.json")
    check_rows(answer, "ResponseOfEmailContentResponse")
    return {row["htmlId"]: row for row in answer["result"]}


def check_rows(answer: Body, model: str) -> None:
    # The description types free-form values as objects, whatever they are.
    result = [{**row, "value": None} if model == "ResponseOfEmailContentResponse" else row for row in answer["result"]]
    check_answer({**answer, "result": result}, "asset", model)


async def modules(api: Api) -> list[str]:
    return [html_id for html_id, row in (await sections(api)).items() if row["contentType"] == "Module"]


async def full(api: Api, path: str = EMAIL, **params: Any) -> str:
    answer = await api.get(f"/rest/asset/v1/{path}/fullContent.json", **params)
    check_answer(answer, "asset", "ResponseOfGetEmailFullContentResponse")
    return str(answer["result"][0]["content"])


async def test_an_email_has_what_its_template_has(api: Api) -> None:
    email = await write(api, "emails", name="Mine", folder=EMAILS, template=301, operational="true", **dict(SENDER))
    rows = await sections(api, f"email/{email['id']}")

    assert (email["template"], email["operational"], email["textOnly"]) == (301, True, False)
    assert email["subject"] == {"type": "Text", "value": "News"}
    assert list(rows) == ["headline", "footer", "hero", "heroText", "article", "articleText", "articleNote"]
    assert rows["heroText"]["parentHtmlId"] == "hero"
    assert rows["heroText"]["value"] == [{"type": "HTML", "value": "Our news"}, {"type": "Text", "value": "Our news"}]
    assert (rows["article"]["contentType"], rows["article"]["index"]) == ("Module", 1)


@pytest.mark.parametrize("template", [999, 302])
async def test_templates_must_be_approved(api: Api, template: int) -> None:
    fields = {"name": "Raw", "folder": {"id": 10, "type": "Folder"}}
    assert (await post_file(api, "emailTemplates", fields=fields))["success"]

    assert await refusal(api, "emails", name="Mine", folder=EMAILS, template=template) == "709"


async def test_approving_takes_subject_and_sender(api: Api) -> None:
    email = await write(api, "emails", name="Mine", folder=EMAILS, template=301)
    path = f"email/{email['id']}"
    assert await refusal(api, f"{path}/approveDraft") == "709"

    def field(value: str) -> Body:
        return {"type": "Text", "value": value}

    fields = {"subject": field("S"), "fromName": field("N"), "fromEmail": field("f@x.y"), "replyTO": field("r@x.y")}
    assert await write(api, f"{path}/content", **fields) == {"id": email["id"]}
    await write(api, f"{path}/approveDraft")
    [row] = await read(api, path)
    assert row["replyEmail"] == {"type": "Text", "value": "r@x.y"}


async def test_metadata(api: Api) -> None:
    flags = {"published": "true", "textOnly": "true", "webView": "true", "autoCopyToText": "false"}
    row = await write(api, EMAIL, preHeader="Read this", operational="true", **flags)

    assert (row["status"], row["preHeader"], row["publishToMSI"]) == ("draft", "Read this", True)
    assert (row["textOnly"], row["webView"], row["autoCopyToText"]) == (True, True, False)
    assert (await sections(api))["heroText"]["value"][1]["value"] == ""
    [live] = await read(api, EMAIL)
    assert (live["status"], live["preHeader"]) == ("approved", "")
    assert await refusal(api, EMAIL, preHeader="x" * 1025) == "701"
    assert await refusal(api, EMAIL, operational="maybe") == "1001"


async def test_a_clone_may_be_operational(api: Api) -> None:
    copy = await write(api, f"{EMAIL}/clone", name="Copy", folder=EMAILS, operational="true")

    assert (await read(api, f"email/{copy['id']}"))[0]["operational"] is True


async def test_sections(api: Api) -> None:
    answer = await submit(
        api,
        f"{EMAIL}/content/heroText",
        type="Text",
        value="<b>Big</b> news",
        textValue="NEWS",
        altText="none",
        width="10",
        overWrite="true",
    )
    modelled(answer, "ResponseOfIdResponse")
    rows = await sections(api)
    assert rows["heroText"]["value"][1] == {"type": "Text", "value": "NEWS"}
    assert "<b>Big</b> news" in await full(api, status="draft")
    assert "Big" not in await full(api)

    await write(api, f"{EMAIL}/content/articleNote", type="Snippet", value=401)
    assert "<p>All rights reserved</p>" in await full(api, status="draft")
    assert await refusal(api, "snippet/401/unapprove") == "709"

    assert await refusal(api, f"{EMAIL}/content/nothing", type="Text", value="x") == "702"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="Picture", value="x") == "1001"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="HTML", value="x") == "1001"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="Snippet", value="402") == "709"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="Snippet", value="x") == "709"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="Text") == "1002"


async def test_dynamic_sections(api: Api) -> None:
    await write(api, f"{EMAIL}/content/heroText", type="DynamicContent", value="1001")
    content_id = (await sections(api))["heroText"]["value"]
    path = f"{EMAIL}/dynamicContent/{content_id}"
    # Adobe's own example of the call calls the markup HTML.
    await write(api, path, type="HTML", value="Bonjour", segment="Europe")
    await write(api, path, type="Text", value="Hi all")

    answer = await api.get(f"/rest/asset/v1/{path}.json", status="draft")
    check_answer(answer, "asset", "ResponseOfEmailDynamicContentResponse")
    [dynamic] = answer["result"]
    assert (dynamic["id"], dynamic["segmentation"]) == (700, 1001)
    assert [(item["segmentName"], item["content"]) for item in dynamic["content"]] == [
        ("Europe", "Bonjour"),
        ("Asia", "Our news"),
        ("Default", "Hi all"),
    ]
    assert "Hi all" in await full(api, status="draft")
    assert await refusal(api, path, type="Text", value="x", segment="Moon") == "702"
    assert await refusal(api, path, type="DynamicContent", value="1001") == "709"
    assert await refusal(api, f"{EMAIL}/dynamicContent/RVMtOTk=", type="Text", value="x") == "704"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="DynamicContent", value="7") == "704"
    assert await read(api, "email/999/dynamicContent/x") == []


async def test_a_dynamic_subject(api: Api) -> None:
    await write(api, f"{EMAIL}/content", subject={"type": "DynamicContent", "value": "1002"})
    [row] = await read(api, EMAIL, status="draft")
    [dynamic] = await read(api, f"{EMAIL}/dynamicContent/{row['subject']['value']}", status="draft")

    assert row["subject"]["type"] == "DynamicContent"
    assert [item["content"] for item in dynamic["content"]] == ["News 0", "News 0"]
    assert await refusal(api, f"{EMAIL}/content", subject={"type": "Picture", "value": "x"}) == "1001"
    assert await refusal(api, f"{EMAIL}/content", subject="text") == "1001"


async def test_modules(api: Api) -> None:
    added = await submit(api, f"{EMAIL}/content/hero/add", name="Second", index=1)
    check_answer(added, "asset", "ResponseOfEmailModuleResponse")
    assert await modules(api) == ["hero", "hero-2", "article"]
    await write(api, f"{EMAIL}/content/heroText-2", type="Text", value="Second text")
    await write(api, f"{EMAIL}/content/hero-2/duplicate", name="Third")
    assert await modules(api) == ["hero", "hero-2", "hero-2-2", "article"]
    assert (await full(api, status="draft")).count("Second text") == 2
    await write(api, f"{EMAIL}/content/hero/rename", name="First")
    assert (await sections(api))["hero"]["value"] == "First"
    await write(api, f"{EMAIL}/content/hero-2/delete")
    assert "heroText-2" not in await sections(api)
    order = ["article", "hero-2-2", "hero"]
    positions = [{"index": index, "moduleId": html_id} for index, html_id in enumerate(order)]
    await write(api, f"{EMAIL}/content/rearrange", positions=positions)
    assert await modules(api) == order
    await write(api, f"{EMAIL}/content/article/delete")
    await write(api, f"{EMAIL}/content/article/add", index=99)
    assert await modules(api) == ["hero-2-2", "hero", "article"]


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        ("nothing/add", {"index": 1}, "702"),
        ("hero/add", {}, "1002"),
        ("hero/add", {"index": "x"}, "1001"),
        ("nothing/duplicate", {"name": "x"}, "702"),
        ("nothing/rename", {"name": "x"}, "702"),
        ("nothing/delete", {}, "702"),
        ("rearrange", {}, "1002"),
        ("rearrange", {"positions": "hero"}, "1001"),
        ("rearrange", {"positions": [{"index": 0, "moduleId": "hero"}]}, "709"),
    ],
)
async def test_modules_that_cannot_be(api: Api, path: str, fields: Body, expected: str) -> None:
    assert await refusal(api, f"{EMAIL}/content/{path}", **fields) == expected
    assert await read(api, EMAIL, status="draft") == []


async def test_variables(api: Api) -> None:
    answer = await api.get(f"/rest/asset/v1/{EMAIL}/variables.json")
    check_answer(answer, "asset", "ResponseOfEmailVariableResponse")
    assert answer["result"] == [
        {"name": "greeting", "value": "Hello", "moduleScope": False},
        {"name": "background", "value": "#ffffff", "moduleScope": True, "moduleId": "hero"},
        {"name": "background", "value": "#ffffff", "moduleScope": True, "moduleId": "article"},
    ]
    row = await write(api, f"{EMAIL}/variable/greeting", value="Good day")
    assert row == {"name": "greeting", "value": "Good day", "moduleScope": False}
    await write(api, f"{EMAIL}/variable/background", value="#000000", moduleId="hero")
    await write(api, f"{EMAIL}/content/hero/duplicate", name="Copy")
    text = await full(api, status="draft")
    assert "Good day " in text
    assert (text.count("#000000"), text.count('bgcolor="#ffffff"')) == (2, 1)
    assert await refusal(api, f"{EMAIL}/variable/background", value="x") == "702"
    assert await refusal(api, f"{EMAIL}/variable/greeting") == "1002"
    assert await read(api, "email/999/variables") == []
    assert await read(api, f"{PLAIN}/variables") == []


async def test_full_content(api: Api) -> None:
    assert "<div" not in await full(api, type="Text")
    lead = api.sandbox.instance.leads.get(1)
    assert lead is not None
    assert f"Hello {lead['firstName']}" in await full(api, leadId=1)
    api.sandbox.instance.leads.update(1, {"firstName": None})
    assert "Hello friend" in await full(api, leadId=1)
    for params, expected in (({"leadId": 99}, "1004"), ({"type": "PDF"}, "1001")):
        assert code(await api.get(f"/rest/asset/v1/{EMAIL}/fullContent.json", **params)) == expected
    assert await read(api, "email/999/fullContent") == []
    await api.authorize(api.sandbox.add_user("reader@sandbox.example", frozenset({"Read-Only Assets"})))
    assert code(await api.get(f"/rest/asset/v1/{EMAIL}/fullContent.json", leadId=1)) == "603"


async def test_replacing_full_content(api: Api) -> None:
    assert code(await post_file(api, f"{EMAIL}/fullContent")) == "709"
    answer = await post_file(api, f"{PLAIN}/fullContent", b"<p><div class='mktoText' id='new'>Text</div></p>")
    check_answer(answer, "asset", "ResponseOfUpdateEmailFullContentResponse")
    assert answer["warnings"] == []
    assert list(await sections(api, PLAIN)) == ["new"]
    assert (await post_file(api, f"{PLAIN}/fullContent", b"<div><p>Open</div></i>"))["warnings"]
    assert await full(api, PLAIN, status="draft") == "<div><p>Open</div></i>"
    assert code(await post_file(api, f"{PLAIN}/fullContent", b"<script></script>")) == "709"
    assert await refusal(api, f"{PLAIN}/fullContent", content="<p></p>") == "613"


async def test_sending_a_sample(api: Api) -> None:
    answer = await submit(api, f"{EMAIL}/sendSample", emailAddress="me@example.com", leadId=1, textOnly="true")
    check_answer(answer, "asset", "ResponseOfSendSampleResponse")

    assert answer["result"] == [{"service": "sendTestEmail", "result": True}]
    [sample] = api.sandbox.instance.studio.samples
    assert (sample.email_id, sample.address, sample.lead_id, sample.text_only) == (700, "me@example.com", 1, True)
    assert await refusal(api, f"{EMAIL}/sendSample", emailAddress="me") == "1003"
    assert await refusal(api, f"{EMAIL}/sendSample", emailAddress="a@b", leadId=77) == "1004"
    assert (await api.post(f"/rest/asset/v1/{EMAIL}/sendSample.json", emailAddress="a@b"))["success"]


async def test_cc_fields(api: Api) -> None:
    answer = await api.get("/rest/asset/v1/email/ccFields.json")
    check_answer(answer, "asset", "ResponseOfEmailCCFieldsResponse")

    assert [row["apiName"] for row in answer["result"]] == ["email"]


async def test_predictive_content(api: Api) -> None:
    api.sandbox.instance.studio.emails.get(700).newest.predictive = True

    assert code(await api.get(f"/rest/asset/v1/{EMAIL}/content.json")) == "709"
    assert await refusal(api, f"{EMAIL}/content/heroText", type="Text", value="x") == "709"
    await write(api, EMAIL, preHeader="x")
    assert await refusal(api, f"{EMAIL}/approveDraft") == "709"
    assert await read(api, "email/999/content") == []


async def test_an_email_of_a_flow_step_stays_approved(api: Api) -> None:
    api.sandbox.instance.studio.flow_steps[700] = [Use("Smart Campaign", 4001, "Newsletter", "approved", 0.0)]

    assert await refusal(api, f"{EMAIL}/unapprove") == "709"


class TestTemplates:
    async def test_content(self, api: Api) -> None:
        answer = await api.get("/rest/asset/v1/emailTemplate/301/content")
        check_answer(answer, "asset", "ResponseOfEmailTemplateContentResponse")
        assert 'class="mktoModule"' in answer["result"][0]["content"]
        assert code(await api.get("/rest/asset/v1/emailTemplate/301/content.json")) == "605"

        assert (await post_file(api, "emailTemplate/301/content", b"<p>New</p>"))["result"] == [{"id": 301}]
        assert (await api.get("/rest/asset/v1/emailTemplate/301/content"))["result"] == answer["result"]
        [row] = (await api.get("/rest/asset/v1/emailTemplate/301/content", status="draft"))["result"]
        assert row == {"id": 301, "status": "draft", "content": "<p>New</p>"}
        assert "result" not in await api.get("/rest/asset/v1/emailTemplate/999/content")

    async def test_content_must_be_a_file(self, api: Api) -> None:
        fields: dict[str, object] = {"name": "Mine", "folder": {"id": 10, "type": "Folder"}}
        assert await refusal(api, "emailTemplates", content="<p></p>", **fields) == "613"
        assert await refusal(api, "emailTemplates", **fields) == "1002"
        assert await refusal(api, "emailTemplate/301/content", content="<p></p>") == "613"

    async def test_emails_keep_what_their_template_was(self, api: Api) -> None:
        await post_file(api, "emailTemplate/301/content", b"<p>New</p>")
        await write(api, "emailTemplate/301/approveDraft")

        assert "heroText" in await sections(api)
