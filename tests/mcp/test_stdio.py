"""The command over stdio, in a process of its own, with the official client."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from marketo_async.sandbox import Sandbox
from tests.mcp.conftest import Tools, environment_of

ROOT = Path(__file__).resolve().parents[2]
RUN = "from marketo_async.cli import main; main()"

POLICY = """
version = 1

[instances.main]
base_url = "{base_url}"
client_id = {{ env = "MARKETO_CLIENT_ID" }}
client_secret = {{ env = "MARKETO_CLIENT_SECRET" }}

[agents.campaign]
title = "Campaign Agent"
access = {{ people = "read", lists = "write" }}
only = {{ list_id = [1001] }}

[agents.reader]
access = {{ usage = "read" }}
"""


@asynccontextmanager
async def started(*arguments: str, environment: dict[str, str], era: str = "auto", **how: Any) -> AsyncIterator[Tools]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-W", "error", "-W", "ignore:'click:DeprecationWarning", "-c", RUN, "mcp", "serve", *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment},
    )
    async with Client(stdio_client(command), mode=era, **how) as client:
        yield Tools(client)


async def test_without_a_policy_everything_is_read_and_nothing_written(
    sandbox: Sandbox, tmp_path: Path, era: str
) -> None:
    environment = {**environment_of(sandbox), "XDG_STATE_HOME": str(tmp_path)}
    async with started(environment=environment, era=era) as tools:
        answer = await tools("marketo_whoami")
        assert answer["agent"] == "local"
        assert set(answer["access"].values()) == {"read"}
        assert "marketo_write" not in [tool.name for tool in (await tools.client.list_tools()).tools]
        assert (await tools("leads_get", lead_id=7))["result"]["id"] == 7
    (store,) = await asyncio.to_thread(lambda: list((tmp_path / "marketo-async").glob("*.db")))
    assert store.stem.startswith("127.0.0.1")  # the processes of one machine share the instance's limits


async def test_an_agent_of_a_policy_has_its_rights(sandbox: Sandbox, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(POLICY.format(base_url=sandbox.base_url))
    environment = {**environment_of(sandbox), "XDG_STATE_HOME": str(tmp_path)}
    async with started("--policy", str(policy), "--agent", "campaign", environment=environment) as tools:
        assert (await tools("lists_add", list_id=1001, lead_ids=[1]))["totals"]
        error = await tools.refused("lists_add", list_id=1002, lead_ids=[1])
        assert (error["kind"], error["operation"]) == ("denied", "lists.add")
        assert "agents." not in str(error)


@pytest.mark.slow
async def test_a_sandbox_needs_no_account(tmp_path: Path, era: str) -> None:
    async with started("--sandbox", environment={"XDG_STATE_HOME": str(tmp_path)}, era=era) as tools:
        assert (await tools("marketo_whoami"))["agent"] == "campaign"
        assert (await tools("lists_add", list_id=1001, lead_ids=[1, 2]))["totals"]
