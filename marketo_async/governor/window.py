"""A sliding-window log: how many calls may still start so that Marketo never counts too many. No I/O, no clock.

The rule
    A call takes a place when it is granted. It keeps the place while it is under way, without a time limit, and then
    until ``c + per``, where ``c`` is the moment at which its answer began to arrive. A call may start when fewer than
    ``calls`` places are taken. A call that was certainly never sent gives its place back at once.

Why no window as Marketo sees it ever holds more than ``calls`` of ours
    Marketo counts a call at one moment ``a`` between its grant ``s`` and the beginning of its answer ``c``. Take any
    window ``(t - per, t]`` and our calls that Marketo counts in it. Let x be the one of them that was *granted* last,
    at ``s``, and counted at ``a``: so ``s <= a <= t``. Every other one, y, was granted before ``s`` and counted at some
    ``b > t - per``. At ``s`` there are two cases. Either y was still under way, and held its place; or its answer had
    begun at some ``d >= b``, and its place was held until ``d + per >= b + per > t >= s``. In both cases y held a place
    at ``s``. So all the others were among the places taken when x was granted, and these were fewer than ``calls``.
    With x the window holds at most ``calls``. Latency, jitter and the order of the answers do not matter. *QED*

    The proof assumes that Marketo does not count a call after its answer began. If no answer ever comes (a reset, a
    time-out above the server's own), ``c`` is the moment of the failure. If a call is abandoned, ``c`` is the moment at
    which Marketo has certainly ended it (see ``grants``).

What it costs
    A place is kept for ``per`` plus the call's own latency, so the rate is ``calls / (per + latency)``: about 2 % below
    the limit at 0.4 s.

What clock error it tolerates
    The rule measures only the length of one interval, from ``c`` to the next grant ``s'``, and reads both ends from the
    same clock. So an offset between clocks never matters; only the *rate* does. Places are kept for
    ``per * (1 + DRIFT)`` with DRIFT = 500 parts per million, the most by which time daemons slew a clock (10 ms in
    20 s). A clock that runs fast by up to that much keeps the rule even at zero latency. At a real latency ``l``, the
    interval from ``a`` to ``a'`` is longer than the measured one by the answer's way back and the next call's way out,
    which tolerates a further ``l / per`` (at 0.1 s another 5,000 ppm). A clock that runs slow only lowers the rate.

    Processes that share a store keep the same guarantee, because both ends of the interval are read from the store's
    clock. The stamp is taken when the store receives the report of the answer, which is never before ``c``; the store's
    grant is never after ``s'``. So the delays of the messages are on the safe side.

See ``limiter`` for concurrency, ``gate`` for order, ``quota`` for the daily count, and ``stores.shared_limiter`` for
how a store reads its clock.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from math import inf

from msgspec import Struct, field

DRIFT = 500e-6


class Window(Struct):
    """The places of one sliding window of ``per`` seconds; every moment is a reading of one monotonic clock."""

    per: float
    under_way: int = 0
    # Moments at which places come free, sorted. In one process stamps arrive in order; in a store they may not.
    frees: deque[float] = field(default_factory=deque)

    @property
    def keep(self) -> float:
        """The seconds for which a place is kept after its call's answer began."""
        return self.per * (1 + DRIFT)

    def used(self, now: float) -> int:
        """Return how many places are taken."""
        frees = self.frees
        while frees and frees[0] <= now:
            frees.popleft()
        return self.under_way + len(frees)

    def wait(self, now: float, places: int) -> float:
        """Return the seconds until fewer than ``places`` are taken: 0 for now, infinity until a call ends."""
        surplus = self.used(now) - places
        if surplus < 0:
            return 0.0
        return self.frees[surplus] - now if surplus < len(self.frees) else inf

    def take(self) -> None:
        """Take a place for a call about to be sent."""
        self.under_way += 1

    def answered(self, now: float) -> None:
        """Stamp one call under way: its answer began at ``now`` (or will never come)."""
        self.under_way -= 1
        free = now + self.keep
        if self.frees and free < self.frees[-1]:
            insort(self.frees, free)
        else:
            self.frees.append(free)

    def give_back(self) -> None:
        """Free the place of a call that was certainly never sent."""
        self.under_way -= 1
