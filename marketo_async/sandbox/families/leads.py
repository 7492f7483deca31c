"""Leads by id, filter, list and program, and the row layout that they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_integer
from marketo_async.sandbox.permissions import LEAD_READERS
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_fields import DEFAULT_FIELDS
from marketo_async.sandbox.records.programs import Membership, Program
from marketo_async.sandbox.routing import Routes

MOST_FILTER_VALUES = 300
MOST_MATCHES = 1_000
PAGED = ("fields", "batchSize", "nextPageToken")

routes = Routes()


def fields_asked(call: Call) -> tuple[str, ...]:
    """Return the fields to answer, including the id, or raise 1006 for an unknown field."""
    asked = call.many("fields")
    for name in asked:
        call.instance.lead_fields.get(name)
    return tuple(dict.fromkeys(("id", *asked))) if asked else DEFAULT_FIELDS


def lead_rows(instance: Instance, lead_ids: Sequence[int], fields: tuple[str, ...]) -> Sequence[Members]:
    """Return rows with these fields; a missing value is null."""
    found = [lead for lead_id in lead_ids if (lead := instance.leads.get(lead_id)) is not None]
    if instance.quirks.omit_null:
        return [{name: lead[name] for name in fields if lead.get(name) is not None} for lead in found]
    return [{name: lead.get(name) for name in fields} for lead in found]


def lead_page(call: Call, lead_ids: Sequence[int], *, more_result: bool = True) -> Answer:
    """Return a page of leads."""
    fields = fields_asked(call)
    return position_page(call, lead_ids, lambda ids: lead_rows(call.instance, ids, fields), more_result=more_result)


@routes.get("/rest/v1/lead/{leadId}.json", LEAD_READERS, optional=("fields",))
def lead_by_id(call: Call) -> Answer:
    """Answer one lead, or an empty result."""
    return Answer(lead_rows(call.instance, [call.path_id("leadId")], fields_asked(call)))


@routes.get("/rest/v1/leads.json", LEAD_READERS, required=("filterType", "filterValues"), optional=PAGED)
def leads_by_filter(call: Call) -> Answer:
    """Answer the leads whose field equals any of the values."""
    field = call.instance.lead_fields.filterable(call.text("filterType") or "")
    values = call.many("filterValues")
    if len(values) > MOST_FILTER_VALUES:
        raise ApiError("1003", f"'filterValues' exceeds the maximum of {MOST_FILTER_VALUES} values")
    if field.data_type == "integer":
        values = [str(as_integer("filterValues", value)) for value in values]
    matches = call.instance.leads.find(field.name, values)
    if len(matches) > MOST_MATCHES:
        raise ApiError("1003", "Too many results match the filter")
    return lead_page(call, matches)


@routes.get("/rest/v1/list/{listId}/leads.json", LEAD_READERS, optional=PAGED)
def leads_by_list_singular(call: Call) -> Answer:
    """Answer the members of a static list, in the old model without moreResult."""
    return lead_page(call, _members(call), more_result=False)


@routes.get("/rest/v1/lists/{listId}/leads.json", LEAD_READERS, optional=PAGED)
def leads_by_list(call: Call) -> Answer:
    """Answer the members of a static list."""
    return lead_page(call, _members(call))


def _members(call: Call) -> list[int]:
    static_list = call.instance.lists.get(call.path_id("listId"))
    if static_list is None:
        raise ApiError("1013", "List not found")
    return static_list.lead_ids


@routes.get("/rest/v1/leads/programs/{programId}.json", LEAD_READERS, optional=PAGED)
def leads_by_program(call: Call) -> Answer:
    """Answer the members of a program, each with its membership."""
    program = call.instance.programs.get(call.path_id("programId"))
    if program is None:
        raise ApiError("1013", "Program not found")
    fields = fields_asked(call)
    return position_page(call, sorted(program.members), _with_membership(call.instance, program, fields))


def _with_membership(
    instance: Instance, program: Program, fields: tuple[str, ...]
) -> Callable[[Sequence[int]], Sequence[Members]]:
    def rows(lead_ids: Sequence[int]) -> Sequence[Members]:
        leads = lead_rows(instance, lead_ids, fields)
        return [
            {**lead, "membership": membership_row(program, program.members[as_integer("id", lead["id"])])}
            for lead in leads
        ]

    return rows


def membership_row(program: Program, membership: Membership) -> Members:
    """Return a membership as lead and program listings answer it; an engagement program adds stream and cadence."""
    row: Members = {
        "id": program.id,
        "progressionStatus": membership.status,
        "progressionStatusType": program.type,
        "isExhausted": membership.is_exhausted,
        "acquiredBy": membership.acquired_by,
        "reachedSuccess": membership.reached_success,
        "membershipDate": iso(membership.member_since),
        "updatedAt": iso(membership.updated_at),
    }
    if program.stream is not None:
        row |= {"stream": program.stream, "nurtureCadence": program.cadence}
    return row
