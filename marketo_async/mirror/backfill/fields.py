"""`LeadFields`: a field of leads that is added later becomes a column, and the leads that are there are read again.

Every day the fields are described again. A changed type is reported, and its column keeps its own; a field that
disappears is reported, and keeps its column. The re-reading has bulk priority, 300 leads a call.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/describe
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from itertools import pairwise

from msgspec import Struct

from marketo_async.mirror.backfill.context import LoadContext, Span, SpanLog, missing
from marketo_async.mirror.backfill.passes import DAILY
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.package import Put
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import MirrorTable, leads_table
from marketo_async.models.columns import column_type
from marketo_async.models.leads import Description
from marketo_async.operation import batched
from marketo_async.writes import BATCH

log = logging.getLogger("marketo_async.mirror")


class FieldsDone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The fields whose values all leads have, and when they were described last.

    ``filling`` are the fields that are read for the leads whose ids are not in ``done`` yet. ``ids`` is one above the
    highest of these.
    """

    at: float = 0.0
    fields: tuple[str, ...] = ()
    filling: tuple[str, ...] = ()
    ids: int = 0
    done: tuple[Span, ...] = ()

    def has(self, table: MirrorTable) -> bool:
        """Whether all leads have the values of all fields of a table."""
        return set(table.fields) <= set(self.fields)


class FieldChanges(Struct, frozen=True, kw_only=True):
    """How a description differs from a table: new fields, changed types by field, and fields that are gone."""

    new: tuple[str, ...]
    retyped: Mapping[str, tuple[str, str]]
    gone: tuple[str, ...]

    def report(self, table: str) -> None:
        """Log what a person should know."""
        for name in self.new:
            log.info("%s has a new field, %s", table, name)
        for name, (old, new) in self.retyped.items():
            log.warning(
                "the field %s of %s is now %s; its column stays %s, and values that do not fit go to a column of text",
                name,
                table,
                new,
                old,
            )
        for name in self.gone:
            log.warning("the field %s of %s is gone; its column stays", name, table)


def field_changes(table: MirrorTable, description: Description, known: Sequence[str]) -> FieldChanges:
    """Return how a description differs from a table of leads of which ``known`` fields were there before."""
    described = {field.name: column_type(field.data_type) for field in description.fields}
    kept = {column.source: column.type for column in table.columns}
    return FieldChanges(
        new=tuple(name for name in described if name not in known),
        retyped={name: (kept[name], kind) for name, kind in described.items() if name in kept and kept[name] != kind},
        gone=tuple(name for name in known if name not in described and name != "id"),
    )


class LeadFields:
    """Keeps the columns of leads equal to the fields of the instance."""

    name = "leads.fields"
    stage = 1

    def __init__(self, context: LoadContext) -> None:
        self._context = context
        self._log = SpanLog()

    def due_at(self, state: MirrorState) -> float:
        """Return when the fields are to be described next, 0 for now."""
        progress = state.progress_of(self.name, FieldsDone)
        if progress is None or progress.filling or not progress.has(self._context.catalog["leads"]):
            return 0.0
        return progress.at + DAILY

    def done(self, state: MirrorState) -> bool:
        """Whether nothing is due."""
        return self.due_at(state) > self._context.clock()

    async def run(self, put: Put, state: MirrorState) -> None:
        """Add the columns of new fields, and put the leads again that were read without them."""
        if self.done(state):
            return
        now, catalog = self._context.clock(), self._context.catalog
        # The first load has read the fields that the table had then.
        progress = state.progress_of(self.name, FieldsDone) or FieldsDone(fields=tuple(catalog["leads"].fields))
        description = await self._context.marketo.leads.describe2()
        table, clashes = leads_table(description, {column.source: column for column in catalog["leads"].columns})
        changes = field_changes(catalog["leads"], description, progress.fields)
        changes.report("leads")
        catalog.add(table, clashes)
        if changes.new:
            await self._fill(put, progress, changes.new, table)
        done = FieldsDone(at=now, fields=tuple(dict.fromkeys([*progress.fields, *table.fields])))
        await put(LoadChunk(read_at=now, progress={self.name: done}))

    async def _fill(self, put: Put, progress: FieldsDone, new: tuple[str, ...], table: MirrorTable) -> None:
        """Read all leads again that the destination has."""
        same = progress.filling == new
        ids = sorted(lead_id for (lead_id,) in await self._context.stored(table, ["id"]))
        if not ids:
            return
        end = progress.ids if same else ids[-1] + 1
        self._log = SpanLog(progress.done if same else ())
        filling = FieldsDone(at=progress.at, fields=progress.fields, filling=new, ids=end)
        left = missing(Span(ids[0], end), self._log.done)
        wanted = [lead_id for lead_id in ids if any(span.start <= lead_id < span.end for span in left)]
        chunks = list(batched(wanted, BATCH))
        starts = [*(chunk[0] for chunk in chunks), end]
        spans = [Span(start, stop) for start, stop in pairwise(starts)]
        work = list(zip(spans, chunks, strict=True))
        workers = self._context.marketo.governor.limits.concurrency
        async with asyncio.TaskGroup() as tasks:
            for place in range(workers):
                tasks.create_task(self._read(put, work[place::workers], filling, table))

    async def _read(
        self, put: Put, work: Sequence[tuple[Span, Sequence[int]]], filling: FieldsDone, table: MirrorTable
    ) -> None:
        for span, ids in work:
            await self._context.meter.allow()
            read_at = self._context.clock()
            rows = await self._context.marketo.leads.by_filter("id", ids, fields=table.fields).all()

            def chunk(done: tuple[Span, ...], rows: Sequence[object] = rows, read_at: float = read_at) -> LoadChunk:
                progress = FieldsDone(
                    at=filling.at, fields=filling.fields, filling=filling.filling, ids=filling.ids, done=done
                )
                return LoadChunk(rows={"leads": rows}, read_at=read_at, snapshot=True, progress={self.name: progress})

            await self._log.put(put, span, chunk)
