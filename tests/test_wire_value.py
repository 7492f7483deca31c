"""One value, three ways to Marketo: `sync`, `load` and a query store and find the same, or refuse it by index."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from marketo_async import Marketo
from marketo_async.errors import InvalidRequest
from marketo_async.wire_value import as_cell, as_json, as_query, as_record, wire_value
from tests.bulk.instances import POLL, calls, instance


class Size(StrEnum):
    SMALL = "small"


class Rank(IntEnum):
    FIRST = 1


class Colour(Enum):
    RED = "red"


class Who(Enum):
    SYNCED = "s0@example.com"
    LOADED = "L0@example.com"


class Row(Struct):
    email: str
    value: Any


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001 - that is the point
MOMENT = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=timezone(timedelta(hours=2)))
REFUSED: list[Any] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    Decimal("NaN"),
    Decimal("Infinity"),
    b"bytes",
    bytearray(b"bytes"),
    timedelta(days=1),
    time(1, 2),
    NAIVE,
    "\ud800",
    object(),
    1j,
    ["a"],
    ("a",),
    {"a"},
    {"a": 1},
    Row("a", 1),
]
# A field of a fitting type, and a value for it.
TAKEN: list[tuple[str, Any]] = [
    ("title", "plain"),
    ("title", "Acme, Inc."),
    ("title", 'quoted "text"'),
    ("title", "é 漢 \U0001f600"),
    ("title", Size.SMALL),
    ("title", Colour.RED),
    ("title", UUID(int=7)),
    ("title", None),
    ("leadScore", 7),
    ("leadScore", -1),
    ("leadScore", Rank.FIRST),
    ("urgency", 1.5),
    ("urgency", 1e-7),
    ("urgency", Decimal("1.50")),
    ("unsubscribed", True),
    ("unsubscribed", False),
    ("dateOfBirth", date(2000, 1, 2)),
]

values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.text(st.characters()),
    st.binary(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-6))])),
    st.timedeltas(),
    st.times(),
    st.uuids(),
    st.sampled_from([*Size, *Rank, *Colour]),
    st.sampled_from(REFUSED),
)


def spelled(spell: Callable[[Any], Any], value: object) -> Any:
    """Return what comes of a value, or ``...`` where it is refused."""
    try:
        return spell(value)
    except InvalidRequest:
        return ...


def sent(record: Any) -> Any:
    """Return the value of a record as the wire holds it; text that UTF-8 can't hold is refused there."""
    try:
        return json.loads(msgspec.json.encode(as_record(record)))["value"]
    except UnicodeEncodeError as error:
        raise InvalidRequest("text") from error


@given(values)
def test_all_ways_agree(value: object) -> None:
    wire = spelled(wire_value, value)
    assert wire is ... or type(wire) in {str, int, float, bool, type(None)}
    ways = [lambda: sent({"email": "a", "value": value}), lambda: sent(Row("a", value))]
    ways += [lambda: sent(MappingProxyType({"value": value}))]
    ways += [lambda: json.loads(msgspec.json.encode(as_json({"value": wire})))["value"]] if wire is not ... else []
    assert all(spelled(lambda way: way(), way) == wire for way in ways)
    cell, query = spelled(as_cell, value), spelled(as_query, value)
    if wire is None:
        assert (cell, query) == ("", ...)
    elif wire is ...:
        assert (cell, query) == (..., ...)
    else:
        assert cell == query
        assert (cell == "true" if isinstance(wire, bool) else type(wire)(cell)) == wire


@given(st.text(st.characters(exclude_categories=["Cs"])), st.floats(allow_nan=False, allow_infinity=False))
def test_text_and_numbers_come_back_as_they_were(text: str, number: float) -> None:
    assert as_query(text) == text
    assert float(as_query(number)) == number
    assert "e" not in as_query(number).lower()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (MOMENT, "2026-01-02T03:04:05+02:00"),
        (MOMENT.astimezone(UTC), "2026-01-02T01:04:05Z"),
        (Decimal("1E+3"), "1000"),
        (1e20, "100000000000000000000"),
        (True, "true"),
        (Size.SMALL, "small"),
    ],
)
def test_how_a_value_is_written(value: object, text: str) -> None:
    assert (as_cell(value), as_query(value)) == (text, text)


async def test_sync_and_load_store_the_same_and_a_query_finds_it() -> None:
    async with instance(10) as (_, marketo):
        for number, (field, value) in enumerate(TAKEN):
            one, other = f"s{number}@example.com", f"l{number}@example.com"
            written = await marketo.leads.sync([{"email": one, field: value}]).all()
            assert [result.status for result in written] == ["created"], (field, value, written)
            report = await marketo.bulk.leads.load([{"email": other, field: value}], poll=POLL)
            assert report.failures == [], (field, value)
            found = {
                lead["email"]: lead[field]
                async for lead in marketo.leads.by_filter("email", [one, other], fields=["email", field])
            }
            assert str(found[one]) == str(found[other]), (field, value)
        whole = await marketo.leads.by_filter("email", list(Who), fields=["id"]).all()
        assert len(whole) == 2
        assert len(await marketo.leads.by_filter("id", [Decimal(whole[0]["id"]), whole[1]["id"]]).all()) == 2


@pytest.mark.parametrize("value", REFUSED, ids=lambda value: type(value).__name__)
async def test_what_has_no_form_is_refused_by_index_on_every_way(value: object) -> None:
    async with instance(10) as (sandbox, marketo):

        async def listed(pager: Any) -> None:
            await pager.all()

        ways: list[tuple[Callable[[Marketo], Awaitable[Any]], str]] = [
            (lambda m: m.leads.sync([{"email": "a"}, {"email": "b", "title": value}]).all(), "record 1"),
            (lambda m: m.leads.sync(iter([Row("a", "x"), Row("b", value)])).all(), "record 1"),
            (
                lambda m: m.bulk.leads.load([{"email": "a", "title": "x"}, {"email": "b", "title": value}], poll=POLL),
                "row 1: title",
            ),
        ]
        for way, where in ways:
            with pytest.raises(InvalidRequest, match=where):
                await way(marketo)
        with pytest.raises(InvalidRequest, match=r"values\[1\]"):
            await listed(marketo.leads.by_filter("title", ["x", value]))  # type: ignore[list-item]
        assert calls(sandbox, "POST /bulk/v1/leads.json") == 0
        assert calls(sandbox, "GET /rest/v1/leads.json") == 0


SURPLUS = list(csv.DictReader(io.StringIO("email,title\na,x\nb,y,too many\n")))


async def test_surplus_cells_of_a_dict_reader_are_refused_by_index() -> None:
    async with instance(10) as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match=r"record 1: it has more cells than the header"):
            await marketo.leads.sync(SURPLUS).all()
        with pytest.raises(InvalidRequest, match=r"row 1 has more cells than the header"):
            await marketo.bulk.leads.load(SURPLUS, poll=POLL)
        with pytest.raises(InvalidRequest, match=r"keys\[1\]: it has more cells"):
            await marketo.opportunity_roles.by_key(SURPLUS).all()
        assert calls(sandbox, "/leads.json") == 0


def test_a_structure_says_where_its_value_is_wrong() -> None:
    with pytest.raises(InvalidRequest, match=r"^input: 1: when: .* has no time zone"):
        as_json({"input": [{"when": MOMENT}, {"when": NAIVE}]})
    with pytest.raises(InvalidRequest, match="7 is not a field name"):
        as_json({7: 1})
    assert as_json({"a": (1, {"b": msgspec.UNSET})}) == {"a": [1, {}]}
