"""The rows of exports: leads, activities, program members and custom objects at the start of an export.

See ``families.export_kinds`` for the filters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from marketo_async.sandbox.parameters import as_moment
from marketo_async.sandbox.records.activity_log import Activity
from marketo_async.sandbox.records.activity_types import DELETE_LEAD
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_store import Lead
from marketo_async.sandbox.records.object_store import ObjectStore
from marketo_async.sandbox.records.program_members import member_value
from marketo_async.sandbox.records.programs import Membership, Program

Span = tuple[float, float]
Row = Sequence[object]
Wanted = Callable[[Mapping[str, object]], bool]
LeadIds = Callable[[], Iterable[int]]

_ACTIVITY_COLUMNS: Mapping[str, Callable[[Activity], object]] = {
    "marketoGUID": lambda activity: activity.marketo_guid,
    "leadId": lambda activity: activity.lead_id,
    "activityDate": lambda activity: activity.activity_date,
    "activityTypeId": lambda activity: activity.activity_type_id,
    "campaignId": lambda activity: activity.campaign_id,
    "primaryAttributeValueId": lambda activity: activity.primary_attribute_value_id,
    "primaryAttributeValue": lambda activity: activity.primary_attribute_value,
    "attributes": lambda activity: msgspec.json.encode(
        {item.name: item.value for item in activity.attributes}
    ).decode(),
    "actionResult": lambda _: "succeeded",
}
ACTIVITY_COLUMNS = tuple(_ACTIVITY_COLUMNS)
DEFAULT_ACTIVITY_COLUMNS = tuple(name for name in ACTIVITY_COLUMNS if name != "actionResult")


def dated(name: str, span: Span) -> Wanted:
    """Return whether a field of a record is in a span, which includes both ends."""
    begin, end = span

    def wanted(record: Mapping[str, object]) -> bool:
        value = record.get(name)
        return value is not None and begin <= as_moment(name, value) <= end

    return wanted


def lead_rows(instance: Instance, fields: Sequence[str], lead_ids: LeadIds, wanted: Wanted) -> list[Row]:
    """Return the wanted ones of these leads."""
    leads = (instance.leads.get(lead_id) for lead_id in lead_ids())
    return [_cells(lead, fields) for lead in leads if lead is not None and wanted(lead)]


def _cells(record: Lead, fields: Sequence[str]) -> Row:
    return [record.get(name) for name in fields]


def activity_rows(
    instance: Instance, columns: Sequence[str], span: Span, wanted: Callable[[Activity], bool]
) -> list[Row]:
    """Return the wanted activities of a span, without Delete Lead."""
    end = min(span[1], instance.clock.time())
    reads = [_ACTIVITY_COLUMNS[name] for name in columns]
    return [
        [read(activity) for read in reads]
        for activity in instance.activities.visible()
        if activity.activity_type_id != DELETE_LEAD
        and span[0] <= as_moment("activityDate", activity.activity_date) <= end
        and wanted(activity)
    ]


def member_rows(
    instance: Instance,
    programs: Iterable[Program],
    fields: Sequence[str],
    wanted: Callable[[Program, Membership], bool],
) -> list[Row]:
    """Return the wanted members of these programs, with their own fields and their leads' fields."""
    return [
        [_member_cell(instance, program, lead_id, name) for name in fields]
        for program in programs
        for lead_id in sorted(program.members)
        if wanted(program, program.members[lead_id])
    ]


def _member_cell(instance: Instance, program: Program, lead_id: int, name: str) -> object:
    if name in instance.member_fields:
        return member_value(program, lead_id, name)
    return (instance.leads.get(lead_id) or {}).get(name)


def object_rows(store: ObjectStore, fields: Sequence[str], wanted: Wanted) -> list[Row]:
    """Return the wanted records of an object."""
    records = (store.get(number) for number in store.numbers())
    return [_cells(record, fields) for record in records if wanted(record)]


def linked_to(instance: Instance, store: ObjectStore, lead_ids: LeadIds) -> Wanted:
    """Return whether a record of an object is linked to one of these leads."""
    links = [link for link in store.description.relationships if link.object_name.casefold() == "lead"]
    leads = [instance.leads.get(lead_id) or {} for lead_id in lead_ids()]
    keys = [
        (link.field, {str(lead[link.object_field]).casefold() for lead in leads if lead.get(link.object_field)})
        for link in links
    ]
    return lambda record: any(str(record.get(field)).casefold() in linked for field, linked in keys)
