"""`Package`: the chunks that one load writes; and `Producer`, which makes them. Pure.

Anything that dies before its load is completed is done again, and merges to the same: rows merge by key, and progress
counts only once it is loaded.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.mirror.chunks import LoadChunk
from marketo_async.mirror.state import MirrorState


class Package(Struct, frozen=True, kw_only=True):
    """The chunks of one load in the order in which they came, and the state after it."""

    chunks: Sequence[LoadChunk]
    state: MirrorState

    @property
    def size(self) -> int:
        """How many rows and deletions it has."""
        return sum(chunk.size for chunk in self.chunks)


Put = Callable[[LoadChunk], Awaitable[None]]
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


def packed(chunks: Iterable[LoadChunk], state: MirrorState) -> Package:
    """Return a package of chunks, with the state that it leaves."""
    taken = list(chunks)
    for chunk in taken:
        state = state.with_progress(chunk.progress)
        state = replace(state, position=chunk.position or state.position)
    return Package(chunks=taken, state=replace(state, loads=state.loads + 1))
