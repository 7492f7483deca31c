"""`Outbox`: what the lanes of a feed have read, in one order, until the consumer acknowledges it.

The position moves only with acknowledgements, in the order of delivery, so it never includes a batch that the consumer
has not finished. At most ``window`` batches wait: then the lanes stop reading, which is the back-pressure.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import anyio
from msgspec import Struct, field

from marketo_async.changes.events import ChangeEvent
from marketo_async.changes.position import LaneState, Position
from marketo_async.errors import own

Move = Callable[[LaneState], LaneState]


class Delivery(Struct):
    """Events of one lane, and the moves of the position that their acknowledgement makes."""

    lane: str
    events: Sequence[ChangeEvent]
    moves: list[tuple[str, Move]]
    caught_up: bool
    seen: Sequence[tuple[str, float]] = field(default_factory=tuple)
    """The GUIDs that may be read again, with the times of their delivery."""


class WindowPlace(Struct):
    """One of the ``window`` places for a batch that is not acknowledged."""

    used: bool = False


class Outbox:
    """The batches between the lanes and the consumer, and the position of what is acknowledged."""

    def __init__(self, position: Position, *, window: int) -> None:
        self.position = position
        self._room = anyio.Semaphore(window)
        self._send, self._receive = anyio.create_memory_object_stream[Delivery](math.inf)
        self._under_way: deque[Delivery] = deque()
        self._failure: BaseException | None = None
        self._over = False

    @asynccontextmanager
    async def room(self) -> AsyncIterator[WindowPlace]:
        """Wait until fewer than ``window`` batches are unacknowledged; keep the place if a batch is delivered in it."""
        await self._room.acquire()
        place = WindowPlace()
        try:
            yield place
        finally:
            if not place.used:
                self._room.release()

    def deliver(self, place: WindowPlace, delivery: Delivery) -> None:
        """Hand a batch to the consumer, in the place that its lane has taken; drop it if the feed is over."""
        if not self._over:
            place.used = True
            self._under_way.append(delivery)
            self._send.send_nowait(delivery)

    def move(self, key: str, move: Move) -> None:
        """Move a lane without events: at once, or after the batches that are not acknowledged yet."""
        if self._over:  # a batch before this move may have been dropped
            return
        if self._under_way:
            self._under_way[-1].moves.append((key, move))
        else:
            self._apply([(key, move)])

    def fail(self, error: BaseException) -> None:
        """End the feed with an error, which the consumer gets after what was delivered before."""
        self._failure = self._failure or error
        self.end()

    def end(self) -> None:
        """End the feed: the consumer gets what was delivered before."""
        self._over = True
        self._send.close()

    def close(self) -> None:
        """End the feed, and drop what the consumer has not taken."""
        self.end()
        self._receive.close()

    async def next(self) -> Delivery | None:
        """Return the next batch, or ``None`` at the end; raise the error that ended the feed."""
        try:
            return await self._receive.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            if self._failure is not None:
                raise own(self._failure) from self._failure
            return None

    @property
    def unacknowledged(self) -> int:
        """How many batches are delivered or wait, and are not acknowledged."""
        return len(self._under_way)

    def position_after(self, delivery: Delivery) -> Position:
        """Return the position once ``delivery`` is acknowledged, which is the oldest of those under way."""
        return _moved(self.position, delivery.moves)

    def acknowledge(self, delivery: Delivery) -> None:
        """Move the position after a batch, which is the oldest of those under way, and make room for another."""
        self._under_way.remove(delivery)
        self._apply(delivery.moves)
        self._room.release()

    def _apply(self, moves: Sequence[tuple[str, Move]]) -> None:
        self.position = _moved(self.position, moves)


def _moved(position: Position, moves: Sequence[tuple[str, Move]]) -> Position:
    for key, move in moves:
        position = position.with_lane(move(position.lane(key)))
    return position
