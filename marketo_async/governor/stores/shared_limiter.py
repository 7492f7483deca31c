"""The rule for many processes: one limiter for all, leases with fencing, and an order among the heads of their queues.

No I/O, no clock. A store keeps one `SharedLimiter` and lets it decide about one request at a time. The Lua script of
the Redis store beside this module implements the same rule; a test holds the two equal, decision by decision and state
by state. The module is longer than 350 lines because it states the proof and mirrors the script, which is one file.

The rule
    The rule is that of ``window``, with the store's clock as the only clock. A call is a lease. It holds its place and
    its slot from the grant. Its worker renews it with every request, and reports when its answer began and when the
    answer has been read. A lease that is not renewed for its length expires: its slot is free then, and its place
    counts as if the answer had begun at that moment.

    A worker that abandons a call reports for how long Marketo may still work on it. That fixes the moment at which the
    lease ends, and nothing renews or shortens it. Slot and place are held until then, even if the worker has left.

Why the window stays exact
    The proof in ``window`` requires one thing: a place is held from before Marketo can count the call, at ``a``, until
    ``d + keep`` with ``d >= a``. The place is held from the grant, before which nothing is sent. There are three cases
    for ``d``.

    The worker reported the answer. It reports the seconds since the answer began, by its own clock. The store subtracts
    them from its own clock's reading when the request arrives, so ``d`` is never before the answer, let alone before
    ``a``. (The age is shortened by DRIFT, so the worker's clock may be as wrong as the store's.)

    The lease expired. A worker sends only while its permit is valid: for half the lease after the request that took or
    renewed it had *left* the worker, which is before the store answered. So the call was on its way at the latest half
    a lease before the end, and ``a <= d`` if the call takes less than the other half to arrive.

    The call was never sent. Then there is no ``a``, and the place is given back.

    One case remains. A worker may be stopped between its last look at the clock and the socket, for longer than the
    rest of its lease. It then sends a call whose place may be free already. When it resumes it renews the lease, which
    takes place and slot again until the answer has come; a call granted in between is one call too many.

    The slots of a killed worker are free when its leases expire, and not at the server time-out of its calls, although
    Marketo may still be working on them. A killed worker reports nothing, so its calls would all hold their slots until
    the time-out (30 to 300 s), most of them needlessly: a worker killed with every slot in use would stop all the
    others for minutes. If calls take longer than the lease, concurrency is therefore exact only for workers that live
    or that close. A store whose ``lease`` is as long as the longest call makes it exact for killed workers too, at the
    price of that wait.

Clocks
    A clock that goes back, or restarts with the machine, continues from its latest reading: time that the store does
    not see keeps places longer, never shorter. (After a restart the reading is the time since then, and more than that
    has passed since the state was written.) A clock that is set *ahead* can't be distinguished from time that passed.

States that are lost, or go back
    A store may lose its state (eviction, a flush, a restart), or return an older one (a failover to a replica that
    lags, a restored snapshot). The calls granted since are then missing, so no call is granted until a whole window
    has passed. Three signs show it, and each is enough.

    The state has another ``began`` than a worker knows: ``began`` is a fencing token. The window counts from the birth
    of this state, or from the last reply that the worker received, whichever is later: the worker may have used a
    demoted server until then.

    The worker received a later reply than the last one that this state remembers giving it. Every decision has a
    number, the state keeps the last number of each worker that asked within two windows, and a worker names the last
    one that it received. (One number for all would not be enough: the requests of others would soon carry it past the
    gap.)

    The state is not where it was written. A store names its ``home`` if it can; the name changes with a failover, a
    restart or another file. So workers that did not know of the missing calls are held back too.

    A state that has gone back gets a new birth: its ``began`` changes, so every other worker that knew the old one
    notices. Workers report again the calls that they hold, which take place and slot again, and the calls that have
    ended since their last request, which take a place. They also report the day's count of the last reply.

    Two gaps remain. If a worker died, left, or sends no request for the whole window, its calls are lost. If a state is
    put back where it was written, a worker that did not know of the missing calls is granted some until a worker that
    did asks; only a ``home`` that changes shows it at once.

Order among the heads
    The most urgent head goes first, then the one that has been the head of its worker longest. So workers take turns,
    however many calls wait after their heads. Every tenth grant goes to the worker with the oldest waiter, and is for
    that waiter. Free places are reserved for the earlier heads; the later ones get the remainder. A head that does not
    ask again at its time, plus a short grace, loses its turn.

See `gate` for the waiters within a process, and `client` for what a process does between its requests.
"""

from __future__ import annotations

from math import inf
from typing import Self

from msgspec import Struct

from marketo_async.governor.limiter import Limiter
from marketo_async.governor.limits import OLDEST_EVERY, Limits
from marketo_async.governor.stores.messages import (
    EndedCall,
    HeldCall,
    LeaseRequest,
    Ruling,
    StoreReply,
    StoreRequest,
    WorkerReport,
)
from marketo_async.governor.window import DRIFT

_LONGEST = 2.0  # seconds until a head asks again at the latest, so that a dead one does not hold up the others
_LATE = 0.25  # seconds of grace for a head that asks late
_INSTANT = 1e-6  # the smallest difference between two births of one state
_POLL, _SLOWEST_POLL, _SLOWING = 0.01, 0.25, 0.05  # for slots: no clock predicts when one comes free


class Lease(Struct):
    """One granted call; it expires at ``until`` unless it is renewed. If ``abandoned``, it ends exactly then."""

    id: str
    until: float
    answered: bool = False
    abandoned: bool = False


class WorkerHead(Struct):
    """The head of a worker's queue ``since`` a moment; ``oldest`` is its oldest arrival, ``due`` its next request."""

    worker: str
    priority: int
    since: float
    oldest: float
    due: float

    @property
    def turn(self) -> tuple[int, float, str]:
        """The sort key of the heads."""
        return self.priority, self.since, self.worker


class LastReply(Struct):
    """The number of the last reply given to a worker, and when that was."""

    worker: str
    sequence: int
    at: float


class SharedLimiter(Struct):
    """The use of all workers of one instance; ``now`` is a reading of the store's clock, ``moment`` epoch seconds."""

    limiter: Limiter
    leases: list[Lease]
    heads: list[WorkerHead]
    began: float
    now: float
    moved: float
    offset: float = 0.0
    since_oldest: int = 0
    sequence: int = 0
    replies: list[LastReply] = []
    home: str = ""

    @classmethod
    def of(cls, request: StoreRequest, clock: float, *, home: str = "", paused: bool = False) -> Self:
        """Return a new state.

        ``home`` names the place where it is kept. Pass ``paused`` if the store can't know whether there was a state
        before: then a whole window passes before the first call.
        """
        shared = cls(limiter=_limiter_of(request), leases=[], heads=[], began=clock, now=clock, moved=clock, home=home)
        if paused:
            shared.pause_from(clock)
        return shared

    def decide(self, request: StoreRequest, clock: float, moment: float, home: str = "") -> StoreReply:
        """Apply a worker's request and reply; apply nothing if the worker has other limits.

        ``home`` names the place where the state was found; it is empty if the store can't name it.
        """
        now = self._tick(clock)
        self._lapse(now, moment)
        self._check_home(home, now)
        lost = self._check_history(request, now)
        if lost:
            self.pause_from(_ago(now, request.heard))
            self.limiter.quota.remember(moment, request.used_today, request.day_ends)
        if not self._agrees(request, now):
            return self._reply(Ruling.DIFFERS, 0.0, moment)
        limiter = self.limiter
        limiter.quota.daily = request.daily
        for held in request.held:
            self._renew(held, now, now + request.lease)
        for ended in request.ended:
            self._end(ended, now, moment, lost=lost)
        self._note(request.report, now, moment)
        self.heads = [
            head
            for head in self.heads
            if now <= head.due + _LATE and not (head.worker == request.worker and request.leaves)
        ]
        if request.wanted is None:
            return self._reply(Ruling.NOTED, 0.0, moment)
        return self._grant_or_wait(request, request.wanted, now, moment)

    def pause_from(self, since: float) -> None:
        """Grant nothing until a whole window has passed since the birth of this state, and since ``since``."""
        limiter = self.limiter
        limiter.paused_until = max(limiter.paused_until, max(self.began, since) + limiter.window.keep)

    def _tick(self, clock: float) -> float:
        if clock + self.offset < self.now:
            self.offset = self.now - clock
        self.now = max(self.now, clock + self.offset)
        return self.now

    def _check_home(self, home: str, now: float) -> None:
        """Begin again if the state was found in another place than it was written."""
        if home and self.home and home != self.home:
            self._begin_again(now)
        self.home = home or self.home

    def _begin_again(self, now: float) -> None:
        """Become another state than the one that workers know, because it has gone back, or may have."""
        self.began = max(now, self.began + _INSTANT)
        self.pause_from(self.began)

    def _check_history(self, request: StoreRequest, now: float) -> bool:
        """Note that a worker receives a reply, and return whether it knows of more than this state does."""
        worker, window = request.worker, self.limiter.window.keep
        last = next((reply.sequence for reply in self.replies if reply.worker == worker), None)
        if request.began == self.began:
            # A worker that asked within a window was not dropped for silence, so its record is lost.
            missing = last is None and request.heard < window
            if missing or request.sequence > (self.sequence if last is None else last):
                self._begin_again(now)
        self.sequence += 1
        self.replies = [reply for reply in self.replies if reply.worker != worker and now - reply.at < 2 * window]
        self.replies.append(LastReply(worker, self.sequence, now))
        return request.began not in {0.0, self.began}

    def _agrees(self, request: StoreRequest, now: float) -> bool:
        limiter = self.limiter
        kept = (limiter.places.whole, limiter.window.per, limiter.slots.whole)
        if kept == (request.calls, request.per, request.concurrency):
            return True
        if self.leases or limiter.window.used(now):
            return False
        self.limiter = _limiter_of(request)
        self.limiter.quota, self.limiter.paused_until = limiter.quota, limiter.paused_until
        return True

    def _lapse(self, now: float, moment: float) -> None:
        """End the leases that were not renewed, each at its own end."""
        for lease in [lease for lease in self.leases if lease.until <= now]:
            self.leases.remove(lease)
            if not lease.answered:
                self.limiter.answered(lease.until)
            self.limiter.released(moment, counted=True)
            self.moved = now

    def _find(self, name: str) -> Lease | None:
        return next((lease for lease in self.leases if lease.id == name), None)

    def _renew(self, held: HeldCall, now: float, until: float) -> None:
        lease = self._find(held.id)
        if lease is None:
            lease = self._resume(held.id, until)
        if lease.abandoned:
            return
        lease.until = max(lease.until, until)
        if held.age >= 0.0 and not lease.answered:
            lease.answered = True
            self.limiter.answered(_ago(now, held.age))

    def _resume(self, name: str, until: float) -> Lease:
        """Take place and slot again for a call that is under way although its lease has ended or was lost."""
        lease = Lease(name, until)
        self.leases.append(lease)
        self.limiter.resume()
        return lease

    def _abandon(self, ended: EndedCall, now: float) -> None:
        """Fix the moment at which the lease ends."""
        until = now + ended.left * (1 + DRIFT)
        lease = self._find(ended.id) or self._resume(ended.id, until)
        if lease.abandoned:
            return  # this is the second report of the same end
        lease.abandoned, lease.until = True, until
        if ended.age >= 0.0 and not lease.answered:
            lease.answered = True
            self.limiter.answered(_ago(now, ended.age))

    def _end(self, ended: EndedCall, now: float, moment: float, *, lost: bool) -> None:
        if ended.left > 0.0:
            self._abandon(ended, now)
            return
        lease = self._find(ended.id)
        if lease is None or lease.abandoned:
            # The lease has expired, or this is a repeated report; after a lost state it is the first report.
            if lost and lease is None and ended.sent:
                self.limiter.window.take()
                self.limiter.answered(_ago(now, ended.age))
            return
        self.leases.remove(lease)
        self.moved = now
        if not ended.sent and not lease.answered:
            self.limiter.unsent(moment)
            return
        if not lease.answered:
            self.limiter.answered(_ago(now, ended.age))
        self.limiter.released(moment, counted=ended.counted)

    def _note(self, report: WorkerReport, now: float, moment: float) -> None:
        """Apply what a worker learned from Marketo, and did while it could not reach the store."""
        limiter = self.limiter
        for age in report.ages:
            limiter.window.take()
            limiter.answered(_ago(now, age))
        limiter.quota.note(moment, report.used)
        if report.throttled >= 0.0:
            limiter.throttled(now, report.throttled)
        if report.crowded:
            limiter.crowded(now)
        if report.spent:
            limiter.spent(moment)
        if report.total >= 0:
            limiter.quota.calibrate(moment, report.total)

    def _grant_or_wait(self, request: StoreRequest, wanted: LeaseRequest, now: float, moment: float) -> StoreReply:
        known = self._find(wanted.id)
        if known is not None:  # the reply to the first request was lost
            if not known.abandoned:
                known.until = max(known.until, now + request.lease)
            return self._reply(Ruling.GRANTED, 0.0, moment)
        others = [head for head in self.heads if head.worker != request.worker]
        limiter = self.limiter
        if not limiter.quota.left(moment):
            self.heads = others
            return self._reply(Ruling.SPENT, limiter.quota.resets_at(moment) - moment, moment)
        mine = WorkerHead(request.worker, wanted.priority, now - wanted.waited, now - wanted.oldest, now)
        oldest = min([mine, *others], key=lambda head: (head.oldest, head.worker))
        turn = self.since_oldest >= OLDEST_EVERY
        before = 0
        if not (turn and mine is oldest):
            before = sum(head.turn < mine.turn or (turn and head is oldest) for head in others)
        if self._free(now) <= before:
            again = self._again(before, len(request.held), now)
            mine.due = now + again
            self.heads = [*others, mine]
            return self._reply(Ruling.WAIT, again, moment)
        self.heads = others
        self.moved = now
        self.leases.append(Lease(wanted.id, now + request.lease))
        limiter.grant(moment)
        patient = turn and mine is oldest
        self.since_oldest = 0 if patient else self.since_oldest + 1
        return self._reply(Ruling.GRANTED, 0.0, moment, oldest=patient)

    def _free(self, now: float) -> int:
        limiter = self.limiter
        if now < limiter.paused_until:
            return 0
        slots = limiter.slots.available(now) - limiter.in_flight
        return min(slots, limiter.places.available(now) - limiter.window.used(now))

    def _again(self, before: int, held: int, now: float) -> float:
        """Return the seconds until the next request of a worker with so many heads before its own, and calls held."""
        limiter = self.limiter
        if now < limiter.paused_until:
            wait = limiter.paused_until - now
        else:
            wait = limiter.window.wait(now, limiter.places.available(now) - before)
            wait = min(wait, limiter.places.next_growth(now)) if wait else inf
        if wait < inf:
            return min(wait, _LONGEST)
        if held >= limiter.in_flight >= limiter.slots.available(now):
            return _LONGEST  # the worker holds all slots, and asks when it gives one back
        # Calls end at any moment: the first head polls often, and less so the longer nothing has changed.
        return min(_SLOWEST_POLL, _POLL * (1 + before) + (now - self.moved) * _SLOWING)

    def _reply(self, ruling: Ruling, again: float, moment: float, *, oldest: bool = False) -> StoreReply:
        limiter = self.limiter
        return StoreReply(
            ruling=ruling,
            again=again,
            oldest=oldest,
            began=self.began,
            sequence=self.sequence,
            heads=len(self.heads),
            use=limiter.use(self.now, moment),
            calls=limiter.places.whole,
            per=limiter.window.per,
            concurrency=limiter.slots.whole,
        )


def _ago(now: float, age: float) -> float:
    return now - age * (1 - DRIFT)


def _limiter_of(request: StoreRequest) -> Limiter:
    return Limiter.of(
        Limits(calls=request.calls, per=request.per, concurrency=request.concurrency, daily=request.daily)
    )
