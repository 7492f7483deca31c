"""Opportunities with their fields, and the roles of leads in them."""

from __future__ import annotations

from collections.abc import Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.families.field_schema import field_page, one_field
from marketo_async.sandbox.families.object_records import PAGED, ObjectFamily
from marketo_async.sandbox.parameters import as_integer
from marketo_async.sandbox.permissions import FIELD_READERS, object_readers, object_writers
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import require_lead
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _check_sales_persons(instance: Instance, records: Sequence[Members]) -> None:
    # The code is for whole answers, so one such record fails the batch before anything is written.
    for record in records:
        sales_person = record.get("externalSalesPersonId")
        if sales_person in (None, ""):
            continue
        if not instance.objects.sales_persons.find(("externalSalesPersonId",), [(sales_person,)]):
            raise ApiError("718", f"Sales person '{sales_person}' not found")


def _check_name(_instance: Instance, record: Members) -> None:
    if record.get("name") is None:
        raise RecordError("1003", "'name' must not be empty")


def _check_parties(instance: Instance, record: Members) -> None:
    require_lead(instance, as_integer("leadId", record["leadId"]))
    opportunity = record["externalOpportunityId"]
    if not instance.objects.opportunities.find(("externalOpportunityId",), [(opportunity,)]):
        raise RecordError("1013", f"Opportunity '{opportunity}' not found")


OPPORTUNITIES = ObjectFamily(
    path="/rest/v1/opportunities",
    store=lambda call: call.instance.objects.opportunities,
    readers=object_readers("Opportunity"),
    writers=object_writers("Opportunity"),
    by_body=True,
    crm_managed=True,
    check_batch=_check_sales_persons,
    check_write=_check_name,
)
OPPORTUNITIES.serve(routes)
OPPORTUNITIES.describe(routes)

ROLES = ObjectFamily(
    path="/rest/v1/opportunities/roles",
    store=lambda call: call.instance.objects.opportunity_roles,
    readers=object_readers("Opportunity"),
    writers=object_writers("Opportunity"),
    by_body=True,
    crm_managed=True,
    check_write=_check_parties,
)
ROLES.serve(routes)
ROLES.describe(routes)


@routes.get("/rest/v1/opportunities/schema/fields.json", FIELD_READERS, optional=PAGED)
def opportunity_fields(call: Call) -> Answer:
    """Answer the metadata of all opportunity fields."""
    return field_page(call, call.instance.objects.opportunities.description.fields)


@routes.get("/rest/v1/opportunities/schema/fields/{fieldApiName}.json", FIELD_READERS)
def opportunity_field(call: Call) -> Answer:
    """Answer the metadata of one opportunity field."""
    return one_field(call, call.instance.objects.opportunities.description.fields)
