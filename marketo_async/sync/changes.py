"""`BlockingChanges`: the change feed of a blocking client. Its lanes read in the client's loop while a thread works.

See ``changes.feed`` for the feed, and ``portal`` for how a thread calls into a loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from marketo_async.changes import Batch, ChangeEvent, Changes, FeedSnapshot

if TYPE_CHECKING:  # a program that makes no blocking calls does not pay for a portal
    from marketo_async.portal import Portal


class BlockingBatch:
    """Events of one lane and the position after them: the blocking form of `Batch`; see there for its attributes."""

    def __init__(self, batch: Batch, portal: Portal) -> None:
        self.events: Sequence[ChangeEvent] = batch.events
        self.position: str = batch.position
        self.lane: str = batch.lane
        self.caught_up: bool = batch.caught_up
        self._batch = batch
        self._portal = portal

    def __repr__(self) -> str:
        return repr(self._batch)

    def ack(self) -> None:
        """Acknowledge the batch: the feed does not deliver it again. To ask for the next batch does so too."""

        async def acknowledge() -> None:
            self._batch.ack()

        self._portal.call(acknowledge)


class BlockingChanges:
    """A change feed; open it with ``with``, and iterate its batches once: the blocking form of `Changes`.

    One thread iterates it. Any thread may call ``nudge()`` and ``snapshot()`` and read ``position``. Ctrl-C ends the
    wait for a batch at once; the feed stays usable, and a batch that had just arrived comes next.
    """

    def __init__(self, changes: Changes, portal: Portal) -> None:
        self._changes = changes
        self._portal = portal
        self._arrived: BlockingBatch | None = None

    def __enter__(self) -> Self:
        """Open the feed: its lanes begin to read.

        Raises `ConfigurationError` for a position or a store of another instance.
        """
        self._portal.call(self._changes.__aenter__)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the feed. The last batch is not acknowledged unless ``ack()`` was called or the next one asked for."""
        self._portal.call(self._changes.__aexit__, kind, error, traceback)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> BlockingBatch:
        """Acknowledge the last batch, and return the next one, once there is one."""
        if self._arrived is None:
            self._portal.call(self._await_next)
        batch, self._arrived = self._arrived, None
        if batch is None:
            raise StopIteration
        return batch

    def nudge(self) -> None:
        """Poll every lane now: something is known to have happened."""

        async def nudge() -> None:
            self._changes.nudge()

        self._portal.call(nudge)

    @property
    def position(self) -> str:
        """The position of everything that is acknowledged, as text."""

        async def look() -> str:
            return self._changes.position

        return self._portal.call(look)

    def snapshot(self) -> FeedSnapshot:
        """Return the state of the feed."""

        async def look() -> FeedSnapshot:
            return self._changes.snapshot()

        return self._portal.call(look)

    async def _await_next(self) -> None:
        """Keep the next batch in the loop: an interrupted thread, which never sees it, must not acknowledge it."""
        batch = await anext(self._changes, None)
        self._arrived = None if batch is None else BlockingBatch(batch, self._portal)
