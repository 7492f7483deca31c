"""Files in the Design Studio: images, scripts, style sheets, documents."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderReference
from marketo_async.models.moment import Moment


class StoredFile(Struct, frozen=True, kw_only=True, rename="camel"):
    """A file; the ``type`` of its folder is a type of asset, like ``Image``."""

    id: int
    name: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size: int | None = None
    url: str | None = None
    folder: FolderReference | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
