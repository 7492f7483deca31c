"""`JobSlots`: the state that all bulk jobs of one client share; `Polling`: how long they wait.

Marketo runs two exports at a time and queues ten, over all users. This client has at most two jobs there, and
downloads two files at a time. See ``exports.jobs`` for the jobs.
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
_FLOOR = 60.0  # seconds; Marketo renews an export's status once a minute
_FULL = (60.0, 240.0)  # seconds to stay away from a full queue
_LONGEST_NAP = 3600.0  # a machine can sleep and a clock can be set: check at least this often


class Polling(Struct, frozen=True, kw_only=True):
    """How long to wait between two polls.

    ``poll`` seconds, and up to a fifth more at random; ``None`` is a minute for exports, and 5 to 30 seconds for
    imports. After a full queue, the wait is one to four times ``poll``, by default one to four minutes.
    """

    poll: float | None = None
    on_quota: OnQuota = "raise"

    def __post_init__(self) -> None:
        if self.poll is not None:
            positive("poll", self.poll)
        one_of("on_quota", self.on_quota, get_args(OnQuota))

    def export(self, rng: random.Random) -> float:
        """Return the seconds until the next poll of an export."""
        return (_FLOOR if self.poll is None else self.poll) * rng.uniform(1.0, 1.2)

    def imported(self, rng: random.Random, looks: int) -> float:
        """Return the seconds until the next poll of an import, after ``looks`` polls."""
        return (min(30.0, 5.0 * 1.5**looks) if self.poll is None else self.poll) * rng.uniform(0.8, 1.0)

    def queue(self, rng: random.Random) -> float:
        """Return the seconds until the next attempt after a full queue."""
        return rng.uniform(*_FULL) if self.poll is None else self.poll * rng.uniform(1.0, 4.0)


class RunningExport(Protocol):
    """An export under way."""

    async def abandon(self) -> None:
        """End it, and cancel its jobs that have not ended, within a few seconds."""
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
        """The keys under way on the instance, those of `sync` among them."""
        self._wait_for = wait_for
        self.clock = clock
        self.rng = rng or random.Random()  # noqa: S311 - scatters waits, hides nothing
        self.known: set[str] = set()
        """The export jobs that were made here, so that a lost job is not mistaken for one of them."""
        self._exports: set[RunningExport] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._jobs, self._files = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

    @property
    def now(self) -> datetime:
        """The present moment."""
        return datetime.fromtimestamp(self.clock(), UTC)

    @property
    def jobs(self) -> asyncio.Semaphore:
        """A turn at Marketo's queue, from a job's making to its end."""
        self._bind()
        return self._jobs

    @property
    def files(self) -> asyncio.Semaphore:
        """A turn at fetching a file."""
        self._bind()
        return self._files

    @contextmanager
    def running(self, export: RunningExport) -> Iterator[None]:
        """Keep an export in this block known, so that ``close`` ends it."""
        self._bind()
        self._exports.add(export)
        try:
            yield
        finally:
            self._exports.discard(export)

    async def close(self) -> None:
        """End the exports under way, as long as calls can still be made.

        A loop over ``export()`` that was left by ``break`` is one of them until the event loop has closed it.
        """
        self._bind()
        await asyncio.gather(*(export.abandon() for export in list(self._exports)))

    async def sleep(self, seconds: float) -> None:
        """Wait between two calls. Raises `ConfigurationError` as soon as the client is closed."""
        pause = partial(asyncio.sleep, seconds)
        await (pause() if self._wait_for is None else self._wait_for(pause))

    async def sleep_until(self, moment: datetime) -> None:
        """Wait for ``moment``, and up to a minute more, which spreads out the clients."""
        until = moment.timestamp() + self.rng.uniform(1.0, 60.0)
        while (left := until - self.clock()) > 0:
            await self.sleep(min(left, _LONGEST_NAP))

    def _bind(self) -> None:
        """Make new semaphores for another event loop: a client may be opened again on the next one."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._exports = loop, set()
            self._jobs, self._files = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)
