"""Activities: date tokens, lead activities, lead changes, deleted leads and activity types."""

from __future__ import annotations

from collections.abc import Mapping

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.paging import date_page
from marketo_async.sandbox.permissions import ACTIVITY_READERS
from marketo_async.sandbox.records.activity_log import LAST_SEQUENCE, Activity
from marketo_async.sandbox.records.activity_types import CHANGE_DATA_VALUE, DELETE_LEAD, NEW_LEAD, STANDARD_TYPES
from marketo_async.sandbox.records.custom_types import CustomType, TypeVersion
from marketo_async.sandbox.routing import Routes
from marketo_async.sandbox.tokens import DatePosition

MOST_TYPES = 10
MOST_LEADS = 30

routes = Routes()


@routes.get("/rest/v1/activities/pagingtoken.json", ACTIVITY_READERS, required=("sinceDatetime",))
def paging_token(call: Call) -> Answer:
    """Answer the date token for a datetime, and nothing else."""
    since = call.moment("sinceDatetime") or 0.0
    sequence = 0 if call.instance.quirks.since_inclusive else LAST_SEQUENCE
    return Answer(next_page_token=call.instance.tokens.issue(DatePosition(since, sequence)))


@routes.get(
    "/rest/v1/activities.json",
    ACTIVITY_READERS,
    required=("nextPageToken", "activityTypeIds"),
    optional=("assetIds", "listId", "leadIds", "batchSize"),
)
def activities(call: Call) -> Answer:
    """Answer the activities of some types after a date token."""
    types = frozenset(call.integers("activityTypeIds"))
    if len(types) > MOST_TYPES:
        raise ApiError("1003", f"'activityTypeIds' exceeds the maximum of {MOST_TYPES} values")
    assets = frozenset(call.integers("assetIds"))
    leads = _leads_asked(call)

    def wanted(activity: Activity) -> bool:
        return (
            activity.activity_type_id in types
            and (leads is None or activity.lead_id in leads)
            and (not assets or activity.primary_attribute_value_id in assets)
        )

    return date_page(call, wanted)


@routes.get(
    "/rest/v1/activities/leadchanges.json",
    ACTIVITY_READERS,
    required=("nextPageToken", "fields"),
    optional=("listId", "leadIds", "batchSize"),
)
def lead_changes(call: Call) -> Answer:
    """Answer changes of the named fields, and new leads, after a date token."""
    fields = {call.instance.lead_fields.get(name).id: name for name in call.many("fields")}
    leads = _leads_asked(call)

    def wanted(activity: Activity) -> bool:
        changes = activity.activity_type_id == NEW_LEAD or (
            activity.activity_type_id == CHANGE_DATA_VALUE and activity.primary_attribute_value_id in fields
        )
        return changes and (leads is None or activity.lead_id in leads)

    return date_page(call, wanted, lambda activity: _lead_change(activity, fields))


def _lead_change(activity: Activity, fields: Mapping[int, str]) -> Members:
    row: Members = {
        "id": activity.id,
        "marketoGUID": activity.marketo_guid,
        "leadId": activity.lead_id,
        "activityDate": activity.activity_date,
        "activityTypeId": activity.activity_type_id,
    }
    if activity.id is None:
        del row["id"]
    if activity.activity_type_id == NEW_LEAD:
        row["primaryAttributeValueId"] = activity.primary_attribute_value_id
        row["primaryAttributeValue"] = activity.primary_attribute_value
    values = {attribute.name: attribute.value for attribute in activity.attributes}
    if activity.activity_type_id == CHANGE_DATA_VALUE:
        row["fields"] = [
            {
                "id": activity.primary_attribute_value_id,
                "name": fields[activity.primary_attribute_value_id or 0],
                "newValue": values.pop("New Value", None),
                "oldValue": values.pop("Old Value", None),
            }
        ]
    row["attributes"] = [{"name": name, "value": value} for name, value in values.items()]
    return row


@routes.get(
    "/rest/v1/activities/deletedleads.json", ACTIVITY_READERS, required=("nextPageToken",), optional=("batchSize",)
)
def deleted_leads(call: Call) -> Answer:
    """Answer the Delete Lead activities after a date token, as far back as Marketo keeps them."""
    oldest = iso(call.instance.clock.time() - call.instance.quirks.deletions_kept)

    def wanted(activity: Activity) -> bool:
        return activity.activity_type_id == DELETE_LEAD and activity.activity_date >= oldest

    return date_page(call, wanted)


def _leads_asked(call: Call) -> frozenset[int] | None:
    lead_ids = call.integers("leadIds")
    if len(lead_ids) > MOST_LEADS:
        raise ApiError("1003", f"'leadIds' exceeds the maximum of {MOST_LEADS} values")
    leads = frozenset(lead_ids) if lead_ids else None
    list_id = call.integer("listId")
    if list_id is None:
        return leads
    static_list = call.instance.lists.get(list_id)
    if static_list is None:
        raise ApiError("1013", "List not found")
    cap = call.instance.quirks.list_filter_cap
    if cap is not None and len(static_list) >= cap:
        raise ApiError("1003", f"Lists of {cap} or more leads cannot filter activities")
    members = frozenset(static_list.lead_ids)
    return members if leads is None else members & leads


@routes.get("/rest/v1/activities/types.json", ACTIVITY_READERS)
def types(call: Call) -> Answer:
    """Answer all activity types, including approved custom types."""
    standard: list[Members] = [
        {
            "id": kind.id,
            "name": kind.name,
            "description": kind.name,
            "primaryAttribute": {"name": kind.primary[0], "dataType": kind.primary[1]},
            "attributes": [{"name": name, "dataType": data_type} for name, data_type in kind.attributes],
        }
        for kind in STANDARD_TYPES
    ]
    custom = [_custom(kind, kind.live) for kind in call.instance.custom_types if kind.live is not None]
    return Answer(standard + custom)


def _custom(kind: CustomType, live: TypeVersion) -> Members:
    row: Members = {"id": kind.id, "apiName": kind.api_name, "name": live.name, "description": live.description}
    if live.primary is not None:
        row["primaryAttribute"] = {
            "apiName": live.primary.api_name,
            "name": live.primary.name,
            "dataType": live.primary.data_type,
        }
    row["attributes"] = [
        {"apiName": attribute.api_name, "name": attribute.name, "dataType": attribute.data_type}
        for attribute in live.secondary
    ]
    return row
