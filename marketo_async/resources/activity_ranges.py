"""Ranges of activities by date: their shards, and the filter of each, which ends its listing. Pure.

See ``activities`` for the listings.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Generic, TypeVar

from msgspec import Struct

from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import Activity, LeadChange
from marketo_async.models.moment import When, to_datetime
from marketo_async.operation import PageFilter
from marketo_async.paging import Distinct

A = TypeVar("A", Activity, LeadChange)

NO_LAG = timedelta(0)
_REMEMBERED = 50_000  # GUIDs that a loop remembers at least
_RESOLUTION = timedelta(seconds=1)  # of the dates of activities


class Shard(Struct, frozen=True):
    """The activities with ``start <= date < end``; without an end, all those after ``start``."""

    start: datetime
    end: datetime | None = None
    lag: timedelta = NO_LAG

    @property
    def opening(self) -> datetime:
        """The moment after which its listing starts: a paging token may leave out its own moment."""
        return self.start if self.end is None else self.start - _RESOLUTION

    def sift(self, model: type[A]) -> Callable[[], PageFilter[A]]:
        """Return what makes the filter of a listing."""
        start, end = self.start, self.end
        if end is None:
            return lambda: distinct(model)
        return lambda: WithinDates(start, end, self.lag, distinct(model))


def shards_of(since: When, until: When | None, *, shards: int = 1, lag: timedelta = NO_LAG) -> list[Shard]:
    """Split a range at whole seconds, as activities are dated, into at most ``shards`` parts.

    Raises `InvalidRequest` for an empty range, and for shards or a lag without an end.
    """
    start = to_datetime(since, name="since")
    if shards < 1:
        raise InvalidRequest(f"shards must be at least 1, not {shards}")
    if lag < NO_LAG:
        raise InvalidRequest(f"lag is {lag}; pass a duration of 0 or more")
    if until is None:
        if shards > 1 or lag:
            raise InvalidRequest("shards and lag belong to a range with an end; pass until, or leave them out")
        return [Shard(start)]
    end = to_datetime(until, name="until")
    if start >= end:
        raise InvalidRequest(f"since ({start.isoformat()}) must be before until ({end.isoformat()})")
    seconds = max(1, int((end - start).total_seconds()))
    count = min(shards, seconds)
    cuts = [start, *(start + timedelta(seconds=seconds * n // count) for n in range(1, count)), end]
    return [Shard(left, right, lag) for left, right in pairwise(cuts)]


def distinct(_: type[A]) -> Distinct[A]:
    """Return what keeps a listing from delivering an activity twice, by its GUID."""
    return Distinct(lambda item: item.marketo_guid, remember=_REMEMBERED)


class WithinDates(PageFilter[A], Generic[A]):
    """Keeps the activities with ``start <= date < end``, each once, and ends the listing after them.

    Pages are usually in order of date, but Marketo does not promise it. So a page that is not in order says nothing
    about the next ones: the listing ends after a page in order whose last date is past the end, or after a page that is
    past it entirely.

    With a ``lag``, one date that is ``lag`` past the end suffices: an activity that is dated before the end, and was
    recorded at most ``lag`` after its date, was recorded before that one. So nothing is missed even if listings are in
    the order in which activities are recorded.
    """

    def __init__(self, start: datetime, end: datetime, lag: timedelta, new: Distinct[A]) -> None:
        self._start = start
        self._end = end
        self._lag = lag
        self._new: Distinct[A] = new

    def __call__(self, items: list[A]) -> tuple[list[A], bool]:
        """Return the new activities of the range, and whether the listing may end here."""
        dates = [item.activity_date for item in items]
        inside = [item for item in items if self._start <= item.activity_date < self._end]
        return self._new(inside)[0], bool(dates) and self._is_past(dates)

    def _is_past(self, dates: list[datetime]) -> bool:
        if self._lag:
            return max(dates) >= self._end + self._lag
        in_order = all(earlier <= later for earlier, later in pairwise(dates))
        return (dates[-1] if in_order else min(dates)) >= self._end
