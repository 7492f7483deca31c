"""One process's client of a store: its requests, its waiters, and a store that is unreachable."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import pytest

from marketo_async import Governor, Limits, Priority
from marketo_async.errors import ConfigurationError, DailyQuotaExceeded, StoreUnavailable
from marketo_async.governor import Permit
from marketo_async.governor.authority import AuthorityState
from marketo_async.governor.stores.client import LeasedPermit
from marketo_async.governor.stores.messages import StoreReply, StoreRequest
from tests.governor.instance import in_virtual_time
from tests.governor.shared_limiters import NOON, InClass

TRIP = 0.001


class Store:
    """A store a millisecond away, that can be down, and whose requests are kept."""

    def __init__(self, *, lease: float | None = None) -> None:
        self.lease = lease
        self.shared = InClass()
        self.down: Exception | None = None
        self.requests: list[StoreRequest] = []
        self.closed = 0
        self.trip = TRIP
        self.moment: Callable[[], float] = lambda: NOON + asyncio.get_running_loop().time()

    async def ask(self, request: StoreRequest) -> StoreReply:
        await asyncio.sleep(self.trip)
        if self.down is not None:
            raise self.down
        self.requests.append(request)
        reply = self.shared.decide(request, 100.0 + asyncio.get_running_loop().time(), self.moment())
        await asyncio.sleep(self.trip)
        return reply

    async def close(self) -> None:
        self.closed += 1


def governor(store: Store, limits: Limits | None = None, **options: Any) -> Governor:
    return Governor(limits or Limits(), store=store, rng=random.Random(1), **options)


def virtually(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    @wraps(test)
    def run(*fixtures: object, **named: object) -> None:
        in_virtual_time(test(*fixtures, **named))

    return run


async def cancelled(task: asyncio.Task[Permit]) -> None:
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()


@virtually
async def test_an_admission_takes_one_trip_and_its_end_goes_along_with_the_next() -> None:
    store = Store()
    gate = governor(store)
    for _ in range(20):
        permit = await gate.acquire()
        await asyncio.sleep(0.1)
        permit.release()
    assert len(store.requests) == 20
    await gate.flush()
    assert len(store.requests) == 21
    assert (gate.snapshot().granted, gate.snapshot().in_flight, gate.snapshot().window_used) == (20, 0, 20)


@virtually
async def test_who_has_nothing_to_do_asks_nothing() -> None:
    store = Store()
    gate = governor(store)
    (await gate.acquire()).release()
    await asyncio.sleep(1)
    asked = len(store.requests)
    assert asked == 2
    await asyncio.sleep(3600)
    assert len(store.requests) == asked


@virtually
async def test_a_long_call_is_kept_alive_until_it_ends() -> None:
    store = Store(lease=3.0)
    gate = governor(store, Limits(concurrency=1))
    permit = await gate.acquire()
    await asyncio.sleep(60)
    assert gate.snapshot().in_flight == 1
    assert 60 <= len(store.requests) <= 62  # one a second
    assert not permit.lapsed
    permit.answered()
    await asyncio.sleep(60)
    assert gate.snapshot().window_used == 0  # its headers came long ago, and its body has not been read
    permit.release()
    await gate.flush()
    assert gate.snapshot().in_flight == 0


@virtually
async def test_only_the_head_asks_however_many_wait() -> None:
    store = Store()
    gate = governor(store, Limits(calls=1, per=1000.0))
    (await gate.acquire()).release()
    waiters = [asyncio.create_task(gate.acquire()) for _ in range(500)]
    await asyncio.sleep(20)
    assert len(store.requests) <= 12  # every other second, for whoever goes first
    for waiter in waiters:
        waiter.cancel()
    await asyncio.gather(*waiters, return_exceptions=True)
    await asyncio.sleep(1)
    asked = len(store.requests)
    assert store.requests[-1].leaves
    await asyncio.sleep(100)
    assert len(store.requests) == asked


@virtually
async def test_a_waiter_cancelled_while_it_is_asked_for_leaves_no_trace() -> None:
    store = Store()
    gate = governor(store)
    waiter = asyncio.create_task(gate.acquire())
    await asyncio.sleep(TRIP / 2)
    await cancelled(waiter)
    await asyncio.sleep(1)
    seen = gate.snapshot()
    assert (seen.window_used, seen.in_flight, seen.used_today, seen.granted, seen.waiting) == (0, 0, 0, 0, 0)


@virtually
async def test_what_was_granted_for_one_that_has_gone_is_for_the_next() -> None:
    store = Store()
    gate = governor(store)
    gone, next_one = asyncio.create_task(gate.acquire()), asyncio.create_task(gate.acquire())
    await asyncio.sleep(TRIP / 2)
    await cancelled(gone)
    permit = await next_one
    assert asyncio.get_running_loop().time() < 3 * TRIP
    permit.release()
    await gate.flush()
    assert (gate.snapshot().window_used, gate.snapshot().granted) == (1, 1)


@virtually
async def test_a_grant_that_meets_a_cancellation_is_given_back() -> None:
    store = Store()
    gate = governor(store)
    serve = gate._authority._serve

    def served(lease: LeasedPermit, oldest: bool) -> None:  # noqa: FBT001 - what it stands for
        serve(lease, oldest)
        waiter.cancel()  # it has its permit, and has not run since

    gate._authority._serve = served  # type: ignore[method-assign]
    waiter = asyncio.create_task(gate.acquire())
    await asyncio.wait([waiter])
    assert waiter.cancelled()
    await gate.flush()
    assert (gate.snapshot().window_used, gate.snapshot().in_flight) == (0, 0)


@virtually
async def test_an_urgent_call_is_asked_for_at_once() -> None:
    store = Store()
    gate = governor(store, Limits(calls=1, per=10.0))
    (await gate.acquire()).release()
    bulk = asyncio.create_task(gate.acquire(Priority.BULK))
    await asyncio.sleep(1.1)
    asked = len(store.requests)
    urgent = asyncio.create_task(gate.acquire(Priority.INTERACTIVE))
    await asyncio.sleep(3 * TRIP)
    assert len(store.requests) == asked + 1
    assert store.requests[-1].wanted is not None
    assert store.requests[-1].wanted.priority == Priority.INTERACTIVE
    (await urgent).release()
    assert not bulk.done()
    await cancelled(bulk)


@virtually
async def test_priorities_lead_across_processes() -> None:
    store, served = Store(), []
    store_of_all = InClass()
    gates = [governor(store, Limits(concurrency=1)) for store in (Store(), Store())]
    for gate in gates:
        assert isinstance(gate.store, Store)
        gate.store.shared = store_of_all
    bulk, urgent = gates

    async def call(gate: Governor, priority: Priority, name: str) -> None:
        permit = await gate.acquire(priority)
        served.append(name)
        await asyncio.sleep(0.1)
        permit.release()

    async with asyncio.TaskGroup() as group:
        for number in range(4):
            group.create_task(call(bulk, Priority.BULK, f"bulk{number}"))
        await asyncio.sleep(0.05)
        for number in range(4):
            group.create_task(call(urgent, Priority.INTERACTIVE, f"urgent{number}"))
    assert served == ["bulk0", "urgent0", "urgent1", "urgent2", "urgent3", "bulk1", "bulk2", "bulk3"]
    assert store.requests == []


@virtually
async def test_a_permit_lapses_when_its_lease_could_not_be_renewed() -> None:
    store = Store(lease=4.0)
    gate = governor(store)
    permit = await gate.acquire()
    store.down = StoreUnavailable("gone")
    lapsed = []
    for seconds in (1.9, 0.2, 2.0):
        await asyncio.sleep(seconds)
        lapsed.append(permit.lapsed)
        store.down = None if permit.lapsed else store.down
    assert lapsed == [False, True, False]  # until it could be renewed once more
    permit.unsent()


@virtually
async def test_without_a_fallback_a_store_that_is_away_is_an_error_for_all_who_wait() -> None:
    store = Store()
    gate = governor(store)
    (await gate.acquire()).release()
    await gate.flush()
    store.down = StoreUnavailable("the file is gone", hint="bring it back")
    results = await asyncio.gather(*(gate.acquire() for _ in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [StoreUnavailable] * 3
    assert len({id(result) for result in results}) == 3
    assert "the file is gone - bring it back" in str(results[0])
    store.down = None
    (await gate.acquire()).release()
    assert gate.snapshot().waiting == 0


@virtually
async def test_a_store_that_breaks_is_reported_as_unavailable() -> None:
    store = Store()
    gate = governor(store)
    store.down = RuntimeError("secret")
    with pytest.raises(StoreUnavailable, match="RuntimeError") as caught:
        await gate.acquire()
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value.__cause__, RuntimeError)


@virtually
async def test_ends_that_could_not_be_reported_are_reported_later() -> None:
    store = Store()
    gate = governor(store)
    permits = [await gate.acquire() for _ in range(2)]
    store.down = StoreUnavailable("gone")
    permits[0].release()
    gate.throttled()
    gate.crowded()
    gate.calibrate(500)
    await asyncio.sleep(0.5)
    store.down = None
    await asyncio.sleep(2)
    permits[1].release(counted=False)
    await gate.flush()
    seen = gate.snapshot()
    assert (seen.in_flight, seen.window_used, seen.refusals, seen.used_today) == (0, 2, 2, 500)


@virtually
async def test_alone_within_the_fallback_after_a_whole_window_and_back_without_breaking_it() -> None:
    loop = asyncio.get_running_loop()
    store = Store()
    share = Limits(calls=2, concurrency=1, per=20.0, daily=100)
    gate = governor(store, Limits(calls=8, concurrency=4), fallback=share)
    held = [await gate.acquire() for _ in range(3)]
    store.down = StoreUnavailable("gone")
    waiting = [asyncio.create_task(gate.acquire()) for _ in range(3)]
    await asyncio.sleep(1)
    went = loop.time()
    await asyncio.sleep(20.1)
    assert [waiter.done() for waiter in waiting] == [False] * 3, "the calls that the store granted have not ended"
    for permit in held:
        permit.release()
    first = await waiting[0]
    assert loop.time() - went >= 20
    await asyncio.sleep(5)
    assert not waiting[1].done(), "one at a time"
    store.down = None
    await asyncio.sleep(2)
    assert not waiting[1].done(), "back at the store only when what was called alone has ended"
    first.release()
    second, third = await waiting[1], await waiting[2]
    seen = gate.snapshot()
    # Only the first call is reported; of the three before it no lease was renewed, so they count from its end.
    assert (seen.in_flight, seen.used_today) == (2, 6)
    assert seen.window_used == 6
    second.release()
    third.release()
    await gate.flush()
    assert gate.snapshot().in_flight == 0


def test_a_fallback_needs_a_store_and_the_same_window() -> None:
    with pytest.raises(ConfigurationError, match="fallback"):
        Governor(fallback=Limits())
    with pytest.raises(ConfigurationError, match="fallback"):
        Governor(Limits(), store=Store(), fallback=Limits(per=10.0))


@virtually
async def test_a_spent_day_raises_or_waits_as_for_one_process() -> None:
    store = Store()
    gate = governor(store, Limits(daily=2, reserve=1), clock=lambda: NOON)
    (await gate.acquire()).release()
    await gate.flush()
    results = await asyncio.gather(gate.acquire(), gate.acquire(), return_exceptions=True)
    assert [type(result) for result in results] == [DailyQuotaExceeded] * 2
    assert isinstance(results[0], DailyQuotaExceeded)
    assert results[0].resets_at == gate.resets_at() == datetime(2026, 6, 2, 5, tzinfo=UTC)
    patient = governor(store, Limits(daily=2, reserve=1), on_quota="wait")
    (await patient.acquire()).release()
    assert NOON + asyncio.get_running_loop().time() >= datetime(2026, 6, 2, 5, tzinfo=UTC).timestamp()


@virtually
async def test_a_607_ends_the_day_for_all() -> None:
    store = Store()
    one, other = governor(store), governor(store)
    (await one.acquire()).release()
    one.spent()
    await one.flush()
    with pytest.raises(DailyQuotaExceeded):
        await other.acquire()


@virtually
async def test_a_606_holds_every_process_back_and_shrinks_the_share_of_all() -> None:
    store = Store()
    one, other = governor(store), governor(store)
    for _ in range(10):
        (await one.acquire()).release()
    one.throttled()
    await one.flush()
    started = asyncio.get_running_loop().time()
    (await other.acquire()).release()
    assert asyncio.get_running_loop().time() - started > 0.4
    assert (other.snapshot().window_share, other.snapshot().refusals) == (35, 1)


@virtually
async def test_other_limits_than_the_others_have_are_an_error() -> None:
    store = Store()
    permit = await governor(store).acquire()
    with pytest.raises(ConfigurationError, match="100 calls in 20 s, 10 at once"):
        await governor(store, Limits(calls=50)).acquire()
    permit.release()


@pytest.mark.parametrize("fallback", [None, Limits(calls=5, concurrency=2)], ids=["no fallback", "a fallback"])
def test_other_limits_are_an_error_for_every_call_and_cost_one_request_each(fallback: Limits | None) -> None:
    in_virtual_time(calls_with_other_limits(fallback))


async def calls_with_other_limits(fallback: Limits | None) -> None:
    store = Store()
    permit = await governor(store).acquire()
    other = governor(store, Limits(calls=50), fallback=fallback)
    asked = len(store.requests)
    for _ in range(3):
        results = await asyncio.gather(*(other.acquire() for _ in range(4)), return_exceptions=True)
        assert [type(result) for result in results] == [ConfigurationError] * 4
        await asyncio.sleep(2)
    assert len(store.requests) - asked <= 5 + 3  # of the first one, which renews its lease meanwhile
    assert other._authority.state is AuthorityState.SHARED
    permit.release()


@virtually
async def test_other_limits_of_a_store_that_came_back_are_an_error_for_those_who_wait_alone() -> None:
    store = Store()
    gate = governor(store, Limits(calls=8, concurrency=4), fallback=Limits(calls=2, concurrency=1))
    store.down = StoreUnavailable("gone")
    waiting = [asyncio.create_task(gate.acquire()) for _ in range(3)]
    await asyncio.sleep(0.5)
    store.down, store.shared = None, InClass()
    permit = await governor(store, Limits(calls=50)).acquire()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [ConfigurationError] * 3
    permit.release()


@virtually
async def test_who_decides_has_a_name_at_every_moment() -> None:
    store = Store(lease=2.0)
    share = Limits(calls=2, concurrency=1, per=20.0)
    gate = governor(store, Limits(calls=8, concurrency=4), fallback=share)

    def state() -> AuthorityState:
        return gate._authority.state

    assert state() is AuthorityState.SHARED
    held = await gate.acquire()
    store.down = StoreUnavailable("gone")
    waiting = [asyncio.create_task(gate.acquire()) for _ in range(2)]
    await asyncio.sleep(1)
    assert state() is AuthorityState.LEAVING
    held.release()
    await asyncio.sleep(1)
    assert state() is AuthorityState.ALONE
    first = await waiting[0]
    store.down = None
    await asyncio.sleep(2)
    assert state() is AuthorityState.RETURNING
    store.down = StoreUnavailable("gone again")
    await asyncio.sleep(5)
    assert state() is AuthorityState.ALONE, "a store that is lost on the way back is lost"
    first.abandon(30.0)
    store.down = None
    await asyncio.sleep(2)
    assert state() is AuthorityState.RETURNING, "Marketo may still work on what was called alone"
    (await waiting[1]).release()
    assert len(store.requests) < 60, "a store that answers is not asked without pause"
    assert state() is AuthorityState.SHARED
    await gate.flush()
    assert Governor()._authority.state is AuthorityState.LOCAL


def test_calls_made_alone_on_a_closed_loop_are_reported_to_the_store() -> None:
    store = Store()
    gate = governor(store, Limits(calls=8, concurrency=4), fallback=Limits(calls=2, concurrency=2))

    async def alone() -> None:
        store.down = StoreUnavailable("gone")
        (await gate.acquire()).release()
        await gate.acquire(bound=5.0)  # left under way

    async def next_one() -> float:
        store.down = None
        (await gate.acquire()).release()
        return asyncio.get_running_loop().time()

    in_virtual_time(alone())
    assert in_virtual_time(next_one()) == pytest.approx(5, abs=0.1)
    reported = [request.report for request in store.requests if request.report.used]
    assert [(news.used, len(news.ages)) for news in reported] == [(2, 2)]


@virtually
async def test_bursts_are_smoothed_as_for_one_process() -> None:
    gate = governor(Store(), Limits(burst=2))
    starts = []
    for _ in range(6):
        (await gate.acquire()).release()
        starts.append(asyncio.get_running_loop().time())
    assert starts[1] < 0.1
    assert starts[-1] == pytest.approx(0.8, abs=0.1)


def test_one_governor_serves_one_loop_after_the_other() -> None:
    store = Store(lease=0.5)
    gate = governor(store, Limits(concurrency=1, per=1.0))

    async def abandon() -> None:
        await gate.acquire(bound=0.5)  # left under way by a loop that ends

    async def use() -> float:
        (await gate.acquire()).release()
        await gate.flush()
        return asyncio.get_running_loop().time()

    in_virtual_time(abandon())
    busy = asyncio.new_event_loop()
    busy.run_until_complete(gate.acquire(bound=0.5))
    with pytest.raises(ConfigurationError, match="another event loop"):
        in_virtual_time(use())
    busy.close()
    assert in_virtual_time(use()) < 1.0


@virtually
async def test_settling_closes_the_store_only_where_nothing_is_under_way() -> None:
    store = Store()
    gate = governor(store)
    await gate.flush()
    permit = await gate.acquire()
    await gate.flush()
    assert store.closed == 0
    permit.release()
    await gate.flush()
    assert store.closed == 1
    assert gate.snapshot().in_flight == 0
    store.down = StoreUnavailable("gone")
    (await asyncio.gather(gate.acquire(), return_exceptions=True))[0]
    await gate.flush()  # an end that can't be reported expires with its lease
    await Governor().flush()


@virtually
async def test_settling_ends_while_a_neighbour_keeps_the_store_busy() -> None:
    store = Store()
    gate = governor(store, Limits(calls=10_000, concurrency=10))

    async def neighbour() -> None:
        while True:
            (await gate.acquire()).release()

    neighbours = [asyncio.create_task(neighbour()) for _ in range(5)]
    await asyncio.sleep(1)
    ours = await gate.acquire()
    ours.release()
    async with asyncio.timeout(5 * TRIP):
        await gate.flush()
    reported = {done.id for request in store.requests for done in request.ended}
    assert isinstance(ours, LeasedPermit)
    assert ours.id in reported
    assert store.closed == 0, "the neighbours still need it"
    for task in neighbours:
        task.cancel()
    await asyncio.gather(*neighbours, return_exceptions=True)


@virtually
async def test_several_flushes_at_once_each_wait_for_the_ends_known_then() -> None:
    store = Store()
    gate = governor(store)
    for permit in [await gate.acquire() for _ in range(3)]:
        permit.release()
    await asyncio.gather(*(gate.flush() for _ in range(3)))
    assert store.shared.shared is not None
    assert store.shared.shared.leases == []


@virtually
async def test_an_abandoned_call_is_held_in_the_store_until_its_moment_whatever_becomes_of_this_process() -> None:
    loop = asyncio.get_running_loop()
    store, limits = Store(lease=3.0), Limits(concurrency=1)
    gate = governor(store, limits)
    permit = await gate.acquire()
    await asyncio.sleep(1)
    permit.abandon(90.0)
    for late in (permit.answered, permit.release, permit.unsent, lambda: permit.abandon(1.0)):
        late()
    abandoned = loop.time()
    await gate.flush()
    assert (store.closed, gate.snapshot().in_flight) == (1, 1)
    other = Store(lease=3.0)
    other.shared = store.shared
    (await governor(other, limits).acquire()).unsent()
    assert 90.0 <= loop.time() - abandoned <= 90.5


@virtually
async def test_abandoned_calls_are_reported_again_to_a_store_that_lost_them() -> None:
    store, limits = Store(), Limits(concurrency=2, per=1.0)
    gate = governor(store, limits)
    permit = await gate.acquire()
    permit.answered()
    permit.abandon(60.0)
    await gate.flush()
    store.shared = InClass(paused=True)
    (await gate.acquire()).release()
    await gate.flush()
    assert gate.snapshot().in_flight == 1
    await asyncio.sleep(60)
    (await gate.acquire()).release()
    await gate.flush()
    assert gate.snapshot().in_flight == 0
    assert [done.left for done in store.requests[-1].ended] == [0.0], "only as long as Marketo may work on it"


@virtually
async def test_an_abandoned_call_that_could_not_be_reported_in_time_counts_from_its_moment() -> None:
    store = Store(lease=3.0)
    gate = governor(store)
    permit = await gate.acquire()
    store.down = StoreUnavailable("gone")
    permit.abandon(5.0)
    await asyncio.sleep(8)
    store.down = None
    await asyncio.sleep(2)
    await gate.acquire()
    seen = gate.snapshot()
    assert (seen.in_flight, seen.used_today) == (1, 2)


@virtually
async def test_a_lost_state_is_noticed_and_calls_under_way_are_reported_to_it() -> None:
    loop = asyncio.get_running_loop()
    store = Store()
    gate = governor(store, Limits(calls=4, concurrency=4))
    held, ended = await gate.acquire(), await gate.acquire()
    store.shared = InClass()  # as a file that is new: it grants at once to those who know nothing
    ended.release()
    lost = loop.time()
    third = await gate.acquire()
    assert 20 <= loop.time() - lost <= 21
    assert gate.snapshot().in_flight == 2
    for permit in (held, third):
        permit.release()


async def test_a_loop_whose_steps_take_longer_than_half_a_lease_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    gate = governor(Store(lease=0.05))
    for _ in range(6):
        permit = await gate.acquire()
        time.sleep(0.03)  # noqa: ASYNC251 - what the log is to name
        assert permit.lapsed
        permit.unsent()
    await gate.flush()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "3 permits in a row lapsed" in caplog.text
    assert "half the lease (0.025 s)" in caplog.text


@virtually
async def test_a_store_that_takes_longer_than_half_a_lease_is_logged_as_long_as_it_does(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = Store(lease=1.0)
    store.trip = 0.3
    gate = governor(store)
    for _ in range(110):
        permit = await gate.acquire()
        assert permit.lapsed
        permit.unsent()
    assert len(caplog.records) == 2, "once a minute"
    store.trip = TRIP
    for _ in range(2):
        (await gate.acquire()).release()
        await asyncio.sleep(61)
    assert len(caplog.records) == 2


@virtually
async def test_one_long_stop_of_this_process_is_no_reason_to_warn(caplog: pytest.LogCaptureFixture) -> None:
    gate = governor(Store(lease=1.0))
    for _ in range(5):
        permits = [await gate.acquire() for _ in range(8)]
        await asyncio.sleep(5)
        for permit in permits:
            permit.unsent()
        (await gate.acquire()).release()
    assert not caplog.records
