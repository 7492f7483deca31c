"""A batcher's records on disk: what was accepted survives the process, and is sent by the next one.

SQLite in WAL mode, from the standard library, in a thread of its own. Records that are accepted together are committed
together, so that many producers cost few syncs. One process has a journal at a time.

A fault of the disk or the file is a `JournalUnavailable` for everybody it concerns; the batcher tries again later. A
record whose bytes are damaged is handed out with what is wrong, so that it can be set aside.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from marketo_async.batcher.queue import Entry, SetAside
from marketo_async.errors import ConfigurationError, JournalUnavailable
from marketo_async.sqlite_file import connect
from marketo_async.workthread import WorkThread

T = TypeVar("T")

_VERSION = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS aside (number INTEGER PRIMARY KEY, body BLOB NOT NULL, reason TEXT NOT NULL);
PRAGMA user_version = {_VERSION};
"""

_OTHERWISE = "it is something else, or its directory does not exist"
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another process has it; end that, or use another file",
    sqlite3.SQLITE_LOCKED: "another process has it; end that, or use another file",
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_IOERR: "check its disk: it is full or fails",
    sqlite3.SQLITE_READONLY: "let this process write it and its directory",
    sqlite3.SQLITE_PERM: "let this process write it and its directory",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; keep a copy, and use another file",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file; use another file",
}


class Journal:
    """The accepted records of one batcher, in the file at *path*."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._thread = WorkThread("marketo-journal")
        self._database: sqlite3.Connection | None = None
        self._coming: list[Entry] = []
        self._commit: asyncio.Future[None] | None = None

    async def open(self) -> tuple[int, int, int]:
        """Open or make the file, and return what an earlier process left: records, bytes, and the highest number.

        Raises `ConfigurationError` where it can't be opened: another process has it, it is not a journal, or the disk
        does not allow it.
        """
        try:
            return await self._thread.run(self._open)
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"{self._path} can't be opened as a journal ({error}): {_REMEDIES.get(_kind(error), _OTHERWISE)}"
            ) from error

    async def add(self, entry: Entry) -> None:
        """Keep a record; it is on disk when this returns."""
        self._coming.append(entry)
        if self._commit is None:
            self._commit = asyncio.ensure_future(self._commit_all())
        # Whoever is cancelled here leaves the commit to the others: the record may be kept, and is told to nobody.
        try:
            await asyncio.shield(self._commit)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    async def oldest(self, most: int) -> list[Entry]:
        """Return the records that came first."""
        rows = await self._in_thread(
            lambda database: database.execute(
                "SELECT number, CAST(body AS BLOB) FROM records ORDER BY number LIMIT ?", (most,)
            ).fetchall()
        )
        return [_entry(number, body) for number, body in rows]

    async def settle(self, done: Collection[int], aside: Sequence[tuple[Entry, str]]) -> None:
        """Let go of what was written, and set aside what can't be, both or neither."""

        def settle(database: sqlite3.Connection) -> None:
            with database:
                gone = [*done, *(entry.number for entry, _ in aside)]
                database.executemany("DELETE FROM records WHERE number = ?", [(number,) for number in gone])
                database.executemany(
                    "INSERT OR REPLACE INTO aside VALUES (?, ?, ?)",
                    [(entry.number, entry.encoded, reason) for entry, reason in aside],
                )

        await self._in_thread(settle)

    async def set_aside(self, *, forget: bool) -> list[SetAside]:
        """Return what was set aside, by earlier processes too."""

        def find(database: sqlite3.Connection) -> list[tuple[int, bytes, str]]:
            with database:
                found = database.execute(
                    "SELECT number, CAST(body AS BLOB), reason FROM aside ORDER BY number"
                ).fetchall()
                if forget:
                    database.execute("DELETE FROM aside")
                return found

        rows = await self._in_thread(find)
        return [SetAside(_entry(number, body).record, reason) for number, body, reason in rows]

    async def close(self) -> None:
        """Close the file; what is in it stays for the next process."""
        if self._commit is not None:
            await asyncio.wait([self._commit])
        await self._in_thread(sqlite3.Connection.close)

    async def _commit_all(self) -> None:
        """Commit what has come, and what comes meanwhile goes into the next commit."""
        await asyncio.sleep(0)  # whoever else has something to add in this turn of the loop
        coming, self._coming, self._commit = self._coming, [], None

        def insert(database: sqlite3.Connection) -> None:
            with database:
                rows = [(entry.number, entry.encoded) for entry in coming]
                database.executemany("INSERT INTO records VALUES (?, ?)", rows)

        await self._thread.run(self._work, insert)

    def _open(self) -> tuple[int, int, int]:
        database = connect(self._path, timeout=0.2)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            _check_version(database)
            database.executescript(_SCHEMA)
            count, size = database.execute("SELECT count(*), coalesce(sum(length(body)), 0) FROM records").fetchone()
            highest = database.execute(
                "SELECT max(coalesce((SELECT max(number) FROM records), 0),"
                " coalesce((SELECT max(number) FROM aside), 0))"
            ).fetchone()[0]
        except BaseException:
            database.close()
            raise
        self._database = database
        return count, size, highest

    async def _in_thread(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run *work* on the database in its thread; it is done to its end, whoever has stopped waiting.

        Raises `JournalUnavailable` for a fault of the disk or the file.
        """
        try:
            return await self._thread.run(self._work, work)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return work(self._database)  # type: ignore[arg-type]  # opening is the one work that comes before there is one

    def _unavailable(self, error: sqlite3.Error) -> JournalUnavailable:
        return JournalUnavailable(
            f"the journal {self._path} can't be read or written ({error})",
            hint=_REMEDIES.get(_kind(error), "check the file and its disk"),
        )


def _entry(number: int, body: bytes) -> Entry:
    """Return a record as it was accepted, or its bytes with what is wrong with them."""
    try:
        return Entry(number, msgspec.json.decode(body), body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Entry(number, body, body, f"its bytes in the journal are damaged: {error}")


def _kind(error: Exception) -> int:
    """Return SQLite's primary result code."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _check_version(database: sqlite3.Connection) -> None:
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if version != _VERSION and (version or tables):
        raise sqlite3.DatabaseError(f"its version is {version}, not {_VERSION}")
