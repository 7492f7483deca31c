"""Answers hold whole records up to a size, cursors continue only their own listing, and text is clean."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import errors
from marketo_async.errors import InvalidRequest, MarketoError
from marketo_async.mcp.answers import Cursor, Rests, Seal, as_text, cleaned, digest, plain, projected, whole_records
from marketo_async.mcp.tool_errors import tool_error
from marketo_async.models.records import RecordResult

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
HIDDEN = ["\u200b", "\u202e", "\u2066", "\ufeff", "\x00", "\x1b", "\U000e0041", "\ufe0f", "\u00ad", "\r"]


@given(records=st.lists(values, min_size=1, max_size=20), chars=st.integers(30, 400))
def test_an_answer_is_a_prefix_of_whole_records_within_its_size(records: list[Any], chars: int) -> None:
    items, shortened = whole_records(records, chars)
    assert items
    if not shortened:
        assert items == records[: len(items)]
        assert sum(len(as_text(item)) + 1 for item in items) <= chars
    else:
        assert len(items) == 1


def test_nothing_fits_into_an_answer_of_nothing() -> None:
    assert whole_records([], 10) == ([], [])


def test_a_record_that_is_too_long_is_shortened_and_named() -> None:
    record = {"id": 1, "body": {"html": "x" * 5_000}, "tags": ["y" * 900, "z"]}
    (item,), shortened = whole_records([record, {"id": 2}], 1_500)
    assert shortened == ["body.html"]
    assert item["body"]["html"].endswith("… (5,000 characters)")
    assert item["tags"] == record["tags"]
    (item,), shortened = whole_records([record], 700)
    assert shortened == ["body.html", "tags[0]"]
    assert len(as_text(item)) <= 700


def test_a_record_of_many_small_members_is_counted() -> None:
    (item,), shortened = whole_records([{str(number): "x" for number in range(1_000)}], 500)
    assert (item, shortened) == ({"too_large": 9_891}, ["$"])


@given(value=values, hidden=st.sampled_from(HIDDEN))
def test_a_clean_value_holds_no_hidden_character(value: Any, hidden: str) -> None:
    found = cleaned({f"a{hidden}": [f"{hidden}b", value]})
    text = "".join(_texts(found.value))
    assert not {letter for letter in text if unicodedata.category(letter) in {"Cc", "Cf"}} - {"\n", "\t"}
    assert found.removed >= 2
    assert cleaned(found.value) == (found.value, 0)


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for name, member in value.items() for text in [name, *_texts(member)]]
    if isinstance(value, list):
        return [text for member in value for text in _texts(member)]
    return [value] if isinstance(value, str) else []


def test_text_of_any_language_stays() -> None:
    text = "Zoë Ωmega 日本\tline\nnext"
    assert cleaned(text) == (text, 0)
    assert cleaned((1, None)) == ([1, None], 0)


def test_a_result_is_written_without_nulls() -> None:
    assert plain(RecordResult(id=1, status="created")) == {
        "id": 1,
        "status": "created",
        "reasons": [],
        "errors": [],
        "settled": False,
    }
    assert plain({"at": datetime(2024, 1, 2, tzinfo=UTC), "kept": [None, {"a": None}]}) == {
        "at": "2024-01-02T00:00:00Z",
        "kept": [None, {}],
    }


def test_fields_are_chosen_whatever_their_case() -> None:
    assert projected({"id": 1, "firstName": "A", "email": "e"}, ["firstname", "ID"]) == {"id": 1, "firstName": "A"}
    assert projected({"id": 1}, []) == {"id": 1}
    assert projected([1], ["id"]) == [1]


SEAL = Seal(b"k" * 32)


@given(
    cursor=st.builds(Cursor, st.integers(0, 9), st.none() | st.text(max_size=20), st.integers(0, 300)),
    bound=st.lists(st.text(max_size=10), min_size=2, max_size=2),
)
def test_a_cursor_opens_where_it_was_sealed(cursor: Cursor, bound: list[str]) -> None:
    assert SEAL.unseal(SEAL.seal(cursor, *bound), *bound) == cursor


@given(data=st.data(), bound=st.lists(st.text(max_size=10), min_size=2, max_size=2, unique=True))
def test_a_cursor_opens_nowhere_else(data: st.DataObject, bound: list[str]) -> None:
    """Neither for another agent or listing, nor after any change, nor with another key."""
    text = SEAL.seal(Cursor(0, "T", 7), *bound)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from("AbZ09-_").filter(lambda letter: letter != text[place]))
    changed = text[:place] + other + text[place + 1 :]
    for seal, forged, other_bound in [
        (SEAL, text, bound[::-1]),
        (SEAL, text, [*bound, ""]),
        (SEAL, text, ["".join(bound)]),
        (Seal(b"x" * 32), text, bound),
        (SEAL, text[:-1], bound),
        (SEAL, "", bound),
        (SEAL, "é", bound),
    ]:
        with pytest.raises(InvalidRequest, match="does not continue this listing"):
            seal.unseal(forged, *other_bound)
    if place < len(text) - 1:  # the last letter holds bits that mean nothing
        with pytest.raises(InvalidRequest):
            SEAL.unseal(changed, *bound)


def test_a_digest_ignores_the_order_of_members() -> None:
    assert digest({"a": 1, "b": [1, 2]}) == digest({"b": [1, 2], "a": 1}) != digest({"a": 1, "b": [2, 1]})


def test_the_rest_of_a_page_is_kept_for_five_minutes() -> None:
    now = 0.0
    rests = Rests(lambda: now)
    rests.keep("a", [1], weight=1)
    assert rests.get("a") == [1]
    now = 299.0
    assert rests.get("a") == [1]
    now = 300.0
    assert rests.get("a") is None
    assert rests.get("b") is None


def test_the_oldest_of_fifty_pages_goes() -> None:
    rests = Rests(lambda: 0.0)
    for number in range(51):
        rests.keep(number, [number], weight=1)
    assert rests.get(0) is None
    assert rests.get(1) == [1]
    assert rests.get(50) == [50]


def test_many_records_are_not_kept() -> None:
    rests = Rests(lambda: 0.0)
    rests.keep("a", [1], weight=150_000)
    rests.keep("b", [2], weight=60_000)
    assert (rests.get("a"), rests.get("b")) == (None, [2])
    rests.keep("c", [3], weight=300_000)
    assert rests.get("c") is None
    rests.keep("d", [4], weight=1)
    rests.clear()
    assert rests.get("d") is None


RESETS = datetime(2024, 1, 2, 6, tzinfo=UTC)
ERRORS: list[tuple[MarketoError, str]] = [
    (errors.OutcomeUnknown("lost", operation="leads.merge"), "unknown_outcome"),
    (errors.NeedsConfirmation(operation="o", rule="r", by="host", digest="d", records=1), "needs_person"),
    (errors.CapReached("no more", operation="o", rule="r"), "quota"),
    (errors.Denied("no", operation="o", rule="agents.x.access.lists = off"), "denied"),
    (errors.AuditUnavailable("full"), "unavailable"),
    (errors.RequestTooLarge("long"), "too_large"),
    (errors.RecordRefused("no email", index=3), "invalid"),
    (errors.InvalidRequest("no"), "invalid"),
    (errors.AccessDenied("no", code="603"), "marketo_permission"),
    (errors.DailyQuotaExceeded(used=1, daily=1, resets_at=RESETS), "quota"),
    (errors.Throttled("no", code="606"), "busy"),
    (errors.Busy("no", code="1029"), "busy"),
    (errors.NotFound("no", code="1013"), "not_found"),
    (errors.Conflict("no", code="709"), "conflict"),
    (errors.NotEnabled("no", code="1035"), "unavailable"),
    (errors.InvalidData("no", code="1003"), "invalid"),
    (errors.ApiError("no", code="9", request_id="1#2", operation="leads.get"), "unavailable"),
    (errors.CallTimeout("late", operation="leads.get", sent=False), "busy"),
    (errors.TransportError("broken"), "unavailable"),
    (errors.AuthenticationError("no"), "unavailable"),
    (errors.ConfigurationError("no"), "unavailable"),
    (errors.RecordsFailed("no", failed=[]), "unavailable"),
]


@pytest.mark.parametrize(("error", "kind"), ERRORS, ids=[type(error).__name__ for error, _ in ERRORS])
def test_an_error_has_a_kind_and_says_what_helps(error: MarketoError, kind: str) -> None:
    found = tool_error(error, "lists.add")
    assert (found.kind, found.operation) == (kind, "lists.add")
    assert found.message == str(error)
    assert found.next.endswith(".")
    assert set(msgspec.to_builtins(found)) >= {"kind", "message", "next"}


def test_a_denial_does_not_show_the_line_of_the_policy() -> None:
    found = tool_error(errors.Denied("no", operation="o", rule="agents.x.access.lists = off"))
    assert "agents.x" not in str(msgspec.to_builtins(found))


def test_an_error_keeps_what_support_asks_for() -> None:
    found = tool_error(errors.ApiError("no", code="9", request_id="1#2", operation="leads.get"))
    assert (found.code, found.request_id, found.operation) == ("9", "1#2", "leads.get")
    assert tool_error(errors.RecordRefused("no", index=3)).index == 3
    assert tool_error(errors.DailyQuotaExceeded(used=1, daily=1, resets_at=RESETS)).resets_at == RESETS
