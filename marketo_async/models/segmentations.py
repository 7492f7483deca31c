"""Segmentations and their segments, for which dynamic content varies; read-only."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderReference
from marketo_async.models.moment import Moment


class Segmentation(Struct, frozen=True, kw_only=True, rename="camel"):
    """A segmentation."""

    id: int
    name: str | None = None
    description: str | None = None
    status: str | None = None
    folder: FolderReference | None = None
    workspace: str | None = None
    url: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None


class Segment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A segment of a segmentation."""

    id: int
    segmentation_id: int | None = None
    name: str | None = None
    description: str | None = None
    status: str | None = None
    url: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
