"""Selections: the records that a command writes. Each has its pager and the arguments its paging tokens belong to.

See ``app`` for how they are read from the command line, and ``drain`` for how they are written.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import ClassVar, Protocol, TypeVar

from msgspec import Struct

from marketo_async import Marketo, Pager
from marketo_async.models.activities import Activity
from marketo_async.models.leads import Record
from marketo_async.resources.activity_queries import Types

T = TypeVar("T")


class Selection(Protocol[T]):
    """Records that can be read to the end, and resumed from a token."""

    noun: ClassVar[str]
    """The word for its records."""
    endless: ClassVar[bool]
    """Whether new records may follow the last one, so that the last token stays valid."""

    def arguments(self) -> dict[str, str]:
        """Return the options that a token of this selection depends on, short enough to read."""
        ...

    def pager(self, marketo: Marketo, token: str | None) -> Pager[T]:
        """Return a pager over its records, starting at ``token``."""
        ...


class LeadsByFilter(Struct, frozen=True, kw_only=True):
    """The leads whose ``field`` has one of ``values``."""

    noun: ClassVar[str] = "leads"
    endless: ClassVar[bool] = False

    field: str
    values: Sequence[str]
    fields: Sequence[str] | None = None

    def arguments(self) -> dict[str, str]:
        """Return the options; the values, maybe a million, become their number and a digest."""
        digest = sha256("\n".join(self.values).encode()).hexdigest()[:16]
        values = f"{len(self.values)} of sha256 {digest}"
        return _given({"--filter": self.field, "values": values, "--fields": _listed(self.fields)})

    def pager(self, marketo: Marketo, token: str | None) -> Pager[Record]:
        """Return a pager over the leads, in the order of the values."""
        return marketo.leads.by_filter(self.field, self.values, fields=self.fields, token=token)


class ListMembers(Struct, frozen=True, kw_only=True):
    """The members of a static list."""

    noun: ClassVar[str] = "leads"
    endless: ClassVar[bool] = False

    list_id: int
    fields: Sequence[str] | None = None

    def arguments(self) -> dict[str, str]:
        """Return the options."""
        return _given({"--list": str(self.list_id), "--fields": _listed(self.fields)})

    def pager(self, marketo: Marketo, token: str | None) -> Pager[Record]:
        """Return a pager over the list's leads."""
        return marketo.lists.leads(self.list_id, fields=self.fields, token=token)


class ActivitiesSince(Struct, frozen=True, kw_only=True):
    """The activities since a moment, in order; later runs add new ones."""

    noun: ClassVar[str] = "activities"
    endless: ClassVar[bool] = True

    since: datetime
    types: Types
    leads: Sequence[int] | None = None

    def arguments(self) -> dict[str, str]:
        """Return the options."""
        return _given(
            {"--since": self.since.isoformat(), "--types": _typed(self.types), "--leads": _listed(self.leads)}
        )

    def pager(self, marketo: Marketo, token: str | None) -> Pager[Activity]:
        """Return a pager over the activities."""
        return marketo.activities.since(self.since, types=self.types, leads=self.leads, token=token)


class ActivitiesBetween(Struct, frozen=True, kw_only=True):
    """The activities between two moments, in shards that are read concurrently."""

    noun: ClassVar[str] = "activities"
    endless: ClassVar[bool] = False

    since: datetime
    until: datetime
    types: Types
    leads: Sequence[int] | None = None
    shards: int

    def arguments(self) -> dict[str, str]:
        """Return the options; they include the number of shards, because a token holds one cursor per shard."""
        return _given(
            {
                "--since": self.since.isoformat(),
                "--until": self.until.isoformat(),
                "--types": _typed(self.types),
                "--leads": _listed(self.leads),
                "--shards": str(self.shards),
            }
        )

    def pager(self, marketo: Marketo, token: str | None) -> Pager[Activity]:
        """Return a pager over the activities, in no order across shards."""
        return marketo.activities.between(
            self.since, self.until, types=self.types, leads=self.leads, shards=self.shards, token=token
        )


def _given(arguments: dict[str, str | None]) -> dict[str, str]:
    return {name: text for name, text in arguments.items() if text is not None}


def _typed(types: Types) -> str | None:
    return types if isinstance(types, str) else _listed(list(types))


def _listed(values: Sequence[str | int] | None) -> str | None:
    return None if values is None else ",".join(map(str, values))
