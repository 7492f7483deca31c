"""Fields of leads: the describe calls, also the old one of program members, and the schema operations."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.field_schema import create_fields, field_page, one_field, update_field
from marketo_async.sandbox.permissions import FIELD_CREATORS, FIELD_READERS, FIELD_WRITERS, LEAD_READERS
from marketo_async.sandbox.records.lead_fields import Field, Fields
from marketo_async.sandbox.routing import Routes

MOST_CREATED = 100

routes = Routes()


@routes.get("/rest/v1/leads/describe.json", LEAD_READERS)
def describe(call: Call) -> Answer:
    """Answer all lead fields with their REST and SOAP names; ``rest`` is missing for a field without a REST name."""
    rows: list[Members] = []
    for field in _shown(call.instance.lead_fields):
        row: Members = {"id": field.id, "displayName": field.display_name, "dataType": field.data_type}
        if field.length is not None:
            row["length"] = field.length
        if field.on_rest:
            row["rest"] = {"name": field.name, "readOnly": field.read_only}
        row["soap"] = {"name": field.name[0].upper() + field.name[1:], "readOnly": field.read_only}
        rows.append(row)
    return Answer(rows)


@routes.get("/rest/v1/leads/describe2.json", LEAD_READERS)
def describe2(call: Call) -> Answer:
    """Answer the lead fields, and the fields that leads can be looked up by."""
    return Answer([description_of("API Lead", call.instance.lead_fields)])


@routes.get("/rest/v1/program/members/describe.json", LEAD_READERS)
def describe_program_members(call: Call) -> Answer:
    """Answer the program member fields, at the old path."""
    return Answer([description_of("API Program Member", call.instance.member_fields)])


def _shown(fields: Fields) -> list[Field]:
    return [field for field in fields if not field.hidden]


def description_of(name: str, fields: Fields) -> Members:
    """Return the fields of program members or leads, and the fields that they can be looked up by."""
    rows: list[Members] = []
    for field in _shown(fields):
        if field.on_rest:
            row: Members = {
                "name": field.name,
                "displayName": field.display_name,
                "dataType": field.data_type,
                "updateable": not field.read_only,
                "crmManaged": False,
            }
            if field.length is not None:
                row["length"] = field.length
            rows.append(row)
    return {
        "name": name,
        "searchableFields": [[field.name] for field in _shown(fields) if field.searchable],
        "fields": rows,
    }


@routes.get("/rest/v1/leads/schema/fields.json", FIELD_READERS, optional=("batchSize", "nextPageToken"))
def lead_fields(call: Call) -> Answer:
    """Answer the metadata of all lead fields, including hidden ones."""
    return field_page(call, call.instance.lead_fields)


@routes.get("/rest/v1/leads/schema/fields/{fieldApiName}.json", FIELD_READERS)
def lead_field(call: Call) -> Answer:
    """Answer the metadata of one lead field."""
    return one_field(call, call.instance.lead_fields)


@routes.post("/rest/v1/leads/schema/fields.json", FIELD_CREATORS, body=("input",))
def create_lead_fields(call: Call) -> Answer:
    """Create custom lead fields."""
    return create_fields(call, call.instance.lead_fields, MOST_CREATED)


@routes.post("/rest/v1/leads/schema/fields/{fieldApiName}.json", FIELD_WRITERS, body=("input",))
def update_lead_field(call: Call) -> Answer:
    """Change the metadata of one lead field."""
    return update_field(call, call.instance.lead_fields)
