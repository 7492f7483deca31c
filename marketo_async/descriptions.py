"""What an instance says of its record types and activity types, kept for a day, and the check of records against it.

Writes of many records, their checks and bulk imports share one description of a type. See ``resources`` for the
describe calls, and for the one that lists the activity types.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Generic, TypeVar, cast

import msgspec
from msgspec import UNSET, Struct

from marketo_async.models.leads import Description, FieldSummary
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import Operation, Plan

D = TypeVar("D")

KEPT = 24 * 3600.0  # seconds


class Described(Struct, Generic[D], frozen=True):
    """The call that describes a record type, or all activity types."""

    operation: Operation
    plan: Plan[D]

    @property
    def name(self) -> tuple[object, ...]:
        """The key of the description."""
        return (self.operation.name, *self.plan.path.values())


class Descriptions:
    """The descriptions of one open client; each costs one call a day, however many tasks ask for it at once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[float, object]] = {}
        self._asking: dict[tuple[object, ...], asyncio.Lock] = {}

    async def get(
        self,
        described: Described[D],
        ask: Callable[[Operation, Plan[D]], Awaitable[D]],
        wait_for: Callable[[Callable[[], Awaitable[bool]]], Awaitable[bool]],
    ) -> D:
        """Return the kept description, or make the call with ``ask`` if there is none or it is a day old.

        ``wait_for`` waits for another task's call for the same description; it may raise.
        """
        lock = self._asking.setdefault(described.name, asyncio.Lock())
        await wait_for(lock.acquire)
        try:
            now = asyncio.get_running_loop().time()
            until, found = self._kept.get(described.name, (now, None))
            if found is None or now >= until:
                found = await ask(described.operation, described.plan)
                self._kept[described.name] = (now + KEPT, found)
            return cast(D, found)
        finally:
            lock.release()

    def forget(self) -> None:
        """Drop all descriptions, because fields have changed."""
        self._kept.clear()


_NUMBERS = frozenset({"float", "currency", "percent"})
_WHOLE = frozenset({"integer", "score", "reference"})


class FieldCheck:
    """Finds values in a record that Marketo would refuse or drop, by the description of its type."""

    def __init__(self, description: Description | ObjectDescription, *, always: frozenset[str] = frozenset()) -> None:
        """Take a description; the fields of ``always`` identify the record, and are accepted in any case."""
        self._fields = {field.name.casefold(): field for field in description.fields}
        self._always = {name.casefold() for name in always}

    def __call__(self, record: Mapping[str, Any] | Struct) -> str | None:
        """Return a message about the wrong values of a record, or ``None``."""
        wrong = [trouble for name, value in members_of(record) if (trouble := self._trouble(name, value))]
        return "; ".join(wrong) or None

    def _trouble(self, name: str, value: object) -> str | None:
        field = self._fields.get(name.casefold())
        if field is None:
            return None if name.casefold() in self._always else f"{name} is not a field; describe() lists the fields"
        if field.updateable is False and name.casefold() not in self._always:
            return f"{name} is read-only; leave it out"
        return None if value is None else _misfit(field, value)


def members_of(record: Mapping[str, Any] | Struct) -> Iterator[tuple[str, object]]:
    """Yield the REST names and values of a record that are sent."""
    if isinstance(record, Mapping):
        yield from record.items()
        return
    leaves_out = record.__struct_config__.omit_defaults
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if value is not UNSET and not (leaves_out and value == field.default):
            yield field.encode_name, value


def _misfit(field: FieldSummary, value: object) -> str | None:
    """Return how a value violates its field's type or length."""
    kind = (field.data_type or "").casefold()
    if not _is_a(kind, value):
        return f"{field.name} is {type(value).__name__}, Marketo expects {kind}"
    if field.length is not None and isinstance(value, str) and len(value) > field.length:
        return f"{field.name} has {len(value):,} characters, Marketo takes {field.length:,}"
    return None


def _is_a(kind: str, value: object) -> bool:
    """Return whether Marketo reads a value as this type; it parses text; an unknown type accepts everything."""
    if isinstance(value, Mapping | list | tuple | set | Struct):
        return False
    if kind == "boolean":
        return isinstance(value, bool) or (isinstance(value, str) and value.casefold() in {"true", "false", "0", "1"})
    if kind in _WHOLE:
        return (isinstance(value, int) and not isinstance(value, bool)) or _reads(int, value)
    if kind in _NUMBERS:
        return (isinstance(value, int | float) and not isinstance(value, bool)) or _reads(float, value)
    if kind in {"date", "datetime"}:
        return isinstance(value, date) or _reads(datetime.fromisoformat, value)
    return True


def _reads(kind: Callable[[str], object], value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        kind(value)
    except ValueError:
        return False
    return True
