"""`Openings`: the tokens of dates. Marketo gives a token for a date alone, so lanes that open at one date share it."""

from __future__ import annotations

import math
from collections import OrderedDict

import anyio
from msgspec import Struct, field

from marketo_async.changes.calls import FeedCalls
from marketo_async.changes.lanes import OPENING, opening_call
from marketo_async.governor.quota import as_utc

_KEPT = 32


class OpeningToken(Struct, eq=False):
    """The token of one moment, once it is known."""

    token: str | None = None
    lock: anyio.Lock = field(default_factory=anyio.Lock)


class Openings:
    """Asks for the token of a moment once, whatever number of lanes needs it."""

    def __init__(self, calls: FeedCalls) -> None:
        self._calls = calls
        # A backlog may have to wait for its share of the budget, and nothing else waits with it.
        self._known: OrderedDict[tuple[int, bool], OpeningToken] = OrderedDict()

    async def at(self, moment: float, *, backlog: bool, refused: bool) -> str:
        """Return the token of a moment; a new one if the last one was ``refused``.

        It is the token of one second earlier, as Marketo may leave out the moment itself.
        """
        key = (math.floor(moment) - 1, backlog)
        if refused:
            self._known.pop(key, None)
        found = self._known.setdefault(key, OpeningToken())
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        async with found.lock:
            if found.token is None:
                found.token = await self._calls.send(OPENING, opening_call(as_utc(key[0])), backlog=backlog)
            return found.token
