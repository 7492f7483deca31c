"""Smart lists and their rules."""

from __future__ import annotations

from msgspec import Struct

from marketo_async.models.assets import FolderReference
from marketo_async.models.moment import Moment


class Condition(Struct, frozen=True, kw_only=True, rename="camel"):
    """A condition on an attribute; negative ids are Marketo's own attributes, like the date of the activity."""

    activity_attribute_id: int | None = None
    activity_attribute_name: str | None = None
    operator: str | None = None
    values: list[str] = []
    is_primary: bool | None = None


class Filter(Struct, frozen=True, kw_only=True, rename="camel"):
    """One filter of a smart list."""

    id: int | None = None
    name: str | None = None
    rule_type_id: int | None = None
    rule_type: str | None = None
    operator: str | None = None
    conditions: list[Condition] = []


class Rules(Struct, frozen=True, kw_only=True, rename="camel"):
    """The membership rules; ``filter_match_type`` is ``all``, ``any`` or ``advanced``, in upper or lower case."""

    filter_match_type: str | None = None
    triggers: list[str] = []
    filters: list[Filter] = []


class SmartList(Struct, frozen=True, kw_only=True, rename="camel"):
    """A smart list; its ``rules`` are only returned on request."""

    id: int
    name: str | None = None
    description: str | None = None
    folder: FolderReference | None = None
    workspace: str | None = None
    url: str | None = None
    rules: Rules | None = None
    created_at: Moment | None = None
    updated_at: Moment | None = None
