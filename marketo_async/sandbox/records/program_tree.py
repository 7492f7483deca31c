"""Programs with all their contents: cloning, deleting, and checking for uses from outside."""

from __future__ import annotations

from collections.abc import Container, Iterator

from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.folders import FOLDER, PROGRAM, Folders, Key
from marketo_async.sandbox.records.program_assets import ProgramAssets
from marketo_async.sandbox.records.programs import Program
from marketo_async.sandbox.records.smart_lists import SmartList

MEMBER_OF_PROGRAM, MEMBER_OF_LIST = "Member of Program", "Member of List"


class ProgramTree:
    """The folders and stores of one instance together."""

    def __init__(self, folders: Folders, assets: ProgramAssets) -> None:
        self._folders = folders
        self._assets = assets

    def clone(self, program: Program, name: str, folder: Key, description: str | None, now: float) -> Program:
        """Create a program of another name with copies of all contents of this one."""
        clone = self._assets.programs.clone(program, name, folder, description)
        self._copy((program.id, PROGRAM), (clone.id, PROGRAM), now)
        self.name_lists(clone)
        return clone

    def name_lists(self, program: Program) -> None:
        """Set the new name of a program in its static lists."""
        for static_list in self._assets.static_lists:
            if self._folders.program(static_list.folder) == program.id:
                static_list.program_name = program.name

    def _copy(self, origin: Key, target: Key, now: float) -> None:
        self._assets.tokens.copy(origin, target)
        for shelf in self._folders.shelves:
            for asset_id in list(shelf.inside(origin)):
                shelf.copy_to(target, asset_id)
        for child in self._folders.children(origin):
            if child.type == FOLDER:
                folder = self._folders.add(child.name, target, now, child.description)
                self._copy(child.key, folder.key, now)

    def delete(self, program: Program) -> None:
        """Delete a program with all its contents, or raise 709 if anything outside uses them."""
        places = self._folders.below((program.id, PROGRAM))
        self._check_unused(MEMBER_OF_PROGRAM, program.name, places)
        for static_list in self._assets.static_lists:
            if static_list.folder in places:
                self._check_unused(MEMBER_OF_LIST, static_list.name, places)
        # From the bottom up: a folder's place is known only while its parent exists.
        for place in reversed(places):
            for shelf in self._folders.shelves:
                for asset_id in list(shelf.inside(place)):
                    shelf.drop(asset_id)
            self._assets.tokens.drop(place)
            if place[1] == FOLDER:
                self._folders.remove(place[0])
            else:
                self._assets.programs.drop(place[0])

    def check_list_unused(self, name: str) -> None:
        """Raise 709 if a smart list or campaign uses the members of a static list."""
        self._check_unused(MEMBER_OF_LIST, name, ())

    def _check_unused(self, filter_name: str, value: str, inside: Container[Key]) -> None:
        for smart_list in self._smart_lists():
            if smart_list.folder not in inside and smart_list.rules.mention(filter_name, value):
                raise refused(f"'{value}' is in use by smart list {smart_list.id}")

    def _smart_lists(self) -> Iterator[SmartList]:
        yield from self._assets.smart_lists
        yield from (campaign.smart_list for campaign in self._assets.campaigns)
        yield from (program.smart_list for program in self._assets.programs if program.smart_list is not None)
