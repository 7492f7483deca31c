"""What describe calls tell of a record type, kept for a day, and the check of records against it.

Whoever asks about a type shares one answer: writes of many records, their checks, and bulk imports. Not here: the
describe calls themselves, which each family has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct

from marketo_async.models.leads import Description, FieldSummary
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import Operation, Plan

D = TypeVar("D", Description, ObjectDescription)

KEPT = 24 * 3600.0  # seconds


class Described(Struct, Generic[D], frozen=True):
    """The call that describes a record type."""

    operation: Operation
    plan: Plan[D]

    @property
    def name(self) -> tuple[object, ...]:
        """What tells one record type from another."""
        return (self.operation.name, *self.plan.path.values())


class Descriptions:
    """The descriptions that one session has asked for; each is asked for once a day, however many want it at once."""

    def __init__(self) -> None:
        self._kept: dict[tuple[object, ...], tuple[float, Description | ObjectDescription]] = {}
        self._asking: dict[tuple[object, ...], asyncio.Lock] = {}

    async def get(
        self,
        described: Described[D],
        ask: Callable[[Operation, Plan[D]], Awaitable[D]],
        wait_for: Callable[[Callable[[], Awaitable[bool]]], Awaitable[bool]],
    ) -> Description | ObjectDescription:
        """Return a description, by a call of *ask* where none is kept or the one that is has become old.

        *wait_for* waits for somebody else's call that asks the same; it may raise.
        """
        lock = self._asking.setdefault(described.name, asyncio.Lock())
        await wait_for(lock.acquire)
        try:
            now = asyncio.get_running_loop().time()
            until, found = self._kept.get(described.name, (now, None))
            if found is None or now >= until:
                found = await ask(described.operation, described.plan)
                self._kept[described.name] = (now + KEPT, found)
            return found
        finally:
            lock.release()

    def forget(self) -> None:
        """Ask again next time: fields have changed."""
        self._kept.clear()


_NUMBERS = frozenset({"float", "currency", "percent"})
_WHOLE = frozenset({"integer", "score", "reference"})


class FieldCheck:
    """Tells what a record holds that Marketo would refuse or drop, by the description of its type."""

    def __init__(self, description: Description | ObjectDescription, *, always: frozenset[str] = frozenset()) -> None:
        """Know the fields; those of *always* identify the record, and may be named however they are described."""
        self._fields = {field.name.casefold(): field for field in description.fields}
        self._always = {name.casefold() for name in always}

    def __call__(self, record: Mapping[str, Any] | Struct) -> str | None:
        """Return what is wrong with a record, ``None`` where nothing is."""
        wrong = [trouble for name, value in members_of(record) if (trouble := self._trouble(name, value))]
        return "; ".join(wrong) or None

    def _trouble(self, name: str, value: object) -> str | None:
        field = self._fields.get(name.casefold())
        if field is None:
            return None if name.casefold() in self._always else f"{name} is no field; describe() lists them"
        if field.updateable is False and name.casefold() not in self._always:
            return f"{name} is read-only"
        return None if value is None else _misfit(field, value)


def members_of(record: Mapping[str, Any] | Struct) -> Iterator[tuple[str, object]]:
    """Yield what is sent of a record, by REST field names."""
    if isinstance(record, Mapping):
        yield from record.items()
        return
    leaves_out = record.__struct_config__.omit_defaults
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if value is not UNSET and not (leaves_out and value == field.default):
            yield field.encode_name, value


def _misfit(field: FieldSummary, value: object) -> str | None:
    """Return how a value misses its field's type or length."""
    kind = (field.data_type or "").casefold()
    if not _is_a(kind, value):
        return f"{field.name} is {type(value).__name__} where Marketo has {kind}"
    if field.length is not None and isinstance(value, str) and len(value) > field.length:
        return f"{field.name} has {len(value):,} characters, Marketo takes {field.length:,}"
    return None


def _is_a(kind: str, value: object) -> bool:
    """Tell whether Marketo reads a value as this type; text is read as what it says; types not known take all."""
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
