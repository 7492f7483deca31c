"""The life cycle that all designed assets share: a draft, an approved version, and the changes between them.

Each family defines what a version holds. See ``families.designs`` for the operations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, cast

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.records.folders import Folders, Key

V = TypeVar("V")
Status = Literal["draft", "approved"]


def refused(message: str) -> ApiError:
    """Return the error for a change that the rules of an asset forbid."""
    return ApiError("709", message)


def not_found(kind: str, asset_id: object) -> ApiError:
    """Return the error for a change of a missing object."""
    return ApiError("702", f"{kind} not found: {asset_id}")


@dataclass(slots=True)
class Asset(Generic[V]):
    """One asset. It has name, description and folder; its versions have the rest."""

    id: int
    name: str
    folder: Key
    created_at: float
    updated_at: float
    description: str = ""
    approved: V | None = None
    draft: V | None = None

    @property
    def status(self) -> str:
        """The status in Marketo's words."""
        if self.approved is None:
            return "draft"
        return "approved with draft" if self.draft is not None else "approved"

    @property
    def shown(self) -> Status:
        """The version that reads answer by default."""
        return "draft" if self.approved is None else "approved"

    @property
    def version(self) -> V:
        """The approved version, or the draft if nothing is approved."""
        return cast(V, self.draft if self.approved is None else self.approved)

    @property
    def newest(self) -> V:
        """The draft, or the approved version if there is no draft."""
        return cast(V, self.approved if self.draft is None else self.draft)

    @property
    def versions(self) -> list[V]:
        """The existing versions."""
        return [version for version in (self.approved, self.draft) if version is not None]

    def proposal(self) -> V:
        """Return a copy of the newest version for editing; it has no effect until it is accepted."""
        return deepcopy(self.newest)

    def accept(self, draft: V, now: float) -> None:
        """Accept an edited copy as the draft; an approved version stays unchanged."""
        self.draft, self.updated_at = draft, now

    def approve(self, now: float, check: Callable[[V], None] = lambda _: None) -> None:
        """Make the draft the approved version, or raise 709 if it is missing or fails the check."""
        if self.draft is None:
            raise refused(f"'{self.name}' has no draft to approve")
        check(self.draft)
        self.approved, self.draft, self.updated_at = self.draft, None, now

    def unapprove(self, now: float) -> None:
        """Make the approved version the draft; a draft beside it is lost."""
        if self.approved is None:
            raise refused(f"'{self.name}' is not approved")
        self.draft, self.approved, self.updated_at = self.approved, None, now

    def discard_draft(self, now: float) -> None:
        """Drop the draft of an approved asset."""
        if self.approved is None:
            raise refused(f"'{self.name}' was never approved: its draft cannot be discarded, only deleted")
        if self.draft is None:
            raise refused(f"'{self.name}' has no draft to discard")
        self.draft, self.updated_at = None, now


@dataclass(frozen=True, slots=True)
class Use:
    """An asset that uses another one."""

    kind: str
    id: int
    name: str
    status: Status
    updated_at: float

    @classmethod
    def by(cls, kind: str, user: Asset[V]) -> Use:
        """Return the use by this asset of a kind."""
        return cls(kind, user.id, user.name, user.shown, user.updated_at)


class Drafts(Generic[V]):
    """The assets of one kind by id. Names are unique within a program, and among all assets outside programs."""

    def __init__(self, kind: str, first_id: int, folders: Folders, now: Callable[[], float]) -> None:
        self.kind = kind
        self.folders = folders
        self.users: Callable[[int], list[Use]] = lambda _: []
        self._now = now
        self._next_id = first_id
        self._by_id: dict[int, Asset[V]] = {}

    def __iter__(self) -> Iterator[Asset[V]]:
        return iter(self._by_id.values())

    def find(self, asset_id: int) -> Asset[V] | None:
        """Return an asset, or ``None``."""
        return self._by_id.get(asset_id)

    def get(self, asset_id: int) -> Asset[V]:
        """Return an asset, or raise 702."""
        asset = self._by_id.get(asset_id)
        if asset is None:
            raise not_found(self.kind, asset_id)
        return asset

    def create(self, name: str, folder: Key, draft: V, description: str = "") -> Asset[V]:
        """Create an asset as a draft, or raise 709 if the name is taken."""
        self._check_name(name, folder)
        now = self._now()
        asset = Asset(self._next_id, name, folder, now, now, description, draft=draft)
        self._by_id[asset.id] = asset
        self._next_id += 1
        return asset

    def clone(self, asset: Asset[V], name: str, folder: Key, description: str | None = None) -> Asset[V]:
        """Create a draft as a copy of the approved version, or of the draft if nothing is approved."""
        return self.create(
            name, folder, deepcopy(asset.version), asset.description if description is None else description
        )

    def describe(self, asset: Asset[V], name: str | None, description: str | None) -> None:
        """Change name and description, without a draft."""
        if name is not None and name != asset.name:
            self._check_name(name, asset.folder)
            asset.name = name
        if description is not None:
            asset.description = description
        asset.updated_at = self._now()

    def unapprove(self, asset: Asset[V]) -> None:
        """Unapprove an unused asset."""
        if asset.approved is not None:
            self._check_unused(asset)
        asset.unapprove(self._now())

    def delete(self, asset: Asset[V]) -> None:
        """Delete an asset that is not approved and not used."""
        if asset.approved is not None:
            raise refused(f"'{asset.name}' is approved: unapprove it before deleting it")
        self._check_unused(asset)
        self.drop(asset.id)

    def inside(self, folder: Key) -> Iterable[int]:
        """Return the ids of the assets directly in a folder."""
        return [asset.id for asset in self if asset.folder == folder]

    def copy_to(self, folder: Key, asset_id: int) -> None:
        """Put a copy of the same name and status into a folder."""
        original = self._by_id[asset_id]
        copy = self.clone(original, original.name, folder)
        copy.approved, copy.draft = deepcopy(original.approved), deepcopy(original.draft)

    def drop(self, asset_id: int) -> None:
        """Delete an asset without any check."""
        del self._by_id[asset_id]

    def _check_name(self, name: str, folder: Key) -> None:
        program = self.folders.program(folder)
        if any(asset.name == name and self.folders.program(asset.folder) == program for asset in self):
            raise refused(f"{self.kind} with the name '{name}' already exists")

    def _check_unused(self, asset: Asset[V]) -> None:
        users = self.users(asset.id)
        if users:
            raise refused(f"'{asset.name}' is in use by {users[0].kind} '{users[0].name}'")
