"""Named accounts and their fields."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.field_schema import field_page, one_field
from marketo_async.sandbox.families.object_records import PAGED, ObjectFamily
from marketo_async.sandbox.permissions import FIELD_READERS, object_readers, object_writers
from marketo_async.sandbox.routing import Routes

routes = Routes()

NAMED_ACCOUNTS = ObjectFamily(
    path="/rest/v1/namedaccounts",
    store=lambda call: call.instance.objects.named_accounts,
    readers=object_readers("Named Account"),
    writers=object_writers("Named Account"),
)
NAMED_ACCOUNTS.serve(routes)
NAMED_ACCOUNTS.describe(routes)


@routes.get("/rest/v1/namedaccounts/schema/fields.json", FIELD_READERS, optional=PAGED)
def named_account_fields(call: Call) -> Answer:
    """Answer the metadata of all named account fields."""
    return field_page(call, call.instance.objects.named_accounts.description.fields)


@routes.get("/rest/v1/namedaccounts/schema/fields/{fieldApiName}.json", FIELD_READERS)
def named_account_field(call: Call) -> Answer:
    """Answer the metadata of one named account field."""
    return one_field(call, call.instance.objects.named_accounts.description.fields)
