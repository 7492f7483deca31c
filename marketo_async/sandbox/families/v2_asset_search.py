"""Finding v2 emails, email templates and fragments, and the contents that use them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.v2_asset_kinds import KINDS, Kind, content_row
from marketo_async.sandbox.families.v2_assets import asset_ids
from marketo_async.sandbox.parameters import as_integer, as_text, split
from marketo_async.sandbox.records.v2_assets import State, V2Asset
from marketo_async.sandbox.routing import Routes

routes = Routes()

MOST_USED_BY_IDS = 50
CONTENT_ROWS, MOST_CONTENT_ROWS = 20, 50

_FILTERS = (
    "folderId",
    "folderType",
    "status",
    "pageIndex",
    "pageSize",
    "createdAtEnd",
    "createdAtStart",
    "modifiedAtStart",
    "modifiedAtEnd",
    "name",
    "sortKey",
    "sortOrder",
    "isCreatedByMe",
    "isModifiedByMe",
    "scriptEngine",
    "isValueNonNullable",
    "includeArchived",
)
_SORT_KEYS: dict[str, Callable[[V2Asset], tuple[float, str]]] = {
    "id": lambda content: (int(content.id), ""),
    "name": lambda content: (0, content.name.casefold()),
    "createdAt": lambda content: (content.created_at, ""),
    "modifiedAt": lambda content: (content.modified_at, ""),
}


def filter_contents(kind: Kind, call: Call) -> Answer:
    """Answer a page of the contents of a workspace that match every given filter."""
    wanted = [content for content in call.instance.v2_assets.of_kind(kind.path) if _placed(kind, call, content)]
    states = _states(call)
    shown = [
        (content, version.id)
        for content in _sorted(call, wanted)
        for state, version in list(content.versions.items())
        if state == next((held for held in content.versions if held in states), None)
        and (kind.template_filter is None or call.text(kind.template_filter) in (None, version.template_id))
        and (kind.type_filter is None or call.text(kind.type_filter) in (None, version.settings.get("fragmentType")))
    ]
    index, size = _page(call.integer("pageIndex"), call.integer("pageSize"))
    page = shown[index * size : (index + 1) * size]
    items = [content_row(kind, call.instance, content, version_id, full=False) for content, version_id in page]
    return Answer({**_details(len(shown), index, size), "items": items})


def used_by(kind: Kind, call: Call) -> Answer:
    """Answer a page of the contents that use one."""
    store = call.instance.v2_assets
    found = store.require(kind.path, as_text("assetId", call.member("assetId")))
    type_ = call.body_text("type")
    users = [user for user in store.users(found) if type_ is None or user.kind == type_]
    index, size = _page(_integer(call, "pageIndex"), _integer(call, "pageSize"))
    page = users[index * size : (index + 1) * size]
    return Answer([_user_row(user) for user in page], page_details=_details(len(users), index, size))


def bulk_used_by(kind: Kind, call: Call) -> Answer:
    """Answer how many contents use each of the existing ones."""
    store = call.instance.v2_assets
    rows: list[Members] = []
    for given in asset_ids(call, MOST_USED_BY_IDS):
        found = store.find(kind.path, given)
        if found is not None:
            count = len(store.users(found))
            rows.append({"id": given, "name": found.name, "count": count, "used": count > 0})
    return Answer(rows)


def _placed(kind: Kind, call: Call, content: V2Asset) -> bool:
    """Return whether place, name, dates and authors match the filters."""
    place = content.app_data
    # The documentation has some filters that the description lacks.
    folder_ids = call.many("folderId") + split(call.query.get("folderIds", []))
    folder = "programId" if (call.text("folderType") or "").casefold() == "program" else "folderId"
    spans = (
        (content.created_at, call.moment("createdAtStart"), call.moment("createdAtEnd")),
        (content.modified_at, call.moment("modifiedAtStart"), call.moment("modifiedAtEnd")),
    )
    authors = (
        (content.created_by, call.flag("isCreatedByMe"), split(call.query.get("createdBy", []))),
        (content.modified_by, call.flag("isModifiedByMe"), split(call.query.get("modifiedBy", []))),
    )
    name = call.text("name")
    return (
        place["workspaceId"] == call.text("workspaceId")
        and (not folder_ids or place.get(folder) in folder_ids)
        and (name is None or name.casefold() == content.name.casefold())
        and call.text("scriptEngine") in (None, kind.script_engine)
        and all((start is None or start <= at) and (end is None or at <= end) for at, start, end in spans)
        and all((not mine or by == call.user.login) and (not names or by in names) for by, mine, names in authors)
    )


def _states(call: Call) -> set[State]:
    states: set[State] = set()
    for status in call.many("status"):
        match status.casefold():
            case "draft":
                states.add("draft")
            case "approved":
                states.add("approved")
            case _:
                raise ApiError("1003", f"Invalid status '{status}'")
    return states or {"draft", "approved"}


def _sorted(call: Call, contents: list[V2Asset]) -> list[V2Asset]:
    key, order = call.text("sortKey") or "id", (call.text("sortOrder") or "ASC").upper()
    if key not in _SORT_KEYS:
        raise ApiError("1003", f"Invalid sortKey '{key}'")
    if order not in ("ASC", "DESC"):
        raise ApiError("1003", f"Invalid sortOrder '{order}'")
    return sorted(contents, key=_SORT_KEYS[key], reverse=order == "DESC")


def _integer(call: Call, name: str) -> int | None:
    value = call.member(name)
    return None if value is None else as_integer(name, value)


def _page(index: int | None, size: int | None) -> tuple[int, int]:
    index, size = index or 0, CONTENT_ROWS if size is None else size
    if index < 0:
        raise ApiError("1003", "'pageIndex' must not be negative")
    if not 1 <= size <= MOST_CONTENT_ROWS:
        raise ApiError("1003", f"'pageSize' must lie between 1 and {MOST_CONTENT_ROWS}")
    return index, size


def _details(total: int, index: int, size: int) -> Members:
    return {"totalItems": total, "pageSize": size, "currentPage": index}


def _user_row(user: V2Asset) -> Members:
    place = {name: user.app_data.get(name) for name in ("editorType", "folderId", "workspaceId")}
    return {
        "id": user.id,
        "name": user.name,
        "appData": {name: value for name, value in place.items() if value is not None},
        "channel": "email",
        "contentType": user.kind,
        "externalId": user.id,
    }


for _kind in KINDS:
    _base = f"/rest/asset/v2/{_kind.path}"
    _own = tuple(name for name in (_kind.template_filter, _kind.type_filter) if name is not None)
    routes.get(f"{_base}/filter", _kind.readers, required=("workspaceId",), optional=_FILTERS + _own)(
        partial(filter_contents, _kind)
    )
    routes.post(f"{_base}/usedby", _kind.browsers, body=("assetId",), body_optional=("pageIndex", "pageSize", "type"))(
        partial(used_by, _kind)
    )
    routes.post(f"{_base}/bulk/usedby", _kind.browsers, body=("assetIds",))(partial(bulk_used_by, _kind))
