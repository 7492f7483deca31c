"""The tools that explain: which operations there are, what one takes, and what this agent may do. They make no call."""

from __future__ import annotations

import inspect
from collections.abc import Collection
from typing import Any

from marketo_async.effects import AREAS, Effect, area_of, effect_of
from marketo_async.errors import InvalidRequest
from marketo_async.mcp.find import find_operations, resolve, tool_name
from marketo_async.mcp.toolcall import ToolCall
from marketo_async.schema import PAGING, callee, schema, signature

_MOST_FOUND = 25
# Parameters that tune how a call is made, and not what it does; ``limit`` and ``cursor`` page through a listing.
HIDDEN: Collection[str] = PAGING | {"check", "lag", "shards"}


async def find(call: ToolCall, query: str, *, area: str | None, limit: int, denied: bool) -> dict[str, Any]:
    """Return the operations that answer a question best: those that the agent may call, or all with ``denied``."""
    if area is not None and area not in set(AREAS.values()):
        raise InvalidRequest(f"{area!r} is not an area; the areas are {', '.join(sorted(set(AREAS.values())))}")
    access = call.seat.access

    def among(name: str) -> bool:
        return (area is None or area_of(name) == area) and (denied or access.allows(callee(name).operation))

    try:
        named = [name] if among(name := resolve(query.strip())) else []
    except InvalidRequest:
        named = []
    found = [*named, *(name for name in find_operations(query, limit=limit, among=among) if name not in named)]
    return {"operations": [_line(call, name) for name in found[: min(max(limit, 1), _MOST_FOUND)]]}


def _line(call: ToolCall, name: str) -> dict[str, Any]:
    operation = callee(name).operation
    effect = effect_of(operation)
    line = {
        "signature": signature(name, without=HIDDEN),
        "does": operation.summary.replace("``", "`"),
        "you": _permission(call, name),
    }
    return line if effect is Effect.READ else {**line, "effect": effect.name.lower()}


def _permission(call: ToolCall, name: str) -> str:
    operation, access = callee(name).operation, call.seat.access
    if not access.allows(operation):
        return "denied"
    confirm = access.agent.confirm.of(effect_of(operation))
    return "allowed" if confirm == "none" else f"{confirm} confirms"


async def describe_operation(call: ToolCall, given: str) -> dict[str, Any]:
    """Return what an operation takes and does, its limits, and the agent's permission for it."""
    name = resolve(given)
    found = callee(name)
    operation = found.operation
    call.require_allowed(operation, {})
    answer: dict[str, Any] = {
        "operation": name,
        "tool": tool_name(name),
        "signature": signature(name, without=HIDDEN),
        "documentation": inspect.cleandoc(found.declared.__doc__ or "").replace("``", "`"),
        "schema": schema(name, without=HIDDEN),
        "effect": effect_of(operation).name.lower(),
        "area": area_of(name),
        "you": _permission(call, name),
        "call": f"{operation.method} {operation.path}",
        "repeat": operation.repeat.value,
        "marketo_permissions": {"all" if operation.every else "any": list(operation.permissions)},
    }
    agent = call.seat.access.agent
    limits = {
        "objects": {name: ids for name in _SCOPES if (ids := getattr(agent.only, name)) is not None},
        "fields_read": agent.fields.read,
        "fields_write": agent.fields.write if operation.write else None,
        "records_a_read": agent.limits.records_a_read,
        "records_a_write": agent.limits.records_a_write if operation.write else None,
    }
    return answer | {"limits_of_yours": {name: value for name, value in limits.items() if value}}


_SCOPES = ("list_id", "program_id", "campaign_id", "workspace")


async def whoami(call: ToolCall) -> dict[str, Any]:
    """Return the agent, its rights, and what it has left."""
    access = call.seat.access
    waiting = await call.seat.approvals.waiting(call.seat.holder)
    overrides = {key: level.value for key, level in access.agent.access.items() if key not in set(AREAS.values())}
    return {
        "agent": call.seat.name,
        "title": call.seat.title,
        "instance": call.seat.instance,
        "access": {area: access.level(f"{area}.*", area)[0].value for area in sorted(set(AREAS.values()))} | overrides,
        "confirm": {effect.name.lower(): access.agent.confirm.of(effect) for effect in _CONFIRMED},
        "left": await call.seat.left(),
        "waiting": [{"plan": kept.id, "operation": kept.operation} for kept in waiting],
    }


_CONFIRMED = (Effect.REACH, Effect.PUBLISH, Effect.ERASE, Effect.ADMIN)
