"""Smart campaigns as assets: finding, creating, changing, copying, deleting, activating and deactivating them.

See ``campaigns`` for running them and ``smart_lists`` for their smart lists.
"""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import (
    UPDATED,
    asset_description,
    asset_name,
    described,
    found,
    new_name_and_description,
    updated_between,
)
from marketo_async.sandbox.families.folder_arguments import folder_filter, parent_folder
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.permissions import (
    ASSET_READERS,
    ASSET_WRITERS,
    CAMPAIGN_ACTIVATORS,
    CAMPAIGN_DEACTIVATORS,
)
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.folders import MARKETING_ACTIVITIES
from marketo_async.sandbox.records.programs import SmartCampaign
from marketo_async.sandbox.routing import Routes

routes = Routes()

_NO_RECURRENCE: Members = {
    **dict.fromkeys(("startAt", "endAt", "intervalType", "interval")),
    "weekdayOnly": False,
    "weekdayMask": [],
    **dict.fromkeys(("dayOfMonth", "dayOfWeek", "weekOfMonth")),
}


def _row(call: Call, campaign: SmartCampaign) -> Members:
    row: Members = {
        **described(campaign),
        "type": campaign.type,
        "isSystem": False,
        "isActive": campaign.is_active,
        "isRequestable": campaign.is_requestable,
        "isCommunicationLimitEnabled": False,
        "recurrence": _NO_RECURRENCE,
        "qualificationRuleType": "once",
        "qualificationRuleInterval": None,
        "qualificationRuleUnit": None,
        "maxMembers": None,
        "smartListId": campaign.smart_list.id,
        "flowId": campaign.flow_id,
        "status": campaign.status,
        "folder": call.instance.folders.plain_reference(campaign.folder),
        "computedUrl": f"https://app-sb.marketo.com/#SC{campaign.id}A1",
        "workspace": campaign.workspace,
    }
    program_id = call.instance.folders.program(campaign.folder)
    return row if program_id is None else {**row, "parentProgramId": program_id}


@routes.get(
    "/rest/asset/v1/smartCampaigns.json",
    ASSET_READERS,
    optional=("maxReturn", "offset", "folder", "isActive", *UPDATED),
)
def smart_campaigns(call: Call) -> Answer:
    """Answer the smart campaigns that match all filters; only trigger campaigns can be active."""
    folder, active = folder_filter(call), call.flag("isActive")
    kept = updated_between(call, call.instance.program_assets.campaigns)
    return offset_page(
        call,
        [
            _row(call, campaign)
            for campaign in kept
            if (folder is None or campaign.folder == folder) and (active is None or campaign.is_active is active)
        ],
    )


@routes.get("/rest/asset/v1/smartCampaign/{id}.json", ASSET_READERS)
def smart_campaign_by_id(call: Call) -> Answer:
    """Answer one smart campaign."""
    campaign = call.instance.program_assets.campaigns.find(call.path_id("id"))
    return found([] if campaign is None else [_row(call, campaign)])


@routes.get("/rest/asset/v1/smartCampaign/byName.json", ASSET_READERS, required=("name",))
def smart_campaign_by_name(call: Call) -> Answer:
    """Answer the smart campaign of exactly this name."""
    name = call.text("name")
    return found([_row(call, one) for one in call.instance.program_assets.campaigns if one.name == name])


@routes.post(
    "/rest/asset/v1/smartCampaigns.json", ASSET_WRITERS, body=("folder", "name"), body_optional=("description",)
)
def create_smart_campaign(call: Call) -> Answer:
    """Create a smart campaign without rules and flow, which only Marketo's user interface can add."""
    name, description = asset_name(call), asset_description(call) or ""
    folder = parent_folder(call, roots=(MARKETING_ACTIVITIES,))

    def made(new_id: int, now: float) -> SmartCampaign:
        return SmartCampaign(
            new_id,
            name,
            now,
            folder=folder.key,
            updated_at=now,
            description=description,
            workspace=folder.workspace,
        )

    return Answer([_row(call, call.instance.program_assets.campaigns.add(name, folder.key, made))])


@routes.post(
    "/rest/asset/v1/smartCampaign/{id}.json",
    ASSET_WRITERS,
    body_optional=("description", "name"),
    also_json=True,
)
def update_smart_campaign(call: Call) -> Answer:
    """Change name and description, given as a form or, as in the model, as JSON."""
    shelf = call.instance.program_assets.campaigns
    campaign = shelf.get(call.path_id("id"))
    shelf.describe(campaign, *new_name_and_description(call))
    return Answer([_row(call, campaign)])


@routes.post(
    "/rest/asset/v1/smartCampaign/{id}/clone.json",
    ASSET_WRITERS,
    body=("folder", "name"),
    body_optional=("description", "isExecutable"),
)
def clone_smart_campaign(call: Call) -> Answer:
    """Copy a smart campaign with its rules and flow; the copy is not active."""
    shelf = call.instance.program_assets.campaigns
    original, name, description = shelf.get(call.path_id("id")), asset_name(call), asset_description(call)
    call.body_flag("isExecutable")
    folder = parent_folder(call, roots=(MARKETING_ACTIVITIES,))
    return Answer([_row(call, shelf.clone(original, name, folder.key, description))])


@routes.post("/rest/asset/v1/smartCampaign/{id}/delete.json", ASSET_WRITERS)
def delete_smart_campaign(call: Call) -> Answer:
    """Delete a smart campaign."""
    shelf = call.instance.program_assets.campaigns
    campaign = shelf.get(call.path_id("id"))
    shelf.drop(campaign.id)
    return Answer([{"id": campaign.id}])


@routes.post("/rest/asset/v1/smartCampaign/{id}/activate.json", CAMPAIGN_ACTIVATORS)
def activate_smart_campaign(call: Call) -> Answer:
    """Activate a smart campaign that has a trigger and a step in its flow."""
    campaign = call.instance.program_assets.campaigns.get(call.path_id("id"))
    if campaign.is_active:
        raise refused(f"Smart Campaign '{campaign.name}' is active already")
    if not campaign.rules.triggers:
        raise refused(f"Smart Campaign '{campaign.name}' has no trigger")
    if not campaign.flow_steps:
        raise refused(f"Smart Campaign '{campaign.name}' has no flow step")
    return _switched(call, campaign, active=True)


@routes.post("/rest/asset/v1/smartCampaign/{id}/deactivate.json", CAMPAIGN_DEACTIVATORS)
def deactivate_smart_campaign(call: Call) -> Answer:
    """Deactivate a smart campaign that is active."""
    campaign = call.instance.program_assets.campaigns.get(call.path_id("id"))
    if not campaign.is_active:
        raise refused(f"Smart Campaign '{campaign.name}' is not active")
    return _switched(call, campaign, active=False)


def _switched(call: Call, campaign: SmartCampaign, *, active: bool) -> Answer:
    campaign.is_active, campaign.updated_at = active, call.instance.clock.time()
    return Answer([{"id": campaign.id}])
