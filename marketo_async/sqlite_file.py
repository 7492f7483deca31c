"""`connect`: a connection to an SQLite file that a forked child leaves to its parent.

A child has a copy of every connection, and the copy acts as if it held the parent's locks. If the child closes the copy
of a journal, even by the garbage collector or at the interpreter's exit, SQLite writes the write-ahead log into the
file and deletes the log. Later commits of the parent go to the deleted log, and are lost when the parent ends. So the
child never closes a copy: an extra reference keeps it alive. SQLite advises not to carry a connection across a fork
(https://www.sqlite.org/howtocorrupt.html). See ``batcher.journal`` and ``governor.stores.sqlite`` for the users.
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
    """Open the file at ``path`` for any thread, one at a time; wait at most ``timeout`` seconds for other users."""
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
