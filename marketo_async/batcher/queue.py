"""Where a batcher keeps what it has accepted, in the order it came: here in memory; on disk it is a `Journal`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Sequence
from itertools import islice
from typing import Any, Protocol

from msgspec import Struct

from marketo_async.errors import own


class Entry(Struct, frozen=True):
    """One accepted record: its number, itself, and its bytes as JSON; ``damage`` says why those can't be read."""

    number: int
    record: Any
    encoded: bytes
    damage: str = ""


class SetAside(Struct, frozen=True):
    """A record that was accepted and can't be written, and why; bytes stand for one that can't be read either."""

    record: Any
    reason: str


class RecordQueue(Protocol):
    """Accepted records, oldest first."""

    async def open(self) -> tuple[int, int, int]:
        """Return how many records are there already, their bytes, and the highest number there was."""
        ...

    async def add(self, entry: Entry) -> None:
        """Keep a record; once this returns, it is as safe as it gets."""
        ...

    async def oldest(self, most: int) -> list[Entry]:
        """Return the records that came first."""
        ...

    async def settle(self, done: Collection[int], aside: Sequence[tuple[Entry, str]]) -> None:
        """Let go of what was written, and set aside what can't be."""
        ...

    async def set_aside(self, *, forget: bool) -> list[SetAside]:
        """Return what was set aside, and *forget* it."""
        ...

    async def close(self) -> None:
        """Let go of everything that is open."""
        ...


class Room:
    """Places for records; whoever finds none waits in turn for one, or for the error that ends the wait."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiters: deque[asyncio.Future[None]] = deque()

    async def take(self) -> None:
        """Take a place; raises what `fail` was called with meanwhile."""
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
        """Give a place back: to the first who waits, if anybody does."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._free += 1

    def fail(self, error: Exception) -> None:
        """End all waits with an error; each gets one of its own."""
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
        """Return that nothing is there yet."""
        return 0, 0, 0

    async def add(self, entry: Entry) -> None:
        """Keep a record."""
        self._entries[entry.number] = entry

    async def oldest(self, most: int) -> list[Entry]:
        """Return the records that came first."""
        return list(islice(self._entries.values(), most))

    async def settle(self, done: Collection[int], aside: Sequence[tuple[Entry, str]]) -> None:
        """Let go of what was written, and set aside what can't be."""
        for number in done:
            del self._entries[number]
        for entry, reason in aside:
            del self._entries[entry.number]
            self._aside.append(SetAside(entry.record, reason))

    async def set_aside(self, *, forget: bool) -> list[SetAside]:
        """Return what was set aside."""
        found = list(self._aside)
        if forget:
            self._aside.clear()
        return found

    async def close(self) -> None:
        """Keep the records, should anybody ask for them."""
