"""`Journal`: a batcher's records on disk. Accepted records survive the process, and the next process sends them.

The journal is an SQLite database in WAL mode, used by a separate thread. Records that are accepted together are
committed together (group commit), so that many producers cause few syncs. One process has a journal at a time.

After a fault of the disk or the file, all callers receive `JournalUnavailable`, and the batcher retries later. A record
whose bytes are damaged is returned with the damage, so that it can be set aside.
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

_OTHERWISE = "check that it is a file and that its directory exists"
_REMEDIES = {
    sqlite3.SQLITE_BUSY: "another process has it; end that process, or use another file",
    sqlite3.SQLITE_LOCKED: "another process has it; end that process, or use another file",
    sqlite3.SQLITE_FULL: "free some space on its disk",
    sqlite3.SQLITE_IOERR: "check its disk: it is full or fails",
    sqlite3.SQLITE_READONLY: "allow this process to write the file and its directory",
    sqlite3.SQLITE_PERM: "allow this process to write the file and its directory",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; keep a copy, and use another file",
    sqlite3.SQLITE_NOTADB: "it is not an SQLite file; use another file",
}


class Journal:
    """The accepted records of one batcher, in the file at ``path``."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._thread = WorkThread("marketo-journal")
        self._database: sqlite3.Connection | None = None
        self._coming: list[Entry] = []
        self._commit: asyncio.Future[None] | None = None

    async def open(self) -> tuple[int, int, int]:
        """Open or create the file, and return its number of records, their bytes, and the highest record number.

        Raises `ConfigurationError` if it can't be opened: another process has it, it is not a journal, or the disk
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
        # A cancelled caller must not cancel the commit of the others; its record may still be kept.
        try:
            await asyncio.shield(self._commit)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    async def oldest(self, most: int) -> list[Entry]:
        """Return the oldest records."""
        rows = await self._in_thread(
            lambda database: database.execute(
                "SELECT number, CAST(body AS BLOB) FROM records ORDER BY number LIMIT ?", (most,)
            ).fetchall()
        )
        return [_entry(number, body) for number, body in rows]

    async def remove(self, done: Collection[int], aside: Sequence[tuple[Entry, str]]) -> None:
        """Delete the finished records, and set others aside, in one transaction."""

        def remove(database: sqlite3.Connection) -> None:
            with database:
                gone = [*done, *(entry.number for entry, _ in aside)]
                database.executemany("DELETE FROM records WHERE number = ?", [(number,) for number in gone])
                database.executemany(
                    "INSERT OR REPLACE INTO aside VALUES (?, ?, ?)",
                    [(entry.number, entry.encoded, reason) for entry, reason in aside],
                )

        await self._in_thread(remove)

    async def set_aside(self, *, forget: bool) -> list[SetAside]:
        """Return the records set aside, by earlier processes too."""

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
        """Close the file; its records stay for the next process."""
        if self._commit is not None:
            await asyncio.wait([self._commit])
        await self._in_thread(sqlite3.Connection.close)

    async def _commit_all(self) -> None:
        """Commit the collected records; later ones go into the next commit."""
        await asyncio.sleep(0)  # collects all records of this turn of the loop
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
        """Run ``work`` on the database in its thread, to its end even if the caller is cancelled.

        Raises `JournalUnavailable` for a fault of the disk or the file.
        """
        try:
            return await self._thread.run(self._work, work)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        return work(self._database)  # type: ignore[arg-type]  # `open` has set it

    def _unavailable(self, error: sqlite3.Error) -> JournalUnavailable:
        return JournalUnavailable(
            f"the journal {self._path} can't be read or written ({error})",
            hint=_REMEDIES.get(_kind(error), "check the file and its disk"),
        )


def _entry(number: int, body: bytes) -> Entry:
    """Return a record as it was accepted, or its bytes with a description of the damage."""
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
        raise sqlite3.DatabaseError(f"its version is {version}, this package writes {_VERSION}")
