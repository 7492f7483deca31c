"""Static lists of the lead database."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.moment import Moment


class StaticList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A static list."""

    id: int
    name: str
    description: str | None = None
    program_name: str | None = None
    workspace_id: int | None = None
    workspace_name: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
