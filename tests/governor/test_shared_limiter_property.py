"""Many workers of one store, judged by the instance: workers that die, are stopped, or are cut off from the store.

Time is virtual. A worker is a governor with a store of its own on what decides for all. What it has sent goes on to the
instance whatever becomes of the worker.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Priority
from marketo_async.errors import StoreUnavailable
from marketo_async.governor.window import DRIFT
from tests.governor.instance import Instance, Weather, in_virtual_time
from tests.governor.shared_limiters import Decide, VirtualStore, deciding

PER = 5.0
LEASE = 4.0


class Worker:
    """One process: its governor, its way to the store, and whether it runs."""

    def __init__(self, store: VirtualStore, limits: Limits, instance: Instance, weather: Weather) -> None:
        self.store = store
        self.governor = Governor(limits, store=store, rng=weather.rng)
        self.instance = instance
        self.weather = weather
        self.done = 0
        self.tasks: list[asyncio.Task[None]] = []
        self.wire: set[asyncio.Task[None]] = set()

    def start(self, calls: int) -> None:
        self.tasks = [asyncio.create_task(self._call()) for _ in range(calls)]

    def kill(self) -> None:
        """Stop for good, telling nobody."""
        self.store.dead = True
        for task in self.tasks:
            task.cancel()

    async def stop(self, seconds: float) -> None:
        """Do nothing at all for a while."""
        self.store.open.clear()
        await asyncio.sleep(seconds)
        self.store.open.set()

    async def _call(self) -> None:
        while True:
            try:
                permit = await self.governor.acquire(self.weather.rng.choice(list(Priority)))
            except StoreUnavailable:
                await asyncio.sleep(0.1)
                continue
            if self.weather.rng.random() < 0.2:
                await asyncio.sleep(self.weather.delay())  # for a token, say
            await self.store.open.wait()
            if not permit.lapsed:
                break
            permit.unsent()
        sent = self._launch(self._travel())
        await asyncio.shield(sent)
        await self.store.open.wait()
        permit.answered()
        await asyncio.sleep(self.weather.delay())
        await self.store.open.wait()
        permit.release()
        self.done += 1

    def _launch(self, travel: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(travel)
        self.wire.add(task)
        task.add_done_callback(self.wire.discard)
        return task

    async def _travel(self) -> None:
        await asyncio.sleep(self.weather.delay())
        await self.instance.serve(self.weather.delay())


def many_workers(
    store: str,
    seed: int,
    places: int,
    slots: int,
    sizes: list[int],
    dying: float,
    stopping: float,
    losing: float,
    rate: float,
) -> None:
    rng = random.Random(seed)
    instance = Instance(places, PER, slots)
    weather = Weather(rng, LEASE / 4)  # out and served within half a lease, as the slots of the dead ask for
    limits = Limits(calls=places, per=PER, concurrency=slots)

    async def main(decide: Decide) -> float:
        loop = asyncio.get_running_loop()
        workers = [
            Worker(VirtualStore(decide, rng, lease=LEASE, losing=losing, rate=rate), limits, instance, weather)
            for _ in sizes
        ]
        mortal = [worker for worker in workers[1:] if rng.random() < dying]
        for worker, size in zip(workers, sizes, strict=True):
            worker.start(size)
        for worker in mortal:
            loop.call_later(rng.uniform(0, 2 * PER), worker.kill)
        stops = [
            asyncio.create_task(_later(rng.uniform(0, 2 * PER), worker.stop(rng.uniform(0, 2 * LEASE))))
            for worker in workers
            if worker not in mortal and rng.random() < stopping
        ]
        living = [worker for worker in workers if worker not in mortal]
        for worker, size in zip(workers, sizes, strict=True):
            if worker in living:
                await asyncio.gather(*worker.tasks)
                assert worker.done == size
        took = loop.time()
        await asyncio.gather(*stops)
        for worker in living:
            await worker.governor.flush()
        await asyncio.sleep(2 * PER + LEASE + 1)  # until all who are to die are dead, and their leases have ended
        permit = await _insist(living[0].governor)
        assert living[0].governor.snapshot().in_flight == 1, "nobody holds a slot any more"
        permit.unsent()
        return took

    with deciding(store) as decide:
        took = in_virtual_time(main(decide))
    assert instance.peak_window <= places
    assert instance.peak_running <= slots
    calls, longest = sum(sizes), 4 * weather.longest
    rounds = ceil(calls / min(places, slots)) * longest + ceil(calls / places) * (PER * (1 + DRIFT) + longest)
    mishaps = len(sizes) * (2 * LEASE + PER)
    assert took <= rounds + calls * (0.6 + 20 * losing) + mishaps + 1


async def _later(seconds: float, then: Coroutine[Any, Any, None]) -> None:
    await asyncio.sleep(seconds)
    await then


async def _insist(governor: Governor) -> Any:
    while True:
        try:
            return await governor.acquire()
        except StoreUnavailable:
            await asyncio.sleep(0.1)


@pytest.mark.parametrize(("store", "examples"), [("class", 20), ("sqlite", 3), ("valkey", 3)])
def test_no_window_overflows_whoever_dies_is_stopped_or_cut_off(store: str, examples: int) -> None:
    held = given(
        store=st.just(store),
        seed=st.integers(0, 2**32),
        places=st.integers(2, 12),
        slots=st.integers(1, 6),
        sizes=st.lists(st.integers(1, 8), min_size=1, max_size=4),
        dying=st.sampled_from([0.0, 0.5, 1.0]),
        stopping=st.sampled_from([0.0, 0.5, 1.0]),
        losing=st.sampled_from([0.0, 0.0, 0.1]),
        rate=st.sampled_from([0.0, -0.01, 0.9 * DRIFT]),
    )(many_workers)
    settings(deadline=None, max_examples=examples)(held)()
