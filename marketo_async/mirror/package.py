"""`Chunk`: what a producer hands to the mirror; and `Package`: the chunks that one load writes. Pure.

Anything that dies before its load is completed is done again, and merges to the same: rows merge by key, and progress
counts only once it is loaded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.mirror.state import MirrorState

Row = Mapping[str, Any]
"""A row by Marketo's names (``MirrorColumn.source``). Names that the table does not have are left out."""


class Rows(Protocol):
    """Many rows at once: a list of dicts, or anything that makes an Arrow table of itself, as a bulk export may."""

    def __len__(self) -> int: ...


class Chunk(Struct, frozen=True, kw_only=True):
    """Rows and deletions by table, and what the state keeps once they are loaded.

    ``rows`` of a table are dicts by Marketo's names, or a pyarrow Table whose columns have the names and types of the
    destination; an empty list creates the table. ``deletions`` are dicts with the columns of the key. ``read_at`` is
    the moment (epoch seconds of this machine) at which the request for the oldest of them began; for a bulk job, the
    moment at which it was queued.

    ``snapshot`` says that the feed may know newer rows: those that the feed has read since ``read_at`` are kept, and
    what it has deleted is not written again. ``gone`` are leads that no longer exist: their memberships go too.
    ``progress`` is JSON by producer, ``position`` that of the feed. ``calls`` and ``exported`` are the calls and bytes
    of export that it took. ``ack`` is called after the load.
    """

    rows: Mapping[str, Sequence[Row] | Any] = {}
    deletions: Mapping[str, Sequence[Row]] = {}
    read_at: float
    snapshot: bool = False
    gone: frozenset[int] = frozenset()
    progress: Mapping[str, Any] = {}
    position: str | None = None
    calls: int = 0
    exported: int = 0
    ack: Callable[[], None] | None = None

    @property
    def size(self) -> int:
        """How many rows and deletions it has."""
        return sum(map(len, self.rows.values())) + sum(map(len, self.deletions.values()))


class Package(Struct, frozen=True, kw_only=True):
    """The chunks of one load in the order in which they came, and the state after it."""

    chunks: Sequence[Chunk]
    state: MirrorState

    @property
    def size(self) -> int:
        """How many rows and deletions it has."""
        return sum(chunk.size for chunk in self.chunks)


Put = Callable[[Chunk], Awaitable[None]]
"""Hands a chunk to the mirror; waits while enough rows wait for their load, which is the back-pressure."""


class Producer(Protocol):
    """A part of the first load, or a refresh: it reads from Marketo and puts chunks until it has everything.

    ``name`` is the key of its progress in the state. A producer that is started again gets the state of the last load,
    and continues from its own progress in it.
    """

    name: str

    def done(self, state: MirrorState) -> bool:
        """Whether everything is loaded, by the progress in the state."""
        ...

    async def run(self, put: Put, state: MirrorState) -> None:
        """Put chunks until everything is read. Return at once if the progress says that it is."""
        ...


def packed(chunks: Iterable[Chunk], state: MirrorState) -> Package:
    """Return a package of chunks, with the state that it leaves."""
    taken = list(chunks)
    for chunk in taken:
        state = state.with_progress(chunk.progress)
        state = replace(state, position=chunk.position or state.position)
    return Package(chunks=taken, state=replace(state, loads=state.loads + 1))
