"""Random agents and arguments for the tests of forbidden calls, and the stage on which they act."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from msgspec import Struct

from marketo_async.effects import AREAS, EFFECTS, area_of, data_area_of, family_of
from marketo_async.operation import Operation
from marketo_async.paging import turn
from marketo_async.planning import Planned, parts, requests
from marketo_async.request import Request, build
from marketo_async.schema import callees
from tests.json_arguments import json_arguments
from tests.mcp.guarded import Stage, staged

SCALE = int(os.environ.get("AGENT_SCALE", "1"))  # 5 makes 20,000 cases of the slow tests
RANDOM = settings(deadline=None, suppress_health_check=[*HealthCheck])

NAMES = [*sorted(callees()), *sorted(EFFECTS)]
IDS = st.sampled_from([7, 1001, 1002, 2001, 4002])
FIELDS = ["id", "email", "firstName", "phone", "leadScore", "company"]
LEVELS = st.sampled_from(["off", "read", "write", "full", "full"])
WORKSPACES = st.sampled_from(["Default", "Other"])
ADDRESSES = st.sampled_from(["a@example.com", "a@other.example"])
PERSON = st.sampled_from(["none", "none", "host", "operator"])


class Case(Struct, frozen=True):
    """An operation, its arguments, and the table of the agent that asks for it."""

    name: str
    agent: dict[str, Any]
    arguments: dict[str, Any]


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
    if draw(st.booleans()):
        agent["limits"] = {"records_a_write": draw(st.integers(1, 2)), "at_once": draw(st.integers(1, 3))}
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
def cases(draw: st.DrawFn) -> Case:
    """Draw an operation, an agent, and arguments."""
    name = draw(st.sampled_from(NAMES))
    return Case(name, draw(agents(name)), draw(arguments_of(name)))


def would_send(operation: Operation, planned: Planned) -> list[Request]:
    """Return the requests that something planned sends, and the first pages of a listing by date, after its token."""
    return [*requests(operation, planned, ""), *_after_opening(operation, planned)]


def _after_opening(operation: Operation, planned: Planned) -> Iterator[Request]:
    """Yield the first pages of a listing by date, which follow the call for its token."""
    for part in parts(planned):
        if operation.paging is not None and part.opening is not None:
            yield build(operation, turn(operation.paging, part, "token"), "")
