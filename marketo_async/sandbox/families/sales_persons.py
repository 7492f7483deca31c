"""Sales persons, the owners of leads, opportunities and companies."""

from __future__ import annotations

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import RecordError
from marketo_async.sandbox.families.object_records import ObjectFamily
from marketo_async.sandbox.permissions import object_readers, object_writers
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _check_unused(instance: Instance, record: Members) -> None:
    if instance.leads.find("externalSalesPersonId", [record["externalSalesPersonId"]]):
        raise RecordError("1022", "Sales person has active leads")


SALES_PERSONS = ObjectFamily(
    path="/rest/v1/salespersons",
    store=lambda call: call.instance.objects.sales_persons,
    readers=object_readers("Sales Person"),
    writers=object_writers("Sales Person"),
    crm_managed=True,
    check_delete=_check_unused,
)
SALES_PERSONS.serve(routes)
SALES_PERSONS.describe(routes)
