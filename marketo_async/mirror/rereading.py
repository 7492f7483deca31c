"""Reads again what events say has changed: leads, lists, and who is in lists and programs.

An event says what changed, not what is there now, and events of one second have no order. A row that is read again is
right whatever the order; and what changes meanwhile has an event of its own, so it is read again too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import anyio
import msgspec

from marketo_async.client import Marketo
from marketo_async.errors import AccessDenied, NotFound
from marketo_async.mirror.chunks import MirrorRow
from marketo_async.mirror.folding import FoldedEvents
from marketo_async.mirror.tables import Catalog

Found = Mapping[str, Sequence[MirrorRow]]


class Reread:
    """The rows that are there now, and the keys of those that are not, by table."""

    def __init__(self) -> None:
        self.rows: defaultdict[str, list[MirrorRow]] = defaultdict(list)
        self.deletions: defaultdict[str, list[MirrorRow]] = defaultdict(list)


class Rereading:
    """Reads rows again, for those tables that a catalog has."""

    def __init__(self, marketo: Marketo, catalog: Catalog) -> None:
        self._marketo = marketo
        self._catalog = catalog

    async def reread(self, folded: FoldedEvents) -> Reread:
        """Return what is there now of all that some events left to be read again."""
        found = Reread()
        async with anyio.create_task_group() as tasks:
            if "leads" in self._catalog:
                tasks.start_soon(self._leads, folded, found)
            if "lists" in self._catalog and folded.lists:
                tasks.start_soon(self._lists, folded.lists, found)
            if "list_members" in self._catalog:
                for list_id, lead_ids in folded.lists.items():
                    tasks.start_soon(self._list_members, list_id, lead_ids - folded.gone, found)
            if "program_members" in self._catalog:
                for program_id, lead_ids in folded.programs.items():
                    tasks.start_soon(self._program_members, program_id, lead_ids - folded.gone, found)
            for winner in folded.winners:
                tasks.start_soon(self._memberships, winner, found)
        return found

    async def leads(self, lead_ids: Collection[int]) -> list[MirrorRow]:
        """Return the leads that exist, with every field of the table; 300 a call."""
        fields = self._catalog["leads"].fields
        return [lead async for lead in self._marketo.leads.by_filter("id", sorted(lead_ids), fields=fields)]

    async def program_members(self, program_id: int, lead_ids: Collection[int]) -> list[MirrorRow]:
        """Return those leads that are in a program, with every field of the table; 300 a call."""
        fields = [name for name in self._catalog["program_members"].fields if name != "leadId"]
        members = self._marketo.program_members.by_filter(program_id, "leadId", sorted(lead_ids), fields=fields)
        return [{**member, "programId": program_id} async for member in members]

    async def _leads(self, folded: FoldedEvents, found: Reread) -> None:
        rows = await self.leads(folded.dirty) if folded.dirty else []
        found.rows["leads"] += rows
        missing = folded.dirty - {row["id"] for row in rows}
        found.deletions["leads"] += [{"id": lead_id} for lead_id in sorted(missing | folded.gone)]

    async def _lists(self, list_ids: Collection[int], found: Reread) -> None:
        lists = self._marketo.lists.browse(ids=sorted(list_ids))
        found.rows["lists"] += [msgspec.to_builtins(one) async for one in lists]

    async def _list_members(self, list_id: int, lead_ids: Collection[int], found: Reread) -> None:
        members = await self._members_of(list_id, lead_ids) if lead_ids else set()
        for lead_id in lead_ids:
            side = found.rows if lead_id in members else found.deletions
            side["list_members"].append({"listId": list_id, "leadId": lead_id})

    async def _members_of(self, list_id: int, lead_ids: Collection[int]) -> set[int]:
        """Return those leads that are in a list."""
        try:
            results = await self._marketo.lists.is_member(list_id, sorted(lead_ids)).all()
        except NotFound:  # the list is gone
            return set()
        except AccessDenied:  # some instances ask for the permission to write; by lead, reading is enough
            return {lead_id for lead_id in lead_ids if list_id in await self._lists_of(lead_id)}
        return {result.record for result in results if result.status == "memberof"}

    async def _lists_of(self, lead_id: int) -> set[int]:
        try:
            return {one.list_id async for one in self._marketo.leads.list_membership(lead_id)}
        except NotFound:  # the lead is gone
            return set()

    async def _program_members(self, program_id: int, lead_ids: Collection[int], found: Reread) -> None:
        try:
            rows = await self.program_members(program_id, lead_ids) if lead_ids else []
        except NotFound:  # the program is gone
            rows = []
        found.rows["program_members"] += rows
        missing = set(lead_ids) - {row["leadId"] for row in rows}
        found.deletions["program_members"] += [{"programId": program_id, "leadId": lead_id} for lead_id in missing]

    async def _memberships(self, lead_id: int, found: Reread) -> None:
        """Read the lists and programs of a lead, which a merge may have given it."""
        if "list_members" in self._catalog:
            lists = await self._lists_of(lead_id)
            found.rows["list_members"] += [{"listId": list_id, "leadId": lead_id} for list_id in lists]
        if "program_members" in self._catalog:
            for program_id in await self._programs_of(lead_id):
                found.rows["program_members"] += await self.program_members(program_id, [lead_id])

    async def _programs_of(self, lead_id: int) -> set[int]:
        try:
            return {one.id async for one in self._marketo.leads.program_membership(lead_id)}
        except NotFound:  # the lead is gone
            return set()
