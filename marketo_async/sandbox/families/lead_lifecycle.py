"""Other operations on whole leads: deletion, merging, cookies and partitions."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, per_lead
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.parameters import as_integer, as_text, missing
from marketo_async.sandbox.permissions import LEAD_READERS, LEAD_WRITERS
from marketo_async.sandbox.records.lead_changes import (
    associate_cookie,
    check_cookie,
    delete_lead,
    merge_leads,
    require_lead,
)
from marketo_async.sandbox.routing import Routes

MOST_MERGED = 25

routes = Routes()


@routes.post("/rest/v1/leads/delete.json", LEAD_WRITERS, optional=("id",), body_optional=("input",))
@routes.delete("/rest/v1/leads.json", LEAD_WRITERS, optional=("id",), body_optional=("input",))
def delete_leads(call: Call) -> Answer:
    """Delete leads for good."""

    def delete(lead_id: int) -> str:
        delete_lead(call.instance, lead_id)
        return "deleted"

    return per_lead(call.record_ids(), delete)


@routes.post("/rest/v1/leads/{leadId}/associate.json", LEAD_WRITERS, required=("cookie",))
def associate_lead(call: Call) -> Answer:
    """Bind a Munchkin cookie to a lead."""
    cookie = call.text("cookie") or ""
    try:
        check_cookie(cookie)
        associate_cookie(call.instance, call.path_id("leadId"), cookie)
    except RecordError as error:
        raise ApiError(error.code, error.message) from None
    return Answer()


@routes.post("/rest/v1/leads/{leadId}/merge.json", LEAD_WRITERS, optional=("leadId", "leadIds", "mergeInCRM"))
def merge(call: Call) -> Answer:
    """Merge leads into the lead of the path; the answer is only success."""
    call.flag("mergeInCRM")
    winner_id = call.path_id("leadId")
    loser_ids = list(dict.fromkeys(call.integers("leadIds") + call.integers("leadId")))
    if not loser_ids:
        raise missing("leadIds")
    if len(loser_ids) > MOST_MERGED:
        raise ApiError("1080", f"No more than {MOST_MERGED} leads can be merged at a time")
    if winner_id in loser_ids:
        raise ApiError("1003", "A lead cannot be merged into itself")
    merge_leads(call.instance, winner_id, loser_ids)
    return Answer()


@routes.get("/rest/v1/leads/partitions.json", LEAD_READERS)
def partitions(call: Call) -> Answer:
    """Answer all lead partitions."""
    return Answer(
        [
            {"id": partition.id, "name": partition.name, "description": partition.description}
            for partition in call.instance.partitions
        ]
    )


@routes.post("/rest/v1/leads/partitions.json", LEAD_WRITERS, body=("input",))
def update_partitions(call: Call) -> Answer:
    """Move leads to other partitions."""
    partition_ids = {partition.name: partition.id for partition in call.instance.partitions}
    records = call.records()
    lead_ids = [as_integer("id", record.get("id")) for record in records]
    names = iter([as_text("partitionName", record.get("partitionName")) for record in records])

    def move(lead_id: int) -> str:
        name = next(names)
        require_lead(call.instance, lead_id)
        if name not in partition_ids:
            raise RecordError("1008", f"Access to partition '{name}' is denied")
        call.instance.leads.update(lead_id, {"leadPartitionId": partition_ids[name]})
        return "updated"

    return per_lead(lead_ids, move)
