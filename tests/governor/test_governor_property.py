"""The governor against a model instance: random latency, jitter, cancellation, failure, answers out of order.

The instance judges, by its own arrival times. Time is virtual, so an hour of calls takes a second. Every property holds
for a governor on its own, and for one on each kind of store.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Priority
from marketo_async.governor.window import DRIFT
from tests.governor.instance import Instance, Weather, in_virtual_time
from tests.governor.shared_limiters import Decide, deciding, governor_of

PARTS = {"memory": 1, "class": 15, "sqlite": 15, "valkey": 15}
LATE = 0.3  # seconds that a call may wait longer where a store is asked for it: trips, and looking again for a slot


def on_every_store(*, examples: int, **drawn: st.SearchStrategy[object]) -> Callable[[Callable[..., None]], object]:
    """Check a property for every store, with fewer examples where each costs more."""

    def checked(holds: Callable[..., None]) -> object:
        @pytest.mark.parametrize(("store", "part"), PARTS.items())
        def test(store: str, part: int) -> None:
            given_these = given(store=st.just(store), **drawn)(holds)
            settings(deadline=None, max_examples=max(4, examples // part))(given_these)()

        return test

    return checked


@contextmanager
def decided(store: str) -> Iterator[Decide | None]:
    """Give what decides, nothing where it is the governor itself."""
    if store == "memory":
        yield None
    else:
        with deciding(store) as decide:
            yield decide


async def _exchange(governor: Governor, instance: Instance, weather: Weather, failing: float) -> str:
    """Do what a session does with a permit: send, be counted, be answered, read; or fail on the way."""
    permit = await governor.acquire(weather.rng.choice(list(Priority)))

    async def wire() -> str:
        fate = weather.rng.random()
        if fate < failing / 3:
            await asyncio.sleep(weather.delay())
            permit.unsent()
            return "unsent"
        await asyncio.sleep(weather.delay())
        await instance.serve(weather.delay())
        await asyncio.sleep(weather.delay())
        if fate < failing:
            permit.release(counted=weather.rng.random() < 0.5)
            return "lost"
        permit.answered()
        await asyncio.sleep(weather.delay())
        permit.release()
        return "done"

    task = asyncio.ensure_future(wire())
    exchanges.add(task)
    task.add_done_callback(exchanges.discard)
    return await asyncio.shield(task)


exchanges: set[asyncio.Future[str]] = set()


@on_every_store(
    examples=60,
    seed=st.integers(0, 2**32),
    places=st.integers(1, 12),
    slots=st.integers(1, 6),
    tasks=st.integers(1, 90),
    longest=st.sampled_from([0.0, 0.3, 2.0, 12.0]),
    cancelling=st.sampled_from([0.0, 0.0, 0.4]),
    failing=st.sampled_from([0.0, 0.3]),
    burst=st.sampled_from([None, None, 1]),
)
def test_never_refused_nothing_lost_nobody_starved(
    store: str,
    seed: int,
    places: int,
    slots: int,
    tasks: int,
    longest: float,
    cancelling: float,
    failing: float,
    burst: int | None,
) -> None:
    rng = random.Random(seed)
    per = 5.0
    instance = Instance(places, per, slots)
    weather = Weather(rng, longest)
    limits = Limits(calls=places, per=per, concurrency=slots, burst=burst)

    async def main(governor: Governor) -> float:
        loop = asyncio.get_running_loop()
        callers = [asyncio.create_task(_exchange(governor, instance, weather, failing)) for _ in range(tasks)]
        for caller in callers:
            if rng.random() < cancelling:
                loop.call_later(rng.uniform(0, 20), caller.cancel)
        results = await asyncio.gather(*callers, return_exceptions=True)
        while exchanges:  # what cancelled callers left behind runs to its end
            await asyncio.wait(exchanges)
        assert all(isinstance(result, (str, asyncio.CancelledError)) for result in results)
        assert cancelling or all(isinstance(result, str) for result in results)
        took = loop.time()
        await governor.flush()
        return took

    async def shared(decide: Decide | None) -> tuple[float, Governor]:
        governor = governor_of(decide, limits, rng)
        return await main(governor), governor

    with decided(store) as decide:
        took, governor = in_virtual_time(shared(decide))
    assert instance.peak_window <= places
    assert instance.peak_running <= slots
    snapshot = governor.snapshot()
    assert (snapshot.in_flight, snapshot.waiting) == (0, 0)
    assert snapshot.used_today <= tasks
    # Nothing was lost: with every permit in use the work ends in time, whatever was cancelled or failed before.
    slowest = 4 * longest
    rounds = ceil(tasks / min(places, slots)) * slowest + ceil(tasks / places) * (per * (1 + DRIFT) + slowest)
    asking = 0.0 if store == "memory" else tasks * LATE
    assert took <= rounds + (tasks * per / places if burst else 0) + 1 + asking


@on_every_store(examples=25, seed=st.integers(0, 2**32), latency=st.floats(0.0, 1.0))
def test_at_the_limit_the_pace_is_the_bound(store: str, seed: int, latency: float) -> None:
    """A full load takes the window's places as soon as they are free: only the latency itself is lost."""
    rng = random.Random(seed)
    instance = Instance(20, 4.0, 10)
    calls = 100

    async def call(governor: Governor) -> None:
        permit = await governor.acquire()
        await instance.serve(latency * rng.uniform(0.5, 1.5))
        permit.release()

    async def main(decide: Decide | None) -> float:
        governor = governor_of(decide, Limits(calls=20, per=4.0, concurrency=10), rng)
        await asyncio.gather(*(call(governor) for _ in range(calls)))
        return asyncio.get_running_loop().time()

    with decided(store) as decide:
        took = in_virtual_time(main(decide))
    assert instance.peak_window == 20
    rounds = calls / 20 - 1
    concurrency = 2 * 1.5 * latency  # a window's twenty calls go ten at a time
    trips = 0.0 if store == "memory" else calls * 0.02  # one an admission; the head's next one follows the last
    assert took <= rounds * (4.0 * (1 + DRIFT) + concurrency) + concurrency + 0.01 + trips


@on_every_store(examples=30, seed=st.integers(0, 2**32))
def test_order_is_kept_within_a_priority_under_any_load(store: str, seed: int) -> None:
    rng = random.Random(seed)
    limits = Limits(calls=rng.randint(1, 8), per=3.0, concurrency=rng.randint(1, 4))
    asked: dict[Priority, list[int]] = {priority: [] for priority in Priority}
    served: dict[Priority, list[int]] = {priority: [] for priority in Priority}

    async def call(governor: Governor, number: int) -> None:
        await asyncio.sleep(rng.uniform(0, 30))
        priority = rng.choice(list(Priority))
        asked[priority].append(number)
        permit = await governor.acquire(priority)
        served[priority].append(number)
        await asyncio.sleep(rng.uniform(0, 2))
        permit.release()

    async def main(decide: Decide | None) -> None:
        governor = governor_of(decide, limits, rng)
        await asyncio.gather(*(call(governor, number) for number in range(60)))

    with decided(store) as decide:
        in_virtual_time(main(decide))
    assert served == asked
