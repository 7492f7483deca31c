"""The async gate in front of one Marketo instance: who waits, in which order, and how they are woken.

A call asks for a `Permit` and holds it from before it is sent until its answer has been read. The rule that decides is
`Ledger`, which knows no loop and no clock; this module adds a queue per priority, one timer however many wait, and the
smoothing of bursts. One governor serves any number of clients of the same instance on one event loop.

Where more processes than this one call the instance, a store decides for all of them, and `Member` asks it for whoever
goes first here. A store that can't be reached gives `StoreUnavailable`, or, with a ``fallback``, this process goes on
alone within its own share.

Order
    First come first served within a priority, and the most urgent priority first, except that every tenth grant goes
    to whoever has waited longest: so a flood of interactive calls slows a bulk drain to a tenth, never to nothing.

Cancellation
    A waiter that is cancelled leaves no trace, also when the grant and the cancellation meet in the same turn of the
    loop: the permit is then given back unsent. A call under way is the session's to finish, not the governor's.

Cold start
    Without a store, a new process knows nothing of the calls that were made in the ``per`` seconds before it; where
    runs are short and follow each other, wait that long or give it an `SQLiteStore`.

Alone
    When the store can't be reached, others may have used up the window just before: the fallback begins after a whole
    window, and once the calls that the store had granted here have ended. Back at the store, calls made alone end
    first, and then the store is told of them. That the shares of all processes fit into the limits, also beside what
    a store grants to those that still reach it, is for whoever sets them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from math import isinf
from typing import TYPE_CHECKING, Literal

from aiolimiter import AsyncLimiter

from marketo_async.errors import ConfigurationError, DailyQuotaExceeded, MarketoError
from marketo_async.governor.ledger import Ledger, Use
from marketo_async.governor.limits import OLDEST_EVERY, Limits, Priority
from marketo_async.governor.permit import Permit
from marketo_async.governor.quota import as_utc
from marketo_async.governor.seen import CallRecord, Snapshot
from marketo_async.governor.window import DRIFT

if TYPE_CHECKING:  # a process that is alone does not pay for fleets
    from marketo_async.governor.member import Head, Lease, Member
    from marketo_async.governor.stores import Store

log = logging.getLogger("marketo_async.governor")

_SHORTEST_NAP = 1e-6  # rounding may leave less than the clock can measure
_LOOK_FOR_ENDS = 0.1  # of calls that the store had granted, when this process goes on alone
_LONGEST_NAP = 60.0  # a wall clock can be set and a machine can sleep: look again at least this often

_Waiters = OrderedDict["asyncio.Future[Permit]", float]


class _Local(Permit):
    """A permit that this process has given itself."""

    __slots__ = ("_governor",)

    def __init__(self, governor: Governor, waited: float) -> None:
        super().__init__(waited)
        self._governor = governor

    def _stamp(self) -> None:
        self._governor._answered()  # noqa: SLF001 - a permit is the governor's own hand

    def _free(self, *, counted: bool) -> None:
        self._governor._released(counted=counted)  # noqa: SLF001

    def _undo(self) -> None:
        self._governor._unsent()  # noqa: SLF001

    def _leave(self, seconds: float) -> None:
        asyncio.get_running_loop().call_later(seconds, self._end)

    def _end(self) -> None:
        self.answered()
        self._free(counted=True)


class Governor:
    """Lets calls through so that one instance's limits are never broken by them.

    ``on_quota`` says what becomes of calls when the day's quota is spent: ``"raise"`` `DailyQuotaExceeded`, or
    ``"wait"`` for the next midnight in America/Chicago. ``on_call`` is told of every attempt. ``clock`` gives epoch
    seconds and decides only what day it is; the window is measured by the event loop's monotonic clock.

    ``store`` shares the limits with other processes (`SQLiteStore`, `RedisStore`), which must all name the same ones;
    then the store's clocks count. ``fallback`` is what this process may do by itself while the store can't be reached:
    its safe share of the limits, over the same ``per``; without one, calls then raise `StoreUnavailable`.
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        on_quota: Literal["raise", "wait"] = "raise",
        on_call: Callable[[CallRecord], None] | None = None,
        store: Store | None = None,
        fallback: Limits | None = None,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
    ) -> None:
        self.limits = limits or Limits()
        if fallback is not None and (store is None or fallback.per != self.limits.per):
            raise ConfigurationError("Governor: a fallback goes with a store, and has the `per` of the limits")
        self.store = store
        self.fallback = fallback
        self.on_quota = on_quota
        self.on_call = on_call
        self._clock = clock
        self._rng = rng or random.Random()  # noqa: S311 - scatters pauses, hides nothing
        self._ledger = Ledger.of(self.limits)  # with a store, what this process does alone
        self._member: Member | None = None
        self._returning = False
        self._process = os.getpid()
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
        Raises `DailyQuotaExceeded` when the day is spent and ``on_quota`` is ``"raise"``, `StoreUnavailable` when the
        store can't be reached and there is no ``fallback``.
        """
        loop = self._bind()
        if self._member is None and not any(self._queues.values()) and self._may_start(loop.time()):
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
            elif self._member is not None:
                self._member.plan()  # whose head it may have been
            raise

    async def settle(self) -> None:
        """Tell the store what it has not heard, and let go of its connections where nothing is under way."""
        member = self._member
        if member is None or self.store is None or self._loop is not asyncio.get_running_loop():
            return
        await member.flush()
        if not member.calls and not any(self._queues.values()):
            await self.store.close()

    def snapshot(self) -> Snapshot:
        """Return what is in use, what is left, and what it has cost so far."""
        now = self._loop.time() if self._loop and not self._loop.is_closed() else time.monotonic()
        waiting = sum(map(len, self._queues.values()))
        use = self._told() or self._ledger.use(now, self._clock())
        return Snapshot.of(use, waiting=waiting, granted=self._granted, waited=self._waited)

    def calibrate(self, used_today: int) -> None:
        """Adopt the instance's own count of today's calls, which includes everybody's; it never lowers ours."""
        self._ledger.quota.calibrate(self._clock(), used_today)
        if self.store is not None:
            self._joined().calibrate(used_today)

    def throttled(self) -> None:
        """Report a 606: somebody else used the window up. Every waiting call pauses, and our share shrinks."""
        scatter = self._rng.random()
        self._ledger.throttled(self._bind().time(), scatter)
        if self.store is not None:
            self._joined().throttled(scatter)

    def crowded(self) -> None:
        """Report a 615: somebody else holds slots. Our share of them shrinks."""
        self._ledger.crowded(self._bind().time())
        if self.store is not None:
            self._joined().crowded()

    def spent(self) -> None:
        """Report a 607: whoever used them, the calls of the day are gone."""
        self._ledger.spent(self._clock())
        if self.store is not None:
            self._joined().spent()

    def resets_at(self) -> datetime:
        """Return when the daily quota starts anew, in UTC."""
        moment, known = self._clock(), self._told()
        if known is not None and known.resets_at > moment:
            return as_utc(known.resets_at)
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
        if loop is self._loop and self._process == os.getpid():
            return loop
        ledger = self._ledger
        busy = ledger.in_flight or any(self._queues.values()) or (self._member is not None and self._member.calls)
        forked = self._process != os.getpid()  # what the parent has under way is not ours
        if self._loop is not None and not self._loop.is_closed() and busy and not forked:
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
        self._loop, self._timer, self._drop, self._process = loop, None, None, os.getpid()
        if self.store is not None:
            from marketo_async.governor.member import Member, Queue  # noqa: PLC0415 - only with a store

            ours = Queue(self._head, self._serve, self._exhausted, self._go_alone, self._come_back)
            self._member = Member(self.store, self.limits, ours, loop)
        if self.limits.burst is not None:
            burst = self.limits.burst
            self._smoother = AsyncLimiter(burst, burst * self.limits.per / self.limits.calls)
        return loop

    def _joined(self) -> Member:
        """Return this process's part in the fleet."""
        self._bind()
        if self._member is None:
            raise ConfigurationError("this Governor has no store")
        return self._member

    def _told(self) -> Use | None:
        """Return what is in use by the store's last word, unless this process is alone."""
        return None if self._member is None or self._member.away else self._member.use

    def _may_start(self, now: float) -> bool:
        """Tell whether a call may start now, and see to it that somebody looks again if not."""
        if self._returning:
            return False
        if self._member is not None and self._member.calls:
            self._look_again(now, _LOOK_FOR_ENDS)
            return False
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
        """Tell whether there is a drop of the smoother, or ask for one: only the head of the queue waits for it."""
        if self._smoother is None or self._loop is None:
            return True
        if self._drop is None:
            self._drop = self._loop.create_task(self._smoother.acquire())
            self._drop.add_done_callback(lambda _: self._admit())
        return self._drop.done()

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
        if self._member is not None:
            if self._returning and not self._ledger.in_flight:
                self._rejoin(self._member)
            self._member.plan()
            if not self._member.away:
                return
        now = self._loop.time()
        try:
            while (queue := self._next_queue()) is not None and self._may_start(now):
                waiter, since = queue.popitem(last=False)
                if not waiter.done():
                    waiter.set_result(self._grant(now - since))
        except DailyQuotaExceeded:
            self._fail(self._quota_error)

    def _fail(self, why: Callable[[], MarketoError]) -> None:
        """End the waiting of all with an exception each."""
        for waiters in self._queues.values():
            while waiters:
                waiter, _ = waiters.popitem(last=False)
                if not waiter.done():
                    waiter.set_exception(why())

    def _next_queue(self) -> _Waiters | None:
        waiting = [queue for queue in self._queues.values() if queue]
        if len(waiting) > 1 and self._since_oldest >= OLDEST_EVERY:
            return min(waiting, key=_front)
        return waiting[0] if waiting else None

    def _grant(self, waited: float) -> Permit:
        self._ledger.grant(self._clock())
        self._since_oldest = 0 if self._since_oldest >= OLDEST_EVERY else self._since_oldest + 1
        self._drop = None
        self._granted += 1
        self._waited += waited
        return _Local(self, waited)

    def _head(self) -> Head | None:
        """Return who goes first, for the store to decide about."""
        waiting = [priority for priority, queue in self._queues.items() if queue]
        if not waiting or not self._smooth():
            return None
        oldest = min(_front(self._queues[priority]) for priority in waiting)
        from marketo_async.governor.member import Head  # noqa: PLC0415 - only with a store

        return Head(waiting[0], _front(self._queues[waiting[0]]), oldest)

    def _serve(self, lease: Lease, oldest: bool) -> None:  # noqa: FBT001 - as the store said it
        """Hand a lease to whoever goes first, or has waited longest; nobody may be left."""
        self._drop = None
        while waiting := [queue for queue in self._queues.values() if queue]:
            queue = min(waiting, key=_front) if oldest else waiting[0]
            waiter, since = queue.popitem(last=False)
            if not waiter.done() and self._loop is not None:
                lease.waited = self._loop.time() - since
                self._granted += 1
                self._waited += lease.waited
                waiter.set_result(lease)
                return
        lease.unsent()

    def _exhausted(self) -> bool:
        """Tell whether those who wait go on waiting at the end of the day's quota, as the store counts it."""
        if self.on_quota == "raise":
            self._fail(self._quota_error)
        return self.on_quota == "wait"

    def _go_alone(self, why: Callable[[], MarketoError]) -> None:
        """Go on within the fallback, a whole window from now; or tell all who wait that it can't go on."""
        if self._member is None or self._loop is None or self.fallback is None:
            self._fail(why)
        elif not self._member.away:
            log.warning("%s; going on alone within the fallback", why())
            self._member.away = True
            self._ledger = Ledger.of(self.fallback)
            self._ledger.paused_until = self._loop.time() + self.fallback.per * (1 + DRIFT)
            self._admit()

    def _come_back(self) -> None:
        """Grant nothing alone any more: the store can be reached again."""
        self._returning = True
        self._admit()

    def _rejoin(self, member: Member) -> None:
        """Go back to the store, now that nothing is under way that it does not know."""
        ledger, now = self._ledger, member.loop.time()
        self._returning = False
        used = ledger.quota.used(self._clock())
        ledger.window.used(now)  # forgets what is past
        member.rejoin([now - (free - ledger.window.keep) for free in ledger.window.frees], used)

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


def _front(queue: _Waiters) -> float:
    """Return since when the first of a queue has waited."""
    return next(iter(queue.values()))
