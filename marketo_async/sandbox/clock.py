"""The sandbox's clock, which can run fast and be moved ahead.

Rate windows, token life, record dates and the quota day use this clock. Latencies are real seconds.
"""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")


def iso(moment: float) -> str:
    """Return a moment as the lead database writes it, such as ``2026-03-01T08:15:00Z``."""
    return datetime.fromtimestamp(moment, UTC).isoformat()[:19] + "Z"


def asset_iso(moment: float) -> str:
    """Return a moment as the asset API writes it: with both ``Z`` and an offset."""
    return iso(moment) + "+0000"


def central_day(moment: float) -> date:
    """Return the calendar day of a moment in US Central time, which is Marketo's quota day."""
    return datetime.fromtimestamp(moment, CENTRAL).date()


def next_central_midnight(moment: float) -> float:
    """Return the start of the next US Central day."""
    tomorrow = central_day(moment) + timedelta(days=1)
    return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=CENTRAL).timestamp()


class SandboxClock:
    """Epoch seconds that pass ``speed`` times as fast as real time, from ``start`` (default: now)."""

    def __init__(self, speed: float = 1.0, start: float | None = None) -> None:
        if speed < 0:
            raise ValueError(f"speed is {speed}, but a clock can't run backwards; give 0 or more")
        self.speed = speed
        self._start = time.time() if start is None else start
        self._origin = time.monotonic()
        self._advanced = 0.0

    def __repr__(self) -> str:
        return f"SandboxClock(speed={self.speed}, now={iso(self.time())})"

    def time(self) -> float:
        """Return the current epoch seconds."""
        return self._start + (time.monotonic() - self._origin) * self.speed + self._advanced

    def advance(self, seconds: float) -> None:
        """Move the clock ahead at once."""
        if seconds < 0:
            raise ValueError(f"advance({seconds}) would set the clock back; give 0 or more seconds")
        self._advanced += seconds
