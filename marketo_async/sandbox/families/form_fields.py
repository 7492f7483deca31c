"""The fields of forms: adding, changing, placing and removing them, and the available fields."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import found, json_field
from marketo_async.sandbox.families.designs import PREFIX, given, nothing
from marketo_async.sandbox.families.forms import FORM, family
from marketo_async.sandbox.multipart import Upload
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.parameters import missing, wrong_type
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.form_fields import find_form_field, form_field_id, form_field_type, usable_fields
from marketo_async.sandbox.records.forms import (
    FIELD_SET,
    LONGEST_RICH_TEXT,
    OPERATORS,
    RICH_TEXT,
    RULE_TYPES,
    Form,
    FormField,
    Position,
    Visibility,
)
from marketo_async.sandbox.records.lead_fields import Field, Fields
from marketo_async.sandbox.records.markup import Markup
from marketo_async.sandbox.routing import Routes

routes = Routes()

_TEXTS = ("defaultValue", "hintText", "instructions", "label", "maskInput", "validationMessage")
_FLAGS = ("formPrefill", "isSensitive", "initiallyChecked", "labelToRight", "multiSelect", "required")
_INTEGERS = ("blankFields", "fieldWidth", "labelWidth", "maxLength", "visibleLines")
_NUMBERS = ("minValue", "maxValue")
_SETTINGS = (*_TEXTS, *_FLAGS, *_INTEGERS, *_NUMBERS, "fieldType", "values")
_TEXT_AREA: Members = {"dataType": "textarea", "visibleRows": 2}

# These describe the input and have their own member in answers.
_META: Mapping[str, str] = {
    "initiallyChecked": "initiallyChecked",
    "labelToRight": "labelToRight",
    "maskInput": "fieldMask",
    "maxValue": "maxValue",
    "minValue": "minValue",
    "multiSelect": "multiSelect",
    "values": "values",
    "visibleLines": "visibleLines",
}
_FORBIDDEN = frozenset(("script", "meta", "link"))


class _Rule(msgspec.Struct, rename="camel"):
    subject_field: str
    operator: str
    values: list[str] = []
    alt_label: str | None = None


class _Visibility(msgspec.Struct, rename="camel"):
    rule_type: str
    rules: list[_Rule] = []


class _Option(msgspec.Struct, rename="camel"):
    label: str
    value: str
    is_default: bool = False
    selected: bool = False


class _Place(msgspec.Struct, rename="camel"):
    field_name: str
    column_number: int
    row_number: int
    field_list: list[_Place] = []


def _row(form: Form, item: FormField) -> Members:
    settings = {name: value for name, value in item.settings.items() if name not in _META}
    row: Members = {
        "id": item.id,
        "dataType": item.data_type,
        "rowNumber": item.row,
        "columnNumber": item.column,
        "required": False,
        "formPrefill": True,
        "fieldMetaData": {_META[name]: value for name, value in item.settings.items() if name in _META},
        "visibilityRules": {"ruleType": item.visibility.rule_type, "rules": item.visibility.rules},
        **settings,
    }
    return {**row, "fields": [inner.id for inner in form.within(item.id)]} if item.is_field_set else row


@routes.get(f"{FORM}/fields.json", ASSET_READERS, optional=("status",))
def fields(call: Call) -> Answer:
    """Answer the fields of a form in order; the fields of a field set follow it."""
    seen = family.seen(call)
    if seen is None:
        return nothing()
    _, form, _ = seen
    return found(
        [_row(form, item) for outer in form.within(None) for item in (outer, *form.within(outer.id))],
    )


@routes.post(f"{FORM}/fields.json", ASSET_WRITERS, body=("fieldId",), body_optional=_SETTINGS)
def add(call: Call) -> Answer:
    """Add a field below the others."""
    field_id = call.body_text("fieldId") or ""
    field = _known(call, field_id)
    settings = {"label": field.display_name, **_settings(call)}
    kind = call.body_text("fieldType") or form_field_type(field)
    form = family.edit(call, lambda form: form.add(field_id, kind, settings)).newest
    return Answer([_row(form, form.field(field_id))])


def _known(call: Call, field_id: str) -> Field:
    field = find_form_field(call.instance.lead_fields, field_id)
    if field is None:
        field = find_form_field(call.instance.member_fields, field_id)
        if field is not None and call.instance.folders.program(family.asset(call).folder) is None:
            raise refused("Program member fields are only for forms of programs")
    if field is None:
        raise ApiError("1006", f"Field '{field_id}' not found")
    return field


def _settings(call: Call) -> Members:
    settings = given(call, texts=_TEXTS, flags=_FLAGS, numbers=_INTEGERS)
    for name in _NUMBERS:
        text = call.body_text(name)
        if text is not None:
            settings[name] = _number(name, text)
    options = json_field(call, "values", list[_Option])
    if options is not None:
        settings["values"] = [msgspec.to_builtins(option) for option in options]
    return settings


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise wrong_type(name, "number") from None


@routes.post(f"{FORM}/field/{{fieldId}}.json", ASSET_WRITERS, body_optional=_SETTINGS)
def update(call: Call) -> Answer:
    """Change a field."""
    field_id, settings, kind = call.path_text("fieldId"), _settings(call), call.body_text("fieldType")

    def change(form: Form) -> None:
        item = form.field(field_id)
        item.settings |= settings
        item.data_type = kind or item.data_type

    form = family.edit(call, change).newest
    return Answer([_row(form, form.field(field_id))])


@routes.post(f"{FORM}/field/{{fieldId}}/delete.json", ASSET_WRITERS)
def delete(call: Call) -> Answer:
    """Remove a field."""
    field_id = call.path_text("fieldId")
    return Answer([{"id": family.edit(call, lambda form: form.remove(field_id)).id}])


@routes.post(f"{FORM}/fieldSet.json", ASSET_WRITERS, body=("label",))
def add_field_set(call: Call) -> Answer:
    """Add an empty field set."""
    return _numbered(call, "Fieldset", FIELD_SET, {"label": call.body_text("label")})


@routes.post(f"{FORM}/richText.json", ASSET_WRITERS, body=("text",))
def add_rich_text(call: Call) -> Answer:
    """Add rich text, given as a file or as a plain member."""
    value = call.member("text")
    text = value.content.decode(errors="replace") if isinstance(value, Upload) else call.body_text("text") or ""
    if len(text.encode()) > LONGEST_RICH_TEXT:
        raise ApiError("701", f"The text is longer than {LONGEST_RICH_TEXT} bytes")
    if Markup.read(text).tags & _FORBIDDEN:
        raise refused("Rich text cannot have script, meta or link tags")
    return _numbered(call, "HtmlText", RICH_TEXT, {"text": text, "labelWidth": 260})


def _numbered(call: Call, name: str, kind: str, settings: Members) -> Answer:
    form = family.edit(call, lambda form: form.add_numbered(name, kind, settings)).newest
    return Answer([_row(form, form.field(f"{name}_{form.last_number}"))])


@routes.post(f"{FORM}/fieldSet/{{fieldSetId}}/field/{{fieldId}}/delete.json", ASSET_WRITERS)
def delete_from_field_set(call: Call) -> Answer:
    """Remove a field of a field set."""
    field_set_id, field_id = call.path_text("fieldSetId"), call.path_text("fieldId")

    def change(form: Form) -> None:
        if form.field(field_id).field_set != form.field(field_set_id).id:
            raise refused(f"'{field_id}' is not in '{field_set_id}'")
        form.remove(field_id)

    return Answer([{"id": family.edit(call, change).id}])


@routes.post(f"{FORM}/reArrange.json", ASSET_WRITERS, body_optional=("positions",))
def rearrange(call: Call) -> Answer:
    """Set the positions of all fields."""
    places = json_field(call, "positions", list[_Place])
    if not places:
        raise missing("positions")
    positions = [_position(place) for place in places]
    return Answer([{"id": family.edit(call, lambda form: form.rearrange(positions)).id}])


def _position(place: _Place) -> Position:
    inside = tuple(_position(inner) for inner in place.field_list)
    return Position(place.field_name, place.row_number, place.column_number, inside)


@routes.post(
    f"{PREFIX}/form/{{formId}}/field/{{fieldId}}/visibility.json", ASSET_WRITERS, body_optional=("visibilityRule",)
)
def update_visibility(call: Call) -> Answer:
    """Replace the visibility rules of a field."""
    field_id, rule = call.path_text("fieldId"), json_field(call, "visibilityRule", _Visibility)
    if rule is None:
        raise missing("visibilityRule")
    visibility = _checked(rule)

    def change(form: Form) -> None:
        form.field(field_id).visibility = visibility

    family.edit(call, change, "formId")
    return Answer([{"formFieldId": field_id, "ruleType": visibility.rule_type, "rules": visibility.rules}])


def _checked(rule: _Visibility) -> Visibility:
    if rule.rule_type not in RULE_TYPES:
        raise wrong_type("ruleType", "show, hide or alwaysShow")
    if any(one.operator not in OPERATORS for one in rule.rules):
        raise wrong_type("operator", "operator")
    rules: list[Members] = [
        {
            "subjectField": one.subject_field,
            "operator": one.operator,
            "values": one.values,
            "altLabel": one.alt_label,
        }
        for one in rule.rules
    ]
    return Visibility(rule.rule_type, rules)


@routes.get(f"{PREFIX}/form/fields.json", ASSET_READERS, optional=("maxReturn", "offset"))
def lead_fields(call: Call) -> Answer:
    """Answer the lead fields that are available in forms."""
    return offset_page(call, _metadata(call.instance.lead_fields))


@routes.get(f"{PREFIX}/form/programMemberFields.json", ASSET_READERS, optional=("maxReturn", "offset"))
def member_fields(call: Call) -> Answer:
    """Answer the program member fields that are available in forms of programs."""
    return offset_page(call, _metadata(call.instance.member_fields))


def _metadata(fields: Fields) -> list[Members]:
    return [
        {
            "id": form_field_id(field),
            "dataType": field.data_type,
            "description": field.description,
            "isRequired": False,
            "isSensitive": field.sensitive,
            "maxLength": field.length,
            **(_TEXT_AREA if field.data_type == "text" else {}),
        }
        for field in usable_fields(fields)
    ]
