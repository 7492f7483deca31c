"""No call that the policy forbids ever arrives, whatever way leads to it; and no call that it allows is refused.

Random policies, operations, arguments and ways are judged by an independent oracle: every request that arrived, by the
sandbox's own log, and every request that would have arrived where the guard refused. With the ways through the tools
(``test_forbidden_tools``), the slow tests have 20,000 cases.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Literal, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from marketo_async.errors import Denied, InvalidRequest, MarketoError, NeedsConfirmation
from marketo_async.mcp.access import Access
from marketo_async.mcp.guard import GuardedSender
from marketo_async.mcp.policy import policy_of
from marketo_async.operation import Merged, Operation, Ordered, Plan
from marketo_async.paging import turn
from marketo_async.planning import Planned, chunks, parts, plan_of, requests
from marketo_async.schema import callees
from marketo_async.writes import Batches
from tests.json_arguments import json_arguments
from tests.mcp.drawn import RANDOM, SCALE, Case, a_stage, cases, would_send
from tests.mcp.guarded import Confirmed, Stage
from tests.mcp.oracle import forbids, operation_of

Way = Literal["method", "single calls", "stream of records"]


async def made(sender: GuardedSender, operation: Operation, planned: Planned, way: Way) -> None:
    """Make a call on one of the ways that lead to it."""
    match planned:
        case Batches() if way == "single calls":
            for part in chunks(planned):
                await sender.send(operation, part)
        case Batches() if way == "stream of records":
            await sender.writes(operation, replace(planned, records=iter([*planned.records]))).all()  # type: ignore[misc]
        case Batches():
            await sender.writes(operation, planned).all()
        case Ordered() | Merged():
            await sender.pages(operation, planned).all()
        case Plan() if operation.paging is not None and way == "single calls":
            await sender.send(operation, turn(operation.paging, planned, planned.token))
        case Plan() if operation.paging is not None:
            await sender.pages(operation, planned).all()
        case Plan():
            await sender.send(operation, planned)


async def judge(stage: Stage, case: Case, way: Way, *, confirms: bool) -> None:
    """Make one case, and compare what arrived, and what was refused, with the oracle."""
    agent = policy_of({"version": 1, "agents": {"a": case.agent}}, "policy.toml").agents["a"]
    try:
        operation, planned = plan_of(case.name, case.arguments, munchkin_id=stage.sandbox.munchkin_id)
        expected = would_send(operation, planned)
    except InvalidRequest:
        return  # nothing to send
    guard = stage.guard(Access("a", agent))
    stage.arrived.clear()
    refused = await attempted(GuardedSender(guard), operation, planned, way)
    confirmed = confirms and isinstance(refused, NeedsConfirmation)
    if confirms and isinstance(refused, NeedsConfirmation):
        sender = GuardedSender(guard, confirmed=Confirmed(refused.digest))
        refused = await attempted(sender, operation, planned, way)
    described = planned.described if isinstance(planned, Batches) else None
    for one in stage.arrived:
        if described is not None and operation_of(one.method, one.target)[0] == described.operation.name:
            continue  # a write includes the description of what it writes
        assert forbids(case.agent, one.method, one.target, one.body, confirmed=confirmed) == "", (case, way, one)
    if refused is not None:
        why = [forbids(case.agent, one.method, one.url, one.body or b"", confirmed=confirmed) for one in expected]
        assert any(why) or way == "stream of records", (case, way, refused, expected)


async def attempted(sender: GuardedSender, operation: Operation, planned: Planned, way: Way) -> Denied | None:
    """Make a call, and return its denial; the sandbox may refuse it as it likes."""
    try:
        await made(sender, operation, planned, way)
    except Denied as denied:
        return denied
    except MarketoError:
        pass
    return None


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, asyncio.Runner]]:
    with a_stage(tmp_path_factory.mktemp("stage")) as opened:
        yield opened


WAYS: tuple[Way, ...] = get_args(Way)


@given(case=cases(), way=st.sampled_from(WAYS), confirms=st.booleans())
@settings(RANDOM, max_examples=200)
def test_no_forbidden_call_arrives(
    shared: tuple[Stage, asyncio.Runner], case: Case, way: Way, *, confirms: bool
) -> None:
    stage, runner = shared
    runner.run(judge(stage, case, way, confirms=confirms))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(case=cases(), way=st.sampled_from(WAYS), confirms=st.booleans())
@settings(RANDOM, max_examples=SCALE * 2_400)
def test_no_forbidden_call_arrives_in_thousands_of_cases(
    shared: tuple[Stage, asyncio.Runner], case: Case, way: Way, *, confirms: bool
) -> None:
    stage, runner = shared
    runner.run(judge(stage, case, way, confirms=confirms))


@pytest.mark.parametrize("name", sorted(callees()))
def test_the_oracle_knows_every_operation(name: str) -> None:
    operation, planned = plan_of(name, json_arguments()[name], munchkin_id="123-ABC-456")
    with suppress(InvalidRequest):
        found = [*requests(operation, planned, "")][-1]
        if next(iter(parts(planned))).opening is None:
            assert operation_of(found.method, found.url)[0] == name
