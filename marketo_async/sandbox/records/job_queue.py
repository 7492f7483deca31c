"""Queues of bulk jobs: first in, first out; a few run at a time, each for some seconds of the sandbox's clock.

See ``export_jobs`` and ``import_jobs`` for what a job does.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from marketo_async.sandbox.clock import SandboxClock

MOST_JOBS = 10
MOST_RUNNING = 2


class Job(Protocol):
    """A job that is started and later finished."""

    def start(self, moment: float) -> None:
        """Start at this moment."""
        ...

    def finish(self, moment: float) -> None:
        """End at this moment."""
        ...


class JobQueue:
    """The waiting and running jobs of an instance; running jobs also count in the queue."""

    def __init__(self, clock: SandboxClock, *, wait: float, run: float) -> None:
        self._clock = clock
        self._wait = wait
        self._run = run
        self._waiting: deque[tuple[float, Job]] = deque()
        self._running: list[tuple[float, Job]] = []
        self._freed_at = 0.0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._running)

    @property
    def is_full(self) -> bool:
        """Whether the queue accepts no further job."""
        return len(self) >= MOST_JOBS

    def add(self, job: Job) -> None:
        """Put a job at the end of the queue."""
        self._waiting.append((self._clock.time() + self._wait, job))

    def remove(self, job: Job) -> None:
        """Remove a job, in any state."""
        self._waiting = deque(item for item in self._waiting if item[1] is not job)
        kept = [item for item in self._running if item[1] is not job]
        if len(kept) < len(self._running):
            self._running, self._freed_at = kept, self._clock.time()

    def settle(self) -> None:
        """Start and finish all jobs that are due, in order of time."""
        now = self._clock.time()
        while True:
            ends = min((end for end, _ in self._running), default=None)
            starts = self._next_start()
            if starts is not None and starts <= now and (ends is None or starts < ends):
                _, job = self._waiting.popleft()
                self._running.append((starts + self._run, job))
                job.start(starts)
            elif ends is not None and ends <= now:
                self._finish(ends)
            else:
                return

    def _next_start(self) -> float | None:
        if not self._waiting or len(self._running) >= MOST_RUNNING:
            return None
        return max(self._waiting[0][0], self._freed_at)

    def _finish(self, moment: float) -> None:
        ended = next(item for item in self._running if item[0] == moment)
        self._running.remove(ended)
        self._freed_at = moment
        ended[1].finish(moment)
