"""``marketo.companies``: the companies that leads belong to. Read-only where a native CRM integration is on (1018)."""

from __future__ import annotations

from typing import TypeVar

from marketo_async.resources.record_mixins import ByFilter, DeleteRecords, Describe, FieldSchema, Identity, Sync

L = TypeVar("L")
M = TypeVar("M")


class Companies(ByFilter[L], Sync, DeleteRecords, Describe, FieldSchema):
    """Companies, known by ``externalCompanyId`` or ``id``: ``dict`` records or your own Struct (``of``).

    A lead leaves its company only by being put into another one.
    """

    name, root, area = "companies", "/rest/v1/companies", "Company"
    identity = Identity(("externalCompanyId",), "id")

    def of(self, model: type[M]) -> Companies[M]:
        """Return the same family with records as instances of ``model``, a Struct; only its fields are asked for."""
        return Companies(self._sender, model)
