"""Custom activities: added once, never changed, deleted or deduplicated."""

from __future__ import annotations

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.parameters import as_integer, as_moment, as_objects
from marketo_async.sandbox.permissions import ACTIVITY_WRITERS
from marketo_async.sandbox.records.activity_log import Attribute
from marketo_async.sandbox.records.custom_types import TypeVersion
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.routing import Routes

MOST_ATTRIBUTE_BYTES = 65_536
REQUIRED = ("leadId", "activityDate", "activityTypeId", "primaryAttributeValue")

routes = Routes()


@routes.post("/rest/v1/activities/external.json", ACTIVITY_WRITERS, body=("input",))
def add_custom_activities(call: Call) -> Answer:
    """Add custom activities; failed rows have ``errors`` instead of ``reasons``."""
    rows: list[Members] = []
    for record in call.records():
        try:
            rows.append(_added(call.instance, record))
        except (RecordError, ApiError) as error:
            rows.append({"status": "skipped", "errors": [{"code": error.code, "message": error.message}]})
    return Answer(rows)


def _added(instance: Instance, record: Members) -> Members:
    for member in REQUIRED:
        if record.get(member) in (None, ""):
            raise RecordError("1002", f"Missing value for required parameter '{member}'")
    lead_id = as_integer("leadId", record["leadId"])
    if lead_id not in instance.leads:
        raise RecordError("1004", f"Lead '{lead_id}' not found")
    type_id = as_integer("activityTypeId", record["activityTypeId"])
    kind = instance.custom_types.live(type_id)
    if kind is None or kind.live is None:
        raise RecordError("1003", f"Activity type '{type_id}' is not an approved custom type")
    given = as_objects("attributes", record.get("attributes", []))
    if len(msgspec.json.encode(given)) > MOST_ATTRIBUTE_BYTES:
        raise RecordError("1049", f"'attributes' exceeds {MOST_ATTRIBUTE_BYTES} bytes")
    activity = instance.activities.add(
        lead_id,
        type_id,
        (None, str(record["primaryAttributeValue"])),
        tuple(_attribute(kind.live, item) for item in given),
        date=as_moment("activityDate", record["activityDate"]),
    )
    row: Members = {"marketoGUID": activity.marketo_guid, "status": "added"}
    return row if activity.id is None else {"id": activity.id, **row}


def _attribute(version: TypeVersion, item: Members) -> Attribute:
    named = item.get("apiName") or item.get("name")
    for attribute in version.secondary:
        if named in (attribute.api_name, attribute.name):
            value = item.get("value")
            if isinstance(value, dict | list):
                raise RecordError("1001", f"Invalid value for attribute '{named}'")
            return Attribute(attribute.name, value if isinstance(value, str | int | float) else None)
    raise RecordError("1006", f"Attribute '{named}' not found")
