from datetime import UTC, datetime

import pytest

from marketo_async.changes import Budget
from marketo_async.changes.budget import Spending
from marketo_async.errors import InvalidRequest

DAY = 86_400.0
MIDNIGHT = datetime(2026, 3, 2, 6, tzinfo=UTC).timestamp()  # in America/Chicago
NOON = MIDNIGHT + DAY / 2


def spending(calls: int | None, *, demand: float, spent: int = 0) -> Spending:
    budget = None if calls is None else Budget(calls_per_day=calls)
    return Spending(budget, demand=demand, day=MIDNIGHT, spent=spent)


@pytest.mark.parametrize("calls", [0, -1, 1.5, True])
def test_a_budget_of_no_whole_number_above_0_is_refused(calls: float) -> None:
    with pytest.raises(InvalidRequest, match="calls_per_day"):
        Budget(calls_per_day=calls)  # type: ignore[arg-type]


def test_without_a_budget_nothing_is_held_back() -> None:
    free = spending(None, demand=1000.0, spent=10**9)

    assert free.left(NOON) is None
    assert free.stretch(NOON) == 1.0
    assert free.stretched(60.0, NOON) == 60.0
    assert free.opens_at(NOON, backlog=True) == NOON
    assert free.held_back(NOON, backlog=True) == ""


@pytest.mark.parametrize(
    ("left", "stretch"),
    [(86_400, 1.0), (43_200, 1.0), (21_600, 2.0), (4_320, 10.0), (1, 43_200.0), (0, 43_200.0)],
)
def test_what_is_left_lasts_to_the_end_of_the_day(left: int, stretch: float) -> None:
    """One call a second from noon on needs 43,200."""
    assert spending(86_400, demand=1.0, spent=86_400 - left).stretch(NOON) == stretch


def test_a_stretched_wait_ends_with_the_day_when_the_budget_is_whole_again() -> None:
    assert spending(86_400, demand=1.0, spent=86_398).stretched(60.0, NOON) == DAY / 2
    assert spending(86_400, demand=1.0, spent=86_398).stretched(60.0, MIDNIGHT + DAY - 5) == 60.0
    assert spending(86_400, demand=1.0, spent=64_800).stretched(60.0, NOON) == 120.0


def test_a_spent_day_opens_at_midnight_in_chicago() -> None:
    spent = spending(100, demand=0.001, spent=100)

    assert spent.opens_at(NOON, backlog=False) == spent.opens_at(NOON, backlog=True) == MIDNIGHT + DAY
    assert spent.held_back(NOON, backlog=False) == (
        "the budget of 100 calls is used up until 2026-03-03T06:00:00+00:00"
    )
    assert spent.opens_at(MIDNIGHT + DAY, backlog=False) == MIDNIGHT + DAY
    assert spent.left(MIDNIGHT + DAY) == 100


@pytest.mark.parametrize(
    ("calls", "demand", "spent", "opens"),
    [
        (1_000, 0.005, 700, True),  # polls need 216 of 300
        (1_000, 0.005, 784, False),  # ... of 216
        (1_000, 0.005, 783, True),
        (1_000, 1.0, 700, True),  # polls need more than there is: a backlog has half of what the rest of the day has
        (1_000, 1.0, 750, False),
    ],
)
def test_a_backlog_leaves_polls_what_they_need_but_not_everything(
    calls: int, demand: float, spent: int, *, opens: bool
) -> None:
    spending_ = spending(calls, demand=demand, spent=spent)

    assert (spending_.opens_at(NOON, backlog=True) == NOON) is opens
    assert spending_.opens_at(NOON, backlog=False) == NOON
    assert ("the backlog waits until" in spending_.held_back(NOON, backlog=True)) is not opens
    assert "backlog" not in spending_.held_back(NOON, backlog=False)


def test_calls_count_for_the_day_in_which_they_are_made() -> None:
    counted = spending(10, demand=0.0)
    for _ in range(3):
        counted.count(NOON)

    assert (counted.today(NOON), counted.left(NOON)) == (3, 7)
    counted.count(MIDNIGHT + DAY + 1)
    assert (counted.today(MIDNIGHT + DAY + 1), counted.day) == (1, MIDNIGHT + DAY)


def test_it_says_by_how_much_polls_are_slower() -> None:
    assert spending(86_400, demand=1.0, spent=64_800).held_back(NOON, backlog=False) == (
        "polls and sweeps are 2.0 times slower"
    )
