"""Folders: the tree of all assets. Programs are folders too, of type ``Program``, with their own ids.

The stores of the assets know the contents of a folder; each store joins the tree as a ``Shelf``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from marketo_async.sandbox.records.programs import Program

Key = tuple[int, str]
"""Id and type, ``Folder`` or ``Program``; only both together identify a folder."""

FOLDER, PROGRAM = "Folder", "Program"

MARKETING_ACTIVITIES: Key = (1, FOLDER)
DESIGN_STUDIO: Key = (2, FOLDER)
LEAD_DATABASE: Key = (3, FOLDER)

LANDING_PAGES: Key = (4, FOLDER)
FORMS: Key = (5, FOLDER)
EMAILS: Key = (6, FOLDER)
SNIPPETS: Key = (7, FOLDER)
IMAGES_AND_FILES: Key = (8, FOLDER)
LANDING_PAGE_TEMPLATES: Key = (9, FOLDER)
EMAIL_TEMPLATES: Key = (10, FOLDER)
SMART_LISTS: Key = (11, FOLDER)
STATIC_LISTS: Key = (20, FOLDER)

EVENTS: Key = (15, FOLDER)
NURTURING: Key = (16, FOLDER)

MARKETING_FOLDER = "Marketing Folder"

_PROGRAM_KINDS = {
    "event": "Marketing Event",
    "webinar": "Marketing Event",
    "engagement": "Nurture Program",
    "email": "Email Batch Program",
}


@dataclass(slots=True)
class Folder:
    """One folder, or a program as a folder; ``kind`` is Marketo's folder type."""

    id: int
    type: str
    name: str
    kind: str
    parent: Key | None
    created_at: float
    updated_at: float
    description: str = ""
    is_system: bool = False
    is_archive: bool = False
    workspace: str = "Default"

    @property
    def key(self) -> Key:
        """Id and type."""
        return self.id, self.type


class Shelf(Protocol):
    """A store of assets of one kind in folders."""

    @property
    def kind(self) -> str:
        """The name of the kind in folder contents, such as ``Email``."""
        ...

    def inside(self, folder: Key) -> Iterable[int]:
        """Return the ids of the assets directly in a folder."""
        ...

    def copy_to(self, folder: Key, asset_id: int) -> None:
        """Copy an asset under the same name into a folder, for the clone of a program."""
        ...

    def drop(self, asset_id: int) -> None:
        """Delete an asset without any check, for the deletion of a program."""
        ...


class Folders:
    """All folders by id and type; programs are looked up in ``programs`` at every call, so they are always current."""

    def __init__(self, folders: Iterable[Folder], programs: Mapping[int, Program]) -> None:
        self._folders = {folder.id: folder for folder in folders}
        # As at Marketo, folders and programs may have the same id; only the type distinguishes them.
        self._next_id = max([2000, *self._folders]) + 1
        self._programs = programs
        self._shelves: list[Shelf] = []

    def __iter__(self) -> Iterator[Folder]:
        """Iterate over the folders, then the programs, each in order of id."""
        yield from (self._folders[folder_id] for folder_id in sorted(self._folders))
        yield from (_as_folder(self._programs[program_id]) for program_id in sorted(self._programs))

    def get(self, folder_id: int, type: str = FOLDER) -> Folder | None:
        """Return a folder or program by id and type."""
        if type == PROGRAM:
            program = self._programs.get(folder_id)
            return None if program is None else _as_folder(program)
        return self._folders.get(folder_id)

    def children(self, key: Key) -> list[Folder]:
        """Return the folders and programs directly in a folder."""
        return [folder for folder in self if folder.parent == key]

    def contents(self, key: Key) -> list[tuple[str, int]]:
        """Return the kind and id of each direct child of a folder: folders, programs and assets."""
        return [
            *((folder.type, folder.id) for folder in self.children(key)),
            *((shelf.kind, asset_id) for shelf in self._shelves for asset_id in shelf.inside(key)),
        ]

    def below(self, key: Key) -> list[Key]:
        """Return a folder and all folders and programs at any depth below it."""
        return [key, *(deeper for child in self.children(key) for deeper in self.below(child.key))]

    def join(self, shelf: Shelf) -> None:
        """Add a store of assets to contents, clones and deletions."""
        self._shelves.append(shelf)

    @property
    def shelves(self) -> tuple[Shelf, ...]:
        """The stores that joined."""
        return tuple(self._shelves)

    def path(self, key: Key) -> list[Folder]:
        """Return the folders from the root to a folder."""
        folder = self.get(*key)
        if folder is None:
            return []
        return [*(self.path(folder.parent) if folder.parent else []), folder]

    def root(self, key: Key) -> Key:
        """Return the root of a folder: one of Marketo's three areas."""
        return self.path(key)[0].key

    def program(self, key: Key) -> int | None:
        """Return the innermost program that is or contains a folder."""
        return next((folder.id for folder in reversed(self.path(key)) if folder.type == PROGRAM), None)

    def name(self, key: Key) -> str:
        """Return the name of a folder, empty if it was deleted."""
        folder = self.get(*key)
        return "" if folder is None else folder.name

    def reference(self, key: Key) -> dict[str, object]:
        """Return the reference of most assets: ``type``, ``value`` and ``folderName``."""
        return {"type": key[1], "value": key[0], "folderName": self.name(key)}

    def plain_reference(self, key: Key) -> dict[str, object]:
        """Return the reference of lists and smart campaigns: ``id`` and ``type``."""
        return {"id": key[0], "type": key[1]}

    def add(self, name: str, parent: Key, now: float, description: str = "") -> Folder:
        """Create a folder of the same kind as its parent, or a marketing folder in a program."""
        above = self.get(*parent)
        if above is None:
            raise LookupError(f"There is no folder {parent}")
        kind = above.kind if above.type == FOLDER else MARKETING_FOLDER
        folder = Folder(self._next_id, FOLDER, name, kind, parent, now, now, description, workspace=above.workspace)
        self._folders[folder.id] = folder
        self._next_id += 1
        return folder

    def remove(self, folder_id: int) -> None:
        """Delete a folder; the caller checks that it is empty."""
        del self._folders[folder_id]


def _as_folder(program: Program) -> Folder:
    return Folder(
        program.id,
        PROGRAM,
        program.name,
        _PROGRAM_KINDS.get(program.type, "Marketing Program"),
        program.folder,
        program.created_at,
        program.updated_at,
        program.description,
        workspace=program.workspace,
    )


def seeded_folders(now: float) -> list[Folder]:
    """Return the roots, Marketo's own folders below them, and two folders of marketing activities."""

    def system(key: Key, name: str, kind: str, parent: Key | None) -> Folder:
        return Folder(*key, name, kind, parent, now, now, is_system=True)

    def ordinary(key: Key, name: str, kind: str, parent: Key) -> Folder:
        return Folder(*key, name, kind, parent, now, now)

    return [
        system(MARKETING_ACTIVITIES, "Marketing Activities", MARKETING_FOLDER, None),
        system(DESIGN_STUDIO, "Design Studio", "Zone", None),
        system(LEAD_DATABASE, "Lead Database", "Zone", None),
        system(LANDING_PAGES, "Landing Pages", "Landing Page", DESIGN_STUDIO),
        system(FORMS, "Forms", "Landing Page Form", DESIGN_STUDIO),
        system(EMAILS, "Emails", "Email", DESIGN_STUDIO),
        system(SNIPPETS, "Snippets", "Snippet", DESIGN_STUDIO),
        system(IMAGES_AND_FILES, "Images and Files", "Image", DESIGN_STUDIO),
        system(LANDING_PAGE_TEMPLATES, "Landing Page Templates", "Landing Page Template", LANDING_PAGES),
        system(EMAIL_TEMPLATES, "Email Templates", "Email Template", EMAILS),
        system(SMART_LISTS, "Group Smart Lists", "Zone", LEAD_DATABASE),
        system(STATIC_LISTS, "Group Lists", "Zone", LEAD_DATABASE),
        ordinary(EVENTS, "Events", MARKETING_FOLDER, MARKETING_ACTIVITIES),
        ordinary(NURTURING, "Nurturing", MARKETING_FOLDER, MARKETING_ACTIVITIES),
    ]
