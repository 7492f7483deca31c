"""``marketo.campaigns``: run batch and trigger campaigns. See ``smart_campaigns`` for campaigns as assets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from msgspec import Raw

from marketo_async.models.assets import AssetId
from marketo_async.models.campaigns import Campaign
from marketo_async.models.moment import to_datetime
from marketo_async.operation import Page, Plan, one, page
from marketo_async.resources.arguments import drop_none, page_size, within
from marketo_async.resources.base import Resource
from marketo_async.resources.batches import Ids, of_ids
from marketo_async.resources.descriptors import endpoint, paged, written
from marketo_async.writes import Batches

_MOST = 100  # leads, and tokens, in one call
_EXECUTE = ("Execute Campaign",)


class Campaigns(Resource):
    """Campaigns by their id. Running one needs the permission Execute Campaign; activities show its effects.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns
    """

    name, area = "campaigns", "Campaign"

    @paged("/rest/v1/campaigns.json")
    def browse(
        self,
        *,
        ids: Iterable[int] | None = None,
        names: Iterable[str] | None = None,
        program_names: Iterable[str] | None = None,
        workspace_names: Iterable[str] | None = None,
        is_triggerable: bool | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Plan[Page[Campaign]]:
        """Iterate the campaigns, or those with one of the given ids, names, programs or workspaces.

        ``is_triggerable`` keeps the campaigns that ``request`` can run.
        """
        query = {
            "id": None if ids is None else within("ids", ids),
            "name": None if names is None else within("names", names),
            "programName": None if program_names is None else within("program_names", program_names),
            "workspaceName": None if workspace_names is None else within("workspace_names", workspace_names),
            "isTriggerable": is_triggerable,
            "batchSize": page_size(batch_size),
        }
        return page(Campaign, query=query, token=token)

    @endpoint("GET", "/rest/v1/campaigns/{campaignId}.json")
    def get(self, campaign_id: int) -> Plan[Campaign]:
        """Return one campaign; raises `NotFound` (1013) if it does not exist."""
        return one(Campaign, path={"campaignId": campaign_id})

    @written("POST", "/rest/v1/campaigns/{campaignId}/trigger.json", needs=_EXECUTE)
    def request(self, campaign_id: int, lead_ids: Ids, *, tokens: Mapping[str, str] | None = None) -> Batches[int]:
        """Run any number of leads through an active trigger campaign, 100 a call; each result is ``requested``.

        The campaign's trigger must be "Campaign is Requested" with the source Web Service API (1003 otherwise).
        ``tokens`` maps at most 100 names like ``{{my.name}}`` to values for this run. If the response to a call is
        lost, the call is not retried, so that no lead gets an email twice; its leads are ``unknown``. A lead that is
        named twice runs twice.
        """
        values = drop_none({"tokens": _tokens(tokens)})

        def plan(ids: Raw) -> Plan[AssetId]:
            return one(AssetId, path={"campaignId": campaign_id}, json={"input": {"leads": ids, **values}})

        return of_ids("lead_ids", lead_ids, plan, scope=None, most=_MOST, success_status="requested")

    @endpoint("POST", "/rest/v1/campaigns/{campaignId}/schedule.json", needs=_EXECUTE)
    def schedule(
        self,
        campaign_id: int,
        *,
        run_at: datetime | None = None,
        clone_to_program_name: str | None = None,
        tokens: Mapping[str, str] | None = None,
    ) -> Plan[AssetId]:
        """Schedule a batch campaign, in five minutes unless ``run_at`` is given; never retried automatically.

        ``run_at`` is at least 5 minutes and at most two years ahead (1042). ``clone_to_program_name`` copies the
        program first and runs the campaign of the copy, at most 20 times a day (1020).
        """
        when = None if run_at is None else to_datetime(run_at, name="run_at").replace(microsecond=0)
        body = drop_none({"runAt": when, "cloneToProgramName": clone_to_program_name, "tokens": _tokens(tokens)})
        return one(AssetId, path={"campaignId": campaign_id}, json={"input": body})


def _tokens(tokens: Mapping[str, str] | None) -> list[dict[str, str]] | None:
    if tokens is None:
        return None
    return [{"name": name, "value": value} for name, value in within("tokens", tokens.items(), _MOST)]
