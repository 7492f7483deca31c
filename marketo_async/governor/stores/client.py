"""`StoreClient`: one process's side of the protocol with the store: what it reports, what it asks for, and when.

One request is under way at a time, so reports arrive in order. Each request is complete: it carries the calls under way
(which renews their leases), those that have ended, and the head of the queue. A process without waiters and without
calls under way sends nothing.

An admission takes one request if no call waits before it. The end of a call is reported with the next request, or a
moment later with a request of its own that no call waits for. If the report can't be sent, the lease expires. An
abandoned call ends in the same way; its report carries the moment until which Marketo may still work on it, and the
store holds the lease until then.

Permits that lapse in a row (each unused for half a lease) are logged, because then no call is ever sent and nothing
else shows why.

The class is longer than 350 lines because all of it reads and writes one exchange's state. See `gate` for the waiters
of this process, and `shared_limiter` for the decision.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from math import inf
from secrets import token_hex

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.errors import ConfigurationError, MarketoError, StoreUnavailable
from marketo_async.governor.clock import slept
from marketo_async.governor.gate import QueueHead
from marketo_async.governor.limiter import Use
from marketo_async.governor.limits import Limits, Priority
from marketo_async.governor.permit import Permit
from marketo_async.governor.stores import Store, checked_lease
from marketo_async.governor.stores.messages import (
    EndedCall,
    HeldCall,
    LeaseRequest,
    Ruling,
    StoreReply,
    StoreRequest,
    WorkerReport,
)

log = logging.getLogger("marketo_async.governor")

_LONGEST_LEASE = 10.0
_BEATS = 3  # requests (heartbeats) within one lease while calls are under way
_LINGER = 0.002  # seconds that the end of a call waits for another request to carry it
_AGAIN = 1.0  # seconds after which a store that could not be reached is tried again
_ROUNDING = 1e-6  # a timer may go off this much too early
_LAPSES = 3  # permits lapsed in a row before a warning
_QUIET = 60.0  # seconds between two warnings of the same kind
_LONGEST_NAP = 60.0  # a wall clock can be set: a wait for midnight checks at least this often


class GateHooks(Struct, frozen=True):
    """The governor's callbacks for its store client."""

    head: Callable[[], QueueHead | None]
    granted: Callable[[LeasedPermit, bool], None]
    """Receives a granted permit for the head of the queue or, if the flag is set, for the oldest waiter."""
    exhausted: Callable[[], bool]
    """Called when the daily quota is used up; returns whether waiting calls keep waiting."""
    failed: Callable[[Callable[[], MarketoError]], None]
    """Called when the store can't be reached; receives a factory of the exceptions."""
    differs: Callable[[Callable[[], MarketoError]], None]
    """Called when the store holds other limits; receives a factory of the exceptions."""
    returned: Callable[[], None]
    """Called when a store that was unreachable can be reached again."""


class LeasedPermit(Permit):
    """A permit that a store has granted; it is void when its lease could not be renewed in time."""

    __slots__ = ("_store_client", "answered_at", "granted_at", "id", "valid_until")

    def __init__(self, store_client: StoreClient, name: str, waited: float, valid_until: float) -> None:
        super().__init__(waited)
        self._store_client = store_client
        self.id = name
        self.valid_until = valid_until
        self.granted_at = store_client.loop.time()
        self.answered_at: float | None = None

    @property
    def lapsed(self) -> bool:
        """Whether this process was blocked for so long that the store may take it for dead."""
        return self._store_client.elapsed() >= self.valid_until

    def _stamp(self) -> None:
        self.answered_at = self._store_client.loop.time()

    def _free(self, *, counted: bool) -> None:
        self._store_client.ended(self, counted=counted, sent=True)

    def _undo(self) -> None:
        self._store_client.ended(self, counted=False, sent=False)

    def _leave(self, seconds: float) -> None:
        self._store_client.abandoned(self, seconds)

    def inherited(self, store_client: StoreClient) -> None:
        """Abandon a call whose event loop has ended; the next loop's client reports it."""
        self._store_client = store_client
        self._leave(self.bound)


class _End(Struct, frozen=True):
    """The end of a call that the store does not know of yet; the answer began ``at``.

    For an abandoned call, Marketo may work on it until ``until``; if no answer had begun, ``at`` is in the future, too.
    """

    id: str
    at: float
    counted: bool
    sent: bool
    until: float = -inf

    def moved(self, seconds: float) -> _End:
        """Return the same end on a clock that is so many seconds ahead."""
        return replace(self, at=self.at + seconds, until=self.until + seconds)

    def message(self, now: float) -> EndedCall:
        """Return the report for the store."""
        age = now - self.at if self.at <= now else -1.0
        return EndedCall(self.id, age, self.counted, self.sent, max(0.0, self.until - now))


class StoreClient:
    """One process's client of a store, for one event loop."""

    def __init__(self, store: Store, limits: Limits, hooks: GateHooks, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._limits = limits
        self._hooks = hooks
        self.loop = loop
        self._name = token_hex(8)
        self._length = checked_lease(type(store).__name__, store.lease) or min(limits.per / 2, _LONGEST_LEASE)
        self._number = 0
        self._lease_id = self._next_lease_id()
        self._ends: list[_End] = []
        self._ended_at: float | None = None  # when the first of them came
        self._reporting: list[_End] = []  # those in the request under way
        # Reported abandoned calls, still at work; every request repeats them, in case the store has lost its state.
        self._abandoned: list[_End] = []
        self._report = WorkerReport()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked_at = self._granted_at = -inf
        self._ask_at: float | None = None  # when the store expects the next request for the head that it knows
        self._known_priority = Priority.BULK
        self._not_before = -inf  # after a failure
        self._began = 0.0
        self._sequence = 0
        self._replied_at = 0.0  # when the last reply came
        self._closing = 0  # how many wait for the ends to be reported
        self._lapses = 0  # in a row
        self._lapsed_at = self._warned_at = -inf
        self.calls: dict[str, LeasedPermit] = {}
        self.abandoned_until = -inf
        """Until when Marketo may still work on abandoned calls; they are not among ``calls``."""
        self.use: Use | None = None
        self.requests = 0
        self.away = False
        """Whether the store can't be reached and this process decides alone."""

    def elapsed(self) -> float:
        """Return the loop's time plus the time that the machine slept: as it passed for the store.

        Ages use the loop's time alone: an age that is too short only lowers the rate.
        """
        return self.loop.time() + slept()

    def plan(self) -> None:
        """Send a request now, or schedule the next one; called after every change."""
        if self._task is not None or self.loop.is_closed():
            return  # `_exchange` plans again after its reply
        when, now = self._next_exchange(), self.loop.time()
        if self._timer is not None:
            if when is not None and now < self._timer.when() <= when:
                return
            self._timer.cancel()
            self._timer = None
        if when is None:
            return
        if when <= now + _ROUNDING:
            self._task = self.loop.create_task(self._exchange())
        else:
            self._timer = self.loop.call_at(when, self._wake)

    def inherit(self, before: StoreClient) -> None:
        """Continue as the worker of a closed event loop.

        This client adopts the name and the last reply, so that it notices a store that goes back between two loops. It
        also adopts the ends that were unreported or being reported. Calls under way are abandoned.
        """
        if not before.loop.is_closed():
            return
        ahead = self.loop.time() - before.loop.time()  # loops may count from different beginnings
        self._name, self._number = before._name, before._number
        self._lease_id = self._next_lease_id()
        self._began, self._sequence, self.use = before._began, before._sequence, before.use
        self._replied_at = before._replied_at + ahead
        self._report = before._report
        self._abandoned = [end.moved(ahead) for end in before._abandoned]
        self.abandoned_until = before.abandoned_until + ahead
        self._ends = [end.moved(ahead) for end in (*before._reporting, *before._ends)]
        self._ended_at = self.loop.time() if self._ends else None
        for lease in list(before.calls.values()):
            lease.inherited(self)

    def ended(self, lease: LeasedPermit, *, counted: bool, sent: bool) -> None:
        """Note that a call has ended, and report it soon."""
        if self.loop.is_closed():
            return  # the loop has ended, and not the call: see `inherit`
        now = self.loop.time()
        at = now if lease.answered_at is None else lease.answered_at
        self._count_lapses(lease, now, sent=sent)
        self._note_end(lease, _End(lease.id, at, counted, sent), now)

    def abandoned(self, lease: LeasedPermit, seconds: float) -> None:
        """Note that a call was abandoned, and that Marketo may work on it for so many seconds from now."""
        now = self.loop.time()
        until = now + seconds
        self.abandoned_until = max(self.abandoned_until, until)
        at = until if lease.answered_at is None else lease.answered_at
        self._count_lapses(lease, now, sent=True)
        self._note_end(lease, _End(lease.id, at, counted=True, sent=True, until=until), now)

    def throttled(self, scatter: float) -> None:
        """Report a 606."""
        self._report.throttled = scatter
        self.plan()

    def crowded(self) -> None:
        """Report a 615."""
        self._report.crowded = True
        self.plan()

    def spent(self) -> None:
        """Report a 607."""
        self._report.spent = True
        self.plan()

    def calibrate(self, total: int) -> None:
        """Report the instance's own count."""
        self._report.total = max(total, self._report.total)
        self.plan()

    def rejoin(self, ages: list[float], used: int) -> None:
        """Use the store again, and report the calls made without it: the age of each, and how many in all."""
        self.away = False
        self._report.ages = [*self._report.ages, *ages]
        self._report.used += used
        self.plan()

    async def flush(self) -> None:
        """Report everything now, if the store can be reached.

        That takes at most two requests, whatever happens meanwhile: one may be under way already, and the next one
        carries everything.
        """
        self._closing += 1
        try:
            for _ in range(2):
                if self._has_news() and self.loop.time() >= self._not_before:
                    self.plan()
                if self._task is None:
                    return
                await asyncio.wait([self._task])
        finally:
            self._closing -= 1

    def _note_end(self, lease: LeasedPermit, end: _End, now: float) -> None:
        self.calls.pop(lease.id, None)
        self._ends.append(end)
        self._ended_at = now if self._ended_at is None else self._ended_at
        self.plan()

    def _count_lapses(self, lease: LeasedPermit, now: float, *, sent: bool) -> None:
        """Warn if permits lapse in a row, each granted after the previous one had lapsed."""
        if sent:
            self._lapses = 0
        elif lease.lapsed and lease.granted_at > self._lapsed_at:
            self._lapses += 1
            self._lapsed_at = now
            if self._lapses >= _LAPSES and now - self._warned_at >= _QUIET:
                self._warned_at = now
                log.warning(
                    "%d permits in a row lapsed before their calls were sent, so no call is sent: the event loop was"
                    " blocked, or the store took, longer than half the lease (%g s); move blocking work to a thread, or"
                    " give the store a longer lease",
                    self._lapses,
                    self._length / 2,
                )

    def _next_lease_id(self) -> str:
        self._number += 1
        return f"{self._name}:{self._number}"

    def _wake(self) -> None:
        self._timer = None
        self.plan()

    def _has_news(self) -> bool:
        return bool(self._ends) or self._report != WorkerReport()

    def _next_exchange(self) -> float | None:
        """Return when to send the next request, if ever."""
        now = self.loop.time()
        times = []
        head = None if self.away else self._hooks.head()
        if head is not None:
            known = self._ask_at is not None and head.priority >= self._known_priority
            times.append(self._ask_at if known and self._ask_at is not None else now)
            if self._ended_at is not None:
                times.append(now)  # our own head may take what has come free
        elif self._ask_at is not None:
            times.append(now)  # the queue is empty now
        if self._ended_at is not None:
            times.append(max(self._not_before, self._ended_at + (0.0 if self._closing else _LINGER)))
        if self._report != WorkerReport():
            times.append(max(self._not_before, now))
        if self.calls:
            times.append(max(self._not_before, self._asked_at + self._length / _BEATS))
        if self.away and self._hooks.head() is not None:
            # A store that answers again is asked no more often: calls made alone have to end first.
            times.append(max(self._not_before, self._asked_at + _AGAIN))
        return min(times, default=None)

    async def _exchange(self) -> None:
        self._asked_at, left = self.loop.time(), self.elapsed()
        ends, report = self._ends, self._report
        self._reporting = ends
        request = self._request(self._asked_at)
        self._ends, self._report, self._ended_at = [], WorkerReport(), None
        self.requests += 1
        try:
            reply = await self._store.ask(request)
        except asyncio.CancelledError:
            self._task = None  # the loop is ending
            raise
        except Exception as error:  # noqa: BLE001 - every failure must reach the waiters
            self._task, self._reporting = None, []
            self._keep_unreported(ends, report)
            self._fail(error)
        else:
            self._task, self._reporting = None, []
            self._abandoned += [end for end in ends if end.until > self.loop.time()]
            self._apply(request, reply, left)
        self.plan()

    def _request(self, now: float) -> StoreRequest:
        head = None if self.away else self._hooks.head()
        wanted = None
        if head is not None:
            since = max(head.since, self._granted_at)  # it was not the head before
            wanted = LeaseRequest(self._lease_id, head.priority, now - since, now - head.oldest)
            self._known_priority = head.priority
        limits = self._limits
        self._abandoned = [end for end in self._abandoned if end.until > now]
        return StoreRequest(
            worker=self._name,
            calls=limits.calls,
            per=limits.per,
            concurrency=limits.concurrency,
            daily=limits.daily - limits.reserve,
            lease=self._length,
            began=self._began,
            sequence=self._sequence,
            heard=self.elapsed() - self._replied_at if self._began else 0.0,
            used_today=self.use.used_today if self.use is not None else 0,
            day_ends=self.use.resets_at if self.use is not None else 0.0,
            wanted=wanted,
            leaves=wanted is None,
            held=[
                HeldCall(lease.id) if lease.answered_at is None else HeldCall(lease.id, now - lease.answered_at)
                for lease in self.calls.values()
            ],
            ended=[end.message(now) for end in (*self._abandoned, *self._ends)],
            report=self._report,
        )

    def _keep_unreported(self, ends: list[_End], report: WorkerReport) -> None:
        """Keep unsent reports for later, as long as any state of the store would count them."""
        now = self.loop.time()
        counts = self._length + self._limits.per
        self._ends = [end for end in ends if now - max(end.at, end.until) < counts] + self._ends
        if self._ends and self._ended_at is None:
            self._ended_at = now
        later, self._report = self._report, report
        self._report.throttled = max(report.throttled, later.throttled)
        self._report.crowded |= later.crowded
        self._report.spent |= later.spent
        self._report.total = max(report.total, later.total)
        self._report.ages = [*report.ages, *later.ages]
        self._report.used += later.used
        self._not_before = now + _AGAIN

    def _remember_state(self, reply: StoreReply) -> None:
        """Remember the store's state, to name it in the next request."""
        self.use, self._began, self._sequence = reply.use, reply.began, reply.sequence
        self._replied_at = self.elapsed()

    def _fail(self, error: Exception) -> None:
        self._ask_at = None
        if not isinstance(error, StoreUnavailable):
            log.error("the store raised an exception that is not StoreUnavailable", exc_info=error)
        message = str(error) if isinstance(error, StoreUnavailable) else f"the store failed ({type(error).__name__})"

        def unavailable() -> StoreUnavailable:
            failure = StoreUnavailable(message)
            failure.__cause__ = error
            return failure

        if self._hooks.head() is not None:
            self._hooks.failed(unavailable)

    def _apply(self, request: StoreRequest, reply: StoreReply, left: float) -> None:
        self._remember_state(reply)
        self._ask_at = None
        valid_until = left + self._length / 2
        for held in request.held:
            if held.id in self.calls:
                self.calls[held.id].valid_until = valid_until
        match reply.ruling:
            case Ruling.GRANTED:
                lease = LeasedPermit(self, self._lease_id, 0.0, valid_until)
                self.calls[self._lease_id] = lease
                self._lease_id = self._next_lease_id()
                self._granted_at = self.loop.time()
                self._hooks.granted(lease, reply.oldest)
            case Ruling.WAIT:
                self._ask_at = self.loop.time() + reply.again
            case Ruling.SPENT if self._hooks.exhausted():
                self._ask_at = self.loop.time() + min(reply.again, _LONGEST_NAP)
            case Ruling.DIFFERS:
                kept = f"{reply.calls} calls in {reply.per:g} s, {reply.concurrency} at once"
                self._hooks.differs(
                    lambda: ConfigurationError(
                        f"the store holds other limits for this instance ({kept}); give all its workers the same"
                        " limits, and change them while no worker makes calls"
                    )
                )
        if self.away:
            self._hooks.returned()
