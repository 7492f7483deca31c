"""The daily quota: a count that restarts at midnight in America/Chicago. No I/O, no clock.

Marketo counts a call in the day in which it arrives, by Marketo's clock. A call under way at midnight may fall into
either day, so it is counted in both.

The count belongs to the day that the clock shows now, not to the latest day that it has ever shown. A wall clock may be
wrong by days for a moment. Each day keeps its own count and its own end, so the count continues where it was
when the clock is right again. Only the day before the jump is remembered.

See `governor` for the callers of a day whose quota is used up.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct, field

CENTRAL = ZoneInfo("America/Chicago")
_SKEW = 15 * 60.0  # a 607 this soon after our midnight: Marketo's clock is late
_RECHECK = 60.0


def day_of(moment: float) -> tuple[float, float]:
    """Return the last and the next midnight in America/Chicago around ``moment``, all in epoch seconds.

    The day is 23 or 25 hours long when the clocks change; midnight always exists exactly once.
    """
    day = datetime.fromtimestamp(moment, CENTRAL).date()
    starts, ends = (datetime.combine(date, time(), CENTRAL) for date in (day, day + timedelta(days=1)))
    return starts.timestamp(), ends.timestamp()


class Day(Struct):
    """The count between two midnights; every moment is epoch seconds."""

    starts: float = 0.0
    ends: float = 0.0
    used: int = 0
    closed_until: float = 0.0
    latest: float = 0.0
    """The latest moment of this day at which the count was asked for."""


class Quota(Struct):
    """The count of one instance's calls today; every moment is epoch seconds."""

    daily: int
    under_way: int = 0
    _today: Day = field(default_factory=Day)
    _other: Day = field(default_factory=Day)  # the day that the clock was in before

    def used(self, moment: float) -> int:
        """Return how many calls count for the day of ``moment``."""
        return self._day(moment).used

    def left(self, moment: float) -> int:
        """Return how many calls may still start today."""
        today = self._day(moment)
        return 0 if moment < today.closed_until else max(0, self.daily - today.used)

    def resets_at(self, moment: float) -> float:
        """Return when the next day begins, or when to try again after a 607 that came too soon after midnight."""
        today = self._day(moment)
        return today.closed_until if moment < today.closed_until else today.ends

    def take(self, moment: float) -> None:
        """Count a call about to be sent."""
        self._day(moment).used += 1
        self.under_way += 1

    def landed(self, moment: float, *, counted: bool) -> None:
        """Note that a call has ended, and whether Marketo counted it."""
        today = self._day(moment)
        self.under_way -= 1
        if not counted:
            today.used = max(0, today.used - 1)

    def resume(self) -> None:
        """Count a call as under way again after it was wrongly taken for ended; the day includes it already."""
        self.under_way += 1

    def note(self, moment: float, calls: int) -> None:
        """Count ``calls`` that were made, and have ended, while this count could not be reached."""
        self._day(moment).used += calls

    def calibrate(self, moment: float, total: int) -> None:
        """Adopt Marketo's own ``total`` of today if it is above ours: it includes other integrations.

        The total may or may not hold the calls under way, so they are added.
        """
        today = self._day(moment)
        today.used = max(today.used, total + self.under_way)

    def remember(self, moment: float, used: int, ends: float) -> None:
        """Adopt a worker's last count of the day that ends at ``ends``, if this count has lost part of it."""
        today = self._day(moment)
        if ends == today.ends:
            today.used = max(today.used, used)

    def refuse(self, moment: float) -> None:
        """Note that Marketo reported the quota as used up (607)."""
        today = self._day(moment)
        early = moment - today.starts < _SKEW and today.used < self.daily
        today.closed_until = moment + _RECHECK if early else today.ends

    def _day(self, moment: float) -> Day:
        """Return the day that the clock is in now."""
        today = self._today
        if not today.starts <= moment < today.ends:
            known, self._other = self._other, today
            starts, ends = day_of(moment)
            # Forward into a day whose later hours are known: the clock was ahead then, and counted another day's calls.
            same = known.starts == starts and (starts < today.starts or known.latest <= moment)
            today = self._today = known if same else Day(starts, ends, self.under_way)
        today.latest = max(today.latest, moment)
        return today


def as_utc(moment: float) -> datetime:
    """Return epoch seconds as an aware datetime in UTC."""
    return datetime.fromtimestamp(moment, UTC)
