"""Reading values as Marketo types: from text in queries, forms and paths, and from members of JSON bodies.

A value of the wrong type is error 1001. Routes declare the parameters of an operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError

_INTEGER = re.compile(r"[+-]?\d{1,19}")


def wrong_type(name: str, kind: str) -> ApiError:
    """Return the error for a value that is not of its type."""
    return ApiError("1001", f"Invalid value for '{name}', required of type {kind}")


def missing(name: str) -> ApiError:
    """Return the error for a parameter that must be given."""
    return ApiError("1002", f"Missing value for required parameter '{name}'")


def as_integer(name: str, value: object) -> int:
    """Return an integer given as a number or as text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise wrong_type(name, "integer")


def as_flag(name: str, value: object) -> bool:
    """Return a boolean given as a boolean or as text."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise wrong_type(name, "boolean")


def as_text(name: str, value: object) -> str:
    """Return a string; other types are errors."""
    if isinstance(value, str):
        return value
    raise wrong_type(name, "string")


def as_moment(name: str, value: object) -> float:
    """Return the epoch seconds of an ISO 8601 datetime; one without an offset is UTC."""
    if isinstance(value, str):
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise wrong_type(name, "datetime") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    raise wrong_type(name, "datetime")


def as_objects(name: str, value: object) -> list[Members]:
    """Return a list of JSON objects."""
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise wrong_type(name, "array")
    return value


def as_object(name: str, value: object) -> Members:
    """Return a JSON object."""
    if not isinstance(value, dict):
        raise wrong_type(name, "object")
    return value


def split(values: Iterable[str]) -> list[str]:
    """Return the items of a list parameter, given with commas, as repeats, or both."""
    return [item for value in values for part in value.split(",") if (item := part.strip())]
