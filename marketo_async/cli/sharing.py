"""The governor of a command: it shares the instance's limits with the runs before and beside it, through a file.

One file an instance, in the user's folder for state. Not here: what the file holds (``governor.stores.sqlite``).
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
    """Return a client of the instance in the environment, and its governor on *store*: a path, ``none``, or our own."""
    if reserve >= daily:
        raise InvalidRequest(f"--reserve {reserve} leaves nothing of --daily {daily}")
    limits = Limits(daily=daily, reserve=reserve)
    if store == ALONE:
        return Marketo.from_env(governor=Governor(limits))
    path = file_of(Marketo.from_env().base_url) if store is None else Path(store)
    return Marketo.from_env(governor=Governor(limits, store=SQLiteStore(path)))


def file_of(base_url: str) -> Path:
    """Return the file of an instance, in a folder that is made where it is missing."""
    _, _, place = base_url.partition("://")
    return user_state_path("marketo-async", ensure_exists=True) / f"{_IN_NAMES.sub('_', place)}.db"
