"""Smart lists, and static lists as assets."""

from __future__ import annotations

import pytest

from marketo_async import Marketo
from marketo_async.errors import ApiError
from marketo_async.models.assets import FolderId
from tests.families.conftest import Tell

GROUP_LISTS, GROUP_SMART_LISTS = FolderId(20), FolderId(11)
ENGAGED = 6001
RULES = {
    "filterMatchType": "all",
    "triggers": [],
    "filters": [
        {
            "id": 459,
            "name": "Visited Web Page",
            "ruleTypeId": 1,
            "ruleType": "Activity",
            "operator": "occurs",
            "conditions": [
                {
                    "activityAttributeId": -101,
                    "activityAttributeName": "Date of Activity",
                    "operator": "in past",
                    "values": ["30 days"],
                    "isPrimary": False,
                }
            ],
        }
    ],
}


async def test_rules_are_read(tell: Tell) -> None:
    row = {"id": 4363, "name": "Visitors", "folder": {"id": 1041, "type": "Program"}, "workspace": "Default"}
    bare = await tell(row).smart_lists.get(4363)
    found = await tell({**row, "rules": RULES}).smart_lists.get(4363, include_rules=True)

    assert bare is not None
    assert bare.rules is None
    assert found is not None
    assert found.rules is not None
    assert found.rules.filter_match_type == "all"
    [condition] = found.rules.filters[0].conditions
    assert (condition.activity_attribute_id, condition.values) == (-101, ["30 days"])
    assert found.folder is not None
    assert found.folder.number == 1041


async def test_smart_lists_are_found_copied_and_deleted(marketo: Marketo) -> None:
    listed = await marketo.smart_lists.browse(folder=GROUP_SMART_LISTS).all()
    named = await marketo.smart_lists.by_name("Engaged Leads")
    copy = await marketo.smart_lists.clone(ENGAGED, "Engaged again", GROUP_SMART_LISTS, description="d")
    rules = [await marketo.smart_lists.get(number, include_rules=True) for number in (ENGAGED, copy.id)]
    await marketo.smart_lists.delete(copy.id)

    assert ENGAGED in [found.id for found in listed]
    assert named is not None
    assert named.id == ENGAGED
    assert all(found is not None and found.rules is not None for found in rules)
    assert await marketo.smart_lists.get(copy.id) is None


async def test_a_static_list_has_no_url_but_a_computed_one(tell: Tell) -> None:
    row = {
        "id": 1021,
        "name": "Seeds",
        "folder": {"id": 13, "type": "Folder"},
        "computedUrl": "https://app.example/#ST",
    }

    found = await tell(row).static_lists.get(1021)

    assert found is not None
    assert (found.computed_url, found.url, found.description) == ("https://app.example/#ST", None, None)


async def test_the_life_of_a_static_list(marketo: Marketo) -> None:
    made = await marketo.static_lists.create("Seeds", GROUP_LISTS, description="d")
    changed = await marketo.static_lists.update(made.id, name="More seeds")
    named = await marketo.static_lists.by_name("More seeds")
    listed = await marketo.static_lists.browse(folder=GROUP_LISTS).all()
    with pytest.raises(ApiError, match="709"):
        await marketo.static_lists.create("More seeds", GROUP_LISTS)
    await marketo.static_lists.delete(made.id)

    assert (changed.name, changed.description) == ("More seeds", "d")
    assert named is not None
    assert named.id == made.id
    assert made.id in [found.id for found in listed]
    assert await marketo.static_lists.get(made.id) is None
