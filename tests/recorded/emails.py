"""Emails, their templates and snippets, and the emails, templates and fragments of the new designer."""

from __future__ import annotations

from tests.recorded.kinds import (
    CHANGED,
    DIGITS,
    FLAG,
    FOLDER,
    ID,
    NULL,
    TEXT,
    Either,
    Shape,
    flags,
    ints,
    stamps,
    texts,
)

_HEADER = texts("type value")
_CC = texts("objectName displayName apiName?") | {"attributeId": DIGITS}
# One sample has false as the status of an email.
_EMAIL = (
    ints("id template version?")
    | texts("name description? url? workspace preHeader?")
    | flags("operational textOnly publishToMSI webView isOpenTrackingDisabled autoCopyToText?")
    | CHANGED
    | {"status": Either(TEXT, FLAG), "folder": FOLDER, "ccFields?": NULL}
    | {"subject": _HEADER, "fromName": _HEADER, "fromEmail?": _HEADER, "replyEmail": _HEADER}
)
_SECTION = (
    texts("htmlId contentType parentHtmlId?")
    | ints("index?")
    | flags("isLocked?")
    | {"value?": Either([_HEADER], texts("width altText style"), TEXT)}
)
_VARIABLE = texts("name value moduleId?") | flags("moduleScope")
_TEMPLATE = ints("id") | texts("name description? url? status workspace") | CHANGED | {"folder": FOLDER}
_USE = ints("id") | texts("name type status") | stamps("updatedAt")
_SNIPPET = ints("id") | texts("name description? url? status workspace") | CHANGED | {"folder": FOLDER}
_VARIANT = texts("id segmentName content type") | ints("segmentId")
_DYNAMIC = ints("id segmentation") | CHANGED | {"content": [_VARIANT]}
_DESIGNED: dict[str, Shape] = {
    "browse create": [texts("name status") | {"id": DIGITS}],
    "get": [texts("name description? status") | {"id": DIGITS}],
    "update": [{"id": DIGITS}],
}

TABLE = {
    "emails": {
        "get by_name": [_EMAIL | {"ccFields?": [_CC]}],
        "browse create update clone": [_EMAIL],
        "content": [_SECTION],
        "full_content": [ints("id") | texts("status content")],
        "cc_fields": [_CC],
        "variables update_variable": [_VARIABLE],
        "approve unapprove discard_draft delete send_sample": ID,
        "update_content update_section update_full_content update_dynamic_content": ID,
        "add_module duplicate_module rename_module rearrange_modules delete_module": ID,
    },
    "email_templates": {
        "get by_name browse update clone approve unapprove discard_draft": [_TEMPLATE],
        "create": [_TEMPLATE | ints("version")],
        "used_by": [_USE],
        "delete": ID,
    },
    "snippets": {
        "get browse create update clone approve unapprove": [_SNIPPET],
        "content": [texts("type content")],
        "dynamic_content": [_DYNAMIC],
        "update_content discard_draft": ID,
    },
    "emails_v2": _DESIGNED,
    "email_templates_v2": _DESIGNED,
    "fragments": _DESIGNED,
}
