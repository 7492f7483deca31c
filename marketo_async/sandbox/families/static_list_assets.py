"""Static lists as assets: finding, creating, changing and deleting them. See ``list_members`` for their members."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import (
    UPDATED,
    asset_description,
    asset_name,
    found,
    new_name_and_description,
    updated_between,
)
from marketo_async.sandbox.families.folder_arguments import folder_filter, parent_folder
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.folders import LEAD_DATABASE, MARKETING_ACTIVITIES, PROGRAM
from marketo_async.sandbox.records.program_tree import ProgramTree
from marketo_async.sandbox.records.static_lists import StaticList
from marketo_async.sandbox.routing import Routes

routes = Routes()


@routes.get(
    "/rest/asset/v1/staticLists.json",
    ASSET_READERS,
    optional=("folder", "offset", "maxReturn", *UPDATED),
)
def static_lists(call: Call) -> Answer:
    """Answer the static lists of a folder, or of all folders."""
    folder = folder_filter(call)
    kept = updated_between(call, call.instance.program_assets.static_lists)
    return offset_page(call, [_row(one) for one in kept if folder is None or one.folder == folder])


@routes.get("/rest/asset/v1/staticList/{id}.json", ASSET_READERS)
def static_list_by_id(call: Call) -> Answer:
    """Answer one static list."""
    static_list = call.instance.program_assets.static_lists.find(call.path_id("id"))
    return found([] if static_list is None else [_row(static_list)])


@routes.get("/rest/asset/v1/staticList/byName.json", ASSET_READERS, required=("name",))
def static_list_by_name(call: Call) -> Answer:
    """Answer the static list of exactly this name."""
    name = call.text("name")
    return found([_row(one) for one in call.instance.program_assets.static_lists if one.name == name])


@routes.post("/rest/asset/v1/staticLists.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description",))
def create_static_list(call: Call) -> Answer:
    """Create an empty static list."""
    name, description = asset_name(call), asset_description(call) or ""
    folder = parent_folder(call, roots=(LEAD_DATABASE, MARKETING_ACTIVITIES))
    tree = call.instance.folders
    program_id = tree.program(folder.key)
    program_name = None if program_id is None else tree.name((program_id, PROGRAM))

    def made(new_id: int, now: float) -> StaticList:
        static_list = StaticList(
            new_id, name, (), now, program_name=program_name, workspace_name=folder.workspace, folder=folder.key
        )
        static_list.description = description
        return static_list

    return Answer([_row(call.instance.program_assets.static_lists.add(name, folder.key, made))])


@routes.post("/rest/asset/v1/staticList/{id}.json", ASSET_WRITERS, body_optional=("description", "name"))
def update_static_list(call: Call) -> Answer:
    """Change name and description of a static list."""
    shelf = call.instance.program_assets.static_lists
    static_list = shelf.get(call.path_id("id"))
    shelf.describe(static_list, *new_name_and_description(call))
    return Answer([_row(static_list)])


@routes.post("/rest/asset/v1/staticList/{id}/delete.json", ASSET_WRITERS)
def delete_static_list(call: Call) -> Answer:
    """Delete a static list that no smart list and no smart campaign uses."""
    assets = call.instance.program_assets
    static_list = assets.static_lists.get(call.path_id("id"))
    ProgramTree(call.instance.folders, assets).check_list_unused(static_list.name)
    assets.static_lists.drop(static_list.id)
    return Answer([{"id": static_list.id}])


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
