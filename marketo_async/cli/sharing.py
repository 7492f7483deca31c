"""The governor of a command: runs share the instance's limits through one file per instance.

The file is in the user's state folder. See ``governor.stores.sqlite`` for its content.
"""

from __future__ import annotations

import re
from pathlib import Path

from platformdirs import user_state_path

from marketo_async import Governor, Limits, Marketo
from marketo_async.errors import InvalidRequest
from marketo_async.governor import SQLiteStore

ALONE = "none"
_IN_NAMES = re.compile(r"[^A-Za-z0-9.-]+")


def client(*, daily: int, reserve: int = 0, store: str | None = None) -> Marketo:
    """Return a client from the environment; ``store`` is a path, ``none``, or ``None`` for the instance's file."""
    if reserve >= daily:
        raise InvalidRequest(f"--reserve {reserve} leaves no calls of --daily {daily}; reserve fewer")
    limits = Limits(daily=daily, reserve=reserve)
    if store == ALONE:
        return Marketo.from_env(governor=Governor(limits))
    return Marketo.from_env(governor=shared_governor(limits, store))


def shared_governor(limits: Limits, store: str | None = None) -> Governor:
    """Return a governor of the environment's instance that all processes share, by its file or the file ``store``."""
    path = file_of(Marketo.from_env().base_url) if store is None else Path(store)
    return Governor(limits, store=SQLiteStore(path))


def file_of(base_url: str) -> Path:
    """Return the store file of an instance; creates its folder if missing."""
    return user_state_path("marketo-async", ensure_exists=True) / f"{name_of(base_url)}.db"


def name_of(base_url: str) -> str:
    """Return an instance as a part of a file name."""
    return _IN_NAMES.sub("_", base_url.partition("://")[2])
