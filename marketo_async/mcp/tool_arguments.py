"""The arguments of the tools that are not operations. Their schemas are made of these, as those of operations are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from marketo_async.mcp.reading import LIMIT, Reading


class FindArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A question, in words."""

    query: str
    area: str | None = None
    limit: int = 8
    denied: bool = False


class DescribeArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """An operation by any of its names."""

    operation: str


class ReadArguments(Reading, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A read of any operation."""


class PlanArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A write to plan."""

    operation: str
    arguments: Mapping[str, Any] = {}


class WriteArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A write to make: an operation with arguments, or a kept plan."""

    operation: str | None = None
    arguments: Mapping[str, Any] = {}
    plan: str | None = None


class NoArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing."""


class PersonArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """A person by address or by id."""

    email: str | None = None
    id: int | None = None
    fields: list[str] = []


class ExportStartArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """An export to start."""

    family: str
    fields: list[str]
    selection: Mapping[str, Any]
    api_name: str | None = None


class ExportArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """An export that was started."""

    export: str


class ExportRowsArguments(Struct, frozen=True, forbid_unknown_fields=True):
    """The rows of a completed export."""

    export: str
    limit: int = LIMIT
    cursor: str | None = None
