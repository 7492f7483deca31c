"""A model check of the protocol between workers and their shared state, judged by an instance of its own.

Questions and replies are lost, delayed and delivered twice; the state is lost, goes back with a failover, or is put
back where it was; workers give up on answers, are cut off, and die. The instance counts what arrives, by the true time,
and knows nothing of leases or places.

What the claim takes for granted is enforced here, and nothing else is: a request arrives within half a lease of its
permit's last valid moment; Marketo works on an abandoned call no longer than was said, and on a dead worker's call no
longer than its lease; who lives renews its leases, and reports what it abandons, before they end, and reaches a state
that was lost within a window. Nobody dies in a run in which the state is lost: the calls of such a worker are known to
nobody. A request that took a window to arrive may make workers wait for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from marketo_async.governor.stores.messages import EndedCall, HeldCall, LeaseRequest, Ruling, StoreReply, StoreRequest
from marketo_async.governor.window import DRIFT
from tests.governor.shared_limiters import NOON, InClass, Script, unpacked_state

CALLS, SLOTS, PER, LEASE = 4, 3, 4.0, 2.0
KEEP = PER * (1 + DRIFT)
EDGE = 1e-6  # what must happen by a moment happens this long before it


@dataclass(eq=False)
class Call:
    """One call: granted, on its way, at work, answered, ended."""

    id: str
    owner: Worker
    valid_until: float
    leased_until: float
    sent: bool = False
    arrived: bool = False
    at_work: bool = False
    answered_at: float | None = None
    abandoned_until: float = inf
    arrives_by: float = inf
    ends_by: float = inf


@dataclass(eq=False)
class End:
    """A call that has ended: the moment of its answer, and whether it was sent."""

    call: Call
    at: float
    sent: bool

    def message(self, now: float) -> EndedCall:
        until = self.call.abandoned_until
        left = max(0.0, until - now) if until < inf else 0.0
        return EndedCall(self.call.id, now - self.at if self.at <= now else -1.0, self.sent, self.sent, left)


@dataclass(eq=False)
class Worker:
    """What one process knows, holds and has to report; it asks one request at a time."""

    name: str
    number: int = 0
    began: float = 0.0
    sequence: int = 0
    heard_at: float = 0.0
    calls: dict[str, Call] = field(default_factory=dict)
    ends: list[End] = field(default_factory=list)
    left: list[End] = field(default_factory=list)  # abandoned and reported: reported again as long as Marketo may work
    asked: Asked | None = None
    alive: bool = True

    @property
    def want(self) -> str:
        return f"{self.name}:{self.number}"


@dataclass(eq=False)
class Asked:
    """A request on its way, which may be delivered more than once."""

    worker: Worker
    request: StoreRequest
    at: float
    ends: list[End]


class Instance:
    """Marketo: counts arrivals in every window, and calls at work."""

    def __init__(self) -> None:
        self.arrivals: list[float] = []
        self.at_work = 0

    def arrive(self, now: float) -> None:
        self.arrivals = [*(arrival for arrival in self.arrivals if arrival > now - PER), now]
        self.at_work += 1
        assert len(self.arrivals) <= CALLS, "606"
        assert self.at_work <= SLOTS, "615"


class Protocol(RuleBasedStateMachine):
    """Everything that can happen, in any order."""

    make: Callable[[], InClass | Script]

    def __init__(self) -> None:
        super().__init__()
        self.store = type(self).make()
        self.now = 1000.0
        self.home = 0
        self.instance = Instance()
        self.workers: list[Worker] = []
        self.network: list[Asked] = []
        self.replies: list[tuple[Asked, StoreReply]] = []
        self.saved: list[bytes] = []
        self.contact_by: dict[Worker, float] = {}  # who has to reach a state that was lost, and until when
        self.lost_at = -inf
        self.demoted: bytes | None = None  # the state of the server that was the primary before
        self.stayed: set[Worker] = set()  # who may still reach only that one
        self.wire: list[Call] = []  # sent, and not done with at Marketo
        self.mortal = False
        self.late = False  # whether a request took a window to arrive, and the state had forgotten who asked

    @initialize(mortal=st.booleans(), workers=st.integers(1, 4))
    def begin(self, mortal: bool, workers: int) -> None:  # noqa: FBT001 - hypothesis names it
        self.mortal = mortal
        for _ in range(workers):
            self.join()

    def join(self) -> Worker:
        worker = Worker(f"w{len(self.workers)}")
        self.workers.append(worker)
        return worker

    def living(self, choose: int) -> Worker | None:
        living = [worker for worker in self.workers if worker.alive]
        return living[choose % len(living)] if living else None

    # what a worker does

    @rule()
    @precondition(lambda self: len(self.workers) < 8)
    def another_worker(self) -> None:
        self.join()

    @rule(choose=st.integers(0, 7), wants=st.booleans())
    def ask(self, choose: int, wants: bool) -> None:  # noqa: FBT001 - hypothesis names it
        worker = self.living(choose)
        if worker is not None and worker.asked is None:
            self.request(worker, wants=wants)

    def request(self, worker: Worker, *, wants: bool) -> Asked:
        now = self.now
        worker.left = [end for end in worker.left if end.call.abandoned_until > now]
        request = StoreRequest(
            worker=worker.name,
            calls=CALLS,
            per=PER,
            concurrency=SLOTS,
            daily=10_000,
            lease=LEASE,
            began=worker.began,
            sequence=worker.sequence,
            heard=now - worker.heard_at if worker.began else 0.0,
            wanted=LeaseRequest(worker.want, 1, 0.0, 0.0) if wants else None,
            leaves=not wants,
            held=[
                HeldCall(call.id, -1.0 if call.answered_at is None else now - call.answered_at)
                for call in worker.calls.values()
            ],
            ended=[end.message(now) for end in (*worker.left, *worker.ends)],
        )
        worker.asked = Asked(worker, request, now, worker.ends)
        worker.ends = []
        self.network.append(worker.asked)
        return worker.asked

    @rule(choose=st.integers(0, 7))
    def give_up_on_a_reply(self, choose: int) -> None:
        if (worker := self.living(choose)) is not None:
            self.stop_waiting(worker)

    def stop_waiting(self, worker: Worker) -> None:
        if worker.asked is not None:
            worker.ends = worker.asked.ends + worker.ends
            worker.asked = None

    @rule(choose=st.integers(0, 30))
    def send(self, choose: int) -> None:
        waiting = [call for worker in self.workers for call in worker.calls.values() if not call.sent]
        if waiting:
            self.send_call(waiting[choose % len(waiting)])

    def send_call(self, call: Call) -> None:
        if self.now < call.valid_until:
            call.sent = True
            call.arrives_by = call.valid_until + LEASE / 2 - EDGE
            self.wire.append(call)
        else:
            self.end(call, self.now, sent=False)

    def end(self, call: Call, at: float, *, sent: bool) -> None:
        del call.owner.calls[call.id]
        call.owner.ends.append(End(call, at, sent))

    @rule(choose=st.integers(0, 30), seconds=st.sampled_from([0.5, 1.9, 5.0, 11.0]))
    def abandon(self, choose: int, seconds: float) -> None:
        held = [call for worker in self.workers for call in worker.calls.values() if call.sent]
        if held:
            call = held[choose % len(held)]
            call.abandoned_until = self.now + seconds
            self.bound(call, call.abandoned_until)
            self.end(call, call.abandoned_until if call.answered_at is None else call.answered_at, sent=True)

    def bound(self, call: Call, until: float) -> None:
        """Let Marketo be done with a call by then."""
        call.ends_by = min(call.ends_by, until - EDGE)
        call.arrives_by = min(call.arrives_by, call.ends_by)

    @rule(choose=st.integers(0, 7))
    @precondition(lambda self: self.mortal)
    def die(self, choose: int) -> None:
        if (worker := self.living(choose)) is not None:
            worker.alive = False
            for call in worker.calls.values():
                self.bound(call, call.valid_until + LEASE / 2)
            worker.calls = {}

    # what the network does

    @rule(choose=st.integers(0, 30), again=st.booleans())
    @precondition(lambda self: self.network)
    def deliver(self, choose: int, again: bool) -> None:  # noqa: FBT001 - hypothesis names it
        asked = self.network[choose % len(self.network)]
        if not again:
            self.network.remove(asked)
        self.decide(asked)

    def decide(self, asked: Asked) -> None:
        reply = self.store.decide(asked.request, self.now, NOON + self.now, f"{self.home:x}")
        self.late |= self.now - asked.at > PER
        for held in asked.request.held:
            if held.id in asked.worker.calls:
                asked.worker.calls[held.id].leased_until = self.now + LEASE
        for end in asked.ends:
            end.call.leased_until = inf  # whatever holds it now holds it as long as it needs
        if asked.at >= self.lost_at:
            self.contact_by.pop(asked.worker, None)
            self.stayed.discard(asked.worker)
        self.replies.append((asked, reply))

    @rule(choose=st.integers(0, 30))
    @precondition(lambda self: self.network)
    def lose_a_question(self, choose: int) -> None:
        self.network.pop(choose % len(self.network))

    @rule(choose=st.integers(0, 30))
    @precondition(lambda self: self.replies)
    def lose_a_reply(self, choose: int) -> None:
        self.replies.pop(choose % len(self.replies))

    @rule(choose=st.integers(0, 30))
    @precondition(lambda self: self.replies)
    def hear(self, choose: int) -> None:
        self.receive(*self.replies.pop(choose % len(self.replies)))

    def receive(self, asked: Asked, reply: StoreReply) -> None:
        worker = asked.worker
        if worker.asked is not asked or not worker.alive:
            return
        worker.asked = None
        worker.left += [end for end in asked.ends if self.now < end.call.abandoned_until < inf]
        worker.began, worker.sequence, worker.heard_at = reply.began, reply.sequence, self.now
        valid_until = asked.at + LEASE / 2
        for held in asked.request.held:
            if held.id in worker.calls:
                worker.calls[held.id].valid_until = valid_until
        if reply.ruling is Ruling.GRANTED:
            worker.calls[worker.want] = Call(worker.want, worker, valid_until, asked.at + LEASE)
            worker.number += 1

    def exchange(self, worker: Worker, *, wants: bool) -> None:
        """Let a worker ask, and hear the reply, with nothing between."""
        self.stop_waiting(worker)
        asked = self.request(worker, wants=wants)
        self.network.remove(asked)
        self.decide(asked)
        self.receive(*self.replies.pop())

    @rule(choose=st.integers(0, 7), times=st.integers(1, 4), steps=st.integers(0, 3))
    def call_without_trouble(self, choose: int, times: int, steps: int) -> None:
        """Let a worker make some calls, as far as they are granted: they arrive, are answered, are read."""
        worker = self.living(choose)
        for _ in range(times if worker is not None else 0):
            assert worker is not None
            granted = worker.want
            self.exchange(worker, wants=True)
            if (call := worker.calls.get(granted)) is not None:
                self.send_call(call)
                for _ in range(steps):
                    self.work_on(call)

    # what Marketo does

    @rule(choose=st.integers(0, 30))
    @precondition(lambda self: self.wire)
    def work(self, choose: int) -> None:
        self.work_on(self.wire[choose % len(self.wire)])

    def work_on(self, call: Call) -> None:
        """Bring a call on by one step: it arrives, it is answered, its answer is read."""
        if not call.arrived:
            call.arrived = call.at_work = True
            self.instance.arrive(self.now)
        elif call.answered_at is None:
            call.answered_at = self.now  # the headers; the slot is held until all of the answer is written
        else:
            self.finish(call)

    def finish(self, call: Call) -> None:
        if call.at_work:
            call.at_work = False
            self.instance.at_work -= 1
        self.wire.remove(call)
        if call.id in call.owner.calls:
            self.end(call, self.now if call.answered_at is None else call.answered_at, sent=True)

    # what time does

    @rule(seconds=st.sampled_from([0.01, 0.2, 0.7, 1.1, 2.3, 4.1]))
    def pass_time(self, seconds: float) -> None:
        until = self.now + seconds
        while (due := self.next_due()) is not None and due[0] <= until:
            self.now = max(self.now, due[0])
            due[1]()
        self.now = until

    @rule()
    def pass_the_rest(self) -> None:
        state = self.store.saved()
        if state is not None:
            self.pass_time(max(0.0, unpacked_state(state).limiter.paused_until - self.now) + EDGE)

    def next_due(self) -> tuple[float, Callable[[], None]] | None:
        """Return what has to happen next by what the claim takes for granted."""
        times: list[tuple[float, Callable[[], None]]] = []
        for call in self.wire:
            if not call.arrived:
                times.append((call.arrives_by, partial(self.work_on, call)))
            elif call.ends_by < inf:
                times.append((call.ends_by, partial(self.finish, call)))
        for worker in (worker for worker in self.workers if worker.alive):
            told_later = [*worker.ends, *(worker.asked.ends if worker.asked is not None else [])]
            for call in (*worker.calls.values(), *(end.call for end in told_later if end.call.ends_by < inf)):
                renew = call.leased_until - EDGE
                times.append((renew, partial(self.exchange, worker, wants=False)))
        for worker, moment in self.contact_by.items():
            times.append((moment, partial(self.exchange, worker, wants=False)))
        return min(times, key=lambda due: due[0], default=None)

    # what becomes of the state

    @rule()
    @precondition(lambda self: self.store.saved() is not None)
    def snapshot(self) -> None:
        state = self.store.saved()
        assert state is not None
        self.saved.append(state)

    @rule()
    @precondition(lambda self: not self.mortal)
    def forget(self) -> None:
        self.store.restore(None)
        self.lose()

    @rule(choose=st.integers(0, 30))
    @precondition(lambda self: not self.mortal and self.saved)
    def fail_over_to_a_replica_that_lags(self, choose: int) -> None:
        demoted = self.store.saved()
        self.store.restore(self.saved[choose % len(self.saved)])
        self.home += 1
        self.lose()
        self.demoted, self.stayed = demoted, {worker for worker in self.workers if worker.alive}

    @rule(choose=st.integers(0, 7), times=st.integers(1, 4))
    @precondition(lambda self: self.demoted and self.stayed and self.now < self.lost_at + 0.9 * KEEP)
    def call_by_leave_of_the_demoted_server(self, choose: int, times: int) -> None:
        """Let a worker that has not heard of the failover make calls, which the new primary does not hear of.

        Only as long as all whose calls are under way have not either: else each server grants what the other has.
        """
        if any(call.owner not in self.stayed for call in self.wire):
            return
        stayed = [worker for worker in self.workers if worker in self.stayed]
        worker, primary = stayed[choose % len(stayed)], self.store.saved()
        self.contact_by[worker] = self.lost_at + 0.9 * KEEP
        self.store.restore(self.demoted)
        for _ in range(times):
            self.stop_waiting(worker)
            granted, asked = worker.want, self.request(worker, wants=True)
            self.network.remove(asked)
            self.receive(asked, self.store.decide(asked.request, self.now, NOON + self.now, f"{self.home - 1:x}"))
            if (call := worker.calls.get(granted)) is not None:
                self.send_call(call)
                for _ in range(3):
                    self.work_on(call)
        self.demoted = self.store.saved()
        self.store.restore(primary)

    @rule(choose=st.integers(0, 30), meanwhile=st.integers(0, 12))
    @precondition(lambda self: not self.mortal and self.saved and self.store.saved() is not None)
    def put_back_where_it_was(self, choose: int, meanwhile: int) -> None:
        """Restore a snapshot that says nothing of itself: the first worker that knows better tells of it."""
        state = self.saved[choose % len(self.saved)]
        shared = unpacked_state(state)
        replied = {reply.worker: reply.sequence for reply in shared.replies}
        knowing = [
            worker
            for worker in self.workers
            if worker.alive
            and worker.began == shared.began
            and worker.sequence > replied.get(worker.name, shared.sequence)
            and self.now - worker.heard_at < PER
        ]
        if not knowing or shared.home != f"{self.home:x}":
            return
        self.store.restore(state)
        self.lose()
        stranger = self.join() if meanwhile else None
        for _ in range(meanwhile):
            assert stranger is not None
            self.exchange(stranger, wants=False)  # which carries the number of the state past what was known
        self.exchange(knowing[0], wants=True)
        after = self.store.saved()
        assert after is not None
        assert unpacked_state(after).limiter.paused_until >= self.now + KEEP - EDGE, "nobody noticed"

    def lose(self) -> None:
        self.lost_at = self.now
        self.demoted, self.stayed = None, set()
        for worker in self.workers:
            if worker.alive and (worker.calls or worker.ends or worker.left or worker.asked):
                self.contact_by[worker] = self.now + 0.9 * KEEP

    def teardown(self) -> None:
        """Let everything end, and see that nothing is held for ever, and that nobody was held back for nothing."""
        state = self.store.saved()
        if state is None:
            return
        if self.lost_at == -inf and not self.late:
            shared = unpacked_state(state)
            assert shared.limiter.paused_until == shared.began + KEEP, "a state that was never lost made workers wait"
        while self.wire:
            self.work_on(self.wire[0])
        for worker in self.workers:
            for call in list(worker.calls.values()):
                self.end(call, self.now, sent=False)
        for _ in range(2):
            for worker in self.workers:
                if worker.alive:
                    self.exchange(worker, wants=False)
            self.now += 2 * KEEP + 12.0
        last = self.join()
        self.exchange(last, wants=True)
        assert last.calls, "a place, a slot or a pause was left behind"
        state = self.store.saved()
        assert state is not None
        limiter = unpacked_state(state).limiter
        assert (limiter.in_flight, limiter.window.under_way, len(limiter.window.frees)) == (1, 1, 0)


@pytest.mark.parametrize(
    ("make", "examples"),
    [(lambda: InClass(paused=True), 80), (lambda: Script("marketo-async:{model}"), 10)],
    ids=["class", "valkey"],
)
def test_no_window_overflows_whatever_is_lost_delayed_doubled_or_goes_back(make: Any, examples: int) -> None:
    machine = type("Protocol", (Protocol,), {"make": staticmethod(make)})
    checks = settings(deadline=None, max_examples=examples, stateful_step_count=60, derandomize=True)
    run_state_machine_as_test(machine, settings=checks)
