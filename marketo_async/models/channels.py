"""Channels of programs."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.moment import Moment


class ChannelStatus(Struct, frozen=True, kw_only=True, rename="camel"):
    """A status that members of a channel's programs can have."""

    name: str | None = None
    description: str | None = None
    type: str | None = None
    step: int | None = None
    success: bool | None = None
    hidden: bool | None = None


class Channel(Struct, frozen=True, kw_only=True, rename="camel"):
    """A channel: the type of program that can have it, and the statuses of its members."""

    id: int
    name: str | None = None
    applicable_program_type: str | None = None
    progression_statuses: list[ChannelStatus] = []
    created_at: Moment | None = None
    updated_at: Moment | None = None
