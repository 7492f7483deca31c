"""`Repair`: makes rows that differ equal to Marketo's, by the way on which the feed changes them.

A missing activity becomes the event that the feed would have delivered, so what follows from it is read again as well.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_async.changes.events import LeadEvent
from marketo_async.changes.translation import ActivityRow, Translator
from marketo_async.client import Marketo
from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.describing import InstanceTables
from marketo_async.mirror.folding import FoldedEvents, Folding
from marketo_async.mirror.freshness import Freshness
from marketo_async.mirror.loader import Loader
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.rereading import Rereading
from marketo_async.mirror.tables import Catalog
from marketo_async.mirror.verify.report import Difference
from marketo_async.models.activities import CHANGE_DATA_VALUE, NEW_LEAD
from marketo_async.operation import batched

_AT_ONCE = 3_000  # differences in one load
_GAP = timedelta(minutes=10)  # between dates that one listing covers
_CHANGES = frozenset({NEW_LEAD, CHANGE_DATA_VALUE})  # types that the feed reads as changes of fields


class Repair:
    """Reads rows again and loads them. ``instance`` is the name of the instance in the mirror's state."""

    def __init__(
        self,
        marketo: Marketo,
        destination: Destination,
        found: InstanceTables,
        *,
        instance: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._marketo = marketo
        self._destination = destination
        self._catalog: Catalog = found.catalog
        self._translator = Translator(instance, found.kinds)
        self._folding = Folding(found.catalog, found.kinds, found.types)
        self._rereading = Rereading(marketo, found.catalog)
        self._instance = instance
        self._clock = clock

    async def run(self, differences: Sequence[Difference]) -> list[Difference]:
        """Repair rows, and return those that could not be: activities that Marketo no longer lists.

        A row that changes meanwhile has an event of its own in the feed, which reads it again.
        """
        left: list[Difference] = []
        for some in batched(differences, _AT_ONCE):
            # A mirror that follows may have loaded meanwhile: its state is read again, right before each load.
            state = await self._destination.open(self._instance)
            freshness = Freshness(self._destination, self._catalog, started=self._clock())
            loader = Loader(self._destination, self._catalog, freshness, state)
            chunk, unread = await self._chunk(some)
            await loader.load([chunk])
            left += unread
        return left

    async def _chunk(self, differences: Sequence[Difference]) -> tuple[LoadChunk, list[Difference]]:
        """Return what makes some rows right, and the activities that could not be read."""
        by_table: defaultdict[str, list[Difference]] = defaultdict(list)
        for one in differences:
            by_table[one.table].append(one)
        leads = {one.key["id"]: one.kind for one in by_table.pop("leads", ())}
        lists = {one.key["id"]: one.kind for one in by_table.pop("lists", ())}
        members = [(one.key["list_id"], one.key["lead_id"]) for one in by_table.pop("list_members", ())]
        missing = [one for some in by_table.values() for one in some if one.kind == "missing"]
        activities = [row async for row in self._activities(missing)]
        read = {row.marketo_guid for row in activities}
        folded = self._folding.fold(map(self._event, activities))
        folded.gone |= {lead_id for lead_id, kind in leads.items() if kind == "extra"}
        folded.dirty |= leads.keys() - folded.gone
        _add_members(folded, members)
        for list_id in lists:
            folded.lists[list_id] |= set()
        found = await self._rereading.reread(folded)
        deletions: dict[str, list[MirrorRow]] = {name: [*rows] for name, rows in found.deletions.items()}
        deletions["lists"] = [{"id": list_id} for list_id, kind in lists.items() if kind == "extra"]
        for name, some in by_table.items():
            deletions[name] = [{"marketoGUID": one.key["marketo_guid"]} for one in some if one.kind == "extra"]
        chunk = LoadChunk(
            rows={**folded.rows, **found.rows},
            deletions={name: rows for name, rows in deletions.items() if name in self._catalog},
            gone=frozenset(folded.gone),
            read_at=self._clock(),
        )
        return chunk, [one for one in missing if one.key["marketo_guid"] not in read]

    async def _activities(self, missing: Iterable[Difference]) -> AsyncIterator[ActivityRow]:
        """Yield missing activities, read as the feed reads them."""
        wanted = {one.key["marketo_guid"]: one.about for one in missing}
        changes = {guid: about for guid, about in wanted.items() if about["activity_type_id"] in _CHANGES}
        for since, until, _ in _ranges(changes.values()):
            async for change in self._marketo.activities.lead_changes(since, fields="all", until=until):
                if wanted.pop(change.marketo_guid, None):
                    yield change
        for since, until, types in _ranges(wanted.values()):
            async for activity in self._marketo.activities.since(since, until=until, types=types):
                if wanted.pop(activity.marketo_guid, None):
                    yield activity

    def _event(self, row: ActivityRow) -> LeadEvent:
        return self._translator.event(row, seen_at=datetime.fromtimestamp(self._clock(), UTC), late=True)


def _add_members(folded: FoldedEvents, members: Iterable[tuple[int, int]]) -> None:
    for list_id, lead_id in members:
        folded.lists[list_id].add(lead_id)


def _ranges(abouts: Iterable[Mapping[str, Any]]) -> Iterator[tuple[datetime, datetime, list[int]]]:
    """Yield half-open ranges that cover some activities, each with the types that are missing in it."""
    dated = sorted((about["activity_date"], about["activity_type_id"]) for about in abouts)
    start = 0
    for place in range(1, len(dated) + 1):
        if place == len(dated) or dated[place][0] - dated[place - 1][0] > _GAP:
            some = dated[start:place]
            until = some[-1][0].replace(microsecond=0) + timedelta(seconds=1)
            yield some[0][0].replace(microsecond=0), until, sorted({kind for _, kind in some})
            start = place
