"""The least time that a number of calls can take under an instance's limits, calculated."""

from __future__ import annotations

from math import ceil

from msgspec import Struct

from marketo_async import Limits


class LeastTime(Struct, frozen=True, kw_only=True):
    """The least time of ``calls`` calls with a mean ``latency`` in seconds: the larger of two bounds.

    The window: call number ``n * limits.calls + 1`` can't arrive before ``n * per`` seconds have passed, and that call
    and all later ones still take their latency, ``concurrency`` at once. Concurrency: all calls take their latency.
    """

    calls: int
    latency: float
    limits: Limits

    @property
    def windows(self) -> int:
        """The number of whole windows that pass before the last calls may start."""
        return max(0, ceil(self.calls / self.limits.calls) - 1)

    @property
    def last(self) -> int:
        """The number of calls in the last window."""
        return self.calls - self.windows * self.limits.calls

    @property
    def seconds(self) -> float:
        """The least time in seconds."""
        by_window = self.windows * self.limits.per + self._at_once(self.last)
        return max(by_window, self._at_once(self.calls))

    def __str__(self) -> str:
        limits, start = self.limits, f"{self.calls} calls take at least {self.seconds:.2f} s"
        each = f"{limits.concurrency} at once, {self.latency:g} s each"
        if not self.windows or self.seconds <= self._at_once(self.calls):
            return f"{start}: {each}"
        return f"{start}: {self.windows * limits.per:g} s of window, then the last {self.last}, {each}"

    def _at_once(self, calls: int) -> float:
        """Return the seconds that ``calls`` take if only concurrency bounds them."""
        return max(self.latency, calls * self.latency / self.limits.concurrency) if calls else 0.0
