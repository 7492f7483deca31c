"""`SQLiteStore`: one file for all processes of one machine. It survives restarts, and processes that are killed.

A decision is one short transaction: read the state, let the fleet decide, write it. The journal is a write-ahead log
without a sync for each commit, so that only a loss of power can lose the last ones. Everything runs on a thread of its
own, so a wait for another process's transaction never stops the event loop.

The clock is that of the machine since it was started (CLOCK_BOOTTIME where there is one), the same for every process.
After a restart of the machine it begins again, which the fleet notices by itself. The file must be on a local disk.

A file that is deleted or replaced while processes use it would serve two fleets: those that hold the old file open, and
those that open the new one. So each decision compares the file at the path with the one that is open, with the lock
held, and opens the new one where they differ; a whole window then passes. SQLite's ``-wal`` and ``-shm`` files belong
to the file: where only the file was deleted, a new one can't be used (`StoreUnavailable`) until each process that has
the old one open has made its next decision, or ended.
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

_VERSION = 1  # of what a row holds
_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_PRIMARY = 0xFF  # the part of an error code that names its kind

_encode = msgspec.msgpack.Encoder(enc_hook=list).encode
_decode = msgspec.msgpack.Decoder(SharedLimiter, dec_hook=lambda _, frees: deque(frees)).decode


class FleetFile:
    """The file itself, for one thread; waits at most *patience* seconds for the transactions of others."""

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
        self._home = ""  # the file that is open
        self._known: tuple[float, float] | None = None  # the birth of the last state that decided, and when it did

    def decide(self, question: StoreRequest) -> StoreReply:
        """Let the fleet decide in one transaction, again while the file is busy. Raises `StoreUnavailable`."""
        deadline = time.monotonic() + self._patience
        while True:
            try:
                reply = self._transact(self._opened(), question)
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
                    hint = "look for a program that replaces it again and again"
                    raise StoreUnavailable(f"{self._path} does not stay the same file", hint=hint)
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
                with suppress(OSError):  # SQLite says it better
                    self._path.touch(0o644)  # so that the file is known before it is opened
            self._home = self._at_path()
            self._connection = connect(self._path, timeout=self._patience, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS fleet (version INTEGER PRIMARY KEY, state BLOB NOT NULL)"
            )
        return self._connection

    def _replaced(self) -> bool:
        """Tell whether the open file is not the one at the path (any more)."""
        return self._connection is not None and self._at_path() != self._home

    def _at_path(self) -> str:
        """Return what tells the file at the path from every other, empty where there is none."""
        try:
            seen = self._path.stat()
        except OSError:
            return ""
        return f"{seen.st_dev:x}:{seen.st_ino:x}"

    def _transact(self, connection: sqlite3.Connection, question: StoreRequest) -> StoreReply | None:
        """Decide in one transaction; decide nothing where the file was replaced before the lock was held."""
        connection.execute("BEGIN IMMEDIATE")
        with connection:  # commits, or rolls back whatever was raised
            if self._replaced():
                return None
            row = connection.execute("SELECT state FROM fleet WHERE version = ?", (_VERSION,)).fetchone()
            clock = self._clock()  # read with the lock held, so that decisions and readings have one order
            try:
                fleet = SharedLimiter.of(question, clock, home=self._home) if row is None else _decode(row[0])
            except msgspec.DecodeError as error:
                hint = "delete the file while no process uses it"
                raise StoreUnavailable(f"{self._path} holds what no store wrote", hint=hint) from error
            if self._known is not None and (row is None or fleet.began != self._known[0]):
                fleet.rest(self._known[1] + fleet.offset)
            reply = fleet.decide(question, clock, self._moment(), self._home)
            connection.execute("REPLACE INTO fleet VALUES (?, ?)", (_VERSION, _encode(fleet)))
        self._known = fleet.began, clock
        return reply


class SQLiteStore:
    """Shares one instance's limits between the processes of one machine, through the file at *path*.

    One file an instance; it is made where it is missing, its folder is not. A new file grants calls at once; where a
    file was deleted or replaced while a process used it, a whole window passes first.

    *lease* is for how many seconds the calls of a process that died or was stopped are still counted as under way;
    `None` takes half a window, at most 10 s. Marketo may work longer on what a killed process sent: a lease as long as
    the longest call keeps its slots taken until then. (A client that is closed needs no such thing: the answers that it
    gives up are stored with the moment at which their slots are free.) *patience* bounds the wait for a busy file, in
    seconds; then, and for a file that can't be used, calls raise `StoreUnavailable`. Raises `ConfigurationError` for a
    *lease* or *patience* that is not a finite number above 0.
    """

    def __init__(self, path: str | os.PathLike[str], *, lease: float | None = None, patience: float = 5.0) -> None:
        self.path = Path(path)
        self.lease = checked_lease("SQLiteStore", lease)
        self._patience = checked_seconds("SQLiteStore", "patience", patience)
        self._begin()

    def __repr__(self) -> str:
        return f"<SQLiteStore {self.path}>"

    async def ask(self, question: StoreRequest) -> StoreReply:
        """Let the fleet decide, on the store's own thread."""
        if self._process != os.getpid():  # a fork has the parent's connection, and none of its threads
            self._begin()
        return await self._thread.run(self._file.decide, question)

    async def close(self) -> None:
        """Close the file; the next question opens it again."""
        if self._process == os.getpid():
            await self._thread.run(self._file.close)

    def _begin(self) -> None:
        self._process = os.getpid()
        self._thread = WorkThread("marketo-store")
        self._file = FleetFile(self.path, patience=self._patience)


def _hint(error: sqlite3.Error, *, passing: bool) -> str:
    if passing:
        return "other processes keep it busy: look for one that hangs, or give the store more patience"
    if getattr(error, "sqlite_errorcode", 0) & _PRIMARY == sqlite3.SQLITE_IOERR:
        return (
            "its disk may be full or failing; or the file was deleted without its -wal and -shm files while a process"
            " uses it: restart that process"
        )
    if isinstance(error, sqlite3.OperationalError):
        return "its folder has to be there, on a local disk with room, and writable"
    return "delete the file while no process uses it"
