"""What an agent sees of an answer: the readable fields, masked where they are masked, in every kind of record."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from marketo_async.mcp.counting import CountedSink
from marketo_async.mcp.fields import FieldRules, members_at
from marketo_async.mcp.policy import FieldLists
from marketo_async.models.activities import Activity, Attribute, FieldValueChange, LeadChange
from marketo_async.models.leads import Description
from marketo_async.models.records import RecordResult
from marketo_async.operation import File, Page, Plan, nothing
from marketo_async.planning import plan_of
from marketo_async.schema import callee

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GET, SINCE = callee("leads.get").operation, callee("activities.since").operation


def rules(**lists: Any) -> FieldRules:
    return FieldRules(FieldLists(**lists))


RECORD = {"ID": 7, "email": "jane@example.com", "note": "see jane@example.com", "membership": {"id": 1}, "score": 3}


@pytest.mark.parametrize(
    ("lists", "seen"),
    [
        ({}, RECORD),
        ({"read": ["id", "Score"]}, {"ID": 7, "score": 3}),
        ({"mask": ["Email"]}, {**RECORD, "email": "j***@example.com", "note": "see j***@example.com"}),
        ({"read": ["score", "email"], "mask": ["score", "email"]}, {"email": "j***@example.com", "score": "***"}),
    ],
)
def test_a_record_is_cut_and_masked(lists: dict[str, Any], seen: dict[str, Any]) -> None:
    found = rules(**lists)

    assert found.cut(GET, RECORD) == seen
    assert found.cut(GET, [RECORD, RECORD]) == [seen, seen]
    assert found.cut(GET, Page([RECORD], "t", more=True)) == Page([seen], "t", more=True)
    assert found.cut(GET, None) is None


def test_an_activity_is_cut_by_the_names_of_its_attributes() -> None:
    attributes = [Attribute(name="Email", value="jane@example.com"), Attribute(name="Link", value="x"), Attribute()]
    activity = Activity(
        lead_id=1, activity_date=NOW, activity_type_id=9, primary_attribute_value="Jane", attributes=attributes
    )
    change = LeadChange(
        lead_id=1,
        activity_date=NOW,
        activity_type_id=13,
        fields=[FieldValueChange(name="email", new_value="jane@example.com"), FieldValueChange(name="phone")],
    )
    found = rules(read=["email"], mask=["email"])
    seen = found.cut(SINCE, activity)

    assert seen.primary_attribute_value is None
    assert seen.attributes == [Attribute(name="Email", value="j***@example.com")]
    assert found.cut(SINCE, change).fields == [FieldValueChange(name="email", new_value="j***@example.com")]
    assert rules(read=["primaryAttributeValue"]).cut(SINCE, activity).primary_attribute_value == "Jane"


def test_other_values_are_as_they_are() -> None:
    found = rules(read=["email"], mask=["email"])
    for value in (Description(), RecordResult(status="created"), b"file", 7):
        assert found.cut(GET, value) is value
    assert found.cut(callee("programs.get").operation, RECORD) is RECORD


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.just("jane.doe@example.com")))
def test_no_other_field_and_no_address_is_seen(record: dict[str, Any]) -> None:
    seen = rules(read=["id", "email"], mask=["email"]).cut(GET, record)

    assert {name.casefold() for name in seen} <= {"id", "email"}
    assert "jane.doe@" not in msgspec.json.encode(seen).decode()


def test_a_file_without_a_readable_header_is_refused() -> None:
    operation = callee("bulk.leads.import_file").operation
    found = rules(write=["email"])

    def why(content: bytes, name: str = "import.csv") -> str | None:
        file = File(name=name, content=content, content_type="text/csv")
        return found.refusal(operation, Plan(answer=Any, unwrap=lambda _: None, files={"file": file}))

    assert why(b"email\na@b.c\n") is None
    assert why(b"\xef\xbb\xbfemail\tid\n", "import.tsv") is None
    assert why(b"email;phone\n", "import.ssv") == "this agent may not write the field phone"
    assert why(b"\xff\xfe") == "the header of the file can't be read; send it as UTF-8"
    assert found.refusal(operation, nothing()) is None


def test_records_are_found_wherever_they_are() -> None:
    body = {"programs": [{"members": [{"leadId": 1}]}, {"members": Raw(b'[{"leadId": 2}]')}]}

    assert list(members_at(body, ("programs", "members"))) == [{"leadId": 1}, {"leadId": 2}]
    assert list(members_at(Raw(msgspec.json.encode(body["programs"][0])), ("members",))) == [{"leadId": 1}]
    assert list(members_at({"programs": None}, ("programs", "members"))) == []
    assert rules().refusal_of("x", frozenset()) is None
    assert rules(write=[]).refusal_of("x", frozenset()) == "it is not a record by field name"
    operation, planned = plan_of("companies.delete", {"records": [{"externalCompanyId": "1"}]})
    assert list(rules(write=[]).refused_records(operation, planned.plan(Raw(b'[{"x": 1}]')))) == []  # type: ignore[union-attr]


def test_a_counted_sink_is_the_sink() -> None:
    class Kept:
        content = b""

        @property
        def held(self) -> int:
            return len(self.content)

        def restart(self) -> None:
            self.content = b""

        def write(self, chunk: bytes) -> None:
            self.content += chunk

    sink = CountedSink(kept := Kept(), None, None)
    sink.write(b"id\n1\n2")
    assert (sink.rows, sink.held) == (1, 6)
    sink.restart()
    assert (sink.rows, sink.held, kept.content) == (0, 0, b"")
