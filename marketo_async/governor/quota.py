"""The daily quota: a count that starts anew at midnight in America/Chicago. No I/O, no clock.

Marketo counts a call in the day in which it arrives, by its own clock. A call under way at midnight may fall into
either day, so it is counted in both. Not here: what happens to callers when the day is spent (``governor``).
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

CENTRAL = ZoneInfo("America/Chicago")
_SKEW = 15 * 60.0  # a 607 this soon after our midnight: Marketo's clock is behind ours
_RECHECK = 60.0


def day_of(moment: float) -> tuple[float, float]:
    """Return the midnights in America/Chicago around *moment*: the last one and the next, all in epoch seconds.

    The day is 23 or 25 hours long when the clocks change; midnight itself always exists once.
    """
    day = datetime.fromtimestamp(moment, CENTRAL).date()
    starts, ends = (datetime.combine(date, time(), CENTRAL) for date in (day, day + timedelta(days=1)))
    return starts.timestamp(), ends.timestamp()


class Quota(Struct):
    """The count of one instance's calls today; every moment is epoch seconds."""

    daily: int
    under_way: int = 0
    _used: int = 0
    _starts: float = 0.0
    _ends: float = 0.0
    _closed_until: float = 0.0

    def used(self, moment: float) -> int:
        """Return how many calls count for the day of *moment*."""
        if moment >= self._ends:
            self._starts, self._ends = day_of(moment)
            self._used = self.under_way
        return self._used

    def left(self, moment: float) -> int:
        """Return how many calls may still start today."""
        used = self.used(moment)
        return 0 if moment < self._closed_until else max(0, self.daily - used)

    def resets_at(self, moment: float) -> float:
        """Return when the count starts anew, or when it is worth asking again after an untimely 607."""
        self.used(moment)
        return self._closed_until if moment < self._closed_until else self._ends

    def take(self, moment: float) -> None:
        """Count a call about to be sent."""
        self.used(moment)
        self._used += 1
        self.under_way += 1

    def landed(self, moment: float, *, counted: bool) -> None:
        """Note that a call has ended, and whether Marketo counted it."""
        self.used(moment)
        self.under_way -= 1
        if not counted:
            self._used = max(0, self._used - 1)

    def resume(self) -> None:
        """Count a call as under way again that was taken for ended; the day has been charged for it."""
        self.under_way += 1

    def note(self, moment: float, calls: int) -> None:
        """Count *calls* that were made, and have ended, where this count could not be reached."""
        self._used = self.used(moment) + calls

    def calibrate(self, moment: float, total: int) -> None:
        """Adopt Marketo's own *total* of today where it is above ours: other integrations count too.

        The total may or may not hold the calls under way, so they are added.
        """
        self._used = max(self.used(moment), total + self.under_way)

    def refuse(self, moment: float) -> None:
        """Note that Marketo says the day is spent (607)."""
        self.used(moment)
        early = moment - self._starts < _SKEW and self._used < self.daily
        self._closed_until = moment + _RECHECK if early else self._ends


def as_utc(moment: float) -> datetime:
    """Return epoch seconds as an aware datetime in UTC."""
    return datetime.fromtimestamp(moment, UTC)
