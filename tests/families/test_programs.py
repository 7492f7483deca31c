"""Programs, and what they are made of: channels, tags and costs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from marketo_async import Marketo
from marketo_async.errors import ApiError, InvalidRequest
from marketo_async.models.assets import FolderId
from marketo_async.models.programs import NewCost, ProgramTag
from marketo_async.models.tags import TagType
from marketo_async.operation import Repeat
from marketo_async.resources import Programs
from tests.families.conftest import Tell

EVENTS = FolderId(15)
WEBINAR = 2001
PROGRAM = {
    "id": 1107,
    "name": "A program",
    "description": "",
    "createdAt": "2015-05-21T22:45:13Z+0000",
    "updatedAt": "2015-05-21T22:45:13Z+0000",
    "url": "https://app.example/#PG1107A1",
    "type": "Default",
    "channel": "Online Advertising",
    "folder": {"type": "Folder", "value": 1910, "folderName": "Tests"},
    "status": "",
    "workspace": "Default",
    "headStart": False,
}


async def test_a_program_tells_of_tags_and_costs_or_does_not(tell: Tell) -> None:
    cost = {"startDate": "2015-01-01", "cost": 2000}
    tags = [{"tagType": "Region", "tagValue": "North"}]
    told = await tell({**PROGRAM, "tags": tags, "costs": [cost]}).programs.get(1107)
    none = await tell({**PROGRAM, "tags": [], "costs": None}).programs.by_name("A program", include_tags=True)
    [browsed] = await tell(PROGRAM).programs.browse().all()

    assert told is not None
    assert none is not None
    assert told.tags == [ProgramTag("Region", "North")]
    assert told.costs is not None
    assert (told.costs[0].start_date, told.costs[0].cost) == (datetime(2015, 1, 1, tzinfo=UTC), 2000)
    assert (none.tags, none.costs) == ([], None)
    assert (browsed.tags, browsed.costs, browsed.head_start, browsed.status) == (None, None, False, "")
    assert browsed.folder is not None
    assert (browsed.folder.number, browsed.folder.folder_name) == (1910, "Tests")


def test_tag_types_hold_lists_that_are_no_json() -> None:
    tag = TagType(tag_type="Region", applicable_program_types="[program,event]", allowable_values="[AMER, Far East]")

    assert tag.program_types == ["program", "event"]
    assert tag.values == ["AMER", "Far East"]
    assert TagType(tag_type="Free", allowable_values="[]").values == []
    assert TagType(tag_type="Free").values == []


def test_costs_that_are_added_are_added_once() -> None:
    costs = [NewCost(start_date=date(2024, 1, 1), cost=1)]

    def repeat(**arguments: object) -> Repeat | None:
        return Programs.update.planner(Programs(None), 7, **arguments).repeat  # type: ignore[arg-type, no-any-return]

    assert repeat(costs=costs) is Repeat.NEVER
    assert repeat(costs=costs, costs_destructive_update=True) is None
    assert repeat(costs_destructive_update=True) is None
    assert repeat(name="b") is None


def test_dates_of_email_programs_are_in_utc_to_the_millisecond() -> None:
    start = datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))

    plan = Programs.update.planner(Programs(None), 7, start_date=start)  # type: ignore[arg-type]

    assert plan.form["startDate"] == "2024-01-02T01:04:05.000Z"
    with pytest.raises(InvalidRequest, match="start_date has no time zone"):
        Programs.update.planner(Programs(None), 7, start_date=datetime(2024, 1, 2))  # type: ignore[arg-type]  # noqa: DTZ001


async def test_what_can_not_work_costs_no_call(marketo: Marketo) -> None:
    with pytest.raises(InvalidRequest, match="pass a folder"):
        await marketo.programs.clone(WEBINAR, "b", FolderId(2002, "Program"))
    with pytest.raises(InvalidRequest, match="need each other"):
        marketo.programs.browse(filter_type="id")
    with pytest.raises(InvalidRequest, match="filter_values"):
        marketo.programs.browse(filter_type="id", filter_values=[])


async def test_programs_are_found(marketo: Marketo) -> None:
    every = await marketo.programs.browse().all()
    some = await marketo.programs.browse(filter_type="id", filter_values=[WEBINAR]).all()
    tagged = await marketo.programs.by_tag("Region", "EMEA").all()
    named = await marketo.programs.by_name(every[0].name or "", include_tags=True, include_costs=True)

    assert WEBINAR in [program.id for program in every]
    assert [program.id for program in some] == [WEBINAR]
    assert WEBINAR in [program.id for program in tagged]
    assert named is not None
    assert named.id == every[0].id
    assert named.tags is not None
    assert named.costs is not None


async def test_the_life_of_a_program(marketo: Marketo) -> None:
    costs = [NewCost(start_date=date(2027, 1, 1), cost=200, note="ads")]
    tags = [ProgramTag("Region", "AMER")]
    made = await marketo.programs.create("Fair", EVENTS, "Event", "Webinar", description="d", tags=tags, costs=costs)
    more = await marketo.programs.update(made.id, costs=costs)
    bare = await marketo.programs.update(made.id, costs_destructive_update=True)
    await marketo.programs.update_tag(made.id, "Business Line", "Hardware")
    both = await marketo.programs.get(made.id)
    await marketo.programs.delete_tag(made.id, "Business Line")
    one = await marketo.programs.get(made.id)
    copy = await marketo.programs.clone(made.id, "Fair again", EVENTS)

    assert made.tags == tags
    assert more.costs is not None
    assert [(cost.cost, cost.note) for cost in more.costs] == [(200, "ads")] * 2
    assert bare.costs == []
    assert both is not None
    assert one is not None
    assert both.tags == [*tags, ProgramTag("Business Line", "Hardware")]
    assert one.tags == tags
    assert copy.name == "Fair again"
    assert (await marketo.programs.delete(copy.id)).id == copy.id
    assert await marketo.programs.get(copy.id) is None


async def test_an_email_program_is_approved_and_taken_back(marketo: Marketo) -> None:
    (email,) = [found for found in await marketo.programs.browse().all() if found.type == "Email"]
    start = datetime(2027, 1, 1, tzinfo=UTC)
    await marketo.programs.update(email.id, start_date=start, end_date=start + timedelta(days=1))

    approved = await marketo.programs.approve(email.id)
    taken_back = await marketo.programs.unapprove(email.id)
    smart_list = await marketo.programs.smart_list(email.id, include_rules=True)

    assert (approved.id, taken_back.id) == (email.id, email.id)
    assert smart_list is not None
    assert smart_list.rules is not None
    with pytest.raises(ApiError):
        await marketo.programs.approve(WEBINAR)


async def test_what_an_administrator_sets_up_is_read(marketo: Marketo) -> None:
    channels = await marketo.channels.browse().all()
    webinar = await marketo.channels.by_name("Webinar")
    tags = await marketo.tags.browse().all()
    region = await marketo.tags.by_name("Region")
    segmentations = await marketo.segmentations.browse(status="approved")
    segments = await marketo.segmentations.segments(segmentations[0].id).all()

    assert webinar is not None
    assert webinar in channels
    assert any(status.success for status in webinar.progression_statuses)
    assert "Region" in [tag.tag_type for tag in tags]
    assert region is not None
    assert region.values == ["AMER", "APAC", "EMEA"]
    assert {segment.segmentation_id for segment in segments} == {segmentations[0].id}
    assert await marketo.channels.by_name("nowhere") is None
    assert await marketo.tags.by_name("nowhere") is None
