"""Producers of the first load: leads by chunks of ids, lists and programs with their members."""

from __future__ import annotations

import time
from collections.abc import Callable

import anyio
import msgspec
from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.package import Put
from marketo_async.mirror.rereading import Rereading
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog

_IDS = 300  # values of a filter
_EMPTY = 10  # chunks without a lead, after which there are none
_AT_ONCE = 8


class LeadsLoaded(Struct, frozen=True):
    """The id before which all leads are loaded, and how many chunks before it had none."""

    before: int = 1
    empty: int = 0

    @property
    def done(self) -> bool:
        """Whether no leads are left."""
        return self.empty >= _EMPTY


class LeadSnapshot:
    """All leads, 300 ids a call."""

    name = "leads"

    def __init__(self, rereading: Rereading, *, clock: Callable[[], float] = time.time) -> None:
        self._rereading = rereading
        self._clock = clock

    def done(self, state: MirrorState) -> bool:
        """Whether all leads are loaded."""
        return (state.progress_of(self.name, LeadsLoaded) or LeadsLoaded()).done

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put the leads in the order of their ids."""
        loaded = state.progress_of(self.name, LeadsLoaded) or LeadsLoaded()
        while not loaded.done:
            read_at = self._clock()
            found: list[list[object]] = [[] for _ in range(_AT_ONCE)]
            async with anyio.create_task_group() as tasks:
                for place in range(_AT_ONCE):
                    tasks.start_soon(self._read, loaded.before + place * _IDS, found[place])
            empty = loaded.empty
            for rows in found:
                empty = 0 if rows else empty + 1
            loaded = LeadsLoaded(loaded.before + _AT_ONCE * _IDS, empty)
            rows = [row for some in found for row in some]
            await put(LoadChunk(rows={"leads": rows}, read_at=read_at, snapshot=True, progress={self.name: loaded}))

    async def _read(self, start: int, found: list[object]) -> None:
        found += await self._rereading.leads(range(start, start + _IDS))


class ListSnapshot:
    """All static lists, and the leads in them."""

    name = "lists"

    def __init__(self, marketo: Marketo, catalog: Catalog, *, clock: Callable[[], float] = time.time) -> None:
        self._marketo = marketo
        self._catalog = catalog
        self._clock = clock

    def done(self, state: MirrorState) -> bool:
        """Whether all lists are loaded."""
        return state.progress_of(self.name, bool) is True

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put the lists, then the members of each."""
        if self.done(state):
            return
        read_at = self._clock()
        lists = [one async for one in self._marketo.lists.browse()]
        if "lists" in self._catalog:
            rows = [msgspec.to_builtins(one) for one in lists]
            await put(LoadChunk(rows={"lists": rows}, read_at=read_at, snapshot=True))
        for one in lists if "list_members" in self._catalog else ():
            pages = self._marketo.lists.leads(one.id, fields=["id"]).pages()
            read_at = self._clock()
            async for page in pages:
                members = [{"listId": one.id, "leadId": lead["id"]} for lead in page.items]
                await put(LoadChunk(rows={"list_members": members}, read_at=read_at, snapshot=True))
                read_at = self._clock()
        await put(LoadChunk(read_at=self._clock(), progress={self.name: True}))


class ProgramSnapshot:
    """All programs, and the leads in them."""

    name = "programs"

    def __init__(
        self, marketo: Marketo, catalog: Catalog, rereading: Rereading, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._marketo = marketo
        self._catalog = catalog
        self._rereading = rereading
        self._clock = clock

    def done(self, state: MirrorState) -> bool:
        """Whether all programs are loaded."""
        return state.progress_of(self.name, bool) is True

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put the programs, then the members of each."""
        if self.done(state):
            return
        read_at = self._clock()
        programs = [one async for one in self._marketo.programs.browse()]
        if "programs" in self._catalog:
            rows = [msgspec.to_builtins(one) for one in programs]
            await put(LoadChunk(rows={"programs": rows}, read_at=read_at, snapshot=True))
        for one in programs if "program_members" in self._catalog else ():
            async for page in self._marketo.leads.by_program(one.id, fields=["id"]).pages():
                read_at = self._clock()
                rows = await self._rereading.program_members(one.id, [lead["id"] for lead in page.items])
                await put(LoadChunk(rows={"program_members": rows}, read_at=read_at, snapshot=True))
        await put(LoadChunk(read_at=self._clock(), progress={self.name: True}))
