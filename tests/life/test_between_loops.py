"""What a governor takes along from a loop that has ended to the next one, and what it leaves behind."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest

from marketo_async import Governor, Limits
from marketo_async.governor import Permit
from tests.life.stores import InMemory, Weather
from tests.life.virtual import Timeline, VirtualLoop

T = TypeVar("T")


class Shop:
    """One governor on a store that can go back, and the loops that it is used on."""

    def __init__(self, limits: Limits) -> None:
        self.timeline = Timeline()
        self.way = Weather(self.timeline, random.Random(1), counted=0.0)
        self.shared = InMemory(self.way, moves=False)
        self.governor = Governor(limits, store=self.shared.store(lambda: False), clock=self.timeline.moment)

    def on_a_loop(self, main: Coroutine[Any, Any, T]) -> T:
        loop = VirtualLoop(self.timeline)
        try:
            return loop.run_until_complete(main)
        finally:
            loop.close()

    async def call(self) -> float:
        """Make a call, and return how long it waited."""
        begun = self.timeline.now
        (await self.governor.acquire(bound=1.0)).release()
        waited = self.timeline.now - begun
        await self.governor.flush()
        return waited


def test_a_store_that_goes_back_between_two_loops_is_noticed_on_the_second() -> None:
    shop = Shop(Limits(calls=3, per=5.0, concurrency=3))
    shop.on_a_loop(shop.call())
    before = shop.way.asked
    for _ in range(2):
        assert shop.on_a_loop(shop.call()) < 1.0

    shop.shared.go_back(shop.way.asked - before)

    assert shop.on_a_loop(shop.call()) == pytest.approx(5.0, abs=0.2), "a window has passed"


def test_an_answer_given_up_as_its_loop_ended_holds_its_slot_on_the_next_one() -> None:
    shop = Shop(Limits(calls=10, per=5.0, concurrency=1))

    async def give_up() -> Permit:
        permit = await shop.governor.acquire(bound=60.0)
        permit.abandon(60.0)  # and the loop ends before the store hears of it
        return permit

    shop.on_a_loop(give_up())

    assert shop.on_a_loop(shop.call()) == pytest.approx(60.0, abs=1.0)


def test_an_end_that_was_being_reported_as_its_loop_ended_is_reported_on_the_next_one() -> None:
    shop = Shop(Limits(calls=10, per=5.0, concurrency=1))

    async def give_up() -> None:
        (await shop.governor.acquire(bound=60.0)).abandon(60.0)
        shop.way.state = "away"
        await asyncio.sleep(0.003)  # the request is on its way

    shop.on_a_loop(give_up())
    shop.way.state = "up"

    assert shop.on_a_loop(shop.call()) == pytest.approx(60.0, abs=1.0)


def test_no_timer_is_left_when_the_last_waiter_has_gone() -> None:
    timeline = Timeline()
    governor = Governor(Limits(calls=1, per=5.0), clock=timeline.moment)
    loop = VirtualLoop(timeline)

    async def wait_in_vain() -> int:
        (await governor.acquire()).release()
        waiter = asyncio.create_task(governor.acquire())
        await asyncio.sleep(0.1)
        timers = len(loop.timers())
        waiter.cancel()
        await asyncio.wait([waiter])
        return timers

    try:
        assert loop.run_until_complete(wait_in_vain()) == 1
        assert loop.timers() == []
    finally:
        loop.close()


def test_a_snapshot_between_two_loops_counts_no_waiters_of_the_first() -> None:
    timeline = Timeline()
    governor = Governor(Limits(calls=1, per=5.0), clock=timeline.moment)
    loop = VirtualLoop(timeline)

    async def leave_a_waiter() -> asyncio.Task[Permit]:
        (await governor.acquire()).release()
        waiter = asyncio.create_task(governor.acquire())
        await asyncio.sleep(0.1)
        assert governor.snapshot().waiting == 1
        return waiter

    waiter = loop.run_until_complete(leave_a_waiter())
    loop.close()
    waiter._log_destroy_pending = False  # type: ignore[attr-defined]  # it is left on purpose

    assert governor.snapshot().waiting == 0
    waiter.get_coro().close()
