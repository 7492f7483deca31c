"""`JobSlots`: the state that all bulk jobs of one client share; `Polling`: how long they wait.

Marketo runs two exports at once and queues ten, counting those of all users. So one client has at most two export jobs
there, and downloads at most two files at once. See ``exports.jobs`` for the jobs.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Literal, Protocol, get_args

from msgspec import Struct

from marketo_async.argument_kinds import one_of, positive
from marketo_async.writes import InFlight

OnQuota = Literal["raise", "wait"]

AT_ONCE = 2
_EXPORT_POLL = 60.0  # seconds; Marketo refreshes the status of an export once a minute
_FULL_QUEUE = (60.0, 240.0)  # seconds until the next attempt after a full queue
_LONGEST_SLEEP = 3600.0  # seconds; computers sleep and clocks are set, so compare with the clock at least this often


class Polling(Struct, frozen=True, kw_only=True):
    """How long to wait between two polls, scattered at random.

    Exports wait ``poll`` seconds, by default 60, and up to a fifth more. Imports wait ``poll`` seconds, by default from
    4 to 30, and up to a fifth less. After a full queue, both wait one to four times ``poll``, by default 60 to 240 s.
    An export job that is not over ``deadline`` seconds after it was enqueued, or found by a later run, is given up.
    """

    poll: float | None = None
    on_quota: OnQuota = "raise"
    deadline: float | None = None

    def __post_init__(self) -> None:
        if self.poll is not None:
            positive("poll", self.poll)
        if self.deadline is not None:
            positive("deadline", self.deadline)
        one_of("on_quota", self.on_quota, get_args(OnQuota))

    def export_wait(self, rng: random.Random) -> float:
        """Return the seconds until the next poll of an export."""
        return (_EXPORT_POLL if self.poll is None else self.poll) * rng.uniform(1.0, 1.2)

    def import_wait(self, rng: random.Random, polls: int) -> float:
        """Return the seconds until the next poll of an import, after ``polls`` polls."""
        return (min(30.0, 5.0 * 1.5**polls) if self.poll is None else self.poll) * rng.uniform(0.8, 1.0)

    def queue_wait(self, rng: random.Random) -> float:
        """Return the seconds until the next attempt after a full queue."""
        return rng.uniform(*_FULL_QUEUE) if self.poll is None else self.poll * rng.uniform(1.0, 4.0)


class RunningExport(Protocol):
    """An export under way."""

    async def abandon(self) -> None:
        """End the export, and cancel its unfinished jobs, within a few seconds."""
        ...


class JobSlots:
    """The shared state of one client's bulk jobs on ``instance``; ``clock`` gives epoch seconds."""

    def __init__(
        self,
        instance: str = "",
        *,
        clock: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        in_flight: Callable[[], InFlight] | None = None,
        wait_for: Callable[[Callable[[], Awaitable[None]]], Awaitable[None]] | None = None,
    ) -> None:
        self.instance = instance
        own = InFlight()
        self.in_flight: Callable[[], InFlight] = in_flight or (lambda: own)
        """The keys under way on the instance, also those of other writes of the client, such as ``sync``."""
        self._wait_for = wait_for
        self.clock = clock
        self.rng = rng or random.Random()  # noqa: S311 - scatters waits, not a secret
        self.began: datetime | None = None
        """When the instance began, once an export has asked for it."""
        self.created_jobs: set[str] = set()
        """The ids of the export jobs created here; a search for a lost job excludes them."""
        self._exports: set[RunningExport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs, self._files = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

    @property
    def now(self) -> datetime:
        """The present moment."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def jobs(self) -> asyncio.Semaphore:
        """The semaphore of export jobs; each holds it from its creation to its end."""
        self._bind()
        return self._jobs

    @property
    def files(self) -> asyncio.Semaphore:
        """The semaphore of downloads."""
        self._bind()
        return self._files

    @contextmanager
    def running(self, export: RunningExport) -> Iterator[None]:
        """Register an export for this block, so that ``close`` ends it."""
        self._bind()
        self._exports.add(export)
        try:
            yield
        finally:
            self._exports.discard(export)

    async def close(self) -> None:
        """End the exports under way; call it while the client can still make calls.

        An ``export()`` whose loop ended by ``break`` is one of them until the event loop closes its generator.
        """
        self._bind()
        await asyncio.gather(*(export.abandon() for export in list(self._exports)))

    async def sleep(self, seconds: float) -> None:
        """Wait between two calls. Raises `ConfigurationError` as soon as the client is closed."""
        pause = partial(asyncio.sleep, seconds)
        await (pause() if self._wait_for is None else self._wait_for(pause))

    async def sleep_until(self, moment: datetime) -> None:
        """Wait until ``moment``, and up to a minute more at random, so that clients do not all continue at once."""
        until = moment.timestamp() + self.rng.uniform(1.0, 60.0)
        while (rest := until - self.clock()) > 0:
            await self.sleep(min(rest, _LONGEST_SLEEP))

    def _bind(self) -> None:
        """Make new semaphores for a new event loop: a client may be opened again on another one."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._exports = loop, set()
            self._jobs, self._files = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
