"""No call that the policy forbids ever arrives, whatever way leads to it; and no call that it allows is refused.

Random policies, operations, arguments and ways are judged by an independent oracle: every request that arrived, by the
sandbox's own log, and every request that would have arrived where the guard refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketo_async.effects import AREAS, EFFECTS, area_of, data_area_of, family_of
from marketo_async.errors import Denied, InvalidRequest, MarketoError, NeedsConfirmation
from marketo_async.mcp.access import Access
from marketo_async.mcp.guard import GuardedSender
from marketo_async.mcp.policy import policy_of
from marketo_async.operation import Merged, Operation, Ordered, Plan
from marketo_async.paging import turn
from marketo_async.planning import Planned, chunks, parts, plan_of, requests
from marketo_async.request import Request, build
from marketo_async.schema import callees
from marketo_async.writes import Batches
from tests.json_arguments import json_arguments
from tests.mcp.guarded import Confirmed, Stage, staged
from tests.mcp.oracle import forbids, operation_of

Way = Literal["method", "single calls", "stream of records"]

IDS = st.sampled_from([7, 1001, 1002, 2001, 4002])
FIELDS = ["id", "email", "firstName", "phone", "leadScore", "company"]
LEVELS = st.sampled_from(["off", "read", "write", "full", "full"])
WORKSPACES = st.sampled_from(["Default", "Other"])
ADDRESSES = st.sampled_from(["a@example.com", "a@other.example"])
PERSON = st.sampled_from(["none", "none", "host", "operator"])


@contextmanager
def a_stage(folder: Path) -> Iterator[tuple[Stage, asyncio.Runner]]:
    """Open a sandbox and a client on a loop of their own, which hypothesis runs case by case."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        stage = runner.run(stack.enter_async_context(staged(folder, leads=20, activities=20)))
        try:
            yield stage, runner
        finally:
            runner.run(stack.aclose())


@st.composite
def agents(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw the table of an agent that has something to do with an operation."""
    area, data = area_of(name), data_area_of(name)
    keys = [area, family_of(name), name, *([data] if data else []), family_of(name).removeprefix("bulk.")]
    keys = [key for key in dict.fromkeys(keys) if key in callees() or key in AREAS or key in AREAS.values()]
    agent: dict[str, Any] = {"access": {key: draw(LEVELS) for key in keys if draw(st.booleans())}}
    agent["access"] |= {area: "full"} if draw(st.booleans()) else {}
    agent["access"] |= {data: "full"} if data and draw(st.booleans()) else {}
    if draw(st.booleans()):
        kinds = ["list_id", "program_id", "campaign_id"]
        agent["only"] = {kind: draw(st.lists(IDS, max_size=3)) for kind in kinds if draw(st.booleans())}
        agent["only"] |= {"workspace": ["Default"]} if draw(st.booleans()) else {}
    if draw(st.booleans()):
        agent["also"] = draw(st.lists(st.sampled_from([name, area, "lists.browse"]), max_size=2))
    if draw(st.booleans()):
        some = st.lists(st.sampled_from(FIELDS), min_size=1)
        agent["fields"] = {kind: draw(some) for kind in ("read", "write", "mask") if draw(st.booleans())}
    agent["confirm"] = {effect: draw(PERSON) for effect in ("reach", "publish", "erase", "admin")}
    agent["sample_domains"] = draw(st.sampled_from([[], ["example.com"]]))
    return agent


@st.composite
def arguments_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw JSON arguments of an operation: those of its example call, with other ids, fields, records, addresses."""
    return {key: _other(draw, key, value) for key, value in json_arguments()[name].items()}


def _other(draw: st.DrawFn, key: str, value: Any) -> Any:  # noqa: C901 - a rule a line
    if key == "fields" and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3, unique=True))
    if key in {"records", "persons"} and draw(st.booleans()):
        extra = st.dictionaries(st.sampled_from(FIELDS[2:]), st.just("x"), max_size=2)
        return [{**record, **draw(extra)} for record in value]
    if key == "filter_type" and value in {"email", "id"}:
        return draw(st.sampled_from(FIELDS))
    if key in {"email_address", "emailAddress"}:
        return draw(ADDRESSES)
    if key in {"workspace", "workspace_id"} and isinstance(value, str):
        return draw(WORKSPACES)
    if key == "workspace_names":
        return [draw(WORKSPACES)]
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and "id" in key.lower():
        return draw(IDS)
    if isinstance(value, list) and key.endswith("ids") and all(isinstance(one, int) for one in value):
        return draw(st.lists(IDS, min_size=1, max_size=2, unique=True))
    if isinstance(value, Mapping):
        return {inner: _other(draw, inner, member) for inner, member in value.items()}
    return value


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, dict[str, Any], dict[str, Any], Way, bool]:
    """Draw an operation, an agent, arguments, a way to the call, and whether a person confirms it."""
    name = draw(st.sampled_from(NAMES))
    way: Way = draw(st.sampled_from(["method", "single calls", "stream of records"]))
    return name, draw(agents(name)), draw(arguments_of(name)), way, draw(st.booleans())


NAMES = [*sorted(callees()), *sorted(EFFECTS)]


async def made(sender: GuardedSender, operation: Operation, planned: Planned, way: Way) -> None:
    """Make a call on one of the ways that lead to it."""
    match planned:
        case Batches() if way == "single calls":
            for part in chunks(planned):
                await sender.send(operation, part)
        case Batches() if way == "stream of records":
            from msgspec.structs import replace  # noqa: PLC0415

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


def _after_opening(operation: Operation, planned: Planned) -> Iterator[Request]:
    """Yield the first pages of a listing by date, which follow the call for its token."""
    for part in parts(planned):
        if operation.paging is not None and part.opening is not None:
            yield build(operation, turn(operation.paging, part, "token"), "")


async def judge(stage: Stage, case: tuple[str, dict[str, Any], dict[str, Any], Way, bool]) -> None:
    """Make one case, and compare what arrived, and what was refused, with the oracle."""
    name, table, arguments, way, confirms = case
    agent = policy_of({"version": 1, "agents": {"a": table}}, "policy.toml").agents["a"]
    try:
        operation, planned = plan_of(name, arguments, munchkin_id=stage.sandbox.munchkin_id)
        would_send = [*requests(operation, planned, ""), *_after_opening(operation, planned)]
    except InvalidRequest:
        return  # nothing to send
    guard = stage.guard(Access("a", agent))
    stage.arrived.clear()
    refused: Denied | None = None
    confirmed = False
    for attempt in range(2):
        sender = GuardedSender(
            guard, confirmed=Confirmed(refused.digest) if isinstance(refused, NeedsConfirmation) else None
        )
        try:
            refused = None
            await made(sender, operation, planned, way)
        except Denied as denied:
            refused = denied
        except MarketoError:
            pass  # the sandbox's own errors
        if attempt == 0 and confirms and isinstance(refused, NeedsConfirmation):
            confirmed = True
            continue
        break
    described = planned.described if isinstance(planned, Batches) else None
    for one in stage.arrived:
        if described is not None and operation_of(one.method, one.target)[0] == described.operation.name:
            continue  # a write includes the description of what it writes
        assert forbids(table, one.method, one.target, one.body, confirmed=confirmed) == "", (case, one)
    if refused is not None:
        whole = [forbids(table, one.method, one.url, one.body or b"", confirmed=confirmed) for one in would_send]
        assert any(whole) or way == "stream of records", (case, refused, would_send)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, asyncio.Runner]]:
    with a_stage(tmp_path_factory.mktemp("stage")) as opened:
        yield opened


RANDOM = settings(deadline=None, suppress_health_check=list(HealthCheck))


@given(cases())
@settings(RANDOM, max_examples=300)
def test_no_forbidden_call_arrives(
    shared: tuple[Stage, asyncio.Runner], case: tuple[str, dict[str, Any], dict[str, Any], Way, bool]
) -> None:
    stage, runner = shared
    runner.run(judge(stage, case))


@pytest.mark.slow
@pytest.mark.timeout(1800)
@given(cases())
@settings(RANDOM, max_examples=20_000)
def test_no_forbidden_call_arrives_in_20_000_cases(
    shared: tuple[Stage, asyncio.Runner], case: tuple[str, dict[str, Any], dict[str, Any], Way, bool]
) -> None:
    stage, runner = shared
    runner.run(judge(stage, case))


@pytest.mark.parametrize("name", sorted(callees()))
def test_the_oracle_knows_every_operation(name: str) -> None:
    operation, planned = plan_of(name, json_arguments()[name], munchkin_id="123-ABC-456")
    with suppress(InvalidRequest):
        found = [*requests(operation, planned, "")][-1]
        if next(iter(parts(planned))).opening is None:
            assert operation_of(found.method, found.url)[0] == name
