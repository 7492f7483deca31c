"""Queues for a batcher's accepted records, in the order of acceptance; `MemoryQueue` here, `Journal` on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, Protocol

from msgspec import Struct

from marketo_async.errors import own


class Entry(Struct, frozen=True):
    """One accepted record: its number, its value, and its JSON; ``damage`` says why the JSON can't be read."""

    number: int
    record: Any
    encoded: bytes
    damage: str = ""


class SetAside(Struct, frozen=True):
    """A dead letter: an accepted record that can't be written, and why; ``record`` is bytes if it can't be read."""

    record: Any
    reason: str


class RecordQueue(Protocol):
    """Accepted records, oldest first."""

    async def open(self) -> tuple[int, int, int]:
        """Return the number of records in the queue, their bytes, and the highest record number so far."""
        ...

    async def add(self, entry: Entry) -> None:
        """Keep a record; once this returns, it is as durable as the queue."""
        ...

    async def oldest(self, most: int) -> list[Entry]:
        """Return the oldest records."""
        ...

    async def remove(self, done: Collection[int], aside: Sequence[tuple[Entry, str]]) -> None:
        """Remove the finished records, and set others aside."""
        ...

    async def set_aside(self, *, forget: bool) -> list[SetAside]:
        """Return the records set aside, and ``forget`` them."""
        ...

    async def close(self) -> None:
        """Close everything that is open."""
        ...


class Room:
    """A semaphore of places for records, first in, first out; `fail` ends all waits with an error."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Take a place; raises the error that `fail` receives meanwhile."""
        if self._free > 0:
            self._free -= 1
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                self.give()  # the place came at the moment of the cancellation
            raise

    def give(self) -> None:
        """Give a place back: to the first waiter, if there is one."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    def fail(self, error: Exception) -> None:
        """End all waits, each with its own copy of the error."""
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(own(error))


class MemoryQueue:
    """Records in memory: they live as long as the process."""

    def __init__(self) -> None:
        self._entries: dict[int, Entry] = {}
        self._aside: list[SetAside] = []

    async def open(self) -> tuple[int, int, int]:
        """Return that the queue is empty."""
        return 0, 0, 0

    async def add(self, entry: Entry) -> None:
        """Keep a record."""
        self._entries[entry.number] = entry

    async def oldest(self, most: int) -> list[Entry]:
        """Return the oldest records."""
        return list(islice(self._entries.values(), most))

    async def remove(self, done: Collection[int], aside: Sequence[tuple[Entry, str]]) -> None:
        """Remove the finished records, and set others aside."""
        for number in done:
            del self._entries[number]
        for entry, reason in aside:
            del self._entries[entry.number]
            self._aside.append(SetAside(entry.record, reason))

    async def set_aside(self, *, forget: bool) -> list[SetAside]:
        """Return the records set aside."""
        found = list(self._aside)
        if forget:
            self._aside.clear()
        return found

    async def close(self) -> None:
        """Keep the records."""
