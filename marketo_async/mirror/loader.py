"""`Loader`: writes what was gathered, one load after the other, and keeps the state after each."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anyio
from msgspec.structs import replace

from marketo_async.errors import TargetUnavailable
from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.freshness import Freshness
from marketo_async.mirror.gathering import Gathering
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.package import packed
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import Catalog

log = logging.getLogger("marketo_async.mirror")

_PAUSES = (1.0, 5.0, 20.0, 60.0)  # seconds, before a load is tried again


class Loader:
    """Writes chunks to a destination. ``state`` is that of the last completed load."""

    def __init__(self, destination: Destination, catalog: Catalog, freshness: Freshness, state: MirrorState) -> None:
        self.state = state
        self._destination = destination
        self._catalog = catalog
        self._freshness = freshness

    async def run(self, gathering: Gathering) -> None:
        """Write what is gathered until it ends."""
        while chunks := await gathering.take():
            await self.load(chunks)

    async def load(self, chunks: Sequence[LoadChunk]) -> None:
        """Write chunks as one load, and acknowledge them.

        Raises `TargetUnavailable` if the destination still refuses after some minutes.
        """
        package = packed(await self._current(chunks), self.state)
        for pause in (*_PAUSES, None):
            try:
                await self._destination.load(package, self._catalog)
                break
            except TargetUnavailable as error:
                if pause is None:
                    raise
                log.warning("a load failed and is tried again in %.0f s: %s", pause, error)
                await anyio.sleep(pause)
        self.state = package.state
        for chunk in chunks:
            if chunk.ack is not None:
                chunk.ack()

    async def _current(self, chunks: Sequence[LoadChunk]) -> list[LoadChunk]:
        """Return the chunks without rows that are older than what the feed knows, and with all that is gone."""
        for chunk in chunks:
            if not chunk.snapshot:
                self._freshness.note(chunk)
        current = [await self._freshness.admitted(chunk) if chunk.snapshot else chunk for chunk in chunks]
        gone = frozenset[int]().union(*(chunk.gone for chunk in current))
        if gone:
            read_at = max(chunk.read_at for chunk in current if chunk.gone)
            current = [self._freshness.without(chunk, gone) for chunk in current]
            current.append(LoadChunk(deletions=await self._freshness.memberships(gone), read_at=read_at))
        return current

    async def begin(self, position: str | None, read_at: float) -> None:
        """Create the tables that are missing, and keep the position from which the feed starts, before it is read."""
        known = await self._destination.tables()
        missing: dict[str, list[MirrorRow]] = {table.name: [] for table in self._catalog if table.name not in known}
        state = replace(self.state, tables=tuple(sorted({table.name for table in self._catalog})))
        if missing or state != self.state or position != self.state.position:
            self.state = state
            await self.load([LoadChunk(rows=missing, read_at=read_at, position=position)])
