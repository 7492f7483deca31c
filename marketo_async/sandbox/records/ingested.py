"""Applies accepted data ingestion: persons, companies, custom objects, memberships of programs and lists.

Data ingestion reports no results, so records that can't be written are dropped silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import (
    add_to_list,
    change_lead,
    create_lead,
    move_in_program,
    remove_from_list,
    require_lead,
    writable,
)
from marketo_async.sandbox.records.lead_fields import checked
from marketo_async.sandbox.records.object_store import ObjectStore
from marketo_async.sandbox.records.object_sync import Action, ObjectSync, key_fields
from marketo_async.sandbox.records.program_members import change_member
from marketo_async.sandbox.records.upsert import find_partition

SOURCE = "Data Ingestion API"


def upsert_persons(
    instance: Instance, persons: Iterable[Members], dedupe_fields: Sequence[str], partition_name: str | None
) -> None:
    """Create or update a lead for each person; all dedupe fields together identify the lead."""
    names = {field.name.casefold(): field.name for field in instance.lead_fields}
    keys = [names.get(name.casefold()) for name in dedupe_fields]
    with suppress(ApiError):
        partition = find_partition(instance, partition_name)
        for person in persons:
            record = {names.get(name.casefold(), name): value for name, value in person.items()}
            with suppress(RecordError, ValueError):
                _upsert_person(instance, record, keys, 1 if partition is None else partition.id)


def _upsert_person(instance: Instance, record: Members, keys: Sequence[str | None], partition_id: int) -> None:
    values = writable(instance, record, company=True)
    matches: set[int] | None = None
    for key in keys:
        if key is None or record.get(key) in (None, ""):
            raise RecordError("1003", "Value for a dedupe field not specified")
        found = set(instance.leads.find(key, [record[key]]))
        matches = found if matches is None else matches & found
    if not matches:
        if "id" in keys:
            raise RecordError("1004", "Lead not found")
        create_lead(instance, values, partition_id=partition_id, source=SOURCE)
    elif len(matches) > 1:
        raise RecordError("1007", "Multiple leads match lookup criteria")
    else:
        change_lead(instance, matches.pop(), values, source=SOURCE)


def sync_companies(instance: Instance, companies: Sequence[Members], action: Action, dedupe_by: str) -> None:
    """Create or update companies."""
    store = instance.objects.companies
    ObjectSync(store, key_fields(store, dedupe_by), _anything).write(companies, action, iso(instance.clock.time()))


def sync_custom_objects(
    instance: Instance, api_name: str, objects: Sequence[Members], *, by_guid: bool
) -> list[Members]:
    """Create or update custom objects, and return those whose person does not exist yet."""
    try:
        store = instance.objects.custom.records(api_name)
    except ApiError:
        return []
    ready: list[Members] = []
    waiting: list[Members] = []
    for record in objects:
        (ready if _has_person(instance, store, record) else waiting).append(record)
    sync = ObjectSync(store, key_fields(store, "idField" if by_guid else None), _anything)
    sync.write(ready, "updateOnly" if by_guid else "createOrUpdate", iso(instance.clock.time()))
    return waiting


def _anything(record: Members) -> None:
    pass


def _has_person(instance: Instance, store: ObjectStore, record: Members) -> bool:
    given = {name.casefold(): value for name, value in record.items()}
    for link in store.description.relationships:
        value = given.get(link.field.casefold())
        if link.object_name.casefold() == "lead" and value not in (None, ""):
            try:
                found = instance.leads.find(link.object_field, [value])
            except ValueError:
                return False
            if not found:
                return False
    return True


def move_members(instance: Instance, program_id: int, status_name: str, members: Iterable[tuple[int, Members]]) -> None:
    """Move leads forward to a status of a program, make them members if they are not, and set their fields."""
    program = instance.programs.get(program_id)
    status = None if program is None else program.status(status_name)
    if program is None or status is None:
        return
    for lead_id, record in members:
        with suppress(RecordError):
            require_lead(instance, lead_id)
            values = _member_values(instance, record)
            move_in_program(instance, program, lead_id, status)
            if values:
                change_member(instance, program, lead_id, values)


def _member_values(instance: Instance, record: Members) -> Members:
    fields = {field.name.casefold(): field for field in instance.member_fields}
    values: Members = {}
    for name, value in record.items():
        field = fields.get(name.casefold())
        if field is None:
            raise RecordError("1006", f"Field '{name}' not found")
        if not field.read_only:
            values[field.name] = checked(field, value)
    return values


def remove_members(instance: Instance, program_id: int, lead_ids: Iterable[int]) -> None:
    """Remove leads from a program."""
    program = instance.programs.get(program_id)
    if program is not None:
        for lead_id in lead_ids:
            program.members.pop(lead_id, None)


def change_list(instance: Instance, list_id: int, lead_ids: Iterable[int], *, remove: bool) -> None:
    """Add leads to a static list, or remove them."""
    static_list = instance.lists.get(list_id)
    if static_list is None:
        return
    for lead_id in lead_ids:
        with suppress(RecordError):
            require_lead(instance, lead_id)
            (remove_from_list if remove else add_to_list)(instance, static_list, lead_id)
