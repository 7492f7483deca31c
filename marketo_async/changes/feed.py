"""`Changes`: a change feed, which delivers batches of events from its lanes, and the position after each.

See ``reader`` for what a lane promises, ``outbox`` for acknowledgements, ``lanes`` for the queries.
"""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

import anyio
from anyio.abc import TaskGroup
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.changes.backlog import Backlog, behind
from marketo_async.changes.budget import Spending
from marketo_async.changes.calls import FeedCalls
from marketo_async.changes.events import ChangeEvent
from marketo_async.changes.openings import Openings
from marketo_async.changes.outbox import Delivery, Outbox
from marketo_async.changes.pace import FeedPace, Nudge
from marketo_async.changes.position import VERSION, LaneState, Position
from marketo_async.changes.reader import LaneReader
from marketo_async.changes.seen import Seen
from marketo_async.changes.selection import FeedOptions, FeedPlan, FeedSelection
from marketo_async.changes.settled import SettledReader
from marketo_async.changes.store import FeedStore
from marketo_async.errors import ConfigurationError
from marketo_async.governor.quota import as_utc
from marketo_async.resources.base import Sender

_FAR_BEHIND = 3600.0  # seconds; a lane whose watermark is further back is drained by several scans at once


class LaneSnapshot(Struct, frozen=True, kw_only=True):
    """The state of one lane.

    ``settled`` is the moment before which everything is delivered and acknowledged. ``behind`` is how many seconds ago
    the lane had everything that Marketo had, ``None`` until it first has. ``late_rows`` came after newer ones, by
    ``late_by`` seconds at most.
    """

    name: str
    settled: datetime
    behind: float | None
    late_rows: int
    late_by: float
    scans: int
    next_poll: datetime


class FeedSnapshot(Struct, frozen=True, kw_only=True):
    """The state of a feed: its lanes, its calls, and what holds it back.

    ``calls`` were made since it was opened, ``calls_today`` count against the budget, and ``left_today`` is ``None``
    without one. ``held_back`` and ``trouble`` are empty if nothing holds it back.
    """

    lanes: tuple[LaneSnapshot, ...]
    calls: int
    calls_today: int
    left_today: int | None
    held_back: str
    trouble: str
    late_rows: int
    unacknowledged: int


class Batch:
    """Events of one lane, in the order in which Marketo has them, and the position after them.

    ``position`` is a text of at most 8 KB to store with the events: a feed that starts there delivers what comes after
    this batch. ``caught_up`` says that the lane had nothing more when the batch was read. ``events`` is empty where
    only the position has moved.
    """

    def __init__(self, delivery: Delivery, position: str, acknowledge: Callable[[Delivery], None]) -> None:
        self.events: Sequence[ChangeEvent] = delivery.events
        self.position = position
        self.lane: str = delivery.lane
        self.caught_up: bool = delivery.caught_up
        self._delivery = delivery
        self._acknowledge = acknowledge

    def __repr__(self) -> str:
        return f"<Batch {self.lane}: {len(self.events)} events>"

    def ack(self) -> None:
        """Acknowledge the batch: the feed does not deliver it again. To ask for the next batch does so too."""
        self._acknowledge(self._delivery)


class Changes:
    """A change feed; open it with ``async with``, and iterate its batches once. See `Marketo.changes`."""

    def __init__(
        self,
        selection: FeedSelection,
        options: FeedOptions,
        *,
        instance: str,
        sender: Sender,
        bulk: Sender,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self._selection = selection
        self._options = options
        self._instance = instance
        self._sender, self._bulk = sender, bulk
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - it scatters waits, hides nothing
        self._nudge = Nudge()
        self._opened = False
        self._running: _Running | None = None
        self._store = None if options.store is None else FeedStore(options.store)
        self._taken: Delivery | None = None
        self._unsaved: list[tuple[str, float]] = []

    async def __aenter__(self) -> Self:
        """Open the feed, once: its lanes begin to read.

        Raises `ConfigurationError` for a position or a store of another instance.
        """
        if self._opened:
            raise ConfigurationError("a feed can be opened once; call changes() again for another one")
        self._opened = True
        try:
            kept, known = (None, []) if self._store is None else await self._store.open()
            plan = await self._selection.plan(self._sender, self._instance)
            if self._options.position is not None:  # what comes after it is wanted, whatever the store has had
                kept, known = self._options.position, []
            self._running = self._start(plan, kept, known)
        except BaseException:
            await self._close_store()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the feed. The last batch is not acknowledged unless ``ack()`` was called or the next one asked for."""
        running = self._open()
        try:
            running.host.cancel()
            await asyncio.wait([running.host])
            await self._save(running)
        finally:
            running.outbox.close()
            self._running = None
            await self._close_store()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Batch:
        """Acknowledge the last batch, and return the next one, once there is one."""
        running = self._open()
        if self._taken is not None:
            self.acknowledge(self._taken)
        await self._save(running)
        delivery = await running.outbox.next()
        if delivery is None:
            raise StopAsyncIteration
        self._taken = delivery
        return Batch(delivery, running.text(running.outbox.position_after(delivery)), self.acknowledge)

    def nudge(self) -> None:
        """Poll every lane now: something is known to have happened."""
        self._nudge()

    @property
    def position(self) -> str:
        """The position of everything that is acknowledged, as text."""
        running = self._open()
        return running.text(running.outbox.position)

    def acknowledge(self, delivery: Delivery) -> None:
        """Acknowledge a batch; a second time does nothing."""
        if delivery is self._taken:
            self._open().outbox.acknowledge(delivery)
            self._taken = None
            self._unsaved += delivery.seen

    def snapshot(self) -> FeedSnapshot:
        """Return the state of the feed."""
        running = self._open()
        now, calls, spending = self._clock(), running.calls, running.calls.spending
        lanes = tuple(
            LaneSnapshot(
                name=reader.query.name,
                settled=as_utc(running.outbox.position.lane(reader.query.key).watermark),
                behind=None if reader.caught_up_at is None else now - reader.caught_up_at,
                late_rows=reader.late_rows,
                late_by=reader.late_by,
                scans=len(reader.state.backlog),
                next_poll=as_utc(reader.next_poll),
            )
            for reader in running.readers
        )
        return FeedSnapshot(
            lanes=lanes,
            calls=calls.made,
            calls_today=spending.today(now),
            left_today=spending.left(now),
            held_back=spending.held_back(now, backlog=len(running.backlog) > 0),
            trouble=calls.trouble,
            late_rows=sum(lane.late_rows for lane in lanes),
            unacknowledged=running.outbox.unacknowledged,
        )

    def _start(self, plan: FeedPlan, text: str | None, known: Sequence[tuple[str, float]]) -> _Running:
        """Make the parts of the feed and start its lanes."""
        options, now = self._options, self._clock()
        position = self._begun(plan, text, now)
        demand = len(plan.lanes) * (1 / options.poll + (0 if options.settled else 2 / options.sweep))
        spending = Spending(options.budget, demand=demand, day=position.day, spent=position.spent)
        calls = FeedCalls(self._sender, self._bulk, spending, clock=self._clock, follow=options.follow, rng=self._rng)
        pace = FeedPace(
            poll=options.poll, sweep=options.sweep, follow=options.follow, since=position.since, started=now
        )
        outbox = Outbox(position, window=options.window)
        reader = SettledReader if options.settled else LaneReader
        earlier = Seen.of(known)
        openings = Openings(calls)
        readers = [
            reader(
                query,
                position.lane(query.key),
                calls=calls,
                openings=openings,
                outbox=outbox,
                translator=plan.translator,
                pace=pace,
                seen=Seen(earlier),
                nudge=self._nudge,
            )
            for query in plan.lanes
        ]
        running = _Running(calls=calls, outbox=outbox, readers=readers, backlog=Backlog(readers), earlier=earlier)
        running.host = asyncio.get_running_loop().create_task(running.run(sweeps=not options.settled))
        return running

    def _begun(self, plan: FeedPlan, text: str | None, now: float) -> Position:
        """Return the position from which the lanes start: the one that is kept, or the start of a new feed."""
        options = self._options
        if text is None:
            since = float(math.floor(now if options.since is None else options.since))
            states = [LaneState(query.key, since - query.lag) for query in plan.lanes]
            position = Position(VERSION, self._instance, since, tuple(states), settled_only=options.settled)
        else:
            position = Position.read(text, instance=self._instance).in_mode(settled_only=options.settled)
            position = position.of_lanes([query.key for query in plan.lanes])
        if options.settled:
            return position
        most = max(_FAR_BEHIND, 2 * options.sweep)
        caught_up = [
            behind(position.lane(query.key), lag=query.lag, since=position.since, now=now, most=most)
            for query in plan.lanes
        ]
        return replace(position, lanes=tuple(caught_up))

    def _open(self) -> _Running:
        if self._running is None:
            raise ConfigurationError("the feed is not open; use it inside `async with marketo.changes(...)`")
        return self._running

    async def _save(self, running: _Running) -> None:
        """Save what is acknowledged since the last time, if there is a store."""
        position, unsaved = running.outbox.position, len(self._unsaved)
        if self._store is not None and position is not running.saved:
            running.earlier.forget_before(position.read_again)
            await self._store.save(running.text(position), self._unsaved[:unsaved], since=position.read_again)
            running.saved = position
        del self._unsaved[:unsaved]

    async def _close_store(self) -> None:
        if self._store is not None:
            await self._store.close()


class _Running:
    """The parts of an open feed, and the task in which its lanes read."""

    host: asyncio.Task[None]

    def __init__(
        self,
        *,
        calls: FeedCalls,
        outbox: Outbox,
        readers: Sequence[LaneReader],
        backlog: Backlog,
        earlier: Seen,
    ) -> None:
        self.calls = calls
        self.outbox = outbox
        self.readers = readers
        self.backlog = backlog
        self.earlier = earlier
        self.saved: Position | None = None

    def text(self, position: Position) -> str:
        """Return a position as text, with the calls of the day."""
        spending = self.calls.spending
        return replace(position, day=spending.day, spent=spending.spent).text()

    async def run(self, *, sweeps: bool) -> None:
        """Read every lane; end the feed once they have ended, or with the first error."""
        try:
            async with anyio.create_task_group() as tasks:
                work = [reader.follow for reader in self.readers] + [self.backlog.drain]
                if sweeps:
                    work += [reader.sweep for reader in self.readers]
                for task in work:
                    tasks.start_soon(self._guard, task, tasks)
        finally:
            self.outbox.end()

    async def _guard(self, work: Callable[[], Awaitable[None]], tasks: TaskGroup) -> None:
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - the consumer gets it
            while isinstance(error, ExceptionGroup):  # of the workers of the backlog
                error = error.exceptions[0]
            self.outbox.fail(error)
            tasks.cancel_scope.cancel()
