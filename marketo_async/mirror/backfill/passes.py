"""`Pass`: one whole reading of something small enough to be read again, at its own pace. Deletions are what it misses.

A pass that is killed continues with the parts that are not loaded. What the instance does not have is left out, with a
message, and tried again at the next pass.
"""

from __future__ import annotations

import asyncio
import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from marketo_async.errors import ApiError
from marketo_async.mirror.backfill.context import LoadContext, Span, SpanLog
from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.lacking import why_lacking
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import DAY
from marketo_async.mirror.state import MirrorState
from marketo_async.mirror.tables import MirrorTable

log = logging.getLogger("marketo_async.mirror")

HOURLY, DAILY, WEEKLY = 3_600.0, DAY, 7 * DAY

_Spans: TypeAlias = tuple[Span, ...]


class PassDone(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """When the last whole pass began, and how far the one under way is.

    ``started`` is when that one began, ``done`` are its parts that are loaded. ``lacking`` says why the table was left
    out.
    """

    at: float | None = None
    started: float | None = None
    done: _Spans = ()
    lacking: str = ""


class Pass(ABC):
    """Reads a table as a whole, every ``every`` seconds. Subclasses read it in parts.

    ``stage`` says after which others it runs: those of a higher stage need the rows of the lower ones.
    """

    stage = 0

    def __init__(self, context: LoadContext, table: MirrorTable, *, every: float) -> None:
        self.name = table.name
        self.table = table
        self.context = context
        self.every = every
        self._log = SpanLog()
        self._progress = PassDone()

    def due_at(self, state: MirrorState) -> float:
        """Return when the next pass is due, 0 if it is now."""
        progress = state.progress_of(self.name, PassDone)
        if progress is None or progress.at is None or progress.started is not None:
            return 0.0
        return progress.at + self.every

    def done(self, state: MirrorState) -> bool:
        """Whether no pass is due."""
        return self.due_at(state) > self.context.clock()

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put what the table has now, and the deletions of what it no longer has."""
        if self.done(state):
            return
        known = state.progress_of(self.name, PassDone) or PassDone()
        started = self.context.clock() if known.started is None else known.started
        self._progress = PassDone(at=known.at, started=started, done=known.done if known.started else ())
        self._log = SpanLog(self._progress.done)
        lacking = ""
        try:
            await self.read(put)
            if known.at is not None:
                await loaded(put, self.context.clock())
                await self.compare(put, started)
        except (ApiError, ExceptionGroup) as error:
            lacking = _lacking(error)
            if not lacking:
                raise
            log.warning("%s is left out: %s", self.name, lacking)
        end = PassDone(at=started, lacking=lacking)
        await put(LoadChunk(read_at=started, progress={self.name: end}))

    @abstractmethod
    async def read(self, put: Put) -> None:
        """Put all rows, by `rows` or, in parts, by `part`."""

    @abstractmethod
    async def compare(self, put: Put, started: float) -> None:
        """Put the deletions of those rows that were not read again since the pass began, if that can be known."""

    async def rows(self, put: Put, rows: Iterable[MirrorRow], read_at: float) -> None:
        """Put some rows."""
        await put(LoadChunk(rows={self.name: list(rows)}, read_at=read_at, snapshot=True))

    async def part(self, put: Put, span: Span, rows: Iterable[MirrorRow] = (), *, read_at: float, **more: Any) -> None:
        """Put the last rows of a part; afterwards the part is done."""
        known = list(rows)

        def chunk(done: _Spans) -> LoadChunk:
            progress = PassDone(at=self._progress.at, started=self._progress.started, done=done)
            return LoadChunk(
                rows={self.name: known} if known else {},
                read_at=read_at,
                snapshot=True,
                progress={self.name: progress},
                **more,
            )

        await self._log.put(put, span, chunk)

    async def remove_older(self, put: Put, started: float) -> None:
        """Put the deletions of the rows that the destination has and that were not read again since a moment."""
        sources = [column.source for column in self.table.key_columns]
        keys = await self.context.stored(self.table, sources, before=started)
        await self.remove(put, [dict(zip(sources, key, strict=True)) for key in keys], started)

    async def remove(self, put: Put, keys: Sequence[MirrorRow], read_at: float) -> None:
        """Put some deletions."""
        if keys:
            await put(LoadChunk(deletions={self.name: keys}, read_at=read_at, snapshot=True))

    def is_done(self, span: Span) -> bool:
        """Whether a part of the pass under way is loaded."""
        return any(done.start <= span.start and span.end <= done.end for done in self._log.done)


async def loaded(put: Put, now: float) -> None:
    """Wait until everything that was put before is loaded."""
    done = asyncio.Event()
    await put(LoadChunk(read_at=now, ack=done.set))
    await done.wait()


def _lacking(error: Exception) -> str:
    """Return why the instance lacks something; nothing if any error says something else."""
    if isinstance(error, ExceptionGroup):
        found = [_lacking(one) for one in error.exceptions]
        return found[0] if all(found) else ""
    return (why_lacking(error) or "") if isinstance(error, ApiError) else ""
