"""`Waits`: the waits of calls before they are sent (for a token, a permit, the next try); a close ends them at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from marketo_async.errors import ConfigurationError
from marketo_async.turns import in_turns

T = TypeVar("T")


class Waits:
    """The waits of one session."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()
        self._over = asyncio.Event()  # set once it is closed and no wait is left
        self.closed = False

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Return the result of the awaitable that ``what`` makes.

        Raises `ConfigurationError` when the client is closed first.
        """
        self.check_open()
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    return await what()
                finally:
                    self._limits.discard(limit)
                    if self.closed and not self._limits:
                        self._over.set()
        except TimeoutError as error:
            if limit.expired():
                raise _is_closed() from error
            raise

    def check_open(self) -> None:
        """Raise `ConfigurationError` if the client is closed."""
        if self.closed:
            raise _is_closed()

    async def close(self) -> None:
        """End every wait, refuse new ones, and return when none is left."""
        self.closed = True
        loop = asyncio.get_running_loop()
        limits = list(self._limits)

        def ending() -> Iterator[None]:
            for limit in limits:
                if limit in self._limits and limit.when() is None:  # still waiting, and not ended before
                    limit.reschedule(loop.time())
                yield

        in_turns(loop, ending())
        if limits:
            await self._over.wait()


def _is_closed() -> ConfigurationError:
    return ConfigurationError("the client is closed: make calls inside its `async with` block, and await them there")
