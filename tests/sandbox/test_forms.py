from typing import Any

import aiohttp
import pytest

from .api import Api, Body, code
from .forms import read, refusal, submit, text, write
from .models import check_answer

FORMS = {"id": 5, "type": "Folder"}
PROGRAM = {"id": 2001, "type": "Program"}
SUBMIT = "/rest/v1/leads/submitForm.json"


@pytest.fixture
async def api(connect: Any) -> Api:
    started: Api = await connect(leads=3, activities=0)
    return started


@pytest.fixture
async def path(api: Api) -> str:
    form = await write(api, "forms", name="Mine", folder=PROGRAM)
    return f"form/{form['id']}"


async def fields(api: Api, path: str, **params: object) -> list[Body]:
    answer = await api.get(f"/rest/asset/v1/{path}/fields.json", **params)  # type: ignore[arg-type]
    check_fields(answer)
    rows: list[Body] = answer["result"]
    return rows


def check_fields(answer: Body) -> None:
    # The description types messages as objects although they are text.
    result = [{**row, "validationMessage": None, "fieldMetaData": None} for row in answer["result"]]
    check_answer({**answer, "result": result}, "asset", "ResponseOfLpFormFieldResponse")


async def places(api: Api, path: str) -> list[tuple[str, int, int]]:
    return [(row["id"], row["rowNumber"], row["columnNumber"]) for row in await fields(api, path)]


def place(name: str, row: int, column: int = 0, **more: object) -> Body:
    return {"fieldName": name, "rowNumber": row, "columnNumber": column, **more}


async def test_a_new_form(api: Api) -> None:
    visitor = {"type": "custom", "template": "<p>Hello</p>"}
    row = await write(
        api, "forms", name="Mine", folder=FORMS, theme="plain", knownVisitor=visitor, progressiveProfiling="true"
    )

    assert (row["theme"], row["labelPosition"], row["knownVisitor"]) == ("plain", "left", visitor)
    assert row["thankYouList"] == [{"followupType": "none", "followupValue": None, "default": True}]
    assert await places(api, f"form/{row['id']}") == [
        ("FirstName", 0, 0),
        ("LastName", 1, 0),
        ("Email", 2, 0),
        ("Profiling", 3, 0),
    ]
    await write(api, f"form/{row['id']}", progressiveProfiling="false")
    assert len(await places(api, f"form/{row['id']}")) == 3
    assert await refusal(api, "forms", folder=FORMS) == "1002"


async def test_settings_make_a_draft(api: Api) -> None:
    row = await write(api, "form/3001", language="French", customCss="p {}", progressiveProfiling="true")
    again = await write(api, "form/3001", progressiveProfiling="true")

    assert (row["status"], row["language"], "customCss" in row) == ("draft", "French", False)
    assert again["progressiveProfiling"] is True
    assert (await read(api, "form/3001"))[0]["language"] == "English"


async def test_submit_button(api: Api, path: str) -> None:
    row = await write(api, f"{path}/submitButton", label="Go", buttonPosition=10, buttonStyle="round")
    assert (row["buttonLabel"], row["buttonLocation"], row["waitingLabel"]) == ("Go", 10, "Please Wait")
    row = await write(api, f"{path}/submitButton", waitingLabel="Wait")
    assert (row["buttonLabel"], row["buttonLocation"], row["waitingLabel"]) == ("Submit", 120, "Wait")


async def test_thank_you_page(api: Api, path: str) -> None:
    rules: list[Body] = [
        {
            "followupType": "url",
            "followupValue": "https://example.com",
            "operator": "is",
            "subjectField": "Country",
            "values": ["France", "Peru"],
        },
        {"followupType": "lp", "followupValue": 502, "default": True},
    ]
    answer = await submit(api, f"{path}/thankYouPage", thankyou=rules)
    result = [{**row, "thankYouList": None} for row in answer["result"]]
    check_answer({**answer, "result": result}, "asset", "ResponseOfThankYouPageResponse")

    [row] = await read(api, f"{path}/thankYouPage")
    assert row["thankYouList"] == [{**rules[0], "default": False}, rules[1]]
    assert await refusal(api, "landingPage/502/unapprove") == "709"
    assert await read(api, "form/999/thankYouPage") == []
    rules[0]["values"] = "France,Peru"
    assert (await write(api, f"{path}/thankYouPage", thankyou=rules))["thankYouList"][0]["values"] == ["France", "Peru"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], "709"),
        ([{"followupType": "none", "default": True}] * 2, "709"),
        ([{"followupType": "mail", "default": True}], "1001"),
        ([{"followupType": "lp", "followupValue": "999", "default": True}], "702"),
        ([{"followupType": "lp", "default": True}], "702"),
        ([{"followupType": "none", "default": True}, {"followupType": "none", "operator": "like"}], "1001"),
        ("none", "1001"),
    ],
)
async def test_thank_you_pages_that_cannot_be(api: Api, path: str, rules: object, expected: str) -> None:
    assert await refusal(api, f"{path}/thankYouPage", thankyou=rules) == expected


async def test_thank_you_pages_must_be_given(api: Api, path: str) -> None:
    assert await refusal(api, f"{path}/thankYouPage") == "1002"
    await api.authorize(api.sandbox.add_user("reader@sandbox.example", frozenset({"Read-Only Assets"})))
    assert await refusal(api, f"{path}/thankYouPage", thankyou=[]) == "603"


async def test_adding_and_changing_fields(api: Api, path: str) -> None:
    options = [{"label": "France", "value": "FR", "isDefault": True}, {"label": "Peru", "value": "PE"}]
    answer = await submit(
        api,
        f"{path}/fields",
        fieldId="Country",
        fieldType="select",
        values=options,
        required="true",
        fieldWidth=200,
        minValue="1.5",
        hintText="Where?",
    )
    check_fields(answer)
    [row] = answer["result"]
    assert (row["id"], row["dataType"], row["label"], row["required"]) == ("Country", "select", "Country", True)
    assert (row["rowNumber"], row["columnNumber"], row["fieldWidth"], row["hintText"]) == (3, 0, 200, "Where?")
    assert [option["value"] for option in row["fieldMetaData"]["values"]] == ["FR", "PE"]
    assert row["fieldMetaData"]["minValue"] == 1.5

    row = await write(api, f"{path}/field/Country", label="Land", fieldType="text", required="false")
    assert (row["label"], row["dataType"], row["required"], row["hintText"]) == ("Land", "text", False, "Where?")
    row = await write(api, f"{path}/field/Country", label="Country")
    assert row["dataType"] == "text"
    form_id = int(path.removeprefix("form/"))
    assert await write(api, f"{path}/field/Country/delete") == {"id": form_id}
    assert [row["id"] for row in await fields(api, path)] == ["FirstName", "LastName", "Email"]


@pytest.mark.parametrize(
    ("part", "sent", "expected"),
    [
        ("fields", {"fieldId": "Email"}, "709"),
        ("fields", {"fieldId": "Nothing"}, "1006"),
        ("fields", {"fieldId": "Id"}, "1006"),
        ("fields", {}, "1002"),
        ("fields", {"fieldId": "Country", "maxLength": "long"}, "1001"),
        ("fields", {"fieldId": "Country", "minValue": "low"}, "1001"),
        ("fields", {"fieldId": "Country", "values": "France"}, "1001"),
        ("field/Country", {"label": "x"}, "702"),
        ("field/Country/delete", {}, "702"),
        ("fieldSet/Email/field/LastName/delete", {}, "709"),
        ("reArrange", {}, "1002"),
        ("reArrange", {"positions": [place("Email", 0)]}, "709"),
        ("reArrange", {"positions": [place("Email", 0), place("FirstName", 0), place("LastName", 1)]}, "709"),
        ("reArrange", {"positions": [place("Email", 10), place("FirstName", 0), place("LastName", 1)]}, "709"),
        ("reArrange", {"positions": [place("Email", 0, 3), place("FirstName", 0), place("LastName", 1)]}, "709"),
        (
            "reArrange",
            {"positions": [place("Email", 0, fieldList=[place("FirstName", 0)]), place("LastName", 1)]},
            "709",
        ),
        ("field/Email/visibility", {}, "1002"),
        ("field/Country/visibility", {"visibilityRule": {"ruleType": "show"}}, "702"),
        ("field/Email/visibility", {"visibilityRule": {"ruleType": "perhaps"}}, "1001"),
        (
            "field/Email/visibility",
            {"visibilityRule": {"ruleType": "show", "rules": [{"subjectField": "City", "operator": "like"}]}},
            "1001",
        ),
        ("richText", {"text": "<script></script>"}, "709"),
        ("richText", {"text": "x" * 65_536}, "701"),
    ],
)
async def test_fields_that_cannot_be(api: Api, path: str, part: str, sent: Body, expected: str) -> None:
    assert await refusal(api, f"{path}/{part}", **sent) == expected
    assert [row["id"] for row in await fields(api, path)] == ["FirstName", "LastName", "Email"]


async def test_a_form_has_thirty_places(api: Api, path: str) -> None:
    for number in range(27):
        await write(api, f"{path}/fieldSet", label=f"Set {number}")

    assert (await places(api, path))[-1][1:] == (9, 2)
    assert await refusal(api, f"{path}/fieldSet", label="One more") == "709"


async def test_member_fields_are_for_forms_of_programs(api: Api, path: str) -> None:
    other = await write(api, "forms", name="Other", folder=FORMS)

    assert (await write(api, f"{path}/fields", fieldId="StatusReason"))["label"] == "Status Reason"
    assert await refusal(api, f"form/{other['id']}/fields", fieldId="StatusReason") == "709"


async def test_field_sets_and_places(api: Api, path: str) -> None:
    field_set = await write(api, f"{path}/fieldSet", label="Name")
    rich = await write(api, f"{path}/richText", text="<p>Please</p>")
    assert (field_set["fields"], rich["text"]) == ([], "<p>Please</p>")
    positions = [
        place(rich["id"], 0),
        place("Email", 0, 1),
        place(field_set["id"], 1, fieldList=[place("LastName", 0, 1), place("FirstName", 0, 0)]),
    ]
    await write(api, f"{path}/reArrange", positions=positions)

    assert await places(api, path) == [
        (rich["id"], 0, 0),
        ("Email", 0, 1),
        (field_set["id"], 1, 0),
        ("FirstName", 0, 0),
        ("LastName", 0, 1),
    ]
    assert (await fields(api, path))[2]["fields"] == ["FirstName", "LastName"]
    nested = [*positions[:2], place("LastName", 5), place("FirstName", 6), place(field_set["id"], 1)]
    other = await write(api, f"{path}/fieldSet", label="Other")
    into = place(other["id"], 2, fieldList=[place(field_set["id"], 0)])
    assert await refusal(api, f"{path}/reArrange", positions=[*nested[:4], into]) == "709"
    await write(api, f"{path}/fieldSet/{field_set['id']}/field/FirstName/delete")
    assert (await fields(api, path))[2]["fields"] == ["LastName"]
    await write(api, f"{path}/field/{field_set['id']}/delete")
    assert [name for name, _, _ in await places(api, path)] == [rich["id"], "Email", other["id"]]


async def test_rich_text_as_a_file(api: Api, path: str) -> None:
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("text", b"<b>Dear</b>", filename="text.html", content_type="text/html")
    answer = (await api.raw("POST", f"/rest/asset/v1/{path}/richText.json", data=form)).json()

    check_fields(answer)
    assert (answer["result"][0]["text"], answer["result"][0]["dataType"]) == ("<b>Dear</b>", "htmltext")


async def test_visibility(api: Api, path: str) -> None:
    rule = {
        "ruleType": "show",
        "rules": [{"subjectField": "Country", "operator": "is", "values": ["Peru"], "altLabel": "City in Peru"}],
    }
    answer = await submit(api, f"{path}/field/Email/visibility", visibilityRule=rule)
    check_answer(answer, "asset", "ResponseOfFormVisibilityRuleResponse")

    assert answer["result"] == [{"formFieldId": "Email", **rule}]
    assert (await fields(api, path))[2]["visibilityRules"] == rule
    await write(api, f"{path}/field/Email/visibility", visibilityRule={"ruleType": "alwaysShow"})
    assert (await fields(api, path))[2]["visibilityRules"] == {"ruleType": "alwaysShow", "rules": []}
    assert await refusal(api, "form/999/field/Email/visibility", visibilityRule=rule) == "702"


@pytest.mark.parametrize(("listing", "field"), [("fields", "AnnualRevenue"), ("programMemberFields", "StatusReason")])
async def test_fields_to_choose_from(api: Api, listing: str, field: str) -> None:
    answer = await api.get(f"/rest/asset/v1/form/{listing}.json", maxReturn=200)
    check_answer(answer, "asset", "ResponseOfFieldsMetaDataResponse")

    ids = [row["id"] for row in answer["result"]]
    assert field in ids
    assert "UpdatedAt" not in ids
    assert await read(api, f"form/{listing}", offset=len(ids)) == []


async def test_fields_of_a_form_that_is_none(api: Api) -> None:
    assert await read(api, "form/999/fields") == []


async def test_approved_forms_are_submitted(api: Api, path: str) -> None:
    form_id = int(path.removeprefix("form/"))
    record = {"leadFormFields": {"email": "new@example.com", "firstName": "New"}}
    assert form_id not in api.sandbox.instance.forms
    assert code(await api.post(SUBMIT, {"formId": form_id, "input": [record]}))
    await write(api, f"{path}/approveDraft")

    answer = await api.post(SUBMIT, {"formId": form_id, "input": [record]})
    assert answer["result"][0]["status"] == "created"
    assert len(api.sandbox.instance.forms) == 2
    assert list(api.sandbox.instance.forms) == [3001, form_id]
    assert text(sorted(api.sandbox.instance.forms[form_id].fields)) == '["email","firstName","lastName"]'
