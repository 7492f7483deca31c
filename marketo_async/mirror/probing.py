"""`probe`: the few calls before a first load that find what a plan needs. See ``plan`` for what is made of it.

Nothing says directly how many leads or activities an instance has, nor when it began. The probes, and their price:

- The newest id: the newest New Lead activity of the last hour, day, month or 25 months (2 calls each, until there is
  one), then chunks of 300 ids above its lead, ever further away, until one is empty (about 2 calls for each doubling).
- Density: ten chunks of 300 ids, one in each tenth below the newest id (10 calls). They also show how wide a lead is.
- The beginning: the lead with the lowest id, by chunks of ids ever further from 1 (1 call, about 20 on an instance
  whose first leads are deleted), and the oldest root folder (1 call). The instance began a day before the earlier one.
- Activities: the first page of all types that Marketo still has, then a page from each of about 20 moments, closer to
  each other the newer they are (for each, 1 call and 1 for every ten types; 1 call a day for the types).
- The numbers of lists and programs: their listings (1 call for 300 lists, 1 for 200 programs).
"""

from __future__ import annotations

import random
import time
from asyncio import gather
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.bulk.exports.beginning import lowest_chunk
from marketo_async.client import Marketo
from marketo_async.envelope import Envelope
from marketo_async.errors import ApiError
from marketo_async.mirror.lacking import why_lacking
from marketo_async.mirror.plan import CHUNK, DAY, KEPT, MONTH, ActivityRate, InstanceFacts
from marketo_async.models.activities import DELETE_LEAD, NEW_LEAD, Activity
from marketo_async.models.moment import parse
from marketo_async.operation import batched
from marketo_async.resources.activity_queries import MOST_TYPES

T = TypeVar("T")

_HOUR = 3_600.0
_RECENT = (_HOUR, DAY, MONTH, KEPT)
_STRATA = (DAY, 7 * DAY, MONTH, 3 * MONTH, 6 * MONTH, 12 * MONTH)
_TENTHS = 10
_PARTS = 3  # of each of these spans
_MOST_DOUBLINGS = 24  # ids of leads have at most 31 bits, and a chunk has 8
_MARGIN = DAY
_EMPTY = 8  # pages in a row that are followed


async def probe(
    marketo: Marketo,
    *,
    fields: Sequence[str] = ("id", "createdAt"),
    since: float | None = None,
    activities: bool = True,
    clock: Callable[[], float] = time.time,
    rng: random.Random | None = None,
) -> InstanceFacts:
    """Return what an instance is like, and what it cost to find out.

    ``fields`` are those of the leads that the mirror keeps. ``since`` (epoch seconds) is taken for the beginning
    instead of looking for it. The module says which calls are made. A family that the user may not read is left out.
    """
    return await _Probes(marketo, fields, clock, rng or random.Random()).run(since, activities=activities)  # noqa: S311


class _Sample(Struct, frozen=True, kw_only=True):
    """The date of the oldest activity, how many there are by parts, in how many listings, and how wide one is."""

    first: float | None = None
    rates: tuple[ActivityRate, ...] = ()
    groups: int = 1
    width: float = 250.0


class _Probes:
    def __init__(self, marketo: Marketo, fields: Sequence[str], clock: Callable[[], float], rng: random.Random) -> None:
        self._marketo = marketo
        self._fields = list(dict.fromkeys(["id", "createdAt", *fields]))
        self._clock = clock
        self._rng = rng
        self._leads: dict[int, Mapping[str, Any]] = {}  # all that were seen, by id
        self._latency = 0.0

    async def run(self, since: float | None, *, activities: bool) -> InstanceFacts:
        """Make the probes one after the other."""
        now, granted = self._clock(), self._marketo.governor.snapshot().granted
        newest = await _permitted(self._newest(now), None)
        density = await self._density(newest) if newest else 0.0
        began = await self._beginning(now, newest) if since is None else since
        found = _Sample()
        if activities:
            found = await _permitted(self._activities(now), found)
        lists = await _permitted(_count(self._marketo.lists.browse().all()), 0)
        programs = await _permitted(_count(self._marketo.programs.browse().all()), 0)
        return InstanceFacts(
            at=now,
            newest=newest,
            density=density,
            width=self._width(),
            began=began,
            first_activity=found.first,
            sampled=activities,
            rates=found.rates,
            activity_width=found.width,
            type_groups=found.groups,
            lists=lists,
            programs=programs,
            calls=self._marketo.governor.snapshot().granted - granted,
            latency=max(self._latency, 0.001),
        )

    async def _newest(self, now: float) -> int | None:
        """Return the highest id of a lead, ``None`` if no lead was found."""
        seen = await _permitted(self._recent_lead(now), 0)
        if not seen:
            tried = await gather(*(self._chunk(2**power - 1) for power in range(_MOST_DOUBLINGS)))
            seen = max((lead_id for ids in tried for lead_id in ids), default=0)
        if not seen:
            return None
        low, step = (seen - 1) // CHUNK, 1
        while await self._chunk(low + step):
            low, step = low + step, step * 2
        high = low + step
        while high - low > 1:
            middle = (low + high) // 2
            if await self._chunk(middle):
                low = middle
            else:
                high = middle
        if low == (seen - 1) // CHUNK:
            await self._chunk(low)
        return max(seen, *self._leads, 0)

    async def _recent_lead(self, now: float) -> int:
        """Return the lead of a New Lead activity as new as possible, 0 if there is none."""
        for span in _RECENT:
            found, _ = await self._page(await self._token(now - span), [NEW_LEAD])
            if found:
                return max(activity.lead_id for activity in found)
        return 0

    async def _chunk(self, number: int) -> list[int]:
        """Return the ids of the leads of a chunk; each chunk has 300 ids."""
        ids = range(number * CHUNK + 1, (number + 1) * CHUNK + 1)
        began = time.monotonic()
        leads = await self._marketo.leads.by_filter("id", ids, fields=self._fields).all()
        self._latency = self._latency or time.monotonic() - began
        self._leads.update((lead["id"], lead) for lead in leads)
        return [lead["id"] for lead in leads]

    async def _density(self, newest: int) -> float:
        """Return which share of the ids below the newest one exists."""
        chunks = (newest - 1) // CHUNK + 1
        if chunks <= _TENTHS:
            numbers = list(range(chunks))
        else:
            cuts = [chunks * tenth // _TENTHS for tenth in range(_TENTHS + 1)]
            numbers = [self._rng.randrange(low, high) for low, high in pairwise(cuts)]
        found = await gather(*(self._chunk(number) for number in numbers))
        possible = sum(min(CHUNK, newest - number * CHUNK) for number in numbers)
        return min(1.0, sum(map(len, found)) / possible)

    async def _beginning(self, now: float, newest: int | None) -> float:
        """Return when the instance began: a day before the oldest lead and folder that were found."""
        if newest is not None:
            await _permitted(self._oldest(), None)
        moments = [parse(lead["createdAt"]) for lead in self._leads.values() if lead.get("createdAt")]
        folders = await _permitted(self._marketo.folders.browse(max_depth=0).all(), [])
        moments += [folder.created_at for folder in folders if folder.created_at is not None]
        if not moments:
            return now - KEPT
        return min(now, min(moments).timestamp()) - _MARGIN

    async def _oldest(self) -> None:
        """Look for the lead with the lowest id."""
        if self._leads:  # or the newest is known by its activity alone
            await lowest_chunk(self._chunk, known=(min(self._leads) - 1) // CHUNK)

    async def _activities(self, now: float) -> _Sample:
        """Return since when there are activities, and how many there are in parts of that time."""
        types = sorted((await self._marketo.activities.types_by_id()).keys() - {DELETE_LEAD})
        groups = list(batched(types, MOST_TYPES))
        token = await self._token(now - KEPT)
        oldest = await gather(*(self._page(token, group) for group in groups))
        dates = [activity.activity_date.timestamp() for found, _ in oldest for activity in found]
        if not dates:
            return _Sample(groups=len(groups), first=now - KEPT if any(more for _, more in oldest) else None)
        unknown = any(more and not found for found, more in oldest)
        first = now - KEPT if unknown else min(dates)
        cuts = self._cuts(first - 1, now)
        rates: list[ActivityRate] = []
        widths: list[int] = []
        for start, end in pairwise(cuts):
            token = await self._token(start)
            pages = await gather(*(self._page(token, group) for group in groups))
            rows = sum(_rows(found, end, more=more) for found, more in pages)
            rates.append(ActivityRate(start, end, rows))
            widths += [activity_width(activity) for found, _ in pages for activity in found[:50]]
        width = sum(widths) / len(widths) if widths else _Sample().width
        return _Sample(first=first, rates=tuple(rates), groups=len(groups), width=width)

    def _cuts(self, since: float, now: float) -> list[float]:
        """Return moments between which activities are estimated, closer to each other the newer they are.

        They are at random, since traffic has hours of the day and days of the week.
        """
        edges = [since, *sorted(now - age for age in _STRATA if now - age > since), now]
        cuts = {since, now}
        for start, end in pairwise(edges):
            part = (end - start) / _PARTS
            cuts |= {start + (number + self._rng.random()) * part for number in range(_PARTS)}
        return sorted(cuts)

    async def _token(self, moment: float) -> str:
        return await self._marketo.activities.paging_token(datetime.fromtimestamp(moment, UTC))

    async def _page(self, token: str, types: Iterable[int]) -> tuple[list[Activity], bool]:
        """Return one page of activities after a few that may be empty, and whether there are more."""
        asked = list(types)
        followed = 0
        while True:
            answer: Envelope[list[Activity]] = await self._marketo.call(
                "GET",
                "/rest/v1/activities.json",
                query={"nextPageToken": token, "activityTypeIds": asked},
                decode=list[Activity],
            )
            followed += 1
            if answer.result or not answer.more_result or followed == _EMPTY:
                return answer.result or [], bool(answer.more_result)
            token = answer.next_page_token or token

    def _width(self) -> float:
        """Return how wide a lead is in an export."""
        if not self._leads:
            return 250.0
        return sum(map(lead_width, self._leads.values())) / len(self._leads)


def lead_width(lead: Mapping[str, Any]) -> int:
    """Return how many bytes a lead has in a file of comma-separated values, about."""
    return sum(1 + (len("null") if value is None else len(str(value).encode())) for value in lead.values())


def activity_width(activity: Activity) -> int:
    """Return how many bytes an activity has in an export, about: its attributes are JSON in one column."""
    attributes = {one.name: one.value for one in activity.attributes}
    columns = (
        activity.marketo_guid,
        activity.lead_id,
        "2026-01-01T00:00:00Z",
        activity.activity_type_id,
        activity.campaign_id,
        activity.primary_attribute_value_id,
        activity.primary_attribute_value,
    )
    quotes = 4 * len(attributes)
    return len(msgspec.json.encode(attributes)) + quotes + sum(1 + len(str(column)) for column in columns)


def _rows(found: Sequence[Activity], end: float, *, more: bool) -> float:
    """Return how many activities there are before ``end``, by the first page."""
    dates = sorted(activity.activity_date.timestamp() for activity in found)
    inside = sum(date < end for date in dates)
    if not more or inside < len(dates) or not dates:
        return inside
    first, last = dates[0], dates[-1]
    return max(inside, (len(dates) - 1) * (end - first) / max(last - first, 1.0))


async def _permitted(work: Awaitable[T], otherwise: T) -> T:
    """Return what some calls found, or ``otherwise`` where the instance refuses them."""
    try:
        return await work
    except ApiError as error:
        if why_lacking(error) is None:
            raise
        return otherwise


async def _count(work: Awaitable[Sequence[object]]) -> int:
    return len(await work)
