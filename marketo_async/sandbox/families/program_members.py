"""Members of programs: finding them, moving them forward, changing their fields, and removing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.families.lead_fields import description_of
from marketo_async.sandbox.families.lead_push import known_status
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_flag, as_integer, missing
from marketo_async.sandbox.permissions import LEAD_READERS, LEAD_WRITERS
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import move_in_program, require_lead
from marketo_async.sandbox.records.lead_fields import checked
from marketo_async.sandbox.records.program_members import change_member, member_value
from marketo_async.sandbox.records.programs import Program
from marketo_async.sandbox.routing import Routes

MOST_FILTER_VALUES = 300
MOST_MEMBERS = 100_000
LONGEST_WINDOW = 7 * 86_400.0
DEDUPE_FIELDS = ("leadId", "programId")
DEFAULT_FIELDS = ("acquiredBy", "leadId", "membershipDate", "programId", "reachedSuccess")
MEMBERS = "/rest/v1/programs/{programId}/members"

routes = Routes()


def _program(call: Call) -> Program:
    program = call.instance.programs.get(call.path_id("programId"))
    if program is None:
        raise ApiError("1013", "Program not found")
    return program


@routes.get("/rest/v1/programs/members/describe.json", LEAD_READERS)
def describe(call: Call) -> Answer:
    """Answer the fields of program members, and which of them identify a member or can be searched."""
    first = min((program.created_at for program in call.instance.programs.values()), default=call.instance.clock.time())
    return Answer(
        [
            {
                **description_of("API Program Member", call.instance.member_fields),
                "description": "API Program Member Map",
                "createdAt": iso(first),
                "updatedAt": iso(first),
                "dedupeFields": list(DEDUPE_FIELDS),
            }
        ]
    )


@routes.get(
    f"{MEMBERS}.json",
    LEAD_READERS,
    required=("filterType",),
    optional=("filterValues", "startAt", "endAt", "fields", "batchSize", "nextPageToken"),
)
def members(call: Call) -> Answer:
    """Answer the members of a program whose field equals any of the values, or that changed in a time range."""
    instance, program = call.instance, _program(call)
    asked = call.many("fields")
    for name in asked:
        instance.member_fields.get(name)
    fields = tuple(dict.fromkeys(("leadId", *asked))) if asked else DEFAULT_FIELDS

    def rows(page: Sequence[int]) -> list[Members]:
        return [_row(instance, program, seq, lead_id, fields) for seq, lead_id in enumerate(page)]

    return position_page(call, _found(call, program), rows)


def _row(instance: Instance, program: Program, seq: int, lead_id: int, fields: tuple[str, ...]) -> Members:
    row = {name: member_value(program, lead_id, name) for name in fields}
    if instance.quirks.omit_null:
        row = {name: value for name, value in row.items() if value is not None}
    return {"seq": seq, **row}


def _found(call: Call, program: Program) -> list[int]:
    field = call.instance.member_fields.filterable(call.text("filterType") or "")
    if field.name != "leadId" and len(program.members) > MOST_MEMBERS:
        raise ApiError("1003", f"Only leadId can filter a program of more than {MOST_MEMBERS} members")
    if field.name == "updatedAt":
        begin, end = _window(call)
        return sorted(lead_id for lead_id, member in program.members.items() if begin <= member.updated_at <= end)
    values = call.many("filterValues")
    if not values:
        raise missing("filterValues")
    if len(values) > MOST_FILTER_VALUES:
        raise ApiError("1003", f"'filterValues' exceeds the maximum of {MOST_FILTER_VALUES} values")
    if field.data_type == "integer":
        values = [str(as_integer("filterValues", value)) for value in values]
    elif field.data_type == "boolean":
        values = [str(as_flag("filterValues", value)) for value in values]
    wanted = {value.casefold() for value in values}
    return sorted(
        lead_id for lead_id in program.members if str(member_value(program, lead_id, field.name)).casefold() in wanted
    )


def _window(call: Call) -> tuple[float, float]:
    begin, end = call.moment("startAt"), call.moment("endAt")
    if begin is None or end is None:
        raise missing("startAt" if begin is None else "endAt")
    if not 0 <= end - begin <= LONGEST_WINDOW:
        raise ApiError("1003", "'startAt' and 'endAt' must be in order and at most 7 days apart")
    return begin, end


def _each(call: Call, act: Callable[[int, Members], str], *, named: bool = True) -> Answer:
    rows: list[Members] = []
    for seq, record in enumerate(call.records()):
        lead_id = as_integer("leadId", record.get("leadId"))
        try:
            require_lead(call.instance, lead_id)
            rows.append({"seq": seq, "leadId": lead_id, "status": act(lead_id, record)})
        except RecordError as error:
            row: Members = {"seq": seq, "status": "skipped", "reasons": error.reasons}
            rows.append({**row, "leadId": lead_id} if named else row)
    return Answer(rows)


@routes.post(f"{MEMBERS}/status.json", LEAD_WRITERS, body=("input", "statusName"))
def sync_status(call: Call) -> Answer:
    """Move leads forward to a status, and make them members if they are not."""
    program = _program(call)
    status = known_status(program, call.body_text("statusName") or "")

    def move(lead_id: int, _record: Members) -> str:
        done = "updated" if lead_id in program.members else "created"
        if not move_in_program(call.instance, program, lead_id, status):
            raise RecordError("1037", f"Lead is already at or after status '{status.name}'")
        return done

    return _each(call, move, named=False)


@routes.post(f"{MEMBERS}.json", LEAD_WRITERS, body=("input",))
def sync_data(call: Call) -> Answer:
    """Change fields of members."""
    instance, program = call.instance, _program(call)

    def change(lead_id: int, record: Members) -> str:
        if lead_id not in program.members:
            raise RecordError("1013", "Membership not found")
        values: Members = {}
        for name, value in record.items():
            field = instance.member_fields.find(name)
            if field is None:
                raise RecordError("1006", f"Field '{name}' not found")
            if not field.read_only:
                values[name] = checked(field, value)
        change_member(instance, program, lead_id, values)
        return "updated"

    return _each(call, change)


@routes.post(f"{MEMBERS}/delete.json", LEAD_WRITERS, body=("input",))
def delete(call: Call) -> Answer:
    """Remove members from a program."""
    program = _program(call)

    def remove(lead_id: int, _record: Members) -> str:
        if program.members.pop(lead_id, None) is None:
            raise RecordError("1037", "Lead is not in the program")
        return "deleted"

    return _each(call, remove)
