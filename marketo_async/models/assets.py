"""The parts that all assets share: their folder, and the short responses to changes of them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

from marketo_async.models.moment import Moment

Version = Literal["draft", "approved"]


class FolderId(Struct, frozen=True):
    """A folder, or a program as the folder of its assets; their ids overlap, so the type is always needed."""

    id: int
    type: Literal["Folder", "Program"] = "Folder"


class FolderReference(Struct, frozen=True, kw_only=True, rename="camel"):
    """The folder of an asset in a response: some families call its number ``value``, others ``id``."""

    id: int | None = None
    value: int | None = None
    type: str | None = None
    folder_name: str | None = None
    name: str | None = None

    @property
    def number(self) -> int | None:
        """The folder's id, under either name."""
        return self.id if self.value is None else self.value


class AssetId(Struct, frozen=True, kw_only=True):
    """The id of an asset that a call changed."""

    id: int


class AssetSummary(AssetId, frozen=True, kw_only=True, rename="camel"):
    """An asset whose state changed: always its id, and the rest if its family returns the whole asset."""

    name: str | None = None
    description: str | None = None
    status: str | None = None
    folder: FolderReference | None = None
    url: str | None = None
    workspace: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None


class DesignedAsset(Struct, frozen=True, kw_only=True, rename="camel"):
    """The members that emails, pages, forms, snippets and their templates share.

    Assets made in the new designer lack some of them.
    """

    id: int
    name: str
    description: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    folder: FolderReference | None = None
    status: str | None = None


class AssetUse(Struct, frozen=True, kw_only=True, rename="camel"):
    """An asset that uses another one; ids of different types overlap."""

    id: int
    type: str
    name: str | None = None
    status: str | None = None
    updated_at: Moment | None = None


class Document(Struct, frozen=True, kw_only=True):
    """The whole HTML, or text, of an asset."""

    id: int
    content: str | None = None
    status: str | None = None


class Variant(Struct, frozen=True, kw_only=True, rename="camel"):
    """The content for one segment of people; a change of it is addressed to ``segment_name``."""

    segment_id: int | None = None
    segment_name: str | None = None
    type: str | None = None
    content: Any = None
    id: str | None = None
    followup_type: str | None = None
    followup_value: str | None = None


class DynamicContent(Struct, frozen=True, kw_only=True, rename="camel"):
    """A section that differs by segment. Marketo calls its variants ``content`` or, for landing pages, ``segments``."""

    segmentation: int | None = None
    id: int | str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
    content: list[Variant] = []
    segments: list[Variant] = []

    @property
    def variants(self) -> list[Variant]:
        """The variants, under either name."""
        return self.content or self.segments
