"""`LoadContext`: what all producers of a first load share; and `Span`: a part of a range that is loaded."""

from __future__ import annotations

import time
from asyncio import Lock
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field

from marketo_async.client import Marketo
from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.meter import Meter
from marketo_async.mirror.package import Put
from marketo_async.mirror.plan import MONTH, InstanceFacts
from marketo_async.mirror.tables import Catalog, MirrorTable


class Stored(Protocol):
    """Reads columns of a table of the destination, by Marketo's names; nothing if there is no such table."""

    async def __call__(
        self, table: MirrorTable, sources: Sequence[str], *, before: float | None = None
    ) -> Collection[tuple[Any, ...]]:
        """Return the distinct values of some columns, of rows that were read ``before`` a moment."""
        ...


class LoadContext(Struct, frozen=True, kw_only=True):
    """What the producers share. ``marketo`` has bulk priority, so that the feed goes first.

    ``stored`` reads what the destination has.

    ``folder`` holds the files of export jobs until they are loaded: another run resumes the jobs whose files it finds
    there; without the folder they are made again. ``poll`` is the seconds between two looks at a job, by default a
    minute. ``since`` overrides where the history of activities begins.
    """

    marketo: Marketo
    catalog: Catalog
    meter: Meter
    folder: Path
    facts: InstanceFacts
    stored: Stored
    since: float | None = None
    poll: float | None = None
    clock: Callable[[], float] = time.time


class Span(Struct, frozen=True, order=True, array_like=True):
    """A half-open range of moments (epoch seconds) or of numbers."""

    start: float
    end: float


def joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the same ranges in order, with those that touch as one."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        elif span.start < span.end:
            found.append(span)
    return tuple(found)


def missing(whole: Span, done: Iterable[Span]) -> tuple[Span, ...]:
    """Return the parts of a range that are not in others."""
    found: list[Span] = []
    start = whole.start
    for span in joined(done):
        if span.end <= start:
            continue
        if span.start >= whole.end:
            break
        if span.start > start:
            found.append(Span(start, span.start))
        start = span.end
    if start < whole.end:
        found.append(Span(start, whole.end))
    return tuple(found)


def months(span: Span) -> list[Span]:
    """Cut a range into ranges of at most 31 days, in order."""
    found = []
    start = span.start
    while start < span.end:
        found.append(Span(start, min(start + MONTH, span.end)))
        start = found[-1].end
    return found


def moment(seconds: float) -> datetime:
    """Return epoch seconds as a datetime in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


class SpanLog(Struct):
    """Which parts of a range are put, by tasks that run beside each other.

    Chunks are put one after the other, so that the progress in each holds only what was put before it.
    """

    done: tuple[Span, ...] = ()
    lock: Lock = field(default_factory=Lock)

    async def put(self, put: Put, span: Span, chunk: Callable[[tuple[Span, ...]], LoadChunk]) -> None:
        """Put a chunk that ends a part; ``chunk`` receives all parts that are done with it."""
        async with self.lock:
            self.done = joined([*self.done, span])
            await put(chunk(self.done))
