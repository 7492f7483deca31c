"""Emails: their metadata, test mails, and CC fields. See ``email_content`` for content."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import UPDATED
from marketo_async.sandbox.families.designs import PREFIX, Family, approved_version, link
from marketo_async.sandbox.parameters import as_integer
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.design_studio import Sample
from marketo_async.sandbox.records.drafts import Asset
from marketo_async.sandbox.records.email_body import EmailBody
from marketo_async.sandbox.records.emails import HEADERS, Email, HeaderField
from marketo_async.sandbox.routing import Routes

routes = Routes()
EMAIL = f"{PREFIX}/email/{{id}}"

_SWITCHES = ("operational", "textOnly", "autoCopyToText")


def _members(email: Asset[Email], version: Email) -> Members:
    return {
        "url": link("EM", email),
        "workspace": "Default",
        **{name: {"type": field.type, "value": field.value} for name, field in version.headers.items()},
        "operational": version.operational,
        "textOnly": version.text_only,
        "publishToMSI": version.published,
        "webView": version.web_view,
        "template": version.template_id,
        "version": 2,
        "autoCopyToText": version.auto_copy_to_text,
        "preHeader": version.pre_header,
        "isOpenTrackingDisabled": False,
        "ccFields": [],
    }


family: Family[Email] = Family(
    f"{PREFIX}/email",
    f"{PREFIX}/emails.json",
    lambda instance: instance.studio.emails,
    _members,
    check=Email.check,
)
family.serve(
    routes,
    browse=("status", "folder", "offset", "maxReturn", *UPDATED),
    by_name=("status", "folder"),
    rows=(),
)


@routes.post(
    f"{PREFIX}/emails.json",
    ASSET_WRITERS,
    body=("folder", "name", "template"),
    body_optional=(*HEADERS, "description", *_SWITCHES),
)
def create(call: Call) -> Answer:
    """Create an email from a template; members that approval needs may be set later."""
    template_id = as_integer("template", call.member("template"))
    template = approved_version(call.instance.studio.email_templates.find(template_id), "email template", template_id)
    headers = {name: HeaderField("Text", call.body_text(name) or "") for name in HEADERS}
    email = Email(template_id, EmailBody.read(template.content), headers)
    _switch(call, email)
    return family.answer(call, family.create(call, email))


@routes.post(
    f"{EMAIL}.json",
    ASSET_WRITERS,
    body_optional=("description", "name", "preHeader", *_SWITCHES, "published", "webView"),
)
def update(call: Call) -> Answer:
    """Change name and description at once, or other members in a draft."""
    draft = family.asset(call).proposal()
    _switch(call, draft)
    pre_header, web_view, published = (
        call.body_text("preHeader"),
        call.body_flag("webView"),
        call.body_flag("published"),
    )
    draft.web_view = draft.web_view if web_view is None else web_view
    draft.published = draft.published if published is None else published
    if pre_header is not None:
        draft.set_pre_header(pre_header)
    email = family.describe(call)
    if draft != email.newest:
        email.accept(draft, call.instance.clock.time())
    return family.answer(call, email)


def _switch(call: Call, email: Email) -> None:
    operational, text_only, copy = (call.body_flag(name) for name in _SWITCHES)
    email.operational = email.operational if operational is None else operational
    email.text_only = email.text_only if text_only is None else text_only
    email.auto_copy_to_text = email.auto_copy_to_text if copy is None else copy


@routes.post(
    f"{EMAIL}/clone.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description", "operational")
)
def clone(call: Call) -> Answer:
    """Copy an email."""
    operational = call.body_flag("operational")
    copy = family.clone(call)
    if operational is not None:
        copy.newest.operational = operational
    return family.answer(call, copy)


@routes.post(f"{EMAIL}/sendSample.json", ASSET_WRITERS, body=("emailAddress",), body_optional=("leadId", "textOnly"))
def send_sample(call: Call) -> Answer:
    """Send a test mail, optionally as a lead would get it."""
    email = family.asset(call)
    address, lead_id = call.body_text("emailAddress") or "", call.body_integer("leadId")
    if "@" not in address:
        raise ApiError("1003", f"Invalid email address '{address}'")
    if lead_id is not None and lead_id not in call.instance.leads:
        raise ApiError("1004", f"Lead '{lead_id}' not found")
    sample = Sample(email.id, address, lead_id, bool(call.body_flag("textOnly")), call.instance.clock.time())
    call.instance.studio.samples.append(sample)
    return Answer([{"service": "sendTestEmail", "result": True}])


@routes.get(f"{PREFIX}/email/ccFields.json", ASSET_READERS)
def cc_fields(call: Call) -> Answer:
    """Answer the fields whose addresses may get copies of mails."""
    return Answer(
        [
            {
                "attributeId": str(field.id),
                "objectName": "company" if field.company else "lead",
                "displayName": field.display_name,
                "apiName": field.name,
            }
            for field in call.instance.lead_fields
            if field.data_type == "email"
        ]
    )
