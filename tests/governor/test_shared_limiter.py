"""The rule for many processes, decision by decision: leases, turns, limits, clocks, and repeated reports."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from marketo_async import Priority
from marketo_async.governor.limits import OLDEST_EVERY
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
from tests.governor.shared_limiters import KINDS, NOON, InClass, deciding

PER = 20.0
LEASE = 10.0
KEEP = PER * (1 + DRIFT)


class Store:
    """A shared limiter with small limits, and a clock that the test moves."""

    def __init__(
        self, *, calls: int = 5, concurrency: int = 3, daily: int = 100, home: str = "", paused: bool = False
    ) -> None:
        self.calls, self.concurrency, self.daily = calls, concurrency, daily
        self.clock = 1000.0
        self.home = home
        self._decider = InClass(paused=paused)

    def say(
        self,
        worker: str,
        want: LeaseRequest | None = None,
        *,
        held: Sequence[HeldCall] = (),
        ended: Sequence[EndedCall] = (),
        calls: int | None = None,
        began: float = 0.0,
        sequence: int = 0,
        heard: float = 0.0,
        used_today: int = 0,
        day_ends: float = 0.0,
        leaves: bool = False,
        ages: Sequence[float] = (),
        used: int = 0,
        spent: bool = False,
    ) -> StoreReply:
        request = StoreRequest(
            worker=worker,
            calls=calls or self.calls,
            per=PER,
            concurrency=self.concurrency,
            daily=self.daily,
            lease=LEASE,
            began=began,
            sequence=sequence,
            heard=heard,
            used_today=used_today,
            day_ends=day_ends,
            wanted=want,
            leaves=leaves,
            held=[*held],
            ended=[*ended],
            report=WorkerReport(ages=[*ages], used=used, spent=spent),
        )
        return self._decider.decide(request, self.clock, NOON, self.home)

    def saved(self) -> bytes | None:
        return self._decider.saved()

    def restore(self, state: bytes | None) -> None:
        self._decider.restore(state)

    def wants(
        self,
        name: str,
        priority: Priority = Priority.NORMAL,
        *,
        waited: float = 0.0,
        oldest: float = 0.0,
        ended: Sequence[EndedCall] = (),
    ) -> StoreReply:
        """Ask for a call that is named by its worker and a number."""
        return self.say(name.partition(":")[0], LeaseRequest(name, priority, waited, max(waited, oldest)), ended=ended)

    def ends(self, name: str, age: float = 0.0) -> StoreReply:
        """End a call that was answered *age* seconds ago."""
        return self.say(name.partition(":")[0], ended=[EndedCall(name, age)])


def test_a_call_is_granted_held_and_given_back() -> None:
    store = Store()
    assert store.wants("a:1").ruling is Ruling.GRANTED
    seen = store.ends("a:1").use
    assert (seen.window_used, seen.in_flight, seen.used_today) == (1, 0, 1)
    store.clock += KEEP + 0.01
    assert store.say("a").use.window_used == 0


def test_asking_again_for_the_same_call_takes_no_second_one() -> None:
    store = Store()
    assert store.wants("a:1").ruling is store.wants("a:1").ruling is Ruling.GRANTED
    assert store.ends("a:1").use.window_used == 1
    seen = store.ends("a:1").use  # reported a second time, because the first reply was lost
    assert (seen.window_used, seen.in_flight, seen.used_today) == (1, 0, 1)


def test_an_unsent_call_gives_everything_back() -> None:
    store = Store()
    store.wants("a:1")
    seen = store.say("a", ended=[EndedCall("a:1", 0.0, counted=False, sent=False)]).use
    assert (seen.window_used, seen.in_flight, seen.used_today) == (0, 0, 0)


def test_a_place_counts_from_the_answer_not_from_its_report() -> None:
    store = Store(calls=1)
    store.wants("a:1")
    store.clock += 5.0
    store.ends("a:1", age=2.0)
    reply = store.wants("b:1")
    assert reply.ruling is Ruling.WAIT
    store.clock += KEEP - 2.0 - 0.1
    assert store.wants("b:1").again == pytest.approx(0.1, abs=0.01)
    store.clock += 0.11
    assert store.wants("b:1").ruling is Ruling.GRANTED


def test_a_lease_that_nobody_renews_ends_by_itself_and_never_early() -> None:
    store = Store(calls=2, concurrency=1)
    store.wants("dead:1")
    store.clock += LEASE - 0.01
    assert store.wants("b:1").ruling is Ruling.WAIT
    store.clock += 0.02
    assert store.wants("b:1").ruling is Ruling.GRANTED
    store.ends("b:1")
    assert store.say("b").use.window_used == 2
    store.clock += KEEP - 0.005  # the dead one's place counts from the end of its lease
    assert store.say("b").use.window_used == 1


def test_a_lease_lives_as_long_as_it_is_renewed() -> None:
    store = Store(concurrency=1)
    store.wants("a:1")
    for _ in range(5):
        store.clock += LEASE - 0.1
        assert store.say("a", held=[HeldCall("a:1")]).use.in_flight == 1
    store.say("a", held=[HeldCall("a:1", 1.0)])  # the headers have come, and the body has not
    store.clock += LEASE - 0.1
    assert store.wants("b:1").ruling is Ruling.WAIT
    store.clock += 0.2
    assert store.wants("b:1").ruling is Ruling.GRANTED
    assert store.say("b").use.window_used == 2


def test_a_worker_that_was_taken_for_dead_takes_its_slot_again() -> None:
    store = Store(concurrency=2)
    store.wants("a:1")
    store.clock += LEASE + 1
    assert store.say("b").use.in_flight == 0
    seen = store.say("a", held=[HeldCall("a:1")]).use
    assert (seen.in_flight, seen.used_today) == (1, 1)
    assert seen.window_used == 2  # the place of the lease that ended, and one until the answer comes
    seen = store.ends("a:1").use
    assert (seen.in_flight, seen.used_today) == (0, 1)


def test_workers_take_turns_and_the_urgent_go_first() -> None:
    store = Store(calls=100, concurrency=1)
    store.wants("a:1")
    store.clock += 0.01
    assert store.wants("b:1", waited=0.005).ruling is Ruling.WAIT
    assert store.wants("c:1", Priority.INTERACTIVE).ruling is Ruling.WAIT
    reply = store.wants("a:2", ended=[EndedCall("a:1", 0.0)])  # a slot is free, and two others come first
    assert (reply.ruling, reply.heads) == (Ruling.WAIT, 3)
    assert store.wants("b:1", waited=0.005).ruling is Ruling.WAIT
    assert store.wants("c:1", Priority.INTERACTIVE).ruling is Ruling.GRANTED
    store.ends("c:1")
    assert store.wants("a:2").ruling is Ruling.WAIT
    assert store.wants("b:1", waited=0.005).ruling is Ruling.GRANTED


def test_the_remaining_places_go_to_the_later_heads() -> None:
    store = Store(calls=100, concurrency=2)
    for name in ("a:1", "a:2"):
        store.wants(name)
    store.wants("b:1", Priority.INTERACTIVE)
    store.say("a", ended=[EndedCall("a:1", 0.0), EndedCall("a:2", 0.0)])
    assert store.wants("c:1").ruling is Ruling.GRANTED  # two slots, one of which is b's


def test_a_head_that_does_not_come_back_is_passed_over_and_one_that_leaves_at_once() -> None:
    store = Store(calls=100, concurrency=1)
    store.wants("a:1")
    store.wants("dead:1", Priority.INTERACTIVE)
    store.ends("a:1")
    assert store.wants("a:2").ruling is Ruling.WAIT
    store.clock += 0.5
    assert store.wants("a:2").ruling is Ruling.GRANTED
    store.wants("b:1", Priority.INTERACTIVE)
    store.say("b", leaves=True)
    assert store.wants("a:3", ended=[EndedCall("a:2", 0.0)]).ruling is Ruling.GRANTED


def test_every_tenth_grant_is_for_the_oldest_waiter() -> None:
    store = Store(calls=1000, concurrency=1)
    store.wants("a:0")
    patient = 0
    for number in range(1, 2 * OLDEST_EVERY + 4):
        store.clock += 0.001
        store.wants("b:1", Priority.BULK, waited=number, oldest=number)
        reply = store.wants(f"a:{number}", Priority.INTERACTIVE, ended=[EndedCall(f"a:{number - 1}", 0.0)])
        if reply.ruling is Ruling.WAIT:
            patient += 1
            reply = store.wants("b:1", Priority.BULK, waited=number, oldest=number)
            assert (reply.ruling, reply.oldest) == (Ruling.GRANTED, True)
            store.ends("b:1")
            assert store.wants(f"a:{number}", Priority.INTERACTIVE).ruling is Ruling.GRANTED
    assert patient == 2


def test_a_workers_own_oldest_waiter_is_served_by_the_same_rule() -> None:
    store = Store(calls=1000, concurrency=100)
    replies = [store.wants(f"a:{number}", Priority.INTERACTIVE, oldest=60.0) for number in range(OLDEST_EVERY + 1)]
    assert [reply.oldest for reply in replies] == [False] * OLDEST_EVERY + [True]


def test_one_count_of_the_day_for_all_and_each_leaves_its_own_reserve() -> None:
    store = Store(daily=2)
    store.wants("a:1")
    store.wants("b:1")
    reply = store.wants("c:1")
    assert (reply.ruling, reply.use.left_today) == (Ruling.SPENT, 0)
    assert reply.again == pytest.approx(reply.use.resets_at - NOON)
    store.daily = 3  # another worker, that leaves less to others
    assert store.wants("d:1").ruling is Ruling.GRANTED
    store.daily = 50
    assert store.say("a", spent=True).use.left_today == 0


def test_limits_that_differ_are_refused_while_anything_is_in_use() -> None:
    store = Store()
    store.wants("a:1")
    reply = store.say("b", LeaseRequest("b:1", 1, 0.0, 0.0), calls=50)
    assert (reply.ruling, reply.calls, reply.per, reply.concurrency) == (Ruling.DIFFERS, 5, PER, 3)
    store.ends("a:1")
    store.clock += KEEP + 0.01
    reply = store.say("b", LeaseRequest("b:1", 1, 0.0, 0.0), calls=50)
    assert (reply.ruling, reply.calls, reply.use.used_today) == (Ruling.GRANTED, 50, 2)


def test_a_clock_that_goes_back_or_restarts_frees_nothing_early() -> None:
    store = Store(calls=1)
    store.wants("a:1")
    store.ends("a:1")
    store.clock = 3.0  # the machine was started again
    assert store.wants("b:1").ruling is Ruling.WAIT
    store.clock += KEEP - 0.01
    assert store.wants("b:1").ruling is Ruling.WAIT
    store.clock += 0.02
    assert store.wants("b:1").ruling is Ruling.GRANTED


def test_a_state_that_was_lost_makes_a_whole_window_pass() -> None:
    store = Store()
    known = store.say("a").began
    lost = Store()
    lost.clock = 2000.0
    assert lost.wants("new:1").ruling is Ruling.GRANTED
    lost.say("a", began=known, held=[HeldCall("a:1")])
    reply = lost.wants("new:2")
    assert (reply.ruling, reply.use.in_flight) == (Ruling.WAIT, 2)
    lost.clock += KEEP
    assert lost.wants("new:2").ruling is Ruling.GRANTED


def test_calls_made_without_the_store_are_reported_to_it() -> None:
    store = Store()
    seen = store.say("a", ages=[1.0, 15.0, 25.0], used=7).use
    assert (seen.window_used, seen.used_today, seen.in_flight) == (2, 7, 0)
    store.clock += 6.0
    assert store.say("a").use.window_used == 1


def test_who_holds_all_slots_need_not_look_for_one() -> None:
    store = Store(calls=100, concurrency=1)
    store.wants("a:1")
    reply = store.say("a", LeaseRequest("a:2", 1, 0.0, 0.0), held=[HeldCall("a:1")])
    assert (reply.ruling, reply.again) == (Ruling.WAIT, 2.0)
    store.say("a", ended=[EndedCall("a:1", 0.0)])
    assert store.wants("b:1").again == pytest.approx(0.02)  # nothing is held, and a comes first


def test_who_waits_for_a_slot_looks_less_often_the_longer_nothing_moves() -> None:
    store = Store(calls=100, concurrency=1)
    store.wants("a:1")
    naps = []
    for _ in range(120):
        store.say("a", held=[HeldCall("a:1")])
        naps.append(store.wants("b:1").again)
        store.clock += naps[-1]
    assert naps[0] == pytest.approx(0.01)
    assert naps == sorted(naps)
    assert naps[-1] == pytest.approx(0.25)


def test_a_store_that_can_not_know_what_was_before_lets_a_window_pass_once() -> None:
    store = Store(paused=True)
    assert store.wants("a:1").ruling is Ruling.WAIT
    store.clock += KEEP - 0.01
    assert store.wants("a:1").ruling is Ruling.WAIT
    store.clock += 0.02
    assert store.wants("a:1").ruling is Ruling.GRANTED
    assert store.wants("b:1").ruling is Ruling.GRANTED


def test_other_limits_do_not_end_the_pause_of_a_new_state() -> None:
    store = Store(paused=True)
    store.say("a")
    assert store.say("b", LeaseRequest("b:1", 1, 0.0, 0.0), calls=50).ruling is Ruling.WAIT
    store.clock += KEEP + 0.01
    assert store.say("b", LeaseRequest("b:1", 1, 0.0, 0.0), calls=50).ruling is Ruling.GRANTED


@pytest.mark.parametrize("meanwhile", [0, 1, 30])
def test_a_state_that_went_back_is_noticed_however_far_others_have_carried_it_since(meanwhile: int) -> None:
    store = Store(calls=100, concurrency=100)
    store.wants("a:0")
    before = store.saved()
    for number in range(1, 20):
        known = store.wants(f"a:{number}")
    store.restore(before)
    for _ in range(meanwhile):
        store.say("b")
    store.clock += 0.5

    def ask_again() -> StoreReply:
        return store.say("a", LeaseRequest("a:20", 1, 0.0, 0.0), began=known.began, sequence=known.sequence, heard=0.5)

    reply = ask_again()
    assert (reply.ruling, reply.began > known.began) == (Ruling.WAIT, True)
    assert store.wants("b:1").ruling is Ruling.WAIT
    again = ask_again()  # the first reply was lost
    assert again.began == reply.began
    store.clock += KEEP + 0.01
    assert store.say("a", LeaseRequest("a:20", 1, 0.0, 0.0), began=reply.began, sequence=again.sequence).ruling is (
        Ruling.GRANTED
    )


def test_a_worker_that_came_after_the_snapshot_notices_too_and_one_that_was_silent_for_long_does_not() -> None:
    store = Store()
    store.say("a")
    before = store.saved()
    known = store.say("b")
    store.restore(before)
    for _ in range(5):
        store.say("a")
    assert (
        store.say("b", LeaseRequest("b:1", 1, 0.0, 0.0), began=known.began, sequence=known.sequence).ruling
        is Ruling.WAIT
    )
    store = Store()
    known = store.say("b")
    store.clock += 3 * KEEP
    store.say("a")
    want = LeaseRequest("b:1", 1, 0.0, 0.0)
    reply = store.say("b", want, began=known.began, sequence=known.sequence, heard=3 * KEEP)
    assert reply.ruling is Ruling.GRANTED


def test_a_state_found_in_another_place_holds_back_those_who_knew_nothing_of_it() -> None:
    store = Store(home="primary")
    store.say("a")
    store.home = "replica"
    assert store.wants("new:1").ruling is Ruling.WAIT
    store.clock += KEEP + 0.01
    store.home = ""  # a server that does not say
    assert store.wants("new:1").ruling is Ruling.GRANTED
    store.home = "replica"
    assert store.wants("new:2").ruling is Ruling.GRANTED


def test_a_worker_that_stayed_with_a_demoted_server_counts_from_its_last_reply() -> None:
    store = Store(paused=True)
    store.say("a")
    store.clock += KEEP + 5.0  # the pause of the new state is over
    reply = store.say("b", LeaseRequest("b:1", 1, 0.0, 0.0), began=1.0, sequence=70, heard=2.0)
    assert reply.ruling is Ruling.WAIT
    store.clock += KEEP - 2.0
    assert store.wants("a:1").ruling is Ruling.WAIT
    store.clock += 0.01
    assert store.wants("a:1").ruling is Ruling.GRANTED


def test_what_ended_while_the_state_was_lost_takes_a_place_and_the_day_is_not_forgotten() -> None:
    store = Store(daily=50)
    day_ends = store.say("a").use.resets_at
    store = Store(daily=50)
    store.clock = 2000.0
    reply = store.say(
        "a",
        began=1.0,
        heard=3.0,
        used_today=49,
        day_ends=day_ends,
        ended=[EndedCall("a:1", 1.0), EndedCall("a:2", 0.0, counted=False, sent=False)],
    )
    assert (reply.use.window_used, reply.use.in_flight, reply.use.left_today) == (1, 0, 1)
    assert store.say("b", began=1.0, used_today=50, day_ends=day_ends + 86_400).use.left_today == 1


def test_an_abandoned_call_keeps_place_and_slot_until_its_moment_and_frees_them_then() -> None:
    store = Store(calls=2, concurrency=1)
    store.wants("a:1")
    left = [EndedCall("a:1", -1.0, left=300.0)]
    store.say("a", ended=left)
    for _ in range(4):
        store.clock += 74.0
        store.say("a", held=[HeldCall("a:1")])  # a request from before, that was late
        assert store.wants("b:1").ruling is Ruling.WAIT
    store.clock += 3.9
    assert store.wants("b:1").ruling is Ruling.WAIT
    store.clock += 0.3
    assert store.wants("b:1").ruling is Ruling.GRANTED
    store.ends("b:1")
    assert store.say("b").use.window_used == 2, "the place counts from the moment"
    store.clock += KEEP - 0.005
    assert store.say("b").use.window_used == 1


def test_an_abandoned_call_whose_answer_had_begun_counts_from_there_and_is_reported_twice_without_harm() -> None:
    store = Store(concurrency=1)
    store.wants("a:1")
    for left in (30.0, 30.0):
        seen = store.say("a", ended=[EndedCall("a:1", 1.0, left=left)]).use
        assert (seen.window_used, seen.in_flight) == (1, 1)
    assert store.wants("a:1").ruling is Ruling.GRANTED  # an old request: it neither shortens nor prolongs it
    store.clock += KEEP
    assert (store.say("a").use.window_used, store.say("a").use.in_flight) == (0, 1)
    store.say("a", ended=[EndedCall("a:1", 1.0)])
    store.clock += 30.1 - KEEP
    assert (store.say("a").use.in_flight, store.say("a").use.used_today) == (0, 1)


def test_an_abandoned_call_is_held_again_where_its_lease_had_ended() -> None:
    store = Store(concurrency=1)
    store.wants("a:1")
    store.clock += LEASE + 1
    assert store.say("b").use.in_flight == 0
    seen = store.say("a", ended=[EndedCall("a:1", -1.0, left=5.0)]).use
    assert (seen.in_flight, seen.used_today) == (1, 1)
    store.clock += 5.1
    assert store.wants("b:1").ruling is Ruling.GRANTED


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("off", [5 * 86_400.0, -5 * 86_400.0])
def test_a_wall_clock_that_is_wrong_for_a_moment_closes_the_day_of_no_worker(kind: str, off: float) -> None:
    with deciding(kind) as decide:

        def ask(name: str, moment: float, *, spent: bool = False, leaves: bool = False) -> StoreReply:
            want = None if leaves else LeaseRequest(name, 1, 0.0, 0.0)
            worker = name.partition(":")[0]
            request = StoreRequest(
                worker=worker,
                calls=50,
                per=PER,
                concurrency=50,
                daily=5,
                lease=LEASE,
                wanted=want,
                leaves=leaves,
                report=WorkerReport(spent=spent),
            )
            return decide(request, clock, NOON + moment)

        clock = 1000.0
        ask("a:0", 0.0, leaves=True)
        clock += KEEP + 1.0
        assert [ask(f"a:{number}", 0.0).ruling for number in range(2)] == [Ruling.GRANTED] * 2
        assert ask("a:3", off, spent=True).ruling is Ruling.SPENT
        for worker in "ab":
            reply = ask(f"{worker}:4", 1.0)
            assert (reply.ruling, reply.use.resets_at < NOON + 86_400) == (Ruling.GRANTED, True)
        assert (reply.use.used_today, reply.use.left_today) == (4, 1)
