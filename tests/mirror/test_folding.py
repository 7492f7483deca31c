"""What events become: rows that are kept, and what is read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from marketo_async.changes import Gap
from marketo_async.changes.translation import Translator
from marketo_async.mirror.folding import FoldedEvents, Folding
from marketo_async.mirror.tables import LEAD_CHANGES, LEAD_DELETIONS, LEAD_MERGES, Catalog, activity_table
from marketo_async.models.activities import (
    Activity,
    ActivityType,
    Attribute,
    AttributeType,
    FieldValueChange,
    LeadChange,
)

NOW = datetime(2026, 11, 25, tzinfo=UTC)
KINDS = {
    kind.id: kind
    for kind in (
        ActivityType(
            id=1,
            name="Visit Webpage",
            primary_attribute=AttributeType(name="Webpage ID", data_type="integer"),
            attributes=[AttributeType(name="Is Mobile", data_type="boolean")],
        ),
        ActivityType(
            id=13,
            name="Change Data Value",
            primary_attribute=AttributeType(name="Attribute Name", data_type="string"),
            attributes=[AttributeType(name="New Value", data_type="string")],
        ),
        ActivityType(id=22, name="Change Score"),
        ActivityType(id=123, name="Change Program Member Data"),
    )
}
TYPES = {number: f"activity_{number}" for number in KINDS}
TABLES = [LEAD_CHANGES, LEAD_DELETIONS, LEAD_MERGES]


def activity(kind: int, lead: int = 5, asset: int | None = None, **attributes: object) -> Activity:
    return Activity(
        marketo_guid=f"g{kind}-{lead}",
        lead_id=lead,
        activity_date=NOW,
        activity_type_id=kind,
        primary_attribute_value_id=asset,
        primary_attribute_value=None if asset is None else f"asset {asset}",
        campaign_id=9,
        attributes=[Attribute(name=name.replace("_", " "), value=value) for name, value in attributes.items()],
    )


def change(*fields: str, reason: object = "r") -> LeadChange:
    return LeadChange(
        marketo_guid="g13",
        lead_id=5,
        activity_date=NOW,
        activity_type_id=13,
        fields=[FieldValueChange(id=4, name=name, old_value="a", new_value="b") for name in fields],
        attributes=[Attribute(name="Reason", value=reason)],
    )


def folded(*rows: Activity | LeadChange, tables: bool = True) -> FoldedEvents:
    made = [activity_table(TYPES[kind.id], kind)[0] for kind in KINDS.values()]
    folding = Folding(Catalog([*TABLES, *made] if tables else []), KINDS, TYPES)
    translator = Translator("123-ABC-456", KINDS)
    return folding.fold(translator.event(row, seen_at=NOW, late=False) for row in rows)


def subset(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def test_a_change_is_kept_by_field_and_its_lead_read_again() -> None:
    found = folded(change("title", "email", reason=["x"]))

    rows = [subset(row, "marketoGUID", "field", "oldValue", "newValue", "reason") for row in found.rows["lead_changes"]]
    own = {"marketoGUID": "g13", "oldValue": "a", "newValue": "b", "reason": '["x"]'}
    assert rows == [{**own, "field": "title"}, {**own, "field": "email"}]
    assert (found.dirty, found.gone) == ({5}, set())
    assert subset(found.rows["activity_13"][0], "primaryAttributeValue") == {"primaryAttributeValue": None}


def test_a_change_of_one_field_is_an_activity_as_it_is_elsewhere() -> None:
    (row,) = folded(change("title")).rows["activity_13"]

    assert subset(row, "primaryAttributeValueId", "primaryAttributeValue", "@Attribute Name", "@New Value") == {
        "primaryAttributeValueId": 4,
        "primaryAttributeValue": "title",
        "@Attribute Name": "title",
        "@New Value": "b",
    }


def test_an_activity_has_typed_attributes_and_changes_no_lead() -> None:
    found = folded(activity(1, asset=77, Is_Mobile="true"))

    (row,) = found.rows["activity_1"]
    assert subset(row, "leadId", "campaignId", "@Webpage ID", "@Is Mobile", "primaryAttributeValue") == {
        "leadId": 5,
        "campaignId": 9,
        "@Webpage ID": 77,
        "@Is Mobile": True,
        "primaryAttributeValue": "asset 77",
    }
    assert (found.dirty, found.gone, found.lists, found.programs) == (set(), set(), {}, {})


def test_an_activity_without_a_guid_has_the_key_of_its_event() -> None:
    row = Activity(lead_id=5, activity_date=NOW, activity_type_id=1, id=8)

    (kept,) = folded(row).rows["activity_1"]
    assert kept["marketoGUID"] == "8:2026-11-25T00:00:00+00:00:1:5"


def test_a_new_lead_and_a_score_that_changed_are_read_again() -> None:
    new = LeadChange(marketo_guid="g", lead_id=3, activity_date=NOW, activity_type_id=12)

    assert folded(activity(22), new).dirty == {3, 5}


def test_a_deleted_lead_is_gone_and_not_read_again() -> None:
    found = folded(activity(22), change("title"), activity(37, asset=5))

    assert (found.dirty, found.gone) == (set(), {5})
    assert subset(found.rows["lead_deletions"][0], "leadId", "name") == {"leadId": 5, "name": "asset 5"}


def test_after_a_merge_the_losers_are_gone_and_the_winner_is_read_again_with_its_memberships() -> None:
    found = folded(activity(32, Merge_IDs="6,7"))

    assert (found.dirty, found.gone, found.winners) == ({5}, {6, 7}, {5})
    assert [subset(row, "loserId", "winnerId") for row in found.rows["lead_merges"]] == [
        {"loserId": 6, "winnerId": 5},
        {"loserId": 7, "winnerId": 5},
    ]


def test_a_winner_that_is_deleted_later_is_gone() -> None:
    found = folded(activity(32, Merge_IDs=[6]), activity(37))

    assert (found.dirty, found.gone, found.winners) == (set(), {5, 6}, set())


def test_moves_in_lists_and_programs_are_read_again_by_list_and_program() -> None:
    found = folded(
        activity(24, 1, asset=10),
        activity(25, 2, asset=10),
        activity(104, 1, asset=20),
        activity(123, 3, asset=20),
        activity(24, 4),
    )

    assert (found.lists, found.programs, found.dirty) == ({10: {1, 2}}, {20: {1, 3}}, set())


def test_a_table_that_is_not_chosen_gets_no_rows() -> None:
    found = folded(change("title"), activity(1), activity(37, 6), tables=False)

    assert (dict(found.rows), found.dirty, found.gone) == ({}, {5}, {6})


def test_a_gap_is_reported() -> None:
    gap = Gap(lane="deleted leads", since=NOW, until=NOW, reason="r", seen_at=NOW, instance="123-ABC-456")

    assert Folding(Catalog(), {}, {}).fold([gap]).gaps == [gap]
