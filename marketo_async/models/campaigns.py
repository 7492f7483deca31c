"""Campaigns as the lead database returns them. See ``smart_campaigns`` for campaigns as assets."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.moment import Moment


class Campaign(Struct, frozen=True, kw_only=True, rename="camel"):
    """A batch or trigger campaign; only trigger campaigns have ``active``."""

    id: int
    name: str
    type: str | None = None
    description: str | None = None
    active: bool | None = None
    program_id: int | None = None
    program_name: str | None = None
    workspace_name: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
