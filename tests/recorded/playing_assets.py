"""Calls that let a sandbox answer every recorded operation on assets."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from marketo_async import Marketo
from marketo_async.models.assets import FolderId
from marketo_async.models.designer import (
    EmailChange,
    EmailHeaders,
    EmailPlace,
    FragmentChange,
    NewFragmentSettings,
    Place,
    TemplateChange,
)
from marketo_async.models.emails import HeaderField, ModulePosition
from marketo_async.models.form_fields import FieldPosition, FieldSettings, NewVisibilityRule, PicklistValue
from marketo_async.models.landing_pages import SectionLayout
from marketo_async.models.programs import NewCost, ProgramTag
from marketo_async.models.redirect_rules import RedirectFrom, RedirectTo
from marketo_async.operation import File

EVENTS, IMAGES, WEBINAR = FolderId(15), FolderId(8), FolderId(2001, "Program")
PAGES, EMAILS, SNIPPETS, PAGE_TEMPLATES, EMAIL_TEMPLATES = map(FolderId, (4, 6, 7, 9, 10))
SMART_LISTS, LISTS = FolderId(11), FolderId(20)
NEWSLETTER, PLAIN, SEGMENTATION, CONTACT, WELCOME, FREE_FORM = 301, 708, 1001, 3001, 501, 352
BATCH, ACTIVE, INACTIVE, ENGAGED = 4001, 4002, 4003, 6001
PICTURE = (
    '<div class="mktoImg" id="logo"><img src="x.png" width="600" alt="x" style="display: block"></div>'
    '<div class="mktoVideo" id="clip"></div>'
)
HOST, WORKSPACE = "pages.sandbox.example", "1"


async def library(m: Marketo) -> None:
    folder = await m.folders.create("2031", EVENTS, description="d")
    await m.folders.update(folder.reference, name="2032")
    await m.folders.get(folder.reference)
    await m.folders.by_name("2032")
    await m.folders.browse().all()
    await m.folders.delete(folder.reference)
    text = File(name="a.txt", content=b"one", content_type="text/plain")
    file = await m.files.create(text, IMAGES, description="d")
    await m.files.update_content(file.id, text)
    await m.files.get(file.id)
    await m.files.by_name("a.txt")
    await m.files.browse().all()
    await m.tokens.create(WEBINAR, "seats", "number", "10")
    await m.tokens.browse(WEBINAR)
    await m.tokens.delete(WEBINAR, "seats", "number")
    await m.tags.browse().all()
    await m.tags.by_name("Region")
    await m.channels.browse().all()
    await m.channels.by_name("Webinar")
    await m.segmentations.browse()
    await m.segmentations.segments(SEGMENTATION).all()


async def programs(m: Marketo) -> None:
    tags, costs = [ProgramTag("Region", "AMER")], [NewCost(start_date=date(2031, 1, 1), cost=200, note="ads")]
    made = await m.programs.create("Fair", EVENTS, "Event", "Webinar", description="d", tags=tags, costs=costs)
    every = await m.programs.browse().all()
    (email,) = [found for found in every if found.type == "Email"]
    start = datetime(2031, 1, 1, tzinfo=UTC)
    await m.programs.update(made.id, name="Fairs")
    await m.programs.update(email.id, start_date=start, end_date=start + timedelta(days=1), costs=costs, tags=tags)
    for program in (email, made):
        await m.programs.get(program.id)
        await m.programs.by_name(program.name or "", include_tags=True, include_costs=True)
    await m.programs.by_tag("Region", "AMER").all()
    mailing = await m.programs.create("Mailing", EVENTS, "Email", "Email Send", tags=tags)
    await m.programs.clone(mailing.id, "Mailing again", EVENTS)
    await m.programs.smart_list(email.id)
    await m.programs.update_tag(made.id, "Business Line", "Hardware")
    await m.programs.delete_tag(made.id, "Business Line")
    await m.programs.approve(email.id)
    await m.programs.unapprove(email.id)
    await m.programs.delete(made.id)


async def campaigns(m: Marketo) -> None:
    await m.campaigns.browse().all()
    await m.campaigns.get(BATCH)
    await m.campaigns.request(ACTIVE, [1])
    await m.campaigns.schedule(BATCH)
    smart = m.smart_campaigns
    made = await smart.create("Thanks", WEBINAR, description="d")
    await smart.update(made.id, name="Many thanks")
    await m.campaigns.get(made.id)
    copy = await smart.clone(made.id, "More thanks", EVENTS)
    await smart.get(copy.id)
    await smart.by_name("More thanks")
    await smart.browse().all()
    await smart.smart_list(BATCH)
    await smart.activate(INACTIVE)
    await smart.deactivate(INACTIVE)
    await smart.delete(copy.id)
    await m.smart_lists.get(ENGAGED, include_rules=True)
    await m.smart_lists.by_name("Engaged Leads")
    await m.smart_lists.browse().all()
    clone = await m.smart_lists.clone(ENGAGED, "Engaged again", SMART_LISTS)
    await m.smart_lists.delete(clone.id)
    of_program = await m.static_lists.create("Seats", WEBINAR)
    await m.lists.get(of_program.id)
    await m.lists.browse().all()
    held = await m.static_lists.create("Seeds", LISTS, description="d")
    await m.static_lists.update(held.id, name="More seeds")
    await m.static_lists.get(held.id)
    await m.static_lists.by_name("More seeds")
    await m.static_lists.browse().all()
    await m.static_lists.delete(held.id)


async def emails(m: Marketo) -> None:
    emails = m.emails
    await emails.cc_fields()
    made = await emails.create("Invitation", EMAILS, NEWSLETTER, subject="Hi", description="d")
    await emails.update(made.id, name="Invitation 2", pre_header="Look")
    value = HeaderField(value="news@example.com")
    await emails.update_content(made.id, subject=value, from_name=value, from_email=value, reply_to=value)
    await emails.update_section(made.id, "headline", "Text", "<b>", text_value="u")
    await emails.update_section(made.id, "footer", "DynamicContent", SEGMENTATION)
    sections = await emails.content(made.id)
    (dynamic,) = [str(section.value) for section in sections if section.html_id == "footer"]
    modules = [section.html_id for section in sections if section.content_type == "Module"]
    await emails.update_dynamic_content(made.id, dynamic, "Default", "Text", "<p>")
    await emails.duplicate_module(made.id, modules[0], "Again")
    await emails.add_module(made.id, modules[1], "End", 9)
    await emails.rename_module(made.id, modules[0], "Renamed")
    now = [section.html_id for section in await emails.content(made.id) if section.content_type == "Module"]
    turned = [ModulePosition(module_id=name, index=place) for place, name in enumerate(reversed(now))]
    await emails.rearrange_modules(made.id, turned)
    await emails.delete_module(made.id, now[-1])
    await emails.update_variable(made.id, "background", "#000", module_id=modules[1])
    await emails.variables(made.id)
    await emails.full_content(made.id)
    await emails.update_full_content(PLAIN, "<html><body>x</body></html>")
    await emails.discard_draft(PLAIN)
    await emails.send_sample(made.id, "a@example.com")
    await emails.get(made.id)
    await emails.by_name("Invitation 2")
    await emails.browse().all()
    await emails.approve(made.id)
    await emails.clone(made.id, "Copy", WEBINAR)
    await emails.unapprove(made.id)
    await emails.delete(made.id)


async def email_templates(m: Marketo) -> None:
    emails, templates = m.emails, m.email_templates
    picture = await templates.create("Picture", EMAIL_TEMPLATES, PICTURE)
    await templates.approve(picture.id)
    await emails.content((await emails.create("With a picture", EMAILS, picture.id)).id)
    template = await templates.create("Plain", EMAIL_TEMPLATES, "<html></html>", description="d")
    await templates.update(template.id, name="Plainer")
    await templates.get(template.id)
    await templates.by_name("Plainer")
    await templates.browse().all()
    await templates.clone(template.id, "Plain copy", EMAIL_TEMPLATES)
    await templates.approve(template.id)
    await templates.update_content(template.id, "<html><body></body></html>")
    await templates.discard_draft(template.id)
    await templates.unapprove(template.id)
    await templates.used_by(NEWSLETTER).all()
    await templates.delete(template.id)


async def snippets(m: Marketo) -> None:
    snippets = m.snippets
    note = await snippets.create("Note", SNIPPETS, description="d")
    await snippets.update_content(note.id, "HTML", "<p>")
    await snippets.content(note.id)
    await snippets.approve(note.id)
    await snippets.update_content(note.id, "DynamicContent", SEGMENTATION)
    await snippets.dynamic_content(note.id, status="draft")
    await snippets.discard_draft(note.id)
    await snippets.update(note.id, name="Note 2")
    await snippets.get(note.id)
    await snippets.browse().all()
    await snippets.clone(note.id, "Note 3", SNIPPETS)
    await snippets.unapprove(note.id)


async def designer(m: Marketo) -> None:
    headers = EmailHeaders(subject="s", from_name="A", from_email="a@example.com", reply_email="a@example.com")
    email = await m.emails_v2.create("Spring", EmailPlace(workspace_id=WORKSPACE), headers)
    await m.emails_v2.update(email.id, EmailChange(description="d"))
    await m.emails_v2.get(email.id)
    await m.emails_v2.browse(WORKSPACE).all()
    template = await m.email_templates_v2.create("T", Place(workspace_id=WORKSPACE))
    await m.email_templates_v2.update(template.id, TemplateChange(description="d"))
    await m.email_templates_v2.get(template.id)
    await m.email_templates_v2.browse(WORKSPACE).all()
    settings = NewFragmentSettings(fragment_type="html", supported_channels=["email"])
    fragment = await m.fragments.create("F", Place(workspace_id=WORKSPACE), settings)
    await m.fragments.update(fragment.id, FragmentChange(description="d"))
    await m.fragments.get(fragment.id)
    await m.fragments.browse(WORKSPACE).all()


async def forms(m: Marketo) -> None:
    made = await m.forms.create("Register", WEBINAR, description="d")
    await m.forms.update(made.id, name="Register 2")
    await m.forms.get(made.id)
    await m.forms.by_name("Register 2")
    await m.forms.browse().all()
    await m.forms.used_by(CONTACT).all()
    fields, form = m.form_fields, made.id
    await fields.lead_fields().all()
    await fields.program_member_fields().all()
    choices = [PicklistValue(label="A", value="a", is_default=True, selected=True)]
    every = FieldSettings(
        label="Firm",
        field_type="select",
        required=True,
        default_value="a",
        hint_text="h",
        validation_message="v",
        max_length=10,
        field_width=100,
        label_width=100,
        values=choices,
        multi_select=True,
        visible_lines=2,
        form_prefill=True,
    )
    await fields.add(form, "Company", settings=every)
    await fields.update(form, "Company", every)
    bounds = FieldSettings(field_type="number", min_value=1, max_value=2)
    await fields.add(form, "AnnualRevenue", settings=bounds)
    await fields.update(form, "AnnualRevenue", bounds)
    when = NewVisibilityRule(subject_field="Email", operator="is", values=["a"], alt_label="l")
    await fields.update_visibility(form, "Company", "show", [when])
    await fields.add_rich_text(form, "<p>")
    present = [field.id for field in await fields.browse(form)]
    await fields.rearrange(
        form, [FieldPosition(field_name=name, column_number=0, row_number=row) for row, name in enumerate(present)]
    )


async def pages(m: Marketo) -> None:
    made = await m.landing_pages.create(
        "Offer", PAGES, FREE_FORM, description="d", title="t", keywords="k", robots="index", prefill_form=True
    )
    await m.landing_pages.clone(made.id, "Copy", PAGES, template=FREE_FORM)
    await m.landing_pages.full_content(made.id)
    await m.landing_pages.variables(WELCOME)
    await m.landing_pages.update_variable(WELCOME, "heading", "Moin")
    content = m.landing_page_content
    await content.add(made.id, "one", "HTML", value="<p>", layout=SectionLayout(left="1px", top="2px", z_index="15"))
    await content.browse(made.id)
    await content.browse(WELCOME)
    await content.update(made.id, "one", "DynamicContent", value=SEGMENTATION)
    dynamic = (await content.browse(made.id))[0].content
    await content.dynamic_content(made.id, dynamic)
    await content.update_dynamic_content(made.id, dynamic, "Default", type="HTML", value="<i>")
    templates = m.landing_page_templates
    template = await templates.create("Wide", PAGE_TEMPLATES, description="d", template_type="guided")
    await templates.update_content(template.id, "<html></html>")
    await templates.clone(template.id, "Wider", PAGE_TEMPLATES)
    rule = await m.redirect_rules.create(HOST, RedirectFrom("path", "gone"), RedirectTo("url", "https://x.example/n"))
    await m.redirect_rules.update(rule.id, redirect_from=RedirectFrom("path", "left"))
    await m.redirect_rules.get(rule.id)
    await m.redirect_rules.browse().all()
    await m.redirect_rules.domains().all()
    await m.redirect_rules.delete(rule.id)


PLAYS = (library, programs, campaigns, emails, email_templates, snippets, designer, forms, pages)
