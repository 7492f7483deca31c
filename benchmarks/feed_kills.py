"""Consumers of a change feed that are killed with ``SIGKILL``, under live events of which a tenth is committed late.

The sandbox runs in its own process with a window scaled to 100 calls per 4 s, and each consumer in its own. A consumer
writes the GUIDs and the position in one transaction of SQLite; the GUID is the key. `SQLiteStore` is the memory of the
governors. The sandbox's log of activities, with the moments of their commits, is the truth.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct

from benchmarks.report import Figure, exactly, info
from marketo_async import Governor, Limits, Marketo
from marketo_async.changes import Gap
from marketo_async.governor import SQLiteStore
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, Traffic

KILLS = 50
QUICK_KILLS = 5
ALIVE = (0.2, 2.5)  # seconds from the start of a consumer to its kill
RATE, LATE_SHARE, LATE_BY = 80.0, 0.1, 8.0
CALLS, PER = 100, 4.0
LAG, SWEEP = timedelta(seconds=LATE_BY + 2), timedelta(seconds=4)  # dates are whole seconds
POLL = 1.0
TYPES = (1, 2, 6, 7, 10, 12, 13, 24, 25, 32, 37, 104)  # what the traffic writes
_FORK = multiprocessing.get_context("fork")  # the next consumer starts at once
_SPAWN = multiprocessing.get_context("spawn")


class Served(Struct, frozen=True):
    """Where an instance is, and where the consumers keep what they have."""

    base_url: str
    client_id: str
    client_secret: str
    since: str
    folder: str

    @property
    def database(self) -> Path:
        """The consumers' database."""
        return Path(self.folder, "events.db")


class Truth(Struct, frozen=True):
    """What happened on the instance: the GUIDs and their lateness in seconds, and the calls it refused."""

    lateness: dict[str, float]
    refused: int
    calls: int


class Killed(Struct, frozen=True):
    """What became of one instance's events."""

    truth: Truth
    rows: list[str]
    runs: list[tuple[int, int, int]]
    """Of each consumer: the events that it was given, the different ones, and those that it was the first to write."""


def _serve(pipe: Connection, order: str) -> None:
    asyncio.run(_serving(pipe, order))


async def _serving(pipe: Connection, order: str) -> None:
    traffic = Traffic(RATE)
    quirks = Quirks(late_share=LATE_SHARE, late_by=(0.0, LATE_BY), token_order="date" if order == "date" else "commit")
    limits = InstanceLimits(calls=CALLS, per=PER)
    loop = asyncio.get_running_loop()
    async with Sandbox(
        leads=2_000, activities=0, latency=(0.03, 0.02), limits=limits, quirks=quirks, traffic=traffic
    ) as sandbox:
        pipe.send((sandbox.base_url, sandbox.client_id, sandbox.client_secret, sandbox.clock.time()))
        await loop.run_in_executor(None, pipe.recv)
        traffic.rate = 0.0
        pipe.send(len(traffic.log))
        await loop.run_in_executor(None, pipe.recv)
        lateness = {
            activity.marketo_guid: seen - datetime.fromisoformat(activity.activity_date).timestamp()
            for activity, seen in sandbox.instance.activities.commits()
        }
        pipe.send(Truth(lateness, sandbox.stats.refused.total(), sandbox.stats.calls))
        await loop.run_in_executor(None, pipe.recv)


@contextmanager
def _instance(order: str) -> Iterator[tuple[Connection, Served]]:
    here, there = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_serve, args=(there, order), daemon=True)
    process.start()
    there.close()
    with tempfile.TemporaryDirectory() as folder:
        base_url, client_id, client_secret, now = here.recv()
        since = datetime.fromtimestamp(now - 2, UTC).isoformat()  # before the first event
        try:
            yield here, Served(base_url, client_id, client_secret, since, folder)
        finally:
            here.send(None)
            process.join(10)


def _consume(served: Served, until: float | None) -> None:
    asyncio.run(_consuming(served, until))


async def _consuming(served: Served, until: float | None) -> None:
    """Follow the feed until everything before the moment ``until`` is settled, or without end."""
    store = SQLiteStore(Path(served.folder, "governor.db"))
    governor = Governor(Limits(calls=CALLS, per=PER), store=store)
    with closing(_opened(served.database)) as database:
        run = database.execute("INSERT INTO runs DEFAULT VALUES").lastrowid
        database.commit()
        kept = database.execute("SELECT text FROM position").fetchone()
        position = kept[0] if kept else None
        async with (
            Marketo(
                served.base_url, client_id=served.client_id, client_secret=served.client_secret, governor=governor
            ) as marketo,
            marketo.changes(
                since=served.since, position=position, types=TYPES, lag=LAG, sweep=SWEEP, poll=POLL
            ) as changes,
        ):
            async for batch in changes:
                guids = [event.guid for event in batch.events if not isinstance(event, Gap)]
                with database:  # rows and position together
                    database.executemany("INSERT INTO given VALUES (?, ?)", [(run, guid) for guid in guids])
                    database.executemany("INSERT OR IGNORE INTO events VALUES (?, ?)", [(guid, run) for guid in guids])
                    database.execute("INSERT OR REPLACE INTO position VALUES (1, ?)", (batch.position,))
                if until is not None and all(lane.settled.timestamp() > until for lane in changes.snapshot().lanes):
                    return


def _opened(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path)
    database.executescript(
        "PRAGMA journal_mode = WAL;"
        "CREATE TABLE IF NOT EXISTS events (guid TEXT PRIMARY KEY, run INTEGER);"
        "CREATE TABLE IF NOT EXISTS given (run INTEGER, guid TEXT);"
        "CREATE TABLE IF NOT EXISTS runs (run INTEGER PRIMARY KEY);"
        "CREATE TABLE IF NOT EXISTS position (only INTEGER PRIMARY KEY, text TEXT);"
    )
    return database


def killed(order: str, kills: int, *, seed: int) -> Killed:
    """Kill consumers at random moments, let the last one settle everything, and return what they have."""
    rng = random.Random(f"{seed}:{order}")
    with _instance(order) as (instance, served):
        for _ in range(kills):
            process = _FORK.Process(target=_consume, args=(served, None))
            process.start()
            process.join(rng.uniform(*ALIVE))
            process.kill()
            process.join()
        instance.send("stop the traffic")
        instance.recv()
        last = _FORK.Process(target=_consume, args=(served, time.time()))
        last.start()
        last.join(120)
        if last.exitcode != 0:
            last.kill()
            raise RuntimeError(f"the last consumer ended with {last.exitcode}")
        instance.send("the truth")
        truth: Truth = instance.recv()
        with closing(_opened(served.database)) as database:
            rows = [guid for (guid,) in database.execute("SELECT guid FROM events")]
            runs = database.execute(
                "SELECT count(*), count(DISTINCT guid), (SELECT count(*) FROM events WHERE events.run = given.run)"
                " FROM given GROUP BY run"
            ).fetchall()
    return Killed(truth, rows, runs)


def figures(order: str, kills: int) -> list[Figure]:
    """Return the figures for one order of Marketo's tokens."""
    found = killed(order, kills, seed=3)
    lateness, lag = found.truth.lateness, LAG.total_seconds()
    wanted = {guid for guid, late in lateness.items() if late <= lag}
    given, different, first = (sum(column) for column in zip(*found.runs, strict=True))
    name = f"tokens by {order}"
    return [
        info(f"{name}: events; committed more than 2 s late; kills", _counts(lateness, kills)),
        info(f"{name}: consumers that had got events when they were killed", f"{len(found.runs) - 1}"),
        exactly(f"{name}: lost", len(wanted.difference(found.rows)), 0, quoted=True),
        exactly(f"{name}: doubled", len(found.rows) - len(lateness.keys() & found.rows), 0, quoted=True),
        exactly(f"{name}: given twice to one process", given - different, 0, quoted=True),
        info(f"{name}: given again after a kill, and dropped by the key", f"{different - first:,}"),
        exactly(f"{name}: refusals", found.truth.refused, 0, quoted=True),
        info(f"{name}: calls", f"{found.truth.calls:,}"),
    ]


def _counts(lateness: dict[str, float], kills: int) -> str:
    late = sum(seconds > 2 for seconds in lateness.values())  # noqa: PLR2004 - dates are whole seconds
    return f"{len(lateness):,}; {late:,}; {kills}"


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` kills less often."""
    kills = QUICK_KILLS if quick else KILLS
    return [*figures("date", kills), *figures("commit", kills)]
