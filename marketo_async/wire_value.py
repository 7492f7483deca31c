"""`wire_value`: how a Python value is written to Marketo, in JSON, a cell of a CSV file and a query. Pure.

A record that `sync` sends, a row that `load` sends and a value that a query searches for are written alike, or
refused for the same reason. See ``request`` for how a whole request is written. Formats:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/field-types

==========================  ==========================================================================================
``None``                    no value: ``null``, an empty cell; refused in a query
``str``                     unchanged; text with a lone surrogate is refused, as UTF-8 can't encode it
``bool``                    ``true`` or ``false``
``int``                     unchanged
``float``, ``Decimal``      unchanged, without an exponent in text; NaN and infinity are refused
``datetime``                ISO 8601 to the second, with its offset; a datetime without a time zone is refused
``date``                    ``YYYY-MM-DD``
``UUID``                    its 36 characters
``Enum``                    its value
scalars of numpy            as the number, the bool or the text that they hold; its dates are refused
anything else               refused, for instance bytes, durations and times of day
==========================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from math import isfinite
from numbers import Integral
from typing import Any, cast
from uuid import UUID

import msgspec
from msgspec import UNSET, Raw, Struct

from marketo_async.errors import InvalidRequest

Value = str | int | float | bool | Decimal | date | UUID | Enum  # a datetime is a date too
Wire = str | int | float | bool | None

_AS_THEY_ARE = frozenset({str, bool, int, type(None)})
_TEXT = frozenset({str})
_PLAIN_KINDS = frozenset("biufU")  # of numpy: bool, int, unsigned int, float, text
# msgspec would write these differently.
_KEPT = (datetime, date, time, timedelta, Decimal, UUID, bytes, bytearray, memoryview)


def wire_value(value: object) -> Wire:  # noqa: C901 - the table above, one row a branch
    """Return ``value`` as Marketo receives it, as a JSON value.

    Raises `InvalidRequest` for a value that can't be sent to Marketo.
    """
    if type(value) in _AS_THEY_ARE:  # nearly every value
        return _text(value) if isinstance(value, str) else cast("Wire", value)
    if (library := type(value).__module__.partition(".")[0]) in {"numpy", "pandas"}:
        value = _of_library(library, value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, Enum):
        return wire_value(value.value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, float | Decimal):
        if not (value.is_finite() if isinstance(value, Decimal) else isfinite(value)):
            raise InvalidRequest(f"{value} is not a number that Marketo can store; pass None to empty a field")
        return float(value) if isinstance(value, float) else f"{value:f}"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidRequest(f"{value.isoformat()} has no time zone; pass an aware datetime")
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    raise InvalidRequest(f"{type(value).__name__} can't be sent to Marketo; pass text, a number, a bool or a date")


def _of_library(library: str, value: Any) -> object:
    """Return a scalar of numpy as Python's own; refuse the missing values of pandas, which may mean anything."""
    if library == "numpy" and getattr(getattr(value, "dtype", None), "kind", "") in _PLAIN_KINDS and not value.shape:
        return value.item()
    if type(value).__name__ in {"NAType", "NaTType"}:
        raise InvalidRequest(
            f"{value} of pandas can't be sent to Marketo; pass None (frame.astype(object).where(frame.notna(), None))"
        )
    return value


def as_cell(value: object) -> str:
    """Return ``value`` as a cell of an import file; ``None`` becomes an empty cell."""
    found = wire_value(value)
    return "" if found is None else _spelled(found)


def as_query(value: object) -> str:
    """Return ``value`` as text in a query, a form or a path; ``None`` is refused, as it has no text form."""
    found = wire_value(value)
    if found is None:
        raise InvalidRequest("None can't be sent in a query; leave it out")
    return _spelled(found)


def as_json(value: object) -> object:
    """Return ``value`` for a JSON body: structures keep their shape, and every value in them becomes a `wire_value`.

    Raises `InvalidRequest`, which says where in the structure the value is.
    """
    if isinstance(value, Raw):
        return value
    if isinstance(value, Struct):
        value = _members(value)
    if isinstance(value, Mapping):
        return {_name(name): _within(name, member, as_json) for name, member in value.items() if member is not UNSET}
    if isinstance(value, list | tuple | set | frozenset):
        return [_within(index, member, as_json) for index, member in enumerate(value)]
    return wire_value(value)


def as_record(record: Mapping[str, object] | Struct) -> Mapping[str, object] | Struct:
    """Return a flat ``record`` for a JSON body: each member becomes a `wire_value`, and none may be a structure.

    Raises `InvalidRequest`, which names the member.
    """
    values = record.values() if isinstance(record, Mapping) else msgspec.structs.astuple(record)
    if _AS_THEY_ARE.issuperset(map(type, values)) and not _loose(record):
        return record  # the common case, without a copy; the encoder itself refuses lone surrogates
    members = record if isinstance(record, Mapping) else _members(record)
    return {_name(name): _within(name, value, wire_value) for name, value in members.items() if value is not UNSET}


def _loose(record: Mapping[str, object] | Struct) -> bool:
    """Return whether a record has names that are not text; a Struct never has."""
    return isinstance(record, Mapping) and not (type(record) is dict and _TEXT.issuperset(map(type, record)))


def _members(record: Struct) -> Mapping[str, object]:
    found: Mapping[str, object] = msgspec.to_builtins(record, builtin_types=_KEPT, enc_hook=_unchanged)
    return found


def _unchanged(value: object) -> object:
    """Refuse values that msgspec has no rule for, with the reason of `wire_value`."""
    return dict(value) if isinstance(value, Mapping) else wire_value(value)


def _within(where: object, value: object, spell: Callable[[object], object]) -> object:
    try:
        return spell(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"{where}: {error}") from error


def _name(name: object) -> str:
    if isinstance(name, str):
        return _text(name)
    if name is None:  # csv.DictReader keeps surplus cells under this key
        raise InvalidRequest("it has more cells than the header has names (key None of csv.DictReader); fix the row")
    raise InvalidRequest(f"{name!r} is not a field name; a field name is text")


def _text(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"{value!r} has a lone surrogate at {error.start}, which UTF-8 can't encode; replace or decode it"
        ) from error
    return str.__str__(value)


def _spelled(value: str | float | bool) -> str:  # noqa: FBT001 - one of the values
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{Decimal(repr(value)):f}" if isinstance(value, float) else str(value)
