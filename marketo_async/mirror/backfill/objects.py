"""Companies, opportunities and their roles, and custom objects.

Marketo lists none of them: they are found by the keys of other rows. Companies by the ids that leads have, roles by
leads, opportunities by their roles; each 300 a call, once a week. Custom objects are exported by the time of their
change, hourly after the first load; only types that are linked to leads can be exported.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/opportunity-roles
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-custom-object-extract
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct

from marketo_async.bulk.progress import ExportReport
from marketo_async.client import Marketo
from marketo_async.errors import ApiError, BadRow, InvalidRequest
from marketo_async.mirror.backfill.context import LoadContext, Span, moment, months
from marketo_async.mirror.backfill.exports import exported_file, row_blocks
from marketo_async.mirror.backfill.passes import HOURLY, WEEKLY, Pass, PassDone
from marketo_async.mirror.lacking import why_lacking
from marketo_async.mirror.names import NameClash, snake
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import JOBS_AT_ONCE
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import MirrorColumn, MirrorTable, table_of
from marketo_async.models.columns import ColumnType, column_type
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import batched
from marketo_async.paging import Pager
from marketo_async.writes import BATCH

log = logging.getLogger("marketo_async.mirror")

CUSTOM = "custom_"
_LAG = 300.0  # seconds that an hourly export overlaps the one before

KnownColumns = Mapping[str, MirrorColumn]
KnownByTable = Callable[[str], Awaitable[KnownColumns]]


class KeyedKind(Struct, frozen=True):
    """A table of objects that are found by a key which another table has.

    ``links`` are pairs of a filter of the objects and a column of ``source``; the first that both have is used.
    """

    name: str
    source: str
    links: Sequence[tuple[str, str]]
    stage: int
    describe: Callable[[Marketo], Any]
    find: Callable[[Marketo, str, Sequence[Any], Sequence[str]], Pager[Any]]


KEYED: Mapping[str, KeyedKind] = {
    kind.name: kind
    for kind in (
        KeyedKind(
            "companies",
            "leads",
            (("externalCompanyId", "externalCompanyId"), ("company", "company")),
            1,
            lambda marketo: marketo.companies.describe(),
            lambda marketo, link, keys, fields: marketo.companies.by_filter(link, keys, fields=fields),
        ),
        KeyedKind(
            "opportunity_roles",
            "leads",
            (("leadId", "id"),),
            1,
            lambda marketo: marketo.opportunity_roles.describe(),
            lambda marketo, link, keys, fields: marketo.opportunity_roles.by_filter(link, keys, fields=fields),
        ),
        KeyedKind(
            "opportunities",
            "opportunity_roles",
            (("externalOpportunityId", "externalOpportunityId"),),
            2,
            lambda marketo: marketo.opportunities.describe(),
            lambda marketo, link, keys, fields: marketo.opportunities.by_filter(link, keys, fields=fields),
        ),
    )
}


class ObjectTable(Struct, frozen=True):
    """A table of objects and its description."""

    table: MirrorTable
    description: ObjectDescription
    clashes: Sequence[NameClash] = ()


async def object_tables(
    marketo: Marketo, chosen: Collection[str], columns: KnownByTable, *, everything: bool = False
) -> list[ObjectTable]:
    """Return those of the ``chosen`` tables that the instance has, and with ``everything`` all custom objects.

    ``columns`` returns the columns that a table has in the destination. What the instance does not have is left out,
    with a message. Raises `InvalidRequest` for a custom object that it does not have.
    """
    tables = [table for name in KEYED if name in chosen and (table := await _keyed_table(marketo, name, columns))]
    custom = {name for name in chosen if name.startswith(CUSTOM)}
    if custom or everything:
        found = await _custom_tables(marketo, None if everything else custom, columns)
        if unknown := sorted(custom - {one.table.name for one in found}):
            known = ", ".join(one.table.name for one in found) or "none"
            raise InvalidRequest(f"the instance has no table {unknown[0]!r}; it has {known}")
        tables += found
    return tables


async def _keyed_table(marketo: Marketo, name: str, columns: KnownByTable) -> ObjectTable | None:
    try:
        description: ObjectDescription = await KEYED[name].describe(marketo)
    except ApiError as error:
        why = why_lacking(error)
        if why is None:
            raise
        log.warning("%s is left out: %s", name, why)
        return None
    return described_table(name, description, await columns(name))


async def _custom_tables(marketo: Marketo, chosen: Collection[str] | None, columns: KnownByTable) -> list[ObjectTable]:
    """Return a table ``custom_<name>`` for each approved type of custom object that is linked to leads."""
    try:
        types = await marketo.custom_objects.browse()
    except ApiError as error:
        why = why_lacking(error)
        if why is None:
            raise
        log.warning("custom objects are left out: %s", why)
        return []
    tables = []
    for summary in types:
        name = snake(f"{CUSTOM}{summary.api_name}")
        if chosen is not None and name not in chosen:
            continue
        description = await marketo.custom_objects.describe(summary.api_name or "")
        if not any((link.target.name or "").casefold() == "lead" for link in description.relationships if link.target):
            log.warning("%s is left out: only types that are linked to leads can be exported", name)
            continue
        tables.append(described_table(name, description, await columns(name)))
    return tables


def described_table(name: str, description: ObjectDescription, known: KnownColumns | None = None) -> ObjectTable:
    """Return the table of the objects of a description; its key is Marketo's own id."""
    key = description.id_field or "marketoGUID"
    fields: dict[str, ColumnType] = {
        key: column_type("string"),
        "createdAt": column_type("datetime"),
        "updatedAt": column_type("datetime"),
    }
    fields |= {field.name: column_type(field.data_type) for field in description.fields}
    table, clashes = table_of(name, [key], fields.items(), known)
    return ObjectTable(table, description, clashes)


class KeyedPass(Pass):
    """Reads the objects whose keys another table has."""

    def __init__(self, context: LoadContext, found: ObjectTable) -> None:
        super().__init__(context, found.table, every=WEEKLY)
        self._kind = KEYED[found.table.name]
        self.stage = self._kind.stage
        self._fields = [field.name for field in found.description.fields]
        self._searchable = {fields[0] for fields in found.description.searchable_fields if len(fields) == 1}

    async def read(self, put: Put) -> None:
        """Put the objects of all keys, 300 a call."""
        link = self._link()
        if link is None:
            log.warning("%s is left out: no column of %s that is mirrored leads to it", self.name, self._kind.source)
            return
        stored = await self.context.stored(self.context.catalog[self._kind.source], [link[1]])
        keys = sorted({key for (key,) in stored if key is not None and "," not in str(key) and str(key).strip()})
        chunks = list(batched(keys, BATCH))
        workers = self.context.marketo.governor.limits.concurrency
        async with asyncio.TaskGroup() as tasks:
            for place in range(workers):
                tasks.create_task(self._some(link[0], chunks[place::workers], put))

    def _link(self) -> tuple[str, str] | None:
        """Return the filter of the objects and the column of the other table that has its values."""
        catalog, kind = self.context.catalog, self._kind
        if kind.source not in catalog:
            return None
        links = (link for link in kind.links if link[0] in self._searchable and catalog[kind.source].column(link[1]))
        return next(links, None)

    async def _some(self, link: str, chunks: Sequence[Sequence[Any]], put: Put) -> None:
        for keys in chunks:
            await self.context.meter.allow()
            read_at = self.context.clock()
            found = self._kind.find(self.context.marketo, link, keys, self._fields)
            await self.rows(put, await found.all(), read_at)

    async def compare(self, put: Put, started: float) -> None:
        """Put the deletions of what was not found again."""
        if self._link() is not None:
            await self.remove_older(put, started)


class CustomPass(Pass):
    """Exports the custom objects of a type that were changed since the last pass; their deletions are not announced."""

    def __init__(self, context: LoadContext, found: ObjectTable) -> None:
        super().__init__(context, found.table, every=HOURLY)
        self._api_name = found.description.api_name or ""
        self._fields = [field.name for field in found.description.fields]
        self._since = context.facts.began

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put what has changed since the last pass."""
        progress = state.progress_of(self.name, PassDone)
        if progress is not None and progress.at is not None:
            self._since = progress.at - _LAG
        await super().run(put, state)

    async def read(self, put: Put) -> None:
        """Put the objects that were changed until the pass began, two exports at a time."""
        end = float(int(self._progress.started or self.context.clock()))
        start = float(int(min(self._since, end - 1)))
        spans = [span for span in months(Span(start, end)) if not self.is_done(span)]
        # Not a task group of anyio: its cancellation would not let exports end their jobs and close their files.
        async with asyncio.TaskGroup() as tasks:
            for place in range(JOBS_AT_ONCE):
                tasks.create_task(self._some(spans[place::JOBS_AT_ONCE], put))

    async def compare(self, put: Put, started: float) -> None:
        """Put nothing: what has not changed is not read again, and deletions are not announced."""

    async def _some(self, spans: Sequence[Span], put: Put) -> None:
        for span in spans:
            asked = (self.name, self.context.marketo.base_url, span, self._fields)
            file = await exported_file(self.context, self.name, asked, partial(self._to_file, span))
            async with aclosing(row_blocks(file.path, _on_bad_row)) as found:
                async for rows in found:
                    await self.rows(put, rows, file.read_at)
            await self.part(put, span, read_at=file.read_at, ack=file.drop)

    async def _to_file(self, span: Span, path: Path, start_over: bool) -> ExportReport:  # noqa: FBT001 - by position
        return await self.context.marketo.bulk.custom_objects(self._api_name).export_to(
            path,
            fields=self._fields,
            updated_at=(moment(span.start), moment(span.end)),
            poll=self.context.poll,
            on_quota="wait",
            start_over=start_over,
        )


def object_passes(context: LoadContext, tables: Sequence[ObjectTable]) -> list[Pass]:
    """Return a pass for each table of objects."""
    return [KeyedPass(context, found) if found.table.name in KEYED else CustomPass(context, found) for found in tables]


def _on_bad_row(error: BadRow) -> None:
    log.warning("an object of an export can't be read: %s", error)
