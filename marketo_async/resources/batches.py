"""The shapes of writes that families share: of records, and of ids. Pure. See ``writes`` for how they are split."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Hashable, Iterable, Mapping
from typing import Any, TypeVar

from msgspec import Raw, Struct

from marketo_async.errors import InvalidRequest
from marketo_async.operation import Plan
from marketo_async.writes import BATCH, Batches, KeyOf, WriteRow, folded

V = TypeVar("V")

_TEXT = frozenset({str})

Ids = Iterable[int] | AsyncIterable[int]


def several(name: str, given: Iterable[V] | AsyncIterable[V]) -> Iterable[V] | AsyncIterable[V]:
    """Return ``given`` unchanged if it is a collection of any number of members; refuse anything else."""
    single = isinstance(given, str | bytes | Mapping | Struct)
    if single or not isinstance(given, Iterable | AsyncIterable):
        raise InvalidRequest(f"{name} must be an iterable or an async iterable, not a {type(given).__name__}")
    return given


def no_record(record: object) -> str | None:
    """Return why ``record`` is not a record, or ``None`` if it is one."""
    if not isinstance(record, Mapping | Struct):
        return f"a record must be a dict by field name or a Struct, not a {type(record).__name__}"
    if isinstance(record, Mapping) and not _TEXT.issuperset(map(type, record)):
        return next((wrong for name in record if (wrong := _no_name(name))), None)
    return None


def _no_name(name: object) -> str | None:
    if isinstance(name, str):
        return None
    if name is None:
        return "it has more cells than the header has names (key None of csv.DictReader); fix the row"
    return f"{name!r} is not a field name; a field name is text"


def unless_new(id_field: str, action: str) -> Callable[[WriteRow], str | None]:
    """Return the check of records for ``action``: a record with Marketo's own id needs ``updateOnly``."""
    id_of = KeyOf(id_field)

    def refusal(record: WriteRow) -> str | None:
        if wrong := no_record(record):
            return wrong
        if id_of(record) is None:
            return None
        return f"it has {id_field!r}, which only action 'updateOnly' accepts; leave it out"

    return no_record if action == "updateOnly" else refusal


def of_ids(
    name: str,
    ids: Ids,
    plan: Callable[[Raw], Plan[Any]],
    *,
    scope: Hashable,
    member: str = "id",
    most: int = BATCH,
    success_status: str | None = None,
) -> Batches[int]:
    """Plan a write of any number of ids, each sent as ``{member: id}``; without a ``scope``, repeats are sent too."""
    return Batches(
        records=several(name, ids),
        plan=plan,
        most=most,
        row=lambda number: {member: number},
        refusal=no_id,
        scope=scope,
        key=None if scope is None else folded,
        success_status=success_status,
    )


def no_id(number: int) -> str | None:
    """Return why ``number`` is not an id, or ``None`` if it is one."""
    fits = isinstance(number, int) and not isinstance(number, bool) and number > 0
    return None if fits else f"an id must be a positive number, not {number!r}"
