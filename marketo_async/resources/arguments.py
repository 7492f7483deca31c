"""Checks and shapes of arguments that several families share: field lists, ids, batches. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from marketo_async.errors import InvalidRequest
from marketo_async.writes import BATCH

T = TypeVar("T")

Fields = Sequence[str] | None


def field_names(model: type[object], fields: Fields) -> Fields:
    """Return the fields to request: the caller's, exactly those of a Struct ``model``, or Marketo's default."""
    if isinstance(fields, str):
        raise InvalidRequest(f"fields is the text {fields!r}: pass a list of names, [{fields!r}]")
    if fields is not None or not (isinstance(model, type) and issubclass(model, msgspec.Struct)):
        return fields
    return [member.encode_name for member in msgspec.structs.fields(model)]


def within(name: str, given: Iterable[T], most: int = BATCH) -> list[T]:
    """Return ``given`` as a list of 1 to ``most`` members; any other number is refused before a call is made."""
    if isinstance(given, str):
        raise InvalidRequest(f"{name} is the text {given!r}: pass a list, [{given!r}]")
    found = list(given)
    if not 1 <= len(found) <= most:
        raise InvalidRequest(f"{name} has {len(found)} members: one call takes 1 to {most}")
    return found


def drop_none(body: Mapping[str, object]) -> dict[str, object]:
    """Return a body without the members that are ``None``, which Marketo would store."""
    return {name: value for name, value in body.items() if value is not None}


def page_size(size: int | None, most: int = BATCH) -> int | None:
    """Return the batch size to request; ``None`` is Marketo's default."""
    if size is not None and not 1 <= size <= most:
        raise InvalidRequest(f"batch_size is {size}: pass 1 to {most}")
    return size
