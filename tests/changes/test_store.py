"""The local file of a feed: real files, real processes."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_async import Marketo
from marketo_async.changes.store import FeedStore
from marketo_async.errors import ConfigurationError, JournalUnavailable
from marketo_async.sandbox import Sandbox
from tests.changes.instance import guids

NOW = 1_790_000_000.0


def client(sandbox: Sandbox) -> Marketo:
    return Marketo(sandbox.base_url, client_id=sandbox.user.client_id, client_secret=sandbox.user.client_secret)


async def test_a_store_keeps_the_position_and_the_guids_since_the_watermark(tmp_path: Path) -> None:
    store = FeedStore(tmp_path / "feed")
    assert await store.open() == (None, [])
    await store.save("first", [("a", NOW), ("b", NOW + 1000)], since=NOW - 10)
    await store.save("second", [("a", NOW), ("c", NOW + 2000)], since=NOW + 1000)
    await store.close()

    again = FeedStore(tmp_path / "feed")
    position, seen = await again.open()
    await again.close()
    assert position == "second"
    assert sorted(seen) == [("b", NOW + 1000), ("c", NOW + 2000)]


async def test_a_second_process_and_a_second_feed_are_refused(tmp_path: Path) -> None:
    store = FeedStore(tmp_path / "feed")
    await store.open()
    with pytest.raises(ConfigurationError, match="end the other process that has it, or use another file"):
        await FeedStore(tmp_path / "feed").open()
    code = (
        "import asyncio, sys\n"
        "from marketo_async.changes.store import FeedStore\n"
        "asyncio.run(FeedStore(sys.argv[1]).open())\n"
    )
    found = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, str(tmp_path / "feed")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 1
    assert "ConfigurationError" in found.stderr
    await store.close()
    await store.close()
    later = FeedStore(tmp_path / "feed")
    assert await later.open() == (None, [])
    await later.close()


@pytest.mark.parametrize("content", [b"not a database, but long enough to have a header of SQLite's" * 20, b"x"])
async def test_another_kind_of_file_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"notes\.txt can't be opened as the store of a feed"):
        await FeedStore(path).open()
    assert path.read_bytes() == content


async def test_the_database_of_another_program_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "other") as other:
        other.execute("CREATE TABLE t (a)")
    other.close()
    with pytest.raises(ConfigurationError, match="another kind of file"):
        await FeedStore(tmp_path / "other").open()


async def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="can't be opened"):
        await FeedStore(tmp_path / "nowhere" / "feed").open()


async def test_a_full_disk_is_an_error_of_the_journal_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = FeedStore(tmp_path / "feed")
    await store.open()
    await store.save("first", [], since=NOW)
    assert store._database is not None
    store._database.execute("PRAGMA max_page_count = 6")  # what SQLite answers is what it answers to a full disk
    many = [(f"guid-{number:060}", NOW) for number in range(5_000)]
    with pytest.raises(JournalUnavailable, match=r"feed can't be written \(database or disk is full\)"):
        await store.save("second", many, since=NOW)
    await store.close()
    with pytest.raises(JournalUnavailable, match="it is closed"):
        await store.save("third", [], since=NOW)

    again = FeedStore(tmp_path / "feed")
    assert await again.open() == ("first", [])
    await again.close()


FORKED = """
import asyncio, gc, os, sys
from marketo_async.changes.store import FeedStore
store = FeedStore(sys.argv[1])
asyncio.run(store.open())
asyncio.run(store.save("first", [], since=0.0))
if (child := os.fork()) == 0:
    del store
    gc.collect()
    os._exit(0)
os.waitpid(child, 0)
asyncio.run(store.save("second", [("a", 1.0)], since=0.0))
os._exit(0)
"""


async def test_a_forked_child_leaves_the_store_to_its_parent(tmp_path: Path) -> None:
    given = [sys.executable, "-W", "ignore", "-c", FORKED, str(tmp_path / "feed")]
    await asyncio.to_thread(subprocess.run, given, check=True)

    store = FeedStore(tmp_path / "feed")
    assert await store.open() == ("second", [("a", 1.0)])
    await store.close()


async def test_a_feed_with_a_store_resumes_and_delivers_each_activity_once(tmp_path: Path) -> None:
    begun = datetime.now(UTC) - timedelta(hours=8)
    found: list[str] = []
    async with Sandbox(leads=50, activities=2_000, activity_days=0.25) as sandbox:
        for taken in (1, 2, 10_000):
            async with (
                client(sandbox) as marketo,
                marketo.changes(since=begun, store=tmp_path / "feed", follow=False) as feed,
            ):
                async for batch in feed:
                    found += guids(batch.events)
                    taken -= 1  # noqa: PLW2901 - it counts down
                    if taken == 0:
                        batch.ack()
                        break
        logged = [activity.marketo_guid for activity in sandbox.instance.activities]
    assert len(found) == len({*found})
    assert len({*found} & {*logged}) > 1_900


async def test_the_store_of_another_instance_is_refused_and_closed(tmp_path: Path) -> None:
    async with Sandbox(leads=5, activities=5) as one, Sandbox(leads=5, activities=5) as other:
        async with client(one) as marketo, marketo.changes(store=tmp_path / "feed", follow=False) as feed:
            async for _ in feed:
                pass
        for _ in range(2):  # it does not stay locked
            async with client(other) as marketo:
                with pytest.raises(ConfigurationError, match="the position is one of"):
                    await marketo.changes(store=tmp_path / "feed").__aenter__()


async def test_a_store_that_fails_ends_the_iteration_and_keeps_what_was_not_saved(tmp_path: Path) -> None:
    async with Sandbox(leads=20, activities=900, activity_days=0.02) as sandbox, client(sandbox) as marketo:
        since = datetime.now(UTC) - timedelta(minutes=40)
        feed = marketo.changes(since=since, store=tmp_path / "feed", window=2)
        await feed.__aenter__()
        first = await anext(feed)
        assert feed._store is not None
        assert feed._store._database is not None
        feed._store._database.execute("PRAGMA query_only = 1")
        with pytest.raises(JournalUnavailable):
            await anext(feed)
        feed._store._database.execute("PRAGMA query_only = 0")
        await feed.__aexit__(None, None, None)  # saves what the first time could not be saved
        async with client(sandbox) as later, later.changes(store=tmp_path / "feed", follow=False) as feed:
            rest = [guid async for batch in feed for guid in guids(batch.events)]
    assert first.events
    assert not {*rest} & {*guids(first.events)}


KILLED = """
import asyncio, sys
from marketo_async import Marketo
async def main():
    url, name, secret, path = sys.argv[1:]
    async with Marketo(url, client_id=name, client_secret=secret) as marketo:
        async with marketo.changes(since="2020-01-01T00:00:00Z", store=path, poll=0.1, window=1) as feed:
            async for batch in feed:
                print(len(batch.events), flush=True)
asyncio.run(main())
"""


async def test_the_file_of_a_killed_process_can_be_opened(tmp_path: Path) -> None:
    async with Sandbox(leads=5, activities=3_000, latency=0.01) as sandbox:
        for _ in range(2):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                KILLED,
                sandbox.base_url,
                sandbox.user.client_id,
                sandbox.user.client_secret,
                str(tmp_path / "feed"),
                stdout=asyncio.subprocess.PIPE,
            )
            assert process.stdout is not None
            await process.stdout.readline()
            await process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            await process.wait()
        store = FeedStore(tmp_path / "feed")
        deadline = time.monotonic() + 10
        while True:
            try:
                position, _ = await store.open()
                break
            except ConfigurationError:
                assert time.monotonic() < deadline
        await store.close()
    assert position is not None
