"""Over HTTP: who is let in, what a session gives, which hosts are served, and Adobe's way in."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

import aiohttp
import httpx2
import mcp_types as types
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from msgspec.structs import replace

from marketo_async import Governor, Marketo
from marketo_async.mcp.agents import HeaderCredentials, new_key
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.policy import HeaderWay
from marketo_async.sandbox import Sandbox
from tests.mcp.conftest import POLICY, Tools, environment_of, wide_governor
from tests.mcp.servers import serving

READER, WRITER = new_key("reader"), new_key("writer")
CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture
async def desk(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    def visitor(credentials: HeaderCredentials, _: Governor) -> Marketo:
        return Marketo(
            sandbox.base_url,
            client_id=credentials.client_id,
            client_secret=credentials.client_secret,
            munchkin_id=credentials.munchkin_id,
            governor=wide_governor(),
        )

    monkeypatch.setattr(Desk, "_visitor", staticmethod(visitor))
    agents = {
        **POLICY.agents,
        "reader": replace(POLICY.agents["reader"], keys=[READER.hash]),
        "writer": replace(POLICY.agents["writer"], keys=[WRITER.hash]),
    }
    policy = replace(POLICY, agents=agents, headers=HeaderWay(munchkin_ids=["123-ABC-456"], agent="reader"))
    async with Desk(
        policy, state=tmp_path / "state", environment=environment_of(sandbox), governor=wide_governor
    ) as opened:
        yield opened


@asynccontextmanager
async def connected(url: str, headers: Mapping[str, str], era: str = "auto", **how: Any) -> AsyncIterator[Tools]:
    async with (
        httpx2.AsyncClient(headers=dict(headers)) as http,
        Client(streamable_http_client(url, http_client=http), mode=era, **how) as client,
    ):
        yield Tools(client)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_gives_the_rights_of_its_agent(desk: Desk, era: str) -> None:
    async with serving(desk) as url:
        async with connected(url, bearer(READER.key), era) as tools:
            assert (await tools("marketo_whoami"))["agent"] == "reader"
            assert (await tools("leads_get", lead_id=7))["result"]["id"] == 7
            assert "marketo_write" not in [tool.name for tool in (await tools.client.list_tools()).tools]
        async with connected(url, bearer(WRITER.key), era) as tools:
            assert (await tools("lists_add", list_id=1001, lead_ids=[1]))["totals"]


async def test_the_user_of_the_host_is_asked_over_http(desk: Desk, era: str) -> None:
    async def yes(_: Any, __: Any) -> types.ElicitResult:
        return types.ElicitResult(action="accept", content={"allow": True})

    async with serving(desk) as url, connected(url, bearer(WRITER.key), era, elicitation_callback=yes) as tools:
        assert (await tools("lists_remove", list_id=1001, lead_ids=[1]))["totals"] == {"removed": 1}


async def test_adobe_s_headers_are_a_way_in(desk: Desk, sandbox: Sandbox, era: str) -> None:
    headers = {
        "X-Marketo-Client-Id": sandbox.client_id,
        "X-Marketo-Client-Secret": sandbox.client_secret,
        "X-Marketo-Munchkin-Id": "123-abc-456",
    }
    async with serving(desk) as url, connected(url, headers, era) as tools:
        assert (await tools("marketo_whoami"))["agent"] == "reader"
        answer = await tools("marketo_read", operation="get_leads_by_filter",
                             arguments={"filter_type": "id", "values": [7]})  # fmt: skip
        assert answer["items"][0]["id"] == 7


async def test_wrong_credentials_in_headers_reach_no_further(desk: Desk, sandbox: Sandbox) -> None:
    headers = {
        "X-Marketo-Client-Id": sandbox.client_id,
        "X-Marketo-Client-Secret": "secret-that-must-never-show",
        "X-Marketo-Munchkin-Id": "123-ABC-456",
    }
    async with serving(desk) as url, connected(url, headers) as tools:
        error = await tools.refused("leads_get", lead_id=7)
        assert error["kind"] == "unavailable"
        assert "secret-that" not in json.dumps(error)


async def post(url: str, **headers: str) -> tuple[int, str]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json=CALL, headers=ACCEPT | {"Content-Type": "application/json"} | headers) as answer,
    ):
        return answer.status, await answer.text()


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "the request has no key"),
        (bearer("mka_reader_" + "x" * 43), "not known here"),
        (bearer("eyJhbGciOiJSUzI1NiJ9"), "takes no IMS tokens"),
        ({"X-Marketo-Client-Id": "id"}, "is missing"),
    ],
)
async def test_nobody_else_is_let_in(desk: Desk, headers: dict[str, str], text: str) -> None:
    async with serving(desk) as url:
        status, body = await post(url, **headers)
        assert status == 401
        assert text in body


async def test_another_host_or_origin_is_not_served(desk: Desk) -> None:
    async with serving(desk) as url:
        assert (await post(url, **bearer(READER.key), Host="evil.example.com"))[0] == 421
        assert (await post(url, **bearer(READER.key), Origin="https://evil.example.com"))[0] == 403


async def test_a_session_belongs_to_the_agent_that_opened_it(desk: Desk) -> None:
    opening = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-11-25",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    async with serving(desk) as url, aiohttp.ClientSession(headers=ACCEPT) as session:
        async with session.post(url, json=opening, headers=bearer(WRITER.key)) as answer:
            assert answer.status == 200
            number = answer.headers["mcp-session-id"]
        theirs = {"mcp-session-id": number, "mcp-protocol-version": "2025-11-25"}
        assert (await post(url, **bearer(READER.key), **theirs))[0] == 404
        assert (await post(url, **bearer(WRITER.key), **theirs))[0] == 200
        assert (await post(url, **theirs))[0] == 401


async def test_a_key_that_the_policy_drops_is_refused_from_then_on(desk: Desk) -> None:
    async with serving(desk) as url, connected(url, bearer(READER.key)) as tools:
        assert (await tools("marketo_whoami"))["agent"] == "reader"
        desk.adopt(replace(desk.policy, agents={**desk.policy.agents, "reader": POLICY.agents["reader"]}))
        assert (await post(url, **bearer(READER.key)))[0] == 401


async def test_health_needs_no_key(desk: Desk) -> None:
    async with serving(desk) as url, aiohttp.ClientSession() as session:
        async with session.get(url.replace("/mcp", "/health")) as answer:
            assert (answer.status, await answer.json()) == (200, {"status": "ok"})
        async with session.get(url.replace("/mcp", "/mcp/")) as answer:
            assert answer.status in {401, 404}
        async with session.get(url.replace("/mcp", "/")) as answer:
            assert answer.status == 404
