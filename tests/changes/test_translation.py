from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from marketo_async.changes import (
    ActivityLogged,
    Change,
    ChangeEvent,
    Gap,
    LeadChanged,
    LeadCreated,
    LeadDeleted,
    LeadsMerged,
    ListJoined,
    ListLeft,
    ProgramStatusChanged,
)
from marketo_async.changes.translation import Translator, guid_of
from marketo_async.models.activities import (
    Activity,
    ActivityType,
    Attribute,
    AttributeType,
    FieldValueChange,
    LeadChange,
)

DATE = datetime(2026, 11, 2, 10, 0, 0, tzinfo=UTC)
SEEN = datetime(2026, 11, 2, 10, 0, 30, tzinfo=UTC)
TYPES = {
    2: ActivityType(
        id=2,
        name="Fill Out Form",
        primary_attribute=AttributeType(name="Webform ID", data_type="integer"),
        attributes=[AttributeType(name="Score", data_type="integer")],
    )
}
TRANSLATOR = Translator("123-abc-456", TYPES)


def activity(kind: int, **attributes: Any) -> Activity:
    return Activity(
        marketo_guid="g-1",
        lead_id=7,
        activity_date=DATE,
        activity_type_id=kind,
        campaign_id=5,
        primary_attribute_value_id=1001,
        primary_attribute_value="Asset",
        attributes=[Attribute(name=name.replace("_", " "), value=value) for name, value in attributes.items()],
    )


def event(row: Activity | LeadChange) -> ChangeEvent:
    return TRANSLATOR.event(row, seen_at=SEEN, late=False)


COMMON: dict[str, Any] = {
    "guid": "g-1",
    "lead_id": 7,
    "date": DATE,
    "seen_at": SEEN,
    "late": False,
    "instance": "123-abc-456",
}
CHANGE = LeadChange(
    marketo_guid="g-1",
    lead_id=7,
    activity_date=DATE,
    activity_type_id=13,
    fields=[FieldValueChange(name="title", old_value="a", new_value="b"), FieldValueChange(name="city")],
    attributes=[Attribute(name="Reason", value="Sync")],
)
TABLE: list[tuple[Activity | LeadChange, ChangeEvent, str, Any, Any]] = [
    (
        LeadChange(
            marketo_guid="g-1", lead_id=7, activity_date=DATE, activity_type_id=12, attributes=CHANGE.attributes
        ),
        LeadCreated(**COMMON, attributes={"Reason": "Sync"}),
        "c",
        None,
        {"id": 7, "Reason": "Sync"},
    ),
    (
        CHANGE,
        LeadChanged(
            **COMMON, changes={"title": Change("a", "b"), "city": Change(None, None)}, attributes={"Reason": "Sync"}
        ),
        "u",
        {"id": 7, "title": "a", "city": None},
        {"id": 7, "title": "b", "city": None},
    ),
    (activity(37), LeadDeleted(**COMMON, name="Asset"), "d", {"id": 7}, None),
    (
        activity(32, Merge_IDs="8,9"),
        LeadsMerged(**COMMON, winner=7, losers=(8, 9)),
        "m",
        {"ids": [8, 9]},
        {"id": 7},
    ),
    (
        activity(24),
        ListJoined(**COMMON, list_id=1001, list_name="Asset"),
        "a",
        None,
        {"id": 7, "listId": 1001, "listName": "Asset"},
    ),
    (
        activity(25),
        ListLeft(**COMMON, list_id=1001, list_name="Asset"),
        "a",
        {"id": 7, "listId": 1001, "listName": "Asset"},
        None,
    ),
    (
        activity(104, Old_Status="Invited", New_Status="Attended", Reason="r"),
        ProgramStatusChanged(
            **COMMON,
            program_id=1001,
            program_name="Asset",
            old_status="Invited",
            new_status="Attended",
            attributes={"Reason": "r"},
        ),
        "a",
        {"id": 7, "programId": 1001, "status": "Invited"},
        {"id": 7, "programId": 1001, "status": "Attended"},
    ),
    (
        activity(2, Score="12"),
        ActivityLogged(
            **COMMON,
            type_id=2,
            type_name="Fill Out Form",
            attributes={"Webform ID": 1001, "Score": 12},
            primary_id=1001,
            primary="Asset",
            campaign_id=5,
        ),
        "a",
        None,
        {
            "id": 7,
            "activityTypeId": 2,
            "activityType": "Fill Out Form",
            "primaryAttributeValueId": 1001,
            "primaryAttributeValue": "Asset",
            "campaignId": 5,
            "Webform ID": 1001,
            "Score": 12,
        },
    ),
    (
        activity(99, Some="x"),  # a type that the instance did not name
        ActivityLogged(
            **COMMON,
            type_id=99,
            type_name="99",
            attributes={"Some": "x"},
            primary_id=1001,
            primary="Asset",
            campaign_id=5,
        ),
        "a",
        None,
        {
            "id": 7,
            "activityTypeId": 99,
            "activityType": "99",
            "primaryAttributeValueId": 1001,
            "primaryAttributeValue": "Asset",
            "campaignId": 5,
            "Some": "x",
        },
    ),
]


@pytest.mark.parametrize(("row", "expected", "op", "before", "after"), TABLE)
def test_each_activity_is_an_event_with_an_envelope_of_debezium(
    row: Activity | LeadChange, expected: ChangeEvent, op: str, before: Any, after: Any
) -> None:
    found = event(row)

    assert found == expected
    envelope = found.envelope()
    assert envelope == {
        "op": op,
        "before": before,
        "after": after,
        "source": {
            "connector": "marketo",
            "name": "123-abc-456",
            "event": type(found).__name__,
            "guid": "g-1",
            "ts_ms": 1_793_613_600_000,
            "snapshot": False,
        },
        "ts_ms": 1_793_613_630_000,
    }
    assert msgspec.json.decode(msgspec.json.encode(envelope)) == envelope


def test_events_are_one_tagged_union_that_survives_json() -> None:
    for row, *_ in TABLE:
        found = event(row)
        assert msgspec.json.decode(msgspec.json.encode(found), type=ChangeEvent) == found


@pytest.mark.parametrize(
    ("merge_ids", "losers"),
    [
        ("8", (8,)),
        ("8,9", (8, 9)),
        (" 8 ; 9 ", (8, 9)),
        ("[8, 9]", (8, 9)),
        ('[{"id": 8, "name": "Lead 5"}]', (8,)),
        (8, (8,)),
        ([8, 9, 8], (8, 9)),
        (["8", "9"], (8, 9)),
        ([{"id": 8, "name": "Lead 5"}, {"leadId": "9"}, {"name": "5"}], (8, 9)),
        ([7, 8], (8,)),  # the winner is not a loser
        ("", ()),
        (None, ()),
        (True, ()),
        (1.5, ()),
    ],
)
def test_merge_ids_come_in_several_shapes(merge_ids: object, losers: tuple[int, ...]) -> None:
    assert event(activity(32, Merge_IDs=merge_ids)) == LeadsMerged(**COMMON, winner=7, losers=losers)


def test_a_merge_may_not_name_the_losers() -> None:
    assert event(activity(32)) == LeadsMerged(**COMMON, winner=7, losers=())


def test_an_activity_without_a_guid_has_one_made_of_its_parts() -> None:
    old = Activity(id=4, lead_id=7, activity_date=DATE, activity_type_id=1)

    assert guid_of(old) == "4:2026-11-02T10:00:00+00:00:1:7"
    assert guid_of(msgspec.structs.replace(old, id=None)) == ":2026-11-02T10:00:00+00:00:1:7"
    assert guid_of(activity(1)) == "g-1"


def test_a_gap_has_the_shape_of_an_event() -> None:
    gap = Gap(lane="deleted leads", since=DATE, until=SEEN, reason="14 days", seen_at=SEEN, instance="123-abc-456")

    envelope = gap.envelope()
    assert (envelope["op"], envelope["before"], envelope["source"]["guid"]) == ("g", None, None)
    assert envelope["after"] == {"lane": "deleted leads", "since": DATE, "until": SEEN, "reason": "14 days"}
    assert envelope["source"]["ts_ms"] == envelope["ts_ms"] == 1_793_613_630_000
