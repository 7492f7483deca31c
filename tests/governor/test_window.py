"""The window's rule, judged without a loop: every order of events that an instance could see."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async.governor.window import DRIFT, Window

calls = st.lists(
    st.tuples(
        st.floats(0, 5),  # idle before asking
        st.floats(0, 3),  # latency until Marketo counts it
        st.floats(0, 3),  # latency until its answer begins
        st.sampled_from(["answered", "answered", "answered", "unsent"]),
    ),
    min_size=1,
    max_size=60,
)


def worst_window(arrivals: list[float], per: float) -> int:
    return max((sum(start < a <= end for a in arrivals) for end in arrivals for start in [end - per]), default=0)


@settings(deadline=None, max_examples=300)
@given(places=st.integers(1, 6), per=st.floats(0.5, 4), drawn=calls, fast=st.floats(0, DRIFT * 0.99))
def test_no_window_holds_more_than_its_places(
    places: int, per: float, drawn: list[tuple[float, float, float, str]], fast: float
) -> None:
    """Asks as soon as it may, with answers in any order, on a clock that runs fast by up to the tolerated drift."""
    window = Window(per)
    now = 0.0
    arrivals: list[float] = []
    ends: list[tuple[float, str]] = []  # of calls under way, by their moment
    for idle, out, back, kind in drawn:
        now += idle
        while True:
            for end, what in sorted(e for e in ends if e[0] <= now):
                ends.remove((end, what))
                if what == "unsent":
                    window.give_back()
                else:
                    window.answered(end)
            wait = window.wait(now, places)
            if wait == 0.0:
                break
            now = min([now + wait, *(end for end, _ in ends)])
        window.take()
        if kind == "answered":
            arrivals.append(now + out)
        ends.append((now + out + back, kind))
    # The instance's clock is the slower one: between two of our readings it saw less time go by.
    seen = [arrival * (1 - fast) for arrival in arrivals]
    assert worst_window(seen, per * (1 - 1e-12)) <= places


def test_a_call_under_way_holds_its_place_without_end() -> None:
    window = Window(20.0)
    window.take()
    assert window.wait(1e9, 1) == inf
    window.answered(1e9)
    assert window.wait(1e9, 1) == pytest.approx(20.0 * (1 + DRIFT))
    assert window.wait(1e9 + 20.0 * (1 + DRIFT), 1) == 0.0


def test_an_unsent_call_gives_its_place_back_at_once() -> None:
    window = Window(20.0)
    window.take()
    window.give_back()
    assert window.used(0.0) == 0
    assert window.wait(0.0, 1) == 0.0


def test_the_wait_is_for_as_many_places_as_are_too_many() -> None:
    window = Window(10.0)
    for moment in (1.0, 2.0, 3.0):
        window.take()
        window.answered(moment)
    keep = 10.0 * (1 + DRIFT)
    assert window.wait(4.0, 3) == pytest.approx(1.0 + keep - 4.0)
    assert window.wait(4.0, 1) == pytest.approx(3.0 + keep - 4.0)  # a share that shrank to one place
