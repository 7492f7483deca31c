"""The schema operations on the fields of program members."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.field_schema import create_fields, field_page, one_field, update_field
from marketo_async.sandbox.permissions import FIELD_CREATORS, FIELD_READERS, FIELD_WRITERS
from marketo_async.sandbox.routing import Routes

MOST_CREATED = 20
FIELDS = "/rest/v1/programs/members/schema/fields"

routes = Routes()


@routes.get(f"{FIELDS}.json", FIELD_READERS, optional=("batchSize", "nextPageToken"))
def member_fields(call: Call) -> Answer:
    """Answer the metadata of all program member fields."""
    return field_page(call, call.instance.member_fields)


@routes.get(f"{FIELDS}/{{fieldApiName}}.json", FIELD_READERS)
def member_field(call: Call) -> Answer:
    """Answer the metadata of one program member field."""
    return one_field(call, call.instance.member_fields)


@routes.post(f"{FIELDS}.json", FIELD_CREATORS, body=("input",))
def create_member_fields(call: Call) -> Answer:
    """Create custom program member fields."""
    return create_fields(call, call.instance.member_fields, MOST_CREATED)


@routes.post(f"{FIELDS}/{{fieldApiName}}.json", FIELD_WRITERS, body=("input",))
def update_member_field(call: Call) -> Answer:
    """Change the metadata of one program member field."""
    return update_field(call, call.instance.member_fields)
