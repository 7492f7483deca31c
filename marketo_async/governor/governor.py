"""The async gate in front of one Marketo instance: who waits, in which order, and how they are woken.

A call asks for a `Permit` and holds it from before it is sent until its answer has been read. The rule that decides is
`Ledger`, which knows no loop and no clock; this module adds a queue per priority, one timer however many wait, and the
smoothing of bursts. One governor serves any number of clients of the same instance on one event loop.

Order
    First come first served within a priority, and the most urgent priority first, except that every tenth grant goes
    to whoever has waited longest: so a flood of interactive calls slows a bulk drain to a tenth, never to nothing.

Cancellation
    A waiter that is cancelled leaves no trace, also when the grant and the cancellation meet in the same turn of the
    loop: the permit is then given back unsent. A call under way is the session's to finish, not the governor's.

Cold start
    A new process knows nothing of the calls that were made in the ``per`` seconds before it; where runs are short and
    follow each other, wait that long or share the state.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from math import isinf
from typing import Literal

from aiolimiter import AsyncLimiter
from msgspec import Struct

from marketo_async.errors import ConfigurationError, DailyQuotaExceeded
from marketo_async.governor.ledger import Ledger
from marketo_async.governor.limits import Limits, Priority
from marketo_async.governor.quota import as_utc

log = logging.getLogger("marketo_async.governor")

_OLDEST_EVERY = 10
_SHORTEST_NAP = 1e-6  # rounding may leave less than the clock can measure
_LONGEST_NAP = 60.0  # a wall clock can be set and a machine can sleep: look again at least this often

_Waiters = OrderedDict["asyncio.Future[Permit]", float]


class CallRecord(Struct, frozen=True, kw_only=True):
    """One attempt at one call, as the ``on_call`` hook sees it. Times in seconds; nothing secret."""

    operation: str
    method: str
    path: str
    attempt: int
    waited: float
    latency: float
    status: int | None
    code: str | None
    request_id: str | None


class Snapshot(Struct, frozen=True, kw_only=True):
    """What a governor knows at one moment."""

    window_used: int
    window_share: int
    in_flight: int
    slot_share: int
    waiting: int
    used_today: int
    left_today: int
    resets_at: datetime
    granted: int
    refusals: int
    waited: float


class Permit:
    """One granted call: a place in the window, a slot, and one call of the day."""

    __slots__ = ("_answered", "_governor", "_released", "waited")

    def __init__(self, governor: Governor, waited: float) -> None:
        self._governor = governor
        self._answered = self._released = False
        self.waited = waited

    def answered(self) -> None:
        """Stamp the window: the answer's headers have arrived."""
        if not self._answered:
            self._answered = True
            self._governor._answered()  # noqa: SLF001 - a permit is the governor's own hand

    def release(self, *, counted: bool = True) -> None:
        """Give the slot back once the answer has been read; *counted* is whether Marketo charged the day for it."""
        if not self._released:
            self.answered()
            self._released = True
            self._governor._released(counted=counted)  # noqa: SLF001

    def unsent(self) -> None:
        """Give everything back: the call certainly never left this machine."""
        if not self._released:
            self._answered = self._released = True
            self._governor._unsent()  # noqa: SLF001


class Governor:
    """Lets calls through so that one instance's limits are never broken by them.

    ``on_quota`` says what becomes of calls when the day's quota is spent: ``"raise"`` `DailyQuotaExceeded`, or
    ``"wait"`` for the next midnight in America/Chicago. ``on_call`` is told of every attempt. ``clock`` gives epoch
    seconds and decides only what day it is; the window is measured by the event loop's monotonic clock.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        on_quota: Literal["raise", "wait"] = "raise",
        on_call: Callable[[CallRecord], None] | None = None,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.on_quota = on_quota
        self.on_call = on_call
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - scatters pauses, hides nothing
        self._ledger = Ledger(self.limits)
        self._queues = {priority: _Waiters() for priority in Priority}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._smoother: AsyncLimiter | None = None
        self._drop: asyncio.Task[None] | None = None
        self._since_oldest = 0
        self._granted = 0
        self._waited = 0.0

    async def acquire(self, priority: Priority = Priority.NORMAL, *, again: bool = False) -> Permit:
        """Wait for a place in the window, a slot and one call of the day, and take all three.

        *again* marks the repeat of a call that was granted before: it has waited its turn and goes first now.
        Raises `DailyQuotaExceeded` when the day is spent and ``on_quota`` is ``"raise"``.
        """
        loop = self._bind()
        if not any(self._queues.values()) and self._may_start(loop.time()):
            return self._grant(0.0)
        waiter: asyncio.Future[Permit] = loop.create_future()
        queue = self._queues[priority]
        queue[waiter] = loop.time()
        if again:
            queue.move_to_end(waiter, last=False)
        self._admit()
        try:
            return await waiter
        except asyncio.CancelledError:
            granted = queue.pop(waiter, None) is None and waiter.done() and not waiter.cancelled()
            if granted and waiter.exception() is None:
                waiter.result().unsent()
            raise

    def snapshot(self) -> Snapshot:
        """Return what is in use, what is left, and what it has cost so far."""
        now = self._loop.time() if self._loop and not self._loop.is_closed() else time.monotonic()
        moment, ledger = self._clock(), self._ledger
        return Snapshot(
            window_used=ledger.window.used(now),
            window_share=ledger.places.available(now),
            in_flight=ledger.in_flight,
            slot_share=ledger.slots.available(now),
            waiting=sum(map(len, self._queues.values())),
            used_today=ledger.quota.used(moment),
            left_today=ledger.quota.left(moment),
            resets_at=as_utc(ledger.quota.resets_at(moment)),
            granted=self._granted,
            refusals=ledger.refusals,
            waited=self._waited,
        )

    def calibrate(self, used_today: int) -> None:
        """Adopt the instance's own count of today's calls, which includes everybody's; it never lowers ours."""
        self._ledger.quota.calibrate(self._clock(), used_today)

    def throttled(self) -> None:
        """Report a 606: somebody else used the window up. Every waiting call pauses, and our share shrinks."""
        self._ledger.throttled(self._bind().time(), self._rng.random())

    def crowded(self) -> None:
        """Report a 615: somebody else holds slots. Our share of them shrinks."""
        self._ledger.crowded(self._bind().time())

    def spent(self) -> None:
        """Report a 607: whoever used them, the calls of the day are gone."""
        self._ledger.spent(self._clock())

    def resets_at(self) -> datetime:
        """Return when the daily quota starts anew, in UTC."""
        moment = self._clock()
        return as_utc(self._ledger.quota.resets_at(moment))

    def report(self, record: CallRecord) -> None:
        """Hand one attempt to the hook; a hook that fails is logged, because the call itself did not."""
        if self.on_call is not None:
            try:
                self.on_call(record)
            except Exception:
                log.exception("the on_call hook failed for %s", record.operation)

    def _bind(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return loop
        ledger = self._ledger
        if self._loop is not None and not self._loop.is_closed() and (ledger.in_flight or any(self._queues.values())):
            raise ConfigurationError(
                "this Governor has calls under way on another event loop: use one Governor per loop, or let its clients"
                " finish first"
            )
        # What a closed loop left behind can't report any more: its answers are as good as given now.
        for _ in range(ledger.window.under_way):
            ledger.answered(loop.time())
        for _ in range(ledger.in_flight):
            ledger.released(self._clock(), counted=True)
        for queue in self._queues.values():
            queue.clear()
        self._loop, self._timer, self._drop = loop, None, None
        if self.limits.burst is not None:
            burst = self.limits.burst
            self._smoother = AsyncLimiter(burst, burst * self.limits.per / self.limits.calls)
        return loop

    def _may_start(self, now: float) -> bool:
        """Tell whether a call may start now, and see to it that somebody looks again if not."""
        moment = self._clock()
        if not self._ledger.quota.left(moment):
            if self.on_quota == "raise":
                raise self._quota_error()
            self._look_again(now, self._ledger.quota.resets_at(moment) - moment)
            return False
        if wait := self._ledger.wait(now):
            self._look_again(now, wait)
            return False
        return self._smooth()

    def _smooth(self) -> bool:
        """Take a drop from the smoother, or ask for one: only the head of the queue ever waits for it."""
        if self._smoother is None or self._loop is None:
            return True
        if self._drop is None:
            self._drop = self._loop.create_task(self._smoother.acquire())
            self._drop.add_done_callback(lambda _: self._admit())
        if not self._drop.done():
            return False
        self._drop = None
        return True

    def _look_again(self, now: float, wait: float) -> None:
        if isinf(wait) or self._loop is None:
            return  # the next release looks again
        when = now + min(max(wait, _SHORTEST_NAP), _LONGEST_NAP)
        if self._timer is not None:
            if now < self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._admit()

    def _admit(self) -> None:
        """Grant permits to waiters, in order, as long as the rule allows."""
        if self._loop is None:
            return
        now = self._loop.time()
        try:
            while (queue := self._next_queue()) is not None and self._may_start(now):
                waiter, since = queue.popitem(last=False)
                if not waiter.done():
                    waiter.set_result(self._grant(now - since))
        except DailyQuotaExceeded:
            for waiters in self._queues.values():
                while waiters:
                    waiter, _ = waiters.popitem(last=False)
                    if not waiter.done():
                        waiter.set_exception(self._quota_error())

    def _next_queue(self) -> _Waiters | None:
        waiting = [queue for queue in self._queues.values() if queue]
        if len(waiting) > 1 and self._since_oldest >= _OLDEST_EVERY:
            return min(waiting, key=lambda queue: next(iter(queue.values())))
        return waiting[0] if waiting else None

    def _grant(self, waited: float) -> Permit:
        self._ledger.grant(self._clock())
        self._since_oldest = 0 if self._since_oldest >= _OLDEST_EVERY else self._since_oldest + 1
        self._granted += 1
        self._waited += waited
        return Permit(self, waited)

    def _answered(self) -> None:
        if self._loop is not None:
            self._ledger.answered(self._loop.time())

    def _released(self, *, counted: bool) -> None:
        self._ledger.released(self._clock(), counted=counted)
        self._admit()

    def _unsent(self) -> None:
        self._ledger.unsent(self._clock())
        self._granted -= 1
        self._admit()

    def _quota_error(self) -> DailyQuotaExceeded:
        quota = self._ledger.quota
        return DailyQuotaExceeded(used=quota.used(self._clock()), daily=quota.daily, resets_at=self.resets_at())
