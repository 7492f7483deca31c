"""What one agent may use of an instance: a share of its window and slots, and a budget of the day.

The share is a `Governor` with smaller limits, before the instance's (see ``governor.shares``): its window is the same
exact one, and it can only delay the agent's calls. The budget is in an SQLite file, so neither a restart nor another
process refills it. See ``guard``, which takes from both.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from marketo_async.errors import StoreUnavailable
from marketo_async.governor import Governor, Limits
from marketo_async.governor.quota import CENTRAL, day_of
from marketo_async.mcp.policy import Caps
from marketo_async.sqlite_file import connect

_PART = 0.7  # of the window, by default
_NO_QUOTA = 1_000_000_000  # calls a day: the budget counts them, and not the share
_PATIENCE = 2.0  # seconds that another process may hold the file; a transaction takes less than a millisecond
_KEPT_JOBS = 30 * 86_400.0  # seconds, for which Marketo keeps the status of a job

CALLS, RECORDS = "calls", "records"


def share_of(caps: Caps, instance: Limits) -> Governor:
    """Return the share of an agent with these caps among all calls of an instance."""
    calls = caps.calls_a_window or max(1, int(instance.calls * _PART))
    limits = Limits(
        calls=min(calls, instance.calls),
        per=instance.per,
        concurrency=min(caps.at_once, instance.concurrency),
        daily=_NO_QUOTA,
    )
    return Governor(limits)


class DayBudget:
    """Counts what agents have used since midnight in America/Chicago, and whose the bulk jobs are.

    ``path`` is a file on a local disk; it is created where it is missing. ``clock`` returns epoch seconds. Every method
    raises `StoreUnavailable` where the file can't be used.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._connection: sqlite3.Connection | None = None

    def take(self, agent: str, what: str, n: int, most: int, *, whole: bool = True) -> int:
        """Use ``n`` of ``most`` a day, and return how many were left to use; with ``whole``, all of them or none."""
        with self._transaction() as connection:
            day = self._day()
            row = connection.execute("SELECT n FROM used WHERE agent = ? AND what = ? AND day = ?", (agent, what, day))
            used = next(row, (0,))[0]
            taken = min(n, max(0, most - used))
            if whole and taken < n:
                return 0
            connection.execute(
                "INSERT INTO used VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
                (agent, what, day, taken),
            )
            return taken

    def give_back(self, agent: str, what: str, n: int) -> None:
        """Return what was taken for a call that certainly did nothing."""
        with self._transaction() as connection:
            connection.execute(
                "UPDATE used SET n = MAX(0, n - ?) WHERE agent = ? AND what = ? AND day = ?",
                (n, agent, what, self._day()),
            )

    def used(self, agent: str, what: str) -> int:
        """Return how much an agent has used today."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT n FROM used WHERE agent = ? AND what = ? AND day = ?", (agent, what, self._day())
            )
            found: int = next(row, (0,))[0]
            return found

    def add_job(self, agent: str, job: str) -> None:
        """Remember that a bulk job is an agent's own."""
        with self._transaction() as connection:
            now = self._clock()
            connection.execute("DELETE FROM jobs WHERE at < ?", (now - _KEPT_JOBS,))
            connection.execute("INSERT OR IGNORE INTO jobs VALUES (?, ?, ?)", (agent, job, now))

    def owns_job(self, agent: str, job: str) -> bool:
        """Return whether a bulk job is an agent's own."""
        with self._transaction() as connection:
            found = connection.execute("SELECT 1 FROM jobs WHERE agent = ? AND job = ?", (agent, job))
            return next(found, None) is not None

    def resets_at(self) -> datetime:
        """Return the next midnight in America/Chicago, in UTC."""
        return datetime.fromtimestamp(day_of(self._clock())[1], UTC)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _day(self) -> str:
        return datetime.fromtimestamp(self._clock(), CENTRAL).date().isoformat()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            connection = self._opened()
            connection.execute("BEGIN IMMEDIATE")
            with connection:
                yield connection
        except sqlite3.Error as error:
            self.close()
            hint = "it must be on a local disk with free space, and writable"
            raise StoreUnavailable(f"{self._path}: {error}", hint=hint) from error

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._path.touch(0o600)
            except OSError as error:
                hint = "the budgets of agents need a writable folder"
                raise StoreUnavailable(f"{self._path}: {error.strerror}", hint=hint) from error
            self._connection = connect(self._path, timeout=_PATIENCE, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS used (agent TEXT, what TEXT, day TEXT, n INTEGER,"
                " PRIMARY KEY (agent, what, day))"
            )
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS jobs (agent TEXT, job TEXT, at REAL, PRIMARY KEY (agent, job))"
            )
            self._connection.execute("DELETE FROM used WHERE day < ?", (self._day(),))
        return self._connection
