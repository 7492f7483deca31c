"""Static lists as assets: browsing them by offset."""

from __future__ import annotations

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.permissions import ASSET_READERS
from marketo_async.sandbox.records.static_lists import StaticList
from marketo_async.sandbox.routing import Routes

routes = Routes()


class _Folder(msgspec.Struct):
    id: int
    type: str


@routes.get(
    "/rest/asset/v1/staticLists.json",
    ASSET_READERS,
    optional=("folder", "offset", "maxReturn", "earliestUpdatedAt", "latestUpdatedAt"),
)
def static_lists(call: Call) -> Answer:
    """Answer the static lists of a folder, or of all folders."""
    folder = _folder(call.text("folder"))
    earliest, latest = call.moment("earliestUpdatedAt"), call.moment("latestUpdatedAt")
    return offset_page(
        call,
        [
            _row(static_list)
            for static_list in call.instance.lists
            if (folder is None or static_list.folder == folder)
            and (earliest is None or static_list.updated_at >= earliest)
            and (latest is None or static_list.updated_at <= latest)
        ],
    )


def _folder(text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    try:
        folder = msgspec.json.decode(text, type=_Folder)
    except msgspec.DecodeError:
        raise ApiError("1001", "Invalid value for 'folder', required of type Folder") from None
    return folder.id, folder.type.capitalize()


def _row(static_list: StaticList) -> Members:
    folder_id, folder_type = static_list.folder
    return {
        "id": static_list.id,
        "name": static_list.name,
        "description": static_list.description,
        "createdAt": asset_iso(static_list.created_at),
        "updatedAt": asset_iso(static_list.updated_at),
        "folder": {"id": folder_id, "type": folder_type},
        "computedUrl": f"https://app-sb.marketo.com/#ST{static_list.id}A1",
        "workspace": static_list.workspace_name,
    }
