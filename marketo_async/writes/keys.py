"""Keys: what identifies a record, and which keys are in calls under way. See ``engine`` for how writes wait for them.

`folded` is the one way to compare keys: writes, bulk imports and filters all use it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct

from marketo_async.wire_value import as_cell

V = TypeVar("V")


def folded(value: object) -> str | None:
    """Return one value of a key for comparison, ``None`` for an empty one; it ignores case and surrounding blanks.

    Two values that fold alike may be one record to Marketo, whose rule is not documented. So they are never in two
    calls at once, but neither replaces the other.
    """
    if value is UNSET:
        return None
    return (value if isinstance(value, str) else as_cell(value)).strip().casefold() or None


def together(values: Iterable[V], size: int, fold: Callable[[V], Hashable] = folded) -> Iterator[list[V]]:
    """Cut the values of a filter into lists of at most ``size``, with values that fold alike in one list.

    Marketo returns a record once a call, however many values of the call match it. If more than ``size`` values fold
    alike, those that differ in case only are reduced to one, so that they fit.
    """
    groups: dict[Hashable, list[V]] = {}
    for value in values:
        groups.setdefault(fold(value), []).append(value)
    found: list[V] = []
    for group in groups.values():
        spellings = group if len(group) <= size else list({str(value).lower(): value for value in group}.values())
        if found and len(found) + len(spellings) > size:
            yield found
            found = []
        found = found + spellings if found else spellings
        while len(found) > size:
            yield found[:size]
            found = found[size:]
    if found:
        yield found


class KeyOf:
    """Reads a record's key from its ``fields``; names that differ in case only are the same field."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields
        self._field_names: dict[type[Struct], dict[str, str]] = {}

    def __call__(self, record: Mapping[str, Any] | Struct) -> Hashable:
        """Return the key, ``None`` if a part of it is missing or empty."""
        if len(self.fields) == 1:
            return folded(self._value(record, self.fields[0]))
        parts = tuple(folded(self._value(record, field)) for field in self.fields)
        return None if None in parts else parts

    def values(self, record: Mapping[str, Any] | Struct) -> list[Any]:
        """Return the parts of the key unchanged."""
        return [self._value(record, field) for field in self.fields]

    def _value(self, record: Mapping[str, Any] | Struct, field: str) -> object:
        if isinstance(record, Mapping):
            return record[field] if field in record else _in_any_case(record, field)
        names = self._field_names.get(type(record))
        if names is None:
            found = msgspec.structs.fields(record)
            names = self._field_names[type(record)] = {info.encode_name.casefold(): info.name for info in found}
        name = names.get(field.casefold())
        return None if name is None else getattr(record, name)


def _in_any_case(record: Mapping[str, Any], field: str) -> object:
    wanted = field.casefold()
    return next((value for name, value in record.items() if str(name).casefold() == wanted), None)


class Claim:
    """Keys that one call holds; ``lent`` says that the call itself releases them, however it ends."""

    def __init__(self, keys: Collection[Hashable], freed: Callable[[Collection[Hashable]], None]) -> None:
        self._keys = keys
        self._freed = freed
        self.lent = False

    def release(self) -> None:
        """Release the keys, only once: later another call may hold them."""
        keys, self._keys = self._keys, ()
        if keys:
            self._freed(keys)


class InFlight:
    """The keys of all calls under way on one instance, by scope: a kind of record and the field that identifies it."""

    def __init__(self) -> None:
        self._held: dict[Hashable, set[Hashable]] = {}
        self._listeners: set[Callable[[], None]] = set()
        self._turns: dict[Hashable, asyncio.Lock] = {}

    def of(self, scope: Hashable) -> Collection[Hashable]:
        """Return the keys of a scope that are held now; it is the same object while there is a listener."""
        return self._held.setdefault(scope, set())

    def take(self, scope: Hashable, keys: Collection[Hashable]) -> Claim:
        """Hold keys that no call holds."""
        held = self._held.setdefault(scope, set())
        held.update(keys)

        def free(keys: Collection[Hashable]) -> None:
            held.difference_update(keys)
            for listener in tuple(self._listeners):
                listener()

        return Claim(keys, free)

    async def hold(self, scope: Hashable, keys: Collection[Hashable]) -> Claim:
        """Wait for ``keys``, and hold each from the moment it comes free; return once all are held.

        Only one caller of a scope collects keys at a time, which prevents a deadlock of two callers.
        """
        async with self._turns.setdefault(scope, asyncio.Lock()):
            freed = asyncio.Event()
            end = self.listen(freed.set)
            held, missing, mine = self._held.setdefault(scope, set()), set(keys), set[Hashable]()
            claim = self.take(scope, mine)
            try:
                while missing:
                    free = missing - held
                    held |= free
                    mine |= free
                    missing -= free
                    if missing:
                        freed.clear()
                        await freed.wait()
            except BaseException:
                claim.release()
                raise
            finally:
                end()
            return claim

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` whenever keys come free; return a function that removes it."""
        self._listeners.add(listener)

        def end() -> None:
            self._listeners.discard(listener)
            if not self._listeners:
                self._held = {scope: held for scope, held in self._held.items() if held}

        return end
