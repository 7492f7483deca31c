"""The input of a write: an iterable, read on demand, or an async iterable, read ahead within a bound. No network."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from typing import Generic, TypeVar

V = TypeVar("V")

_AHEAD = 300  # records that an async iterable is read ahead


class RecordSource(Generic[V]):
    """Returns records one by one; ``ended`` after the last one, or after an ``error`` of the input."""

    ended = False
    error: Exception | None = None

    def get(self) -> list[V]:
        """Return the next record in a list; an empty list if none has come yet, or none will."""
        raise NotImplementedError

    def close(self) -> None:
        """Read no more."""
        self.ended = True


class PlainSource(RecordSource[V]):
    """The records of an iterable."""

    def __init__(self, records: Iterable[V]) -> None:
        self._records: Iterator[V] = iter(records)

    def get(self) -> list[V]:
        """Return the next record in a list, or an empty list at the end."""
        if self.ended:
            return []
        try:
            return [next(self._records)]
        except StopIteration:
            self.ended = True
        except Exception as error:  # noqa: BLE001 - the caller's own iterator may raise anything; the write raises it
            self.error, self.ended = error, True
        return []


class AsyncSource(RecordSource[V]):
    """The records of an async iterable, read by a separate task; ``wake`` is called for each record and the end."""

    def __init__(self, records: AsyncIterable[V], wake: Callable[[], None]) -> None:
        self._records: AsyncIterator[V] = aiter(records)
        self._wake = wake
        self._read: deque[V] = deque()
        self._room = asyncio.Event()
        self._reader = asyncio.get_running_loop().create_task(self._read_all())
        self._reader.add_done_callback(self._on_read)

    def get(self) -> list[V]:
        """Return the next record in a list, or an empty list if none has come yet."""
        if not self._read:
            self.ended = self._reader.done()
            return []
        if len(self._read) <= _AHEAD // 2:
            self._room.set()
        return [self._read.popleft()]

    def close(self) -> None:
        """Stop reading."""
        self.ended = True
        self._reader.cancel()

    async def _read_all(self) -> None:
        async for record in self._records:
            self._read.append(record)
            self._wake()
            if len(self._read) >= _AHEAD:
                self._room.clear()
                await self._room.wait()

    def _on_read(self, reader: asyncio.Task[None]) -> None:
        if not reader.cancelled() and isinstance(found := reader.exception(), Exception):
            self.error = found
        self._wake()
