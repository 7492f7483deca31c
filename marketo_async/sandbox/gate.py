"""The gate of an instance: rolling window, concurrency and daily quota, by the moment that a call arrives.

It decides and counts; it does not look at the caller or the operation.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from marketo_async.sandbox.clock import SandboxClock, next_central_midnight
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.limits import InstanceLimits
from marketo_async.sandbox.stats import Stats


@dataclass(slots=True)
class Arrival:
    """One call that has reached the instance."""

    at: float
    counted: bool = False
    in_flight: bool = False


class Gate:
    """Admits a call if window, quota and concurrency all have room for it, and refuses it otherwise."""

    def __init__(self, limits: InstanceLimits, clock: SandboxClock, stats: Stats) -> None:
        self._limits = limits
        self._clock = clock
        self._stats = stats
        self._window: deque[float] = deque()
        self._day_ends = next_central_midnight(clock.time())

    def arrive(self) -> Arrival:
        """Record that a call has arrived now."""
        now = self._clock.time()
        self._stats.calls += 1
        self._stats.arrivals.append(now)
        if now >= self._day_ends:
            self._stats.counted_today = 0
            self._day_ends = next_central_midnight(now)
        return Arrival(now)

    def admit(self, arrival: Arrival) -> None:
        """Count the call in window, quota and concurrency, or raise the code that refuses it."""
        refusal = self._refusal(arrival.at)
        if refusal is None or self._limits.refusals_count:
            self.count(arrival)
        if refusal is not None:
            self._stats.refused[refusal.code] += 1
            raise refusal
        arrival.in_flight = True
        self._stats.in_flight += 1
        self._stats.max_in_flight = max(self._stats.max_in_flight, self._stats.in_flight)

    def count(self, arrival: Arrival) -> None:
        """Count the call against window and quota."""
        self._expire(arrival.at)
        self._window.append(arrival.at)
        self._stats.peak_window = max(self._stats.peak_window, len(self._window))
        self._stats.counted_today += 1
        arrival.counted = True

    def forget(self, arrival: Arrival) -> None:
        """Undo the count of a call whose error code does not count."""
        arrival.counted = False
        if arrival.at in self._window:
            self._window.remove(arrival.at)
        self._stats.counted_today = max(0, self._stats.counted_today - 1)

    def leave(self, arrival: Arrival) -> None:
        """Free the concurrency slot of a call, just before its answer is sent."""
        if arrival.in_flight:
            arrival.in_flight = False
            self._stats.in_flight -= 1

    def _refusal(self, now: float) -> ApiError | None:
        limits = self._limits
        self._expire(now)
        if self._stats.counted_today >= limits.daily:
            return ApiError("607", f"Max daily quota '{limits.daily}' reached")
        if len(self._window) >= limits.calls:
            return ApiError("606", f"Max rate limit '{limits.calls}' exceeded with in '{limits.per:g}' secs")
        if self._stats.in_flight >= limits.concurrency:
            return ApiError("615", "Concurrent access limit reached")
        return None

    def _expire(self, now: float) -> None:
        window = self._window
        while window and window[0] <= now - self._limits.per:
            window.popleft()
