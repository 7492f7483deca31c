"""Who is in lists and programs, and the deletions of leads that Marketo still lists.

The feed moves members; a pass is the first load, and afterwards a slow comparison. Its pace is a week: an import into a
list may leave no activity.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-program-member-extract
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from itertools import pairwise
from pathlib import Path

from marketo_async.bulk.progress import ExportReport
from marketo_async.bulk.rows.reader import Row as FileRow
from marketo_async.errors import BadRow, NotFound
from marketo_async.mirror.backfill.context import LoadContext, Span, moment
from marketo_async.mirror.backfill.exports import exported_file, row_blocks
from marketo_async.mirror.backfill.passes import WEEKLY, Pass
from marketo_async.mirror.chunks import MirrorRow
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import DAY, JOBS_AT_ONCE
from marketo_async.operation import batched

log = logging.getLogger("marketo_async.mirror")

_PROGRAMS = 10  # of one export
_DELETIONS_KEPT = 14 * DAY
"""https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities"""


class _Members(Pass, ABC):
    """Reads the members of parents, some parents beside each other."""

    at_once: int

    async def read(self, put: Put) -> None:
        """Put the members of every parent that is not done."""
        groups = [(span, ids) for span, ids in self._groups(sorted(await self.parents())) if not self.is_done(span)]
        # Not a task group of anyio: its cancellation would not let exports end their jobs and close their files.
        async with asyncio.TaskGroup() as tasks:
            for place in range(self.at_once):
                tasks.create_task(self._some(groups[place :: self.at_once], put))

    @abstractmethod
    async def parents(self) -> Collection[int]:
        """Return the ids of all parents."""

    @abstractmethod
    async def members(self, put: Put, ids: Sequence[int], span: Span) -> None:
        """Put the members of some parents; the last chunk ends the part ``span``."""

    async def compare(self, put: Put, started: float) -> None:
        """Put the deletions of those that were members before the pass, and that it did not find."""
        await self.remove_older(put, started)

    def _groups(self, ids: Sequence[int]) -> Iterable[tuple[Span, list[int]]]:
        """Return the parents in groups; their spans touch, so that few spans say what is done."""
        groups = list(batched(ids, self._size))
        starts = [group[0] for group in groups] + [ids[-1] + 1] if ids else []
        return [(Span(start, end), group) for (start, end), group in zip(pairwise(starts), groups, strict=True)]

    @property
    def _size(self) -> int:
        return 1

    async def _some(self, groups: Iterable[tuple[Span, list[int]]], put: Put) -> None:
        for span, ids in groups:
            await self.context.meter.allow()
            await self.members(put, ids, span)


class ListMemberPass(_Members):
    """Reads the members of every static list, 300 a call."""

    at_once = 5

    async def parents(self) -> Collection[int]:
        """Return the ids of all lists."""
        return [one.id for one in await self.context.marketo.lists.browse().all()]

    async def members(self, put: Put, ids: Sequence[int], span: Span) -> None:
        """Put the members of one list."""
        list_id, read_at = ids[0], self.context.clock()
        try:
            async with aclosing(self.context.marketo.lists.leads(list_id, fields=["id"]).pages()) as pages:
                async for page in pages:
                    rows = [{"listId": list_id, "leadId": lead["id"]} for lead in page.items]
                    await self.rows(put, rows, read_at)
                    await self.context.meter.allow()
        except NotFound:
            log.info("list %d was deleted while it was read", list_id)
        await self.part(put, span, read_at=read_at)


class ProgramMemberPass(_Members):
    """Exports the members of programs, ten programs a job."""

    at_once = JOBS_AT_ONCE

    @property
    def _size(self) -> int:
        return _PROGRAMS

    async def parents(self) -> Collection[int]:
        """Return the ids of all programs."""
        return [one.id for one in await self.context.marketo.programs.browse().all()]

    async def members(self, put: Put, ids: Sequence[int], span: Span) -> None:
        """Put the members of ten programs."""
        fields = self.table.fields
        asked = ("program_members", self.context.marketo.base_url, self._progress.started, list(ids), fields)
        file = await exported_file(self.context, "program_members", asked, partial(self._to_file, ids, fields))
        async with aclosing(row_blocks(file.path, _on_bad_row)) as found:
            async for some in found:
                await self.rows(put, [_member(row, ids) for row in some], file.read_at)
        await self.part(put, span, read_at=file.read_at, ack=file.drop)

    async def _to_file(
        self,
        ids: Sequence[int],
        fields: Sequence[str],
        path: Path,
        start_over: bool,  # noqa: FBT001 - by position
    ) -> ExportReport:
        return await self.context.marketo.bulk.program_members.export_to(
            path,
            program_id=list(ids) if len(ids) > 1 else ids[0],
            fields=fields,
            poll=self.context.poll,
            on_quota="wait",
            start_over=start_over,
        )


class DeletionPass(Pass):
    """Reads the deletions of leads of the last 14 days, which Marketo keeps at least; the feed has the later ones."""

    def __init__(self, context: LoadContext) -> None:
        super().__init__(context, context.catalog["lead_deletions"], every=float("inf"))

    async def read(self, put: Put) -> None:
        """Put the deletions."""
        now = self.context.clock()
        deleted = self.context.marketo.activities.deleted_leads(moment(now - _DELETIONS_KEPT), until=moment(now + 1))
        async with aclosing(deleted.pages()) as pages:
            async for page in pages:
                rows: list[MirrorRow] = [
                    {
                        "marketoGUID": one.marketo_guid,
                        "leadId": one.lead_id,
                        "activityDate": one.activity_date,
                        "name": one.primary_attribute_value,
                    }
                    for one in page.items
                ]
                await self.rows(put, rows, now)

    async def compare(self, put: Put, started: float) -> None:
        """Put nothing: a deletion stays."""


def member_passes(context: LoadContext) -> list[Pass]:
    """Return a pass for each of the tables of this module that the catalog has."""
    found: list[Pass] = []
    if "list_members" in context.catalog:
        found.append(ListMemberPass(context, context.catalog["list_members"], every=WEEKLY))
    if "program_members" in context.catalog:
        found.append(ProgramMemberPass(context, context.catalog["program_members"], every=WEEKLY))
    if "lead_deletions" in context.catalog:
        found.append(DeletionPass(context))
    return found


def _member(row: FileRow, ids: Sequence[int]) -> MirrorRow:
    program_id = row.get("programId") or ids[0]
    return {**row, "programId": int(program_id), "leadId": int(row["leadId"] or 0)}


def _on_bad_row(error: BadRow) -> None:
    log.warning("a member of an export can't be read: %s", error)
