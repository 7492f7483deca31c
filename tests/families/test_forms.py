"""Forms and their fields: how they are read, and their lives in the sandbox."""

from __future__ import annotations

import pytest

from marketo_async import Marketo
from marketo_async.errors import Conflict, InvalidRequest
from marketo_async.models.assets import FolderId
from marketo_async.models.form_fields import (
    FieldPosition,
    FieldSettings,
    NewVisibilityRule,
    PicklistValue,
    VisibilityRule,
)
from marketo_async.models.forms import FollowUp, KnownVisitor
from tests.families.conftest import Tell

PROGRAM = FolderId(2001, "Program")
CONTACT, WELCOME = 3001, 501
ROW = {
    "id": 736,
    "name": "Contact",
    "createdAt": "2016-05-24T17:05:54Z+0000",
    "status": "draft",
    "folder": {"type": "Folder", "value": 293, "folderName": "Forms"},
    "knownVisitor": {"type": "form", "template": None},
    "thankYouList": [
        {"followupType": "lp", "followupValue": 501, "operator": "is", "subjectField": "Email", "values": ["a"]},
        {"followupType": "url", "followupValue": "https://x.example"},
        {"followupType": "none", "followupValue": None, "default": True},
    ],
    "buttonLocation": 120,
}


async def test_a_form_is_read_as_marketo_sends_it(tell: Tell) -> None:
    form = await tell(ROW).forms.by_name("Contact", folder=FolderId(293))

    assert form is not None
    assert form.known_visitor == KnownVisitor(type="form")
    assert [rule.followup_value for rule in form.thank_you_list] == [501, "https://x.example", None]
    assert [rule.default for rule in form.thank_you_list] == [None, None, True]
    assert (form.button_location, form.button_label, form.progressive_profiling) == (120, None, None)


async def test_fields_differ_in_what_they_have(tell: Tell) -> None:
    fields = await tell(
        {"id": "Profiling", "dataType": "profiling", "rowNumber": 3, "columnNumber": 0},
        {
            "id": "Industry",
            "fieldMetaData": {"minValue": 10, "maxValue": None},
            "validationMessage": "Please",
            "visibilityRules": {
                "ruleType": "show",
                "rules": [{"subjectField": "Email", "operator": "is", "values": ["a"], "altLabel": "x"}],
            },
        },
    ).form_fields.browse(7)

    assert (fields[0].row_number, fields[0].visibility_rules) == (3, None)
    assert fields[1].field_meta_data == {"minValue": 10, "maxValue": None}
    rules = fields[1].visibility_rules
    assert rules is not None
    assert rules.rules == [VisibilityRule(subject_field="Email", operator="is", values=["a"], alt_label="x")]


async def test_bad_input_costs_no_call(tell: Tell) -> None:
    marketo = tell()

    with pytest.raises(InvalidRequest, match="positions"):
        await marketo.form_fields.rearrange(7, [])
    with pytest.raises(InvalidRequest, match="rules"):
        await marketo.forms.update_thank_you_page(7, [])
    with pytest.raises(InvalidRequest, match="65,535"):
        await marketo.form_fields.add_rich_text(7, "ü" * 32_768)


async def test_the_life_of_a_form(marketo: Marketo) -> None:
    forms = marketo.forms
    made = await forms.create("Register", PROGRAM, language="French", known_visitor=KnownVisitor(type="form"))
    await forms.update(made.id, name="Register 2", font_size="11px", progressive_profiling=True)
    button = await forms.update_submit_button(made.id, label="Go", waiting_label="Wait", button_position=5)
    rules = [
        FollowUp(followup_type="lp", followup_value=WELCOME, subject_field="Email", operator="contains", values=["x"]),
        FollowUp(followup_type="url", followup_value="https://x.example", default=True),
    ]
    await forms.update_thank_you_page(made.id, rules)
    page = await forms.thank_you_page(made.id, status="draft")
    await forms.approve(made.id)
    clone = await forms.clone(made.id, "Copy", PROGRAM)
    with pytest.raises(Conflict):
        await forms.delete(made.id)
    await forms.unapprove(made.id)
    await forms.delete(made.id)

    assert (button.name, button.font_size, button.button_label, button.button_location) == (
        "Register 2",
        "11px",
        "Go",
        5,
    )
    assert page is not None
    assert [(rule.followup_value, bool(rule.default)) for rule in page.thank_you_list] == [
        (WELCOME, False),
        ("https://x.example", True),
    ]
    assert [form.id for form in await forms.browse(folder=PROGRAM, status="draft").all()] == [clone.id]
    assert await forms.get(made.id) is None


async def test_a_draft_of_a_form_is_discarded(marketo: Marketo) -> None:
    await marketo.forms.update(CONTACT, theme="modern")
    await marketo.forms.discard_draft(CONTACT)

    with pytest.raises(Conflict):
        await marketo.forms.discard_draft(CONTACT)


async def test_what_uses_a_form(marketo: Marketo) -> None:
    assert [(use.type, use.id) for use in await marketo.forms.used_by(CONTACT).all()] == [("Landing Page", WELCOME)]


async def test_the_fields_of_a_form(marketo: Marketo) -> None:
    fields = marketo.form_fields
    form = (await marketo.forms.create("Fields", PROGRAM)).id
    assert "Company" in [field.id for field in await fields.lead_fields().all()]
    assert await fields.program_member_fields().first() is not None
    added = await fields.add(
        form, "Company", settings=FieldSettings(label="Firm", required=True, max_length=10, hint_text="&")
    )
    changed = await fields.update(
        form, "Company", FieldSettings(label="Your firm", values=[PicklistValue(label="A", value="a")])
    )
    with pytest.raises(Conflict):
        await fields.add(form, "Company")
    visible = await fields.update_visibility(
        form, "Company", "show", [NewVisibilityRule(subject_field="Email", operator="is", values=["a"])]
    )
    text = await fields.add_rich_text(form, "<p>ü</p>")
    box = await fields.add_fieldset(form, "Box")
    others = [field.id for field in await fields.browse(form) if field.id not in {"Company", box.id}]
    await fields.rearrange(
        form,
        [
            *(FieldPosition(field_name=name, column_number=0, row_number=row) for row, name in enumerate(others)),
            FieldPosition(
                field_name=box.id,
                column_number=0,
                row_number=len(others),
                field_list=[FieldPosition(field_name="Company", column_number=0, row_number=0)],
            ),
        ],
    )
    boxes = [field for field in await fields.browse(form, status="draft") if field.id == box.id]
    await fields.delete_from_fieldset(form, box.id, "Company")
    await fields.delete(form, "LastName")

    assert (added.label, added.required, added.max_length, added.hint_text) == ("Firm", True, 10, "&")
    assert changed.label == "Your firm"
    assert (visible.form_field_id, visible.rule_type, visible.rules[0].values) == ("Company", "show", ["a"])
    assert text.text == "<p>ü</p>"
    assert boxes[0].fields == ["Company"]
    assert {field.id for field in await fields.browse(form)} == {"FirstName", "Email", text.id, box.id}
