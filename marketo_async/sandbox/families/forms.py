"""Forms: their look, submit button and follow-up rules. See ``form_fields`` for their fields."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import json_field
from marketo_async.sandbox.families.designs import PREFIX, Family, given, link, nothing, users
from marketo_async.sandbox.parameters import missing, wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import Asset, not_found, refused
from marketo_async.sandbox.records.form_fields import find_form_field, form_field_type
from marketo_async.sandbox.records.forms import DEFAULT_FIELDS, OPERATORS, Form, SubmitButton, new_form
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.routing import Routes

routes = Routes()
FORM = f"{PREFIX}/form/{{id}}"

_LOOKS = ("fontFamily", "fontSize", "labelPosition", "language", "locale", "theme")
_SETTINGS = (*_LOOKS, "knownVisitor", "progressiveProfiling")
_DEFAULTS: Mapping[str, object] = {
    "theme": "simple",
    "language": "English",
    "locale": "en_US",
    "progressiveProfiling": False,
    "labelPosition": "left",
    "fontFamily": "Helvetica",
    "fontSize": "13px",
    "knownVisitor": {"type": "form", "template": None},
}


class _KnownVisitor(msgspec.Struct):
    type: str
    template: str | None = None


class _FollowUp(msgspec.Struct, rename="camel"):
    followup_type: str
    followup_value: str | int | None = None
    operator: str | None = None
    subject_field: str | None = None
    values: list[str] | str | None = None
    default: bool = False


def _members(form: Asset[Form], version: Form) -> Members:
    return {
        "url": link("FO", form),
        **_DEFAULTS,
        **{name: value for name, value in version.settings.items() if name != "customCss"},
        "thankYouList": version.follow_ups,
        "buttonLocation": version.button.location,
        "buttonLabel": version.button.label,
        "waitingLabel": version.button.waiting_label,
    }


family: Family[Form] = Family(
    f"{PREFIX}/form",
    f"{PREFIX}/forms.json",
    lambda instance: instance.studio.forms,
    _members,
)
family.serve(
    routes,
    browse=("status", "folder", "maxReturn", "offset"),
    by_name=("status", "folder"),
    rows=("approveDraft", "unapprove"),
)


def _given(call: Call, *, css: bool) -> Members:
    settings = given(call, texts=(*_LOOKS, "customCss") if css else _LOOKS, flags=("progressiveProfiling",))
    visitor = json_field(call, "knownVisitor", _KnownVisitor)
    if visitor is not None:
        settings["knownVisitor"] = {"type": visitor.type, "template": visitor.template}
    return settings


@routes.post(f"{PREFIX}/forms.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description", *_SETTINGS))
def create(call: Call) -> Answer:
    """Create a form with three fields."""
    settings = _given(call, css=False)
    lead_fields = call.instance.lead_fields
    fields = ((field_id, find_form_field(lead_fields, field_id)) for field_id in DEFAULT_FIELDS)
    form = new_form(
        settings,
        [(field_id, form_field_type(field), field.display_name) for field_id, field in fields if field is not None],
    )
    form.profile(progressive=settings.get("progressiveProfiling") is True)
    return family.answer(call, family.create(call, form))


@routes.post(f"{FORM}.json", ASSET_WRITERS, body_optional=("description", "name", "customCss", *_SETTINGS))
def update(call: Call) -> Answer:
    """Change name and description at once, or other members in a draft."""
    settings = _given(call, css=True)
    draft = family.asset(call).proposal()
    draft.settings |= settings
    if "progressiveProfiling" in settings:
        draft.profile(progressive=settings["progressiveProfiling"] is True)
    form = family.describe(call)
    if settings:
        form.accept(draft, call.instance.clock.time())
    return family.answer(call, form)


@routes.post(f"{FORM}/clone.json", ASSET_WRITERS, body=("name", "folder"), body_optional=("description",))
def clone(call: Call) -> Answer:
    """Copy a form."""
    return family.answer(call, family.clone(call))


@routes.post(
    f"{FORM}/submitButton.json", ASSET_WRITERS, body_optional=("buttonPosition", "buttonStyle", "label", "waitingLabel")
)
def update_submit_button(call: Call) -> Answer:
    """Replace the submit button; members that are not given get their default."""
    ordinary, position = SubmitButton(), call.body_integer("buttonPosition")
    button = SubmitButton(
        call.body_text("label") or ordinary.label,
        call.body_text("waitingLabel") or ordinary.waiting_label,
        ordinary.location if position is None else position,
        call.body_text("buttonStyle") or ordinary.style,
    )

    def change(form: Form) -> None:
        form.button = button

    return family.answer(call, family.edit(call, change))


@routes.get(f"{FORM}/thankYouPage.json", ASSET_READERS, optional=("status",))
def thank_you_page(call: Call) -> Answer:
    """Answer the follow-up rules."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    form, version, _ = seen
    return Answer([{"id": form.id, "thankYouList": version.follow_ups}])


@routes.post(f"{FORM}/thankYouPage.json", ASSET_WRITERS, body_optional=("thankyou",))
def update_thank_you_page(call: Call) -> Answer:
    """Replace the follow-up rules."""
    rules = json_field(call, "thankyou", list[_FollowUp])
    if rules is None:
        raise missing("thankyou")
    if sum(rule.default for rule in rules) != 1:
        raise refused("Exactly one follow-up rule must be the default")
    follow_ups = [_follow_up(call.instance, rule) for rule in rules]

    def change(form: Form) -> None:
        form.follow_ups = follow_ups

    form = family.edit(call, change)
    return Answer([{"id": form.id, "thankYouList": follow_ups}])


def _follow_up(instance: Instance, rule: _FollowUp) -> Members:
    if rule.followup_type not in ("lp", "url", "none"):
        raise wrong_type("followupType", "lp or url")
    value = rule.followup_value
    if rule.followup_type == "lp":
        page_id = int(value) if str(value).isdecimal() and value is not None else 0
        if instance.studio.landing_pages.find(page_id) is None:
            raise not_found("Landing Page", value)
    follow_up: Members = {"followupType": rule.followup_type, "followupValue": value, "default": rule.default}
    if rule.default:
        return follow_up
    if rule.operator not in OPERATORS:
        raise wrong_type("operator", "operator")
    values = rule.values.split(",") if isinstance(rule.values, str) else rule.values or []
    return {**follow_up, "subjectField": rule.subject_field, "operator": rule.operator, "values": values}


@routes.get(f"{FORM}/usedBy.json", ASSET_READERS, optional=("offset", "maxReturn"))
def used_by(call: Call) -> Answer:
    """Answer the landing pages that use a form."""
    return users(call, call.instance.studio.forms)
