"""`SQLiteStore`: one file for all processes of one machine. It survives restarts and killed processes.

A decision is one short transaction: read the state, let the `SharedLimiter` decide, write the state. The journal is a
write-ahead log without a sync for each commit, so only a loss of power can lose the last commits. Everything runs on
a separate thread, so a wait for another process's transaction never blocks the event loop.

The clock is the machine's time since its start (CLOCK_BOOTTIME where available), the same for every process. It
restarts with the machine; the `SharedLimiter` notices that. The file must be on a local disk.

If a file is deleted or replaced while processes use it, some processes hold the old file open and others open the new
one, so two states would grant calls. So each decision compares the file at the path with the open one, with the lock
held, and opens the new one if they differ; a whole window then passes. SQLite's ``-wal`` and ``-shm`` files belong to
the file. If only the file was deleted, a new one can't be used (`StoreUnavailable`) until each process that has the old
one open has made its next decision, or ended.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from marketo_async.errors import StoreUnavailable
from marketo_async.governor.clock import machine_clock
from marketo_async.governor.stores import checked_lease, checked_seconds
from marketo_async.governor.stores.messages import StoreReply, StoreRequest
from marketo_async.governor.stores.shared_limiter import SharedLimiter
from marketo_async.sqlite_file import connect
from marketo_async.workthread import WorkThread

_VERSION = 1  # of the encoded state
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY = 0xFF  # the bits of an error code that hold SQLite's primary code

_encode = msgspec.msgpack.Encoder(enc_hook=list).encode
_decode = msgspec.msgpack.Decoder(SharedLimiter, dec_hook=lambda _, frees: deque(frees)).decode


class LimiterFile:
    """The file itself, for one thread; waits at most ``patience`` seconds for other transactions."""

    def __init__(
        self,
        path: Path,
        *,
        patience: float,
        clock: Callable[[], float] = machine_clock,
        moment: Callable[[], float] = time.time,
    ) -> None:
        self._path = path
        self._patience = patience
        self._clock = clock
        self._moment = moment
        self._connection: sqlite3.Connection | None = None
        self._home = ""  # the identity of the open file
        self._known: tuple[float, float] | None = None  # the birth of the last state that decided, and when it did

    def decide(self, request: StoreRequest) -> StoreReply:
        """Decide in one transaction, and retry while the file is busy. Raises `StoreUnavailable`."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                reply = self._transact(self._opened(), request)
            except sqlite3.Error as error:
                passing = self._replaced() or getattr(error, "sqlite_errorcode", 0) & _PRIMARY in _PASSING
                self.close()
                if not passing or time.monotonic() >= deadline:
                    raise StoreUnavailable(f"{self._path}: {error}", hint=_hint(error, passing=passing)) from error
            else:
                if reply is not None:
                    return reply
                self.close()
                if time.monotonic() >= deadline:
                    hint = "stop the program that replaces it"
                    raise StoreUnavailable(f"{self._path} was replaced again and again", hint=hint)
            time.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - keeps processes apart, hides nothing

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if self._replaced():
            self.close()
        if self._connection is None:
            if not self._at_path():
                with suppress(OSError):  # SQLite reports the error better
                    self._path.touch(0o644)  # so that its identity is known before SQLite opens it
            self._home = self._at_path()
            self._connection = connect(self._path, timeout=self._patience, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS shared_limiter (version INTEGER PRIMARY KEY, state BLOB NOT NULL)"
            )
        return self._connection

    def _replaced(self) -> bool:
        """Return whether the open file is not the one at the path (any more)."""
        return self._connection is not None and self._at_path() != self._home

    def _at_path(self) -> str:
        """Return the identity (device and inode) of the file at the path, empty if there is none."""
        try:
            seen = self._path.stat()
        except OSError:
            return ""
        return f"{seen.st_dev:x}:{seen.st_ino:x}"

    def _transact(self, connection: sqlite3.Connection, request: StoreRequest) -> StoreReply | None:
        """Decide in one transaction; return ``None`` if the file was replaced before the lock was held."""
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # commits, or rolls back on an exception
            if self._replaced():
                return None
            row = connection.execute("SELECT state FROM shared_limiter WHERE version = ?", (_VERSION,)).fetchone()
            clock = self._clock()  # read with the lock held, so that decisions and readings have one order
            try:
                shared = SharedLimiter.of(request, clock, home=self._home) if row is None else _decode(row[0])
            except msgspec.DecodeError as error:
                hint = "delete the file while no process uses it"
                raise StoreUnavailable(f"{self._path} holds a state that no store wrote", hint=hint) from error
            if self._known is not None and (row is None or shared.began != self._known[0]):
                shared.pause_from(self._known[1] + shared.offset)
            reply = shared.decide(request, clock, self._moment(), self._home)
            connection.execute("REPLACE INTO shared_limiter VALUES (?, ?)", (_VERSION, _encode(shared)))
        self._known = shared.began, clock
        return reply


class SQLiteStore:
    """Shares one instance's limits between the processes of one machine, through the file at ``path``.

    Use one file for each instance. A missing file is created; its folder must exist. A new file grants calls at once;
    if a file was deleted or replaced while a process used it, a whole window passes first.

    ``lease`` is the number of seconds for which the calls of a process that died or was stopped still count as under
    way; `None` means half a window, at most 10 s. Marketo may work longer on the calls of a killed process: a lease as
    long as the longest call keeps their slots taken until then. (A closed client does not need that: its abandoned
    calls are stored with the moment at which their slots are free.) ``patience`` limits the wait for a busy file, in
    seconds; after it, and for an unusable file, calls raise `StoreUnavailable`. Raises `ConfigurationError` for a
    ``lease`` or ``patience`` that is not a finite number above 0.
    """

    def __init__(self, path: str | os.PathLike[str], *, lease: float | None = None, patience: float = 5.0) -> None:
        self.path = Path(path)
        self.lease = checked_lease("SQLiteStore", lease)
        self._patience = checked_seconds("SQLiteStore", "patience", patience)
        self._begin()

    def __repr__(self) -> str:
        return f"<SQLiteStore {self.path}>"

    async def ask(self, request: StoreRequest) -> StoreReply:
        """Decide on the store's own thread."""
        if self._process != os.getpid():  # a fork has the parent's connection, but not its threads
            self._begin()
        return await self._thread.run(self._file.decide, request)

    async def close(self) -> None:
        """Close the file; the next request opens it again."""
        if self._process == os.getpid():
            await self._thread.run(self._file.close)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._thread = WorkThread("marketo-store")
        self._file = LimiterFile(self.path, patience=self._patience)


def _hint(error: sqlite3.Error, *, passing: bool) -> str:
    if passing:
        return "other processes keep it busy: look for one that hangs, or pass a longer patience"
    if getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_IOERR:
        return (
            "its disk may be full or failing; or the file was deleted without its -wal and -shm files while a process"
            " uses it: restart that process"
        )
    if isinstance(error, sqlite3.OperationalError):
        return "its folder must exist, on a local disk with free space, and be writable"
    return "delete the file while no process uses it"
