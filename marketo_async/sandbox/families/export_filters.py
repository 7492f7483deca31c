"""The filters of export jobs: their names, combinations and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.parameters import as_integer, as_moment, as_object, as_text, missing, wrong_type
from marketo_async.sandbox.records.export_rows import LeadIds, Span
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.smart_list_members import smart_list_members
from marketo_async.sandbox.records.smart_lists import SmartList
from marketo_async.sandbox.records.static_lists import StaticList

LONGEST_SPAN = 31 * 86_400.0
LIST_FILTERS = ("staticListName", "staticListId", "smartListName", "smartListId")

_List = TypeVar("_List", StaticList, SmartList)

_FRACTION = re.compile(r":\d\d\.\d")


def given_filters(call: Call, known: Sequence[str]) -> Members:
    """Return the filters of a job, or raise 1003 for an unknown and 1035 for an unavailable filter."""
    given = {name: value for name, value in as_object("filter", call.member("filter")).items() if value is not None}
    for name in given:
        if name not in known:
            raise ApiError("1003", f"Invalid filter '{name}'")
        if name in call.instance.quirks.unavailable_filters:
            raise ApiError("1035", f"Unsupported filter type for target subscription: {name}")
    return given


def only_filter(call: Call, known: Sequence[str]) -> tuple[str, object]:
    """Return the filter of a job that needs exactly one, or raise 1003."""
    given = given_filters(call, known)
    if len(given) != 1:
        raise ApiError("1003", f"Exactly one filter of {', '.join(known)} is required")
    return given.popitem()


def span(instance: Instance, name: str, value: object) -> Span:
    """Return the begin and end of a date range, or raise 1003 if it is not a range or is too long."""
    limits = as_object(name, value)
    begin, end = (_limit(instance, limit, limits.get(limit)) for limit in ("startAt", "endAt"))
    if not 0 <= end - begin <= LONGEST_SPAN:
        raise ApiError("1003", f"'{name}' must be in order and span at most 31 days")
    return begin, end


def _limit(instance: Instance, name: str, value: object) -> float:
    if value is None:
        raise missing(name)
    if not instance.quirks.export_milliseconds and _FRACTION.search(str(value)):
        raise ApiError("1003", f"'{name}' must not have milliseconds")
    return as_moment(name, value)


def members_of(instance: Instance, name: str, value: object) -> LeadIds:
    """Return a function that returns the current members of a list, or raise 1003 if the list does not exist."""
    asked = as_integer(name, value) if name.endswith("Id") else as_text(name, value)
    if name.startswith("static"):
        static_list = _named(list(instance.lists), asked)
        return lambda: list(static_list.lead_ids)
    smart_list = _named(list(instance.program_assets.smart_lists), asked)
    return lambda: smart_list_members(instance, smart_list)


def _named(lists: Sequence[_List], asked: int | str) -> _List:
    for one in lists:
        if asked in (one.id, one.name):
            return one
    raise ApiError("1003", f"List '{asked}' not found")


def as_list(name: str, value: object) -> list[object]:
    """Return an array; a single value becomes an array of one."""
    if value is None:
        return []
    if isinstance(value, dict):
        raise wrong_type(name, "array")
    return list(value) if isinstance(value, list) else [value]
