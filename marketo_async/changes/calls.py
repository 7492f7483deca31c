"""`FeedCalls`: the calls of one feed, within its budget; what passes is waited out, so that the feed does not end.

While the feed follows, an outage, a busy instance or a spent day delays it and is logged; every other error ends it. A
feed that does not follow raises each error at once.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from typing import TypeVar

import anyio

from marketo_async.changes.budget import Spending
from marketo_async.errors import (
    BadResponse,
    Busy,
    DailyQuotaExceeded,
    MarketoError,
    StoreUnavailable,
    Throttled,
    TransportError,
    Unavailable,
    UnexpectedShape,
)
from marketo_async.operation import Operation, Plan
from marketo_async.resources.base import Sender

log = logging.getLogger("marketo_async.changes")

R = TypeVar("R")

_PASSING = (TransportError, Unavailable, Throttled, Busy, StoreUnavailable)
_FIRST_DELAY, _LONGEST_DELAY = 10.0, 300.0  # seconds between two tries
_LONGEST_NAP = 60.0  # seconds; a wall clock may be set meanwhile
_REDIRECT, _SERVER_ERROR = 300, 500  # HTTP statuses
_SPREAD = 30.0  # seconds over which feeds start again after midnight


class FeedCalls:
    """Makes the calls of a feed and counts them; ``bulk`` is a sender with the lowest priority."""

    def __init__(
        self,
        sender: Sender,
        bulk: Sender,
        spending: Spending,
        *,
        clock: Callable[[], float],
        follow: bool,
        rng: random.Random,
    ) -> None:
        self._sender, self._bulk = sender, bulk
        self._follow = follow
        self._rng = rng
        self.spending = spending
        self.clock = clock
        self.made = 0
        self.trouble = ""
        """Why the last call failed, if it is being waited out."""

    async def send(self, operation: Operation, plan: Plan[R], *, backlog: bool = False) -> R:
        """Make one call, once the budget allows it; those of a ``backlog`` let all others go first."""
        sender = self._bulk if backlog else self._sender
        failures = 0
        while True:
            await self._allowed(backlog=backlog)
            self.spending.count(self.clock())
            self.made += 1
            try:
                answer = await sender.send(operation, plan)
            except DailyQuotaExceeded as error:
                if not self._follow:
                    raise
                self._note(error)
                await self.wait_until(error.resets_at.timestamp() + self._rng.uniform(1.0, _SPREAD))
            except _PASSING as error:
                if not self._follow or not _passes(error):
                    raise
                self._note(error)
                failures += 1
                ceiling = min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**failures)
                await self.wait(self._rng.uniform(ceiling / 2, ceiling))
            else:
                self.trouble = ""
                return answer

    async def wait(self, seconds: float, *, until: anyio.Event | None = None) -> None:
        """Wait for some seconds, or until an event is set. Raises `ConfigurationError` if the client is closed."""

        async def pause() -> None:
            with anyio.move_on_after(seconds):
                await (anyio.sleep_forever() if until is None else until.wait())

        await self._sender.wait_for(pause)

    async def wait_until(self, moment: float) -> None:
        """Wait for a moment of the wall clock, in epoch seconds."""
        while (left := moment - self.clock()) > 0:
            await self.wait(min(left, _LONGEST_NAP))

    async def _allowed(self, *, backlog: bool) -> None:
        while (opens := self.spending.opens_at(self.clock(), backlog=backlog)) > self.clock():
            log.warning("the feed waits: %s", self.spending.held_back(self.clock(), backlog=backlog))
            await self.wait_until(opens)

    def _note(self, error: MarketoError) -> None:
        self.trouble = str(error)
        log.warning("the feed waits and tries again: %s", error)


def _passes(error: MarketoError) -> bool:
    """Return whether a failure of one of the passing kinds does pass: the same page would have the same shape again."""
    if isinstance(error, BadResponse):
        return error.status >= _SERVER_ERROR or (error.status < _REDIRECT and not isinstance(error, UnexpectedShape))
    return not isinstance(error, TransportError) or error.passing
