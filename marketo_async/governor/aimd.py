"""AIMD (additive increase, multiplicative decrease): our share of the window and of the slots on a shared instance.

A refusal (606, 615) that our own calls cannot have caused means that another integration is calling. The share then
shrinks to a part of our current use, at most once per interval, so that one crowded moment counts once. It grows back
step by step. A client that uses almost nothing at the refusal keeps a minimum claim: without it, a new or idle client
would start from the floor and stay far below the others for minutes. Repeated refusals shrink the claim, too.

Under AIMD, clients that know nothing of each other approach equal shares. No I/O, no clock. See ``session`` for how
refusals are detected.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

_SHRINK = 0.7
_CLAIM = 0.3  # of the whole; a larger claim causes refusals, a smaller one keeps new clients out (see benchmarks)
_STEPS = 40  # additive steps from nothing to the whole window
_FLOOR = 20  # the part of the whole below which no share shrinks


class Share(Struct):
    """The part of ``whole`` that may be used now; after a refusal it grows by a fortieth every ``interval`` seconds."""

    whole: int
    interval: float
    _missing: float = 0.0
    _grown_at: float = 0.0
    _shrunk_at: float = -inf

    def available(self, now: float) -> int:
        """Return how many may be in use."""
        if self._missing > 0.0:
            steps = int((now - self._grown_at) / self.interval)
            if steps > 0:
                self._grown_at += steps * self.interval
                self._missing = max(0.0, self._missing - steps * max(1.0, self.whole / _STEPS))
        return int(self.whole - self._missing)

    def refused(self, now: float, in_use: int) -> None:
        """Shrink after a refusal that arrived while ``in_use`` of ours were in use."""
        if now - self._shrunk_at < self.interval:
            return
        self._shrunk_at = self._grown_at = now
        using = max(float(in_use), self.whole * _CLAIM)
        used = min(self.whole - self._missing, using)
        self._missing = self.whole - max(1.0, self.whole / _FLOOR, used * _SHRINK)

    def next_growth(self, now: float) -> float:
        """Return the seconds until the share grows again (above 0); infinity when it is whole."""
        if self.available(now) == self.whole:
            return inf
        return max(self._grown_at + self.interval - now, self.interval * 1e-6)  # rounding must not make it "now"
