"""Real processes that are killed, a sink in SQLite, and a sandbox whose activities are committed late."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Literal

import pytest

from marketo_async.governor.quota import as_utc
from marketo_async.models.moment import parse
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, Traffic

READER = """
import asyncio, sqlite3, sys
from datetime import timedelta
from marketo_async import Governor, Limits, Marketo

async def main():
    url, name, secret, path, since, lag, sweep = sys.argv[1:]
    sink = sqlite3.connect(path, isolation_level=None)
    sink.execute("PRAGMA journal_mode = WAL")
    sink.execute("CREATE TABLE IF NOT EXISTS rows (guid TEXT PRIMARY KEY, times INTEGER)")
    sink.execute("CREATE TABLE IF NOT EXISTS feed (only INTEGER PRIMARY KEY, position TEXT)")
    kept = sink.execute("SELECT position FROM feed").fetchone()
    async with (
        Marketo(url, client_id=name, client_secret=secret, governor=Governor(Limits(calls=1000, per=1.0))) as marketo,
        marketo.changes(
            since=since, position=kept and kept[0], poll=0.2,
            lag=timedelta(seconds=float(lag)), sweep=timedelta(seconds=float(sweep)),
        ) as feed,
    ):
        print("open", flush=True)
        mine = set()
        async for batch in feed:
            sink.execute("BEGIN")
            for event in batch.events:
                assert event.guid not in mine, "twice in one process"
                mine.add(event.guid)
                sink.execute("INSERT OR IGNORE INTO rows VALUES (?, 0)", (event.guid,))
                sink.execute("UPDATE rows SET times = times + 1 WHERE guid = ?", (event.guid,))
            sink.execute("INSERT OR REPLACE INTO feed VALUES (1, ?)", (batch.position,))
            sink.execute("COMMIT")

asyncio.run(main())
"""


async def killed(
    path: Path, *, kills: int, order: Literal["date", "commit"], late: float, sweep: float, rate: float
) -> tuple[int, int]:
    """Kill a reader so many times; return how many activities there were, and how many were refused or lost."""
    rng = random.Random(kills)
    quirks = Quirks(late_share=0.1, late_by=(0.0, late), token_order=order)
    limits = InstanceLimits(calls=100_000, daily=1_000_000)  # a killed process forgets what it has sent
    async with Sandbox(leads=200, activities=0, quirks=quirks, limits=limits, traffic=Traffic(rate)) as sandbox:
        since = float(int(time.time()))
        user = sandbox.user
        given = (sandbox.base_url, user.client_id, user.client_secret, str(path), as_utc(since).isoformat())
        for kill in range(kills + 1):
            reader = await asyncio.create_subprocess_exec(
                sys.executable, "-c", READER, *given, str(late + 0.5), str(sweep), stdout=asyncio.subprocess.PIPE
            )
            assert reader.stdout is not None
            assert await reader.stdout.readline() == b"open\n"
            if kill == kills:
                break
            await asyncio.sleep(rng.uniform(0.1, 1.5))
            reader.send_signal(signal.SIGKILL)
            await reader.wait()
        assert sandbox.traffic is not None
        sandbox.traffic.rate = 0.0
        expected = {
            activity.marketo_guid
            for activity, _ in sandbox.instance.activities.commits()
            if parse(activity.activity_date).timestamp() >= since
        }
        missing = expected
        deadline = time.monotonic() + late + 2 * sweep + 30
        while missing and time.monotonic() < deadline and reader.returncode is None:
            await asyncio.sleep(0.2)
            with closing(sqlite3.connect(path)) as sink:
                missing = expected - {guid for (guid,) in sink.execute("SELECT guid FROM rows")}
        assert reader.returncode is None
        reader.send_signal(signal.SIGKILL)
        await reader.wait()
        assert sandbox.stats.refused == {}
    return len(expected), len(missing)


async def test_nothing_is_lost_by_a_kill(tmp_path: Path) -> None:
    expected, missing = await killed(tmp_path / "sink", kills=1, order="date", late=0.5, sweep=0.5, rate=60.0)

    assert expected > 20
    assert missing == 0


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("order", ["date", "commit"])
async def test_nothing_is_lost_by_many_kills(tmp_path: Path, order: Literal["date", "commit"]) -> None:
    expected, missing = await killed(tmp_path / "sink", kills=12, order=order, late=8.0, sweep=4.0, rate=60.0)

    print(f"\n{expected} activities, {missing} lost")  # noqa: T201 - shown by -s
    assert expected > 500
    assert missing == 0
