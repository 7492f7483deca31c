"""Programs, their tags and costs. Types and statuses are open strings: Marketo spells them in several ways."""

from __future__ import annotations

from datetime import date

from msgspec import Struct

from marketo_async.models.assets import FolderReference
from marketo_async.models.moment import Moment


class ProgramTag(Struct, frozen=True, rename="camel"):
    """A program's value for a tag type."""

    tag_type: str
    tag_value: str = ""


class Cost(Struct, frozen=True, kw_only=True, rename="camel"):
    """A period cost of a program."""

    start_date: Moment | None = None
    cost: int | None = None
    note: str | None = None


class NewCost(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A period cost to add to a program."""

    start_date: date
    cost: int
    note: str | None = None


class Program(Struct, frozen=True, kw_only=True, rename="camel"):
    """A program. ``tags`` and ``costs`` are ``None`` if the call does not return them; ``browse`` never does.

    ``status`` is ``on`` or ``off`` for engagement programs, ``locked`` or ``unlocked`` for email programs, and empty
    for the others.
    """

    id: int
    name: str | None = None
    description: str | None = None
    type: str | None = None
    channel: str | None = None
    status: str | None = None
    folder: FolderReference | None = None
    workspace: str | None = None
    url: str | None = None
    tags: list[ProgramTag] | None = None
    costs: list[Cost] | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    head_start: bool | None = None
    sfdc_id: str | None = None
    sfdc_name: str | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
