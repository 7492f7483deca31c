"""The schema operations on fields, the same for all objects: reading, creating and changing their metadata.

A family gives its object's fields and how many of them can be created.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_flag, as_text, missing
from marketo_async.sandbox.records.lead_fields import CREATABLE_TYPES, Field, Fields

FLAGS = {"isHidden": "hidden", "isHtmlEncodingInEmail": "html_encoded", "isSensitive": "sensitive"}
TEXTS = {"displayName": "display_name", "description": "description"}
FROZEN = ("name", "dataType", "length", "isCustom")

_NAME = re.compile(r"[A-Za-z]\w*", re.ASCII)
_DISPLAY_NAME = re.compile(r"[\w ]+")


def field_page(call: Call, fields: Fields) -> Answer:
    """Answer a page of fields, including hidden ones."""
    by_id = {field.id: field for field in fields if field.on_rest}

    def rows(ids: Sequence[int]) -> list[Members]:
        return [_metadata(by_id[field_id]) for field_id in ids]

    return position_page(call, sorted(by_id), rows)


def one_field(call: Call, fields: Fields) -> Answer:
    """Answer the field of the path."""
    return Answer([_metadata(fields.get(call.path_text("fieldApiName")))])


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


def create_fields(call: Call, fields: Fields, most: int) -> Answer:
    """Create custom fields; they can be hidden but not deleted."""
    rows: list[Members] = []
    for record in call.records():
        name, display_name, data_type = (_required(record, member) for member in ("name", "displayName", "dataType"))
        try:
            _check_new(fields, name, display_name, data_type, most)
        except RecordError as error:
            rows.append({"name": name, "status": "skipped", "reasons": error.reasons})
            continue
        fields.add_custom(name, display_name, data_type, api_created=True)
        fields.change(name, **_changes(record, (*FLAGS, "description")))
        rows.append({"name": name, "status": "created"})
    return Answer(rows)


def _required(record: Members, member: str) -> str:
    value = record.get(member)
    if value in (None, ""):
        raise missing(member)
    return as_text(member, value)


def _check_new(fields: Fields, name: str, display_name: str, data_type: str, most: int) -> None:
    if not _NAME.fullmatch(name) or not _DISPLAY_NAME.fullmatch(display_name):
        raise RecordError("1003", f"Invalid name '{name}' or displayName '{display_name}'")
    if data_type not in CREATABLE_TYPES:
        raise RecordError("1003", f"Invalid dataType '{data_type}'")
    if any(name == field.name or display_name == field.display_name for field in fields):
        raise RecordError("1017", f"Field '{name}' or '{display_name}' already exists")
    if sum(field.api_created for field in fields) >= most:
        raise RecordError("1003", f"No more than {most} fields can be created")


def update_field(call: Call, fields: Fields) -> Answer:
    """Change the metadata of the field of the path, within the limits of its kind."""
    field = fields.get(call.path_text("fieldApiName"))
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
    fields.change(field.name, **_changes(record, (*FLAGS, *TEXTS)))
    return Answer([{"name": field.name, "status": "updated"}])


def _changes(record: Members, members: Sequence[str]) -> dict[str, str | bool]:
    changes: dict[str, str | bool] = {}
    for member in members:
        if member in record and member in FLAGS:
            changes[FLAGS[member]] = as_flag(member, record[member])
        elif member in record:
            changes[TEXTS[member]] = as_text(member, record[member])
    return changes
