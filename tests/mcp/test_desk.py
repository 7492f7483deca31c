"""The desk of a server: one governor for an instance, whichever credentials its clients have."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketo_async.errors import ConfigurationError
from marketo_async.mcp.agents import AgentIdentity, HeaderCredentials
from marketo_async.mcp.desk import AgentSeat, Desk
from marketo_async.mcp.policy import Policy, policy_of

MUNCHKIN = "123-ABC-456"
ENVIRONMENT = {"ID": "i", "SECRET": "s", "OTHER": "o"}


def policy(**agents: str) -> Policy:
    """Return a policy with two API users of one instance, one of another, and a guest by headers."""
    secret = {"env": "SECRET"}
    instances = {
        "main": {"munchkin_id": MUNCHKIN, "client_id": {"env": "ID"}, "client_secret": secret},
        "second": {
            "base_url": "https://123-abc-456.mktorest.com",
            "client_id": {"env": "OTHER"},
            "client_secret": secret,
        },
        "elsewhere": {"munchkin_id": "999-XYZ-999", "client_id": {"env": "ID"}, "client_secret": secret},
    }
    table = {
        "version": 1,
        "instances": instances,
        "agents": {name: {"instance": instance, "access": {"people": "read"}} for name, instance in agents.items()},
        "headers": {"munchkin_ids": [MUNCHKIN], "agent": next(iter(agents))},
    }
    return policy_of(table, "test")


def governor_of(seat: AgentSeat) -> object:
    return seat._client.governor


async def test_one_governor_serves_an_instance(tmp_path: Path) -> None:
    given = policy(a="main", b="second", c="elsewhere")
    async with Desk(given, state=tmp_path, environment=ENVIRONMENT) as desk:
        a, b, c = [await desk.seat(AgentIdentity(name, "bearer")) for name in ("a", "b", "c")]
        credentials = HeaderCredentials(MUNCHKIN, "visitor", "secret")
        visitor = await desk.seat(AgentIdentity("a", "headers", credentials))
        assert governor_of(a) is governor_of(b) is governor_of(visitor)
        assert governor_of(c) is not governor_of(a)


async def test_an_agent_keeps_its_share_where_its_rights_are_the_same(tmp_path: Path) -> None:
    async with Desk(policy(a="main", b="main"), state=tmp_path, environment=ENVIRONMENT) as desk:
        first = (await desk.seat(AgentIdentity("a", "bearer")))._guard
        assert (await desk.seat(AgentIdentity("a", "bearer")))._guard is first
        desk.adopt(policy(a="main", b="elsewhere"))
        assert (await desk.seat(AgentIdentity("a", "bearer")))._guard is first
        desk.adopt(policy(a="elsewhere", b="main"))
        assert (await desk.seat(AgentIdentity("a", "bearer")))._guard is not first


async def test_a_desk_whose_credentials_are_missing_is_not_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="OTHER is not set"):
        async with Desk(policy(a="main"), state=tmp_path, environment={"ID": "i", "SECRET": "s"}):
            pass


async def test_what_is_left_is_the_agent_s_own_budget_too(tmp_path: Path) -> None:
    given = policy_of(
        {
            "version": 1,
            "instances": {
                "main": {"munchkin_id": MUNCHKIN, "client_id": {"env": "ID"}, "client_secret": {"env": "SECRET"}}
            },
            "agents": {"a": {"access": {"people": "read"}, "limits": {"calls_a_day": 7, "records_a_day": 9}}},
        },
        "test",
    )
    async with Desk(given, state=tmp_path, environment=ENVIRONMENT) as desk:
        left = await (await desk.seat(AgentIdentity("a", "stdio"))).left()
        assert (left["calls_today"], left["records_today"], left["calls_in_this_window"]) == (7, 9, 100)
