"""Emails and email templates: how they are read, and their lives in the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from marketo_async import Marketo
from marketo_async.errors import Conflict, InvalidRequest, NotFound
from marketo_async.models.assets import FolderId
from marketo_async.models.emails import CcField, HeaderField, ModulePosition, SectionText
from tests.families.conftest import Tell

EMAILS, TEMPLATES, PROGRAM = FolderId(6), FolderId(10), FolderId(2001, "Program")
NEWSLETTER, PLAIN, SEGMENTATION = 301, 708, 1001
ROW = {
    "id": 2212,
    "name": "Invitation",
    "description": "",
    "createdAt": "2015-06-23T23:58:09Z+0000",
    "updatedAt": "2015-06-24T00:00:00Z+0000",
    "url": "https://app.example/#EM2212",
    "subject": {"type": "Text", "value": "Hello"},
    "fromName": {"type": "DynamicContent", "value": 1001},
    "fromEmail": {"type": "Text", "value": None},
    "folder": {"type": "Program", "value": 1017, "folderName": "Spring"},
    "publishToMSI": True,
    "status": "draft",
    "template": 24,
    "isOpenTrackingDisabled": False,
    "version": 2,
    "ccFields": None,
    "preHeader": None,
}


async def test_an_email_is_read_as_marketo_sends_it(tell: Tell) -> None:
    email = await tell(ROW).emails.get(2212)

    assert email is not None
    assert (email.id, email.name, email.template, email.publish_to_msi) == (2212, "Invitation", 24, True)
    assert email.created_at == datetime(2015, 6, 23, 23, 58, 9, tzinfo=UTC)
    assert email.folder is not None
    assert (email.folder.number, email.folder.type, email.folder.folder_name) == (1017, "Program", "Spring")
    assert email.subject == HeaderField(value="Hello")
    assert email.from_name == HeaderField(type="DynamicContent", value=1001)
    assert email.from_email == HeaderField()
    assert (email.reply_email, email.pre_header, email.cc_fields) == (None, None, None)


async def test_an_email_of_the_new_designer_comes_half_filled(tell: Tell) -> None:
    (email,) = await tell({"id": 1, "name": "New"}).emails.browse().all()

    assert (email.status, email.subject, email.folder, email.template) == (None, None, None, None)


async def test_what_is_not_there_is_none_or_empty(tell: Tell) -> None:
    marketo = tell()

    assert await marketo.emails.get(1) is None
    assert await marketo.emails.by_name("a") is None
    assert await marketo.emails.browse().all() == []
    assert await marketo.emails.content(1) == []
    assert await marketo.emails.full_content(1) is None
    assert await marketo.emails.dynamic_content(1, "RVMtNDg=") is None
    assert await marketo.email_templates.content(1) is None


async def test_a_section_holds_texts_an_image_s_members_or_an_id(tell: Tell) -> None:
    sections = await tell(
        {"htmlId": "hero", "contentType": "Module", "index": 1, "parentHtmlId": "all", "isLocked": False},
        {"htmlId": "logo", "contentType": "Image", "value": {"width": "600", "style": "x"}},
        {"htmlId": "text", "contentType": "Text", "value": [{"type": "HTML", "value": "<b>"}, {"type": "Text"}]},
        {"htmlId": "note", "contentType": "DynamicContent", "value": "RVMtNDg="},
        {"htmlId": "legal", "contentType": "Snippet", "value": 12},
    ).emails.content(1)

    assert [section.value for section in sections] == [
        None,
        {"width": "600", "style": "x"},
        [SectionText(type="HTML", value="<b>"), SectionText(type="Text")],
        "RVMtNDg=",
        12,
    ]
    assert (sections[0].index, sections[0].parent_html_id, sections[0].is_locked) == (1, "all", False)


async def test_the_segments_of_a_dynamic_section_are_known_by_number_however_they_come(tell: Tell) -> None:
    variants = [{"id": "RVMtNDg=", "segmentId": "1001", "segmentName": "Area", "type": "HTML", "content": "<p>"}]
    found = await tell({"id": 70, "segmentation": 1001, "content": variants}).emails.dynamic_content(7, "RVMtNDg=")

    assert found is not None
    (variant,) = found.variants
    assert (variant.segment_id, variant.segment_name, variant.content) == (1001, "Area", "<p>")


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        ({"service": "sendTestEmail", "result": True}, True),
        ({"service": "sendTestEmail", "result": False}, False),
        ({"id": 7}, True),
        ('{"service":"sendTestEmail","result":true}', True),
    ],
)
async def test_a_sample_was_sent_unless_marketo_says_it_was_not(tell: Tell, answer: object, sent: object) -> None:
    assert await tell(answer).emails.send_sample(7, "a@example.com") is sent


async def test_the_id_of_a_cc_field_is_text(tell: Tell) -> None:
    row = {"attributeId": "157", "objectName": "lead", "displayName": "Owner", "apiName": "owner"}

    assert await tell(row).emails.cc_fields() == [
        CcField(attribute_id="157", object_name="lead", display_name="Owner", api_name="owner")
    ]


async def test_an_approval_is_read_whether_it_answers_with_an_id_or_with_the_asset(tell: Tell) -> None:
    assert (await tell({"id": 7}).emails.approve(7)).id == 7
    assert (await tell({**ROW, "id": 7}).email_templates.approve(7)).id == 7


async def test_users_of_a_template_that_share_an_id_are_told_apart_by_their_type(tell: Tell) -> None:
    same = {"id": 7, "name": "a", "status": "draft", "updatedAt": "2020-02-23T01:31:21Z+0000"}
    found = (
        await tell({**same, "type": "Email"}, {**same, "type": "Report"}, {**same, "type": "Email"})
        .forms.used_by(1)
        .all()
    )

    assert [use.type for use in found] == ["Email", "Report"]


async def test_modules_are_never_put_in_no_order(tell: Tell) -> None:
    with pytest.raises(InvalidRequest, match="positions"):
        await tell().emails.rearrange_modules(7, [])


async def test_the_life_of_an_email(marketo: Marketo) -> None:
    emails = marketo.emails
    made = await emails.create("Invitation", EMAILS, NEWSLETTER, subject="Hi", description="d")
    await emails.update_content(
        made.id,
        subject=HeaderField(value="Grüße & mehr"),
        from_name=HeaderField(value="News"),
        from_email=HeaderField(value="news@example.com"),
        reply_to=HeaderField(value="reply@example.com"),
    )
    changed = await emails.update(made.id, name="Invitation 2", pre_header="Look", web_view=True)
    await emails.approve(made.id)
    with pytest.raises(Conflict):
        await emails.approve(made.id)
    with pytest.raises(Conflict):
        await emails.delete(made.id)
    clone = await emails.clone(made.id, "Copy", PROGRAM, operational=True)
    found = await emails.by_name("Copy", folder=PROGRAM, status="draft")
    await emails.unapprove(made.id)
    await emails.delete(made.id)

    assert (made.status, made.template) == ("draft", NEWSLETTER)
    assert changed.subject == HeaderField(value="Grüße & mehr")
    assert (changed.name, changed.description, changed.pre_header, changed.web_view) == (
        "Invitation 2",
        "d",
        "Look",
        True,
    )
    assert found is not None
    assert (found.id, found.operational, found.folder and found.folder.number) == (clone.id, True, PROGRAM.id)
    assert await emails.get(made.id) is None
    assert [email.id for email in await emails.browse(folder=PROGRAM, status="draft").all()] == [clone.id]


async def test_emails_are_browsed_by_the_time_of_their_last_change(marketo: Marketo) -> None:
    everything = await marketo.emails.browse().all()
    times = [email.updated_at for email in everything if email.updated_at]

    assert len(times) == len(everything) > 0
    end = max(times) + timedelta(seconds=1)  # answers tell whole seconds
    assert await marketo.emails.browse(earliest_updated_at=min(times), latest_updated_at=end).all() == everything
    assert await marketo.emails.browse(latest_updated_at=datetime(2015, 1, 1, tzinfo=UTC)).all() == []


async def test_the_content_of_an_email(marketo: Marketo) -> None:
    emails = marketo.emails
    mail = (await emails.create("Parts", EMAILS, NEWSLETTER)).id
    await emails.update_section(mail, "headline", "Text", "<b>ü&amp;</b>", text_value="u")
    await emails.update_section(mail, "footer", "DynamicContent", SEGMENTATION)
    sections = {section.html_id: section for section in await emails.content(mail, status="draft")}
    content_id = sections["footer"].value
    assert isinstance(content_id, str)
    before = await emails.dynamic_content(mail, content_id)
    assert before is not None
    segment = before.variants[0].segment_name or ""
    await emails.update_dynamic_content(mail, content_id, segment, "Text", "<p>Only here</p>")
    after = await emails.dynamic_content(mail, content_id, status="draft")
    whole = await emails.full_content(mail, lead_id=1)
    text = await emails.full_content(mail, type="Text")

    assert sections["headline"].value == [
        SectionText(type="HTML", value="<b>ü&amp;</b>"),
        SectionText(type="Text", value="u"),
    ]
    assert before.segmentation == SEGMENTATION
    assert after is not None
    assert [variant.content for variant in after.variants].count("<p>Only here</p>") == 1
    assert whole is not None
    assert "<b>ü&amp;</b>" in (whole.content or "")
    assert text is not None
    assert "<b>" not in (text.content or "")
    assert await emails.send_sample(mail, "a@example.com", lead_id=1, text_only=True)


async def test_the_modules_and_variables_of_an_email(marketo: Marketo) -> None:
    emails = marketo.emails
    mail = (await emails.create("Modules", EMAILS, NEWSLETTER)).id

    async def modules() -> list[str]:
        found = [section for section in await emails.content(mail) if section.content_type == "Module"]
        return [section.html_id for section in sorted(found, key=lambda section: section.index or 0)]

    first = await modules()
    await emails.duplicate_module(mail, first[0], "Again")
    await emails.add_module(mail, first[1], "At the end", 99)
    await emails.rename_module(mail, first[0], "Renamed")
    more = await modules()
    turned = list(reversed(more))
    await emails.rearrange_modules(
        mail, [ModulePosition(module_id=name, index=place) for place, name in enumerate(turned)]
    )
    assert await modules() == turned
    await emails.delete_module(mail, turned[0])
    assert (len(first), len(more)) == (2, 4)
    assert await modules() == turned[1:]

    greeting = await emails.update_variable(mail, "greeting", "Moin & so")
    background = await emails.update_variable(mail, "background", "#000", module_id=turned[1])
    variables = await emails.variables(mail)
    assert greeting in variables
    assert background in variables
    assert (background.module_scope, background.module_id) == (True, turned[1])


async def test_the_whole_of_an_email_is_replaced_only_without_its_template(marketo: Marketo) -> None:
    with pytest.raises(Conflict):
        await marketo.emails.update_full_content(700, "<html></html>")
    await marketo.emails.update_full_content(PLAIN, "<html><body>ü</body></html>")
    draft = await marketo.emails.full_content(PLAIN, status="draft")
    await marketo.emails.discard_draft(PLAIN)

    assert draft is not None
    assert "ü" in (draft.content or "")
    assert await marketo.emails.full_content(PLAIN, status="draft") is None


async def test_the_life_of_an_email_template(marketo: Marketo) -> None:
    templates = marketo.email_templates
    made = await templates.create("Plain", TEMPLATES, "<html><body>ü</body></html>", description="d")
    first = await templates.content(made.id)
    await templates.approve(made.id)
    await templates.update_content(made.id, b"<html><body>two</body></html>")
    draft = await templates.content(made.id, status="draft")
    live = await templates.content(made.id)
    await templates.discard_draft(made.id)
    renamed = await templates.update(made.id, name="Plainer")
    clone = await templates.clone(made.id, "Copy", TEMPLATES)
    await templates.unapprove(made.id)
    await templates.delete(made.id)

    assert first is not None
    assert first.content == "<html><body>ü</body></html>"
    assert draft is not None
    assert live is not None
    assert (draft.content, live.content) == ("<html><body>two</body></html>", first.content)
    assert (renamed.name, renamed.description) == ("Plainer", "d")
    assert await templates.by_name("Plainer") is None
    assert (await templates.by_name("Copy", status="draft")) == clone
    assert clone.id in [template.id for template in await templates.browse(status="draft").all()]
    assert await templates.get(made.id) is None
    with pytest.raises(NotFound):
        await templates.approve(made.id)


async def test_what_uses_an_email_template(marketo: Marketo) -> None:
    users = await marketo.email_templates.used_by(NEWSLETTER).all()

    assert {use.type for use in users} == {"Email"}
    assert len(users) == 8
