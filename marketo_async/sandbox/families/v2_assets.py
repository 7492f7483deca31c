"""Emails, email templates and fragments of the new designer (``/rest/asset/v2``): the operations of all three kinds.

See ``v2_asset_kinds`` for how the kinds differ, and ``v2_asset_search`` for finding contents and their uses.
"""

from __future__ import annotations

from functools import partial

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.v2_asset_kinds import KINDS, Kind, check_settings, content_row, fill
from marketo_async.sandbox.parameters import as_flag, as_object, as_text, missing
from marketo_async.sandbox.records.v2_assets import V2Asset
from marketo_async.sandbox.routing import Routes

routes = Routes()

MOST_IDS = 20


def content(kind: Kind, call: Call) -> Answer:
    """Answer the version of a content that has this id."""
    content_id = call.path_text("id")
    found = call.instance.v2_assets.require(kind.path, content_id)
    return _one(kind, call, found, content_id)


def create_content(kind: Kind, call: Call) -> Answer:
    """Create a content as a draft."""
    name, app_data = as_text("name", call.member("name")), kind.app_data(call)
    check_settings(kind, call)
    if kind.has_headers and not as_object("headers", call.member("headers")).get("subject"):
        raise missing("headers.subject")
    store, now = call.instance.v2_assets, call.instance.clock.time()
    store.check_name(kind.path, name, app_data["workspaceId"])
    filled = fill(kind, call, None)
    created, draft = store.create(kind.path, name, app_data, call.user.login, now)
    created.description = call.body_text("description") or ""
    created.draft = filled.copied(draft.id)
    return _one(kind, call, created, created.id)


def update_content(kind: Kind, call: Call) -> Answer:
    """Change name and description of a content at once, and its other members in its draft."""
    store = call.instance.v2_assets
    found = store.require(kind.path, call.path_text("id"))
    name, description = call.body_text("name"), call.body_text("description")
    if name is not None:
        store.check_name(kind.path, name, found.app_data["workspaceId"], besides=found)
    shown = found.id if found.draft is None else found.draft.id
    if any(call.member(member) is not None for member in kind.says):
        filled = fill(kind, call, found.draft or found.approved)
        draft = store.edited(found)
        found.draft = filled.copied(draft.id)
        shown = draft.id
    found.name = name or found.name
    found.description = found.description if description is None else description
    _touch(call, found)
    return _one(kind, call, found, shown)


def clone_content(kind: Kind, call: Call) -> Answer:
    """Create a draft as a copy of another content."""
    source = call.instance.v2_assets.require(kind.path, as_text("assetId", call.member("assetId")))
    new = as_object("newAsset", call.member("newAsset"))
    if not new.get("name"):
        raise missing("newAsset.name")
    name = as_text("newAsset.name", new["name"])
    description = source.description if new.get("description") is None else as_text("description", new["description"])
    clone = call.instance.v2_assets.clone(source, name, call.user.login, call.instance.clock.time())
    clone.description = description
    return _one(kind, call, clone, clone.id)


def change_state(kind: Kind, call: Call) -> Answer:
    """Approve, unapprove, discard or create the draft of a content."""
    store = call.instance.v2_assets
    found = store.require(kind.path, as_text("contentId", call.member("contentId")))
    match as_text("action", call.member("action")):
        case "approve":
            version = store.approve(found)
        case "unapprove":
            version = store.unapprove(found)
        case "discard":
            version = store.discard(found)
        case "create_draft":
            version = store.create_draft(found)
        case action:
            raise ApiError("1003", f"Invalid action '{action}'")
    _touch(call, found)
    return _one(kind, call, found, version.id)


def delete_content(kind: Kind, call: Call) -> Answer:
    """Delete a content that is not approved and not in use."""
    store = call.instance.v2_assets
    found = store.require(kind.path, call.path_text("id"))
    store.check_deletable(found)
    store.delete(found)
    return Answer()


def bulk_get(kind: Kind, call: Call) -> Answer:
    """Answer the contents that exist."""
    found = [(call.instance.v2_assets.find(kind.path, given), given) for given in asset_ids(call, MOST_IDS)]
    return Answer([content_row(kind, call.instance, one, given, full=True) for one, given in found if one is not None])


def bulk_delete(kind: Kind, call: Call) -> Answer:
    """Delete all contents, or none if one can't be deleted."""
    store, ignored = call.instance.v2_assets, call.member("ignoreUsedBy")
    in_use = ignored is not None and as_flag("ignoreUsedBy", ignored)
    found = {one.id: one for one in (store.require(kind.path, given) for given in asset_ids(call, MOST_IDS))}
    for one in found.values():
        store.check_deletable(one, in_use=in_use)
    for one in found.values():
        store.delete(one)
    return Answer()


def asset_ids(call: Call, most: int) -> list[str]:
    """Return the set of ids of a bulk call."""
    value = call.member("assetIds")
    if not isinstance(value, list):
        raise ApiError("1001", "Invalid value for 'assetIds', required of type array")
    if len(value) > most:
        raise ApiError("1003", f"'assetIds' exceeds the maximum of {most}")
    return list(dict.fromkeys(as_text("assetIds", item) for item in value))


def _touch(call: Call, found: V2Asset) -> None:
    found.modified_at, found.modified_by = call.instance.clock.time(), call.user.login


def _one(kind: Kind, call: Call, found: V2Asset, id: str) -> Answer:
    return Answer([content_row(kind, call.instance, found, id, full=True)])


def _declare(kind: Kind) -> None:
    base = f"/rest/asset/v2/{kind.path}"
    post = routes.post
    post(base, kind.editors, body=kind.create, body_optional=kind.create_optional)(partial(create_content, kind))
    post(f"{base}/clone", kind.editors, body=("assetId", "newAsset"))(partial(clone_content, kind))
    post(f"{base}/state/transition", kind.approvers, body=("contentId", "action"))(partial(change_state, kind))
    routes.get(f"{base}/{{id}}", kind.readers)(partial(content, kind))
    post(f"{base}/{{id}}/delete", kind.deleters)(partial(delete_content, kind))
    post(f"{base}/{{id}}/update", kind.editors, body_optional=kind.update)(partial(update_content, kind))
    post(f"{base}/bulk/get", kind.readers, body=("assetIds",))(partial(bulk_get, kind))
    post(f"{base}/bulk/delete", kind.deleters, body=("assetIds",), body_optional=("ignoreUsedBy",))(
        partial(bulk_delete, kind)
    )


for _kind in KINDS:
    _declare(_kind)
