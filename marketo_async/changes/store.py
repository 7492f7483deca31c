"""`FeedStore`: a local SQLite file that keeps the position of a feed and the GUIDs that it may read again.

One process has a store at a time. What is acknowledged is saved before the next batch is handed out, and at the end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from marketo_async.changes.seen import oldest_span, span_of
from marketo_async.errors import ConfigurationError, JournalUnavailable
from marketo_async.sqlite_file import connect
from marketo_async.workthread import WorkThread

_VERSION = 1
_APPLICATION = 0x4D4B4643  # "MKFC", in the header of the file
_SHORTEST = 512  # bytes of an SQLite file
_OTHER_KIND = "it is another kind of file"
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS feed (only INTEGER PRIMARY KEY CHECK (only = 1), position TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS seen
    (span INTEGER, guid TEXT, delivered REAL NOT NULL, PRIMARY KEY (span, guid)) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
PRAGMA application_id = {_APPLICATION};
"""


class FeedStore:
    """The file at ``path``."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._thread = WorkThread("marketo-feed-store")
        self._database: sqlite3.Connection | None = None

    async def open(self) -> tuple[str | None, list[tuple[str, float]]]:
        """Open or create the file; return its position, if it has one, and the GUIDs with the times of their delivery.

        Raises `ConfigurationError` if another process has it, or if it is not such a file.
        """
        try:
            return await self._thread.run(self._open)
        except (sqlite3.Error, OSError) as error:
            raise ConfigurationError(
                f"{self._path} can't be opened as the store of a feed ({error}): end the other process that has it, or"
                " use another file"
            ) from error

    async def save(self, position: str, seen: Sequence[tuple[str, float]], *, since: float) -> None:
        """Keep a position and the GUIDs that were delivered up to it; drop those that were delivered before ``since``.

        Raises `JournalUnavailable` for a fault of the disk or the file.
        """
        try:
            await self._thread.run(self._save, position, seen, since)
        except sqlite3.Error as error:
            raise JournalUnavailable(
                f"the store {self._path} can't be written ({error})", hint="check the file and its disk"
            ) from error

    async def close(self) -> None:
        """Close the file."""
        await self._thread.run(self._close)

    def _open(self) -> tuple[str | None, list[tuple[str, float]]]:
        # SQLite takes a short file for an empty one. Its size must do: to open and close it here would end the locks
        # that this process has on it, see https://www.sqlite.org/howtocorrupt.html.
        if self._path.exists() and 0 < self._path.stat().st_size < _SHORTEST:
            raise sqlite3.DatabaseError(_OTHER_KIND)
        database = connect(self._path, timeout=0.2)
        try:
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            _check_kind(database)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.executescript(_SCHEMA)
            found = database.execute("SELECT position FROM feed").fetchone()
            seen = database.execute("SELECT guid, delivered FROM seen").fetchall()
        except BaseException:
            database.close()
            raise
        self._database = database
        return (found[0] if found else None), seen

    def _save(self, position: str, seen: Sequence[tuple[str, float]], since: float) -> None:
        database = self._database
        if database is None:
            raise sqlite3.ProgrammingError("it is closed")
        with database:
            rows = [(span_of(delivered), guid, delivered) for guid, delivered in seen]
            database.executemany("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", rows)
            database.execute("DELETE FROM seen WHERE span < ?", (oldest_span(since),))
            database.execute("INSERT OR REPLACE INTO feed VALUES (1, ?)", (position,))

    def _close(self) -> None:
        if self._database is not None:
            self._database.close()
            self._database = None


def _check_kind(database: sqlite3.Connection) -> None:
    (application,) = database.execute("PRAGMA application_id").fetchone()
    (version,) = database.execute("PRAGMA user_version").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and (application, version) != (_APPLICATION, _VERSION):
        raise sqlite3.DatabaseError(_OTHER_KIND)
