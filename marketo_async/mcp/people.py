"""``marketo_person``: one person with lists, programs and the last activities, in at most six calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_async.errors import InvalidRequest, MarketoError
from marketo_async.mcp.answers import as_text
from marketo_async.mcp.reading import OVERHEAD, AnsweredPage, Reading, first_page, read
from marketo_async.mcp.tool_errors import tool_error
from marketo_async.mcp.toolcall import Refusal, ToolCall, refuse

_LAST = 20  # activities
_DAYS = 30
# Visits, emails, forms, new people and changes: one call takes ten types.
_TYPES = (1, 2, 6, 7, 8, 9, 10, 11, 12, 13)
_MEMBERSHIPS = 50


async def person(call: ToolCall, *, email: str | None, id: int | None, fields: list[str]) -> dict[str, Any]:
    """Return a person; a part that the agent may not read, or that fails, is an error in its place."""
    if (email is None) is (id is None):
        raise InvalidRequest("give either email or id")
    by = {"filter_type": "email", "values": [email]} if id is None else {"filter_type": "id", "values": [id]}
    wanted = [] if not fields or "id" in fields else ["id", *fields]
    found = (await read(call, Reading(operation="leads.by_filter", arguments=by, fields=wanted, limit=2)))["items"]
    if not found:
        raise refuse("not_found", "no person has this address or id", "Check it, or search with leads.by_filter.")
    number = found[0].get("id", id)
    answer: dict[str, Any] = {"person": found[0]}
    if len(found) > 1:
        answer["others"] = "more people have this address; pass id"
    if number is not None:
        for name, operation in (("lists", "leads.list_membership"), ("programs", "leads.program_membership")):
            answer |= await _part(call, name, operation, {"lead_id": number}, most=_MEMBERSHIPS)
        since = (datetime.now(UTC) - timedelta(days=_DAYS)).replace(microsecond=0).isoformat()
        recent = {"since": since, "types": list(_TYPES), "leads": [number]}
        answer |= await _part(call, "activities", "activities.since", recent, most=_LAST)
        await _name_types(call, answer["activities"])
        _fit(answer, call.seat.answer_chars - OVERHEAD)
    return {**answer, "cost": await call.costs()}


async def _part(
    call: ToolCall, name: str, operation: str, arguments: Mapping[str, Any], *, most: int
) -> dict[str, Any]:
    """Return the last records of the first page of a listing, or its error."""
    page = await _page(call, operation, arguments)
    if isinstance(page, str):
        return {name: {"error": page}}
    cut = page.more or len(page.items) > most
    return {name: page.items[-most:]} | ({f"{name}_left_out": "there are more"} if cut else {})


async def _page(call: ToolCall, operation: str, arguments: Mapping[str, Any]) -> AnsweredPage | str:
    try:
        return await first_page(call, operation, arguments)
    except Refusal as refusal:
        return refusal.error.message
    except MarketoError as error:
        return tool_error(error, operation).message


async def _name_types(call: ToolCall, activities: Any) -> None:
    """Add the name of each activity's type, which Marketo sends only as a number."""
    if not isinstance(activities, list) or not activities:
        return
    try:
        types = await read(call, Reading(operation="activities.types", fields=["id", "name"], limit=_ALL_TYPES))
    except MarketoError:
        return  # the numbers say enough
    names = {one["id"]: one["name"] for one in types["items"]}
    for activity in activities:
        activity["type"] = names.get(activity.get("activityTypeId"))


_ALL_TYPES = 1_000


def _fit(answer: dict[str, Any], chars: int) -> None:
    """Leave the oldest activities out, as many as make the answer too long."""
    while len(as_text(answer)) > chars and isinstance(answer["activities"], list) and answer["activities"]:
        del answer["activities"][0]
        answer["activities_left_out"] = "there are more"
