"""What an export of leads, activities, program members or custom objects may select. See ``export_jobs``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families.export_filters import (
    LIST_FILTERS,
    as_list,
    given_filters,
    members_of,
    only_filter,
    span,
)
from marketo_async.sandbox.families.export_jobs import ExportFamily
from marketo_async.sandbox.parameters import as_flag, as_integer, as_text, missing
from marketo_async.sandbox.permissions import READ_ACTIVITY, READ_LEAD
from marketo_async.sandbox.records import activity_types
from marketo_async.sandbox.records.activity_log import Activity
from marketo_async.sandbox.records.export_jobs import Collect
from marketo_async.sandbox.records.export_rows import (
    ACTIVITY_COLUMNS,
    DEFAULT_ACTIVITY_COLUMNS,
    activity_rows,
    dated,
    lead_rows,
    linked_to,
    member_rows,
    object_rows,
)
from marketo_async.sandbox.records.programs import Membership, Program
from marketo_async.sandbox.routing import Routes

MOST_PROGRAMS = 10
MOST_PRIMARY_VALUES = 50
PRIMARY_FILTERS = ("primaryAttributeValueIds", "primaryAttributeValues")
MEMBER_FILTERS = ("programId", "programIds", "isExhausted", "nurtureCadence", "statusNames", "updatedAt")

# Activity types whose primary attributes have the same kind.
_PRIMARY_GROUPS = (
    frozenset({activity_types.CHANGE_DATA_VALUE, activity_types.CHANGE_SCORE}),
    frozenset({activity_types.CHANGE_STATUS_IN_PROGRESSION}),
    frozenset({activity_types.ADD_TO_LIST, activity_types.REMOVE_FROM_LIST}),
    frozenset({activity_types.FILL_OUT_FORM}),
)

routes = Routes()


def _fields(call: Call) -> list[str]:
    return [as_text("fields", name) for name in as_list("fields", call.member("fields"))]


def select_leads(call: Call) -> tuple[Sequence[str], Collect]:
    """Select leads by creation or update date, or by a list."""
    instance = call.instance
    fields = _fields(call)
    for field in fields:
        instance.lead_fields.get(field)
    if refused := [field for field in fields if field in instance.quirks.unexportable]:
        raise ApiError("1003", f"Invalid fields [{', '.join(refused)}]")
    name, value = only_filter(call, ("createdAt", "updatedAt", *LIST_FILTERS))
    if name in LIST_FILTERS:
        members = members_of(instance, name, value)
        return fields, lambda: lead_rows(instance, fields, members, lambda _: True)
    wanted = dated(name, span(instance, name, value))
    return fields, lambda: lead_rows(instance, fields, instance.leads.ids, wanted)


def select_activities(call: Call) -> tuple[Sequence[str], Collect]:
    """Select activities by date, and optionally by types and primary attributes."""
    instance = call.instance
    columns = _fields(call) or list(DEFAULT_ACTIVITY_COLUMNS)
    for column in columns:
        if column not in ACTIVITY_COLUMNS:
            raise ApiError("1006", f"Field '{column}' not found")
    given = given_filters(call, ("createdAt", "activityTypeIds", *PRIMARY_FILTERS))
    if "createdAt" not in given:
        raise missing("createdAt")
    dates = span(instance, "createdAt", given["createdAt"])
    type_ids = {
        as_integer("activityTypeIds", item) for item in as_list("activityTypeIds", given.get("activityTypeIds"))
    }
    if activity_types.DELETE_LEAD in type_ids and instance.quirks.deleted_leads_refused:
        raise ApiError("1003", "Deleted leads cannot be exported")
    primaries = [name for name in PRIMARY_FILTERS if name in given]
    is_primary = _primary(primaries, as_list(primaries[0], given[primaries[0]]), type_ids) if primaries else None

    def wanted(activity: Activity) -> bool:
        of_type = not type_ids or activity.activity_type_id in type_ids
        return of_type and (is_primary is None or is_primary(activity))

    return columns, lambda: activity_rows(instance, columns, dates, wanted)


def _primary(names: list[str], values: list[object], type_ids: set[int]) -> Callable[[Activity], bool]:
    if len(names) > 1:
        raise ApiError("1003", f"{' and '.join(names)} exclude each other")
    if not type_ids or not any(type_ids <= group for group in _PRIMARY_GROUPS):
        raise ApiError("1003", f"'{names[0]}' needs 'activityTypeIds' with primary attributes of one kind")
    if len(values) > MOST_PRIMARY_VALUES:
        raise ApiError("1003", f"'{names[0]}' exceeds the maximum of {MOST_PRIMARY_VALUES} values")
    if names[0] == "primaryAttributeValueIds":
        ids = {as_integer(names[0], value) for value in values}
        return lambda activity: activity.primary_attribute_value_id in ids
    texts = {as_text(names[0], value) for value in values}
    # The names of program assets have the program's name as a prefix.
    texts |= {text.partition(".")[2] for text in texts if "." in text}
    return lambda activity: activity.primary_attribute_value in texts


def select_members(call: Call) -> tuple[Sequence[str], Collect]:
    """Select the members of one or several programs that match all filters."""
    instance = call.instance
    fields = _fields(call)
    for field in fields:
        if field not in instance.member_fields:
            instance.lead_fields.get(field)
    given = given_filters(call, MEMBER_FILTERS)
    programs = _programs(call, given)
    if "programIds" in given:
        fields = ["programId", *(name for name in fields if name != "programId")]
    dates = span(instance, "updatedAt", given["updatedAt"]) if "updatedAt" in given else None
    exhausted = as_flag("isExhausted", given["isExhausted"]) if "isExhausted" in given else None
    cadence = as_text("nurtureCadence", given["nurtureCadence"]) if "nurtureCadence" in given else None
    names = {as_text("statusNames", name).casefold() for name in as_list("statusNames", given.get("statusNames"))}
    if names and not any(status.name.casefold() in names for program in programs for status in program.statuses):
        raise ApiError("1003", "Invalid 'statusNames'")

    def wanted(program: Program, member: Membership) -> bool:
        return (
            (dates is None or dates[0] <= member.updated_at // 1 <= dates[1])
            and (exhausted is None or member.is_exhausted is exhausted)
            # Exports use "normal", other operations "norm".
            and (cadence is None or (program.cadence is not None and cadence.startswith(program.cadence)))
            and (not names or member.status.casefold() in names)
        )

    return fields, lambda: member_rows(instance, programs, fields, wanted)


def _programs(call: Call, given: dict[str, object]) -> list[Program]:
    if ("programId" in given) is ("programIds" in given):
        raise ApiError("1003", "Exactly one of programId and programIds is required")
    name = "programId" if "programId" in given else "programIds"
    ids = [as_integer(name, item) for item in as_list(name, given[name])]
    if len(ids) > MOST_PROGRAMS:
        raise ApiError("1003", f"'programIds' exceeds the maximum of {MOST_PROGRAMS} programs")
    found = [call.instance.programs.get(program_id) for program_id in ids]
    programs = [program for program in found if program is not None]
    if len(programs) < len(found):
        raise ApiError("1013", "Program not found")
    return programs


def select_objects(call: Call) -> tuple[Sequence[str], Collect]:
    """Select records of a custom object type that links to leads."""
    instance = call.instance
    store = instance.objects.custom.records(call.path_text("apiName"))
    if all(link.object_name.casefold() != "lead" for link in store.description.relationships):
        raise ApiError("1003", f"Object '{store.description.name}' is not linked to leads")
    fields = [store.description.field(name).name for name in _fields(call)]
    name, value = only_filter(call, ("updatedAt", *LIST_FILTERS))
    if name == "updatedAt":
        wanted = dated(name, span(instance, name, value))
        return fields, lambda: object_rows(store, fields, wanted)
    members = members_of(instance, name, value)
    return fields, lambda: object_rows(store, fields, linked_to(instance, store, members))


for _family in (
    ExportFamily("/bulk/v1/leads/export", frozenset({READ_LEAD}), select_leads),
    ExportFamily("/bulk/v1/activities/export", frozenset({READ_ACTIVITY}), select_activities, fields_required=False),
    ExportFamily("/bulk/v1/program/members/export", frozenset({READ_LEAD}), select_members),
    ExportFamily("/bulk/v1/customobjects/{apiName}/export", frozenset({"Read-Only Custom Object"}), select_objects),
):
    _family.serve(routes)
