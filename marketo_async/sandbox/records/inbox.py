"""The writes that data ingestion accepted and has not applied yet.

By the sandbox's clock, each write is applied a moment later, and retried while a record that it needs is missing.
See ``ingested`` for how writes are applied.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from marketo_async.sandbox.clock import SandboxClock, central_day
from marketo_async.sandbox.errors import ApiError

# Minutes between the attempts; the last one is within the 65 minutes in which a missing person may be created.
_RETRY_MINUTES = (5, 15, 20, 20)

Apply = Callable[[], bool]
"""Applies a write as far as possible, and returns whether it is complete."""


@dataclass(slots=True)
class _Write:
    due: float
    apply: Apply
    tries: int = 0


class Inbox:
    """The accepted writes of an instance, in order of arrival."""

    def __init__(self, clock: SandboxClock, delay: float) -> None:
        self.daily_objects = 10_000_000
        self._clock = clock
        self._delay = delay
        self._waiting: list[_Write] = []
        self._day = central_day(clock.time())
        self._objects_today = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def accept(self, objects: int, apply: Apply) -> None:
        """Accept a write of some objects, or raise 4290801 if it exceeds the objects of the day."""
        now = self._clock.time()
        if central_day(now) != self._day:
            self._day, self._objects_today = central_day(now), 0
        if self._objects_today + objects > self.daily_objects:
            raise ApiError("4290801", f"Daily quota of {self.daily_objects} objects reached")
        self._objects_today += objects
        self._waiting.append(_Write(now + self._delay, apply))

    def settle(self) -> None:
        """Apply the writes that are due."""
        now = self._clock.time()
        due = [write for write in self._waiting if write.due <= now]
        if not due:
            return
        self._waiting = [write for write in self._waiting if write.due > now]
        for write in due:
            if not write.apply() and write.tries < len(_RETRY_MINUTES):
                write.due = now + 60 * _RETRY_MINUTES[write.tries]
                write.tries += 1
                self._waiting.append(write)
