"""The gate of one process: a priority queue of the calls that wait for a permit.

Order
    The most urgent priority goes first, and calls of one priority are first in, first out. To prevent starvation, every
    tenth grant goes to the oldest waiter of all: a flood of interactive calls slows a bulk job to a tenth, never to
    nothing. A retry keeps the age of its first wait, so it keeps its place in the order.

Cancellation
    A cancelled waiter leaves no trace. Its entry stays in its line until it reaches the front, or until half of the
    entries are cancelled ones.

Crowds
    There is one timer for all waiters. Waiters that fail together are woken a hundred per turn of the loop.

See ``authority`` for what decides whether the next call may start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from math import isinf

from aiolimiter import AsyncLimiter
from msgspec import Struct

from marketo_async.errors import MarketoError
from marketo_async.governor.limits import OLDEST_EVERY, Limits, Priority
from marketo_async.governor.permit import Permit
from marketo_async.turns import in_turns

_SHORTEST_NAP = 1e-6  # rounding may leave less than the clock can measure
_LONGEST_NAP = 60.0  # a wall clock can be set and a machine can sleep: check at least this often
_FEW_DEAD = 64  # fewer entries of cancelled waiters are not worth a clean-up


class QueueHead(Struct, frozen=True):
    """The waiter that goes first: its priority, the start of its wait, and the start of the oldest wait of all."""

    priority: Priority
    since: float
    oldest: float


class Waiter:
    """One waiting call: its permit to come, the start of its wait, and the seconds that Marketo may work on it."""

    __slots__ = ("asked", "bound", "future", "queued", "since")

    def __init__(self, future: asyncio.Future[Permit], since: float, asked: float, bound: float) -> None:
        self.future = future
        self.since = since
        self.asked = asked
        self.bound = bound
        self.queued = True


_Line = list[tuple[float, int, Waiter]]  # a heap


class Gate:
    """The waiters of one process, on one event loop at a time; every moment is a reading of the loop's clock."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        # By age. The number orders waiters of equal age, and keeps the heap from comparing waiters.
        self._lines: dict[Priority, _Line] = {priority: [] for priority in Priority}
        self._number = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._changed: Callable[[], None] = lambda: None
        self._timer: asyncio.TimerHandle | None = None
        self._smoother: AsyncLimiter | None = None
        self._drop: asyncio.Task[None] | None = None
        self._since_oldest = 0
        self.waiting = 0
        self.granted = 0
        self.waited = 0.0

    def open(self, loop: asyncio.AbstractEventLoop, changed: Callable[[], None]) -> None:
        """Begin on a loop, without waiters; ``changed`` is called when it is time to check the waiters again."""
        self._drain()  # their loop is closed: the tasks will never run
        if self._timer is not None:
            self._timer.cancel()
        self._loop, self._changed = loop, changed
        self._timer = self._drop = self._smoother = None
        if (burst := self._limits.burst) is not None:
            self._smoother = AsyncLimiter(burst, burst * self._limits.per / self._limits.calls)

    def enter(
        self, future: asyncio.Future[Permit], priority: Priority, since: float, asked: float, bound: float
    ) -> Waiter:
        """Queue a call that arrived at ``asked``, with the age of one that has waited since ``since``."""
        waiter = Waiter(future, since, asked, bound)
        self._number += 1
        self.waiting += 1
        heappush(self._lines[priority], (since, self._number, waiter))
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Forget a waiter that was cancelled."""
        self._unqueue(waiter)
        entries = sum(map(len, self._lines.values()))
        if entries > 2 * self.waiting + _FEW_DEAD:
            for line in self._lines.values():
                line[:] = [entry for entry in line if entry[2].queued]
                heapify(line)

    def count_waiting(self) -> int:
        """Return how many calls wait; those of a closed loop do not count, even before they are removed."""
        return 0 if self._loop is None or self._loop.is_closed() else self.waiting

    def head(self) -> QueueHead | None:
        """Return the waiter that goes first, ``None`` if there is none or the leaky bucket holds it back."""
        if not self.waiting or not self.smooth():
            return None
        lines = self._lines.items()
        fronts = [(priority, front.since) for priority, line in lines if (front := self._front(line)) is not None]
        if not fronts:
            return None
        priority, since = fronts[0]
        return QueueHead(priority, since, min(since for _, since in fronts))

    def take(self, *, oldest: bool) -> Waiter | None:
        """Remove and return the waiter that goes first, or the oldest of all; ``None`` if there is none."""
        found: _Line | None = None
        for line in self._lines.values():
            if self._front(line) is not None and (found is None or line[0][0] < found[0][0]):
                found = line
                if not oldest:
                    break
        if found is None:
            return None
        waiter = heappop(found)[2]
        self._unqueue(waiter)
        return waiter

    def hand(self, permit: Permit, waiter: Waiter, now: float) -> None:
        """Give a permit to a waiter that `take` returned."""
        permit.bound = waiter.bound
        self.count(permit, now - waiter.asked)
        waiter.future.set_result(permit)

    def count(self, permit: Permit, waited: float) -> None:
        """Note that a permit was granted after ``waited`` seconds."""
        permit.waited = waited
        self._drop = None
        self.granted += 1
        self.waited += waited

    def discount(self) -> None:
        """Note that a permit was given back unsent."""
        self.granted -= 1

    def turn_of_oldest(self) -> bool:
        """Return, once for each grant of this process, whether the grant is for the oldest of all waiters."""
        oldest = self._since_oldest >= OLDEST_EVERY
        self._since_oldest = 0 if oldest else self._since_oldest + 1
        return oldest

    def fail(self, why: Callable[[], MarketoError]) -> None:
        """Fail all current waiters, each with its own exception."""
        doomed = self._drain()

        def failing() -> Iterator[None]:
            for waiter in doomed:
                if not waiter.future.done():
                    waiter.future.set_exception(why())
                yield

        if self._loop is not None:
            in_turns(self._loop, failing())

    def smooth(self) -> bool:
        """Return whether the leaky bucket has a drop; if not, acquire one. Only the head of the queue waits for it."""
        smoother, loop = self._smoother, self._loop
        if smoother is None or loop is None:
            return True
        if self._drop is None:

            def fallen(_: asyncio.Task[None]) -> None:
                if self._loop is loop:
                    self._changed()

            self._drop = loop.create_task(smoother.acquire())
            self._drop.add_done_callback(fallen)
        return self._drop.done()

    def look_again(self, wait: float) -> None:
        """Check the waiters again in ``wait`` seconds or sooner; infinity means when the next call ends."""
        if isinf(wait) or self._loop is None:
            return
        now = self._loop.time()
        when = now + min(max(wait, _SHORTEST_NAP), _LONGEST_NAP)
        if self._timer is not None:
            if now < self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._changed()

    def _unqueue(self, waiter: Waiter) -> None:
        if waiter.queued:
            waiter.queued = False
            self.waiting -= 1
            self._sleep()

    def _sleep(self) -> None:
        """Cancel the timer once there are no waiters, so that no timer outlives the clients."""
        if not self.waiting and self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _front(self, line: _Line) -> Waiter | None:
        """Return the first waiter of a line, after dropping the cancelled ones before it."""
        while line:
            waiter = line[0][2]
            if waiter.queued and not waiter.future.done():
                return waiter
            heappop(line)
            self._unqueue(waiter)
        return None

    def _drain(self) -> list[Waiter]:
        """Empty the lines, and return their waiters: the most urgent and oldest first."""
        waiters = []
        for line in self._lines.values():
            waiters += [waiter for _, _, waiter in sorted(line) if waiter.queued]
            line.clear()
        for waiter in waiters:
            waiter.queued = False
        self.waiting = 0
        self._sleep()
        return waiters
