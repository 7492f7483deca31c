"""The day in America/Chicago: its length, its end, and who counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.governor.quota import CENTRAL, Quota, as_utc, day_of


def midnight_after(now: float) -> float:
    return day_of(now)[1]


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-01-15T12:00:00-06:00", "2026-01-16T06:00:00+00:00"),
        ("2026-07-15T12:00:00-05:00", "2026-07-16T05:00:00+00:00"),
        ("2026-03-08T00:00:00-06:00", "2026-03-09T05:00:00+00:00"),  # 23 hours: clocks go forward
        ("2026-03-08T01:59:59-06:00", "2026-03-09T05:00:00+00:00"),
        ("2026-11-01T00:00:00-05:00", "2026-11-02T06:00:00+00:00"),  # 25 hours: clocks go back
        ("2026-11-01T01:30:00-06:00", "2026-11-02T06:00:00+00:00"),  # the second 1:30 of that night
    ],
)
def test_the_day_ends_at_midnight_in_chicago(now: str, midnight: str) -> None:
    assert midnight_after(moment(now)) == moment(midnight)


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)))  # noqa: DTZ001 - made aware below
def test_midnight_is_always_ahead_and_always_midnight(when: datetime) -> None:
    now = when.replace(tzinfo=UTC).timestamp()
    midnight = midnight_after(now)
    local = datetime.fromtimestamp(midnight, CENTRAL)
    assert now < midnight <= now + 25 * 3600
    assert (local.hour, local.minute, local.second) == (0, 0, 0)


def test_counts_to_the_end_and_restarts_at_midnight() -> None:
    quota, noon = Quota(3), moment("2026-06-01T12:00:00-05:00")
    for _ in range(3):
        quota.take(noon)
        quota.landed(noon, counted=True)
    assert (quota.used(noon), quota.left(noon)) == (3, 0)
    assert as_utc(quota.resets_at(noon)) == datetime(2026, 6, 2, 5, tzinfo=UTC)
    assert quota.left(quota.resets_at(noon)) == 3


def test_a_call_under_way_at_midnight_counts_in_both_days() -> None:
    quota, evening = Quota(5), moment("2026-06-01T23:59:59-05:00")
    quota.take(evening)
    quota.take(evening)
    quota.landed(evening, counted=True)
    assert quota.used(evening) == 2
    assert quota.used(evening + 2) == 1
    quota.landed(evening + 3, counted=True)
    assert quota.used(evening + 3) == 1


def test_what_marketo_does_not_count_is_given_back() -> None:
    quota, noon = Quota(5), moment("2026-06-01T12:00:00-05:00")
    quota.take(noon)
    quota.landed(noon, counted=False)
    assert quota.used(noon) == 0


def test_the_instances_own_count_is_adopted_where_it_is_higher() -> None:
    quota, noon = Quota(100), moment("2026-06-01T12:00:00-05:00")
    quota.take(noon)
    quota.calibrate(noon, 40)
    assert quota.used(noon) == 41  # the one under way may not be in Marketo's count yet
    quota.calibrate(noon, 10)
    assert quota.used(noon) == 41


def test_a_607_closes_the_day() -> None:
    quota, noon = Quota(100), moment("2026-06-01T12:00:00-05:00")
    quota.refuse(noon)
    assert quota.left(noon) == 0
    assert quota.resets_at(noon) == midnight_after(noon)
    assert quota.left(midnight_after(noon)) == 100


def test_a_607_just_after_our_midnight_is_a_clock_behind_ours() -> None:
    quota, noon = Quota(100), moment("2026-06-01T12:00:00-05:00")
    quota.take(noon)
    quota.landed(noon, counted=True)
    early = midnight_after(noon) + 5
    quota.refuse(early)
    assert quota.left(early) == 0
    assert quota.resets_at(early) == early + 60
    assert quota.left(early + 60) == 100


@pytest.mark.parametrize("off", [5 * 86_400.0, 86_400.0, 13 * 3600.0, -3 * 86_400.0, -86_400.0])
def test_a_clock_that_is_wrong_for_a_moment_neither_closes_nor_reopens_the_day(off: float) -> None:
    quota, noon = Quota(10), moment("2026-06-03T12:00:00-05:00")
    for _ in range(7):
        quota.take(noon)
        quota.landed(noon, counted=True)
    for _ in range(10):
        quota.take(noon + off)
        quota.landed(noon + off, counted=True)
    quota.refuse(noon + off)
    assert quota.left(noon + off) == 0
    assert (quota.left(noon + 5), quota.resets_at(noon + 5)) == (3, midnight_after(noon))
    tomorrow = midnight_after(noon)
    assert quota.left(tomorrow) == 10
    if off > 86_400.0:
        assert quota.left(noon + off - 3600) == 10, "that day, when it really comes"


def test_a_clock_that_crosses_midnight_early_and_comes_back_continues_the_day() -> None:
    quota, noon = Quota(10), moment("2026-06-03T12:00:00-05:00")
    for wrong in (11.9 * 3600, 12.1 * 3600):  # twelve hours ahead, for some minutes
        quota.take(noon + wrong)
        quota.landed(noon + wrong, counted=True)
    assert quota.used(noon + 600) == 1
    assert quota.used(midnight_after(noon)) == 0


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.0, 86_400.0, 5 * 86_400.0]), st.floats(0, 20_000)), max_size=30))
def test_the_day_that_counts_is_always_the_one_the_clock_is_in(steps: list[tuple[float, float]]) -> None:
    quota, now = Quota(1000), moment("2026-10-30T12:00:00-05:00")
    for ahead, pause in steps:
        now += pause
        quota.refuse(now + ahead)
        assert now + ahead < quota.resets_at(now + ahead) <= midnight_after(now + ahead)
        if ahead:
            assert quota.resets_at(now) <= midnight_after(now)


def test_a_count_that_was_lost_is_taken_from_who_remembers_the_same_day() -> None:
    quota, noon = Quota(10), moment("2026-06-03T12:00:00-05:00")
    quota.remember(noon, 6, midnight_after(noon) - 86_400)
    assert quota.used(noon) == 0
    for used in (6, 4):
        quota.remember(noon, used, midnight_after(noon))
    assert quota.used(noon) == 6


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 40_000)), max_size=50))
def test_the_count_is_never_negative_and_never_below_what_is_under_way(steps: list[tuple[bool, float]]) -> None:
    quota, now = Quota(1000), moment("2026-10-31T12:00:00-05:00")
    flying = 0
    for take, pause in steps:
        now += pause
        if take or not flying:
            quota.take(now)
            flying += 1
        else:
            quota.landed(now, counted=bool(int(pause) % 2))
            flying -= 1
        assert quota.used(now) >= flying >= 0
        assert quota.under_way == flying
    assert as_utc(now).tzinfo == UTC
    assert quota.resets_at(now) - now <= timedelta(hours=25).total_seconds()
