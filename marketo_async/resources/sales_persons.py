"""``marketo.sales_persons``: sales persons; leads, opportunities and companies refer to them."""

from __future__ import annotations

from typing import TypeVar

from marketo_async.resources.record_mixins import ByFilter, DeleteRecords, Describe, Identity, Sync

L = TypeVar("L")
M = TypeVar("M")


class SalesPersons(ByFilter[L], Sync, DeleteRecords, Describe):
    """Sales persons, identified by ``externalSalesPersonId`` or ``id``; ``delete`` skips one that is in use.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/sales-persons
    """

    name, root, area = "sales_persons", "/rest/v1/salespersons", "Sales Person"
    identity = Identity(("externalSalesPersonId",), "id")

    def of(self, model: type[M]) -> SalesPersons[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return SalesPersons(self._sender, model)
