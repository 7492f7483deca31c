"""The members of programs for data ingestion. Persons, companies and custom objects are plain records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct


class ProgramStatus(Struct, kw_only=True, rename="camel"):
    """Members of one program, and their new status; each member has a ``leadId``, and may have fields."""

    program_id: int
    status: str
    members: Sequence[Mapping[str, Any]]


class ProgramRemoval(Struct, kw_only=True, rename="camel"):
    """Leads to remove from one program."""

    program_id: int
    lead_ids: Sequence[int]
