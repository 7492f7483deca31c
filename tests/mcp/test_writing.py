"""Writes through the tools: planned at no call, confirmed by a person where needed, made once."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

import mcp_types as types
from mcp.shared.exceptions import MCPError

from marketo_async import Marketo
from marketo_async.effects import EFFECTS, Effect
from marketo_async.mcp.desk import Desk
from marketo_async.sandbox import Fault, Sandbox
from tests.json_arguments import json_arguments
from tests.mcp.conftest import Connect, Tools

YES = types.ElicitResult(action="accept", content={"allow": True})
NO = types.ElicitResult(action="accept", content={"allow": False})
DECLINED = types.ElicitResult(action="decline")
CANCELLED = types.ElicitResult(action="cancel")


async def people(sandbox: Sandbox, *ids: int) -> int:
    """Return how many of these people there are."""
    async with Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret) as marketo:
        return len(await marketo.leads.by_filter("id", ids).all())


def calls(sandbox: Sandbox) -> int:
    return sandbox.stats.calls


async def test_a_plan_shows_what_would_be_sent_and_makes_no_call(connect: Connect, sandbox: Sandbox) -> None:
    async with connect("alone") as tools:
        before = calls(sandbox)
        answer = await tools.plan("lists.add", list_id=1001, lead_ids=list(range(1, 302)))
        assert calls(sandbox) == before
        assert answer | {"plan": "", "requests": []} == {
            "operation": "lists.add",
            "effect": "change",
            "verdict": "allowed",
            "confirm": "none",
            "records": 301,
            "calls": 2,
            "requests": [],
            "plan": "",
        }
        first, second = answer["requests"]
        assert (first["method"], first["url"]) == ("POST", f"{sandbox.base_url}/rest/v1/lists/1001/leads.json")
        assert second["body"] == '{"input":[{"id":301}]}'


async def test_a_plan_names_the_records_that_can_t_be_sent(connect: Connect) -> None:
    async with connect("alone") as tools:
        answer = await tools.plan("leads.sync", records=[{"email": "a@x.io"}, {"firstName": "B"}])
        assert [found["index"] for found in answer["refused"]] == [1]
        assert "no email" in answer["refused"][0]["why"]
        assert "plan" not in answer
        car = await tools.plan("custom_objects.sync", api_name="car_c", records=[{"vin": "1"}])
        assert "once a day" in car["calls_before"]


async def test_a_write_answers_for_each_record(connect: Connect) -> None:
    async with connect("alone") as tools:
        answer = await tools("lists_add", list_id=1001, lead_ids=[1, 999_999])
        assert [row["index"] for row in answer["results"]] == [0, 1]
        assert answer["results"][1]["status"] == "skipped"
        assert "1004" in answer["results"][1]["why"]
        assert sum(answer["totals"].values()) == 2
        assert answer["cost"]["calls"] == 1
        assert len(answer["request_ids"]) == 1
        made = await tools.write("static_lists.create", name="New", folder={"id": 1})
        assert made["result"]["name"] == "New"


async def test_a_kept_plan_is_made_once(connect: Connect, sandbox: Sandbox) -> None:
    async with connect("alone") as tools:
        plan = (await tools.plan("leads.delete", lead_ids=[5]))["plan"]
        assert await people(sandbox, 5) == 1
        answers = await asyncio.gather(*(tools("marketo_write", plan=plan) for _ in range(5)))
        assert sum("results" in answer for answer in answers) == 1
        assert {answer["error"]["kind"] for answer in answers if "error" in answer} == {"conflict"}
        assert await people(sandbox, 5) == 0


async def test_the_user_of_the_host_is_asked(connect: Connect, sandbox: Sandbox, era: str) -> None:
    asked: list[str] = []
    async with connect("writer", era=era, answers=[YES], asked=asked) as tools:
        answer = await tools.write("leads.delete", lead_ids=[5, 6])
        assert answer["totals"] == {"deleted": 2}
    assert asked == [
        f"Writer wants to call leads.delete for 2 records (5, 6) in {sandbox.base_url.removeprefix('http://')}. Delete"  # noqa: ISC004
        " any number of leads for good, 300 a call; a missing one is skipped (1004). What it deletes can't be restored."
        " Allow it?"
    ]


@pytest.mark.parametrize("said", [NO, DECLINED, CANCELLED], ids=["no", "declined", "cancelled"])
async def test_anything_but_yes_is_no(connect: Connect, sandbox: Sandbox, era: str, said: types.ElicitResult) -> None:
    async with connect("writer", era=era, answers=[said]) as tools:
        error = await tools.refused("marketo_write", operation="leads.delete", arguments={"lead_ids": [5]})
        assert error["kind"] == "needs_person"
    assert await people(sandbox, 5) == 1


async def test_a_plan_of_the_host_is_asked_for_when_it_is_made(connect: Connect, sandbox: Sandbox, era: str) -> None:
    async with connect("writer", era=era, answers=[NO, YES]) as tools:
        for expected in (1, 0):
            plan = (await tools.plan("leads.delete", lead_ids=[7]))["plan"]
            await tools("marketo_write", plan=plan)
            assert await people(sandbox, 7) == expected


async def test_nobody_to_ask_leaves_it_to_an_operator(connect: Connect, sandbox: Sandbox, desk: Desk, era: str) -> None:
    """A host that can't ask, and an operator who approves elsewhere."""
    async with connect("writer", era=era) as tools:
        error = await tools.refused("marketo_write", operation="leads.delete", arguments={"lead_ids": [5]})
        assert error["kind"] == "needs_person"
        plan = error["plan"]
        assert f"mcp approve {plan}" in error["next"]
        waiting = (await tools("marketo_whoami"))["waiting"]
        assert waiting == [{"plan": plan, "operation": "leads.delete"}]
        assert (await tools.refused("marketo_write", plan=plan))["kind"] == "needs_person"
        assert await people(sandbox, 5) == 1
        assert await desk.approvals.decide(plan, "approved", "ann")
        assert (await tools("marketo_write", plan=plan))["totals"] == {"deleted": 1}
        assert (await tools.refused("marketo_write", plan=plan))["kind"] == "conflict"


async def test_an_operator_decides_where_the_policy_says_so(connect: Connect, sandbox: Sandbox, desk: Desk) -> None:
    async with connect("watched", answers=[YES]) as tools:  # the host could ask, and is not asked
        plan = (await tools.refused("lists_remove", list_id=1001, lead_ids=[1]))["plan"]
        assert await desk.approvals.decide(plan, "denied", "ann")
        assert (await tools.refused("marketo_write", plan=plan))["kind"] == "denied"


async def test_a_plan_belongs_to_its_agent(connect: Connect, desk: Desk) -> None:
    async with connect("watched") as tools:
        plan = (await tools.refused("lists_remove", list_id=1001, lead_ids=[1]))["plan"]
        await desk.approvals.decide(plan, "approved", "ann")
    async with connect("alone") as other:
        assert (await other.refused("marketo_write", plan=plan))["kind"] == "not_found"
        assert (await other.refused("marketo_write", plan="plan_forged"))["kind"] == "not_found"


CONFIRMED = sorted(
    name
    for name, effect in EFFECTS.items()
    if effect in {Effect.PUBLISH, Effect.REACH, Effect.ERASE} and not name.startswith("ingestion.")  # no munchkin id
)


async def test_nothing_that_publishes_reaches_or_erases_is_made_without_a_person(
    connect: Connect, sandbox: Sandbox
) -> None:
    async with connect("watched", tools="meta") as tools:
        before = calls(sandbox)
        for name in CONFIRMED:
            error = await tools.refused("marketo_write", operation=name, arguments=json_arguments()[name])
            expected = "denied" if name == "emails.send_sample" else "needs_person"
            assert error["kind"] == expected, name
        assert calls(sandbox) == before


async def raw_call(tools: Tools, arguments: dict[str, Any], **other: Any) -> Any:
    """Call marketo_write without the client's own answers to questions."""
    return await tools.client.session.call_tool("marketo_write", arguments, allow_input_required=True, **other)


async def test_an_answer_counts_for_its_own_call_and_once(connect: Connect, sandbox: Sandbox) -> None:
    """A state that is moved to other arguments or another agent, or used again, confirms nothing."""
    arguments = {"operation": "leads.delete", "arguments": {"lead_ids": [5]}}
    said = {"confirm": YES}
    async with connect("writer", answers=[]) as tools:
        asked = await raw_call(tools, arguments)
        assert isinstance(asked, types.InputRequiredResult)
        state = asked.request_state
        other = {"operation": "leads.delete", "arguments": {"lead_ids": [6]}}
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await raw_call(tools, other, input_responses=said, request_state=state)
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await raw_call(tools, arguments, input_responses=said, request_state="plan_forged")
        unasked = await raw_call(tools, arguments, input_responses=said)
        assert isinstance(unasked, types.InputRequiredResult)
        assert await people(sandbox, 5, 6) == 2
        made = await raw_call(tools, arguments, input_responses=said, request_state=state)
        assert json.loads(made.content[0].text)["totals"] == {"deleted": 1}
        again = await raw_call(tools, arguments, input_responses=said, request_state=state)
        assert json.loads(again.content[0].text)["error"]["kind"] == "needs_person"
    async with connect("watched", answers=[]) as stranger:
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await raw_call(stranger, arguments, input_responses=said, request_state=state)


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        ({}, "invalid"),
        ({"operation": "lists.add", "arguments": {"list_id": 1, "lead_ids": [1]}, "plan": "p"}, "invalid"),
        ({"operation": "leads.get", "arguments": {"lead_id": 1}}, "invalid"),
        ({"operation": "lists.add", "arguments": {"list_id": 1}}, "invalid"),
        ({"operation": "lists.add", "arguments": {"list_id": 1001, "lead_ids": [0]}}, "invalid"),
        ({"operation": "create_smart_list", "arguments": {}}, "invalid"),
        ({"operation": "lists.add", "confirm": True}, "invalid"),
        ({"operation": "lists.add", "arguments": {"list_id": 77, "lead_ids": [1]}}, "not_found"),
    ],
)
async def test_a_wrong_write_is_refused_with_its_kind(connect: Connect, arguments: dict[str, Any], kind: str) -> None:
    async with connect("alone") as tools:
        error = await tools.refused("marketo_write", **arguments)
        assert error["kind"] == kind


async def test_a_reader_can_t_write_by_any_name(connect: Connect, sandbox: Sandbox) -> None:
    async with connect("reader") as tools:
        before = calls(sandbox)
        attempts: list[tuple[str, dict[str, Any]]] = [
            ("marketo_write", {"operation": "lists.add", "arguments": {"list_id": 1001, "lead_ids": [1]}}),
            ("marketo_plan", {"operation": "lists.add", "arguments": {"list_id": 1001, "lead_ids": [1]}}),
            ("lists_add", {"list_id": 1001, "lead_ids": [1]}),
        ]
        for tool, arguments in attempts:
            with pytest.raises(MCPError, match="unknown tool"):
                await tools(tool, **arguments)
        assert calls(sandbox) == before


async def test_what_the_deadline_cuts_off_is_unknown(connect: Connect, sandbox: Sandbox) -> None:
    async with connect("alone", deadline=0.4) as tools:
        await tools.read("lists.get", list_id=1001)
        sandbox.faults.append(Fault("slow", seconds=1.0))
        answer = await tools.write("lists.add", list_id=1001, lead_ids=[1, 2])
        assert answer["totals"] == {"unknown": 2}
        assert answer["error"]["kind"] == "unknown_outcome"
        error = await tools.refused(
            "marketo_write", operation="static_lists.create", arguments={"name": "N", "folder": {"id": 1}}
        )
        assert error["kind"] == "unknown_outcome"


async def test_a_call_that_fails_midway_answers_what_is_known(connect: Connect, sandbox: Sandbox) -> None:
    async with connect("alone") as tools:
        sandbox.faults.append(Fault("603", path="/rest/v1/lists/1001/leads.json"))
        error = await tools.refused("lists_add", list_id=1001, lead_ids=[1])
        assert (error["kind"], error["code"]) == ("marketo_permission", "603")


async def test_the_records_after_a_refused_call_are_not_done(connect: Connect, sandbox: Sandbox) -> None:
    async def refuse_the_rest(*_: object) -> None:
        sandbox.faults.append(Fault("603"))  # once the first call has been answered

    people = [{"email": f"lead{number}@example.com"} for number in (1, 2)]
    again = [*people, {"email": "lead1@example.com"}]  # its key makes it wait for the first call
    arguments = {"operation": "leads.sync", "arguments": {"records": again}}
    async with connect("alone") as tools:
        result = await tools.client.call_tool("marketo_write", arguments, progress_callback=refuse_the_rest)
        answer = json.loads(result.content[0].text)
        assert answer["totals"] == {"updated": 2, "not_done": 1}
        assert answer["error"]["kind"] == "marketo_permission"


async def test_an_export_is_a_handle(connect: Connect) -> None:
    async with connect("alone") as tools:
        started = await tools(
            "marketo_export_start",
            family="leads",
            fields=["id", "email"],
            selection={"createdAt": {"startAt": "2026-11-01T00:00:00Z", "endAt": "2026-11-02T00:00:00Z"}},
        )
        assert started["status"] == "Queued"
        status = await tools("marketo_export_status", export=started["export"])
        assert status["result"]["status"] in {"Queued", "Processing", "Completed"}
        if status["result"]["status"] != "Completed":
            assert (await tools.refused("marketo_export_rows", export=started["export"]))["kind"] == "conflict"
        for wrong in ("leads", "pets:1", "custom_objects:1", "leads:car_c:1"):
            assert (await tools.refused("marketo_export_status", export=wrong))["kind"] == "invalid"
        for other in ({"family": "pets"}, {"family": "custom_objects"}, {"family": "leads", "api_name": "car_c"}):
            error = await tools.refused("marketo_export_start", fields=["id"], selection={}, **other)
            assert error["kind"] == "invalid"
