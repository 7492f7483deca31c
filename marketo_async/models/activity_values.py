"""The attributes of an activity as a dict of Python values, by the data types that its activity type declares. Pure.

See ``activities.Activities.types_by_id`` for the activity types of an instance.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from marketo_async.models.activities import Activity, ActivityType, AttributeType, LeadChange
from marketo_async.models.moment import parse

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BOOLEANS: Mapping[object, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}
_UNNAMED = "attribute"


def typed_values(activity: Activity | LeadChange, kind: ActivityType | None) -> dict[str, Any]:
    """Return the attributes of an activity, by API name, as Python values of the data types that ``kind`` declares.

    Attributes without an API name have their name as key; a key that comes again gets a number: ``"Link (2)"``. The
    types integer, score and reference become ``int``; float, currency and percent ``float``; boolean ``bool``; datetime
    a datetime in UTC; date a ``date``; all others stay text. A value that does not fit its type, or has no type, stays
    as it came.

    The primary attribute comes first. If its type is integer, its value is ``primary_attribute_value_id``, which names
    an asset, and the asset's name stays in ``activity.primary_attribute_value``. With ``kind=None``, nothing is known
    of the types, and the primary attribute is left out.

    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities
    """
    found: dict[str, Any] = {}
    for name, value in _values(activity, kind):
        key, count = name, 1
        while key in found:
            count += 1
            key = f"{name} ({count})"
        found[key] = value
    return found


def as_type(data_type: str | None, value: object) -> object:
    """Return a value as Marketo's ``data_type`` says, or as it is where it does not fit."""
    read = _READERS.get((data_type or "").casefold())
    if read is None:
        return value
    try:
        fitting = read(value)
    except (ValueError, OverflowError):  # a date that does not exist, a number beyond every float
        return value
    return value if fitting is None else fitting


def _values(activity: Activity | LeadChange, kind: ActivityType | None) -> Iterator[tuple[str, object]]:
    """Yield the key and the value of each attribute."""
    primary = kind.primary_attribute if kind else None
    if primary is not None:
        yield _key(primary), _primary_value(activity, primary)
    declared = kind.attributes if kind else []
    by_api_name: Mapping[str | None, AttributeType] = {one.api_name: one for one in declared if one.api_name}
    by_name: Mapping[str | None, AttributeType] = {one.name: one for one in declared if one.name}
    for attribute in activity.attributes:
        own = attribute.api_name or attribute.name or _UNNAMED
        known = by_api_name.get(attribute.api_name) or by_name.get(attribute.name) or by_api_name.get(attribute.name)
        if known is None:
            yield own, attribute.value
        else:
            yield _key(known), as_type(known.data_type, attribute.value)


def _key(attribute: AttributeType) -> str:
    return attribute.api_name or attribute.name or _UNNAMED


def _primary_value(activity: Activity | LeadChange, primary: AttributeType) -> object:
    text, asset = activity.primary_attribute_value, activity.primary_attribute_value_id
    if asset is not None and (text is None or (primary.data_type or "").casefold() in _WHOLE):
        return as_type(primary.data_type, asset)
    return as_type(primary.data_type, text)


def _whole(value: object) -> int | None:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return None


def _number(value: object) -> float | None:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        found = float(value)
        return found if isfinite(found) else None
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value) if float(value) == value else None  # a float has no place for every whole number
    return None


def _boolean(value: object) -> bool | None:
    if isinstance(value, str):
        return _BOOLEANS.get(value.casefold())
    return _BOOLEANS.get(value) if isinstance(value, int) else None


def _moment(value: object) -> datetime | None:
    return parse(value).astimezone(UTC) if isinstance(value, str) else None


def _day(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else None


_WHOLE = frozenset({"integer", "score", "reference"})
_READERS: Mapping[str, Callable[[object], object]] = {
    **dict.fromkeys(_WHOLE, _whole),
    **dict.fromkeys(("float", "currency", "percent"), _number),
    "boolean": _boolean,
    "datetime": _moment,
    "date": _day,
}
