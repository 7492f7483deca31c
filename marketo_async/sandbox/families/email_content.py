"""The content of emails: header fields, sections and their variants by segment, and the whole document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import json_field
from marketo_async.sandbox.families.designs import given, nothing, uploaded
from marketo_async.sandbox.families.emails import EMAIL, family
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS, LEAD_READERS
from marketo_async.sandbox.records.drafts import Asset, refused
from marketo_async.sandbox.records.dynamic_content import find_segmentation
from marketo_async.sandbox.records.email_body import Content, EmailBody, Section
from marketo_async.sandbox.records.emails import Email, HeaderField
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.markup import Markup, plain_text
from marketo_async.sandbox.routing import Routes

routes = Routes()

_LOOKS = ("altText", "externalUrl", "height", "image", "linkUrl", "overWrite", "style", "videoUrl", "width")
_HEADERS = {"subject": "subject", "fromName": "fromName", "fromEmail": "fromEmail", "replyTO": "replyEmail"}
_IMAGE = re.compile(r"<img\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r'([\w-]+)\s*=\s*"([^"]*)"')
_LOOK = {"width": "width", "alt": "altText", "style": "style"}  # members of an image, by attribute of its tag
_LEAD_TOKEN = re.compile(r"\{\{lead\.([^:}]+)(?::default=([^}]*))?\}\}")


class _Header(msgspec.Struct):
    type: str
    value: str


@routes.get(f"{EMAIL}/content.json", ASSET_READERS, optional=("status",))
def content(call: Call) -> Answer:
    """Answer the sections, each module before its own sections."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    _, email, _ = seen
    email.check_content()
    body = email.body
    rows = [_section(email, section, index) for index, section in enumerate(body.within(None))]
    for index, module in enumerate(body.modules):
        rows.append(
            {
                "htmlId": module.html_id,
                "contentType": "Module",
                "value": module.name,
                "index": index,
                "isLocked": False,
            }
        )
        rows += [_section(email, section, at) for at, section in enumerate(body.within(module.html_id))]
    return Answer(rows)


def _section(email: Email, section: Section, index: int) -> Members:
    row: Members = {
        "htmlId": section.html_id,
        "contentType": section.content.type,
        "value": _value(email, section.content),
        "index": index,
        "isLocked": False,
    }
    return row if section.module_id is None else {**row, "parentHtmlId": section.module_id}


def _value(email: Email, content: Content) -> object:
    if content.type == "Text":
        copied = plain_text(content.value) if email.auto_copy_to_text else ""
        text = copied if content.text is None else content.text
        return [{"type": "HTML", "value": content.value}, {"type": "Text", "value": text}]
    if content.type in ("Image", "Video"):
        return _look(content.value)
    return content.value


def _look(markup: str) -> Members:
    """Return the members of the first image in a section; without an image there are none."""
    image = _IMAGE.search(markup)
    found: dict[str, str] = dict(_ATTRIBUTE.findall(image[1])) if image else {}
    return {member: unescape(found[name]) for name, member in _LOOK.items() if name in found}


@routes.post(f"{EMAIL}/content.json", ASSET_WRITERS, body_optional=("subject", "fromName", "fromEmail", "replyTO"))
def update_headers(call: Call) -> Answer:
    """Set subject and sender, each as text or by segment."""
    fields = {
        member: field for name, member in _HEADERS.items() if (field := json_field(call, name, _Header)) is not None
    }

    def change(email: Email) -> None:
        for name, field in fields.items():
            if field.type == "DynamicContent":
                segmentation = find_segmentation(call.instance.segmentations, field.value)
                content_id = email.body.vary(segmentation, Content("Text", email.headers[name].value))
                email.headers[name] = HeaderField("DynamicContent", content_id)
            elif field.type == "Text":
                email.headers[name] = HeaderField("Text", field.value)
            else:
                raise wrong_type(name, "Text or DynamicContent")

    return Answer([{"id": family.edit(call, change).id}])


@routes.post(
    f"{EMAIL}/content/{{htmlId}}.json",
    ASSET_WRITERS,
    body=("type", "value"),
    body_optional=(*_LOOKS, "textValue"),
)
def update_section(call: Call) -> Answer:
    """Set the content of a section: markup, a snippet, or its old content made dynamic by segment."""
    new, html_id = _content(call, call.body_text("textValue")), call.path_text("htmlId")

    def change(email: Email) -> None:
        email.check_content()
        section = email.body.section(html_id)
        if new.type == "DynamicContent":
            segmentation = find_segmentation(call.instance.segmentations, new.value)
            section.content = Content("DynamicContent", email.body.vary(segmentation, section.content))
        else:
            section.content = new

    return Answer([{"id": family.edit(call, change).id}])


def _content(call: Call, text: str | None, *, of_variant: bool = False) -> Content:
    kind, value = call.body_text("type") or "", call.body_text("value") or ""
    # Variants use the name HTML for the markup of a text, in requests and answers.
    if of_variant and kind == "HTML":
        kind = "Text"
    if kind not in ("Text", "DynamicContent", "Snippet"):
        raise wrong_type("type", "Text, DynamicContent or Snippet")
    if kind == "Snippet":
        snippet = call.instance.studio.snippets.find(int(value)) if value.isdecimal() else None
        if snippet is None or snippet.approved is None:
            raise refused(f"There is no approved snippet with id {value}")
    looks = given(
        call,
        texts=("altText", "externalUrl", "image", "linkUrl", "style", "videoUrl"),
        flags=("overWrite",),
        numbers=("height", "width"),
    )
    return Content(kind, value, text, looks)


@routes.get(f"{EMAIL}/dynamicContent/{{contentId}}.json", ASSET_READERS, optional=("status",))
def dynamic_content(call: Call) -> Answer:
    """Answer the variants of a section or header field by segment."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    email, version, _ = seen
    dynamic = version.body.variation(call.path_text("contentId"))
    variants = [
        {
            "id": dynamic.id,
            "type": "HTML" if variant.type == "Text" else variant.type,
            "content": variant.value,
            "segmentId": str(segment.id),
            "segmentName": segment.name,
        }
        for segment, variant in dynamic.items()
    ]
    return Answer(
        [
            {
                "id": email.id,
                "createdAt": asset_iso(email.created_at),
                "updatedAt": asset_iso(email.updated_at),
                "segmentation": dynamic.segmentation.id,
                "content": variants,
            }
        ]
    )


@routes.post(
    f"{EMAIL}/dynamicContent/{{contentId}}.json",
    ASSET_WRITERS,
    body=("type", "value"),
    body_optional=(*_LOOKS, "segment"),
)
def update_dynamic_content(call: Call) -> Answer:
    """Set the variant of a segment, by default of the default segment."""
    new, content_id, segment = (
        _content(call, None, of_variant=True),
        call.path_text("contentId"),
        call.body_text("segment"),
    )
    if new.type == "DynamicContent":
        raise refused("Dynamic content cannot vary once more")

    def change(email: Email) -> None:
        dynamic = email.body.variation(content_id)
        dynamic.variants[dynamic.segment(segment).id] = new

    return Answer([{"id": family.edit(call, change).id}])


@routes.get(f"{EMAIL}/fullContent.json", ASSET_READERS, optional=("status", "leadId", "type"))
def full_content(call: Call) -> Answer:
    """Answer the whole document, optionally for a lead."""
    lead_id, kind = call.integer("leadId"), (call.text("type") or "HTML").lower()
    if lead_id is not None and not call.user.may(LEAD_READERS):
        raise ApiError("603", "Access denied")
    if kind not in ("html", "text"):
        raise wrong_type("type", "HTML or Text")
    seen = family.seen(call)
    if seen is None:
        return nothing()
    email, version, status = seen
    text = version.body.html(call.instance.studio.snippet_html)
    if lead_id is not None:
        text = _personal(text, call.instance, lead_id)
    return Answer([{"id": email.id, "status": status, "content": plain_text(text) if kind == "text" else text}])


def _personal(text: str, instance: Instance, lead_id: int) -> str:
    lead: Mapping[str, object] | None = instance.leads.get(lead_id)
    if lead is None:
        raise ApiError("1004", f"Lead '{lead_id}' not found")
    names = {field.display_name: field.name for field in instance.lead_fields}

    def value(match: re.Match[str]) -> str:
        found = lead.get(names.get(match[1].strip(), ""))
        return str(found) if found not in (None, "") else match[2] or ""

    return _LEAD_TOKEN.sub(value, text)


@routes.post(f"{EMAIL}/fullContent.json", ASSET_WRITERS, body=("content",))
def update_full_content(call: Call) -> Answer:
    """Replace the whole document of an email that was detached from its template."""
    text = uploaded(call, "content")
    markup = Markup.read(text)
    if "script" in markup.tags:
        raise refused("Scripts are not allowed in emails")

    def change(email: Email) -> None:
        if email.template_id is not None:
            raise refused("The email is still linked to its template")
        email.body = EmailBody.read(text)

    email: Asset[Email] = family.edit(call, change)
    return Answer([{"id": email.id}], warnings=["The HTML is malformed"] if markup.malformed else None)
