"""Living with neighbours: shrink once a window, grow step by step, and come to fair shares."""

from __future__ import annotations

import asyncio
import random

import pytest

from marketo_async.governor import Governor, Limits
from marketo_async.governor.aimd import Share
from marketo_async.governor.limiter import Limiter
from tests.governor.instance import Instance, in_virtual_time


def test_shrinks_to_a_part_of_what_was_in_use_and_grows_back() -> None:
    share = Share(100, interval=20.0)
    share.refused(0.0, in_use=60)
    assert share.available(0.0) == 42
    assert share.next_growth(5.0) == pytest.approx(15.0)
    assert share.available(20.0) == 44
    assert share.available(20.0 * 10) == 67
    assert share.available(20.0 * 100) == 100
    assert share.next_growth(20.0 * 100) == float("inf")


def test_one_crowded_moment_counts_once() -> None:
    share = Share(100, interval=20.0)
    for moment in (0.0, 0.1, 5.0, 19.9):
        share.refused(moment, in_use=100)
    assert share.available(19.9) == 70
    share.refused(20.0, in_use=70)
    assert share.available(20.0) == 49


def test_a_newcomer_keeps_a_claim_that_further_refusals_shrink() -> None:
    share = Share(100, interval=20.0)
    share.refused(0.0, in_use=1)
    assert share.available(0.0) == 21
    share.refused(20.0, in_use=1)
    assert share.available(20.0) == 14


def test_never_shrinks_to_nothing() -> None:
    share = Share(100, interval=20.0)
    for n in range(50):
        share.refused(n * 20.0, in_use=1)
    assert share.available(49 * 20.0) == 5


def test_a_606_pauses_everyone_and_a_615_does_not() -> None:
    limiter = Limiter.of(Limits())
    limiter.crowded(0.0)
    assert limiter.wait(0.0) == 0.0
    limiter.throttled(0.0, scatter=0.5)
    assert limiter.wait(0.0) == pytest.approx(1.0)
    assert limiter.wait(1.0) == 0.0
    assert limiter.refusals == 2


async def _insist(governor: Governor, instance: Instance, rng: random.Random, until: float, done: list[float]) -> None:
    """Keep calling as a session would, telling the governor of refusals."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        permit = await governor.acquire()
        await asyncio.sleep(rng.uniform(0.02, 0.08))
        code = await instance.serve(rng.uniform(0.2, 0.6))
        permit.release()
        if code == "606":
            governor.throttled()
        elif code == "615":
            governor.crowded()
            await asyncio.sleep(rng.uniform(0, 0.5))
        else:
            done.append(loop.time())


def test_three_strangers_share_an_instance_fairly_and_are_seldom_refused() -> None:
    seconds = 400.0
    instance = Instance(100, 20.0, 10, refuses=True)
    done: list[list[float]] = [[], [], []]

    async def main() -> None:
        tasks = [
            _insist(governor, instance, random.Random(100 * number + worker), seconds, done[number])
            for number in range(3)
            for governor in [Governor(rng=random.Random(number))]
            for worker in range(12)
        ]
        await asyncio.gather(*tasks)

    in_virtual_time(main())
    settled = [sum(moment > seconds / 2 for moment in moments) for moments in done]
    fairness = sum(settled) ** 2 / (3 * sum(n * n for n in settled))
    refused = sum(instance.refused.values()) / len(instance.arrivals)
    assert fairness > 0.9
    assert refused < 0.12
    assert sum(settled) / (seconds / 2) > 4.0  # calls a second, of 5 that the instance allows
