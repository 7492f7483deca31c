"""Fields of leads and program members: the describe calls, and the schema operations that create and change them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_flag, as_text, missing
from marketo_async.sandbox.permissions import FIELD_CREATORS, FIELD_READERS, FIELD_WRITERS, LEAD_READERS
from marketo_async.sandbox.records.lead_fields import CREATABLE_TYPES, Field, Fields
from marketo_async.sandbox.routing import Routes

MOST_CREATED = 100
FLAGS = {"isHidden": "hidden", "isHtmlEncodingInEmail": "html_encoded", "isSensitive": "sensitive"}
TEXTS = {"displayName": "display_name", "description": "description"}
FROZEN = ("name", "dataType", "length", "isCustom")

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_DISPLAY_NAME = re.compile(r"[\w ]+")

routes = Routes()


@routes.get("/rest/v1/leads/describe.json", LEAD_READERS)
def describe(call: Call) -> Answer:
    """Answer all lead fields with their REST and SOAP names; a field without a REST name has no such member."""
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
    """Answer the lead fields and by which of them leads can be looked up."""
    return Answer([_description("API Lead", call.instance.lead_fields)])


@routes.get("/rest/v1/program/members/describe.json", LEAD_READERS)
def describe_program_members(call: Call) -> Answer:
    """Answer the program member fields, in the old place."""
    return Answer([_description("API Program Member", call.instance.member_fields)])


def _shown(fields: Fields) -> list[Field]:
    return [field for field in fields if not field.hidden]


def _description(name: str, fields: Fields) -> Members:
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
    """Answer the metadata of all lead fields, hidden ones included."""
    by_id = {field.id: field for field in call.instance.lead_fields if field.on_rest}

    def rows(ids: Sequence[int]) -> list[Members]:
        return [_metadata(by_id[field_id]) for field_id in ids]

    return position_page(call, sorted(by_id), rows)


@routes.get("/rest/v1/leads/schema/fields/{fieldApiName}.json", FIELD_READERS)
def lead_field(call: Call) -> Answer:
    """Answer the metadata of one lead field."""
    return Answer([_metadata(call.instance.lead_fields.get(call.path_text("fieldApiName")))])


def _metadata(field: Field) -> Members:
    row: Members = {
        "displayName": field.display_name,
        "name": field.name,
        "description": field.description,
        "dataType": field.data_type,
        "isHidden": field.hidden,
        "isHtmlEncodingInEmail": field.html_encoded,
        "isSensitive": field.sensitive,
        "isCustom": field.custom,
        "isApiCreated": field.api_created,
    }
    if field.length is not None:
        row["length"] = field.length
    return row


@routes.post("/rest/v1/leads/schema/fields.json", FIELD_CREATORS, body=("input",))
def create_lead_fields(call: Call) -> Answer:
    """Create custom lead fields, which can be hidden later but never deleted."""
    rows: list[Members] = []
    for record in call.records():
        name, display_name, data_type = (_required(record, member) for member in ("name", "displayName", "dataType"))
        try:
            _check_new(call.instance.lead_fields, name, display_name, data_type)
        except RecordError as error:
            rows.append({"name": name, "status": "skipped", "reasons": error.reasons})
            continue
        call.instance.lead_fields.add_custom(name, display_name, data_type, api_created=True)
        call.instance.lead_fields.change(name, **_changes(record, (*FLAGS, "description")))
        rows.append({"name": name, "status": "created"})
    return Answer(rows)


def _required(record: Members, member: str) -> str:
    value = record.get(member)
    if value in (None, ""):
        raise missing(member)
    return as_text(member, value)


def _check_new(fields: Fields, name: str, display_name: str, data_type: str) -> None:
    if not _NAME.fullmatch(name) or not _DISPLAY_NAME.fullmatch(display_name):
        raise RecordError("1003", f"Invalid name '{name}' or displayName '{display_name}'")
    if data_type not in CREATABLE_TYPES:
        raise RecordError("1003", f"Invalid dataType '{data_type}'")
    if any(name == field.name or display_name == field.display_name for field in fields):
        raise RecordError("1017", f"Field '{name}' or '{display_name}' already exists")
    if sum(field.api_created for field in fields) >= MOST_CREATED:
        raise RecordError("1003", f"No more than {MOST_CREATED} fields can be created")


@routes.post("/rest/v1/leads/schema/fields/{fieldApiName}.json", FIELD_WRITERS, body=("input",))
def update_lead_field(call: Call) -> Answer:
    """Change the metadata of one field, as far as that kind of field allows."""
    field = call.instance.lead_fields.get(call.path_text("fieldApiName"))
    records = call.records()
    if len(records) != 1:
        raise ApiError("1003", "'input' must hold exactly one record")
    record = records[0]
    for member in FROZEN:
        if member in record:
            raise ApiError("1003", f"'{member}' cannot be changed")
    if "displayName" in record and not field.custom:
        raise ApiError("1003", "'displayName' can only be changed for custom fields")
    if "isHidden" in record and not field.api_created:
        raise ApiError("1003", "'isHidden' can only be changed for fields created by API")
    call.instance.lead_fields.change(field.name, **_changes(record, (*FLAGS, *TEXTS)))
    return Answer([{"name": field.name, "status": "updated"}])


def _changes(record: Members, members: Sequence[str]) -> dict[str, str | bool]:
    changes: dict[str, str | bool] = {}
    for member in members:
        if member in record and member in FLAGS:
            changes[FLAGS[member]] = as_flag(member, record[member])
        elif member in record:
            changes[TEXTS[member]] = as_text(member, record[member])
    return changes
