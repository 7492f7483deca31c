"""Folders: browsing the tree, and creating, changing and deleting folders. Programs can be found but not changed."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import asset_iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.asset_arguments import (
    asset_description,
    asset_name,
    found,
    new_name_and_description,
)
from marketo_async.sandbox.families.folder_arguments import folder_key, folder_type, parent_folder
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.parameters import missing
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import not_found, refused
from marketo_async.sandbox.records.folders import FOLDER, PROGRAM, Folder, Folders, Key
from marketo_async.sandbox.routing import Routes

routes = Routes()

_DEFAULT_DEPTH = 2
_ACCESS_ZONES = {"Default": 1}


def _row(folders: Folders, folder: Folder) -> Members:
    row: Members = {
        "id": folder.id,
        "name": folder.name,
        "description": folder.description,
        "createdAt": asset_iso(folder.created_at),
        "updatedAt": asset_iso(folder.updated_at),
        "url": f"https://app-sb.marketo.com/#{'MF' if folder.type == FOLDER else 'PG'}{folder.id}A1",
        "folderId": folders.plain_reference(folder.key),
        "folderType": folder.kind,
        "path": "".join(f"/{step.name}" for step in folders.path(folder.key)),
        "isSystem": folder.is_system,
        "isArchive": folder.is_archive,
        "accessZoneId": _ACCESS_ZONES[folder.workspace],
        "workspace": folder.workspace,
    }
    # The three roots have no parent.
    if folder.parent is not None:
        row["parent"] = folders.plain_reference(folder.parent)
    return row


def _type(call: Call) -> str:
    return folder_type("type", call.text("type") or FOLDER)


def _workspace(call: Call) -> str | None:
    return call.text("workSpace") or call.text("workspace")


@routes.get(
    "/rest/asset/v1/folders.json",
    ASSET_READERS,
    optional=("root", "maxDepth", "maxReturn", "offset", "workSpace", "workspace"),
)
def folders(call: Call) -> Answer:
    """Answer a folder and its descendants down to a depth; without a root, start at all roots."""
    tree, root, workspace = call.instance.folders, call.text("root"), _workspace(call)
    depth = call.integer("maxDepth")
    depth = _DEFAULT_DEPTH if depth is None else depth
    if root is None:
        tops = [folder for folder in tree if folder.parent is None]
    else:
        top = tree.get(*folder_key("root", root))
        tops = [] if top is None else [top]
    below = [folder for top in tops for folder in _down(tree, top, depth)]
    return offset_page(call, [_row(tree, one) for one in below if workspace is None or one.workspace == workspace])


def _down(tree: Folders, folder: Folder, depth: int) -> list[Folder]:
    if depth <= 0:
        return [folder]
    return [folder, *(deeper for child in tree.children(folder.key) for deeper in _down(tree, child, depth - 1))]


@routes.get(
    "/rest/asset/v1/folder/byName.json",
    ASSET_READERS,
    required=("name",),
    optional=("type", "root", "workSpace", "workspace"),
)
def folders_by_name(call: Call) -> Answer:
    """Answer every folder of exactly this name, optionally of one type and below a root."""
    tree, name, workspace = call.instance.folders, call.text("name"), _workspace(call)
    wanted = None if call.text("type") is None else _type(call)
    root = _root(call, wanted)
    below = None if root is None else set(tree.below(root))
    return found(
        [
            _row(tree, folder)
            for folder in tree
            if folder.name == name
            and (wanted is None or folder.type == wanted)
            and (below is None or folder.key in below)
            and (workspace is None or folder.workspace == workspace)
        ]
    )


def _root(call: Call, type: str | None) -> Key | None:
    text = call.text("root")
    if text is None or not text.isdigit():
        return None if text is None else folder_key("root", text)
    # An id alone does not identify the type.
    if type is None:
        raise missing("type")
    return int(text), type


@routes.get("/rest/asset/v1/folder/{id}.json", ASSET_READERS, required=("type",))
def folder_by_id(call: Call) -> Answer:
    """Answer one folder or program."""
    tree = call.instance.folders
    folder = tree.get(call.path_id("id"), _type(call))
    return found([] if folder is None else [_row(tree, folder)])


@routes.get("/rest/asset/v1/folder/{id}/content.json", ASSET_READERS, optional=("type", "maxReturn", "offset"))
def folder_content(call: Call) -> Answer:
    """Answer the id and type of each direct child of a folder."""
    tree, key = call.instance.folders, (call.path_id("id"), _type(call))
    if tree.get(*key) is None:
        raise not_found(key[1], key[0])
    return offset_page(call, [{"id": held, "type": kind} for kind, held in tree.contents(key)])


@routes.post("/rest/asset/v1/folders.json", ASSET_WRITERS, body=("name", "parent"), body_optional=("description",))
def create_folder(call: Call) -> Answer:
    """Create a folder in another one or in a program."""
    tree, name = call.instance.folders, asset_name(call)
    parent = parent_folder(call, "parent")
    _check_name(tree, name, parent.key)
    folder = tree.add(name, parent.key, call.instance.clock.time(), asset_description(call) or "")
    return Answer([_row(tree, folder)])


@routes.post(
    "/rest/asset/v1/folder/{id}.json",
    ASSET_WRITERS,
    body=("type",),
    body_optional=("description", "isArchive", "name"),
)
def update_folder(call: Call) -> Answer:
    """Change name, description or archival of a folder."""
    folder, tree = _own_folder(call), call.instance.folders
    name, description = new_name_and_description(call)
    if name is not None and name != folder.name and folder.parent is not None:
        _check_name(tree, name, folder.parent)
        folder.name = name
    if description is not None:
        folder.description = description
    archived = call.body_flag("isArchive")
    if archived is not None:
        folder.is_archive = archived
    folder.updated_at = call.instance.clock.time()
    return Answer([_row(tree, folder)])


@routes.post("/rest/asset/v1/folder/{id}/delete.json", ASSET_WRITERS, body_optional=("type",))
def delete_folder(call: Call) -> Answer:
    """Delete an empty folder."""
    folder, tree = _own_folder(call), call.instance.folders
    if tree.contents(folder.key):
        raise refused(f"Folder '{folder.name}' is not empty")
    call.instance.program_assets.tokens.drop(folder.key)
    tree.remove(folder.id)
    return Answer([{"id": folder.id}])


def _own_folder(call: Call) -> Folder:
    if folder_type("type", call.body_text("type") or FOLDER) == PROGRAM:
        raise ApiError("711", "Programs cannot be changed as folders")
    folder_id = call.path_id("id")
    folder = call.instance.folders.get(folder_id)
    if folder is None:
        raise not_found(FOLDER, folder_id)
    if folder.is_system:
        raise refused(f"Folder '{folder.name}' is a system folder")
    return folder


def _check_name(tree: Folders, name: str, parent: Key) -> None:
    if any(sibling.name == name and sibling.type == FOLDER for sibling in tree.children(parent)):
        raise refused(f"Folder with the name '{name}' already exists")
