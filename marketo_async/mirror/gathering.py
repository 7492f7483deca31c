"""`Gathering`: the chunks that wait for a load; the loader takes what a second or two have brought.

A load costs about as much for one row as for thousands, so few large ones are better; and the rows that wait are
bounded, which is the back-pressure for producers and feed.
"""

from __future__ import annotations

import asyncio

from marketo_async.mirror.chunks import LoadChunk

MOST_ROWS = 30_000  # that wait, and about those of one load: 20 MB of leads with 100 fields


class Gathering:
    """The chunks between those who put them and the loader. ``seconds`` is how long a load waits for more."""

    def __init__(self, *, seconds: float = 1.0, most_rows: int = MOST_ROWS) -> None:
        self._seconds = seconds
        self._most = most_rows
        self._chunks: list[LoadChunk] = []
        self._rows = 0
        self._ended = False
        self._changed = asyncio.Condition()
        self.position: str | None = None
        """The feed's position after the last chunk."""

    async def put(self, chunk: LoadChunk) -> None:
        """Hand a chunk to the loader; wait while too many rows wait. One chunk alone may be of any size."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._rows < self._most)
            self._chunks.append(chunk)
            self._rows += chunk.size
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
            try:
                async with asyncio.timeout(self._seconds):
                    await self._changed.wait_for(lambda: self._rows >= self._most or self._ended)
            except TimeoutError:
                pass
            taken, self._chunks, self._rows = self._chunks, [], 0
            self._changed.notify_all()
            return taken
