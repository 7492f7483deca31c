"""Folders and their content. See ``assets`` for how an argument names a folder."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderId, FolderReference
from marketo_async.models.moment import Moment


class Folder(Struct, frozen=True, kw_only=True, rename="camel"):
    """A folder, or a program as a folder; ``parent`` is ``None`` for the root folders of the application."""

    id: int
    folder_id: FolderReference
    name: str | None = None
    description: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    url: str | None = None
    folder_type: str | None = None
    parent: FolderReference | None = None
    path: str | None = None
    is_archive: bool | None = None
    is_system: bool | None = None
    access_zone_id: int | None = None
    workspace: str | None = None

    @property
    def reference(self) -> FolderId:
        """The folder as an argument of other calls."""
        program = (self.folder_id.type or "").lower() == "program"
        return FolderId(self.id, "Program" if program else "Folder")


class FolderItem(Struct, frozen=True, kw_only=True):
    """An asset in a folder; ids of different types overlap."""

    id: int
    type: str | None = None
