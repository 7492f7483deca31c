"""`LeadLoad`: the first load of leads, by chunks of 300 ids or by exports of 31 days, whichever the plan found cheaper.

By ids, as many calls run as the governor has slots, with bulk priority. By exports, no window is before the instance
began. Both continue after a kill with what is not loaded.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Literal

from msgspec import Struct

from marketo_async.bulk.progress import ExportReport
from marketo_async.errors import BadRow
from marketo_async.mirror.backfill.context import LoadContext, Span, SpanLog, missing, moment, months
from marketo_async.mirror.backfill.exports import ExportedFile, exported_file, row_blocks
from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import CHUNK, JOBS_AT_ONCE, TAIL, CallPace, LoadBudget, cheapest, lead_ways
from marketo_async.mirror.state import MirrorState

log = logging.getLogger("marketo_async.mirror")


class LeadsDone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How far the load of leads is: its way, and the chunks of ids or ranges of creation that are loaded.

    ``end`` is the number of chunks, or the moment up to which leads are exported.
    """

    way: Literal["ids", "bulk"]
    start: float
    end: float
    done: tuple[Span, ...] = ()
    complete: bool = False

    @property
    def left(self) -> tuple[Span, ...]:
        """What is not loaded."""
        return missing(Span(self.start, self.end), self.done)


class LeadLoad:
    """Loads all leads. Rows of the feed are newer, so its own are those of a snapshot."""

    name = "leads"
    stage = 0

    def __init__(self, context: LoadContext) -> None:
        self._context = context
        self._table = context.catalog["leads"]
        self._fields = self._table.fields

    def done(self, state: MirrorState) -> bool:
        """Whether all leads are loaded."""
        progress = state.progress_of(self.name, LeadsDone)
        return progress is not None and progress.complete

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put all leads that are not loaded."""
        progress = state.progress_of(self.name, LeadsDone) or self._chosen()
        if progress.complete:
            return
        if progress.way == "ids":
            await _ByIds(self._context, self._fields, progress).run(put)
        else:
            await _ByExports(self._context, self._fields, progress).run(put)

    def _chosen(self) -> LeadsDone:
        """Return the cheapest way, with nothing done."""
        facts, meter = self._context.facts, self._context.meter
        budget = LoadBudget(calls=meter.allowance.calls, exported=meter.allowance.exported)
        way = cheapest(lead_ways(facts, CallPace()), budget)
        if way.way == "ids":
            return LeadsDone(way="ids", start=0, end=-(-(facts.newest or 0) // CHUNK))
        now = float(int(self._context.clock()))
        return LeadsDone(way="bulk", start=min(float(int(facts.began)), now - 1), end=now)


class _ByIds:
    """Reads chunks of ids, some beside each other, to the newest one and as far as there are leads."""

    def __init__(self, context: LoadContext, fields: Sequence[str], progress: LeadsDone) -> None:
        self._context = context
        self._fields = fields
        self._progress = progress
        self._log = SpanLog(progress.done)
        self._next = 0
        self._last = int(progress.end) - 1  # the last chunk that is known to have leads

    async def run(self, put: Put) -> None:
        """Read every chunk that is not loaded."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._context.marketo.governor.limits.concurrency):
                tasks.create_task(self._read(put))
        await put(LoadChunk(read_at=self._context.clock(), progress=self._state(complete=True)))

    async def _read(self, put: Put) -> None:
        while (number := self._taken()) is not None:
            await self._context.meter.allow()
            read_at = self._context.clock()
            ids = range(number * CHUNK + 1, (number + 1) * CHUNK + 1)
            rows = await self._context.marketo.leads.by_filter("id", ids, fields=self._fields).all()
            if rows:
                self._last = max(self._last, number)
            chunk = partial(self._chunk, rows, read_at)
            await self._log.put(put, Span(number, number + 1), chunk)

    def _taken(self) -> int | None:
        """Return the number of the next chunk; after the last one with leads, some more are read."""
        while any(span.start <= self._next < span.end for span in self._progress.done):
            self._next += 1
        if self._next > self._last + TAIL:
            return None
        self._next += 1
        return self._next - 1

    def _chunk(self, rows: Sequence[MirrorRow], read_at: float, _: tuple[Span, ...]) -> LoadChunk:
        return LoadChunk(rows={"leads": rows}, read_at=read_at, snapshot=True, progress=self._state())

    def _state(self, *, complete: bool = False) -> dict[str, LeadsDone]:
        done = LeadsDone(way="ids", start=0, end=self._last + 1, done=self._log.done, complete=complete)
        return {LeadLoad.name: done}


class _ByExports:
    """Exports the leads of ranges of creation, two at a time."""

    def __init__(self, context: LoadContext, fields: Sequence[str], progress: LeadsDone) -> None:
        self._context = context
        self._fields = fields
        self._progress = progress
        self._log = SpanLog(progress.done)

    async def run(self, put: Put) -> None:
        """Export every range that is not loaded, the newest first."""
        ranges = list(reversed([part for span in self._progress.left for part in months(span)]))
        # Not a task group of anyio: its cancellation would not let exports end their jobs and close their files.
        async with asyncio.TaskGroup() as tasks:
            for place in range(JOBS_AT_ONCE):
                tasks.create_task(self._export(ranges[place::JOBS_AT_ONCE], put))
        await put(LoadChunk(read_at=self._context.clock(), progress=self._state(complete=True)))

    async def _export(self, ranges: Sequence[Span], put: Put) -> None:
        facts = self._context.facts
        rate = facts.leads * facts.width / max(facts.at - facts.began, 1.0)
        for span in ranges:
            export = partial(self._to_file, span)
            asked = ("leads", self._context.marketo.base_url, span, self._fields)
            size = round(rate * (span.end - span.start))
            file = await exported_file(self._context, "leads", asked, export, size=size)
            async with aclosing(row_blocks(file.path, _on_bad_row)) as found:
                async for rows in found:
                    leads = [_lead(row) for row in rows]
                    await put(LoadChunk(rows={"leads": leads}, read_at=file.read_at, snapshot=True))
            chunk = partial(self._chunk, file)
            await self._log.put(put, span, chunk)

    async def _to_file(self, span: Span, path: Path, start_over: bool) -> ExportReport:  # noqa: FBT001
        return await self._context.marketo.bulk.leads.export_to(
            path,
            fields=self._fields,
            created_at=(moment(span.start), moment(span.end)),
            poll=self._context.poll,
            on_quota="wait",
            start_over=start_over,
        )

    def _chunk(self, file: ExportedFile, _: tuple[Span, ...]) -> LoadChunk:
        return LoadChunk(read_at=file.read_at, progress=self._state(), ack=file.drop)

    def _state(self, *, complete: bool = False) -> dict[str, LeadsDone]:
        progress = self._progress
        done = LeadsDone(way="bulk", start=progress.start, end=progress.end, done=self._log.done, complete=complete)
        return {LeadLoad.name: done}


def _lead(row: MirrorRow) -> MirrorRow:
    return {**row, "id": int(row["id"])}


def _on_bad_row(error: BadRow) -> None:
    log.warning("a lead of an export can't be read: %s", error)
