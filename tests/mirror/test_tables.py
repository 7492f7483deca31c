"""The tables that an instance describes: their keys, their types, and what they keep from before."""

from __future__ import annotations

import pytest

from marketo_async.mirror.tables import (
    Catalog,
    MirrorColumn,
    activity_table,
    activity_table_names,
    leads_table,
    table_of,
)
from marketo_async.models.activities import ActivityType, AttributeType
from marketo_async.models.columns import column_type
from marketo_async.models.leads import Description, FieldSummary

FIELDS = [
    FieldSummary(name="id", data_type="integer"),
    FieldSummary(name="leadScore", data_type="score"),
    FieldSummary(name="createdAt", data_type="datetime"),
    FieldSummary(name="unsubscribed", data_type="boolean"),
    FieldSummary(name="annualRevenue", data_type="currency"),
    FieldSummary(name="dateOfBirth", data_type="date"),
    FieldSummary(name="email", data_type="email"),
]


def test_a_lead_has_a_typed_column_for_each_field() -> None:
    table, clashes = leads_table(Description(fields=FIELDS))

    assert {column.name: column.type for column in table.columns} == {
        "id": "bigint",
        "lead_score": "bigint",
        "created_at": "timestamp",
        "unsubscribed": "bool",
        "annual_revenue": "double",
        "date_of_birth": "date",
        "email": "text",
    }
    assert (table.key, table.guarded, clashes) == (("id",), True, [])


@pytest.mark.parametrize("data_type", [None, "", "string", "lead_function", "something new"])
def test_a_data_type_that_is_not_known_is_text(data_type: str | None) -> None:
    assert column_type(data_type) == "text"


def test_a_column_keeps_name_and_type_and_stays_when_its_field_is_gone() -> None:
    known = {
        "email": MirrorColumn("email", "bigint", "email"),
        "oldField": MirrorColumn("old_field", "date", "oldField"),
    }
    table, _ = leads_table(Description(fields=FIELDS), known)

    assert table.column("email") == known["email"]
    assert table.column("oldField") == known["oldField"]


def test_the_mirrors_own_columns_are_never_a_fields() -> None:
    table, clashes = table_of("t", ["id"], [("id", "bigint"), ("_read_at", "text"), ("read_at", "text")])

    assert [column.name for column in table.columns][:2] == ["id", "read_at"]
    assert [clash.source for clash in clashes] == ["read_at"]
    assert table.column("nothing") is None


def test_an_activity_has_a_column_for_each_attribute_apart_from_those_that_all_have() -> None:
    kind = ActivityType(
        id=1,
        name="Visit Webpage",
        primary_attribute=AttributeType(name="Webpage ID", data_type="integer"),
        attributes=[
            AttributeType(name="Client IP", data_type="string"),
            AttributeType(name="Campaign ID", api_name="campaignId", data_type="integer"),
        ],
    )
    table, clashes = activity_table("activity_visit_webpage", kind)

    named = {column.source: column.name for column in table.columns}
    assert named["@Webpage ID"] == "webpage_id"
    assert named["campaignId"] == "campaign_id"
    assert named["@campaignId"].startswith("campaign_id_")
    assert [clash.source for clash in clashes] == ["@campaignId"]
    assert table.key == ("marketo_guid",)


def test_activity_tables_have_names_that_stay_and_that_no_two_share() -> None:
    kinds = [ActivityType(id=number, name=name) for number, name in ((2, "Open Email"), (100_001, "Open email"))]

    first = activity_table_names(kinds)
    assert first == {2: "activity_open_email", 100_001: "activity_open_email_100001"}
    assert activity_table_names([*kinds, ActivityType(id=1, name="Open E-mail"[:0] + "Open Email")], first) == {
        **first,
        1: "activity_open_email_1",
    }


def test_a_catalog_has_tables_by_name() -> None:
    table, _ = table_of("t", ["id"], [("id", "bigint"), ("b", "text")])
    catalog = Catalog()
    catalog.add(table)

    assert catalog["t"].key_of({"id": 7, "b": 1}) == (7,)
    assert ("t" in catalog, "u" in catalog, [one.name for one in catalog]) == (True, False, ["t"])
