"""The columns of tables: the type for each of Marketo's data types, and values read as one. Pure.

See ``bulk.rows.typed`` for the cells of files, and ``mirror.arrow`` for the rows of a mirror.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Literal, TypeVar

import msgspec

from marketo_async.models.activity_values import as_type
from marketo_async.models.moment import parse

T = TypeVar("T")

ColumnType = Literal["text", "bigint", "double", "bool", "timestamp", "date", "json"]
"""The data types of columns, as dlt names them."""

_TYPES: Mapping[str, ColumnType] = {
    "boolean": "bool",
    **dict.fromkeys(("integer", "score", "reference"), "bigint"),
    **dict.fromkeys(("float", "currency", "percent"), "double"),
    "datetime": "timestamp",
    "date": "date",
}


_NAMES: Mapping[ColumnType, str] = {
    "bigint": "a whole number of 64 bits",
    "double": "a number",
    "bool": "true or false",
    "timestamp": "a moment",
    "date": "a date",
    "json": "JSON",
}


class UnfitValue(ValueError):
    """A value does not fit the type of its ``column``."""

    def __init__(self, column: str, kind: ColumnType, text: str) -> None:
        self.column = column
        super().__init__(f"{text!r} is not {_NAMES.get(kind, kind)}")


def column_type(data_type: str | None) -> ColumnType:
    """Return the type of the column for one of Marketo's data types; unknown ones are text."""
    return _TYPES.get((data_type or "").casefold(), "text")


def fitting(kind: ColumnType, value: object) -> object:
    """Return a value as one of a column's type, or ``None`` if it does not fit; moments keep their time zone."""
    return _READERS[kind](value)


def fitted(column: str, kind: ColumnType, value: object, *, text: str | None = None) -> object:
    """Return a value as one of a column's type, moments in UTC.

    Raises `UnfitValue`, which shows the value as ``text``, or as it is.
    """
    try:
        read = fitting(kind, value)
        found = read.astimezone(UTC) if isinstance(read, datetime) else read
    except OverflowError:  # a moment whose year is beyond 9999 in UTC
        found = None
    if found is None:
        raise UnfitValue(column, kind, as_text(value) if text is None else text)
    return found


def as_text(value: object) -> str:
    """Return a value as text: text as it is, any other value as JSON."""
    return value if isinstance(value, str) else _json(value)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _bigint(value: object) -> int | None:
    found = as_type("integer", value)
    whole = isinstance(found, int) and not isinstance(found, bool)
    return found if whole and -(2**63) <= found < 2**63 else None  # type: ignore[operator, return-value]


def _double(value: object) -> float | None:
    return _only(float, as_type("float", value))


def _bool(value: object) -> bool | None:
    return _only(bool, as_type("boolean", value))


def _timestamp(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        try:
            return parse(value)
        except ValueError:
            return None
    return None


def _date(value: object) -> date | None:
    if isinstance(value, datetime):
        return None
    return _only(date, value if isinstance(value, date) else as_type("date", value))


def _only(kind: type[T], value: object) -> T | None:
    return value if isinstance(value, kind) else None


_READERS: Mapping[ColumnType, Callable[[object], object]] = {
    "text": as_text,
    "json": _json,
    "bigint": _bigint,
    "double": _double,
    "bool": _bool,
    "timestamp": _timestamp,
    "date": _date,
}
