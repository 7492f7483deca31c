"""The lists, programs and smart campaigns of one lead, and the old operation that changes a program status."""

from __future__ import annotations

from collections.abc import Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members, per_lead
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.families.lead_push import known_status
from marketo_async.sandbox.families.leads import membership_row
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_integer
from marketo_async.sandbox.permissions import LEAD_WRITERS, MEMBERSHIP_READERS
from marketo_async.sandbox.records.lead_changes import move_in_program, require_lead
from marketo_async.sandbox.routing import Routes

PAGED = ("nextPageToken", "batchSize")
WINDOW = ("earliestUpdatedAt", "latestUpdatedAt")

routes = Routes()


def _lead_id(call: Call) -> int:
    lead_id = call.path_id("leadId")
    if lead_id not in call.instance.leads:
        raise ApiError("1004", f"Lead '{lead_id}' not found")
    return lead_id


def _page(call: Call, rows: dict[int, Members]) -> Answer:
    def cut(ids: Sequence[int]) -> list[Members]:
        return [rows[row_id] for row_id in ids]

    return position_page(call, sorted(rows), cut)


def _in_window(call: Call, updated_at: float) -> bool:
    earliest, latest = call.moment("earliestUpdatedAt"), call.moment("latestUpdatedAt")
    return (earliest is None or updated_at >= earliest) and (latest is None or updated_at <= latest)


@routes.get("/rest/v1/leads/{leadId}/listMembership.json", MEMBERSHIP_READERS, optional=PAGED)
def list_membership(call: Call) -> Answer:
    """Answer the static lists of a lead."""
    return _page(
        call,
        {
            static_list.id: {
                "listId": static_list.id,
                "createdAt": iso(static_list.created_at),
                "updatedAt": iso(static_list.updated_at),
            }
            for static_list in call.instance.lists.of(_lead_id(call))
        },
    )


@routes.get(
    "/rest/v1/leads/{leadId}/programMembership.json",
    MEMBERSHIP_READERS,
    optional=(*PAGED, *WINDOW, "filterType", "filterValues"),
)
def program_membership(call: Call) -> Answer:
    """Answer the programs of a lead."""
    lead_id = _lead_id(call)
    filter_type = call.text("filterType")
    if filter_type not in (None, "programId"):
        raise ApiError("1011", f"'{filter_type}' is not supported as a filter")
    wanted = frozenset(call.integers("filterValues"))
    return _page(
        call,
        {
            program.id: membership_row(program, program.members[lead_id])
            for program in call.instance.programs.values()
            if lead_id in program.members
            and (filter_type is None or program.id in wanted)
            and _in_window(call, program.members[lead_id].updated_at)
        },
    )


@routes.get("/rest/v1/leads/{leadId}/smartCampaignMembership.json", MEMBERSHIP_READERS, optional=(*PAGED, *WINDOW))
def smart_campaign_membership(call: Call) -> Answer:
    """Answer the smart campaigns that processed a lead."""
    lead_id = _lead_id(call)
    return _page(
        call,
        {
            campaign.id: {
                "smartCampaignId": campaign.id,
                "createdAt": iso(campaign.created_at),
                "updatedAt": iso(campaign.members[lead_id]),
            }
            for campaign in call.instance.campaigns.values()
            if lead_id in campaign.members and _in_window(call, campaign.members[lead_id])
        },
    )


@routes.post("/rest/v1/leads/programs/{programId}/status.json", LEAD_WRITERS, body=("input", "status"))
def change_status(call: Call) -> Answer:
    """Move members of a program forward to a status; leads that are not members are skipped."""
    program = call.instance.programs.get(call.path_id("programId"))
    if program is None:
        raise ApiError("1013", "Program not found")
    status = known_status(program, call.body_text("status") or "")

    def move(lead_id: int) -> str:
        require_lead(call.instance, lead_id)
        if lead_id not in program.members:
            raise RecordError("1013", "Membership not found")
        if not move_in_program(call.instance, program, lead_id, status):
            raise RecordError("1037", f"Lead is already at or after status '{status.name}'")
        return status.name

    return per_lead([as_integer("id", record.get("id")) for record in call.records()], move)
