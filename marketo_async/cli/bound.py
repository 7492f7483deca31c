"""The least time that an instance's limits leave to any client: arithmetic, no measuring."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from marketo_async import Limits


class LeastTime(Struct, frozen=True, kw_only=True):
    """What a number of calls of one mean *latency* takes at best.

    The window: call number ``n * limits.calls + 1`` can't arrive before ``n * per`` seconds have passed, and the calls
    from there on still need their latency, ``concurrency`` at once. Concurrency alone: all calls need it.
    """

    calls: int
    latency: float
    limits: Limits

    @property
    def windows(self) -> int:
        """How many whole windows have to pass before the last calls may start."""
        return max(0, ceil(self.calls / self.limits.calls) - 1)

    @property
    def last(self) -> int:
        """How many calls are left for the last window."""
        return self.calls - self.windows * self.limits.calls

    @property
    def seconds(self) -> float:
        """The least time, whichever limit commands it."""
        by_window = self.windows * self.limits.per + self._at_once(self.last)
        return max(by_window, self._at_once(self.calls))

    def __str__(self) -> str:
        limits, told = self.limits, f"{self.calls} calls take {self.seconds:.2f} s at the least"
        each = f"{limits.concurrency} at once, {self.latency:g} s each"
        if not self.windows or self.seconds <= self._at_once(self.calls):
            return f"{told}: {each}"
        return f"{told}: {self.windows * limits.per:g} s of window, then the last {self.last}, {each}"

    def _at_once(self, calls: int) -> float:
        """Return what *calls* take when nothing but concurrency bounds them."""
        return max(self.latency, calls * self.latency / self.limits.concurrency) if calls else 0.0
