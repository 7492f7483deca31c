"""What to drain: each selection knows its pager, and the arguments that its paging tokens belong to.

Not here: reading them from the command line (``app``), and draining them (``drain``).
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

T = TypeVar("T")


class Selection(Protocol[T]):
    """Something that can be drained, and gone on with from a token."""

    noun: ClassVar[str]
    """What its records are called."""
    endless: ClassVar[bool]
    """Whether more may come behind its end, so that the last token stays good."""

    def arguments(self) -> dict[str, str]:
        """Return what a token of this selection depends on, by option, short enough to be read."""
        ...

    def pager(self, marketo: Marketo, token: str | None) -> Pager[T]:
        """Return a pager over its records, from *token* on."""
        ...


class LeadsByFilter(Struct, frozen=True, kw_only=True):
    """The leads whose *field* has one of some values."""

    noun: ClassVar[str] = "leads"
    endless: ClassVar[bool] = False

    field: str
    values: Sequence[str]
    fields: Sequence[str] | None = None

    def arguments(self) -> dict[str, str]:
        """Return the options; the values as their number and a digest, since there may be a million."""
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
    """The activities after a moment, in order, and from then on what is new."""

    noun: ClassVar[str] = "activities"
    endless: ClassVar[bool] = True

    since: datetime
    types: Sequence[int]
    leads: Sequence[int] | None = None

    def arguments(self) -> dict[str, str]:
        """Return the options."""
        return _given(
            {"--since": self.since.isoformat(), "--types": _listed(self.types), "--leads": _listed(self.leads)}
        )

    def pager(self, marketo: Marketo, token: str | None) -> Pager[Activity]:
        """Return a pager over the activities."""
        return marketo.activities.since(self.since, types=self.types, leads=self.leads, token=token)


class ActivitiesBetween(Struct, frozen=True, kw_only=True):
    """The activities between two moments, in shards that are drained side by side."""

    noun: ClassVar[str] = "activities"
    endless: ClassVar[bool] = False

    since: datetime
    until: datetime
    types: Sequence[int]
    leads: Sequence[int] | None = None
    shards: int

    def arguments(self) -> dict[str, str]:
        """Return the options; a token holds one cursor a shard, so their number is among them."""
        return _given(
            {
                "--since": self.since.isoformat(),
                "--until": self.until.isoformat(),
                "--types": _listed(self.types),
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


def _listed(values: Sequence[str] | Sequence[int] | None) -> str | None:
    return None if values is None else ",".join(map(str, values))
