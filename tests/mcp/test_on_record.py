"""What the server does is on record: who, by which way and tool, allowed or denied, and by whom it was confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

import mcp_types as types

from marketo_async.mcp.audit.query import NumberedRecord, read_records, verify_file
from marketo_async.mcp.desk import Desk
from tests.mcp.conftest import Connect

YES = types.ElicitResult(action="accept", content={"allow": True})


def on_record(desk: Desk) -> list[NumberedRecord]:
    (path,) = (desk.state / "audit").glob("*.jsonl")
    assert verify_file(path).good
    return list(read_records(path))


async def test_a_call_is_an_intent_and_its_outcome(connect: Connect, desk: Desk) -> None:
    async with connect("reader") as tools:
        answer = await tools("leads_get", lead_id=7)
    intent, outcome = on_record(desk)
    assert (intent.kind, intent.agent, intent.via, intent.tool) == ("intent", "reader", "stdio", "leads_get")
    assert (intent.operation, intent.decision) == ("leads.get", "allowed")
    assert (outcome.kind, outcome.intent, outcome.calls, outcome.records) == ("outcome", intent.n, 1, 1)
    assert answer["cost"]["calls"] == 1


DENIED: list[tuple[str, Mapping[str, Any]]] = [
    ("marketo_read", {"operation": "leads.get", "arguments": {"lead_id": 1}}),
    ("marketo_describe", {"operation": "leads.get"}),
    ("marketo_write", {"operation": "leads.sync", "arguments": {"records": [{"email": "jane@x.io"}]}}),
    ("marketo_plan", {"operation": "leads.sync", "arguments": {"records": [{"email": "jane@x.io"}]}}),
    ("marketo_write", {"operation": "lists.add", "arguments": {"list_id": 7, "lead_ids": [1]}}),
]


@pytest.mark.parametrize(("tool", "arguments"), DENIED, ids=[f"{tool}-{n}" for n, (tool, _) in enumerate(DENIED)])
async def test_a_denial_is_on_record_and_shows_no_rule(
    connect: Connect, desk: Desk, tool: str, arguments: Mapping[str, Any]
) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    from marketo_async.mcp.policy import AccessLevel, Agent, Only  # noqa: PLC0415

    lists = Agent(title="Lists", access={"lists": AccessLevel.WRITE}, only=Only(list_id=[1001]))
    desk.adopt(replace(desk.policy, agents={**desk.policy.agents, "lists": lists}))
    async with connect("lists") as tools:
        error = await tools.refused(tool, **arguments)
    assert error["kind"] == "denied"
    assert "agents." not in str(error)
    (record,) = on_record(desk)
    assert (record.kind, record.decision, record.agent, record.tool) == ("denied", "denied", "lists", tool)
    assert record.rule.startswith("agents.lists.")
    assert "jane" not in record.says
    if tool in {"marketo_read", "marketo_write"}:
        assert record.arguments


async def test_who_confirmed_is_on_record(connect: Connect, desk: Desk, era: str) -> None:
    async with connect("writer", era=era, answers=[YES]) as tools:
        await tools("lists_remove", list_id=1001, lead_ids=[1])
    async with connect("watched") as tools:
        plan = (await tools.refused("lists_remove", list_id=1001, lead_ids=[2]))["plan"]
        await desk.approvals.decide(plan, "approved", "ann")
        await tools("marketo_write", plan=plan)
    intents = [record for record in on_record(desk) if record.kind == "intent"]
    assert [record.approved_by for record in intents] == ["the host's user", "operator ann"]
    assert intents[1].plan == plan
    assert {record.decision for record in intents} == {"confirmed"}


async def test_no_record_no_call(connect: Connect, desk: Desk) -> None:
    async with connect("reader") as tools:
        await tools("leads_get", lead_id=7)
        (path,) = (desk.state / "audit").glob("*.jsonl")
        path.unlink()
        error = await tools.refused("leads_get", lead_id=7)
        assert error["kind"] == "unavailable"
        assert "Nothing was sent" in error["next"]


async def test_what_outsiders_wrote_makes_a_person_necessary(connect: Connect, desk: Desk) -> None:
    from msgspec.structs import replace  # noqa: PLC0415

    watched = replace(desk.policy.agents["alone"], after_reading_outsiders="confirm")
    desk.adopt(replace(desk.policy, agents={**desk.policy.agents, "alone": watched}))
    async with connect("alone") as tools:
        assert (await tools("lists_remove", list_id=1001, lead_ids=[1]))["totals"]
        await tools("leads_get", lead_id=7)
        error = await tools.refused("lists_remove", list_id=1001, lead_ids=[2])
        assert error["kind"] == "needs_person"
        assert (await tools("lists_add", list_id=1001, lead_ids=[2]))["totals"]
