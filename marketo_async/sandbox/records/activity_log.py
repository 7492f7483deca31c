"""Activities in the order of their dates or commits, readable from any point.

An activity has the date when it happened, and can be read after its commit, which may be minutes later. See
``lead_changes`` for the activities that a change of a lead writes.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count
from typing import Literal

import msgspec

from marketo_async.sandbox.clock import iso

Key = tuple[float, int]
Order = Literal["date", "commit"]
LAST_SEQUENCE = sys.maxsize


def no_delay() -> float:
    """Commit every activity when it happens."""
    return 0.0


class Attribute(msgspec.Struct, frozen=True):
    """A secondary attribute of an activity."""

    name: str
    value: str | int | float | bool | list[int] | None


class Activity(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One activity as in answers; members without a value are left out."""

    id: int | None = None
    marketo_guid: str = msgspec.field(name="marketoGUID")
    lead_id: int
    activity_date: str
    activity_type_id: int
    campaign_id: int | None = None
    primary_attribute_value_id: int | None = None
    primary_attribute_value: str | None = None
    attributes: tuple[Attribute, ...] = ()


class ActivityLog:
    """All activities, sorted by date, or by commit, and then by arrival.

    An activity that is not committed yet, or is dated in the future, is invisible until then. ``delay``
    draws the seconds between the date of an activity that happens now and its commit. With the order "date", a reader
    whose position is after the date of a late activity never sees it; with "commit" every reader does.
    """

    def __init__(
        self,
        now: Callable[[], float],
        *,
        omit_ids: bool,
        order: Order = "date",
        delay: Callable[[], float] = no_delay,
    ) -> None:
        self._now = now
        self._omit_ids = omit_ids
        self._order = order
        self._delay = delay
        self._keys: list[Key] = []
        self._seen_from: list[float] = []
        self._activities: list[Activity] = []
        self._guids: list[str] = []
        self._of_lead: defaultdict[int, list[Activity]] = defaultdict(list)
        self._sequence = count(1)

    def __len__(self) -> int:
        return len(self._activities)

    def __iter__(self) -> Iterator[Activity]:
        return iter(self._activities)

    def visible(self) -> Iterator[Activity]:
        """Yield the activities that can be read now."""
        now = self._now()
        return (activity for activity, seen in zip(self._activities, self._seen_from, strict=True) if seen <= now)

    @property
    def written(self) -> int:
        """The number of activities written so far."""
        return len(self._guids)

    def guids_since(self, written: int) -> tuple[str, ...]:
        """Return the GUIDs of the activities after the first ``written`` ones."""
        return tuple(self._guids[written:])

    def commits(self) -> list[tuple[Activity, float]]:
        """Return every activity with the moment from which it can be read, which may be in the future."""
        return list(zip(self._activities, self._seen_from, strict=True))

    def add(
        self,
        lead_id: int,
        activity_type_id: int,
        primary: tuple[int | None, str | None] = (None, None),
        attributes: tuple[Attribute, ...] = (),
        *,
        date: float | None = None,
        campaign_id: int | None = None,
        id: int | None = None,
        marketo_guid: str | None = None,
    ) -> Activity:
        """Write an activity, by default dated now; an activity with a given date is committed at once."""
        sequence = next(self._sequence)
        now = self._now()
        committed = now if date is not None else now + self._delay()
        date = now if date is None else date
        seen = max(date, committed)
        activity = Activity(
            id=None if self._omit_ids else (id or 100_000 + sequence),
            marketo_guid=marketo_guid or f"{sequence * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF:016x}{sequence:016x}",
            lead_id=lead_id,
            activity_date=iso(date),
            activity_type_id=activity_type_id,
            campaign_id=campaign_id,
            primary_attribute_value_id=primary[0],
            primary_attribute_value=primary[1],
            attributes=attributes,
        )
        key = (date if self._order == "date" else seen, sequence)
        index = len(self._keys) if not self._keys or key > self._keys[-1] else bisect_left(self._keys, key)
        self._keys.insert(index, key)
        self._seen_from.insert(index, seen)
        self._activities.insert(index, activity)
        self._guids.append(activity.marketo_guid)
        self._of_lead[lead_id].append(activity)
        return activity

    def after(self, key: Key, wanted: Callable[[Activity], bool], most: int) -> tuple[list[Activity], Key, bool]:
        """Return up to ``most`` wanted activities after a key, the key reached, and whether more follow."""
        now = self._now()
        begin = bisect_right(self._keys, key)
        end = bisect_right(self._keys, (now, LAST_SEQUENCE))
        found: list[Activity] = []
        reached = key
        for index in range(begin, end):
            activity = self._activities[index]
            if self._seen_from[index] <= now and wanted(activity):
                if len(found) == most:
                    return found, reached, True
                found.append(activity)
            reached = self._keys[index]
        return found, reached, False

    def reassign(self, from_lead: int, to_lead: int) -> None:
        """Assign the activities of one lead to another."""
        moved = self._of_lead.pop(from_lead, [])
        for activity in moved:
            activity.lead_id = to_lead
        self._of_lead[to_lead] += moved

    def uses_type(self, activity_type_id: int) -> bool:
        """Return whether any activity is of this type."""
        return any(activity.activity_type_id == activity_type_id for activity in self._activities)
