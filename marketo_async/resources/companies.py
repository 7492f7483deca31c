"""``marketo.companies``: the companies of leads. Read-only if a native CRM integration is enabled (1018)."""

from __future__ import annotations

from typing import TypeVar

from marketo_async.resources.record_mixins import ByFilter, DeleteRecords, Describe, FieldSchema, Identity, Sync

L = TypeVar("L")
M = TypeVar("M")


class Companies(ByFilter[L], Sync, DeleteRecords, Describe, FieldSchema):
    """Companies, identified by ``externalCompanyId`` or ``id``: ``dict`` records or your own Struct (``of``).

    A lead leaves its company only when it moves to another one. See
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/companies
    """

    name, root, area = "companies", "/rest/v1/companies", "Company"
    identity = Identity(("externalCompanyId",), "id")

    def of(self, model: type[M]) -> Companies[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return Companies(self._sender, model)
