"""The verbs that families of assets share. A family is a root, a model, a list of these verbs, and its own methods.

Every verb has Marketo's own arguments; an argument that is ``None`` is not sent. A write returns the changed asset
if Marketo sends it, and otherwise the asset's id. Listings by ``offset`` have at most 200 assets a page:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/assets
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.models.assets import AssetId, AssetSummary, AssetUse, FolderId, Version
from marketo_async.operation import File, Page, Paging, Plan, Repeat, first, one, page
from marketo_async.paging import Distinct
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint, paged

T = TypeVar("T", bound=Struct)

APPROVE = ("Approve Assets",)


class HasId(Protocol):
    """A record with an id."""

    @property
    def id(self) -> Hashable:
        """The id."""
        ...


D = TypeVar("D", bound=HasId)


def distinct(_: type[D]) -> Callable[[], Distinct[D]]:
    """Return a filter that keeps an offset listing from delivering a record twice while others edit."""
    return lambda: Distinct(lambda record: record.id)


def as_json(value: Struct | Sequence[Struct] | None) -> str | None:
    """Return a folder, or another value with members, as JSON for one parameter of a query."""
    return None if value is None else msgspec.json.encode(value).decode()


def form_members(request: Struct | None) -> dict[str, object]:
    """Return the members of a request that are set, by Marketo's names, for a form."""
    given: dict[str, object] = {} if request is None else msgspec.to_builtins(request)
    return given


def html_part(part: str, document: str | bytes) -> dict[str, File]:
    """Return a document as ``part`` of a multipart form."""
    content = document.encode() if isinstance(document, str) else document
    return {part: File(name=f"{part}.html", content=content, content_type="text/html")}


def uses(id: int, token: str | None) -> Plan[Page[AssetUse]]:
    """Plan the listing of the assets that use an asset."""
    return page(AssetUse, path={"id": id}, token=token, sift=lambda: Distinct(lambda use: (use.type, use.id)))


class Get(Resource, Generic[T]):
    """``get`` of assets with one version."""

    model: type[T]

    @endpoint("GET", "{root}/{id}.json")
    def get(self, id: int) -> Plan[T | None]:
        """Return the asset with this id, or ``None``."""
        return first(self.model, path={"id": id})


class GetVersion(Resource, Generic[T]):
    """``get`` of assets with drafts."""

    model: type[T]

    @endpoint("GET", "{root}/{id}.json")
    def get(self, id: int, *, status: Version | None = None) -> Plan[T | None]:
        """Return the asset with this id, or ``None``; without ``status``, the approved version if there is one."""
        return first(self.model, path={"id": id}, query={"status": status})


class ByName(Resource, Generic[T]):
    """``by_name`` of assets with one version."""

    model: type[T]

    @endpoint("GET", "{root}/byName.json")
    def by_name(self, name: str) -> Plan[T | None]:
        """Return the asset with exactly this name, or ``None``."""
        return first(self.model, query={"name": name})


class ByNameVersion(Resource, Generic[T]):
    """``by_name`` of assets with drafts."""

    model: type[T]

    @endpoint("GET", "{root}/byName.json")
    def by_name(self, name: str, *, status: Version | None = None) -> Plan[T | None]:
        """Return the asset with exactly this name, or ``None``."""
        return first(self.model, query={"name": name, "status": status})


class ByNameInFolder(Resource, Generic[T]):
    """``by_name`` of assets with drafts, in all folders or in one."""

    model: type[T]

    @endpoint("GET", "{root}/byName.json")
    def by_name(self, name: str, *, status: Version | None = None, folder: FolderId | None = None) -> Plan[T | None]:
        """Return the asset with exactly this name, or ``None``."""
        return first(self.model, query={"name": name, "status": status, "folder": as_json(folder)})


class BrowseVersion(Resource, Generic[D]):
    """``browse`` of assets with drafts."""

    model: type[D]

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(self, *, status: Version | None = None, token: str | None = None) -> Plan[Page[D]]:
        """Iterate all assets, or those with an approved version or with a draft."""
        return page(self.model, query={"status": status}, token=token, sift=distinct(self.model))


class BrowseFolder(Resource, Generic[D]):
    """``browse`` of assets with drafts, by folder."""

    model: type[D]

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self, *, status: Version | None = None, folder: FolderId | None = None, token: str | None = None
    ) -> Plan[Page[D]]:
        """Iterate all assets, or those in a folder, with an approved version or with a draft."""
        query = {"status": status, "folder": as_json(folder)}
        return page(self.model, query=query, token=token, sift=distinct(self.model))


class BrowseRecent(Resource, Generic[D]):
    """``browse`` of assets without drafts, by folder and by time of change."""

    model: type[D]

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self,
        *,
        folder: FolderId | None = None,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        token: str | None = None,
    ) -> Plan[Page[D]]:
        """Iterate all assets, or those in a folder or changed within a range of time."""
        query = {
            "folder": as_json(folder),
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
        }
        return page(self.model, query=query, token=token, sift=distinct(self.model))


class Create(Resource, Generic[T]):
    """``create`` of assets with a name, a folder and a description."""

    model: type[T]

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(self, name: str, folder: FolderId, *, description: str | None = None) -> Plan[T]:
        """Create an asset in a folder; the name must be free (error 709 otherwise)."""
        return one(self.model, form={"name": name, "folder": folder, "description": description})


class Update(Resource, Generic[T]):
    """``update`` of a name and a description."""

    model: type[T]

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(self, id: int, *, name: str | None = None, description: str | None = None) -> Plan[T]:
        """Change the name or the description; an empty description removes it."""
        return one(self.model, path={"id": id}, form={"name": name, "description": description})


class Drafts(Resource):
    """``approve``, ``unapprove`` and ``discard_draft``: error 709 if the asset is in another state.

    Marketo returns the asset in some families and its id in others: all have the id.
    """

    @endpoint("POST", "{root}/{id}/approveDraft.json", needs=APPROVE, repeat=Repeat.SETTLES)
    def approve(self, id: int) -> Plan[AssetSummary]:
        """Replace the approved version by the draft; approve assets that depend on each other one after the other."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}/{id}/unapprove.json", needs=APPROVE, repeat=Repeat.SETTLES)
    def unapprove(self, id: int) -> Plan[AssetSummary]:
        """Make a draft of the approved version, which replaces the current draft; refused while it is in use."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}/{id}/discardDraft.json", repeat=Repeat.SETTLES)
    def discard_draft(self, id: int) -> Plan[AssetSummary]:
        """Delete the draft of an approved asset."""
        return one(AssetSummary, path={"id": id})


class Clone(Resource, Generic[T]):
    """``clone`` into a folder; never retried after a lost answer."""

    model: type[T]

    @endpoint("POST", "{root}/{id}/clone.json")
    def clone(self, id: int, name: str, folder: FolderId, *, description: str | None = None) -> Plan[T]:
        """Copy the asset under another name."""
        return one(self.model, path={"id": id}, form={"name": name, "folder": folder, "description": description})


class UpdateDocument(Resource):
    """``update_content`` of templates, which are one HTML document."""

    @endpoint("POST", "{root}/{id}/content.json", repeat=Repeat.SAFE)
    def update_content(self, id: int, content: str | bytes) -> Plan[AssetId]:
        """Replace the HTML; an approved template gets a draft."""
        return one(AssetId, path={"id": id}, files=html_part("content", content))


class DeleteAsset(Resource):
    """``delete``."""

    @endpoint("POST", "{root}/{id}/delete.json", repeat=Repeat.SETTLES, proof=("702",))
    def delete(self, id: int) -> Plan[AssetId]:
        """Delete the asset permanently; refused while it is in use or approved."""
        return one(AssetId, path={"id": id})
