"""Activities in the order of their dates, and reading on from any point.

Which activities a change of a lead leaves behind is decided where leads are changed.
"""

from __future__ import annotations

import sys
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from itertools import count

import msgspec

from marketo_async.sandbox.clock import iso

Key = tuple[float, int]
LAST_SEQUENCE = sys.maxsize


class Attribute(msgspec.Struct, frozen=True):
    """A secondary attribute of an activity."""

    name: str
    value: str | int | float | bool | None


class Activity(msgspec.Struct, kw_only=True, rename="camel", omit_defaults=True):
    """One activity as it is answered; members without a value are left out."""

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
    """All activities, sorted by date and then by arrival.

    Activities dated in the future stay unseen until the clock gets there: a reader who has passed them would
    otherwise miss everything that happens before.
    """

    def __init__(self, now: Callable[[], float], *, omit_ids: bool) -> None:
        self._now = now
        self._omit_ids = omit_ids
        self._keys: list[Key] = []
        self._activities: list[Activity] = []
        self._sequence = count(1)

    def __len__(self) -> int:
        return len(self._activities)

    def __iter__(self) -> Iterator[Activity]:
        return iter(self._activities)

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
        """Write an activity, dated now unless said otherwise."""
        sequence = next(self._sequence)
        date = self._now() if date is None else date
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
        key = (date, sequence)
        if not self._keys or key > self._keys[-1]:
            self._keys.append(key)
            self._activities.append(activity)
        else:
            index = bisect_left(self._keys, key)
            self._keys.insert(index, key)
            self._activities.insert(index, activity)
        return activity

    def after(self, key: Key, wanted: Callable[[Activity], bool], most: int) -> tuple[list[Activity], Key, bool]:
        """Return up to ``most`` wanted activities behind a key, the key reached, and whether more of them follow."""
        begin = bisect_right(self._keys, key)
        end = bisect_right(self._keys, (self._now(), LAST_SEQUENCE))
        found: list[Activity] = []
        reached = key
        for index in range(begin, end):
            activity = self._activities[index]
            if wanted(activity):
                if len(found) == most:
                    return found, reached, True
                found.append(activity)
            reached = self._keys[index]
        return found, reached, False

    def reassign(self, from_lead: int, to_lead: int) -> None:
        """Hand the activities of one lead over to another."""
        for activity in self._activities:
            if activity.lead_id == from_lead:
                activity.lead_id = to_lead

    def uses_type(self, activity_type_id: int) -> bool:
        """Return whether any activity is of this type."""
        return any(activity.activity_type_id == activity_type_id for activity in self._activities)
