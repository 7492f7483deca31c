"""What benchmarks count with: rolling windows, fairness, paired ratios, and the server stand-in itself."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.instance import Instance, Road, course, in_virtual_time, jain, rolling
from benchmarks.limits import governed, leaky
from benchmarks.neighbours import LOOK, Client, Shared
from benchmarks.report import at_most, over_repeats, ratio_at_most
from marketo_async import Limits

MOMENTS = st.lists(st.integers(0, 200), max_size=60).map(sorted)


@given(moments=MOMENTS, per=st.integers(1, 50))
def test_the_rolling_count_is_that_of_every_window(moments: list[int], per: int) -> None:
    counted = rolling(moments, per)
    # Calls of one moment are counted as they come, so the last of them sees its whole window.
    held = dict(counted)
    assert held == {moment: sum(moment - per < other <= moment for other in moments) for moment in moments}
    assert [moment for moment, _ in counted] == moments


@given(moments=MOMENTS, per=st.integers(1, 50))
def test_a_course_counts_the_window_that_ends_at_each_point(moments: list[int], per: int) -> None:
    xs, ys = course(moments, per, 5.0, 220.0)
    assert (xs[0], xs[-1], len(xs)) == (0.0, 220.0, 45)
    assert ys == [sum(x - per < moment <= x for moment in moments) for x in xs]


def test_fairness_is_1_for_equals_and_a_share_for_one_that_has_it_all() -> None:
    assert jain([5, 5, 5]) == pytest.approx(1.0)
    assert jain([9, 0, 0]) == pytest.approx(1 / 3)
    assert jain([2, 1]) == pytest.approx(9 / 10)
    assert jain([0, 0]) == 1.0


@given(shares=st.lists(st.floats(0.1, 100), min_size=1, max_size=8), factor=st.floats(0.5, 50))
def test_fairness_does_not_depend_on_scale(shares: list[float], factor: float) -> None:
    assert jain([share * factor for share in shares]) == pytest.approx(jain(shares))
    assert 1 / len(shares) - 1e-9 <= jain(shares) <= 1 + 1e-9


def test_ratios_are_paired_round_by_round() -> None:
    """The machine halved its speed in the third round: of both alike."""
    figure = ratio_at_most("cost", [1.2, 1.3, 2.4, 1.1], [1.0, 1.0, 2.0, 1.0], 1.3)
    assert figure.value == pytest.approx(1.2)
    assert figure.spread == (1.2, 1.2)
    assert figure.met
    with pytest.raises(ValueError, match="shorter"):
        ratio_at_most("cost", [1.0, 1.0], [1.0], 1.3)


def test_the_spread_of_few_repeats_is_all_of_them() -> None:
    figure = at_most("time", 2.0, 3.0)
    assert over_repeats(figure, [3.0, 1.0, 2.0]).spread == (1.0, 3.0)
    assert over_repeats(figure, [5.0, 1.0, 2.0, 3.0, 9.0, 4.0, 6.0, 0.0]).spread == (2.0, 5.0)


def test_the_stand_in_refuses_beyond_its_limits_and_counts_what_it_refuses() -> None:
    async def main() -> tuple[list[str], Instance]:
        instance = Instance(Limits(calls=3, per=10.0, concurrency=2))
        crowd = await asyncio.gather(*(instance.serve(1.0) for _ in range(4)))
        await asyncio.sleep(8.0)  # at 9 s the four of the first moment are still counted, two of them refused
        crowd.append(await instance.serve(1.0))
        await asyncio.sleep(1.5)  # at 10.5 s only the one of 9 s is
        crowd.append(await instance.serve(1.0))
        return crowd, instance

    crowd, instance = in_virtual_time(main())
    assert crowd == ["", "", "615", "606", "606", ""]
    assert instance.refused == {"615": 1, "606": 2}
    assert (instance.peak_window, instance.most_in_flight, len(instance.accepted)) == (5, 2, 3)


def test_a_road_takes_its_latency_in_the_mean_and_arrives_within_it() -> None:
    async def main() -> tuple[float, list[float]]:
        loop = asyncio.get_running_loop()
        instance = Instance(Limits(calls=1000))
        road, started = Road(instance, 0.5, seed=1), loop.time()
        for _ in range(200):
            await road.call()
        return (loop.time() - started) / 200, instance.arrivals

    mean, arrivals = in_virtual_time(main())
    assert mean == pytest.approx(0.5, rel=0.03)
    assert 0 < arrivals[0] < 0.2


def test_the_stand_in_tells_a_governor_from_a_leaky_bucket() -> None:
    """If it could not, its refusals and peaks would mean nothing."""
    ours, theirs = in_virtual_time(governed(0.25, 220)).instance, in_virtual_time(leaky(0.25, 19.0)).instance
    assert (ours.refused.total(), ours.peak_window) == (0, 100)
    assert theirs.refused.total() > 0
    assert theirs.peak_window > 150


def test_shares_are_fair_after_the_first_minute_that_was() -> None:
    late = Client(done=[moment * 1.0 for moment in range(60, 300)])
    steady = Client(done=[moment * 1.0 for moment in range(300)], refusals=[(1.0, "606")] * 60)
    shared = Shared([steady, late], 300.0)
    assert shared.refused == pytest.approx(10.0)
    assert shared.pace == pytest.approx(2.0)
    first = shared.fair_after()
    assert jain(shared.shares(first - LOOK, first)) >= 0.95 > jain(shared.shares(first - LOOK - 5, first - 5))
    assert Shared([steady, Client()], 300.0).fair_after() == 300.0
