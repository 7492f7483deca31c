"""Smart campaigns as assets. See ``campaigns`` for campaigns as the lead database runs them."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderReference
from marketo_async.models.moment import Moment


class Recurrence(Struct, frozen=True, kw_only=True, rename="camel"):
    """The schedule of a batch campaign; without ``interval_type`` it does not repeat."""

    start_at: Moment | None = None
    end_at: Moment | None = None
    interval_type: str | None = None
    interval: int | None = None
    weekday_only: bool | None = None
    weekday_mask: list[str] = []
    day_of_month: int | None = None
    day_of_week: str | None = None
    week_of_month: int | None = None


class SmartCampaign(Struct, frozen=True, kw_only=True, rename="camel"):
    """A smart campaign; system campaigns have no folder."""

    id: int
    name: str | None = None
    description: str | None = None
    type: str | None = None
    status: str | None = None
    is_system: bool | None = None
    is_active: bool | None = None
    is_requestable: bool | None = None
    is_communication_limit_enabled: bool | None = None
    recurrence: Recurrence | None = None
    qualification_rule_type: str | None = None
    qualification_rule_interval: int | None = None
    qualification_rule_unit: str | None = None
    max_members: int | None = None
    smart_list_id: int | None = None
    flow_id: int | None = None
    parent_program_id: int | None = None
    folder: FolderReference | None = None
    workspace: str | None = None
    computed_url: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
