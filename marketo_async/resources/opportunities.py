"""``marketo.opportunities`` and ``marketo.opportunity_roles``: what may be sold, and who has a part in it.

Read-only where a native CRM integration is on (1018).
"""

from __future__ import annotations

from typing import TypeVar

from marketo_async.resources.record_mixins import ByKey, DeleteRecords, Describe, FieldSchema, Identity, Sync

L = TypeVar("L")
M = TypeVar("M")


class Opportunities(ByKey[L], Sync, DeleteRecords, Describe, FieldSchema):
    """Opportunities, known by ``externalOpportunityId`` or ``marketoGUID``; their name must not be null."""

    name, root, area = "opportunities", "/rest/v1/opportunities", "Opportunity"
    identity = Identity(("externalOpportunityId",))

    def of(self, model: type[M]) -> Opportunities[M]:
        """Return the same family with records as instances of ``model``, a Struct; only its fields are asked for."""
        return Opportunities(self._sender, model)


class OpportunityRoles(ByKey[L], Sync, DeleteRecords, Describe):
    """Roles, known by ``externalOpportunityId``, ``leadId`` and ``role`` together (``by_key``), or ``marketoGUID``.

    Both the lead and the opportunity must exist.
    """

    name, root, area = "opportunity_roles", "/rest/v1/opportunities/roles", "Opportunity"
    identity = Identity(("externalOpportunityId", "leadId", "role"))

    def of(self, model: type[M]) -> OpportunityRoles[M]:
        """Return the same family with records as instances of ``model``, a Struct; only its fields are asked for."""
        return OpportunityRoles(self._sender, model)
