"""The meter: a first load never takes the feed's share, and waits for the next day once the day is used."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import Governor, Limits
from marketo_async.errors import InvalidRequest
from marketo_async.governor.quota import day_of
from marketo_async.mirror.meter import Allowance, Meter, allowance_of
from marketo_async.mirror.state import DayUse
from tests.mirror.instances import instance

NOON = day_of(1_800_000_000.0)[0] + 43_200.0


class Wall:
    """A wall clock that passes with the loop's virtual time."""

    def __init__(self, start: float = NOON) -> None:
        self.start = start

    def __call__(self) -> float:
        try:
            return self.start + asyncio.get_running_loop().time()
        except RuntimeError:
            return self.start


def _meter(clock: Callable[[], float], **allowance: float) -> tuple[Governor, Meter]:
    governor = Governor(Limits(calls=1_000, per=1.0, daily=10_000), clock=clock)
    return governor, Meter(governor, Allowance(**allowance), clock=clock)  # type: ignore[arg-type]


async def _call(governor: Governor, times: int) -> None:
    for _ in range(times):
        permit = await governor.acquire()
        permit.answered()
        permit.release()


@given(calls=st.integers(1, 100_000), feed=st.floats(0, 10), hours=st.floats(0, 23.9))
def test_the_feed_keeps_what_its_polls_need_but_not_more_than_half(calls: int, feed: float, hours: float) -> None:
    start, end = day_of(NOON)
    now = start + hours * 3_600
    kept = Allowance(calls=calls, feed=feed).kept(now)
    assert 0 <= kept <= calls / 2 * (end - now) / (end - start) + 1
    assert kept <= feed * (end - now) + 1


@pytest.mark.parametrize("wrong", [{"calls": 0}, {"exported": 0}, {"calls": -3}])
def test_an_allowance_is_above_zero(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidRequest):
        Allowance(**wrong)


@pytest.mark.looptime
async def test_calls_count_and_the_day_ends_the_load_until_midnight() -> None:
    wall = Wall()
    governor, meter = _meter(wall, calls=100, feed=0.001)
    kept = meter.allowance.kept(NOON)
    assert kept == 25  # a quarter of the budget is half of what half a day has
    await _call(governor, 70)
    assert meter.use.calls == 70
    assert meter.calls_left == 100 - 70 - kept
    await meter.allow(calls=5)
    assert wall() < day_of(NOON)[1]
    await meter.allow(calls=10)
    assert day_of(NOON)[1] < wall() < day_of(NOON)[1] + 60
    assert meter.use.calls == 0


@pytest.mark.looptime
async def test_bytes_count_and_an_export_waits_for_the_next_day() -> None:
    wall = Wall()
    _, meter = _meter(wall, exported=1_000)
    await meter.allow(exported=600)
    meter.export(600)
    assert meter.bytes_left == 400
    await meter.allow(exported=400)
    assert wall() == pytest.approx(NOON, abs=1)
    await meter.allow(exported=401)
    assert wall() > day_of(NOON)[1]
    assert meter.bytes_left == 1_000


@pytest.mark.looptime
async def test_an_export_above_the_whole_day_waits_for_a_day_of_its_own() -> None:
    wall = Wall()
    _, meter = _meter(wall, exported=1_000)
    meter.export(1)
    await meter.allow(exported=5_000)
    assert wall() > day_of(NOON)[1]


async def test_what_earlier_runs_used_today_counts() -> None:
    governor = Governor(clock=lambda: NOON)
    use = DayUse(day_of(NOON)[0], 30, 7)
    today = Meter(governor, Allowance(calls=100), use=use, clock=lambda: NOON)
    assert today.use == use
    later = Meter(governor, Allowance(calls=100), use=use, clock=lambda: NOON + 86_400)
    assert later.use == DayUse(day_of(NOON)[0] + 86_400)


async def test_an_allowance_is_the_users_or_the_instances() -> None:
    async with instance(limits=Limits(daily=7_000)) as (_, marketo):
        assert allowance_of(marketo, calls=None, exported=None, feed=0.0).calls == 7_000
        assert allowance_of(marketo, calls=9, exported=8, feed=0.0) == Allowance(calls=9, exported=8)
