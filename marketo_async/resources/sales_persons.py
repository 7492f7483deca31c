"""``marketo.sales_persons``: who sells; leads, opportunities and companies name them."""

from __future__ import annotations

from typing import TypeVar

from marketo_async.resources.record_mixins import ByFilter, DeleteRecords, Describe, Identity, Sync

L = TypeVar("L")
M = TypeVar("M")


class SalesPersons(ByFilter[L], Sync, DeleteRecords, Describe):
    """Sales persons, known by ``externalSalesPersonId`` or ``id``; one who is in use is skipped by ``delete``."""

    name, root, area = "sales_persons", "/rest/v1/salespersons", "Sales Person"
    identity = Identity(("externalSalesPersonId",), "id")

    def of(self, model: type[M]) -> SalesPersons[M]:
        """Return the same family with records as instances of ``model``, a Struct; only its fields are asked for."""
        return SalesPersons(self._sender, model)
