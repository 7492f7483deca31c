"""AIMD (additive increase, multiplicative decrease) with a remembered ceiling: our share of the window and the slots.

A refusal (606, 615) that our own calls cannot have caused means that another integration is calling: a neighbour. The
share then shrinks, is held, and grows again until the next refusal. As in TCP's CUBIC, the place of the last refusal is
remembered: growth is flat near that ceiling and steep beyond it. The numbers are those by which ``benchmarks
neighbours`` met its targets.

The first refusal
    A share that is whole shrinks to a claim, whatever was in use: 0.35 of the window, one of ten slots. So a client
    that had the whole instance gives up more than a new one (CUBIC's fast convergence), and strangers are equal after
    one refusal each. The first step of growth is a twentieth of the whole. So one stray refusal costs a busy client
    about two windows of calls, and the share is whole again after four intervals.

Growth
    After a refusal the share is held for a number of intervals, one at first. Then it grows once an interval, by a
    hundredth of the whole (at least by one), and each further step is twice as large. A share that has been whole for
    an interval forgets its ceiling.

A probe that is refused
    A refusal after growth has found the ceiling. The share returns to its value before the last step, and the next hold
    is four times as long, up to 18 intervals (exponential backoff). So a neighbour that calls in bursts is disturbed
    less and less. After a step above a tenth of the whole the old ceiling is passed: the next hold is one interval.

A refusal without growth
    The neighbours use more than before. The share shrinks to 0.95, at least to a twentieth of the whole, and the next
    hold is one interval.

One crowded moment counts once
    For an interval after the share shrank, a refusal counts only if our use was at the share or at most 5 % below it.
    The refused call was then sent within the smaller share, so that is still too large. The use is above the share when
    calls sent before it shrank are refused, and far below it when the neighbours leave nothing.

Under this rule, clients that know nothing of each other approach equal shares. No I/O, no clock. See ``session`` for
how refusals are detected.
"""

from __future__ import annotations

from math import inf

from msgspec import Struct

_CUT = 0.95
_FLOOR = 20  # the part of the whole below which no share shrinks
_FIRST, _STEP = 20, 100  # the parts of the whole by which a share grows first: after the first refusal, after others
_BACKOFF, _LONGEST = 4, 18  # the factor between two holds, and the longest of them in intervals
_PASSED = 10  # a step above this part of the whole passes the old ceiling; the next step is twice as large


class Share(Struct):
    """The part of ``whole`` that may be used now; ``interval`` is the seconds between two steps of its growth."""

    whole: int
    interval: float
    _missing: float = 0.0
    _grown_at: float = 0.0  # an interval before the next growth; in the future while the share is held
    _shrunk_at: float = -inf
    _before: float = 0.0  # how much was missing before the last step of growth
    _step: float = 1.0
    _hold: int = 1

    def available(self, now: float) -> int:
        """Return how many may be in use."""
        while (self._missing or self._before) and now >= self._grown_at + self.interval:
            self._grow()
        return int(self.whole - self._missing)

    def refused(self, now: float, in_use: int, *, claim: float) -> None:
        """Shrink after a refusal that arrived while ``in_use`` of ours were in use.

        ``claim`` is the part of the whole that is left after the first refusal.
        """
        usable = self.available(now)
        again = now - self._shrunk_at < self.interval
        if again and not usable * _CUT <= in_use <= usable:
            return
        share = self.whole - self._missing
        step = self.whole / _STEP
        if not self._missing and not self._before:
            left, step, self._hold = self.whole * claim, self.whole / _FIRST, 1
        elif self._before > self._missing:
            passed = self._step > 2 * self.whole / _PASSED
            left, self._hold = self.whole - self._before, 1 if passed else min(self._hold * _BACKOFF, _LONGEST)
        else:
            left, self._hold = share * _CUT, self._hold if again else 1
        self._missing = self._before = self.whole - min(share, max(1.0, self.whole / _FLOOR, left))
        self._step = max(1.0, step)
        self._shrunk_at = self._grown_at = now
        self.hold(now)

    def hold(self, now: float) -> None:
        """Postpone growth, because neighbours are calling now."""
        self._grown_at = max(self._grown_at, now + (self._hold - 1) * self.interval)

    def next_growth(self, now: float) -> float:
        """Return the seconds until the share grows again (above 0); infinity when it is whole."""
        if self.available(now) == self.whole:
            return inf
        return max(self._grown_at + self.interval - now, self.interval * 1e-6)  # rounding must not make it "now"

    def _grow(self) -> None:
        self._grown_at += self.interval
        self._before, self._missing = self._missing, max(0.0, self._missing - self._step)
        self._step *= 2
