"""What a record shows of a call: enough to know what was done, and no personal data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.mcp.audit.records import Masker, moment
from marketo_async.mcp.audit.sentences import PHRASES, CallFacts, denial_sentence, intent_sentence, outcome_sentence
from marketo_async.mcp.calls import carried, sent
from marketo_async.mcp.masking import masked, without_addresses
from marketo_async.planning import plan_of
from marketo_async.schema import callees
from tests.json_arguments import json_arguments
from tests.mcp.policies import MUNCHKIN, first_call

MASKER = Masker(b"k")


def shown(name: str, arguments: Mapping[str, object]) -> dict[str, object]:
    _, planned = plan_of(name, arguments, munchkin_id=MUNCHKIN)
    return MASKER.shown(sent(first_call(planned)))


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("lists.add", {"list_id": 5, "lead_ids": [1, 2]}, {"path": {"listId": 5}, "json": {"input": {"id": [1, 2]}}}),
        (
            "leads.by_filter",
            {"filter_type": "email", "values": ["jane@example.com", "+49 151"], "fields": ["id"]},
            {
                "query": {
                    "filterType": "email",
                    "fields": ["id"],
                    "filterValues": ["j***@example.com", "text(7)"],
                }
            },
        ),
        (
            "leads.sync",
            {"records": [{"email": "jane@example.com", "phone": 4915112345}, {"email": "j@b.c", "a b": "x"}]},
            {
                "json": {
                    "action": "createOrUpdate",
                    "input": {"records": 2, "fields": ["email", "name(3)", "phone"]},
                }
            },
        ),
        ("emails.get", {"id": 7, "status": "approved"}, {"path": {"id": 7}, "query": {"status": "approved"}}),
        ("programs.by_name", {"name": "Jane's wedding"}, {"query": {"name": "text(14)"}}),
        (
            "leads.associate",
            {"lead_id": 1, "cookie": "id:287-GTJ&token:x"},
            {"path": {"leadId": 1}, "query": {"cookie": "text(18)"}},
        ),
        (
            "lists.browse",
            {"names": ["a", "b", "c", "d", "e", "f"]},
            {"query": {"name": [*["text(1)"] * 5, "and 1 more"]}},
        ),
    ],
)
def test_what_is_shown_of_a_call(name: str, arguments: dict[str, object], expected: object) -> None:
    assert shown(name, arguments) == expected


def test_a_file_is_shown_by_its_size_and_digest() -> None:
    found = shown("bulk.leads.import_file", {"content": "email\njane@example.com\n", "format": "CSV"})

    assert found["files"] == {"file": {"name": "text(10)", "size": 23, "sha256": "text(64)"}}


def test_an_address_is_found_by_its_keyed_hash() -> None:
    _, planned = plan_of("leads.sync", {"records": [{"email": "Jane@Example.com"}, {"email": "x", "bio": "a j@b.c b"}]})
    about = MASKER.about(sent(first_call(planned)))

    assert about == [MASKER.hashed("jane@example.com"), MASKER.hashed("j@b.c")]
    assert Masker(b"other").hashed("j@b.c") != about[1]


CANARY = "canary-Zq7 secret+x@canary.example"


@pytest.mark.parametrize("name", sorted(callees()))
def test_no_text_of_a_call_is_in_its_record_or_sentence(name: str) -> None:
    """A canary in every text that an operation takes is in nothing that the audit writes."""
    arguments = _with_canaries(json_arguments()[name])
    try:
        operation, planned = plan_of(name, arguments, munchkin_id=MUNCHKIN)
        plan = first_call(planned)
    except Exception:  # noqa: BLE001 - not every argument takes any text
        operation, planned = plan_of(name, json_arguments()[name], munchkin_id=MUNCHKIN)
        plan = first_call(planned)
    facts = CallFacts(who="Agent", where="123-ABC-456", operation=operation, path=plan.path, n=carried(operation, plan))
    lines = [
        str(MASKER.shown(sent(plan))),
        intent_sentence(facts, "agents.a.access.people = full", "an operator"),
        denial_sentence(facts, "agents.a.only", "no"),
        outcome_sentence(facts, calls=1, records=3, code="", request_ids=["10a8#17"]),
        outcome_sentence(facts, calls=2, records=0, code="1003", request_ids=[]),
    ]

    for line in lines:
        assert "canary-Zq7" not in line
        assert "secret+x@" not in line
        assert "\n" not in line
    assert lines[1].startswith("Agent asked to ")
    assert "{" not in lines[1]


def _with_canaries(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _with_canaries(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [_with_canaries(member, name) for member in value]
    return CANARY if isinstance(value, str) and not any(map(str.isdigit, value)) else value


def test_every_phrase_is_of_an_operation() -> None:
    assert callees().keys() >= PHRASES.keys()
    assert len(PHRASES) >= 40


def test_the_sentences_are_plain() -> None:
    operation, planned = plan_of("lists.add", {"list_id": 1001, "lead_ids": list(range(1, 13))})
    plan = first_call(planned)
    facts = CallFacts(who="Campaign Agent", where="123-ABC-456", operation=operation, path=plan.path, n=12)
    start = "Campaign Agent asked to add 12 people to static list 1001 in 123-ABC-456; "

    assert (
        intent_sentence(facts, "agents.campaign.access.lists = write")
        == f"{start}allowed by agents.campaign.access.lists = write."
    )
    assert outcome_sentence(facts, calls=1, records=12, code="", request_ids=["10a8#17"]) == (
        f"{start}1 call, 12 records. requestId 10a8#17."
    )
    assert outcome_sentence(facts, calls=2, records=0, code="unknown_outcome", request_ids=[]) == (
        f"{start}2 calls, it failed with unknown_outcome."
    )
    one = CallFacts(who="A", where="B", operation=operation, path={"listId": "x y"}, n=1)
    assert denial_sentence(one, "agents.a.only", "a\nb").endswith(
        "add 1 person to static list of another listId in B; denied by agents.a.only: a b."
    )


def test_a_moment_is_utc_to_the_millisecond() -> None:
    assert moment(1_795_000_000.5) == "2026-11-18T11:06:40.500Z"


@given(st.text())
def test_a_masked_value_holds_its_first_letter_at_most(text: str) -> None:
    found = masked(text)
    assert isinstance(found, str)
    assert found == f"{text[:1]}***" or ("@" in text and found.startswith(f"{text[:1]}***@"))


@given(st.recursive(st.text() | st.integers() | st.just("jane.doe@example.com"), st.lists))
def test_no_address_is_left_in_a_tree(tree: object) -> None:
    left = without_addresses(["see jane.doe@example.com", tree, {"a": tree}])
    assert "jane.doe@" not in msgspec.json.encode(left).decode()


def test_other_values_are_masked_whole() -> None:
    assert masked(123) == "***"
    assert masked("jane@example.com") == "j***@example.com"
