"""No call that the policy forbids arrives through a tool: its own one, the generic ones, an alias, a cursor or a plan.

The same random cases and the same oracle as for the guard alone (see ``test_forbidden_calls``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async.errors import Denied, InvalidRequest, MarketoError
from marketo_async.mcp.adobe import ALIASES
from marketo_async.mcp.agents import AgentIdentity
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.policy import policy_of
from marketo_async.mcp.toolcall import CallCost, PersonNeeded, Refusal, Said, ToolCall
from marketo_async.mcp.tools import selection_of, tools_of
from marketo_async.planning import plan_of
from marketo_async.schema import PAGING, callee
from marketo_async.writes import Batches
from tests.mcp.conftest import environment_of, wide_governor
from tests.mcp.drawn import RANDOM, SCALE, Case, a_stage, cases, would_send
from tests.mcp.guarded import Stage
from tests.mcp.oracle import forbids, operation_of

Way = Literal["own tool", "generic tool", "alias", "cursor", "plan"]
WAYS: tuple[Way, ...] = get_args(Way)
_ALIAS_OF = {name: alias for alias, name in ALIASES.items()}


class Person:
    """A host's user who says yes, or a host that can't ask."""

    def __init__(self, *, says_yes: bool) -> None:
        self.says_yes = says_yes
        self.asked = False


class Seated:
    """An agent at a desk before the sandbox of a stage, whose policy is the case's."""

    def __init__(self, desk: Desk, person: Person) -> None:
        self._desk, self._person = desk, person

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Any:
        """Call a tool as the server does: a question goes to the person, and the tool is called again."""
        seat = await self._desk.seat(AgentIdentity("a", "stdio"))
        tools = tools_of(seat.access, selection_of("all"))
        if tool not in tools:
            raise Denied("the agent does not see the tool", operation=tool, rule="")
        handler = tools[tool].handler
        until = asyncio.get_running_loop().time() + 45.0
        call = ToolCall(seat=seat, tool=tool, until=until, can_ask=self._person.says_yes, cost=CallCost())
        answer = await handler(call, arguments)
        if isinstance(answer, PersonNeeded):
            self._person.asked = True
            call.said = Said(answer.plan, yes=True)
            answer = await handler(call, arguments)
        return answer


async def made(seated: Seated, case: Case, way: Way) -> None:
    """Make a call through tools."""
    arguments = {key: value for key, value in case.arguments.items() if key not in PAGING}
    reads = not callee(case.name).operation.write
    generic = "marketo_read" if reads else "marketo_write"
    operation = _ALIAS_OF.get(case.name, case.name) if way == "alias" else case.name
    given = {"operation": operation, "arguments": arguments}
    if way == "own tool":
        await seated.call(case.name.replace(".", "_"), arguments)
    elif way == "cursor" and reads:
        cursor: dict[str, Any] = {}
        for _ in range(3):
            answer = await seated.call(generic, {**given, "limit": 1, **cursor})
            if not answer.get("more"):
                return
            cursor = {"cursor": answer["cursor"]}
    elif way == "plan" and not reads:
        planned = await seated.call("marketo_plan", given)
        if "plan" in planned:
            await seated.call("marketo_write", {"plan": planned["plan"]})
        elif planned["verdict"] == "denied":
            raise Denied("planned", operation=case.name, rule="")
    else:
        await seated.call(generic, given)


async def judge(stage: Stage, desk: Desk, case: Case, way: Way, *, says_yes: bool) -> None:
    try:
        operation, planned = plan_of(case.name, case.arguments, munchkin_id=stage.sandbox.munchkin_id)
        expected = would_send(operation, planned)
    except InvalidRequest:
        return
    desk.adopt(policy_of({"version": 1, "agents": {"a": case.agent}}, "policy.toml"))
    stage.arrived.clear()
    person = Person(says_yes=says_yes)
    denied = await attempted(Seated(desk, person), case, way)
    described = planned.described if isinstance(planned, Batches) else None
    for one in stage.arrived:
        if described is not None and operation_of(one.method, one.target)[0] == described.operation.name:
            continue
        assert forbids(case.agent, one.method, one.target, one.body, confirmed=person.asked) == "", (case, way, one)
    if denied:
        why = [forbids(case.agent, one.method, one.url, one.body or b"", confirmed=person.asked) for one in expected]
        assert any(why), (case, way, denied)


async def attempted(seated: Seated, case: Case, way: Way) -> str:
    """Make a call, and return why it was denied, or why a person must confirm it."""
    try:
        await made(seated, case, way)
    except Refusal as refusal:
        return refusal.error.message if refusal.error.kind in {"denied", "needs_person"} else ""
    except Denied as denied:
        return str(denied)
    except MarketoError:
        pass
    return ""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Desk, asyncio.Runner]]:
    folder: Path = tmp_path_factory.mktemp("stage")
    with a_stage(folder) as (stage, runner):
        start = policy_of({"version": 1, "agents": {"a": {}}}, "policy.toml")
        environment = environment_of(stage.sandbox)
        desk = Desk(start, state=folder / "state", environment=environment, governor=wide_governor)
        runner.run(desk.__aenter__())
        try:
            yield stage, desk, runner
        finally:
            runner.run(desk.close())


@given(case=cases(), way=st.sampled_from(WAYS), says_yes=st.booleans())
@settings(RANDOM, max_examples=120)
def test_no_forbidden_call_arrives_through_a_tool(
    shared: tuple[Stage, Desk, asyncio.Runner], case: Case, way: Way, *, says_yes: bool
) -> None:
    stage, desk, runner = shared
    runner.run(judge(stage, desk, case, way, says_yes=says_yes))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(case=cases(), way=st.sampled_from(WAYS), says_yes=st.booleans())
@settings(RANDOM, max_examples=SCALE * 1_600)
def test_no_forbidden_call_arrives_through_a_tool_in_thousands_of_cases(
    shared: tuple[Stage, Desk, asyncio.Runner], case: Case, way: Way, *, says_yes: bool
) -> None:
    stage, desk, runner = shared
    runner.run(judge(stage, desk, case, way, says_yes=says_yes))
