"""`Following`: turns the batches of a feed into chunks: what happened, and what is there now.

Batches of a second or two become one chunk, so that a lead that changed five times is read again once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from marketo_async.changes import Batch, ChangeEvent, Changes
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.folding import Folding
from marketo_async.mirror.package import Put
from marketo_async.mirror.rereading import Rereading

log = logging.getLogger("marketo_async.mirror")

GATHERED = 3_000  # events of one chunk, about; each may need a lead, 300 a call


class Following:
    """Follows a feed. ``gather`` is how many seconds batches are gathered after the first one."""

    def __init__(
        self,
        folding: Folding,
        rereading: Rereading,
        *,
        gather: float = 1.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folding = folding
        self._rereading = rereading
        self._gather = gather
        self._clock = clock

    async def run(self, feed: Changes, put: Put) -> None:
        """Put the chunks of an open feed until it ends."""
        batches = _Gathered(feed)
        try:
            while gathered := await batches.next(self._gather):
                events, position = gathered
                await put(await self._chunk(events, position))
        finally:
            await batches.close()

    async def _chunk(self, events: Sequence[ChangeEvent], position: str) -> LoadChunk:
        folded = self._folding.fold(events)
        for gap in folded.gaps:
            log.warning(
                "events of %s from %s to %s are missing (%s); verify all leads, and repair what differs",
                gap.lane,
                gap.since,
                gap.until,
                gap.reason,
            )
        found = await self._rereading.reread(folded)
        return LoadChunk(
            rows={**folded.rows, **found.rows},
            deletions=found.deletions,
            gone=frozenset(folded.gone),
            # What was read may be older, but then an event says so, and it is read again.
            read_at=self._clock(),
            position=position,
        )


class _Gathered:
    """The batches of a feed, several at a time. The next one is always asked for, so that none is lost."""

    def __init__(self, feed: Changes) -> None:
        self._feed = feed
        self._asked: asyncio.Task[Batch | None] | None = None

    async def next(self, seconds: float) -> tuple[list[ChangeEvent], str] | None:
        """Return the events of the batches of some seconds and the position after them; ``None`` at the end."""
        batch = await self._ask()
        if batch is None:
            return None
        self._asked = None
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        events, position = list(batch.events), batch.position
        while len(events) < GATHERED:
            asked = self._ask()
            done, _ = await asyncio.wait({asked}, timeout=max(0.0, until - loop.time()))
            if not done or (batch := asked.result()) is None:
                break
            self._asked = None
            events += batch.events
            position = batch.position
        return events, position

    async def close(self) -> None:
        """End the question for the next batch."""
        if self._asked is not None:
            self._asked.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._asked

    def _ask(self) -> asyncio.Task[Batch | None]:
        if self._asked is None:
            self._asked = asyncio.ensure_future(self._one())
        return self._asked

    async def _one(self) -> Batch | None:
        try:
            return await anext(self._feed)
        except StopAsyncIteration:
            return None
