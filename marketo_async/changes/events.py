"""The events of a change feed: frozen Structs in one tagged union, made for ``match``, and their Debezium envelope.

See ``translation`` for how they are made of Marketo's activities.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from marketo_async.models.activities import Activity, LeadChange

_Op = Literal["c", "u", "d", "m", "a", "g"]


class Change(Struct, frozen=True):
    """The old and the new value of a field; each is text or ``None``, as Marketo records them."""

    old: str | None
    new: str | None


class FeedEvent(Struct, frozen=True, dict=True):
    """What every event of a lead has.

    ``guid`` identifies the event; two events never share it. ``date`` is when it happened and ``seen_at`` when the feed
    read it, both in UTC. ``late`` says that newer events of its lane were delivered before it. ``instance`` is the
    munchkin id, or the address of an instance that has none.
    """

    guid: str
    lead_id: int
    date: datetime
    seen_at: datetime
    late: bool
    instance: str

    @property
    def activity(self) -> Activity | LeadChange:
        """The activity as Marketo has it. It is not part of the event as JSON, and an event made of JSON has none."""
        found: Activity | LeadChange = vars(self)["activity"]
        return found

    def envelope(self) -> dict[str, Any]:
        """Return the event as Debezium shapes one: ``op``, ``before``, ``after``, ``source`` and ``ts_ms``.

        ``op`` is "c" for a created lead, "u" for changed values, "d" for a deletion, "m" for a merge, and "a" for any
        other activity. ``before`` and ``after`` hold the id of the lead and what the event says, not whole leads. The
        key of the message is ``lead_id``.

        https://debezium.io/documentation/reference/stable/connectors/postgresql.html#postgresql-change-events-value
        """
        before, after = self._values()
        kind: _Op = _OPERATIONS.get(type(self), "a")
        return _envelope(kind, before, after, self.instance, self.guid, self.date, self.seen_at, type(self).__name__)

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """Return what the envelope has before and after the event."""
        raise NotImplementedError


class LeadCreated(FeedEvent, frozen=True, kw_only=True, tag=True):
    """A new lead (type 12). ``attributes`` say where it came from, by name."""

    attributes: Mapping[str, Any]

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return None, {"id": self.lead_id, **self.attributes}


class LeadChanged(FeedEvent, frozen=True, kw_only=True, tag=True):
    """New values of fields of a lead (type 13). ``attributes`` hold the reason and the source, by name."""

    changes: Mapping[str, Change]
    attributes: Mapping[str, Any]

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        before = {name: change.old for name, change in self.changes.items()}
        after = {name: change.new for name, change in self.changes.items()}
        return {"id": self.lead_id, **before}, {"id": self.lead_id, **after}


class LeadDeleted(FeedEvent, frozen=True, kw_only=True, tag=True):
    """A deleted lead (type 37); ``name`` is what Marketo called it."""

    name: str | None = None

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return {"id": self.lead_id}, None


class LeadsMerged(FeedEvent, frozen=True, kw_only=True, tag=True):
    """Leads that became one (type 32): ``losers`` are gone, and ``winner``, which is ``lead_id``, has their activities.

    ``losers`` is empty if Marketo did not name them; each of them is also a `LeadDeleted`.
    """

    winner: int
    losers: tuple[int, ...] = ()

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return {"ids": list(self.losers)}, {"id": self.winner}


class ListJoined(FeedEvent, frozen=True, kw_only=True, tag=True):
    """A lead was added to a static list (type 24)."""

    list_id: int | None
    list_name: str | None = None

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return None, {"id": self.lead_id, "listId": self.list_id, "listName": self.list_name}


class ListLeft(FeedEvent, frozen=True, kw_only=True, tag=True):
    """A lead was removed from a static list (type 25)."""

    list_id: int | None
    list_name: str | None = None

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return {"id": self.lead_id, "listId": self.list_id, "listName": self.list_name}, None


class ProgramStatusChanged(FeedEvent, frozen=True, kw_only=True, tag=True):
    """The status of a lead in a program changed (type 104); ``attributes`` hold what else Marketo says of it."""

    program_id: int | None
    program_name: str | None
    old_status: str | None
    new_status: str | None
    attributes: Mapping[str, Any]

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        program = {"id": self.lead_id, "programId": self.program_id}
        return {**program, "status": self.old_status}, {**program, "status": self.new_status}


class ActivityLogged(FeedEvent, frozen=True, kw_only=True, tag=True):
    """Any other activity. ``attributes`` are typed by the instance's activity types, the primary one among them.

    ``primary_id`` and ``primary`` are the id and the name of the asset that the activity is about.
    """

    type_id: int
    type_name: str
    attributes: Mapping[str, Any]
    primary_id: int | None = None
    primary: str | None = None
    campaign_id: int | None = None

    def _values(self) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        return None, {
            "id": self.lead_id,
            "activityTypeId": self.type_id,
            "activityType": self.type_name,
            "primaryAttributeValueId": self.primary_id,
            "primaryAttributeValue": self.primary,
            "campaignId": self.campaign_id,
            **self.attributes,
        }


class Gap(Struct, frozen=True, kw_only=True, tag=True):
    """Events of a ``lane`` between two moments that Marketo no longer has, so the feed can't know them."""

    lane: str
    since: datetime
    until: datetime
    reason: str
    seen_at: datetime
    instance: str

    def envelope(self) -> dict[str, Any]:
        """Return the gap in the shape of an event, with the ``op`` "g" and no lead."""
        after = {"lane": self.lane, "since": self.since, "until": self.until, "reason": self.reason}
        return _envelope("g", None, after, self.instance, None, self.until, self.seen_at, "Gap")


LeadEvent = (
    LeadCreated
    | LeadChanged
    | LeadDeleted
    | LeadsMerged
    | ListJoined
    | ListLeft
    | ProgramStatusChanged
    | ActivityLogged
)
"""An event of a lead."""

ChangeEvent = LeadEvent | Gap
"""What a batch of the feed holds."""

_OPERATIONS: Mapping[type[FeedEvent], _Op] = {
    LeadCreated: "c",
    LeadChanged: "u",
    LeadDeleted: "d",
    LeadsMerged: "m",
}


def _envelope(
    kind: _Op,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    instance: str,
    guid: str | None,
    date: datetime,
    seen_at: datetime,
    name: str,
) -> dict[str, Any]:
    return {
        "op": kind,
        "before": before,
        "after": after,
        "source": {
            "connector": "marketo",
            "name": instance,
            "event": name,
            "guid": guid,
            "ts_ms": round(date.timestamp() * 1000),
            "snapshot": False,
        },
        "ts_ms": round(seen_at.timestamp() * 1000),
    }
