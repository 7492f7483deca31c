"""`Budget` and `Spending`: the calls a day that one feed may make, below those that the governor allows. Pure.

Over the budget, polls and sweeps stretch until what is left lasts to the end of the day; a backlog then leaves the rest
of the day to the heads. Nothing stops without a word: ``Spending.held_back`` says what the budget holds back.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from marketo_async.argument_kinds import positive
from marketo_async.governor.quota import day_of


class Budget(Struct, frozen=True, kw_only=True):
    """How many calls a feed may make in a day, which begins at midnight in America/Chicago as Marketo's quota does."""

    calls_per_day: int

    def __post_init__(self) -> None:
        """Raise `InvalidRequest` for a number that is not above 0."""
        positive("calls_per_day", self.calls_per_day, whole=True)


class Spending:
    """The calls of one feed today, against its budget. Moments are epoch seconds."""

    def __init__(self, budget: Budget | None, *, demand: float, day: float = 0.0, spent: int = 0) -> None:
        """Take the budget, and the calls a second that polls and sweeps make at their normal pace."""
        self._budget = budget
        self._demand = demand
        self.day = day
        self.spent = spent

    def count(self, now: float) -> None:
        """Count a call."""
        self._turn(now)
        self.spent += 1

    def today(self, now: float) -> int:
        """Return how many calls were made today."""
        self._turn(now)
        return self.spent

    def left(self, now: float) -> int | None:
        """Return how many calls are left today, or ``None`` without a budget."""
        self._turn(now)
        return None if self._budget is None else max(0, self._budget.calls_per_day - self.spent)

    def stretch(self, now: float) -> float:
        """Return by how much polls and sweeps must slow down to last until the end of the day; 1 is the normal pace."""
        left = self.left(now)
        if left is None:
            return 1.0
        return max(1.0, self._needed(now) / max(left, 1))

    def stretched(self, seconds: float, now: float) -> float:
        """Return for how long to wait instead of some seconds: longer if the budget is short, but not past the day."""
        return max(seconds, min(seconds * self.stretch(now), day_of(now)[1] - now))

    def opens_at(self, now: float, *, backlog: bool) -> float:
        """Return when the next call may be made: now, or the next day if the budget or its rest is not for it."""
        left = self.left(now)
        if left is None or left > (self._kept_for_polls(now) if backlog else 0):
            return now
        return day_of(now)[1]

    def held_back(self, now: float, *, backlog: bool) -> str:
        """Return what the budget holds back now, in words; empty if it holds back nothing."""
        if self._budget is None:
            return ""
        until = datetime.fromtimestamp(day_of(now)[1], UTC).isoformat()
        if self.left(now) == 0:
            return f"the budget of {self._budget.calls_per_day:,} calls is used up until {until}"
        held = []
        if (stretch := self.stretch(now)) > 1:
            held.append(f"polls and sweeps are {stretch:.1f} times slower")
        if backlog and self.opens_at(now, backlog=True) > now:
            held.append(f"the backlog waits until {until}")
        return "; ".join(held)

    def _needed(self, now: float) -> float:
        """Return how many calls polls and sweeps need until the end of the day at their normal pace."""
        return self._demand * (day_of(now)[1] - now)

    def _kept_for_polls(self, now: float) -> float:
        """Return how many calls a backlog must leave: what polls need, but not more than half of what the day has."""
        daily = 0 if self._budget is None else self._budget.calls_per_day
        start, end = day_of(now)
        return min(self._needed(now), daily / 2 * (end - now) / (end - start))

    def _turn(self, now: float) -> None:
        day = day_of(now)[0]
        if day != self.day:
            self.day, self.spent = day, 0
