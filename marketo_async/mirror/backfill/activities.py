"""`ActivityLoad`: the first load of activities: the newest by paging, the history by exports within the day's volume.

The newest month is there within minutes. Older months are exported while the volume of the day lasts, two at a time;
where megabytes are the bottleneck, they are paged, beside the exports. Each activity goes to the table of its type.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-activity-extract
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from math import ceil
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.bulk.progress import ExportReport
from marketo_async.bulk.rows.reader import Row as FileRow
from marketo_async.changes.translation import guid_of
from marketo_async.errors import BadRow
from marketo_async.mirror.backfill.context import LoadContext, Span, SpanLog, missing, moment
from marketo_async.mirror.backfill.exports import ExportedFile, exported_file, row_blocks
from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.folding import table_row
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import (
    JOBS_AT_ONCE,
    ActivityWindow,
    activity_windows,
    paging_calls,
    shards_for,
    since_of,
)
from marketo_async.mirror.state import MirrorState
from marketo_async.models.activities import DELETE_LEAD, Activity, ActivityType, Attribute
from marketo_async.models.moment import parse
from marketo_async.resources.activity_queries import MOST_TYPES

log = logging.getLogger("marketo_async.mirror")

_SLICE = 30_000  # rows of a part that is paged: what a kill repeats at most
_MOST_SLICES = 200


class ActivitiesDone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The range of dates of some ``types`` that is to be loaded, and those parts of it that are.

    ``loaded`` are the types of which everything was loaded before.
    """

    start: float
    end: float
    done: tuple[Span, ...] = ()
    types: tuple[int, ...] = ()
    loaded: tuple[int, ...] = ()

    @property
    def left(self) -> tuple[Span, ...]:
        """What is not loaded."""
        return missing(Span(self.start, self.end), self.done)

    @property
    def complete(self) -> frozenset[int]:
        """The types of which everything is loaded."""
        return frozenset(self.loaded if self.left else (*self.loaded, *self.types))


class ActivityLoad:
    """Loads the activities of the types whose tables the catalog has; ``types`` are the names of these tables."""

    name = "activities"
    stage = 0

    def __init__(self, context: LoadContext, kinds: Mapping[int, ActivityType], types: Mapping[int, str]) -> None:
        self._context = context
        self._kinds = kinds
        self._types = {
            number: name for number, name in types.items() if name in context.catalog and number != DELETE_LEAD
        }
        self._wanted = frozenset(self._types.keys() & kinds.keys())
        self._progress = ActivitiesDone(start=0, end=0)
        self._log = SpanLog()

    def done(self, state: MirrorState) -> bool:
        """Whether all activities of all types are loaded."""
        progress = state.progress_of(self.name, ActivitiesDone)
        return self._wanted <= (frozenset() if progress is None else progress.complete)

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put all activities that are not loaded; a type whose table was chosen later has a load of its own."""
        while not self.done(state):
            self._progress = self._next(state.progress_of(self.name, ActivitiesDone))
            self._log = SpanLog(self._progress.done)
            windows = self._windows(self._progress.left)
            paged = [window for window in windows if window.way == "paging"]
            exported = [window for window in windows if window.way == "bulk"]
            # Not a task group of anyio: its cancellation would not let exports end their jobs and close their files.
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._page(paged, put))
                for place in range(JOBS_AT_ONCE):
                    tasks.create_task(self._export(exported[place::JOBS_AT_ONCE], put))
            state = state.with_progress({self.name: replace(self._progress, done=self._log.done)})

    def _next(self, progress: ActivitiesDone | None) -> ActivitiesDone:
        """Return the load that is under way, or the next one: of the types that are not loaded, until now."""
        if progress is not None and progress.left:
            return progress
        loaded = frozenset() if progress is None else progress.complete
        end = float(int(self._context.clock()) + 1)  # dates are whole seconds
        start = float(int(since_of(self._context.facts, self._context.since)))
        return ActivitiesDone(
            start=min(start, end - 1), end=end, types=tuple(sorted(self._wanted - loaded)), loaded=tuple(sorted(loaded))
        )

    @property
    def _ids(self) -> Sequence[int]:
        """The types that are loaded now."""
        return self._progress.types

    @property
    def _groups(self) -> int:
        """How many listings they need."""
        return max(1, ceil(len(self._ids) / MOST_TYPES))

    def _windows(self, left: Iterable[Span]) -> list[ActivityWindow]:
        """Return the parts that are left, the newest first, each with its way by today's volume."""
        windows: list[ActivityWindow] = []
        volume, facts = self._context.meter.bytes_left, self._context.facts
        for span in sorted(left, reverse=True):
            found = activity_windows(
                facts, head=span.end, since=span.start, exported=volume, paged=span.end == self._progress.end
            )
            volume -= round(sum(one.rows for one in found if one.way == "bulk") * facts.activity_width)
            windows += found
        return windows

    async def _page(self, windows: Sequence[ActivityWindow], put: Put) -> None:
        """Page parts of the windows beside each other, the newest first, as many as fill the slots.

        Each part is one listing for ten types, since a shard opens with a call and ends with a page that is half used.
        """
        slots = self._context.marketo.governor.limits.concurrency
        slices = iter([part for window in windows for part in _slices(window, self._groups, slots)])

        async def page() -> None:
            for span, rows in slices:
                await self._page_slice(span, rows, put)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(ceil(slots / self._groups)):
                tasks.create_task(page())

    async def _page_slice(self, span: Span, rows: float, put: Put) -> None:
        await self._context.meter.allow(calls=paging_calls(rows, self._groups, 1))
        read_at = self._context.clock()
        start, end = moment(span.start), moment(span.end)
        listing = self._context.marketo.activities.between(start, end, types=self._ids, shards=1)
        async with aclosing(listing.pages()) as pages:
            async for page in pages:
                if page.items:
                    await put(LoadChunk(rows=self._rows(page.items), read_at=read_at, snapshot=True))
        await self._log.put(put, span, partial(self._ended, read_at, None))

    async def _export(self, windows: Sequence[ActivityWindow], put: Put) -> None:
        for window in windows:
            span = Span(window.since, window.until)
            size = round(window.rows * self._context.facts.activity_width)
            asked = ("activities", self._context.marketo.base_url, span, self._ids)
            file = await exported_file(self._context, "activities", asked, partial(self._to_file, span), size=size)
            async with aclosing(row_blocks(file.path, _on_bad_row)) as found:
                async for some in found:
                    rows = self._rows(map(_activity, some))
                    await put(LoadChunk(rows=rows, read_at=file.read_at, snapshot=True))
            await self._log.put(put, span, partial(self._ended, file.read_at, file))

    async def _to_file(self, span: Span, path: Path, start_over: bool) -> ExportReport:  # noqa: FBT001 - by position
        return await self._context.marketo.bulk.activities.export_to(
            path,
            created_at=(moment(span.start), moment(span.end)),
            types=self._ids,
            poll=self._context.poll,
            on_quota="wait",
            start_over=start_over,
        )

    def _rows(self, activities: Iterable[Activity]) -> dict[str, list[MirrorRow]]:
        """Return the rows of activities by table."""
        rows: defaultdict[str, list[MirrorRow]] = defaultdict(list)
        for activity in activities:
            table = self._types.get(activity.activity_type_id)
            if table is not None:
                row = table_row(activity, self._kinds.get(activity.activity_type_id))
                row["marketoGUID"] = guid_of(activity)
                rows[table].append(row)
        return rows

    def _ended(self, read_at: float, file: ExportedFile | None, done: tuple[Span, ...]) -> LoadChunk:
        """Return the chunk that ends a part."""
        progress = replace(self._progress, done=done)
        return LoadChunk(read_at=read_at, progress={self.name: progress}, ack=None if file is None else file.drop)


def _activity(row: FileRow) -> Activity:
    """Return the activity of a row of an export; its attributes are JSON by name."""
    attributes = msgspec.json.decode(row.get("attributes") or "{}")
    return Activity(
        marketo_guid=row["marketoGUID"],
        lead_id=int(row["leadId"] or 0),
        activity_date=parse(row["activityDate"] or ""),
        activity_type_id=int(row["activityTypeId"] or 0),
        campaign_id=_number(row.get("campaignId")),
        primary_attribute_value_id=_number(row.get("primaryAttributeValueId")),
        primary_attribute_value=row.get("primaryAttributeValue"),
        attributes=[Attribute(name=name, value=value) for name, value in attributes.items()],
    )


def _number(cell: str | None) -> int | None:
    return int(cell) if cell else None


def _on_bad_row(error: BadRow) -> None:
    log.warning("an activity of an export can't be read: %s", error)


def _slices(window: ActivityWindow, groups: int, slots: int) -> list[tuple[Span, float]]:
    """Return the parts of a window that is paged, the newest first, and the rows of each, about."""
    count = min(_MOST_SLICES, max(shards_for(window.rows, groups, slots), ceil(window.rows / _SLICE)))
    step = max(1, ceil((window.until - window.since) / count))
    found: list[tuple[Span, float]] = []
    end = window.until
    while end > window.since:
        start = max(window.since, end - step)
        found.append((Span(start, end), window.rows / count))
        end = start
    return found
