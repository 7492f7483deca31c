"""The values of program member fields, and changes of the members' own fields.

See ``lead_changes`` for changes of the status.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.records.activity_log import Attribute
from marketo_async.sandbox.records.activity_types import CHANGE_PROGRAM_MEMBER_DATA
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import API
from marketo_async.sandbox.records.programs import Membership, Program

_Read = Callable[[Program, Membership], object]

_READS: Mapping[str, _Read] = {
    "programId": lambda program, _: program.id,
    "program": lambda program, _: program.name,
    "nurtureCadence": lambda program, _: program.cadence,
    "trackName": lambda program, _: program.stream,
    "statusName": lambda _, member: member.status,
    "membershipDate": lambda _, member: iso(member.member_since),
    "createdAt": lambda _, member: iso(member.member_since),
    "updatedAt": lambda _, member: iso(member.updated_at),
    "reachedSuccess": lambda _, member: member.reached_success,
    "reachedSuccessDate": lambda _, member: member.reached_success_at and iso(member.reached_success_at),
    "acquiredBy": lambda _, member: member.acquired_by,
    "isExhausted": lambda _, member: member.is_exhausted,
}


def member_value(program: Program, lead_id: int, name: str) -> object:
    """Return the value of a member's field."""
    if name == "leadId":
        return lead_id
    member = program.members[lead_id]
    read = _READS.get(name)
    return member.values.get(name) if read is None else read(program, member)


def change_member(instance: Instance, program: Program, lead_id: int, values: Mapping[str, object]) -> None:
    """Set fields of a member, with a Change Program Member Data activity for each that really changes."""
    member = program.members[lead_id]
    for name, value in values.items():
        old = member_value(program, lead_id, name)
        if old == value:
            continue
        instance.activities.add(
            lead_id,
            CHANGE_PROGRAM_MEMBER_DATA,
            (program.id, program.name),
            (
                Attribute("Attribute Name", name),
                Attribute("New Value", _written(value)),
                Attribute("Old Value", _written(old)),
                Attribute("Source", API),
            ),
        )
        if name == "acquiredBy":
            member.acquired_by = bool(value)
        else:
            member.values[name] = value
    member.updated_at = instance.clock.time()


def _written(value: object) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
