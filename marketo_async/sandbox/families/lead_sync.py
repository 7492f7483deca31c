"""Sync Leads: creating and updating leads by a lookup field."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import as_flag
from marketo_async.sandbox.permissions import LEAD_WRITERS
from marketo_async.sandbox.records.upsert import Upsert, as_action, find_partition
from marketo_async.sandbox.routing import Routes

routes = Routes()


@routes.post(
    "/rest/v1/leads.json",
    LEAD_WRITERS,
    body=("input",),
    body_optional=("action", "asyncProcessing", "lookupField", "partitionName"),
)
async def sync_leads(call: Call) -> Answer:
    """Create or update leads, each independently."""
    action = as_action(call.body_text("action") or "createOrUpdate")
    partition = find_partition(call.instance, call.body_text("partitionName"))
    if partition is not None and action == "updateOnly":
        raise ApiError("1003", "'partitionName' may not be used with updateOnly")
    upsert = Upsert(
        call.instance,
        call.records(),
        lookup=call.instance.lead_fields.filterable(call.body_text("lookupField") or "email"),
        action=action,
        partition=partition,
    )
    processing = call.member("asyncProcessing")
    if processing is not None and as_flag("asyncProcessing", processing):
        call.work.skip()
        upsert.apply()
        return Answer([])
    with upsert.under_way():
        await call.work.done()
        return Answer(upsert.apply())
