"""Smart campaigns as assets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from marketo_async import Marketo
from marketo_async.errors import ApiError
from marketo_async.models.assets import FolderId
from tests.families.conftest import Tell

EVENTS = FolderId(15)
BATCH, ACTIVE, INACTIVE = 4001, 4002, 4003


async def test_a_campaign_of_the_system_stands_in_no_folder(tell: Tell) -> None:
    row = {
        "id": 1001,
        "name": "Process Bounced Emails",
        "createdAt": "2016-09-10T23:16:19Z+0000",
        "status": "Never Run",
        "type": "batch",
        "recurrence": {"weekdayOnly": False, "weekdayMask": None, "startAt": "2024-01-02T03:04:05Z+0000"},
        "qualificationRuleType": "once",
        "smartListId": 1001,
        "flowId": 1001,
    }

    campaign = await tell(row).smart_campaigns.get(1001)

    assert campaign is not None
    assert (campaign.folder, campaign.parent_program_id, campaign.smart_list_id) == (None, None, 1001)
    assert campaign.recurrence is not None
    assert (campaign.recurrence.weekday_only, campaign.recurrence.weekday_mask) == (False, [])
    assert campaign.recurrence.start_at == datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)


async def test_campaigns_are_found(marketo: Marketo) -> None:
    every = await marketo.smart_campaigns.browse().all()
    active = await marketo.smart_campaigns.browse(is_active=True).all()
    named = await marketo.smart_campaigns.by_name("Newsletter")
    smart_list = await marketo.smart_campaigns.smart_list(BATCH, include_rules=True)

    assert {BATCH, ACTIVE, INACTIVE} <= {campaign.id for campaign in every}
    assert [campaign.id for campaign in active] == [ACTIVE]
    assert named is not None
    assert named.id == BATCH
    assert smart_list is not None
    assert smart_list.rules is not None
    assert smart_list.rules.filters
    assert await marketo.smart_campaigns.browse(latest_updated_at=datetime(2001, 1, 1, tzinfo=UTC)).all() == []


async def test_the_life_of_a_campaign(marketo: Marketo) -> None:
    made = await marketo.smart_campaigns.create("Thanks", EVENTS, description="d")
    changed = await marketo.smart_campaigns.update(made.id, name="Many thanks", description="")
    copy = await marketo.smart_campaigns.clone(made.id, "More thanks", EVENTS)
    await marketo.smart_campaigns.delete(made.id)

    assert (made.name, made.description) == ("Thanks", "d")
    assert (changed.name, changed.description or "") == ("Many thanks", "")
    assert copy.name == "More thanks"
    assert await marketo.smart_campaigns.get(made.id) is None


async def test_a_trigger_campaign_is_activated_and_deactivated(marketo: Marketo) -> None:
    await marketo.smart_campaigns.activate(INACTIVE)
    active = await marketo.smart_campaigns.get(INACTIVE)
    await marketo.smart_campaigns.deactivate(INACTIVE)

    assert active is not None
    assert active.is_active is True
    with pytest.raises(ApiError):
        await marketo.smart_campaigns.activate(BATCH)
