"""Writes the rows of import files: leads, program members and custom objects, one at a time.

See ``import_jobs`` for the queue, the counters and the files of rejects.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.errors import RecordError
from marketo_async.sandbox.parameters import as_integer, as_objects
from marketo_async.sandbox.records.import_jobs import Record, RowError
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import add_to_list, move_in_program
from marketo_async.sandbox.records.lead_fields import Field, Fields, checked
from marketo_async.sandbox.records.object_store import ObjectStore
from marketo_async.sandbox.records.object_sync import ObjectSync, key_fields
from marketo_async.sandbox.records.program_members import change_member
from marketo_async.sandbox.records.programs import Partition, Program, Status
from marketo_async.sandbox.records.static_lists import StaticList
from marketo_async.sandbox.records.upsert import Upsert

MISSING_KEY = "missing.dedupe.fields"

_FIELD = re.compile(r"Invalid value for field '([^']+)'")


def import_lead(
    instance: Instance, record: Record, lookup: Field, partition: Partition | None, static_list: StaticList | None
) -> str | None:
    """Create or update a lead, add it to a list, and return the warning, if any."""
    lead_id = _upsert(instance, record, lookup, partition)
    if static_list is not None:
        add_to_list(instance, static_list, lead_id)
    return _ignored(instance.lead_fields, (name for name in record if name != lookup.name))


def _upsert(instance: Instance, record: Record, lookup: Field, partition: Partition | None = None) -> int:
    if not record.get(lookup.name):
        raise RowError(MISSING_KEY)
    # A lead file may have company columns.
    [row] = Upsert(
        instance,
        [record],
        lookup=lookup,
        action="updateOnly" if lookup.name == "id" else "createOrUpdate",
        partition=partition,
        company_writable=True,
    ).apply()
    _check(instance.lead_fields, row)
    return as_integer("id", row["id"])


def import_member(instance: Instance, record: Record, program: Program, status: Status) -> str | None:
    """Create or update a lead, make it a member of a program, and return the warning, if any."""
    members = {name: value for name, value in record.items() if name in instance.member_fields}
    try:
        values = {name: checked(instance.member_fields.get(name), value) for name, value in members.items()}
    except RecordError as error:
        raise RowError(_reason(instance.member_fields, error.message)) from None
    lead = {name: value for name, value in record.items() if name not in members}
    lead_id = _upsert(instance, lead, instance.lead_fields.get("email"))
    move_in_program(instance, program, lead_id, status)
    writable = {name: value for name, value in values.items() if not instance.member_fields.get(name).read_only}
    if writable:
        change_member(instance, program, lead_id, writable)
    return _ignored(instance.member_fields, members) or _ignored(instance.lead_fields, lead)


def import_object(instance: Instance, record: Record, store: ObjectStore) -> str | None:
    """Create or update a record of a custom object type, and return the warning, if any."""
    description = store.description
    given = {known.name for name, value in record.items() if value and (known := description.find_field(name))}
    if not given.issuperset(description.dedupe_fields):
        raise RowError(MISSING_KEY)
    now = iso(instance.clock.time())
    [row] = ObjectSync(store, key_fields(store, None), lambda _: None).write([record], "createOrUpdate", now)
    _check(description.fields, row)
    return _ignored(description.fields, record)


def _check(fields: Fields, row: Record) -> None:
    if "reasons" in row:
        raise RowError(_reason(fields, str(as_objects("reasons", row["reasons"])[0]["message"])))


def _reason(fields: Fields, message: str) -> str:
    found = _FIELD.match(message)
    if found is not None:
        return f"Invalid data type in field {fields.get(found[1]).display_name}"
    return "Invalid email address" if message.startswith("Invalid email address") else message


def _ignored(fields: Fields, names: Iterable[str]) -> str | None:
    for name in names:
        field = fields.find(name)
        if field is not None and field.read_only:
            return f"Field {field.display_name} is read-only"
    return None
