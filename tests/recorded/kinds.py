"""The words of the tables: kinds of values, each as one invented value of that kind, and how members are listed.

A name that ends in ``?`` belongs to a member that some answers lack, or have as null.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
Shape: TypeAlias = "bool | int | float | str | list[Shape] | Mapping[str, Shape] | Either | None"

TEXT = "some text"
DIGITS = "7001"  # a number as text
INT = 7
FLAG = True
NULL = None
DAY = "2031-02-03"
DATE = "2031-02-03T04:05:06Z"
OFFSET_DATE = "2031-02-03T04:05:06+0000"
PLAIN_DATE = "2031-02-03 04:05:06"
ASSET_DATE = "2031-02-03T04:05:06Z+0000"
USER_DATE = "20310203T04:05:06.0t+0000"
USER_MOMENT = "2031-02-03T04:05:06.000t+0000"
_DATE = re.compile(r"\d{4}-?\d\d-?\d\d(?!\d)")


class Either:
    """A member that was recorded with different kinds of values in different answers, at most three."""

    def __init__(self, *kinds: Shape) -> None:
        self.kinds = kinds


class Nothing:
    """An answer without a result."""


NOTHING = Nothing()


def each(kind: Shape, names: str) -> dict[str, Shape]:
    """Return members of one kind."""
    return dict.fromkeys(names.split(), kind)


def texts(names: str) -> dict[str, Shape]:
    """Return members that are texts."""
    return each(TEXT, names)


def ints(names: str) -> dict[str, Shape]:
    """Return members that are whole numbers."""
    return each(INT, names)


def flags(names: str) -> dict[str, Shape]:
    """Return members that are true or false."""
    return each(FLAG, names)


def dates(names: str) -> dict[str, Shape]:
    """Return members that are dates as the lead database writes them."""
    return each(DATE, names)


def stamps(names: str) -> dict[str, Shape]:
    """Return members that are dates as assets have them."""
    return each(ASSET_DATE, names)


ID: Shape = [ints("id")]
REASONS: Shape = [{"code": DIGITS, "message": TEXT}]
CHANGED = stamps("createdAt updatedAt")
DATED = dates("createdAt updatedAt")
FOLDER = texts("type folderName?") | ints("value")
FOLDER_ID = texts("type") | ints("id")
METADATA: Shape = [
    texts("displayName name dataType description?")
    | ints("length?")
    | flags("isHidden isHtmlEncodingInEmail isSensitive isCustom isApiCreated?")
]
WRITTEN_FIELD: Shape = [texts("name status")]


def answers(shape: Shape) -> Iterator[Value]:
    """Return values of a shape: whole, without the members that may be missing, and with these as null.

    Where a member has several kinds of values, each has its turn.
    """
    for turn in range(3):
        for optional in ("kept", "left out", "null"):
            yield _value(shape, optional, turn)


def _value(shape: Shape, optional: str, turn: int) -> Value:
    if isinstance(shape, Either):
        return _value(shape.kinds[turn % len(shape.kinds)], optional, turn)
    if isinstance(shape, list):
        return [_value(item, optional, turn) for item in shape]
    if not isinstance(shape, Mapping):
        return shape
    found: dict[str, Value] = {}
    for name, member in shape.items():
        if not name.endswith("?") or optional == "kept":
            found[name.rstrip("?")] = _value(member, optional, turn)
        elif optional == "null":
            found[name.rstrip("?")] = None
    return found


def members(shape: Shape, at: str = "") -> Iterator[tuple[str, str]]:
    """Return the dotted path of every member of a shape, and its kind of value."""
    if isinstance(shape, list):
        for item in shape:
            yield from members(item, at)
    elif isinstance(shape, Mapping):
        for name, member in shape.items():
            path = f"{at}.{name.rstrip('?')}".lstrip(".")
            for one in member.kinds if isinstance(member, Either) else (member,):
                yield path, kind_of(one)
                yield from members(one, path)


def kind_of(value: Shape) -> str:
    """Return how JSON would call a value; for a date, how it is written."""
    if isinstance(value, str):
        return re.sub(r"\d+", "0", value) if _DATE.match(value) else "text"
    if value is None or isinstance(value, bool):
        return "null" if value is None else "flag"
    return "number" if isinstance(value, int | float) else "list" if isinstance(value, list) else "object"


def lost(sent: Value, read: Value, at: str = "") -> Iterator[str]:
    """Return the dotted paths of the members with a value that are not in what was read from the answer."""
    if isinstance(sent, list):
        kept = read if isinstance(read, list) else []
        for item, own in zip_longest(sent, kept):
            yield from lost(item, own, at)
    elif isinstance(sent, dict):
        known = read if isinstance(read, dict) else {}
        for name, member in sent.items():
            path = f"{at}.{name}".lstrip(".")
            if member is None:
                continue
            if known.get(name) is None:
                yield path
            else:
                yield from lost(member, known[name], path)
