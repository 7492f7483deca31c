"""Where the state of a fleet lives, when more than one process works on one instance: the stores and what they share.

`Store` is what a governor asks; ``sqlite`` serves the processes of one machine, ``redis`` those of many. Each is
imported when it is first named. Not here: the rule that they keep (``fleet``).
"""

from __future__ import annotations

from math import isfinite
from typing import Protocol

from marketo_async.errors import ConfigurationError
from marketo_async.governor.stores.messages import StoreReply, StoreRequest


class Store(Protocol):
    """Keeps one instance's `Fleet`, and lets it decide about one question after the other, whoever asks."""

    lease: float | None
    """Seconds that a call is held for a worker that gives no sign of life; `None` for the governor's choice."""

    async def ask(self, request: StoreRequest) -> StoreReply:
        """Decide, atomically; asking the same thing twice does no harm. Raises `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Let go of connections; the next question opens them again."""
        ...


def checked_seconds(store: str, name: str, seconds: float) -> float:
    """Return the setting *name* of a store: a finite number of seconds above 0. Raises `ConfigurationError`."""
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if number and isfinite(seconds) and seconds > 0:
        return seconds
    raise ConfigurationError(f"{store}: {name} is {seconds!r}; pass a finite number of seconds above 0")


def checked_lease(store: str, lease: float | None) -> float | None:
    """Return the lease of a store, `None` where the governor is to choose. Raises `ConfigurationError`."""
    return None if lease is None else checked_seconds(store, "lease", lease)
