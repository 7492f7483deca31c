"""From a plan to a request: encodings, the 8 KB rule to the byte, and refusals that cost no call."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.errors import InvalidRequest, RequestTooLarge
from marketo_async.operation import Method, Operation, Plan, nothing
from marketo_async.request import LARGEST_BODY, LONGEST_ASSET_URL, LONGEST_URL, Request, build, fill, pairs

BASE = "https://123-abc-456.mktorest.com"
LEADS = Operation(name="leads.by_filter", method="GET", path="/rest/v1/leads.json")


def operation(method: Method, path: str) -> Operation:
    return Operation(name="family.verb", method=method, path=path)


def plan(**parts: Any) -> Plan[Any]:
    return Plan(answer=Any, unwrap=lambda envelope: envelope, **parts)


def query_of_length(
    length: int, *, base: str = BASE, path: str = LEADS.path, name: str = "filterValues"
) -> dict[str, str]:
    """Return a query that makes the whole URL exactly *length* bytes long."""
    return {name: "a" * (length - len(f"{base}{path}?{name}="))}


def test_a_get_carries_its_query_in_the_url_and_nothing_else() -> None:
    request = build(LEADS, plan(query={"filterType": "email", "filterValues": ["a@x.io", "b@x.io"]}), BASE)

    assert request == Request("GET", BASE + "/rest/v1/leads.json?filterType=email&filterValues=a@x.io,b@x.io")


def test_none_is_not_sent() -> None:
    assert build(LEADS, plan(query={"fields": None, "batchSize": None}), BASE).url == BASE + LEADS.path


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        (True, "true"),
        (False, "false"),
        (0, "0"),
        (1.5, "1.5"),
        ("", ""),
        ((1, 2, 3), "1,2,3"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC), "2024-01-02T03:04:05Z"),
        (datetime(2024, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC), "2024-01-02T03:04:05Z"),
        (datetime(2024, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=-6))), "2024-01-02T03:04:05-06:00"),
    ],
)
def test_values_are_written_as_marketo_reads_them(value: Any, sent: str) -> None:
    assert pairs({"v": value}) == [("v", sent)]


def test_an_offset_survives_the_url() -> None:
    moment = datetime(2024, 1, 2, tzinfo=timezone(timedelta(hours=2)))

    url = build(LEADS, plan(query={"sinceDatetime": moment}), BASE).url

    assert "+" not in url
    assert dict(parse_qsl(urlsplit(url).query)) == {"sinceDatetime": "2024-01-02T00:00:00+02:00"}


def test_a_datetime_without_an_offset_is_refused_instead_of_guessed() -> None:
    with pytest.raises(InvalidRequest):
        pairs({"v": datetime(2024, 1, 2)})  # noqa: DTZ001 - the point


@given(
    st.lists(st.text("ab,é \"'"), min_size=1).filter(lambda values: any("," in value for value in values)),
    st.booleans(),
)
def test_a_comma_within_a_member_is_refused_wherever_members_are_joined(values: list[str], long: bool) -> None:  # noqa: FBT001
    """Marketo splits at commas, whether a list comes joined, repeated or in the form of an override."""
    place = next(index for index, value in enumerate(values) if "," in value)
    with pytest.raises(InvalidRequest, match=rf"filterValues\[{place}\] is .*comma"):
        build(LEADS, plan(query={"filterValues": [*values, "x" * (9_000 if long else 1)]}), BASE)


def test_a_comma_in_a_single_value_is_sent() -> None:
    assert pairs({"name": "Acme, Inc."}) == [("name", "Acme, Inc.")]


def test_an_empty_sequence_is_refused_instead_of_sent_as_an_empty_value() -> None:
    with pytest.raises(InvalidRequest, match="fields"):
        pairs({"fields": []})


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=5))
def test_any_text_comes_back_out_of_the_url(query: dict[str, str]) -> None:
    url = build(LEADS, plan(query=query), BASE).url

    assert url.isascii()
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == {name: [value] for name, value in query.items()}


@given(st.text(min_size=1).filter(lambda value: value not in {".", ".."}))
def test_any_path_argument_stays_one_segment(value: str) -> None:
    path = fill(operation("GET", "/rest/v1/type/{name}/describe.json"), {"name": value})

    prefix, encoded, suffix = path[: len("/rest/v1/type/")], path.split("/")[4], path.split("/")[5:]
    assert (prefix, unquote(encoded), suffix) == ("/rest/v1/type/", value, ["describe.json"])
    assert "?" not in path
    assert "#" not in path


@pytest.mark.parametrize("value", ["", ".", ".."])
def test_path_arguments_that_would_make_another_path_are_refused(value: str) -> None:
    with pytest.raises(InvalidRequest, match="name"):
        build(operation("GET", "/rest/v1/type/{name}.json"), nothing(path={"name": value}), BASE)


@pytest.mark.parametrize("parameter", ["filterValues", "nextPageToken"])
def test_a_lead_database_url_of_8192_bytes_is_the_last_to_go_as_get(parameter: str) -> None:
    longest = build(LEADS, plan(query=query_of_length(LONGEST_URL, name=parameter)), BASE)
    too_long = build(LEADS, plan(query=query_of_length(LONGEST_URL + 1, name=parameter)), BASE)

    assert (longest.method, len(longest.url), longest.body) == ("GET", 8192, None)
    assert too_long.method == "POST"
    assert too_long.url == f"{BASE}/rest/v1/leads.json?_method=GET"
    assert too_long.content_type == "application/x-www-form-urlencoded"
    assert too_long.body is not None
    assert dict(parse_qsl(too_long.body.decode())) == query_of_length(LONGEST_URL + 1, name=parameter)


def test_what_is_counted_is_the_encoded_url() -> None:
    few_characters_many_bytes = {"filterValues": "é" * 1400}  # six bytes each

    assert build(LEADS, plan(query=few_characters_many_bytes), BASE).method == "POST"


def test_the_form_of_an_override_says_what_the_url_would_have_said() -> None:
    query = {"filterType": "company", "filterValues": ["Acme Inc.", *map(str, range(3000))], "fields": ["id", "email"]}

    request = build(LEADS, plan(query=query), BASE)

    assert request.body is not None
    assert parse_qsl(request.body.decode()) == pairs(query)


@pytest.mark.parametrize("path", ["/rest/asset/v1/emails.json", "/bulk/v1/leads/export.json"])
def test_other_apis_take_no_override_and_longer_urls(path: str) -> None:
    longest = build(operation("GET", path), plan(query=query_of_length(LONGEST_ASSET_URL, path=path)), BASE)

    assert (longest.method, len(longest.url)) == ("GET", 65_536)
    with pytest.raises(RequestTooLarge, match="65,536"):
        build(operation("GET", path), plan(query=query_of_length(LONGEST_ASSET_URL + 1, path=path)), BASE)


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_write_with_too_long_a_url_is_refused_not_turned_into_a_read(method: Method) -> None:
    with pytest.raises(RequestTooLarge, match="8,192"):
        build(operation(method, LEADS.path), plan(query=query_of_length(LONGEST_URL + 1)), BASE)


def test_a_read_with_a_json_body_goes_as_an_overridden_post() -> None:
    ismember = operation("GET", "/rest/v1/lists/{listId}/leads/ismember.json")

    request = build(ismember, plan(path={"listId": 7}, json={"input": [{"id": 1}]}, query={"x": "y"}), BASE)

    assert request.method == "POST"
    assert request.url == f"{BASE}/rest/v1/lists/7/leads/ismember.json?x=y&_method=GET"
    assert (request.content_type, request.body) == ("application/json", b'{"input":[{"id":1}]}')


def test_a_form_is_url_encoded() -> None:
    request = build(operation("POST", "/rest/asset/v1/folders.json"), plan(form={"name": "A & B", "x": None}), BASE)

    assert (request.content_type, request.body) == ("application/x-www-form-urlencoded", b"name=A%20%26%20B")


def body_of_size(size: int) -> dict[str, str]:
    return {"input": "a" * (size - len('{"input":""}'))}


def test_a_body_of_a_million_bytes_is_the_last_that_is_sent() -> None:
    sync = operation("POST", "/rest/v1/leads.json")

    largest = build(sync, plan(json=body_of_size(LARGEST_BODY)), BASE)

    assert largest.body is not None
    assert len(largest.body) == 1_000_000
    with pytest.raises(RequestTooLarge, match=r"family\.verb.*1,000,001.*fewer records"):
        build(sync, plan(json=body_of_size(LARGEST_BODY + 1)), BASE)


def test_the_form_of_an_override_is_measured_too() -> None:
    with pytest.raises(RequestTooLarge):
        build(LEADS, plan(query={"filterValues": "a" * (LARGEST_BODY + 1)}), BASE)


class Person(msgspec.Struct, rename="camel"):
    first_name: str


@pytest.mark.parametrize(
    ("json", "body"),
    [
        ({"input": [Person("Ada")]}, b'{"input":[{"firstName":"Ada"}]}'),
        ({"input": ["Zoë"]}, '{"input":["Zoë"]}'.encode()),
        ({"input": [date(2024, 1, 2)]}, b'{"input":["2024-01-02"]}'),
        ({"input": [MappingProxyType({"email": "a@x.io"})]}, b'{"input":[{"email":"a@x.io"}]}'),
        ({}, b"{}"),
    ],
)
def test_bodies_are_utf8_json_of_whatever_the_signatures_allow(json: object, body: bytes) -> None:
    assert build(operation("POST", LEADS.path), plan(json=json), BASE).body == body


@pytest.mark.parametrize("value", [object(), "\ud800", 1j])
def test_values_that_json_can_not_hold_are_refused_as_invalid_requests(value: object) -> None:
    with pytest.raises(InvalidRequest):
        build(operation("POST", LEADS.path), plan(json={"input": [{"email": value}]}), BASE)
