"""The bound: arithmetic that a schedule drawn by hand agrees with."""

from __future__ import annotations

import pytest

from marketo_async import Limits
from marketo_async.cli.least_time import LeastTime


@pytest.mark.parametrize(
    ("calls", "latency", "seconds"),
    [
        (0, 0.5, 0.0),
        (1, 0.5, 0.5),
        (10, 0.5, 0.5),
        (100, 0.5, 5.0),
        (101, 0.5, 20.5),
        (200, 0.5, 25.0),
        (201, 0.5, 40.5),
        (200, 3.0, 60.0),
        (101, 2.5, 25.25),
        (1_000, 0.0, 180.0),
    ],
)
def test_the_least_time(calls: int, latency: float, seconds: float) -> None:
    assert LeastTime(calls=calls, latency=latency, limits=Limits()).seconds == pytest.approx(seconds)


def test_it_fits_in_one_line() -> None:
    assert str(LeastTime(calls=200, latency=0.5, limits=Limits())) == (
        "200 calls take at least 25.00 s: 20 s of window, then the last 100, 10 at once, 0.5 s each"
    )
    assert str(LeastTime(calls=100, latency=0.5, limits=Limits())) == (
        "100 calls take at least 5.00 s: 10 at once, 0.5 s each"
    )
    assert str(LeastTime(calls=200, latency=3.0, limits=Limits())) == (
        "200 calls take at least 60.00 s: 10 at once, 3 s each"
    )


@pytest.mark.parametrize("calls", [1, 9, 99, 100, 101, 250, 730])
@pytest.mark.parametrize("latency", [0.1, 0.5, 1.9, 2.1, 5.0])
def test_no_schedule_is_faster(calls: int, latency: float) -> None:
    """Start every call as soon as the limits let it: the last ends at the bound, or behind it."""
    limits = Limits()
    arrivals: list[float] = []
    for number in range(calls):
        window = arrivals[number - limits.calls] + limits.per if number >= limits.calls else 0.0
        slot = arrivals[number - limits.concurrency] + latency if number >= limits.concurrency else 0.0
        arrivals.append(max(window, slot))
    assert LeastTime(calls=calls, latency=latency, limits=limits).seconds <= arrivals[-1] + latency + 1e-9
