"""The fields of custom object types: adding, changing and deleting them in drafts, their data types and links."""

from __future__ import annotations

from dataclasses import dataclass, replace

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.custom_object_types import SCHEMA, TYPE_READERS, TYPE_WRITERS, type_of
from marketo_async.sandbox.parameters import as_flag, as_object, as_text, missing
from marketo_async.sandbox.records.custom_objects import DATA_TYPES, TypeField, check_name
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_fields import Field
from marketo_async.sandbox.records.object_description import ObjectDescription
from marketo_async.sandbox.routing import Routes

EDITABLE = ("name", "displayName", "dataType", "description", "isDedupeField", "relatedTo")
_BLANK = TypeField("", "", "")

routes = Routes()


@dataclass(frozen=True, slots=True)
class _Linkable:
    """An object that fields can link to, and the linkable fields of it."""

    name: str
    display_name: str
    fields: dict[str, Field]

    @classmethod
    def of(cls, name: str, display_name: str, fields: list[Field]) -> _Linkable:
        return cls(name, display_name, {field.name: field for field in fields})


@routes.post(f"{SCHEMA}/{{apiName}}/addField.json", TYPE_WRITERS, body=("input",))
def add_fields(call: Call) -> Answer:
    """Add fields to the draft of a type, all of them or none."""
    kind = type_of(call)
    proposal = kind.proposal()
    for record in call.records():
        for member in ("name", "displayName", "dataType"):
            if not record.get(member):
                raise missing(member)
        proposal.put(_edited(call, kind.api_name, _BLANK, record))
    kind.accept(proposal, call.instance.clock.time())
    return Answer([])


@routes.post(f"{SCHEMA}/{{apiName}}/deleteField.json", TYPE_WRITERS, body=("input",))
def delete_fields(call: Call) -> Answer:
    """Drop fields from the draft of a type, all of them or none."""
    kind = type_of(call)
    proposal = kind.proposal()
    for record in call.records():
        name = as_text("name", record.get("name"))
        proposal.get(name)
        del proposal.fields[name]
    kind.accept(proposal, call.instance.clock.time())
    return Answer([])


@routes.post(f"{SCHEMA}/{{apiName}}/{{fieldApiName}}/updateField.json", TYPE_WRITERS, body_optional=EDITABLE)
def update_field(call: Call) -> Answer:
    """Change a field in the draft of a type."""
    kind = type_of(call)
    proposal = kind.proposal()
    name = call.path_text("fieldApiName")
    changes: Members = {member: value for member in EDITABLE if (value := call.member(member)) is not None}
    proposal.put(_edited(call, kind.api_name, proposal.get(name), changes), name)
    kind.accept(proposal, call.instance.clock.time())
    return Answer([])


def _edited(call: Call, api_name: str, old: TypeField, changes: Members) -> TypeField:
    new = old
    if "name" in changes:
        new = replace(new, name=as_text("name", changes["name"]))
        check_name(new.name)
    if "displayName" in changes:
        new = replace(new, display_name=as_text("displayName", changes["displayName"]))
    if "dataType" in changes:
        new = replace(new, data_type=as_text("dataType", changes["dataType"]))
        if new.data_type not in DATA_TYPES:
            raise ApiError("1003", f"Invalid dataType '{new.data_type}'")
    if "description" in changes:
        new = replace(new, description=as_text("description", changes["description"]))
    if "isDedupeField" in changes:
        new = replace(new, is_dedupe_field=as_flag("isDedupeField", changes["isDedupeField"]))
    if changes.get("relatedTo") is not None:
        new = replace(new, related_to=_link(call, api_name, as_object("relatedTo", changes["relatedTo"])))
    return new


def _link(call: Call, api_name: str, related_to: Members) -> tuple[str, str]:
    name, field = (as_text(member, related_to.get(member)) for member in ("name", "field"))
    for linkable in _linkable(call.instance):
        if linkable.name.casefold() == name.casefold() and linkable.name != api_name and field in linkable.fields:
            return linkable.name, field
    raise ApiError("1003", f"Object '{name}' cannot be linked to")


@routes.get(f"{SCHEMA}/fieldDataTypes.json", TYPE_READERS)
def field_data_types(_call: Call) -> Answer:
    """Answer the data types that fields can have."""
    return Answer(DATA_TYPES)


@routes.get(f"{SCHEMA}/linkableObjects.json", TYPE_READERS)
def linkable_objects(call: Call) -> Answer:
    """Answer the objects that fields can link to."""
    return Answer(
        [
            {
                "name": linkable.name,
                "displayName": linkable.display_name,
                "fields": [
                    {"name": field.name, "displayName": field.display_name, "dataType": field.data_type}
                    for field in linkable.fields.values()
                ],
            }
            for linkable in _linkable(call.instance)
        ]
    )


def _linkable(instance: Instance) -> list[_Linkable]:
    companies = instance.objects.companies.description
    leads = [field for field in instance.lead_fields if field.searchable and field.on_rest]
    company_fields = [companies.fields.get(name) for name in (companies.id_field, *companies.dedupe_fields)]
    # A type that links to another object can't be a target of links.
    ends = [kind for kind in instance.objects.custom if kind.live is not None and not kind.live.links]
    return [
        _Linkable.of("Lead", "Lead", leads),
        _Linkable.of("Company", "Company", company_fields),
        *(_linkable_type(kind.describe(*kind.version("approved"))) for kind in ends),
    ]


def _linkable_type(description: ObjectDescription) -> _Linkable:
    fields = [description.fields.get(name) for name in description.dedupe_fields]
    return _Linkable.of(description.name, description.display_name, fields)
