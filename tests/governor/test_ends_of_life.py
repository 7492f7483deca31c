"""What becomes of permits whose caller, client or event loop ends before their call does."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async import Governor, Limits
from marketo_async.errors import DailyQuotaExceeded
from marketo_async.governor import Permit
from tests.governor.instance import Instance, in_virtual_time

ENDS: dict[str, Callable[[Permit], None]] = {
    "release": lambda permit: permit.release(),
    "uncounted": lambda permit: permit.release(counted=False),
    "unsent": lambda permit: permit.unsent(),
    "answered": lambda permit: permit.answered(),
    "abandon": lambda permit: permit.abandon(5.0),
    "nothing": lambda permit: None,
}


def in_use(governor: Governor) -> tuple[int, int, int]:
    seen = governor.snapshot()
    return seen.in_flight, seen.window_used, seen.used_today


async def taking(governor: Governor, permits: list[Permit]) -> None:
    permits += [await governor.acquire(), await governor.acquire()]


async def taking_for(seconds: float, governor: Governor) -> None:
    for _ in range(2):
        await governor.acquire(bound=seconds)


@pytest.mark.parametrize("late", ["before the next loop", "in the next loop"])
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_a_permit_of_a_loop_that_was_closed_ends_nothing_of_the_next_one(
    end: Callable[[Permit], None], late: str
) -> None:
    governor = Governor(Limits(concurrency=4))
    permits: list[Permit] = []
    in_virtual_time(taking(governor, permits))
    if late == "before the next loop":
        for permit in permits:
            end(permit)

    async def next_one() -> None:
        own = await governor.acquire()
        if late == "in the next loop":
            for permit in permits:
                end(permit)
        assert in_use(governor) == (3, 3, 3), "Marketo may still work on the two"
        own.release()
        assert in_use(governor) == (2, 3, 3)
        await asyncio.sleep(301)
        assert in_use(governor) == (0, 2, 3), "their places count from the moment at which they certainly ended"
        await asyncio.sleep(21)
        assert in_use(governor) == (0, 0, 3)

    in_virtual_time(next_one())


def test_what_a_closed_loop_left_is_taken_only_for_as_long_as_its_calls_may_take() -> None:
    governor = Governor(Limits(concurrency=2))
    in_virtual_time(taking_for(40.0, governor))

    async def next_one() -> float:
        (await governor.acquire()).release()
        return asyncio.get_running_loop().time()

    assert in_virtual_time(next_one()) == pytest.approx(40, abs=0.1)


def test_a_snapshot_after_the_last_loop_shows_what_may_be_under_way() -> None:
    governor = Governor(Limits(concurrency=2))
    asyncio.run(taking(governor, []))
    assert in_use(governor) == (2, 2, 2)


def test_a_forked_process_holds_nothing_for_the_calls_of_its_parent() -> None:
    governor = Governor(Limits(concurrency=2))
    permits: list[Permit] = []
    in_virtual_time(taking(governor, permits))
    governor._authority._process = -1  # as the child of a fork finds it

    async def child() -> None:
        own = await governor.acquire()
        for permit in permits:
            permit.release()
        assert in_use(governor) == (1, 3, 3), "their places count, as the parent's calls do"
        own.release()

    in_virtual_time(child())


def test_waiters_of_a_loop_that_was_closed_are_forgotten() -> None:
    governor = Governor(Limits(concurrency=2))
    loop = asyncio.new_event_loop()
    loop.run_until_complete(taking_for(0.0, governor))
    waiter = loop.create_task(governor.acquire())
    loop.run_until_complete(asyncio.sleep(0))
    assert governor.snapshot().waiting == 1
    loop.close()

    async def next_one() -> None:
        permit = await governor.acquire()
        with suppress(RuntimeError):  # of a task that is cancelled after its loop was closed
            waiter.cancel()
        assert governor.snapshot().waiting == 0
        permit.release()
        assert governor.snapshot().in_flight == 0

    in_virtual_time(next_one())
    waiter._log_destroy_pending = False  # type: ignore[attr-defined]


@pytest.mark.parametrize("stamped", [False, True], ids=["before the answer", "inside the answer"])
def test_an_abandoned_call_keeps_what_it_holds_until_its_moment(stamped: bool) -> None:  # noqa: FBT001
    async def main() -> None:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(calls=3, concurrency=1))
        permit = await governor.acquire()
        if stamped:
            permit.answered()
        permit.abandon(30.0)
        for late in ENDS.values():
            late(permit)
        assert in_use(governor) == (1, 1, 1)
        await asyncio.sleep(25)
        assert in_use(governor) == (1, 0 if stamped else 1, 1)
        (await governor.acquire()).release()
        assert loop.time() == pytest.approx(30, abs=0.1), "nobody released it, and the queue was woken all the same"
        assert in_use(governor) == (0, 1 if stamped else 2, 2)

    in_virtual_time(main())


class Life:
    """Clients of one governor, one event loop after the other, whose calls end in every way; the instance judges."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.limits = Limits(calls=6, per=5.0, concurrency=3)
        self.governor = Governor(self.limits)
        self.arrived: list[tuple[float, float]] = []  # when a call came, and when Marketo had done with it
        self.late: list[Permit] = []
        self.began = 0.0  # of the loop of now, in time that never goes back
        self.taken = 0

    async def call(self) -> None:
        loop, rng = asyncio.get_running_loop(), self.rng
        bound = rng.choice([0.5, 2.0, 8.0])
        permit = await self.governor.acquire(bound=bound)
        now = self.began + loop.time()
        works = rng.uniform(0, bound)
        self.arrived.append((now, now + works))
        fate = rng.random()
        try:
            await asyncio.sleep(works if fate < 0.6 else rng.uniform(0, works))
            if fate < 0.6:
                permit.release()
            elif fate < 0.9:
                permit.abandon(bound)
            else:
                self.late.append(permit)  # nobody ends it in time
        except asyncio.CancelledError:
            self.late.append(permit)
            raise

    async def on_a_loop(self) -> None:
        loop = asyncio.get_running_loop()
        tasks = [asyncio.create_task(self.call()) for _ in range(self.rng.randint(1, 12))]
        late, self.late = self.late, []
        for permit in late:
            loop.call_later(self.rng.uniform(0, 4), self.rng.choice(list(ENDS.values())), permit)
        await asyncio.wait(tasks, timeout=self.rng.choice([0.5, 5.0, 50.0]))
        assert self.governor.snapshot().in_flight >= 0
        self.taken = max(self.taken, self.governor.snapshot().in_flight)

    def run(self) -> None:
        for _ in range(5):
            loop_time = 0.0

            async def timed() -> None:
                nonlocal loop_time
                try:
                    await self.on_a_loop()
                finally:
                    loop_time = asyncio.get_running_loop().time()

            in_virtual_time(timed())
            self.began += loop_time


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_no_end_of_any_life_breaks_a_limit(seed: int) -> None:
    life = Life(seed)
    life.run()
    assert life.taken <= life.limits.concurrency
    starts = sorted(start for start, _ in life.arrived)
    for number, start in enumerate(starts):
        in_window = sum(start - life.limits.per < other <= start for other in starts[: number + 1])
        assert in_window <= life.limits.calls
        at_once = sum(came <= start < gone for came, gone in life.arrived)
        assert at_once <= life.limits.concurrency


def test_a_crowd_that_fails_leaves_the_loop_its_turns_and_nobody_loses_the_error() -> None:
    async def main() -> tuple[int, int]:
        governor = Governor(Limits(concurrency=1))
        held = await governor.acquire()
        ended = most = before = 0

        async def call() -> None:
            nonlocal ended
            try:
                await governor.acquire()
            except DailyQuotaExceeded:
                ended += 1

        tasks = [asyncio.create_task(call()) for _ in range(20_000)]
        await asyncio.sleep(0)
        governor.spent()
        held.release()
        while not all(task.done() for task in tasks[-200:]):
            await asyncio.sleep(0)
            most, before = max(most, ended - before), ended
        await asyncio.gather(*tasks)
        return ended, most

    ended, most = in_virtual_time(main())
    assert ended == 20_000
    assert most <= 200


def test_those_cancelled_while_a_crowd_fails_stay_cancelled_and_a_newcomer_is_served() -> None:
    async def main() -> None:
        governor = Governor(Limits(daily=2, concurrency=1))
        held = await governor.acquire()
        tasks = [asyncio.create_task(governor.acquire()) for _ in range(1000)]
        await asyncio.sleep(0)
        governor.calibrate(5)
        held.release()
        tasks[-1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results[:-1]} == {DailyQuotaExceeded}
        assert isinstance(results[-1], asyncio.CancelledError)
        assert len({id(result) for result in results}) == 1000
        assert governor.snapshot().waiting == governor.snapshot().in_flight == 0

    in_virtual_time(main())


def test_entries_of_cancelled_waiters_do_not_pile_up_after_one_that_stays() -> None:
    async def main() -> int:
        governor = Governor(Limits(concurrency=1))
        await governor.acquire()
        patient = asyncio.create_task(governor.acquire())
        for _ in range(20):
            tasks = [asyncio.create_task(governor.acquire()) for _ in range(100)]
            await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert governor.snapshot().waiting == 1
        patient.cancel()
        return sum(map(len, governor._gate._lines.values()))

    assert in_virtual_time(main()) < 200


def test_an_instance_sees_no_more_at_once_though_calls_are_abandoned() -> None:
    """What is given up is still being worked on: the next call must not come before that has ended."""

    async def main() -> Instance:
        instance = Instance(100, 20.0, 2)
        governor = Governor(Limits(concurrency=2))
        working: set[asyncio.Task[str]] = set()

        async def call(number: int) -> None:
            permit = await governor.acquire()
            work = asyncio.create_task(instance.serve(10.0))
            working.add(work)
            if number % 2:
                await asyncio.sleep(1)
                permit.abandon(10.0)
            else:
                await work
                permit.release()

        await asyncio.gather(*(call(number) for number in range(10)))
        await asyncio.wait(working)
        return instance

    assert in_virtual_time(main()).peak_running == 2
