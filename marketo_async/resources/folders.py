"""``marketo.folders``: the tree of all assets. See ``programs``: a program is a folder too."""

from __future__ import annotations

from typing import Literal

from marketo_async.errors import InvalidRequest
from marketo_async.models.assets import AssetId, FolderId
from marketo_async.models.folders import Folder, FolderItem
from marketo_async.operation import Page, Paging, Plan, Repeat, first, many, one, page
from marketo_async.paging import Distinct
from marketo_async.resources.base import Resource, endpoint, paged
from marketo_async.resources.mixins import as_json


class Folders(Resource):
    """Folders, named by `FolderId`: the ids of folders and of programs overlap.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/folders
    """

    name, area, root = "folders", "Assets", "/rest/asset/v1/folder"

    @endpoint("GET", "{root}/{id}.json")
    def get(self, folder: FolderId) -> Plan[Folder | None]:
        """Return one folder, or one program as a folder, or ``None`` if there is none."""
        return first(Folder, path={"id": folder.id}, query={"type": folder.type})

    @endpoint("GET", "{root}/byName.json")
    def by_name(
        self,
        name: str,
        *,
        type: Literal["Folder", "Program"] | None = None,
        root: FolderId | None = None,
        workspace: str | None = None,
    ) -> Plan[list[Folder]]:
        """Return every folder with exactly this name; a ``root`` needs a ``type``."""
        if root is not None and type is None:
            raise InvalidRequest("a search below a root needs a type; pass type='Folder' or type='Program'")
        return many(Folder, query={"name": name, "type": type, "root": as_json(root), "workSpace": workspace})

    @paged("/rest/asset/v1/folders.json", rule=Paging.OFFSET)
    def browse(
        self,
        *,
        root: FolderId | None = None,
        max_depth: int | None = None,
        workspace: str | None = None,
        token: str | None = None,
    ) -> Plan[Page[Folder]]:
        """Iterate the tree below a root, two levels deep without ``max_depth``; 0 is the root only."""
        query = {"root": as_json(root), "maxDepth": max_depth, "workSpace": workspace}
        return page(Folder, query=query, token=token, sift=lambda: Distinct(lambda found: found.reference))

    @paged("{root}/{id}/content.json", rule=Paging.OFFSET)
    def content(self, folder: FolderId, *, token: str | None = None) -> Plan[Page[FolderItem]]:
        """Iterate the direct content of a folder: ids and types of assets and of folders."""
        query = {"type": folder.type}
        return page(
            FolderItem,
            path={"id": folder.id},
            query=query,
            token=token,
            sift=lambda: Distinct(lambda found: (found.type, found.id)),
        )

    @endpoint("POST", "/rest/asset/v1/folders.json", repeat=Repeat.SETTLES)
    def create(self, name: str, parent: FolderId, *, description: str | None = None) -> Plan[Folder]:
        """Create a folder in another, or in a program."""
        return one(Folder, form={"name": name, "parent": parent, "description": description})

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(
        self,
        folder: FolderId,
        *,
        name: str | None = None,
        description: str | None = None,
        is_archive: bool | None = None,
    ) -> Plan[Folder]:
        """Rename, describe or archive a folder; Marketo refuses programs and system folders."""
        form = {"type": folder.type, "name": name, "description": description, "isArchive": is_archive}
        return one(Folder, path={"id": folder.id}, form=form)

    @endpoint("POST", "{root}/{id}/delete.json", repeat=Repeat.SETTLES, proof=("702",))
    def delete(self, folder: FolderId) -> Plan[AssetId]:
        """Delete an empty folder for good; Marketo refuses programs and system folders."""
        return one(AssetId, path={"id": folder.id}, form={"type": folder.type})
