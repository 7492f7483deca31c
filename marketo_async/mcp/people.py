"""``marketo_person``: one person with lists, programs and the last activities, in at most six calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_async.errors import InvalidRequest, MarketoError
from marketo_async.mcp.reading import Reading, read
from marketo_async.mcp.tool_errors import tool_error
from marketo_async.mcp.toolcall import Refusal, ToolCall, refuse
from marketo_async.schema import callee

_LAST = 20  # activities
_DAYS = 30
_TYPES = (1, 2, 6, 7, 8, 9, 10, 11, 12, 13)  # visits, emails, forms, new people and changes


async def person(call: ToolCall, *, email: str | None, id: int | None, fields: list[str]) -> dict[str, Any]:
    """Return a person; a part that the agent may not read, or that fails, is an error in its place."""
    if (email is None) is (id is None):
        raise InvalidRequest("give either email or id")
    if id is None:
        by_email = {"filter_type": "email", "values": [email]}
        found = (await _part(call, "leads.by_filter", by_email, fields=fields, limit=2))["items"]
    else:
        found = [item for item in [(await _part(call, "leads.get", {"lead_id": id}, fields=fields))["result"]] if item]
    if not found:
        raise refuse("not_found", "no person has this address or id", "Check it, or search with leads.by_filter.")
    number = found[0].get("id", id)
    answer: dict[str, Any] = {"person": found[0]}
    if len(found) > 1:
        answer["others"] = "more people have this address; pass id"
    if number is not None:
        since = (datetime.now(UTC) - timedelta(days=_DAYS)).replace(microsecond=0).isoformat()
        answer["lists"] = await _try(call, "leads.list_membership", {"lead_id": number})
        answer["programs"] = await _try(call, "leads.program_membership", {"lead_id": number})
        recent = {"since": since, "types": list(_TYPES), "leads": [number]}
        answer[f"activities_of_{_DAYS}_days"] = await _try(call, "activities.since", recent, limit=_LAST)
    return {**answer, "cost": await call.costs()}


async def _try(call: ToolCall, name: str, arguments: Mapping[str, Any], *, limit: int = 50) -> Any:
    if not call.seat.access.allows(callee(name).operation):
        return {"error": "denied"}
    try:
        return (await _part(call, name, arguments, limit=limit))["items"]
    except Refusal as refusal:
        return {"error": refusal.error.message}
    except MarketoError as error:
        return {"error": tool_error(error, name).message}


async def _part(
    call: ToolCall, name: str, arguments: Mapping[str, Any], *, fields: list[str] | None = None, limit: int = 50
) -> dict[str, Any]:
    return await read(call, Reading(operation=name, arguments=arguments, fields=fields or [], limit=limit))
