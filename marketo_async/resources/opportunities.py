"""``marketo.opportunities`` and ``marketo.opportunity_roles``: possible sales, and the leads with a role in them.

Read-only if a native CRM integration is enabled (1018).
"""

from __future__ import annotations

from typing import TypeVar

from marketo_async.resources.record_mixins import ByKey, DeleteRecords, Describe, FieldSchema, Identity, Sync

L = TypeVar("L")
M = TypeVar("M")


class Opportunities(ByKey[L], Sync, DeleteRecords, Describe, FieldSchema):
    """Opportunities, identified by ``externalOpportunityId`` or ``marketoGUID``; their name must not be null.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/opportunities
    """

    name, root, area = "opportunities", "/rest/v1/opportunities", "Opportunity"
    identity = Identity(("externalOpportunityId",))

    def of(self, model: type[M]) -> Opportunities[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return Opportunities(self._sender, model)


class OpportunityRoles(ByKey[L], Sync, DeleteRecords, Describe):
    """Roles, identified by ``externalOpportunityId``, ``leadId`` and ``role`` (``by_key``), or by ``marketoGUID``.

    The lead and the opportunity must exist. See
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/opportunity-roles
    """

    name, root, area = "opportunity_roles", "/rest/v1/opportunities/roles", "Opportunity"
    identity = Identity(("externalOpportunityId", "leadId", "role"))

    def of(self, model: type[M]) -> OpportunityRoles[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return OpportunityRoles(self._sender, model)
