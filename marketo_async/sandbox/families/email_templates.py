"""Email templates, their HTML, and the emails made from them."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.designs import PREFIX, Family, link, nothing, uploaded, users
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.emails import EmailTemplate
from marketo_async.sandbox.routing import Routes

routes = Routes()
TEMPLATE = f"{PREFIX}/emailTemplate/{{id}}"

family: Family[EmailTemplate] = Family(
    f"{PREFIX}/emailTemplate",
    f"{PREFIX}/emailTemplates.json",
    lambda instance: instance.studio.email_templates,
    lambda template, _: {"url": link("EB", template), "workspace": "Default", "version": 2},
)
family.serve(
    routes,
    browse=("offset", "maxReturn", "status"),
    by_name=("status",),
    rows=("approveDraft", "unapprove", "discardDraft"),
)


@routes.post(
    f"{PREFIX}/emailTemplates.json", ASSET_WRITERS, body=("name", "folder", "content"), body_optional=("description",)
)
def create(call: Call) -> Answer:
    """Create a template from an uploaded document."""
    return family.answer(call, family.create(call, EmailTemplate(uploaded(call, "content"))))


@routes.post(f"{TEMPLATE}.json", ASSET_WRITERS, body_optional=("description", "name"))
def update(call: Call) -> Answer:
    """Change name and description."""
    return family.answer(call, family.describe(call))


@routes.post(f"{TEMPLATE}/clone.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description",))
def clone(call: Call) -> Answer:
    """Copy a template."""
    return family.answer(call, family.clone(call))


# This one path has no suffix, unlike the POST to the same content.
@routes.get(f"{TEMPLATE}/content", ASSET_READERS, optional=("status",))
def content(call: Call) -> Answer:
    """Answer the document."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    template, version, status = seen
    return Answer([{"id": template.id, "status": status, "content": version.content}])


@routes.post(f"{TEMPLATE}/content.json", ASSET_WRITERS, body=("content",))
def update_content(call: Call) -> Answer:
    """Replace the document."""
    text = uploaded(call, "content")

    def replace(template: EmailTemplate) -> None:
        template.content = text

    return Answer([{"id": family.edit(call, replace).id}])


@routes.get(f"{PREFIX}/emailTemplates/{{id}}/usedBy.json", ASSET_READERS, optional=("offset", "maxReturn"))
def used_by(call: Call) -> Answer:
    """Answer the emails that use a template."""
    return users(call, call.instance.studio.email_templates)
