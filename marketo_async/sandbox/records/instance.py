"""`Instance`: the whole state of one Marketo instance, which the operations work on."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from marketo_async.sandbox.clock import SandboxClock
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.records.activity_log import ActivityLog
from marketo_async.sandbox.records.campaign_runs import CampaignRuns
from marketo_async.sandbox.records.custom_types import CustomTypes
from marketo_async.sandbox.records.design_studio import DesignStudio
from marketo_async.sandbox.records.export_jobs import ExportJobs
from marketo_async.sandbox.records.folders import Folders
from marketo_async.sandbox.records.import_jobs import ImportJobs
from marketo_async.sandbox.records.inbox import Inbox
from marketo_async.sandbox.records.lead_fields import Fields
from marketo_async.sandbox.records.lead_store import LeadStore
from marketo_async.sandbox.records.overlaps import Overlaps
from marketo_async.sandbox.records.program_assets import ProgramAssets
from marketo_async.sandbox.records.programs import Partition, Program, SmartCampaign, SubmittableForm
from marketo_async.sandbox.records.segmentations import Segmentation
from marketo_async.sandbox.records.standard_objects import Objects
from marketo_async.sandbox.records.static_lists import StaticLists
from marketo_async.sandbox.records.usage_log import UsageLog
from marketo_async.sandbox.records.users import Users
from marketo_async.sandbox.records.v2_assets import V2AssetStore
from marketo_async.sandbox.tokens import Tokens


@dataclass(slots=True)
class Instance:
    """The state of an instance; operations read and write it and keep no other state."""

    munchkin_id: str
    clock: SandboxClock
    quirks: Quirks
    rng: random.Random
    tokens: Tokens
    usage: UsageLog
    leads: LeadStore
    lead_fields: Fields
    member_fields: Fields
    activities: ActivityLog
    custom_types: CustomTypes
    lists: StaticLists
    v2_assets: V2AssetStore
    users: Users
    inbox: Inbox
    folders: Folders
    program_assets: ProgramAssets
    programs: dict[int, Program]
    campaigns: dict[int, SmartCampaign]
    segmentations: Mapping[int, Segmentation]
    studio: DesignStudio
    forms: Mapping[int, SubmittableForm]
    partitions: tuple[Partition, ...]
    objects: Objects
    campaign_runs: CampaignRuns = field(default_factory=CampaignRuns)
    overlaps: Overlaps = field(default_factory=Overlaps)
    exports: ExportJobs = field(init=False)
    imports: ImportJobs = field(init=False)

    def __post_init__(self) -> None:
        self.exports = ExportJobs(self.clock, self.quirks, self.rng)
        self.imports = ImportJobs(self.clock, self.quirks)

    def settle(self) -> None:
        """Apply everything that was accepted earlier and is due."""
        self.inbox.settle()
        self.imports.settle()
        self.exports.settle()
