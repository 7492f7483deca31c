"""What identifies a record, and which records are in a call under way. See ``writing`` for who waits for them.

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
    """Return one value of a key for comparison, ``None`` for an empty one: case and surrounding blanks do not count.

    Two values that fold alike may be one record to Marketo, whose own rule nobody documents. So they never travel in
    two calls at once, but neither is dropped for the other.
    """
    if value is UNSET:
        return None
    return (value if isinstance(value, str) else as_cell(value)).strip().casefold() or None


def together(values: Iterable[V], size: int, fold: Callable[[V], Hashable] = folded) -> Iterator[list[V]]:
    """Cut the values of a filter into lists of at most *size*, with values that fold alike in one list.

    Marketo answers a record once a call, however many values of the call match it. Of more than *size* values that fold
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
    """Reads the key of a record out of its *fields*; names that differ in case only are the same field."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields
        self._members: dict[type[Struct], dict[str, str]] = {}

    def __call__(self, record: Mapping[str, Any] | Struct) -> Hashable:
        """Return the key, ``None`` where a part of it is missing or empty."""
        if len(self.fields) == 1:
            return folded(self._value(record, self.fields[0]))
        parts = tuple(folded(self._value(record, field)) for field in self.fields)
        return None if None in parts else parts

    def values(self, record: Mapping[str, Any] | Struct) -> list[Any]:
        """Return the parts of the key as they stand in the record."""
        return [self._value(record, field) for field in self.fields]

    def _value(self, record: Mapping[str, Any] | Struct, field: str) -> object:
        if isinstance(record, Mapping):
            return record[field] if field in record else _in_any_case(record, field)
        members = self._members.get(type(record))
        if members is None:
            found = msgspec.structs.fields(record)
            members = self._members[type(record)] = {member.encode_name.casefold(): member.name for member in found}
        name = members.get(field.casefold())
        return None if name is None else getattr(record, name)


def _in_any_case(record: Mapping[str, Any], field: str) -> object:
    wanted = field.casefold()
    return next((value for name, value in record.items() if str(name).casefold() == wanted), None)


class Claim:
    """Keys that one call holds; ``lent`` says that the call lets go of them itself, however it ends."""

    def __init__(self, keys: Collection[Hashable], freed: Callable[[Collection[Hashable]], None]) -> None:
        self._keys = keys
        self._freed = freed
        self.lent = False

    def release(self) -> None:
        """Let go of the keys, once: by the second time they may be somebody else's."""
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
        """Return the keys of a scope that are held now; the same object for as long as anybody listens."""
        return self._held.setdefault(scope, set())

    def take(self, scope: Hashable, keys: Collection[Hashable]) -> Claim:
        """Hold keys that nobody holds."""
        held = self._held.setdefault(scope, set())
        held.update(keys)

        def free(keys: Collection[Hashable]) -> None:
            held.difference_update(keys)
            for listener in tuple(self._listeners):
                listener()

        return Claim(keys, free)

    async def hold(self, scope: Hashable, keys: Collection[Hashable]) -> Claim:
        """Wait until nobody else holds any of *keys*, and hold them: each from when it comes free.

        One caller of a scope gathers at a time: two that each held what the other waits for would wait for ever.
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
        """Call *listener* whenever keys come free; returns what ends that."""
        self._listeners.add(listener)

        def end() -> None:
            self._listeners.discard(listener)
            if not self._listeners:
                self._held = {scope: held for scope, held in self._held.items() if held}

        return end
