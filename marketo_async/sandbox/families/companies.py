"""Companies and their fields."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer
from marketo_async.sandbox.families.field_schema import field_page, one_field
from marketo_async.sandbox.families.object_records import PAGED, ObjectFamily
from marketo_async.sandbox.permissions import FIELD_READERS, object_readers, object_writers
from marketo_async.sandbox.routing import Routes

routes = Routes()

COMPANIES = ObjectFamily(
    path="/rest/v1/companies",
    store=lambda call: call.instance.objects.companies,
    readers=object_readers("Company"),
    writers=object_writers("Company"),
    more_result=False,
    crm_managed=True,
)
COMPANIES.serve(routes)
COMPANIES.describe(routes)


@routes.get("/rest/v1/companies/schema/fields.json", FIELD_READERS, optional=PAGED)
def company_fields(call: Call) -> Answer:
    """Answer the metadata of all company fields."""
    return field_page(call, call.instance.objects.companies.description.fields)


@routes.get("/rest/v1/companies/schema/fields/{fieldApiName}.json", FIELD_READERS)
def company_field(call: Call) -> Answer:
    """Answer the metadata of one company field."""
    return one_field(call, call.instance.objects.companies.description.fields)
