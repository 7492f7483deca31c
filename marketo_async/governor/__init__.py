"""The rate governor: one Marketo instance's limits, enforced in one place.

`window` (sliding-window log), `quota` (daily count) and `aimd` (the share left to us by other integrations) are the
rules; `limiter` combines them. They do no I/O and read no clock. `gate` queues the waiting calls. `authority` decides
which call may start: by this process's own `grants`, or by a store that processes share (`stores`). `governor` is the
public face of all of it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from marketo_async.governor.governor import Governor
from marketo_async.governor.limits import Limits, Priority
from marketo_async.governor.permit import Permit
from marketo_async.governor.snapshot import CallRecord, Snapshot
from marketo_async.governor.stores import Store

if TYPE_CHECKING:
    from marketo_async.governor.stores.redis import RedisStore
    from marketo_async.governor.stores.sqlite import SQLiteStore

__all__ = [
    "CallRecord",
    "Governor",
    "Limits",
    "Permit",
    "Priority",
    "RedisStore",
    "SQLiteStore",
    "Snapshot",
    "Store",
]

_STORES = {
    "RedisStore": "marketo_async.governor.stores.redis",
    "SQLiteStore": "marketo_async.governor.stores.sqlite",
}

if not TYPE_CHECKING:  # a type checker uses the imports above; this function would hide every typo from it

    def __getattr__(name: str) -> object:
        """Import a store when it is first named: most programs need neither sqlite3 nor redis."""
        if name not in _STORES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            return getattr(import_module(_STORES[name]), name)
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "redis":
                raise
            raise ModuleNotFoundError(
                "RedisStore needs redis-py: pip install 'marketo-async[redis]'", name=error.name
            ) from error
