"""Custom object types for administrators: drafts, approvals, and uses.

See ``custom_object_fields`` for their fields and ``custom_objects`` for their records.
"""

from __future__ import annotations

from typing import cast, get_args

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.object_records import description_row
from marketo_async.sandbox.parameters import as_flag, missing
from marketo_async.sandbox.permissions import object_readers, object_writers
from marketo_async.sandbox.records.custom_objects import CustomObjectType, TypeVersion
from marketo_async.sandbox.records.object_description import State
from marketo_async.sandbox.records.object_sync import as_action
from marketo_async.sandbox.routing import Routes

TYPE_READERS = object_readers("Custom Object Type")
TYPE_WRITERS = object_writers("Custom Object Type")
SCHEMA = "/rest/v1/customobjects/schema"

routes = Routes()


def type_of(call: Call) -> CustomObjectType:
    """Return the type of the path, or raise 1013."""
    return call.instance.objects.custom.get(call.path_text("apiName"))


def _state(call: Call) -> State | None:
    state = call.text("state")
    if state is not None and state not in get_args(State):
        raise ApiError("1003", f"Invalid state '{state}'")
    return cast(State | None, state)


def _row(kind: CustomObjectType, state: State | None) -> Members:
    return description_row(kind.describe(*kind.version(state)), named="apiName")


@routes.get(f"{SCHEMA}.json", TYPE_READERS, optional=("names", "state"))
def types(call: Call) -> Answer:
    """Answer the types, optionally only those in one state."""
    names, state = call.many("names"), _state(call)
    return Answer(
        [
            _row(kind, state)
            for kind in call.instance.objects.custom
            if (not names or kind.api_name in names) and state in (None, kind.state)
        ]
    )


@routes.get(f"{SCHEMA}/{{apiName}}/describe.json", TYPE_READERS, optional=("state",))
def describe_type(call: Call) -> Answer:
    """Answer one type, in its approved version unless a state is given."""
    return Answer([_row(type_of(call), _state(call))])


@routes.post(
    f"{SCHEMA}.json",
    TYPE_WRITERS,
    body=("apiName",),
    body_optional=("displayName", "action", "pluralName", "description", "showInLeadDetail"),
)
def sync_type(call: Call) -> Answer:
    """Create a type as a draft, or edit the draft of a type; the answer is only success."""
    action = as_action(call.body_text("action"))
    custom, now = call.instance.objects.custom, call.instance.clock.time()
    api_name = call.body_text("apiName") or ""
    kind = custom.find(api_name)
    # An update need not repeat the name.
    if not call.body_text("displayName") and action != "updateOnly":
        raise missing("displayName")
    if kind is None:
        if action == "updateOnly":
            raise ApiError("1013", f"Object '{api_name}' not found")
        draft = TypeVersion("", "")
        _edit(call, draft)
        custom.add(api_name, draft, now)
        return Answer([])
    if action == "createOnly":
        raise ApiError("1017", f"Object '{api_name}' already exists")
    proposal = kind.proposal()
    _edit(call, proposal)
    kind.accept(proposal, now)
    return Answer([])


def _edit(call: Call, version: TypeVersion) -> None:
    version.display_name = call.body_text("displayName") or version.display_name
    version.plural_name = call.body_text("pluralName") or version.plural_name or version.display_name
    description, shown = call.body_text("description"), call.member("showInLeadDetail")
    if description is not None:
        version.description = description
    if shown is not None:
        version.show_in_lead_detail = as_flag("showInLeadDetail", shown)


@routes.post(f"{SCHEMA}/{{apiName}}/approve.json", TYPE_WRITERS)
def approve_type(call: Call) -> Answer:
    """Make the draft of a type its approved version."""
    type_of(call).approve(call.instance.clock.time())
    return Answer([])


@routes.post(f"{SCHEMA}/{{apiName}}/discardDraft.json", TYPE_WRITERS)
def discard_draft(call: Call) -> Answer:
    """Drop the draft of an approved type."""
    type_of(call).discard_draft(call.instance.clock.time())
    return Answer([])


@routes.post(f"{SCHEMA}/{{apiName}}/delete.json", TYPE_WRITERS)
def delete_type(call: Call) -> Answer:
    """Delete an unused type with all its records."""
    call.instance.objects.custom.remove(type_of(call))
    return Answer([])


@routes.get(f"{SCHEMA}/{{apiName}}/dependentAssets.json", TYPE_READERS)
def dependent_assets(call: Call) -> Answer:
    """Answer the assets and types that use a type."""
    return Answer(
        [
            {
                "assetType": asset.asset_type,
                "assetId": asset.asset_id,
                "assetName": asset.asset_name,
                "usedFields": list(asset.used_fields),
            }
            for asset in call.instance.objects.custom.dependents(type_of(call))
        ]
    )
