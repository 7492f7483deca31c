"""The export tools: a bulk job as a handle, its status, and its rows page by page. See ``bulk`` for whole exports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketo_async.errors import InvalidRequest
from marketo_async.mcp.reading import Reading, read
from marketo_async.mcp.toolcall import ToolCall, refuse
from marketo_async.mcp.writing import write

_FAMILIES = ("leads", "activities", "program_members", "custom_objects")


async def export_start(
    call: ToolCall, family: str, fields: list[str], selection: Mapping[str, Any], api_name: str | None
) -> dict[str, Any]:
    """Create and enqueue a job; return its handle."""
    if family not in _FAMILIES:
        raise InvalidRequest(f"{family!r} is not a family; pass one of {', '.join(_FAMILIES)}")
    if (family == "custom_objects") is (api_name is None):
        raise InvalidRequest("api_name names the type of custom_objects, and of nothing else")
    typed = {} if api_name is None else {"api_name": api_name}
    made = await write(call, f"bulk.{family}.create", {**typed, "fields": fields, "selection": selection}, None)
    number = made["result"]["exportId"] if "exportId" in made["result"] else made["result"]["export_id"]
    queued = await write(call, f"bulk.{family}.enqueue", {**typed, "export_id": number}, None)
    handle = ":".join(filter(None, (family, api_name, number)))
    return {"export": handle, "status": queued["result"].get("status"), "cost": await call.costs()}


async def export_status(call: ToolCall, handle: str) -> dict[str, Any]:
    """Return the status of a job."""
    family, arguments = _parsed(handle)
    return await read(call, Reading(operation=f"bulk.{family}.status", arguments=arguments))


async def export_rows(call: ToolCall, handle: str, *, limit: int, cursor: str | None) -> dict[str, Any]:
    """Return rows of the file of a completed job."""
    family, arguments = _parsed(handle)
    if cursor is None:
        job = (await export_status(call, handle))["result"]
        if job.get("status") != "Completed":
            then = "Call marketo_export_status in a minute."
            raise refuse("conflict", f"the export is not completed (status: {job.get('status')})", then)
    return await read(call, Reading(operation=f"bulk.{family}.file", arguments=arguments, limit=limit, cursor=cursor))


def _parsed(handle: str) -> tuple[str, dict[str, str]]:
    family, _, rest = handle.partition(":")
    api_name, _, number = rest.rpartition(":")
    if family not in _FAMILIES or not number or (family == "custom_objects") is not bool(api_name):
        raise InvalidRequest(f"{handle[:80]!r} is not an export; pass what marketo_export_start returned")
    return family, {"export_id": number} | ({"api_name": api_name} if api_name else {})
