"""A sandbox with room for every call, a desk in front of it, and the official client at the desk."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from marketo_async import Governor, Limits
from marketo_async.effects import AREAS
from marketo_async.mcp.agents import AgentIdentity
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.policy import AccessLevel, Agent, Confirmations, Policy
from marketo_async.mcp.tools import selection_of
from marketo_async.sandbox import InstanceLimits, Sandbox

READS = dict.fromkeys(AREAS.values(), AccessLevel.READ)
EVERYTHING = dict.fromkeys(AREAS.values(), AccessLevel.FULL)
ALONE = Confirmations(reach="none", publish="none", erase="none", admin="none")
BY_OPERATOR = Confirmations(reach="operator", publish="operator", erase="operator", admin="operator")
ROOM = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)

POLICY = Policy(
    agents={
        "reader": Agent(title="Reader", access=READS),
        "writer": Agent(title="Writer", access=EVERYTHING, sample_domains=["x.io", "example.com"]),
        "alone": Agent(title="Alone", access=EVERYTHING, confirm=ALONE, sample_domains=["x.io", "example.com"]),
        "watched": Agent(title="Watched", access=EVERYTHING, confirm=BY_OPERATOR),
    }
)


def wide_governor() -> Governor:
    return Governor(Limits(calls=10_000, concurrency=100))


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(leads=400, activities=300, limits=ROOM) as instance:
        yield instance


def environment_of(sandbox: Sandbox) -> Mapping[str, str]:
    return {
        "MARKETO_BASE_URL": sandbox.base_url,
        "MARKETO_CLIENT_ID": sandbox.client_id,
        "MARKETO_CLIENT_SECRET": sandbox.client_secret,
    }


@pytest.fixture
async def desk(sandbox: Sandbox, tmp_path: Path) -> AsyncIterator[Desk]:
    async with Desk(
        POLICY, state=tmp_path / "state", environment=environment_of(sandbox), governor=wide_governor
    ) as opened:
        yield opened


class Tools:
    """The tools of one connected agent: each call returns the decoded answer."""

    def __init__(self, client: Any) -> None:
        self.client = client

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        result = await self.client.call_tool(tool, arguments)
        (content,) = result.content
        answer: dict[str, Any] = json.loads(content.text)
        assert result.is_error is ("error" in answer and "results" not in answer)
        return answer

    async def read(self, operation: str, limit: int | None = None, **arguments: Any) -> dict[str, Any]:
        given = {} if limit is None else {"limit": limit}
        return await self("marketo_read", operation=operation, arguments=arguments, **given)

    async def write(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return await self("marketo_write", operation=operation, arguments=arguments)

    async def plan(self, operation: str, **arguments: Any) -> dict[str, Any]:
        return await self("marketo_plan", operation=operation, arguments=arguments)

    async def refused(self, tool: str, **arguments: Any) -> dict[str, Any]:
        error: dict[str, Any] = (await self(tool, **arguments))["error"]
        assert error["next"]
        return error


Connect = Callable[..., AbstractAsyncContextManager[Tools]]


@pytest.fixture(params=["legacy", "auto"])
def era(request: pytest.FixtureRequest) -> str:
    """The protocol with a handshake, and the one in which each request stands alone."""
    return str(request.param)


@pytest.fixture
def connect(desk: Desk) -> Connect:
    """Connect the official client in memory; ``answers`` are what the host's user says, one after the other."""
    from mcp.client import Client  # noqa: PLC0415
    from mcp_types import ElicitRequestParams, ElicitResult  # noqa: PLC0415

    from marketo_async.mcp.server import Protocol  # noqa: PLC0415

    @asynccontextmanager
    async def connected(
        agent: str = "reader",
        *,
        era: str = "auto",
        tools: str = "default",
        answers: list[ElicitResult] | None = None,
        asked: list[str] | None = None,
        deadline: float = 45.0,
    ) -> AsyncIterator[Tools]:
        async def answer(_: Any, params: ElicitRequestParams) -> ElicitResult:
            assert answers is not None
            if asked is not None:
                asked.append(params.message)
            return answers.pop(0)

        protocol = Protocol(desk, selection=selection_of(tools), local=AgentIdentity(agent, "stdio"), deadline=deadline)
        callback: Any = None if answers is None else answer
        async with Client(protocol.server(), mode=era, elicitation_callback=callback) as client:
            yield Tools(client)

    return connected
