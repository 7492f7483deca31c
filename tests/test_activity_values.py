"""Attributes of activities as Python values: what fits its type becomes it, and nothing else is touched."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Marketo
from marketo_async.models.activities import Activity, ActivityType, Attribute, AttributeType, LeadChange
from marketo_async.models.activity_values import as_type, typed_values
from marketo_async.sandbox import Sandbox
from tests.writes.instances import GENEROUS

MOMENT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)
TEXTS = ["string", "text", "phone", "email", "url", "link", "formula"]
TYPES = [*TEXTS, "integer", "score", "reference", "float", "currency", "percent", "boolean", "datetime", "date"]


def activity(*attributes: Attribute, **members: Any) -> Activity:
    return Activity(lead_id=1, activity_date=MOMENT, activity_type_id=1, attributes=list(attributes), **members)


@pytest.mark.parametrize(
    ("data_type", "value", "expected"),
    [
        ("integer", "17", 17),
        ("integer", -17, -17),
        ("Integer", 17.0, 17),
        ("score", "+3", 3),
        ("reference", "9", 9),
        ("float", "1.5", 1.5),
        ("currency", "1e3", 1000.0),
        ("percent", 50, 50.0),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("boolean", 0, False),
        ("boolean", "1", True),
        ("boolean", True, True),
        ("datetime", "2026-03-01T13:30:00+01:00", MOMENT),
        ("datetime", "2026-03-01T12:30:00Z+0000", MOMENT),
        ("datetime", "2026-03-01T12:30:00", MOMENT),
        ("date", "2026-03-01", date(2026, 3, 1)),
        ("string", "17", "17"),
        ("text", "true", "true"),
        ("email", "a@example.com", "a@example.com"),
    ],
)
def test_a_value_that_fits_gets_the_type(data_type: str, value: object, expected: object) -> None:
    found = as_type(data_type, value)

    assert (type(found), found) == (type(expected), expected)
    if isinstance(found, datetime):
        assert found.tzinfo is UTC


MISFITS: dict[str | None, list[object]] = {
    "integer": ["", "a", "1_000", "1.5", " 1", "٣", "9" * 5_000, 1.5, True, None, [1], {}],
    "float": ["nan", "inf", "1_0", "1,5", "1e999", 10**400, 2**53 + 1, True, None, [1.5]],
    "boolean": ["yes", "", 2, 1.0, None, [True]],
    "datetime": ["yesterday", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00+05:00", 5, None],
    "date": ["2026-02-30", "20260301", "2026-03-01T00:00:00Z", 20260301, None],
    "string": [5, 1.5, True, None, [1, 2]],
    "a type of the future": ["5"],
    None: ["5"],
}


@pytest.mark.parametrize(
    ("data_type", "value"), [(data_type, value) for data_type, values in MISFITS.items() for value in values]
)
def test_a_value_that_does_not_fit_stays_as_it_came(data_type: str | None, value: object) -> None:
    assert as_type(data_type, value) is value


def test_keys_are_api_names_where_there_are_any() -> None:
    kind = ActivityType(
        id=100_001,
        name="Demo",
        primary_attribute=AttributeType(name="What", api_name="what", data_type="string"),
        attributes=[
            AttributeType(name="How Long", api_name="howLong", data_type="integer"),
            AttributeType(name="When", data_type="datetime"),
        ],
    )
    found = activity(
        Attribute(name="How Long", value="5"),
        Attribute(api_name="howLong", name="Duration", value="6"),
        Attribute(name="When", value="2026-03-01T12:30:00Z"),
        Attribute(name="New", api_name="new", value="7"),
        Attribute(name="New", value="8"),
        Attribute(value="9"),
        primary_attribute_value="Tour",
    )

    assert list(typed_values(found, kind).items()) == [
        ("what", "Tour"),
        ("howLong", 5),
        ("howLong (2)", 6),
        ("When", MOMENT),
        ("new", "7"),
        ("New", "8"),
        ("attribute", "9"),
    ]
    assert typed_values(activity(Attribute(name="How Long", value="5")), None) == {"How Long": "5"}


@pytest.mark.parametrize(
    ("data_type", "members", "expected"),
    [
        ("integer", {"primary_attribute_value_id": 5, "primary_attribute_value": "Home"}, 5),
        ("integer", {"primary_attribute_value": "5"}, 5),
        ("integer", {"primary_attribute_value": "Home"}, "Home"),
        ("string", {"primary_attribute_value_id": 5, "primary_attribute_value": "firstName"}, "firstName"),
        ("string", {"primary_attribute_value_id": 5}, 5),
        ("date", {"primary_attribute_value": "2026-03-01"}, date(2026, 3, 1)),
        ("string", {}, None),
    ],
)
def test_the_primary_attribute_comes_under_its_own_name(
    data_type: str, members: dict[str, Any], expected: object
) -> None:
    kind = ActivityType(id=1, name="Visit", primary_attribute=AttributeType(name="Page", data_type=data_type))
    change = LeadChange(lead_id=1, activity_date=MOMENT, activity_type_id=1, **members)

    assert typed_values(activity(**members), kind) == {"Page": expected}
    assert typed_values(change, kind) == {"Page": expected}


values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.from_regex(r"[+-]?[0-9.eE_]{1,20}", fullmatch=True),
    st.datetimes().map(datetime.isoformat),
    st.dates().map(date.isoformat),
    st.lists(st.integers()),
)
names = st.sampled_from(["a", "b", "B", "", "a (2)", "attribute"]) | st.none()
attributes = st.builds(Attribute, name=names, api_name=names, value=values)
declarations = st.builds(
    AttributeType,
    name=names.map(str),
    api_name=names,
    data_type=st.sampled_from(TYPES) | st.none() | st.text(),
)
kinds = st.builds(
    ActivityType,
    id=st.just(1),
    name=st.just("Any"),
    primary_attribute=st.none() | declarations,
    attributes=st.lists(declarations, max_size=4),
)
BECOMES: dict[type, tuple[str, ...]] = {
    int: ("integer", "score", "reference"),
    float: ("float", "currency", "percent"),
    bool: ("boolean",),
    datetime: ("datetime",),
    date: ("date",),
}


@given(st.lists(attributes, max_size=6), kinds | st.none(), st.none() | st.integers(), st.none() | st.text())
def test_nothing_is_lost_and_nothing_raises(
    given_attributes: list[Attribute], kind: ActivityType | None, id: int | None, text: str | None
) -> None:
    found = activity(*given_attributes, primary_attribute_value_id=id, primary_attribute_value=text)
    typed = list(typed_values(found, kind).values())
    if kind is not None and kind.primary_attribute is not None:
        typed.pop(0)

    assert len(typed) == len(given_attributes)
    for attribute, value in zip(given_attributes, typed, strict=True):
        declared = [] if kind is None else [one.data_type for one in kind.attributes]
        options = [attribute.value, *(as_type(data_type, attribute.value) for data_type in declared)]
        assert (type(value), value) in [(type(option), option) for option in options]


@given(st.sampled_from(TYPES), values)
def test_a_changed_value_has_the_type_that_is_declared(data_type: str, value: object) -> None:
    found = as_type(data_type, value)

    assert found is value or data_type in BECOMES[type(found)]


offsets = st.integers(-12, 12).map(lambda hours: timezone(timedelta(hours=hours)))
NAIVE = MOMENT.replace(tzinfo=None)
moments = st.datetimes(NAIVE.replace(year=1970), NAIVE.replace(year=9000), timezones=offsets)
SPELLED = {
    "integer": st.integers().map(lambda value: (value, str(value))),
    "float": st.floats(allow_nan=False, allow_infinity=False).map(lambda value: (value, repr(value))),
    "boolean": st.booleans().map(lambda value: (value, str(value).lower())),
    "datetime": moments.map(lambda value: (value, value.isoformat())),
    "date": st.dates().map(lambda value: (value, value.isoformat())),
    "string": st.text().map(lambda value: (value, value)),
}


@pytest.mark.parametrize("data_type", SPELLED)
def test_every_value_survives_its_spelling(data_type: str) -> None:
    @given(SPELLED[data_type])
    def check(pair: tuple[object, str]) -> None:
        value, text = pair
        assert as_type(data_type, text) == value

    check()


async def test_the_attributes_of_a_whole_instance() -> None:
    async with (
        Sandbox(leads=50, activities=300, limits=GENEROUS) as sandbox,
        Marketo(
            sandbox.base_url,
            client_id=sandbox.client_id,
            client_secret=sandbox.client_secret,
            governor=Governor(Limits(calls=10_000)),
        ) as marketo,
    ):
        types = await marketo.activities.types_by_id()
        found = await marketo.activities.since(datetime(2020, 1, 1, tzinfo=UTC), types=[1, 2, 6, 10, 12, 13, 22]).all()
        seen = Counter(
            (key, type(value).__name__)
            for one in found
            for key, value in typed_values(one, types[one.activity_type_id]).items()
        )

    assert len(found) > 100
    assert {("Webpage ID", "int"), ("Attribute Name", "str"), ("New Value", "str"), ("New Value", "int")} <= set(seen)
