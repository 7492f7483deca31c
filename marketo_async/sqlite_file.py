"""`connect`: a connection to an SQLite file that a forked child leaves to its parent.

A child has a copy of every connection, which believes in the locks that the parent holds. Closed there, be it by the
garbage collector or at the interpreter's exit, a journal's copy writes the write-ahead log into the file and deletes
it; what the parent commits after that is in a deleted file, and lost when the parent ends. So nothing in the child ever
closes a copy: a reference that nobody counts keeps it. SQLite's own advice is to carry no connection across a fork
(https://www.sqlite.org/howtocorrupt.html). Not here: what opens connections of its own in the child.
"""

from __future__ import annotations

import ctypes
import os
import sqlite3
import weakref
from pathlib import Path
from typing import Literal


class _Connection(sqlite3.Connection):
    """A connection that can be referred to weakly."""


_open: weakref.WeakSet[_Connection] = weakref.WeakSet()


def connect(
    path: Path, *, timeout: float, isolation_level: Literal["DEFERRED"] | None = "DEFERRED"
) -> sqlite3.Connection:
    """Open the file at *path* for any thread, one at a time; *timeout* bounds the wait for others, in seconds."""
    connection = sqlite3.connect(
        path, timeout=timeout, isolation_level=isolation_level, check_same_thread=False, factory=_Connection
    )
    _open.add(connection)
    return connection


def _leave_to_the_parent() -> None:
    for connection in list(_open):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_to_the_parent)
