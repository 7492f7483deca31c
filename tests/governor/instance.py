"""A Marketo instance in virtual time: counts arrivals by its own clock, and shares nothing with the governor."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Coroutine
from typing import Any, TypeVar

import looptime

T = TypeVar("T")


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
    """Counts calls in a rolling window and at once; ``refuses`` answers 606 or 615 instead of only taking notes."""

    def __init__(self, calls: int, per: float, concurrency: int, *, refuses: bool = False) -> None:
        self.calls, self.per, self.concurrency, self.refuses = calls, per, concurrency, refuses
        self.arrivals: list[float] = []
        self.window: deque[float] = deque()
        self.running = 0
        self.peak_window = 0
        self.peak_running = 0
        self.refused = {"606": 0, "615": 0}

    async def serve(self, service: float) -> str:
        """Take one call that arrives now and works for *service* seconds; return its code, empty for success."""
        now = asyncio.get_running_loop().time()
        while self.window and self.window[0] <= now - self.per:
            self.window.popleft()
        self.arrivals.append(now)
        if self.refuses and (code := self._refusal()):
            self.window.append(now)  # a refused call is counted too
            self.refused[code] += 1
            return code
        self.window.append(now)
        self.running += 1
        self.peak_window = max(self.peak_window, len(self.window))
        self.peak_running = max(self.peak_running, self.running)
        try:
            await asyncio.sleep(service)
        finally:
            self.running -= 1
        return ""

    def _refusal(self) -> str:
        if len(self.window) >= self.calls:
            return "606"
        return "615" if self.running >= self.concurrency else ""


class Weather:
    """Random latencies: the way out, the work, the way back, and the reading of the body."""

    def __init__(self, rng: random.Random, longest: float) -> None:
        self.rng, self.longest = rng, longest

    def delay(self) -> float:
        """Mostly short, sometimes very long, sometimes nothing at all."""
        kind = self.rng.random()
        if kind < 0.15:
            return 0.0
        return self.rng.uniform(0, self.longest) * (1.0 if kind > 0.9 else 0.2)
