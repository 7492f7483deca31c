"""``sandbox``: three lines that a shell can use, until it is interrupted."""

from __future__ import annotations

import asyncio
import shlex
import signal
import socket
from datetime import UTC, datetime, timedelta

from marketo_async import Marketo
from marketo_async.cli.serving import serve
from marketo_async.sandbox import Sandbox

from .commands import invoke, process


def environment_of(lines: list[str]) -> dict[str, str]:
    words = [shlex.split(line) for line in lines]
    assert [word for word, _ in words] == ["export"] * 3
    return dict(assignment.split("=", 1) for _, assignment in words)


async def test_the_lines_lead_to_it() -> None:
    announced: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.ensure_future(serve(Sandbox(leads=3), announced.put_nowait))
    environment = environment_of((await announced.get()).splitlines())
    async with Marketo.from_env(environment) as marketo:
        assert await marketo.leads.get(3) is not None
        assert await marketo.leads.get(4) is None
    serving.cancel()
    await asyncio.wait([serving])


async def test_traffic_happens_on_it() -> None:
    with process("sandbox", "--port", 0, "--leads", 5, "--traffic", 200, "--late", 0.5) as started:
        environment = environment_of([started.stdout.readline() for _ in range(3)])
        async with Marketo.from_env(environment) as marketo:
            since = datetime.now(UTC) - timedelta(minutes=1)
            while not await marketo.activities.since(since, types=[1, 12, 13]).first():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        started.signal(signal.SIGINT)
        assert started.end().code == 0


async def test_it_runs_until_it_is_interrupted() -> None:
    with process("sandbox", "--port", 0, "--leads", 2) as started:
        environment = environment_of([started.stdout.readline() for _ in range(3)])
        async with Marketo.from_env(environment) as marketo:
            assert await marketo.leads.get(2) is not None
        started.signal(signal.SIGINT)
        ended = started.end()
    assert (ended.code, ended.stdout, ended.stderr) == (0, "", "")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ended = invoke("sandbox", "--port", taken.getsockname()[1])
    assert ended.code == 2
    assert ended.stderr.startswith("error: ")
    assert "address already in use" in ended.stderr
    assert ended.stderr.count("\n") == 1
