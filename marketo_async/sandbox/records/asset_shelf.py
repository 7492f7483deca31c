"""Assets without drafts: ids that are never reused, unique names, and folders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Generic, Protocol, Self, TypeVar

from marketo_async.sandbox.records.drafts import not_found, refused
from marketo_async.sandbox.records.folders import Folders, Key


class Housed(Protocol):
    """The members of all assets without drafts."""

    id: int
    name: str
    folder: Key
    description: str
    updated_at: float

    def copied(self, id: int, folder: Key, now: float) -> Self:
        """Return a copy with another id and place."""
        ...


A = TypeVar("A", bound=Housed)


class AssetShelf(Generic[A]):
    """The assets of one kind; ``by_id`` may be shared with another object, which sees every change.

    Names are unique within a program, and among all assets outside programs.
    """

    def __init__(
        self, kind: str, by_id: dict[int, A], folders: Folders, now: Callable[[], float], first_id: int = 1
    ) -> None:
        self.kind = kind
        self._by_id = by_id
        self._folders = folders
        self._now = now
        self._next_id = max([first_id - 1, *by_id]) + 1

    def __iter__(self) -> Iterator[A]:
        return iter([self._by_id[asset_id] for asset_id in sorted(self._by_id)])

    def find(self, asset_id: int) -> A | None:
        """Return an asset, or ``None``."""
        return self._by_id.get(asset_id)

    def get(self, asset_id: int) -> A:
        """Return an asset, or raise 702."""
        asset = self._by_id.get(asset_id)
        if asset is None:
            raise not_found(self.kind, asset_id)
        return asset

    def add(self, name: str, folder: Key, made: Callable[[int, float], A]) -> A:
        """Create an asset from its id and the time, or raise 709 if the name is taken."""
        self._check_name(name, folder)
        asset = made(self._next_id, self._now())
        self._by_id[asset.id] = asset
        self._next_id += 1
        return asset

    def clone(self, original: A, name: str, folder: Key, description: str | None = None) -> A:
        """Create a copy under another name."""
        copy = self.add(name, folder, lambda new_id, now: original.copied(new_id, folder, now))
        copy.name = name
        if description is not None:
            copy.description = description
        return copy

    def describe(self, asset: A, name: str | None, description: str | None) -> None:
        """Change name and description."""
        if name is not None and name != asset.name:
            self._check_name(name, asset.folder)
            asset.name = name
        if description is not None:
            asset.description = description
        asset.updated_at = self._now()

    def inside(self, folder: Key) -> Iterable[int]:
        """Return the ids of the assets directly in a folder."""
        return [asset_id for asset_id in sorted(self._by_id) if self._by_id[asset_id].folder == folder]

    def copy_to(self, folder: Key, asset_id: int) -> None:
        """Put a copy of the same name into a folder."""
        original = self._by_id[asset_id]
        self.clone(original, original.name, folder)

    def drop(self, asset_id: int) -> None:
        """Delete an asset without any check."""
        del self._by_id[asset_id]

    def _check_name(self, name: str, folder: Key) -> None:
        program = self._folders.program(folder)
        for asset in self._by_id.values():
            if asset.name == name and self._folders.program(asset.folder) == program:
                raise refused(f"{self.kind} with the name '{name}' already exists")
