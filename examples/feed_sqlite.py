"""Every change of an instance, exactly once, in a SQLite database: its rows and the position in one transaction.

A process that dies between two transactions starts again at the position of the last one. Rows that a sweep reads again
after that have a GUID that the table has already. The same holds for any database with transactions and keys.

Without MARKETO_* in the environment, it uses a sandbox on this machine, gives up in the middle, starts again, and
compares. Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to follow your
instance into the file that you name, from now on, until Ctrl-C.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from anyio.from_thread import start_blocking_portal

from marketo_async.changes import Gap
from marketo_async.sandbox import Sandbox
from marketo_async.sync import Marketo

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (guid TEXT PRIMARY KEY, lead_id INTEGER, date TEXT, event TEXT);
CREATE TABLE IF NOT EXISTS position (only_one INTEGER PRIMARY KEY CHECK (only_one = 1), text TEXT);
"""


def consume(
    marketo: Marketo, path: Path, *, since: datetime | None = None, follow: bool = True, give_up_at: int | None = None
) -> None:
    """Write events until the feed ends; ``give_up_at`` leaves a batch half written, as a crash would."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SCHEMA)
        kept = database.execute("SELECT text FROM position").fetchone()
        with marketo.changes(since=since, position=kept[0] if kept else None, follow=follow) as changes:
            for number, batch in enumerate(changes):
                with database:  # one transaction
                    for event in batch.events:
                        if isinstance(event, Gap):
                            print(f"not known: {event.lane} from {event.since} to {event.until}: {event.reason}")
                            continue
                        row = (event.guid, event.lead_id, event.date.isoformat(), msgspec.json.encode(event).decode())
                        database.execute("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?)", row)
                    if number == give_up_at:
                        raise InterruptedError
                    database.execute("INSERT OR REPLACE INTO position VALUES (1, ?)", (batch.position,))


def counted(path: Path) -> int:
    """Return how many events the table has."""
    with closing(sqlite3.connect(path)) as database:
        return int(database.execute("SELECT count(*) FROM events").fetchone()[0])


def on_a_sandbox(folder: Path) -> None:
    """Fill a database from a sandbox in two runs, of which the first one gives up."""
    path, since = folder / "events.db", datetime.now(UTC) - timedelta(days=2)
    with start_blocking_portal() as portal:
        sandbox = portal.call(Sandbox)
        with portal.wrap_async_context_manager(sandbox):
            with Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo:
                try:
                    consume(marketo, path, since=since, follow=False, give_up_at=3)
                except InterruptedError:
                    print(f"gave up in the middle of a batch, with {counted(path):,} events in the table")
                consume(marketo, path, follow=False)
                marketo.leads.sync([{"email": "new@example.com"}]).all()
                consume(marketo, path, follow=False)
            print(f"{counted(path):,} events in the table, {len(sandbox.instance.activities):,} on the instance")


if __name__ == "__main__":
    if any(name.startswith("MARKETO_") for name in os.environ):
        with Marketo.from_env() as client:
            consume(client, Path(sys.argv[1]))
    else:
        print("No MARKETO_* in the environment: this is a sandbox on this machine.")
        with tempfile.TemporaryDirectory() as directory:
            on_a_sandbox(Path(directory))
