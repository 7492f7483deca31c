"""Stores: they share one instance's limits between processes.

`Store` is the interface that a governor calls. ``sqlite`` serves the processes of one machine, ``redis`` those of many;
each is imported when it is first named. See ``shared_limiter`` for the rule that they keep.
"""

from __future__ import annotations

from math import isfinite
from typing import Protocol

from marketo_async.errors import ConfigurationError
from marketo_async.governor.stores.messages import StoreReply, StoreRequest


class Store(Protocol):
    """Keeps one instance's `SharedLimiter`, and lets it decide about one request at a time."""

    lease: float | None
    """The seconds for which a silent worker's call is held; `None` lets the governor choose."""

    async def ask(self, request: StoreRequest) -> StoreReply:
        """Decide atomically. Requests are idempotent. Raises `StoreUnavailable`."""
        ...

    async def close(self) -> None:
        """Close connections; the next request opens them again."""
        ...


def checked_seconds(store: str, name: str, seconds: float) -> float:
    """Return the setting ``name`` of a store: a finite number of seconds above 0. Raises `ConfigurationError`."""
    number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if number and isfinite(seconds) and seconds > 0:
        return seconds
    raise ConfigurationError(f"{store}: {name} is {seconds!r}; pass a finite number of seconds above 0")


def checked_lease(store: str, lease: float | None) -> float | None:
    """Return the lease of a store, `None` to let the governor choose. Raises `ConfigurationError`."""
    return None if lease is None else checked_seconds(store, "lease", lease)
