"""Landing pages, their sections and templates: how they are read, and their lives in the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketo_async import Marketo
from marketo_async.errors import Conflict
from marketo_async.models.assets import FolderId
from marketo_async.models.landing_pages import PageVariable, SectionLayout, SegmentChoice
from tests.families.conftest import Tell

PAGES, TEMPLATES = FolderId(4), FolderId(9)
WELCOME, FREE_FORM, SEGMENTATION = 501, 352, 1001


async def test_a_page_has_two_addresses(tell: Tell) -> None:
    row = {
        "id": 3291,
        "name": "Thanks",
        "folder": {"type": "Program", "value": 1119, "folderName": "Spring"},
        "template": 57,
        "formPrefill": False,
        "customHeadHTML": "<meta>",
        "URL": "http://pages.example/thanks.html",
        "computedUrl": "https://app.example/#LP3291",
    }

    page = await tell(row).landing_pages.by_name("Thanks")

    assert page is not None
    assert (page.url, page.computed_url) == ("http://pages.example/thanks.html", "https://app.example/#LP3291")
    assert (page.custom_head_html, page.form_prefill, page.title) == ("<meta>", False, None)


async def test_sections_have_numbers_or_text_for_ids_and_anything_for_content(tell: Tell) -> None:
    sections = await tell(
        {"id": "hero", "type": "HTML", "index": 1, "content": "<p>", "formattingOptions": {"left": "1px"}},
        {"id": 1085, "type": "Form", "content": 3001, "followupType": "lp", "followupValue": "501"},
        {"id": "image", "type": "Image", "content": {"value": "x.png"}},
    ).landing_page_content.browse(7)

    assert [(section.id, section.content) for section in sections] == [
        ("hero", "<p>"),
        (1085, 3001),
        ("image", {"value": "x.png"}),
    ]
    assert sections[0].formatting_options == {"left": "1px"}
    assert sections[1].followup_value == "501"


@pytest.mark.parametrize("member", ["content", "segments"])
async def test_the_variants_of_a_section_come_under_two_names_and_with_dates(tell: Tell, member: str) -> None:
    variant = {"segmentId": 1018, "segmentName": "Default", "type": "RichText", "content": "<p>"}
    row = {"createdAt": "2016-07-21", "updatedAt": "2016-07-21", "segmentation": 1007, member: [variant]}

    found = await tell(row).landing_page_content.dynamic_content(7, "RVMtNDg=")

    assert found is not None
    assert found.created_at == datetime(2016, 7, 21, tzinfo=UTC)
    assert [variant.segment_name for variant in found.variants] == ["Default"]


async def test_a_variable_may_be_any_value(tell: Tell) -> None:
    variables = await tell(
        {"id": "a", "type": "boolean", "value": "true"}, {"id": "b", "value": 1.5}, {"id": "c", "value": True}
    ).landing_pages.variables(7)

    assert [variable.value for variable in variables] == ["true", 1.5, True]


async def test_what_is_not_there_is_none_or_empty(tell: Tell) -> None:
    marketo = tell()

    assert await marketo.landing_pages.get(1) is None
    assert await marketo.landing_pages.full_content(1) is None
    assert await marketo.landing_page_content.browse(1) == []
    assert await marketo.landing_page_templates.content(1) is None


async def test_the_life_of_a_landing_page(marketo: Marketo) -> None:
    pages = marketo.landing_pages
    made = await pages.create("Offer", PAGES, FREE_FORM, title="t", prefill_form=True, custom_head_html="<meta>")
    changed = await pages.update(made.id, title="u", description="d", robots="noindex")
    await pages.approve(made.id)
    clone = await pages.clone(made.id, "Copy", PAGES, template=FREE_FORM)
    with pytest.raises(Conflict):
        await pages.delete(made.id)
    await pages.unapprove(made.id)
    await pages.delete(made.id)

    assert (made.status, made.form_prefill, made.template) == ("draft", True, FREE_FORM)
    assert (changed.title, changed.description, changed.custom_head_html) == ("u", "d", "<meta>")
    assert await pages.by_name("Copy", status="draft") == clone
    assert [page.id for page in await pages.browse(folder=PAGES, status="draft").all()] == [clone.id]
    assert await pages.get(made.id) is None


async def test_the_variables_of_a_guided_page(marketo: Marketo) -> None:
    pages = marketo.landing_pages
    changed = await pages.update_variable(WELCOME, "heading", "Moin & so")
    draft = await pages.variables(WELCOME, status="draft")
    await pages.discard_draft(WELCOME)

    assert changed == PageVariable(id="heading", type="string", value="Moin & so")
    assert changed in draft
    assert changed not in await pages.variables(WELCOME)


async def test_the_sections_of_a_free_form_page(marketo: Marketo) -> None:
    content, page = marketo.landing_page_content, (await marketo.landing_pages.create("Parts", PAGES, FREE_FORM)).id
    await content.add(page, "one", "HTML", value="<p>", layout=SectionLayout(left="1px", hide_mobile=True))
    await content.add(page, "two", "Rectangle")
    await content.update(page, "one", "HTML", value="<b>ü</b>", index=0)
    first, _ = await content.browse(page, status="draft")
    await content.update(page, "one", "DynamicContent", value=SEGMENTATION)
    content_id = (await content.browse(page))[0].content
    before = await content.dynamic_content(page, content_id)
    assert before is not None
    segment = before.variants[0]
    assert segment.segment_name is not None
    assert segment.segment_id is not None
    await content.update_dynamic_content(page, content_id, segment.segment_name, type="HTML", value="<i>here</i>")
    here = SegmentChoice(segmentation_id=SEGMENTATION, segment_id=segment.segment_id)
    shown = await marketo.landing_pages.full_content(page, segments=[here])
    elsewhere = await marketo.landing_pages.full_content(page)
    await content.delete(page, "one")

    assert (first.id, first.type, first.content) == ("one", "HTML", "<b>ü</b>")
    assert first.formatting_options == {"left": "1px", "hideMobile": True}
    assert shown is not None
    assert elsewhere is not None
    assert "<i>here</i>" in (shown.content or "")
    assert "<i>here</i>" not in (elsewhere.content or "")
    assert [section.id for section in await content.browse(page)] == ["two"]


async def test_the_life_of_a_landing_page_template(marketo: Marketo) -> None:
    templates = marketo.landing_page_templates
    made = await templates.create("Wide", TEMPLATES, template_type="guided", enable_munchkin=False)
    await templates.update_content(made.id, "<html><body>ü</body></html>")
    found = await templates.content(made.id, status="draft")
    changed = await templates.update(made.id, description="d", enable_munchkin=True)
    await templates.approve(made.id)
    await templates.update_content(made.id, b"<html><body>two</body></html>")
    await templates.discard_draft(made.id)
    clone = await templates.clone(made.id, "Copy", TEMPLATES)
    await templates.unapprove(made.id)
    await templates.delete(made.id)

    assert found is not None
    assert (found.content, found.template_type, found.enable_munchkin) == (
        "<html><body>ü</body></html>",
        "guided",
        False,
    )
    assert (changed.description, changed.enable_munchkin) == ("d", True)
    assert await templates.by_name("Copy") == clone
    assert clone in await templates.browse(folder=TEMPLATES, status="draft").all()
    assert await templates.get(made.id) is None
