"""One process among the workers of a fleet: what it tells the store, what it asks, and when.

One question is under way at a time, so what is told arrives in order. Each carries everything there is to tell: the
calls under way (which renews their leases), those that have ended, and the want of the queue's head. A process in which
nobody waits and nothing is under way asks nothing.

An admission takes one question where nobody waits. The end of a call is told with the next question, or a moment later
by one of its own, that nobody waits for; if it can't be told, the lease ends by itself. An answer that is given up ends
its call in the same way, with the moment until which Marketo may still work on it; the store holds it until then.

Permits that lapse one after the other (each unused for half a lease) are logged: no call would ever leave otherwise,
and nothing would say why.

See `governor` for who waits within this process, and `fleet` for the decision.
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
from marketo_async.governor.stores.messages import Done, Held, News, Ruling, StoreReply, StoreRequest, Want

log = logging.getLogger("marketo_async.governor")

_LONGEST_LEASE = 10.0
_BEATS = 3  # questions within one lease while calls are under way
_LINGER = 0.002  # seconds that the end of a call waits for a question that takes it along
_AGAIN = 1.0  # seconds after which a store that could not be reached is tried again
_ROUNDING = 1e-6  # a timer may go off this much too early
_LAPSES = 3  # permits lapsed in a row, after which it is no accident
_QUIET = 60.0  # seconds between two warnings of the same kind
_LONGEST_NAP = 60.0  # a wall clock can be set: who waits for midnight looks again at least this often


class GateHooks(Struct, frozen=True):
    """What a member asks and tells the governor whose calls it asks for."""

    head: Callable[[], QueueHead | None]
    granted: Callable[[LeasedPermit, bool], None]
    """A permit to hand on, for whoever goes first or, if so said, whoever has waited longest."""
    exhausted: Callable[[], bool]
    """The day is spent: do those who wait go on waiting?"""
    failed: Callable[[Callable[[], MarketoError]], None]
    """The store can't be reached; here is what makes the exceptions that say so."""
    differs: Callable[[Callable[[], MarketoError]], None]
    """The store holds other limits; here is what makes the exceptions that say so."""
    returned: Callable[[], None]
    """A store that was away can be reached again."""


class LeasedPermit(Permit):
    """A permit that a store has given, void when it could not be renewed in time."""

    __slots__ = ("_member", "answered_at", "granted_at", "id", "valid_until")

    def __init__(self, member: StoreClient, name: str, waited: float, valid_until: float) -> None:
        super().__init__(waited)
        self._member = member
        self.id = name
        self.valid_until = valid_until
        self.granted_at = member.loop.time()
        self.answered_at: float | None = None

    @property
    def lapsed(self) -> bool:
        """Whether this process was held up for so long that the store may take it for dead."""
        return self._member.elapsed() >= self.valid_until

    def _stamp(self) -> None:
        self.answered_at = self._member.loop.time()

    def _free(self, *, counted: bool) -> None:
        self._member.ended(self, counted=counted, sent=True)

    def _undo(self) -> None:
        self._member.ended(self, counted=False, sent=False)

    def _leave(self, seconds: float) -> None:
        self._member.abandoned(self, seconds)

    def inherited(self, member: StoreClient) -> None:
        """Leave a call whose event loop has ended to itself, in the care of the member that came after."""
        self._member = member
        self._leave(self.bound)


class _End(Struct, frozen=True):
    """The end of a call that the store has not heard of, and when its answer began.

    Where the answer was given up, Marketo may work on the call until ``until``: then ``at`` lies ahead, too, if no
    answer had begun.
    """

    id: str
    at: float
    counted: bool
    sent: bool
    until: float = -inf

    def moved(self, seconds: float) -> _End:
        """Return the same by a clock that is so many seconds ahead."""
        return replace(self, at=self.at + seconds, until=self.until + seconds)

    def done(self, now: float) -> Done:
        """Return what the store is to hear of it."""
        age = now - self.at if self.at <= now else -1.0
        return Done(self.id, age, self.counted, self.sent, max(0.0, self.until - now))


class StoreClient:
    """The part of one process, or of one event loop in it, in a fleet."""

    def __init__(self, store: Store, limits: Limits, queue: GateHooks, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._limits = limits
        self._queue = queue
        self.loop = loop
        self._name = token_hex(8)
        self._length = checked_lease(type(store).__name__, store.lease) or min(limits.per / 2, _LONGEST_LEASE)
        self._number = 0
        self._want = self._next_name()
        self._ends: list[_End] = []
        self._ended_at: float | None = None  # when the first of them came
        self._telling: list[_End] = []  # those in the question under way
        self._left: list[_End] = []  # told, and still at work: told again with every question, should the store forget
        self._news = News()
        self._talk: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._spoke = self._granted_at = -inf
        self._ask_at: float | None = None  # when the store wants to be asked again for the head that it knows
        self._told = Priority.BULK
        self._not_before = -inf  # after a failure
        self._began = 0.0
        self._sequence = 0
        self._heard_at = 0.0  # when the last reply came
        self._closing = 0  # how many wait for the ends to be told
        self._lapses = 0  # in a row
        self._lapsed_at = self._warned_at = -inf
        self.calls: dict[str, LeasedPermit] = {}
        self.left_until = -inf
        """Until when Marketo may still work on calls whose answer was given up; they are not among ``calls``."""
        self.use: Use | None = None
        self.questions = 0
        self.away = False
        """Whether the store can't be reached and this process works on its own."""

    def elapsed(self) -> float:
        """Return the loop's time with what the machine has slept: as it passed for the store.

        Ages are taken from the loop's time alone: told too short, they only cost pace.
        """
        return self.loop.time() + slept()

    def plan(self) -> None:
        """Speak now, or see to it that it is done in time; called whenever anything has changed."""
        if self._talk is not None or self.loop.is_closed():
            return  # and it is looked at again when the answer has come
        when, now = self._due(), self.loop.time()
        if self._timer is not None:
            if when is not None and now < self._timer.when() <= when:
                return
            self._timer.cancel()
            self._timer = None
        if when is None:
            return
        if when <= now + _ROUNDING:
            self._talk = self.loop.create_task(self._speak())
        else:
            self._timer = self.loop.call_at(when, self._wake)

    def inherit(self, before: StoreClient) -> None:
        """Continue as the worker that a closed event loop left behind.

        The name and the last reply are taken over, so that a store which goes back between two loops is noticed; so is
        what had not been reported, or was being reported. Calls under way are left to themselves.
        """
        if not before.loop.is_closed():
            return
        ahead = self.loop.time() - before.loop.time()  # loops may count from different beginnings
        self._name, self._number = before._name, before._number
        self._want = self._next_name()
        self._began, self._sequence, self.use = before._began, before._sequence, before.use
        self._heard_at = before._heard_at + ahead
        self._news = before._news
        self._left = [end.moved(ahead) for end in before._left]
        self.left_until = before.left_until + ahead
        self._ends = [end.moved(ahead) for end in (*before._telling, *before._ends)]
        self._ended_at = self.loop.time() if self._ends else None
        for lease in list(before.calls.values()):
            lease.inherited(self)

    def ended(self, lease: LeasedPermit, *, counted: bool, sent: bool) -> None:
        """Note that a call has ended, to be told soon."""
        if self.loop.is_closed():
            return  # the call did not end, its loop did: see `inherit`
        now = self.loop.time()
        at = now if lease.answered_at is None else lease.answered_at
        self._watch(lease, now, sent=sent)
        self._note_end(lease, _End(lease.id, at, counted, sent), now)

    def abandoned(self, lease: LeasedPermit, seconds: float) -> None:
        """Note that an answer was given up, and that Marketo may work on the call for so many seconds from now."""
        now = self.loop.time()
        until = now + seconds
        self.left_until = max(self.left_until, until)
        at = until if lease.answered_at is None else lease.answered_at
        self._watch(lease, now, sent=True)
        self._note_end(lease, _End(lease.id, at, counted=True, sent=True, until=until), now)

    def throttled(self, scatter: float) -> None:
        """Pass a 606 on."""
        self._news.throttled = scatter
        self.plan()

    def crowded(self) -> None:
        """Pass a 615 on."""
        self._news.crowded = True
        self.plan()

    def spent(self) -> None:
        """Pass a 607 on."""
        self._news.spent = True
        self.plan()

    def calibrate(self, total: int) -> None:
        """Pass the instance's own count on."""
        self._news.total = max(total, self._news.total)
        self.plan()

    def rejoin(self, ages: list[float], used: int) -> None:
        """Ask the store again, and tell it what was called without it: how long ago each, and how many in all."""
        self.away = False
        self._news.ages = [*self._news.ages, *ages]
        self._news.used += used
        self.plan()

    async def flush(self) -> None:
        """Tell what there is to tell now, as far as the store can be reached.

        That takes two questions at most, whatever others go on to ask: the one under way may have left before, and the
        next one takes everything along.
        """
        self._closing += 1
        try:
            for _ in range(2):
                if self._has_news() and self.loop.time() >= self._not_before:
                    self.plan()
                if self._talk is None:
                    return
                await asyncio.wait([self._talk])
        finally:
            self._closing -= 1

    def _note_end(self, lease: LeasedPermit, end: _End, now: float) -> None:
        self.calls.pop(lease.id, None)
        self._ends.append(end)
        self._ended_at = now if self._ended_at is None else self._ended_at
        self.plan()

    def _watch(self, lease: LeasedPermit, now: float, *, sent: bool) -> None:
        """Warn where permits lapse again and again, each granted after the last one had lapsed."""
        if sent:
            self._lapses = 0
        elif lease.lapsed and lease.granted_at > self._lapsed_at:
            self._lapses += 1
            self._lapsed_at = now
            if self._lapses >= _LAPSES and now - self._warned_at >= _QUIET:
                self._warned_at = now
                log.warning(
                    "%d permits in a row lapsed before their calls were sent, so no call leaves: the event loop was"
                    " blocked, or the store took, longer than half the lease (%g s); move blocking work to a thread, or"
                    " give the store a longer lease",
                    self._lapses,
                    self._length / 2,
                )

    def _next_name(self) -> str:
        self._number += 1
        return f"{self._name}:{self._number}"

    def _wake(self) -> None:
        self._timer = None
        self.plan()

    def _has_news(self) -> bool:
        return bool(self._ends) or self._news != News()

    def _due(self) -> float | None:
        """Return when to speak next, if ever."""
        now = self.loop.time()
        times = []
        head = None if self.away else self._queue.head()
        if head is not None:
            known = self._ask_at is not None and head.priority >= self._told
            times.append(self._ask_at if known and self._ask_at is not None else now)
            if self._ended_at is not None:
                times.append(now)  # what has become free may be for our own head
        elif self._ask_at is not None:
            times.append(now)  # nobody waits any more
        if self._ended_at is not None:
            times.append(max(self._not_before, self._ended_at + (0.0 if self._closing else _LINGER)))
        if self._news != News():
            times.append(max(self._not_before, now))
        if self.calls:
            times.append(max(self._not_before, self._spoke + self._length / _BEATS))
        if self.away and self._queue.head() is not None:
            # A store that answers again is asked no more often: what was called alone has to end first.
            times.append(max(self._not_before, self._spoke + _AGAIN))
        return min(times, default=None)

    async def _speak(self) -> None:
        self._spoke, left = self.loop.time(), self.elapsed()
        ends, news = self._ends, self._news
        self._telling = ends
        question = self._question(self._spoke)
        self._ends, self._news, self._ended_at = [], News(), None
        self.questions += 1
        try:
            reply = await self._store.ask(question)
        except asyncio.CancelledError:
            self._talk = None  # the loop is being left
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, those who wait must hear of it
            self._talk, self._telling = None, []
            self._unheard(ends, news)
            self._fail(error)
        else:
            self._talk, self._telling = None, []
            self._left += [end for end in ends if end.until > self.loop.time()]
            self._hear(question, reply, left)
        self.plan()

    def _question(self, now: float) -> StoreRequest:
        head = None if self.away else self._queue.head()
        want = None
        if head is not None:
            since = max(head.since, self._granted_at)  # it was not the head before
            want = Want(self._want, head.priority, now - since, now - head.oldest)
            self._told = head.priority
        limits = self._limits
        self._left = [end for end in self._left if end.until > now]
        return StoreRequest(
            worker=self._name,
            calls=limits.calls,
            per=limits.per,
            concurrency=limits.concurrency,
            daily=limits.daily - limits.reserve,
            lease=self._length,
            began=self._began,
            sequence=self._sequence,
            heard=self.elapsed() - self._heard_at if self._began else 0.0,
            used_today=self.use.used_today if self.use is not None else 0,
            day_ends=self.use.resets_at if self.use is not None else 0.0,
            want=want,
            leaves=want is None,
            held=[
                Held(lease.id) if lease.answered_at is None else Held(lease.id, now - lease.answered_at)
                for lease in self.calls.values()
            ],
            done=[end.done(now) for end in (*self._left, *self._ends)],
            news=self._news,
        )

    def _unheard(self, ends: list[_End], news: News) -> None:
        """Keep for later what the store has not heard, as long as it counts in any state of the store."""
        now = self.loop.time()
        counts = self._length + self._limits.per
        self._ends = [end for end in ends if now - max(end.at, end.until) < counts] + self._ends
        if self._ends and self._ended_at is None:
            self._ended_at = now
        later, self._news = self._news, news
        self._news.throttled = max(news.throttled, later.throttled)
        self._news.crowded |= later.crowded
        self._news.spent |= later.spent
        self._news.total = max(news.total, later.total)
        self._news.ages = [*news.ages, *later.ages]
        self._news.used += later.used
        self._not_before = now + _AGAIN

    def _learn(self, reply: StoreReply) -> None:
        """Remember which state the store is in, to name it with the next question."""
        self.use, self._began, self._sequence = reply.use, reply.began, reply.sequence
        self._heard_at = self.elapsed()

    def _fail(self, error: Exception) -> None:
        self._ask_at = None
        if not isinstance(error, StoreUnavailable):
            log.error("the store failed", exc_info=error)
        message = str(error) if isinstance(error, StoreUnavailable) else f"the store failed ({type(error).__name__})"

        def unavailable() -> StoreUnavailable:
            told = StoreUnavailable(message)
            told.__cause__ = error
            return told

        if self._queue.head() is not None:
            self._queue.failed(unavailable)

    def _hear(self, question: StoreRequest, reply: StoreReply, left: float) -> None:
        self._learn(reply)
        self._ask_at = None
        valid_until = left + self._length / 2
        for held in question.held:
            if held.id in self.calls:
                self.calls[held.id].valid_until = valid_until
        match reply.verdict:
            case Ruling.GRANTED:
                lease = LeasedPermit(self, self._want, 0.0, valid_until)
                self.calls[self._want] = lease
                self._want = self._next_name()
                self._granted_at = self.loop.time()
                self._queue.granted(lease, reply.oldest)
            case Ruling.WAIT:
                self._ask_at = self.loop.time() + reply.again
            case Ruling.SPENT if self._queue.exhausted():
                self._ask_at = self.loop.time() + min(reply.again, _LONGEST_NAP)
            case Ruling.DIFFERS:
                kept = f"{reply.calls} calls in {reply.per:g} s, {reply.concurrency} at once"
                self._queue.differs(
                    lambda: ConfigurationError(
                        f"the store keeps other limits for this instance ({kept}): give all its workers the same ones,"
                        " and change them while nobody calls"
                    )
                )
        if self.away:
            self._queue.returned()
