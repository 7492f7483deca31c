"""Smart lists: finding, copying and deleting users' lists, and reading those of programs and campaigns."""

from __future__ import annotations

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.families.asset_arguments import (
    UPDATED,
    asset_description,
    asset_name,
    described,
    found,
    updated_between,
)
from marketo_async.sandbox.families.folder_arguments import folder_filter, parent_folder
from marketo_async.sandbox.paging import offset_page
from marketo_async.sandbox.permissions import ASSET_READERS, ASSET_WRITERS
from marketo_async.sandbox.records.drafts import refused
from marketo_async.sandbox.records.folders import LEAD_DATABASE, MARKETING_ACTIVITIES
from marketo_async.sandbox.records.smart_lists import Filter, Rules, SmartList
from marketo_async.sandbox.routing import Routes

routes = Routes()


def _filter_row(item: Filter) -> Members:
    return {
        "id": item.id,
        "name": item.name,
        "ruleTypeId": item.rule_type_id,
        "ruleType": item.name,
        "operator": item.operator,
        "conditions": [
            {
                "activityAttributeId": item.rule_type_id * 10,
                "activityAttributeName": item.name,
                "operator": item.operator,
                "values": list(item.values),
                "isPrimary": True,
            }
        ],
    }


def _rules_row(rules: Rules) -> Members:
    return {
        "filterMatchType": rules.match,
        "triggers": list(rules.triggers),
        "filters": [_filter_row(item) for item in rules.filters],
    }


def _row(call: Call, smart_list: SmartList, *, rules: bool = False) -> Members:
    row: Members = {
        **described(smart_list),
        "url": f"https://app-sb.marketo.com/#SL{smart_list.id}A1",
        "folder": call.instance.folders.plain_reference(smart_list.folder),
        "workspace": smart_list.workspace,
    }
    return {**row, "rules": _rules_row(smart_list.rules)} if rules else row


def _with_rules(call: Call, smart_list: SmartList | None) -> Answer:
    if smart_list is None:
        return found([])
    return Answer([_row(call, smart_list, rules=bool(call.flag("includeRules")))])


@routes.get("/rest/asset/v1/smartLists.json", ASSET_READERS, optional=("folder", "offset", "maxReturn", *UPDATED))
def smart_lists(call: Call) -> Answer:
    """Answer the smart lists of a folder, or of all folders."""
    folder = folder_filter(call)
    kept = updated_between(call, call.instance.program_assets.smart_lists)
    return offset_page(call, [_row(call, one) for one in kept if folder is None or one.folder == folder])


@routes.get("/rest/asset/v1/smartList/{id}.json", ASSET_READERS, optional=("includeRules",))
def smart_list_by_id(call: Call) -> Answer:
    """Answer one smart list that a user made."""
    return _with_rules(call, call.instance.program_assets.smart_lists.find(call.path_id("id")))


@routes.get("/rest/asset/v1/smartList/byName.json", ASSET_READERS, required=("name",))
def smart_list_by_name(call: Call) -> Answer:
    """Answer the smart list of exactly this name."""
    name = call.text("name")
    return found([_row(call, one) for one in call.instance.program_assets.smart_lists if one.name == name])


@routes.get("/rest/asset/v1/program/{programId}/smartList.json", ASSET_READERS, optional=("includeRules",))
def smart_list_of_program(call: Call) -> Answer:
    """Answer the smart list of an email program; other programs have none."""
    program = call.instance.program_assets.programs.get(call.path_id("programId"))
    if program.type != "email":
        raise refused(f"Program '{program.name}' is not an email program")
    return _with_rules(call, program.smart_list)


@routes.get("/rest/asset/v1/smartCampaign/{id}/smartList.json", ASSET_READERS, optional=("includeRules",))
def smart_list_of_campaign(call: Call) -> Answer:
    """Answer the smart list of a smart campaign."""
    return _with_rules(call, call.instance.program_assets.campaigns.get(call.path_id("id")).smart_list)


@routes.post(
    "/rest/asset/v1/smartList/{id}/clone.json",
    ASSET_WRITERS,
    body=("folder", "name"),
    body_optional=("description",),
)
def clone_smart_list(call: Call) -> Answer:
    """Copy a smart list with its rules."""
    shelf = call.instance.program_assets.smart_lists
    original, name, description = shelf.get(call.path_id("id")), asset_name(call), asset_description(call)
    folder = parent_folder(call, roots=(LEAD_DATABASE, MARKETING_ACTIVITIES))
    return Answer([_row(call, shelf.clone(original, name, folder.key, description))])


@routes.post("/rest/asset/v1/smartList/{id}/delete.json", ASSET_WRITERS)
def delete_smart_list(call: Call) -> Answer:
    """Delete a smart list that a user made."""
    shelf = call.instance.program_assets.smart_lists
    smart_list = shelf.get(call.path_id("id"))
    shelf.drop(smart_list.id)
    return Answer([{"id": smart_list.id}])
