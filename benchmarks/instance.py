"""A server stand-in without sockets: the rolling window and the concurrency of an instance, and the network path to it.

It runs in virtual time (looptime), where twenty seconds pass at once, and in real time for limiters that read their own
clocks. It counts a refused call against the window too, as Marketo seems to, and keeps a log of all arrivals. It shares
no code with the governor. See each benchmark for its calls.
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

_WAY = 0.1  # of a latency: the path to the instance, and the path back
_JITTER = 0.4


class _TickingLoop(looptime.make_event_loop_class(asyncio.SelectorEventLoop)):  # type: ignore[misc]
    """Virtual time in which every reading of the clock takes a nanosecond, as with real clocks."""

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
        """Receive one call that arrives now and takes ``work`` seconds; return its code, empty for success."""
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
        """The most arrivals in any rolling window, refused ones included."""
        return max(held for _, held in rolling(self.arrivals, self.limits.per))

    def _note(self, now: float, change: int) -> None:
        self._in_flight += change
        self.most_in_flight = max(self.most_in_flight, self._in_flight)
        self.flights.append((now, self._in_flight))


class Road:
    """The path to an instance: a mean ``latency`` in seconds, a tenth of it before and a tenth after the instance."""

    def __init__(self, instance: Instance, latency: float, seed: int, *, jitter: float = _JITTER) -> None:
        self.instance, self.latency, self.jitter = instance, latency, jitter
        self._rng = random.Random(seed)

    async def call(self) -> str:
        """Make one call, and return its code."""
        latency = self.latency * (1 + self._rng.uniform(-self.jitter, self.jitter))
        way = latency * _WAY * self._rng.uniform(0, 2)
        await asyncio.sleep(way)
        code = await self.instance.serve(latency - 2 * way)
        await asyncio.sleep(way)
        return code

    async def call_through(self, governor: Governor) -> str:
        """Make one call as a session does: with a permit until the answer is read and a refusal is reported."""
        permit = await governor.acquire()
        code = await self.call()
        if code == "606":
            governor.throttled()
        elif code == "615":
            governor.crowded()
        permit.release()
        return code


def rolling(moments: Sequence[float], per: float) -> list[tuple[float, int]]:
    """Return, for each of ``moments`` (in order), how many of them the window of ``per`` seconds before it holds."""
    return [(moment, n + 1 - bisect_right(moments, moment - per, 0, n)) for n, moment in enumerate(moments)]


def course(moments: Sequence[float], per: float, every: float, until: float) -> tuple[list[float], list[float]]:
    """Return the rolling count over time, sampled at ``every`` seconds: xs and ys of a chart."""
    xs = [step * every for step in range(int(until / every) + 1)]
    return xs, [float(bisect_right(moments, x) - bisect_right(moments, x - per)) for x in xs]


def jain(shares: Sequence[float]) -> float:
    """Return Jain's index of fairness: 1 if all have the same, 1/n if one has everything."""
    squares = sum(share * share for share in shares)
    return sum(shares) ** 2 / (len(shares) * squares) if squares else 1.0
