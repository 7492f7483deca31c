"""``marketo.smart_campaigns``: smart campaigns as assets. See ``campaigns`` to run them."""

from __future__ import annotations

from datetime import datetime

from marketo_async.models.assets import AssetId, FolderId
from marketo_async.models.smart_campaigns import SmartCampaign
from marketo_async.models.smart_lists import SmartList
from marketo_async.operation import Page, Paging, Plan, Repeat, first, one, page
from marketo_async.resources.descriptors import endpoint, paged
from marketo_async.resources.mixins import ByName, Clone, Create, DeleteAsset, Get, Update, as_json, distinct


class SmartCampaigns(
    Get[SmartCampaign],
    ByName[SmartCampaign],
    Create[SmartCampaign],
    Update[SmartCampaign],
    Clone[SmartCampaign],
    DeleteAsset,
):
    """Smart campaigns; their flows can be neither read nor written.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/assets/smart-campaigns
    """

    name, area, root = "smart_campaigns", "Assets", "/rest/asset/v1/smartCampaign"
    model = SmartCampaign

    @paged("{root}s.json", rule=Paging.OFFSET)
    def browse(
        self,
        *,
        folder: FolderId | None = None,
        is_active: bool | None = None,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        token: str | None = None,
    ) -> Plan[Page[SmartCampaign]]:
        """Iterate smart campaigns; ``is_active`` finds active trigger campaigns only."""
        query = {
            "folder": as_json(folder),
            "isActive": is_active,
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
        }
        return page(SmartCampaign, query=query, token=token, sift=distinct(SmartCampaign))

    @endpoint("GET", "{root}/{id}/smartList.json")
    def smart_list(self, id: int, *, include_rules: bool | None = None) -> Plan[SmartList | None]:
        """Return the smart list of a campaign, with its rules on request."""
        return first(SmartList, path={"id": id}, query={"includeRules": include_rules})

    @endpoint("POST", "{root}/{id}/activate.json", needs=("Activate Campaign",), repeat=Repeat.SETTLES)
    def activate(self, id: int) -> Plan[AssetId]:
        """Activate a trigger campaign; it needs at least one trigger and one flow step, and no errors."""
        return one(AssetId, path={"id": id})

    @endpoint("POST", "{root}/{id}/deactivate.json", needs=("Deactivate Campaign",), repeat=Repeat.SETTLES)
    def deactivate(self, id: int) -> Plan[AssetId]:
        """Deactivate a trigger campaign that is active."""
        return one(AssetId, path={"id": id})
