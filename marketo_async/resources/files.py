"""``marketo.files``: images, scripts and documents of the Design Studio."""

from __future__ import annotations

from msgspec.structs import replace

from marketo_async.models.assets import FolderId
from marketo_async.models.files import StoredFile
from marketo_async.operation import File, Page, Paging, Plan, Repeat, one, page
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.mixins import ByName, Get, as_json, distinct


class Files(Get[StoredFile], ByName[StoredFile]):
    """Files; they can be replaced, but not deleted.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/files
    """

    name, area, root = "files", "Assets", "/rest/asset/v1/file"
    model = StoredFile

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(self, *, folder: FolderId | None = None, token: str | None = None) -> Plan[Page[StoredFile]]:
        """Iterate all files, or those in a folder."""
        return page(StoredFile, query={"folder": as_json(folder)}, token=token, sift=distinct(StoredFile))

    @endpoint("POST", "{root}s.json", repeat=Repeat.SAFE)
    def create(
        self, file: File, folder: FolderId, *, description: str | None = None, insert_only: bool | None = None
    ) -> Plan[StoredFile]:
        """Upload a file, served with its content type; it replaces one of the same name unless ``insert_only``."""
        form = {"name": file.name, "folder": folder, "description": description, "insertOnly": insert_only}
        plan = one(StoredFile, form=form, files={"file": file})
        return replace(plan, repeat=Repeat.SETTLES) if insert_only else plan

    @endpoint("POST", "{root}/{id}/content.json", repeat=Repeat.SAFE)
    def update_content(self, id: int, file: File) -> Plan[StoredFile]:
        """Replace the content of a file."""
        return one(StoredFile, path={"id": id}, form={}, files={"file": file})
