"""Landing page templates and their HTML."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.designs import PREFIX, Family, link, nothing, uploaded
from marketo_async.sandbox.parameters import wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.landing_pages import FREE_FORM, GUIDED, LandingPageTemplate
from marketo_async.sandbox.routing import Routes

routes = Routes()
TEMPLATE = f"{PREFIX}/landingPageTemplate/{{id}}"

# One page of the documentation uses both spellings of the type.
_TYPES = {"freeform": FREE_FORM, "guided": GUIDED}


def _kind(template: LandingPageTemplate) -> Members:
    return {"templateType": template.type, "enableMunchkin": template.enable_munchkin}


family: Family[LandingPageTemplate] = Family(
    f"{PREFIX}/landingPageTemplate",
    f"{PREFIX}/landingPageTemplates.json",
    lambda instance: instance.studio.landing_page_templates,
    lambda template, version: {"url": link("LT", template), "workspace": "Default", **_kind(version)},
)
family.serve(
    routes,
    browse=("maxReturn", "offset", "status", "folder"),
    by_name=(),
    rows=("approveDraft", "unapprove"),
)


@routes.post(
    f"{PREFIX}/landingPageTemplates.json",
    ASSET_WRITERS,
    body=("folder", "name"),
    body_optional=("description", "enableMunchkin", "templateType"),
)
def create(call: Call) -> Answer:
    """Create a template without content."""
    kind = _TYPES.get((call.body_text("templateType") or FREE_FORM).lower())
    if kind is None:
        raise wrong_type("templateType", "guided or freeForm")
    template = LandingPageTemplate(kind, enable_munchkin=call.body_flag("enableMunchkin") is not False)
    return family.answer(call, family.create(call, template))


@routes.post(f"{TEMPLATE}.json", ASSET_WRITERS, body_optional=("description", "enableMunchkin", "name"))
def update(call: Call) -> Answer:
    """Change name and description at once, or page tracking in a draft."""
    enable = call.body_flag("enableMunchkin")
    template = family.describe(call)
    if enable is not None:

        def track(version: LandingPageTemplate) -> None:
            version.enable_munchkin = enable

        family.edit(call, track)
    return family.answer(call, template)


@routes.post(f"{TEMPLATE}/clone.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description",))
def clone(call: Call) -> Answer:
    """Copy a template."""
    return family.answer(call, family.clone(call))


@routes.get(f"{TEMPLATE}/content.json", ASSET_READERS, optional=("status",))
def content(call: Call) -> Answer:
    """Answer the document."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    template, version, status = seen
    return Answer(
        [{"id": template.id, "status": status, "content": version.content, **_kind(version)}],
    )


@routes.post(f"{TEMPLATE}/content.json", ASSET_WRITERS, body=("content",))
def update_content(call: Call) -> Answer:
    """Replace the document."""
    text = uploaded(call, "content")

    def replace(template: LandingPageTemplate) -> None:
        template.content = text

    return Answer([{"id": family.edit(call, replace).id}])
