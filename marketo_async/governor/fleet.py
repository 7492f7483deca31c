"""The rule for many processes: one ledger for all, calls as leases, and an order among the heads of their queues.

No I/O, no clock. A store keeps one `Fleet` and lets it decide about one question at a time; the Lua script of the Redis
store says the same in its own language, and a test holds the two equal, decision by decision and state by state.

The rule
    It is that of the window (``window``), read from one clock, the store's. A call is a lease. It holds its place and
    its slot from the grant on. Its worker renews it with every question, and says when its answer began and when it
    has been read. A lease that is not renewed for its length ends: its slot is free then, and its place counts as if
    the answer had begun at that moment.

Why the window stays exact
    The proof in ``window`` asks for one thing: that a place is held from before Marketo can count the call, at ``a``,
    until ``d + keep`` with ``d >= a``. It is held from the grant, before which nothing is sent. For ``d`` there are
    three cases.

    The worker told of the answer. It says how long ago that began, by its own clock; read from the store's clock, when
    the question has arrived, that is never before the answer, let alone before ``a``. (The age is shortened by DRIFT,
    so that the worker's clock may be as wrong as the store's.)

    The lease ended. A worker sends only while its permit is valid, for half the lease after the question that took or
    renewed it had *left*, which is before the store answered. So the request was on its way at the latest half a lease
    before the end, and ``a <= d`` if it takes less than the other half to arrive.

    The call was never sent. Then there is no ``a``, and the place is given back.

    What remains: a worker that is stopped between its last look at the clock and the socket, for longer than the rest
    of its lease, sends a call whose place may be free already. When it comes back it renews the lease, which takes
    place and slot again until the answer has come; what was granted between is one call too many.

    The slot of a worker that died is free when its lease ends, while Marketo may still be working on what it sent:
    where calls take longer than the lease, concurrency is exact for the living only.

Clocks
    A clock that goes back, or begins anew because the machine did, goes on from its latest reading: time that is not
    seen to pass keeps places longer, never shorter. (After a restart the reading is the time since then, and more than
    that has passed since the state was written.) A clock that is set *ahead* can't be told from time that passed.

    A state that was lost is noticed by the first worker that knew the old one: a whole window then passes.

Order among the heads
    The most urgent first, then the one that has been the head of its worker longest: so workers take turns, however
    many wait behind their heads. Every tenth grant goes to the worker whose most patient waiter has waited longest,
    and is for that one. Free places are as good as given to the heads before: who comes behind them gets what is left
    over. A head that does not come back when it was told to, and a moment more, is passed over.

Not here: who waits within a process (``governor``), and what a process does between its questions (``member``).
"""

from __future__ import annotations

from math import inf
from typing import Self

from msgspec import Struct

from marketo_async.governor.ledger import Ledger
from marketo_async.governor.limits import OLDEST_EVERY, Limits
from marketo_async.governor.messages import Done, Held, News, Question, Reply, Verdict, Want
from marketo_async.governor.window import DRIFT

_LONGEST = 2.0  # seconds until a head asks again, so that one that died is not waited for
_LATE = 0.25  # seconds that a head may come after it was told to
_POLL, _SLOWEST_POLL, _SLOWING = 0.01, 0.25, 0.05  # for what no clock can foresee: a slot


class Lease(Struct):
    """One call granted, alive until ``until`` unless it is renewed."""

    id: str
    until: float
    answered: bool = False


class Head(Struct):
    """The first in a worker's queue and ``since`` when; ``oldest`` is who came first, ``due`` when it asks again."""

    worker: str
    priority: int
    since: float
    oldest: float
    due: float

    @property
    def turn(self) -> tuple[int, float, str]:
        """What the heads are ordered by."""
        return self.priority, self.since, self.worker


class Fleet(Struct):
    """What all workers of one instance have in use; every reading is the store's clock, every moment epoch seconds."""

    ledger: Ledger
    leases: list[Lease]
    heads: list[Head]
    began: float
    now: float
    moved: float
    offset: float = 0.0
    since_oldest: int = 0

    @classmethod
    def of(cls, question: Question, clock: float) -> Self:
        """Return the state of a fleet that nobody has asked before."""
        return cls(ledger=_ledger(question), leases=[], heads=[], began=clock, now=clock, moved=clock)

    def decide(self, question: Question, clock: float, moment: float) -> Reply:
        """Take in what a worker says and answer it; all of it, or nothing where its limits are not the fleet's."""
        now = self._tick(clock)
        self._lapse(now, moment)
        if not self._agrees(question, now):
            return self._reply(Verdict.DIFFERS, 0.0, moment)
        ledger = self.ledger
        ledger.quota.daily = question.daily
        if question.began not in {0.0, self.began}:
            ledger.paused_until = max(ledger.paused_until, self.began + ledger.window.keep)
        for held in question.held:
            self._renew(held, now, now + question.lease)
        for done in question.done:
            self._end(done, now, moment)
        self._note(question.news, now, moment)
        self.heads = [
            head
            for head in self.heads
            if now <= head.due + _LATE and not (head.worker == question.worker and question.leaves)
        ]
        if question.want is None:
            return self._reply(Verdict.NOTED, 0.0, moment)
        return self._want(question, question.want, now, moment)

    def _tick(self, clock: float) -> float:
        if clock + self.offset < self.now:
            self.offset = self.now - clock
        self.now = max(self.now, clock + self.offset)
        return self.now

    def _agrees(self, question: Question, now: float) -> bool:
        ledger = self.ledger
        kept = (ledger.places.whole, ledger.window.per, ledger.slots.whole)
        if kept == (question.calls, question.per, question.concurrency):
            return True
        if self.leases or ledger.window.used(now):
            return False
        self.ledger = _ledger(question)
        self.ledger.quota = ledger.quota
        return True

    def _lapse(self, now: float, moment: float) -> None:
        """End the leases that nobody has renewed, each at its own end."""
        for lease in [lease for lease in self.leases if lease.until <= now]:
            self.leases.remove(lease)
            if not lease.answered:
                self.ledger.answered(lease.until)
            self.ledger.released(moment, counted=True)
            self.moved = now

    def _find(self, name: str) -> Lease | None:
        return next((lease for lease in self.leases if lease.id == name), None)

    def _renew(self, held: Held, now: float, until: float) -> None:
        lease = self._find(held.id)
        if lease is None:  # it ended, and yet the call is under way
            lease = Lease(held.id, until)
            self.leases.append(lease)
            self.ledger.resume()
        lease.until = max(lease.until, until)
        if held.age >= 0.0 and not lease.answered:
            lease.answered = True
            self.ledger.answered(_ago(now, held.age))

    def _end(self, done: Done, now: float, moment: float) -> None:
        lease = self._find(done.id)
        if lease is None:
            return  # its lease has ended, or this is told a second time
        self.leases.remove(lease)
        self.moved = now
        if not done.sent and not lease.answered:
            self.ledger.unsent(moment)
            return
        if not lease.answered:
            self.ledger.answered(_ago(now, done.age))
        self.ledger.released(moment, counted=done.counted)

    def _note(self, news: News, now: float, moment: float) -> None:
        """Take in what Marketo said to a worker, and what it did while it could not reach the store."""
        ledger = self.ledger
        for age in news.ages:
            ledger.window.take()
            ledger.answered(_ago(now, age))
        ledger.quota.note(moment, news.used)
        if news.throttled >= 0.0:
            ledger.throttled(now, news.throttled)
        if news.crowded:
            ledger.crowded(now)
        if news.spent:
            ledger.spent(moment)
        if news.total >= 0:
            ledger.quota.calibrate(moment, news.total)

    def _want(self, question: Question, want: Want, now: float, moment: float) -> Reply:
        known = self._find(want.id)
        if known is not None:  # the answer to the first asking was lost
            known.until = now + question.lease
            return self._reply(Verdict.GRANTED, 0.0, moment)
        others = [head for head in self.heads if head.worker != question.worker]
        ledger = self.ledger
        if not ledger.quota.left(moment):
            self.heads = others
            return self._reply(Verdict.SPENT, ledger.quota.resets_at(moment) - moment, moment)
        mine = Head(question.worker, want.priority, now - want.waited, now - want.oldest, now)
        oldest = min([mine, *others], key=lambda head: (head.oldest, head.worker))
        turn = self.since_oldest >= OLDEST_EVERY
        before = 0
        if not (turn and mine is oldest):
            before = sum(head.turn < mine.turn or (turn and head is oldest) for head in others)
        if self._free(now) <= before:
            again = self._again(before, len(question.held), now)
            mine.due = now + again
            self.heads = [*others, mine]
            return self._reply(Verdict.WAIT, again, moment)
        self.heads = others
        self.moved = now
        self.leases.append(Lease(want.id, now + question.lease))
        ledger.grant(moment)
        patient = turn and mine is oldest
        self.since_oldest = 0 if patient else self.since_oldest + 1
        return self._reply(Verdict.GRANTED, 0.0, moment, oldest=patient)

    def _free(self, now: float) -> int:
        ledger = self.ledger
        if now < ledger.paused_until:
            return 0
        slots = ledger.slots.available(now) - ledger.in_flight
        return min(slots, ledger.places.available(now) - ledger.window.used(now))

    def _again(self, before: int, held: int, now: float) -> float:
        """Return the seconds until it is worth asking again, for a worker with so many heads before, and calls held."""
        ledger = self.ledger
        if now < ledger.paused_until:
            wait = ledger.paused_until - now
        else:
            wait = ledger.window.wait(now, ledger.places.available(now) - before)
            wait = min(wait, ledger.places.next_growth(now)) if wait else inf
        if wait < inf:
            return min(wait, _LONGEST)
        if held >= ledger.in_flight >= ledger.slots.available(now):
            return _LONGEST  # all slots are its own, and it asks when it gives one back
        # Calls end at any moment: the first in line looks often, and less so the longer nothing has moved.
        return min(_SLOWEST_POLL, _POLL * (1 + before) + (now - self.moved) * _SLOWING)

    def _reply(self, verdict: Verdict, again: float, moment: float, *, oldest: bool = False) -> Reply:
        ledger = self.ledger
        return Reply(
            verdict=verdict,
            again=again,
            oldest=oldest,
            began=self.began,
            heads=len(self.heads),
            use=ledger.use(self.now, moment),
            calls=ledger.places.whole,
            per=ledger.window.per,
            concurrency=ledger.slots.whole,
        )


def _ago(now: float, age: float) -> float:
    return now - age * (1 - DRIFT)


def _ledger(question: Question) -> Ledger:
    return Ledger.of(
        Limits(calls=question.calls, per=question.per, concurrency=question.concurrency, daily=question.daily)
    )
