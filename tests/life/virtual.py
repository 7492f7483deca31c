"""Virtual time that outlives event loops: one timeline, with what happens outside the program beside the loop's timers.

A loop of this kind never sleeps: when it has nothing to do, the clock jumps to its next timer or to the next outside
event, whichever comes first. The clock keeps running from one loop to the next, as a machine's does.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

MOMENT = 1_780_333_200.0  # epoch seconds at which every timeline begins: noon of 2026-06-01 in America/Chicago
_TICK = 1e-9  # seconds that a look at the clock takes, as on real ones
_SPINS = 50_000  # turns of the loop within a millisecond; more is a livelock
_PATIENCE = 20.0  # real seconds for a thread to answer


class Livelock(AssertionError):
    """The loop turns without end while no time passes."""


class Timeline:
    """The clock of one world, in seconds, and what is to happen in it outside of any event loop."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.threads = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def moment(self) -> float:
        """Return the wall clock's reading."""
        return MOMENT + self.now

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Let *event* happen *seconds* from now."""
        heapq.heappush(self._events, (self.now + seconds, next(self._number), event))

    @contextmanager
    def thread(self) -> Iterator[None]:
        """Let real time pass, and no virtual time, while a thread works for the loop."""
        self.threads += 1
        try:
            yield
        finally:
            self.threads = max(0, self.threads - 1)

    def due(self) -> float | None:
        """Return when the next event is due."""
        return self._events[0][0] if self._events else None

    def happen(self) -> bool:
        """Let everything happen that is due; return whether there was anything."""
        happened = False
        while self._events and self._events[0][0] <= self.now:
            happened = True
            heapq.heappop(self._events)[2]()
        return happened

    def skip(self, until: float) -> None:
        """Move the clock on while no loop runs, with all that happens meanwhile."""
        while (due := self.due()) is not None and due <= until:
            self.now = max(self.now, due)
            self.happen()
        self.now = max(self.now, until)


class _Skipping(selectors.SelectSelector):
    """Waits by moving the clock."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline
        self._spins, self._since = 0, timeline.now

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        timeline = self._timeline
        if timeline.now > self._since + 1e-3:
            self._spins, self._since = 0, timeline.now
        self._spins += 1
        if self._spins > _SPINS:
            self._spins = 0
            raise Livelock(f"the loop turned {_SPINS} times between {self._since} and {timeline.now}")
        ready = super().select(0)
        if ready or timeline.happen() or (timeout is not None and timeout <= 0):
            return ready
        if timeline.threads:
            ready = super().select(_PATIENCE)
            assert ready, "a thread did not answer"
            return ready
        due = timeline.due()
        until = min([when for when in (due, None if timeout is None else timeline.now + timeout) if when is not None])
        timeline.now = max(timeline.now, until)
        timeline.happen()
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on a timeline."""

    def __init__(self, timeline: Timeline) -> None:
        super().__init__(_Skipping(timeline))
        self.timeline = timeline

    def time(self) -> float:
        self.timeline.now += _TICK
        return self.timeline.now

    def run_for(self, seconds: float) -> None:
        """Let *seconds* pass."""
        handle = self.call_later(seconds, self.stop)
        try:
            self.run_forever()
        finally:
            handle.cancel()

    def timers(self) -> list[asyncio.TimerHandle]:
        """Return the timers that are still to go off."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return [timer for timer in scheduled if not timer.cancelled()]
