"""A server stand-in without sockets: the rolling window and the concurrency of an instance, and a road to it.

It runs in virtual time (looptime), where twenty seconds pass in no time, and in real time, where limiters must be
measured that read clocks of their own. It counts a refused call against the window too, as Marketo seems to, and keeps
a log of all that arrived. It shares no code with the governor. Not here: what calls it (each benchmark).
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

import looptime

from marketo_async import Governor, Limits

T = TypeVar("T")

_WAY = 0.1  # of a latency: the road to the instance, and the road back
_JITTER = 0.4


class _TickingLoop(looptime.make_event_loop_class(asyncio.SelectorEventLoop)):  # type: ignore[misc]
    """Virtual time in which every look at the clock takes a nanosecond, as on real ones."""

    ticks = 0

    def time(self) -> float:
        self.ticks += 1
        return float(super().time()) + self.ticks * 1e-9


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop whose clock jumps to the next timer."""
    with asyncio.Runner(loop_factory=_TickingLoop) as runner:
        return runner.run(main)


class Instance:
    """Answers calls, or refuses them with 606 and 615, by its own arrival clock."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.arrivals: list[float] = []
        self.accepted: list[float] = []
        self.flights: list[tuple[float, int]] = []
        self.refused: Counter[str] = Counter()
        self.most_in_flight = 0
        self._window: deque[float] = deque()
        self._in_flight = 0

    async def serve(self, work: float) -> str:
        """Take one call that arrives now and needs *work* seconds; return its code, empty for success."""
        now = asyncio.get_running_loop().time()
        while self._window and self._window[0] <= now - self.limits.per:
            self._window.popleft()
        full = len(self._window) >= self.limits.calls
        crowded = self._in_flight >= self.limits.concurrency
        self.arrivals.append(now)
        self._window.append(now)
        if full or crowded:
            code = "606" if full else "615"
            self.refused[code] += 1
            return code
        self.accepted.append(now)
        self._note(now, +1)
        await asyncio.sleep(work)
        self._note(asyncio.get_running_loop().time(), -1)
        return ""

    @property
    def peak_window(self) -> int:
        """The most arrivals, refused ones too, that any rolling window held."""
        return max(held for _, held in rolling(self.arrivals, self.limits.per))

    def _note(self, now: float, change: int) -> None:
        self._in_flight += change
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        self.flights.append((now, self._in_flight))


class Road:
    """The way to an instance: a *latency* in seconds, in mean, of which a tenth lies on either side of its arrival."""

    def __init__(self, instance: Instance, latency: float, seed: int, *, jitter: float = _JITTER) -> None:
        self.instance, self.latency, self.jitter = instance, latency, jitter
        self._rng = random.Random(seed)

    async def call(self) -> str:
        """Make one call, and return the code that came back."""
        latency = self.latency * (1 + self._rng.uniform(-self.jitter, self.jitter))
        way = latency * _WAY * self._rng.uniform(0, 2)
        await asyncio.sleep(way)
        code = await self.instance.serve(latency - 2 * way)
        await asyncio.sleep(way)
        return code

    async def call_through(self, governor: Governor) -> str:
        """Make one call as a session does: with a permit until the answer is there, and telling of refusals."""
        permit = await governor.acquire()
        code = await self.call()
        permit.release()
        if code == "606":
            governor.throttled()
        elif code == "615":
            governor.crowded()
        return code


def rolling(moments: Sequence[float], per: float) -> list[tuple[float, int]]:
    """Return how many *moments* (in order) the window of *per* seconds that ends at each of them holds."""
    return [(moment, n + 1 - bisect_right(moments, moment - per, 0, n)) for n, moment in enumerate(moments)]


def course(moments: Sequence[float], per: float, every: float, until: float) -> tuple[list[float], list[float]]:
    """Return the rolling count over time, looked at *every* so many seconds: xs and ys of a chart."""
    xs = [step * every for step in range(int(until / every) + 1)]
    return xs, [float(bisect_right(moments, x) - bisect_right(moments, x - per)) for x in xs]


def jain(shares: Sequence[float]) -> float:
    """Return Jain's index of fairness: 1 where all have the same, 1/n where one has it all."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0
