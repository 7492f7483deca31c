"""Landing pages: their metadata, variables and whole document. See ``landing_page_content`` for sections."""

from __future__ import annotations

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import found
from marketo_async.sandbox.families.designs import PREFIX, Family, approved_version, given, link, nothing
from marketo_async.sandbox.parameters import as_integer, wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS, LEAD_READERS
from marketo_async.sandbox.records.drafts import Asset, refused
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.landing_pages import LandingPage, LandingPageTemplate, PageVariable
from marketo_async.sandbox.routing import Routes

routes = Routes()
PAGE = f"{PREFIX}/landingPage/{{id}}"

_TEXTS = ("customHeadHTML", "facebookOgTags", "keywords", "robots", "title", "urlPageName")
_TEXTS_OF_UPDATES = (*_TEXTS, "metaTagsDescription", "styleOverRide")
_ANSWERED = ("customHeadHTML", "facebookOgTags", "keywords", "robots", "title")


class _Chosen(msgspec.Struct, rename="camel"):
    segmentation_id: int
    segment_id: int


def _members(page: Asset[LandingPage], version: LandingPage) -> Members:
    address = version.settings.get("urlPageName") or "-".join(page.name.split())
    return {
        "URL": f"https://info.sandbox.example/{address}.html",
        "computedUrl": link("LP", page),
        "workspace": "Default",
        "template": version.template_id,
        "mobileEnabled": version.settings.get("mobileEnabled", False),
        "formPrefill": version.settings.get("formPrefill", True),
        **{name: version.settings.get(name) for name in _ANSWERED},
    }


def _check_deletable(version: LandingPage) -> None:
    if any(content.type == "SocialButton" for content in version.contents()):
        raise refused("Pages with social buttons cannot be deleted")


family: Family[LandingPage] = Family(
    f"{PREFIX}/landingPage",
    f"{PREFIX}/landingPages.json",
    lambda instance: instance.studio.landing_pages,
    _members,
    may_be_deleted=_check_deletable,
)
family.serve(
    routes,
    browse=("status", "maxReturn", "offset", "folder"),
    by_name=("status", "maxReturn", "offset"),
    rows=("unapprove",),
)


def _template(instance: Instance, template_id: int) -> LandingPageTemplate:
    return approved_version(
        instance.studio.landing_page_templates.find(template_id), "landing page template", template_id
    )


@routes.post(
    f"{PREFIX}/landingPages.json",
    ASSET_WRITERS,
    body=("folder", "name", "template"),
    body_optional=(*_TEXTS, "description", "formPrefill", "mobileEnabled", "prefillForm", "workspace"),
)
def create(call: Call) -> Answer:
    """Create a page from a template."""
    template_id = as_integer("template", call.member("template"))
    settings = given(call, texts=_TEXTS, flags=("formPrefill", "mobileEnabled", "prefillForm"))
    # The description has another spelling of formPrefill than the answers of pages.
    if "prefillForm" in settings:
        settings["formPrefill"] = settings.pop("prefillForm")
    page = LandingPage.begun(template_id, _template(call.instance, template_id), settings)
    return family.answer(call, family.create(call, page))


@routes.post(f"{PAGE}.json", ASSET_WRITERS, body_optional=(*_TEXTS_OF_UPDATES, "description", "mobileEnabled", "name"))
def update(call: Call) -> Answer:
    """Change name and description at once, or other members in a draft."""
    settings = given(call, texts=_TEXTS_OF_UPDATES, flags=("mobileEnabled",))
    page = family.describe(call)
    if settings:

        def change(version: LandingPage) -> None:
            version.settings |= settings

        family.edit(call, change)
    return family.answer(call, page)


@routes.post(f"{PAGE}/clone.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description", "template"))
def clone(call: Call) -> Answer:
    """Copy a page; with another template, the copy starts with that template's content."""
    template_id = call.body_integer("template")
    template = None if template_id is None else _template(call.instance, template_id)
    copy = family.clone(call)
    if template is not None and template_id is not None and template_id != copy.newest.template_id:
        copy.draft = LandingPage.begun(template_id, template, copy.newest.settings)
    return family.answer(call, copy)


@routes.get(f"{PAGE}/fullContent.json", ASSET_READERS, optional=("leadId", "segmentation"))
def full_content(call: Call) -> Answer:
    """Answer the whole document, of the draft if there is one."""
    lead_id = call.integer("leadId")
    if lead_id is not None and not call.user.may(LEAD_READERS):
        raise ApiError("603", "Access denied")
    if lead_id is not None and lead_id not in call.instance.leads:
        raise ApiError("1004", f"Lead '{lead_id}' not found")
    studio = call.instance.studio
    page = studio.landing_pages.find(call.path_id("id"))
    if page is None:
        return nothing()
    version = page.newest
    template = studio.landing_page_templates.find(version.template_id)
    document = "" if template is None else template.version.content
    return Answer([{"id": page.id, "content": version.html(document, studio.embedded, _segments(call))}])


def _segments(call: Call) -> dict[int, int]:
    text = call.text("segmentation")
    if text is None:
        return {}
    try:
        chosen = msgspec.json.decode(text, type=list[_Chosen])
    except msgspec.DecodeError:
        raise wrong_type("segmentation", "JSON") from None
    return {one.segmentation_id: one.segment_id for one in chosen}


def _row(variable: PageVariable) -> Members:
    return {"id": variable.id, "type": variable.type, "value": variable.value}


@routes.get(f"{PAGE}/variables.json", ASSET_READERS, optional=("status",))
def variables(call: Call) -> Answer:
    """Answer the variables, which only guided pages have."""
    seen = family.seen(call)
    return nothing() if seen is None else found([_row(variable) for variable in seen[1].variables])


@routes.post(f"{PAGE}/variable/{{variableId}}.json", ASSET_WRITERS, required=("value",))
def update_variable(call: Call) -> Answer:
    """Set a variable of a guided page; its value is text for all types."""
    variable_id, value = call.path_text("variableId"), call.text("value") or ""

    def change(version: LandingPage) -> None:
        version.variable(variable_id).value = value

    page = family.edit(call, change)
    return Answer([_row(page.newest.variable(variable_id))])
