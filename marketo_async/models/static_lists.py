"""Static lists as assets. See ``lists`` for lists as the lead database returns them."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderReference
from marketo_async.models.moment import Moment


class StaticListAsset(Struct, frozen=True, kw_only=True, rename="camel"):
    """A static list as an asset in a folder."""

    id: int
    name: str | None = None
    description: str | None = None
    folder: FolderReference | None = None
    workspace: str | None = None
    url: str | None = None
    computed_url: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
