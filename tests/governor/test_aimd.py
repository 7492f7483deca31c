"""Beside neighbours: what a refusal does to a share, how it grows again, and which shares strangers come to."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from math import inf
from statistics import median

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.governor import Governor, Limits
from marketo_async.governor.aimd import Share
from marketo_async.governor.limiter import Limiter
from tests.governor.instance import Instance, in_virtual_time

PER, CLAIM = 20.0, 0.35


def refused(share: Share, now: float, in_use: int | None = None) -> int:
    """Refuse at ``now``, with the whole share in use unless ``in_use`` says otherwise; return what may be used then."""
    share.refused(now, share.available(now) if in_use is None else in_use, claim=CLAIM)
    return share.available(now)


def growths(share: Share, since: float, until: float) -> list[tuple[float, int]]:
    """Return when the share grows, and what it grows to."""
    seen, now = [], since
    while (wait := share.next_growth(now)) < inf and now + wait <= until:
        now += wait
        seen.append((round(now, 3), share.available(now)))
    return seen


@pytest.mark.parametrize("in_use", [0, 1, 34, 36, 100])
def test_the_first_refusal_leaves_a_claim_whatever_was_in_use(in_use: int) -> None:
    share = Share(100, interval=PER)
    assert refused(share, 0.0, in_use) == 35


def test_one_stray_refusal_is_forgotten_after_five_intervals() -> None:
    share = Share(100, interval=PER)
    refused(share, 0.0)
    assert growths(share, 0.0, 1000.0) == [(20.0, 40), (40.0, 50), (60.0, 70), (80.0, 100)]
    assert share.next_growth(80.0) == inf
    assert refused(share, 99.0) == 70  # it has been whole for less than an interval: this was a probe
    share = Share(100, interval=PER)
    refused(share, 0.0)
    assert refused(share, 101.0) == 35


def test_a_probe_that_is_refused_returns_and_the_next_one_waits_four_times_as_long() -> None:
    share = Share(100, interval=PER)
    refused(share, 0.0)
    assert refused(share, 20.0) == 35  # of 40
    moment, holds = 20.0, []
    for _ in range(4):
        holds.append(share.next_growth(moment))
        moment += holds[-1]
        assert share.available(moment) == 36
        assert refused(share, moment) == 35
    assert holds == [4 * PER, 16 * PER, 18 * PER, 18 * PER]


def test_a_share_that_passed_its_ceiling_probes_soon_again() -> None:
    share = Share(100, interval=PER)
    refused(share, 0.0)
    refused(share, 20.0)  # the next hold is of four intervals
    steps = growths(share, 20.0, 200.0)
    assert steps == [(100.0, 36), (120.0, 38), (140.0, 42), (160.0, 50), (180.0, 66), (200.0, 98)]
    assert refused(share, 200.0) == 66
    assert share.next_growth(200.0) == pytest.approx(PER)


def test_a_refusal_without_growth_shrinks_the_share_gently_down_to_its_floor() -> None:
    share = Share(100, interval=PER)
    sizes = [refused(share, 20.0 * number - 0.1 * number) for number in range(80)]
    assert sizes[:4] == [35, 33, 31, 30]
    assert sizes[-1] == 5


def test_a_refusal_without_growth_ends_a_long_hold() -> None:
    share = Share(100, interval=PER)
    refused(share, 0.0)
    refused(share, 20.0)
    assert share.next_growth(40.0) == pytest.approx(3 * PER)
    assert refused(share, 40.0) == 33
    assert share.next_growth(40.0) == pytest.approx(PER)


@pytest.mark.parametrize(("in_use", "left"), [(99, 35), (36, 35), (35, 33), (34, 33), (33, 35), (1, 35)])
def test_within_an_interval_a_refusal_counts_only_at_the_share_itself(in_use: int, left: int) -> None:
    share = Share(100, interval=PER)
    refused(share, 0.0)
    assert refused(share, 1.0, in_use) == left


def test_a_hold_postpones_growth_and_changes_nothing_else() -> None:
    share = Share(100, interval=PER)
    share.hold(3.0)
    assert share.next_growth(3.0) == inf
    refused(share, 0.0)
    share.hold(15.0)
    assert growths(share, 15.0, 60.0) == [(35.0, 40), (55.0, 50)]


@given(
    whole=st.integers(1, 400),
    events=st.lists(
        st.tuples(st.sampled_from([0.0, 0.3, 5.0, 19.9, 20.0, 61.0, 400.0]), st.integers(0, 400), st.booleans())
    ),
)
def test_any_history_keeps_a_share_within_its_bounds_and_ends_in_the_whole(
    whole: int, events: list[tuple[float, int, bool]]
) -> None:
    share, now = Share(whole, interval=PER), 0.0
    for pause, in_use, hold in events:
        now += pause
        before = share.available(now)
        if hold:
            share.hold(now)
            assert share.available(now) == before
        else:
            share.refused(now, in_use, claim=CLAIM)
        assert max(1, whole // 20) <= share.available(now) <= before <= whole
        assert share.next_growth(now) > 0.0
    assert share.available(now + 27 * PER) == whole  # 9 minutes of a window of 20 s, at the most


def test_a_refusal_pauses_everyone_and_a_615_holds_the_share_of_the_window_too() -> None:
    limiter = Limiter.of(Limits())
    limiter.crowded(0.0)
    assert limiter.wait(0.0) == pytest.approx(1.0)
    assert (limiter.use(0.0, 0.0).window_share, limiter.use(0.0, 0.0).slot_share) == (100, 1)
    limiter.throttled(1.0, scatter=1.0)
    assert limiter.wait(1.0) == pytest.approx(1.5)
    assert limiter.refusals == 2
    limiter.crowded(15.0)
    assert limiter.use(34.0, 34.0).window_share == 35
    assert limiter.use(35.0, 35.0).window_share == 40


def test_a_state_of_the_rule_before_is_read_and_grows() -> None:
    """It knew only what was missing, and two moments."""
    old = {"whole": 100, "interval": PER, "_missing": 51.0, "_grown_at": 7.0, "_shrunk_at": 7.0}
    share = msgspec.convert(old, Share)
    assert [size for _, size in growths(share, 7.0, 1000.0)] == [50, 52, 56, 64, 80, 100]
    assert refused(msgspec.convert(old, Share), 26.0) == 46


class Client:
    """One client of an instance: what its calls came to."""

    def __init__(self, seed: int) -> None:
        self.governor = Governor(rng=random.Random(seed))
        self.answers: list[tuple[float, str]] = []

    def codes(self, since: float) -> Counter[str]:
        """Count its answers since a moment, by code; successes have none."""
        return Counter(code for moment, code in self.answers if moment >= since)


async def _call(instance: Instance, rng: random.Random) -> str:
    await asyncio.sleep(rng.uniform(0.02, 0.08))
    code = await instance.serve(rng.uniform(0.2, 0.6))
    await asyncio.sleep(rng.uniform(0.02, 0.08))
    return code


async def _insist(client: Client, instance: Instance, rng: random.Random, since: float, until: float) -> None:
    """Call as a session does: a refusal is reported before the permit ends."""
    loop, governor = asyncio.get_running_loop(), client.governor
    await asyncio.sleep(since)
    while loop.time() < until:
        permit = await governor.acquire()
        code = await _call(instance, rng)
        if code == "606":
            governor.throttled()
        elif code == "615":
            governor.crowded()
        permit.release()
        client.answers.append((loop.time(), code))
        if code == "615":
            await asyncio.sleep(rng.uniform(0, 0.5))


async def _burst(instance: Instance, rng: random.Random, until: float, answers: list[tuple[float, str]]) -> None:
    """Make 60 calls every 40 s, ten at a time, and repeat none."""
    loop = asyncio.get_running_loop()
    while loop.time() + 40.0 < until:
        await asyncio.sleep(40.0)
        slots = asyncio.Semaphore(10)

        async def one(slots: asyncio.Semaphore = slots) -> None:
            async with slots:
                code = await _call(instance, rng)
            answers.append((loop.time(), code))

        await asyncio.gather(*(one() for _ in range(60)))


def beside_bursts(seed: int, seconds: float, *, leaves: float) -> tuple[Client, Counter[str], float]:
    """Run one client beside a neighbour that leaves; return both sides' second half, and when the share was whole."""
    instance, theirs = Instance(100, PER, 10, refuses=True), list[tuple[float, str]]()
    client = Client(seed)
    whole_at = inf

    async def watch() -> None:
        nonlocal whole_at
        loop = asyncio.get_running_loop()
        while loop.time() < seconds:
            await asyncio.sleep(1.0)
            seen = client.governor.snapshot()
            if (seen.window_share, seen.slot_share) != (100, 10):
                whole_at = inf
            elif whole_at == inf:
                whole_at = loop.time()

    async def main() -> None:
        calls = [_insist(client, instance, random.Random(100 * seed + worker), 0.0, seconds) for worker in range(12)]
        await asyncio.gather(*calls, _burst(instance, random.Random(seed + 7), leaves, theirs), watch())

    in_virtual_time(main())
    return client, Counter(code for moment, code in theirs if moment >= seconds / 2), whole_at


@pytest.mark.slow
def test_beside_bursts_a_client_keeps_its_part_and_spares_its_neighbour() -> None:
    """The bound is 40 calls per window beside bursts of 60: less than 2 a second. All counts are of the second half."""
    seconds = 400.0
    runs = [beside_bursts(seed, seconds, leaves=seconds) for seed in range(3)]
    ours = [client.codes(seconds / 2) for client, _, _ in runs]
    assert median(codes[""] for codes in ours) / (seconds / 2) >= 1.85
    assert all((codes["606"] + codes["615"]) / codes.total() <= 0.03 for codes in ours)
    theirs = sum((codes for _, codes, _ in runs), Counter[str]())
    assert theirs["606"] == 0
    assert theirs["615"] / theirs.total() <= 0.1


@pytest.mark.slow
def test_the_whole_instance_is_usable_again_minutes_after_the_neighbour_has_left() -> None:
    left = 440.0
    client, _, whole_at = beside_bursts(1, 1000.0, leaves=left - 43.0)
    assert whole_at < left + 27 * PER
    settled = client.codes(whole_at + PER)
    assert set(settled) == {""}
    assert settled[""] / (1000.0 - whole_at - PER) > 4.7  # calls a second, of 5


@pytest.mark.slow
@pytest.mark.parametrize("apart", [0.0, 7.0])
def test_strangers_come_to_fair_shares_within_90_seconds_and_are_seldom_refused(apart: float) -> None:
    seconds, instance = 400.0, Instance(100, PER, 10, refuses=True)
    clients = [Client(number) for number in range(3)]

    async def main() -> None:
        tasks = [
            _insist(client, instance, random.Random(100 * number + worker), apart * number, seconds)
            for number, client in enumerate(clients)
            for worker in range(12)
        ]
        await asyncio.gather(*tasks)

    in_virtual_time(main())

    def between(since: float, until: float) -> Sequence[int]:
        return [sum(since <= moment < until and not code for moment, code in client.answers) for client in clients]

    assert _fairness(between(30.0, 90.0)) >= 0.95
    assert _fairness(between(seconds / 2, seconds)) >= 0.97
    assert sum(instance.refused.values()) / len(instance.arrivals) < 0.12
    assert sum(between(seconds / 2, seconds)) / (seconds / 2) > 4.0  # calls a second, of 5 that the instance allows


def _fairness(shares: Sequence[int]) -> float:
    """Jain's index: 1 for equal shares."""
    return float(sum(shares) ** 2 / (len(shares) * sum(share * share for share in shares)))
