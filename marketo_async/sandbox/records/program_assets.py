"""The stores of programs and their campaigns, lists, files and tokens, and of channels, tags and redirect rules.

See ``design_studio`` for designed assets, which have drafts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marketo_async.sandbox.records.asset_shelf import AssetShelf
from marketo_async.sandbox.records.channels import TAG_TYPES, Channel, TagType, seeded_channels
from marketo_async.sandbox.records.files import File, seeded_files
from marketo_async.sandbox.records.folder_tokens import FolderTokens, seeded_tokens
from marketo_async.sandbox.records.folders import Folders
from marketo_async.sandbox.records.programs import Program, SmartCampaign
from marketo_async.sandbox.records.redirect_rules import RedirectRules, seeded_redirect_rules
from marketo_async.sandbox.records.smart_lists import SmartList, seeded_smart_lists
from marketo_async.sandbox.records.static_lists import StaticList, StaticLists


@dataclass(frozen=True, slots=True)
class ProgramAssets:
    """One store for each kind, and the channels and tag types of programs."""

    programs: AssetShelf[Program]
    campaigns: AssetShelf[SmartCampaign]
    smart_lists: AssetShelf[SmartList]
    static_lists: AssetShelf[StaticList]
    files: AssetShelf[File]
    tokens: FolderTokens
    redirect_rules: RedirectRules
    channels: tuple[Channel, ...]
    tag_types: tuple[TagType, ...] = TAG_TYPES

    def channel(self, name: str) -> Channel | None:
        """Return a channel by name."""
        return next((channel for channel in self.channels if channel.name == name), None)

    def tag_type(self, name: str) -> TagType | None:
        """Return a tag type by name."""
        return next((tag_type for tag_type in self.tag_types if tag_type.name == name), None)


def seeded_program_assets(
    folders: Folders,
    programs: dict[int, Program],
    campaigns: dict[int, SmartCampaign],
    lists: StaticLists,
    now: Callable[[], float],
    born: float,
) -> ProgramAssets:
    """Return the stores with a few assets created at ``born``, all in the folder tree."""
    assets = ProgramAssets(
        programs=AssetShelf("Program", programs, folders, now),
        campaigns=AssetShelf("Smart Campaign", campaigns, folders, now),
        smart_lists=AssetShelf("Smart List", seeded_smart_lists(born), folders, now),
        static_lists=AssetShelf("Static List", lists.by_id, folders, now, first_id=1001),
        files=AssetShelf("File", seeded_files(born), folders, now),
        tokens=seeded_tokens(),
        redirect_rules=seeded_redirect_rules(now),
        channels=seeded_channels(born),
    )
    # Programs are folders, so the tree needs no shelf for them.
    for shelf in (assets.campaigns, assets.smart_lists, assets.static_lists, assets.files):
        folders.join(shelf)
    return assets
