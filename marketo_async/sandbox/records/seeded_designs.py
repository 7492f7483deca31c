"""The designed assets of a fresh instance: a few of each kind, most of them approved."""

from __future__ import annotations

from collections.abc import Iterable

from marketo_async.sandbox.records.design_studio import DesignStudio
from marketo_async.sandbox.records.drafts import Drafts, V
from marketo_async.sandbox.records.email_body import EmailBody
from marketo_async.sandbox.records.emails import Email, EmailTemplate, HeaderField, Snippet
from marketo_async.sandbox.records.folders import (
    EMAIL_TEMPLATES,
    EMAILS,
    LANDING_PAGE_TEMPLATES,
    LANDING_PAGES,
    PROGRAM,
    SNIPPETS,
    Key,
)
from marketo_async.sandbox.records.form_fields import form_field_id, form_field_type
from marketo_async.sandbox.records.forms import Form, new_form
from marketo_async.sandbox.records.landing_pages import (
    FREE_FORM,
    GUIDED,
    LandingPage,
    LandingPageTemplate,
    PageContent,
)
from marketo_async.sandbox.records.lead_fields import Fields

NEWSLETTERS = 8

_EMAIL_TEMPLATE = """<!DOCTYPE html>
<html>
<head>
<title>Newsletter</title>
<meta class="mktoString" id="greeting" mktoName="Greeting" default="Hello">
<meta class="mktoColor" id="background" mktoName="Background" default="#ffffff" mktoModuleScope="true">
</head>
<body>
<div class="mktoText" id="headline">${greeting} {{lead.First Name:default=friend}}</div>
<table class="mktoContainer" id="container">
<tr class="mktoModule" id="hero" mktoName="Hero"><td bgcolor="${background}">
<div class="mktoText" id="heroText">Our news</div></td></tr>
<tr class="mktoModule" id="article" mktoName="Article"><td bgcolor="${background}">
<div class="mktoText" id="articleText">An article</div>
<div class="mktoSnippet" id="articleNote"></div></td></tr>
</table>
<div class="mktEditable" id="footer">Bye</div>
</body>
</html>
"""
_PLAIN_EMAIL = "<!DOCTYPE html>\n<html><body><div class='mktEditable' id='text'>An announcement</div></body></html>\n"
_GUIDED_PAGE = """<!DOCTYPE html>
<html>
<head>
<meta class="mktoString" id="heading" mktoName="Heading" default="Welcome">
<meta class="mktoBoolean" id="showFooter" mktoName="Footer" default="true">
</head>
<body>
<h1>${heading}</h1>
<div class="mktoText" id="intro">An introduction</div>
<div class="mktoForm" id="form"></div>
</body>
</html>
"""
_FREE_FORM_PAGE = "<!DOCTYPE html>\n<html><body></body></html>\n"


def seed_designs(studio: DesignStudio, lead_fields: Fields, form_fields: Iterable[str]) -> None:
    """Fill a fresh instance; the form asks for the given lead fields."""

    def approved(store: Drafts[V], name: str, folder: Key, version: V) -> int:
        asset = store.create(name, folder, version)
        asset.approve(asset.created_at)
        return asset.id

    template = approved(studio.email_templates, "Newsletter", EMAIL_TEMPLATES, EmailTemplate(_EMAIL_TEMPLATE))
    for number in range(NEWSLETTERS):
        approved(studio.emails, f"Newsletter {number}", EMAILS, _email(template, _EMAIL_TEMPLATE, number))
    approved(studio.emails, "Announcement", EMAILS, _email(None, _PLAIN_EMAIL, 0))
    approved(studio.snippets, "Legal Note", SNIPPETS, Snippet({"HTML": "<p>All rights reserved</p>", "Text": ""}))
    studio.snippets.create("Signature", SNIPPETS, Snippet())
    approved(studio.forms, "Contact us", (2001, PROGRAM), _contact_form(lead_fields, form_fields))
    guided = LandingPageTemplate(GUIDED, enable_munchkin=True, content=_GUIDED_PAGE)
    free_form = LandingPageTemplate(FREE_FORM, enable_munchkin=True, content=_FREE_FORM_PAGE)
    guided_id = approved(studio.landing_page_templates, "Guided", LANDING_PAGE_TEMPLATES, guided)
    free_form_id = approved(studio.landing_page_templates, "Free-form", LANDING_PAGE_TEMPLATES, free_form)
    page = LandingPage.begun(guided_id, guided, {"title": "Welcome", "urlPageName": "welcome"})
    page.section("form").content = PageContent("Form", "3001")
    approved(studio.landing_pages, "Welcome", LANDING_PAGES, page)
    blank = LandingPage.begun(free_form_id, free_form, {"title": "Thanks", "urlPageName": "thanks"})
    blank.add("text", PageContent("RichText", "<p>Thanks</p>", {"left": "10px", "top": "20px"}))
    approved(studio.landing_pages, "Thanks", LANDING_PAGES, blank)


def _email(template_id: int | None, content: str, number: int) -> Email:
    headers = {
        "subject": HeaderField("Text", f"News {number}"),
        "fromName": HeaderField("Text", "Sandbox"),
        "fromEmail": HeaderField("Text", "news@sandbox.example"),
        "replyEmail": HeaderField("Text", "reply@sandbox.example"),
    }
    return Email(template_id, EmailBody.read(content), headers)


def _contact_form(lead_fields: Fields, names: Iterable[str]) -> Form:
    fields = [lead_fields.get(name) for name in sorted(names)]
    return new_form({}, [(form_field_id(field), form_field_type(field), field.display_name) for field in fields])
