"""Running a server: what it announces, a new policy at SIGHUP, TLS, and a broken file that changes nothing."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

import aiohttp

from marketo_async.cli import mcp as command
from marketo_async.mcp.agents import new_key
from marketo_async.mcp.policy import load_policy
from marketo_async.mcp.serving import Serving, serve
from marketo_async.sandbox import Sandbox
from tests.mcp.conftest import environment_of

KEY = new_key("reader")
POLICY = """
version = 1
[agents.reader]
keys = ["{key}"]
access = {{ people = "read" }}
"""


class Said:
    """What a server says, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._came = asyncio.Event()

    def __call__(self, line: str) -> None:
        self.lines.append(line)
        self._came.set()

    async def wait_for(self, text: str) -> str:
        while True:
            if found := next((line for line in self.lines if text in line), None):
                return found
            self._came.clear()
            await self._came.wait()


@asynccontextmanager
async def served(sandbox: Sandbox, folder: Path, policy: Path, **how: Any) -> AsyncIterator[Said]:
    said = Said()
    serving = Serving(policy=policy, http="127.0.0.1:0", **how)
    running = asyncio.create_task(
        serve(serving, load_policy(policy), state=folder / "state", environment=environment_of(sandbox), say=said)
    )
    try:
        yield said
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def status_of(url: str, key: str, **other: Any) -> int:
    body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    headers = {"Authorization": f"Bearer {key}", "Accept": "application/json, text/event-stream"}
    async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers, **other) as answer:
        return answer.status


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY.format(key=KEY.hash))
    return path


def rewritten(policy: Path, text: str) -> None:
    """Write another policy, and say so to this process."""
    policy.write_text(text)
    os.kill(os.getpid(), signal.SIGHUP)


async def test_a_policy_is_read_again_at_sighup(sandbox: Sandbox, tmp_path: Path, policy: Path) -> None:
    async with served(sandbox, tmp_path, policy) as said:
        url = (await said.wait_for("serving ")).removeprefix("serving ")
        assert await status_of(url, KEY.key) != 401
        rewritten(policy, "version = 1\n[agents.reader]\naccess = { people = 'everything' }")
        assert "'everything' is not a level" in await said.wait_for("the old policy stays")
        assert await status_of(url, KEY.key) != 401
        other = new_key("reader")
        rewritten(policy, POLICY.format(key=other.hash))
        await said.wait_for("the new policy is in use")
        assert await status_of(url, KEY.key) == 401
        assert await status_of(url, other.key) != 401
        rewritten(policy, f'{POLICY.format(key=other.hash)}[audit]\nfolder = "{tmp_path}/elsewhere"\n')
        await said.wait_for("start it again")


async def test_another_host_is_served_where_it_is_named(sandbox: Sandbox, tmp_path: Path, policy: Path) -> None:
    async with served(sandbox, tmp_path, policy, allow_hosts=("mcp.example.com",), behind_proxy=True) as said:
        url = (await said.wait_for("serving ")).removeprefix("serving ")
        assert await status_of(url, KEY.key) == 421
        body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
        headers = {"Authorization": f"Bearer {KEY.key}", "Host": "mcp.example.com", "Accept": "application/json"}
        async with aiohttp.ClientSession() as session, session.post(url, json=body, headers=headers) as answer:
            assert answer.status != 421


async def test_a_sandbox_is_served_with_keys_and_configurations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Said()
    monkeypatch.setattr(command, "_say", said)
    running = asyncio.create_task(command._served(Serving(http="127.0.0.1:0"), sandbox=True))
    try:
        url = (await said.wait_for("serving ")).removeprefix("serving ")
        key = (await said.wait_for("key of campaign: ")).rpartition(" ")[2]
        assert await status_of(url, key) != 401
        for host in ("claude", "cursor", "vscode", "codex"):
            assert url in await said.wait_for(f"# {host}, as reader")
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
