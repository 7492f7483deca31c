"""Custom activity types: creating, editing, approving, discarding and deleting them and their attributes."""

from __future__ import annotations

from collections.abc import Callable

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import as_flag, as_object, as_text, missing
from marketo_async.sandbox.permissions import ACTIVITY_METADATA_READERS, ACTIVITY_METADATA_WRITERS
from marketo_async.sandbox.records.custom_types import (
    DATA_TYPES,
    CustomType,
    TypeAttribute,
    TypeVersion,
    changed,
    check_api_name,
    check_display_name,
)
from marketo_async.sandbox.routing import Routes

ROOT = "/rest/v1/activities/external/type"
IDENTIFYING = ("apiName", "name", "triggerName", "filterName", "primaryAttribute")

routes = Routes()


@routes.get("/rest/v1/activities/external/types.json", ACTIVITY_METADATA_READERS)
def custom_types(call: Call) -> Answer:
    """Answer all custom types, each in its live version, or as a draft if it has none yet."""
    return Answer([_row(kind, kind.live or kind.newest) for kind in call.instance.custom_types])


@routes.get(f"{ROOT}/{{apiName}}/describe.json", ACTIVITY_METADATA_READERS, optional=("draft",))
def describe_type(call: Call) -> Answer:
    """Answer the live version of a type, or its draft on request."""
    kind = call.instance.custom_types.get(call.path_text("apiName"))
    version = kind.draft if call.flag("draft") else kind.live
    if version is None:
        raise ApiError("1013", f"Activity type '{kind.api_name}' has no such version")
    return Answer([_row(kind, version)])


@routes.post(
    f"{ROOT}.json",
    ACTIVITY_METADATA_WRITERS,
    body=("apiName", "filterName", "name", "primaryAttribute", "triggerName"),
    body_optional=("description",),
)
def create_type(call: Call) -> Answer:
    """Create a type as a draft."""
    api_name, name = call.body_text("apiName") or "", call.body_text("name") or ""
    check_api_name(api_name)
    check_display_name(name)
    draft = TypeVersion(
        name,
        call.body_text("triggerName") or "",
        call.body_text("filterName") or "",
        call.body_text("description") or "",
    )
    draft.add(_primary(call))
    kind = call.instance.custom_types.add(api_name, draft, call.instance.clock.time())
    return Answer([_row(kind, draft)])


@routes.post(
    f"{ROOT}/{{apiName}}.json",
    ACTIVITY_METADATA_WRITERS,
    body_optional=("apiName", "filterName", "name", "primaryAttribute", "triggerName", "description"),
)
def update_type(call: Call) -> Answer:
    """Change the draft of a type; its identifying members are frozen once it has activities."""
    kind = call.instance.custom_types.get(call.path_text("apiName"))
    if kind.live is not None and _renames(call, kind, kind.live) and call.instance.activities.uses_type(kind.id):
        raise ApiError("1022", f"Activity type '{kind.api_name}' is in use")
    api_name, name = call.body_text("apiName"), call.body_text("name")
    if name is not None:
        check_display_name(name)
    draft = kind.proposal()
    draft.name = name or draft.name
    draft.trigger_name = call.body_text("triggerName") or draft.trigger_name
    draft.filter_name = call.body_text("filterName") or draft.filter_name
    description = call.body_text("description")
    draft.description = draft.description if description is None else description
    if call.member("primaryAttribute") is not None:
        draft.change(_primary(call))
    if api_name is not None and api_name != kind.api_name:
        check_api_name(api_name)
        call.instance.custom_types.rename(kind, api_name)
    kind.accept(draft, call.instance.clock.time())
    return Answer([_row(kind, draft)])


def _renames(call: Call, kind: CustomType, live: TypeVersion) -> bool:
    primary = live.primary.api_name if live.primary is not None else None
    now = dict(zip(IDENTIFYING, (kind.api_name, live.name, live.trigger_name, live.filter_name, primary), strict=True))
    for member in IDENTIFYING:
        value = call.member(member)
        value = value.get("apiName") if isinstance(value, dict) else value
        if value is not None and value != now[member]:
            return True
    return False


@routes.post(f"{ROOT}/{{apiName}}/approve.json", ACTIVITY_METADATA_WRITERS)
def approve_type(call: Call) -> Answer:
    """Make the draft of a type its live version."""
    kind = call.instance.custom_types.get(call.path_text("apiName"))
    return Answer([_row(kind, kind.approve(call.instance.clock.time()))])


@routes.post(f"{ROOT}/{{apiName}}/discardDraft.json", ACTIVITY_METADATA_WRITERS)
def discard_draft(call: Call) -> Answer:
    """Drop the draft of an approved type."""
    kind = call.instance.custom_types.get(call.path_text("apiName"))
    return Answer([_row(kind, kind.discard_draft(call.instance.clock.time()))])


@routes.post(f"{ROOT}/{{apiName}}/delete.json", ACTIVITY_METADATA_WRITERS)
def delete_type(call: Call) -> Answer:
    """Delete a type that has no activities."""
    kind = call.instance.custom_types.get(call.path_text("apiName"))
    if call.instance.activities.uses_type(kind.id):
        raise ApiError("1022", f"Activity type '{kind.api_name}' is in use")
    call.instance.custom_types.remove(kind)
    return Answer([_row(kind, kind.newest) | {"status": "deleted"}])


@routes.post(f"{ROOT}/{{apiName}}/attributes/create.json", ACTIVITY_METADATA_WRITERS, body_optional=("attributes",))
def create_attributes(call: Call) -> Answer:
    """Add attributes to the draft of a type."""
    return _edited(call, lambda draft, record: draft.add(_attribute(record)))


@routes.post(f"{ROOT}/{{apiName}}/attributes/update.json", ACTIVITY_METADATA_WRITERS, body_optional=("attributes",))
def update_attributes(call: Call) -> Answer:
    """Change attributes of the draft of a type, by their API names."""

    def update(draft: TypeVersion, record: Members) -> None:
        draft.change(changed(draft.get(_api_name(record)), **_changes(record)))

    return _edited(call, update)


@routes.post(f"{ROOT}/{{apiName}}/attributes/delete.json", ACTIVITY_METADATA_WRITERS, body_optional=("attributes",))
def delete_attributes(call: Call) -> Answer:
    """Drop attributes from the draft of a type, by their API names."""

    def delete(draft: TypeVersion, record: Members) -> None:
        attribute = draft.get(_api_name(record))
        if attribute.is_primary:
            raise ApiError("1003", "The primary attribute cannot be deleted")
        del draft.attributes[attribute.api_name]

    return _edited(call, delete)


def _edited(call: Call, edit: Callable[[TypeVersion, Members], None]) -> Answer:
    kind = call.instance.custom_types.get(call.path_text("apiName"))
    draft = kind.proposal()
    for record in call.records("attributes"):
        edit(draft, record)
    kind.accept(draft, call.instance.clock.time())
    return Answer([_row(kind, draft)])


def _primary(call: Call) -> TypeAttribute:
    record = as_object("primaryAttribute", call.member("primaryAttribute"))
    return changed(_attribute(record), is_primary=True)


def _api_name(record: Members) -> str:
    if record.get("apiName") in (None, ""):
        raise missing("apiName")
    return as_text("apiName", record["apiName"])


def _attribute(record: Members) -> TypeAttribute:
    api_name = _api_name(record)
    check_api_name(api_name)
    if record.get("name") in (None, ""):
        raise missing("name")
    return changed(TypeAttribute(api_name, ""), **_changes(record))


def _changes(record: Members) -> dict[str, str | bool]:
    changes: dict[str, str | bool] = {}
    for member, name in (("name", "name"), ("dataType", "data_type"), ("description", "description")):
        if record.get(member) is not None:
            changes[name] = as_text(member, record[member])
    if "name" in changes:
        check_display_name(str(changes["name"]))
    if changes.get("data_type", "string") not in DATA_TYPES:
        raise ApiError("1003", f"Invalid dataType '{changes['data_type']}'")
    if record.get("isPrimary") is not None:
        changes["is_primary"] = as_flag("isPrimary", record["isPrimary"])
    return changes


def _row(kind: CustomType, version: TypeVersion) -> Members:
    row: Members = {
        "id": kind.id,
        "apiName": kind.api_name,
        "name": version.name,
        "description": version.description,
        "triggerName": version.trigger_name,
        "filterName": version.filter_name,
        "status": kind.status,
        "createdAt": iso(kind.created_at),
        "updatedAt": iso(kind.updated_at),
        "attributes": [_attribute_row(attribute) for attribute in version.secondary],
    }
    if version.primary is not None:
        row["primaryAttribute"] = _attribute_row(version.primary)
    return row


def _attribute_row(attribute: TypeAttribute) -> Members:
    return {
        "apiName": attribute.api_name,
        "name": attribute.name,
        "dataType": attribute.data_type,
        "description": attribute.description,
        "isPrimary": attribute.is_primary,
    }
