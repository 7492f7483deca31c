"""The verbs that families share. A family is a root, a model, a list of these, and what is its own.

Every verb takes Marketo's own arguments; what is ``None`` is not sent. Answers to writes are the asset as it is now
where Marketo sends it, and otherwise its id. Not here: what only one family has.
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
    """A record that is known by its id."""

    @property
    def id(self) -> Hashable:
        """What it is known by."""
        ...


D = TypeVar("D", bound=HasId)


def distinct(_: type[D]) -> Callable[[], Distinct[D]]:
    """Return what keeps an offset listing of a model from delivering a record twice while others edit."""
    return lambda: Distinct(lambda record: record.id)


def as_json(value: Struct | Sequence[Struct] | None) -> str | None:
    """Write a folder, or what else has members, as a query wants it: JSON in one parameter."""
    return None if value is None else msgspec.json.encode(value).decode()


def form_members(request: Struct | None) -> dict[str, object]:
    """Return what is given of a request by Marketo's names, as members of a form."""
    given: dict[str, object] = {} if request is None else msgspec.to_builtins(request)
    return given


def html_part(part: str, document: str | bytes) -> dict[str, File]:
    """Return a document as the *part* of a multipart form that holds it."""
    content = document.encode() if isinstance(document, str) else document
    return {part: File(name=f"{part}.html", content=content, content_type="text/html")}


def uses(id: int, token: str | None) -> Plan[Page[AssetUse]]:
    """Plan the listing of what uses an asset."""
    return page(AssetUse, path={"id": id}, token=token, sift=lambda: Distinct(lambda use: (use.type, use.id)))


class Get(Resource, Generic[T]):
    """``get`` of assets that have one version."""

    model: type[T]

    @endpoint("GET", "{root}/{id}.json")
    def get(self, id: int) -> Plan[T | None]:
        """Return the one with this id, ``None`` where there is none."""
        return first(self.model, path={"id": id})


class GetVersion(Resource, Generic[T]):
    """``get`` of assets with drafts."""

    model: type[T]

    @endpoint("GET", "{root}/{id}.json")
    def get(self, id: int, *, status: Version | None = None) -> Plan[T | None]:
        """Return the one with this id, ``None`` where there is none; without *status* the approved version first."""
        return first(self.model, path={"id": id}, query={"status": status})


class ByName(Resource, Generic[T]):
    """``by_name`` of assets that are known by their name alone."""

    model: type[T]

    @endpoint("GET", "{root}/byName.json")
    def by_name(self, name: str) -> Plan[T | None]:
        """Return the one with exactly this name, ``None`` where there is none."""
        return first(self.model, query={"name": name})


class ByNameVersion(Resource, Generic[T]):
    """``by_name`` of assets with drafts."""

    model: type[T]

    @endpoint("GET", "{root}/byName.json")
    def by_name(self, name: str, *, status: Version | None = None) -> Plan[T | None]:
        """Return the one with exactly this name, ``None`` where there is none."""
        return first(self.model, query={"name": name, "status": status})


class ByNameInFolder(Resource, Generic[T]):
    """``by_name`` of assets with drafts, whose names a folder may narrow."""

    model: type[T]

    @endpoint("GET", "{root}/byName.json")
    def by_name(self, name: str, *, status: Version | None = None, folder: FolderId | None = None) -> Plan[T | None]:
        """Return the one with exactly this name, ``None`` where there is none."""
        return first(self.model, query={"name": name, "status": status, "folder": as_json(folder)})


class BrowseVersion(Resource, Generic[D]):
    """``browse`` of assets with drafts."""

    model: type[D]

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(self, *, status: Version | None = None, token: str | None = None) -> Plan[Page[D]]:
        """Iterate them all, or those with an approved version or a draft."""
        return page(self.model, query={"status": status}, token=token, sift=distinct(self.model))


class BrowseFolder(Resource, Generic[D]):
    """``browse`` of assets with drafts, by folder."""

    model: type[D]

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self, *, status: Version | None = None, folder: FolderId | None = None, token: str | None = None
    ) -> Plan[Page[D]]:
        """Iterate them all, or those in a folder, or with an approved version or a draft."""
        query = {"status": status, "folder": as_json(folder)}
        return page(self.model, query=query, token=token, sift=distinct(self.model))


class BrowseRecent(Resource, Generic[D]):
    """``browse`` of assets without drafts, by folder and by when they were changed."""

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
        """Iterate those that stand in a folder, or were changed within a span of time."""
        query = {
            "folder": as_json(folder),
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
        }
        return page(self.model, query=query, token=token, sift=distinct(self.model))


class Create(Resource, Generic[T]):
    """``create`` of assets that are made of a name, a folder and a description."""

    model: type[T]

    @endpoint("POST", "{root}s.json", repeat=Repeat.SETTLES)
    def create(self, name: str, folder: FolderId, *, description: str | None = None) -> Plan[T]:
        """Make a new one in a folder; the name must be free (709 otherwise)."""
        return one(self.model, form={"name": name, "folder": folder, "description": description})


class Update(Resource, Generic[T]):
    """``update`` of a name and a description."""

    model: type[T]

    @endpoint("POST", "{root}/{id}.json", repeat=Repeat.SAFE)
    def update(self, id: int, *, name: str | None = None, description: str | None = None) -> Plan[T]:
        """Change the name or the description; an empty description removes it."""
        return one(self.model, path={"id": id}, form={"name": name, "description": description})


class Drafts(Resource):
    """``approve``, ``unapprove`` and ``discard_draft``: 709 where the asset is not in the state for it.

    Some families answer with the asset and some with its id: the id is what they have in common.
    """

    @endpoint("POST", "{root}/{id}/approveDraft.json", needs=APPROVE, repeat=Repeat.SETTLES)
    def approve(self, id: int) -> Plan[AssetSummary]:
        """Put the draft in the place of the approved version; one at a time for assets that belong together."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}/{id}/unapprove.json", needs=APPROVE, repeat=Repeat.SETTLES)
    def unapprove(self, id: int) -> Plan[AssetSummary]:
        """Turn the approved version back into a draft, and lose the draft beside it; refused while it is in use."""
        return one(AssetSummary, path={"id": id})

    @endpoint("POST", "{root}/{id}/discardDraft.json", repeat=Repeat.SETTLES)
    def discard_draft(self, id: int) -> Plan[AssetId]:
        """Drop the draft beside an approved version."""
        return one(AssetId, path={"id": id})


class Clone(Resource, Generic[T]):
    """``clone`` into a folder; never repeated by itself."""

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
        """Delete the asset for good; refused while it is in use or approved."""
        return one(AssetId, path={"id": id})
