"""Campaigns in the lead database: finding them, sending leads into them, and scheduling them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_integer, as_moment, as_object, as_objects, as_text, wrong_type
from marketo_async.sandbox.permissions import CAMPAIGN_READERS, CAMPAIGN_RUNNERS
from marketo_async.sandbox.records.activity_log import Attribute
from marketo_async.sandbox.records.activity_types import REQUEST_CAMPAIGN
from marketo_async.sandbox.records.campaign_runs import CampaignRun
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import API, require_lead
from marketo_async.sandbox.records.programs import Program, SmartCampaign
from marketo_async.sandbox.routing import Routes

MOST_LEADS = 100
MOST_TOKENS = 100
LEAST_AHEAD = 300.0
MOST_AHEAD = 2 * 366 * 86_400.0
CANNOT_BE_CLONED = frozenset({"Static List"})

_MY_TOKEN = re.compile(r"\{\{my\..+\}\}")

routes = Routes()


def _program(instance: Instance, campaign: SmartCampaign) -> Program | None:
    return instance.programs.get(instance.folders.program(campaign.folder) or 0)


def _row(instance: Instance, campaign: SmartCampaign) -> Members:
    row: Members = {
        "id": campaign.id,
        "name": campaign.name,
        "description": campaign.description,
        # The older model has only these two of the asset types.
        "type": "trigger" if campaign.type == "trigger" else "batch",
        "workspaceName": campaign.workspace,
        "createdAt": iso(campaign.created_at),
        "updatedAt": iso(campaign.updated_at),
        "active": campaign.is_active,
    }
    program = _program(instance, campaign)
    return row if program is None else {**row, "programId": program.id, "programName": program.name}


@routes.get(
    "/rest/v1/campaigns.json",
    CAMPAIGN_READERS,
    optional=("id", "name", "programName", "workspaceName", "batchSize", "nextPageToken", "isTriggerable"),
)
def campaigns(call: Call) -> Answer:
    """Answer the campaigns that match every given filter, in the model without moreResult."""
    ids, names = call.integers("id"), call.many("name")
    programs, workspaces = call.many("programName"), call.many("workspaceName")
    triggerable = call.flag("isTriggerable")
    found = {
        campaign.id: _row(call.instance, campaign)
        for campaign in call.instance.campaigns.values()
        if (not ids or campaign.id in ids)
        and (not names or campaign.name in names)
        and (not workspaces or campaign.workspace in workspaces)
        and (triggerable is None or campaign.is_requestable is triggerable)
    }
    shown = [key for key, row in found.items() if not programs or row.get("programName") in programs]

    def rows(page: Sequence[int]) -> list[Members]:
        return [found[campaign_id] for campaign_id in page]

    return position_page(call, sorted(shown), rows, more_result=False)


def _campaign(call: Call) -> SmartCampaign:
    campaign = call.instance.campaigns.get(call.path_id("campaignId"))
    if campaign is None:
        raise ApiError("1013", "Campaign not found")
    return campaign


@routes.get("/rest/v1/campaigns/{campaignId}.json", CAMPAIGN_READERS)
def campaign_by_id(call: Call) -> Answer:
    """Answer one campaign."""
    return Answer([_row(call.instance, _campaign(call))])


@routes.post("/rest/v1/campaigns/{campaignId}/trigger.json", CAMPAIGN_RUNNERS, body=("input",))
def trigger(call: Call) -> Answer:
    """Send leads into a requestable trigger campaign, all of them or none."""
    campaign, instance = _campaign(call), call.instance
    if campaign.type != "trigger":
        raise ApiError("1003", f"Campaign '{campaign.id}' is not a trigger campaign")
    if not campaign.is_requestable:
        raise ApiError("1003", f"Campaign '{campaign.id}' is not active or not triggered by a request of the API")
    data = as_object("input", call.member("input"))
    lead_ids, tokens = _lead_ids(data), _tokens(data)
    try:
        for lead_id in lead_ids:
            require_lead(instance, lead_id)
    except RecordError as error:
        raise ApiError(error.code, error.message) from None
    now = instance.clock.time()
    for lead_id in lead_ids:
        campaign.members[lead_id] = now
        instance.activities.add(
            lead_id,
            REQUEST_CAMPAIGN,
            (campaign.id, campaign.name),
            (Attribute("Source", API),),
            campaign_id=campaign.id,
        )
    instance.campaign_runs.runs.append(CampaignRun(campaign.id, now, lead_ids, tokens))
    return Answer([{"id": campaign.id}])


def _lead_ids(data: Members) -> tuple[int, ...]:
    leads = data.get("leads")
    if not isinstance(leads, list):
        raise wrong_type("leads", "array")
    if not 0 < len(leads) <= MOST_LEADS:
        raise ApiError("1003", f"'leads' must hold between 1 and {MOST_LEADS} leads")
    # Samples in the documentation send objects; its text has plain numbers.
    return tuple(as_integer("id", lead.get("id") if isinstance(lead, dict) else lead) for lead in leads)


def _tokens(data: Members) -> dict[str, str]:
    tokens = as_objects("tokens", data.get("tokens") or [])
    if len(tokens) > MOST_TOKENS:
        raise ApiError("1003", f"'tokens' exceeds the maximum of {MOST_TOKENS} tokens")
    named = {as_text("name", token.get("name")): as_text("value", token.get("value")) for token in tokens}
    for name in named:
        if not _MY_TOKEN.fullmatch(name):
            raise ApiError("1003", f"Invalid token name '{name}'")
    return named


@routes.post("/rest/v1/campaigns/{campaignId}/schedule.json", CAMPAIGN_RUNNERS, body_optional=("input",))
def schedule(call: Call) -> Answer:
    """Schedule a batch campaign, or its copy in a clone of its program made for this run."""
    campaign, instance = _campaign(call), call.instance
    if campaign.type == "trigger":
        raise ApiError("1003", f"Campaign '{campaign.id}' is not a batch campaign")
    given = call.member("input")
    data: Members = {} if given is None else as_object("input", given)
    now = instance.clock.time()
    run_at = now + LEAST_AHEAD
    if data.get("runAt") is not None:
        run_at = as_moment("runAt", data["runAt"])
        if run_at > now + MOST_AHEAD:
            raise ApiError("1042", "'runAt' must not be more than two years ahead")
        if run_at < now + LEAST_AHEAD:
            raise ApiError("1003", "'runAt' must be at least five minutes ahead")
    tokens = _tokens(data)
    name = data.get("cloneToProgramName", data.get("cloneToProgram"))
    if name is not None:
        campaign = _cloned(instance, campaign, as_text("cloneToProgramName", name), now)
    instance.campaign_runs.runs.append(CampaignRun(campaign.id, run_at, tokens=tokens))
    return Answer([{"id": campaign.id}])


def _cloned(instance: Instance, campaign: SmartCampaign, name: str, now: float) -> SmartCampaign:
    """Clone the program of a campaign with its contents, and return the clone's campaign."""
    program, assets = _program(instance, campaign), instance.program_assets
    if program is None:
        raise ApiError("1003", f"Campaign '{campaign.id}' is in no program that could be cloned")
    instance.campaign_runs.check_clones(now)
    place = (program.id, "Program")
    held = instance.folders.contents(place)
    if any(kind in CANNOT_BE_CLONED for kind, _ in held):
        raise ApiError("709", f"Program '{program.name}' holds assets that cannot be cloned")
    clone = assets.programs.clone(program, name, program.folder)
    copied = (clone.id, "Program")
    for shelf in instance.folders.shelves:
        for asset_id in shelf.inside(place):
            shelf.copy_to(copied, asset_id)
    instance.campaign_runs.count_clone(now)
    return next(copy for copy in assets.campaigns if copy.folder == copied and copy.name == campaign.name)
