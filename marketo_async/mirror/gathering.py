"""`Gathering`: the chunks that wait for a load; the loader takes what a second or two have brought.

A load costs about as much for one row as for thousands, so few large ones are better. What waits is bounded, which is
the back-pressure for producers and feed; it waits as Arrow, which takes a tenth of the memory of dicts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from msgspec.structs import replace

from marketo_async.mirror.arrow import arrow_values
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.tables import Catalog

MOST_VALUES = 500_000  # that wait, and about those of one load: 8,000 leads of 60 fields, about 10 MB


class Gathering:
    """The chunks between those who put them and the loader. ``seconds`` is how long a load waits for more.

    ``most_values`` bounds what waits, in rows times columns.
    """

    def __init__(self, catalog: Catalog, *, seconds: float = 1.0, most_values: int = MOST_VALUES) -> None:
        self._catalog = catalog
        self._seconds = seconds
        self._most = most_values
        self._chunks: list[LoadChunk] = []
        self._values = 0
        self._ended = False
        self._changed = asyncio.Condition()
        self.position: str | None = None
        """The feed's position after the last chunk."""

    async def put(self, chunk: LoadChunk) -> None:
        """Hand a chunk to the loader; wait while too much waits. One chunk alone may be of any size."""
        found = {
            name: arrow_values(self._catalog[name], rows) if isinstance(rows, Sequence) else rows
            for name, rows in chunk.rows.items()
        }
        chunk = replace(chunk, rows=found)
        values = chunk.size + sum(len(rows) * len(rows.column_names) for rows in found.values())
        async with self._changed:
            await self._changed.wait_for(lambda: self._values < self._most)
            self._chunks.append(chunk)
            self._values += values
            self.position = chunk.position or self.position
            self._changed.notify_all()

    async def end(self) -> None:
        """No more chunks come."""
        async with self._changed:
            self._ended = True
            self._changed.notify_all()

    async def take(self) -> list[LoadChunk]:
        """Return the chunks of one load, once there are any; none at the end."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._chunks or self._ended)
            with suppress(TimeoutError):
                async with asyncio.timeout(self._seconds):
                    await self._changed.wait_for(lambda: self._values >= self._most or self._ended)
            taken, self._chunks, self._values = self._chunks, [], 0
            self._changed.notify_all()
            return taken
