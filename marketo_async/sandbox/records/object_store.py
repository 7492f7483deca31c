"""Records of one kind of object, with an index for every key that was used in a lookup.

Storage only; see ``object_sync`` for the rules of writes.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.records.object_description import ObjectDescription

Key = tuple[object, ...]


def folded(key: Key) -> tuple[str, ...] | None:
    """Return a key in its form for comparison, ``None`` if it is incomplete."""
    if any(value in (None, "") for value in key):
        return None
    return tuple(str(value).casefold() for value in key)


class ObjectStore:
    """All records of one kind of object, by ascending numbers that are never reused."""

    def __init__(self, description: ObjectDescription) -> None:
        self.description = description
        self._records: dict[int, Members] = {}
        self._last = 0
        self._indexes: dict[tuple[str, ...], dict[tuple[str, ...], list[int]]] = {}

    def __contains__(self, number: int) -> bool:
        return number in self._records

    def get(self, number: int) -> Members:
        """Return a record; change it only through this store."""
        return self._records[number]

    def numbers(self) -> list[int]:
        """Return the numbers of all records, ascending."""
        return list(self._records)

    def insert(self, values: Mapping[str, object]) -> int:
        """Store a new record, give it its id, and return its number."""
        self._last += 1
        number = self._last
        self._records[number] = {self.description.id_field: self.description.id_of(number), **values}
        for fields in self._indexes:
            self._enter(fields, number)
        return number

    def update(self, number: int, values: Mapping[str, object]) -> None:
        """Set some fields of a record."""
        for fields in self._indexes:
            self._strike(fields, number)
        self._records[number].update(values)
        for fields in self._indexes:
            self._enter(fields, number)

    def remove(self, number: int) -> None:
        """Remove a record."""
        for fields in self._indexes:
            self._strike(fields, number)
        del self._records[number]

    def find(self, fields: tuple[str, ...], keys: Iterable[Key]) -> list[int]:
        """Return the numbers of the records with any of these values in the fields, ascending, case-insensitive."""
        if fields not in self._indexes:
            self._indexes[fields] = {}
            for number in self._records:
                self._enter(fields, number)
        index = self._indexes[fields]
        wanted = {key for key in map(folded, keys) if key is not None}
        return sorted({number for key in wanted for number in index.get(key, ())})

    def _key(self, fields: tuple[str, ...], number: int) -> tuple[str, ...] | None:
        record = self._records[number]
        return folded(tuple(record.get(name) for name in fields))

    def _enter(self, fields: tuple[str, ...], number: int) -> None:
        key = self._key(fields, number)
        if key is not None:
            insort(self._indexes[fields].setdefault(key, []), number)

    def _strike(self, fields: tuple[str, ...], number: int) -> None:
        key = self._key(fields, number)
        if key is not None:
            numbers = self._indexes[fields][key]
            del numbers[bisect_left(numbers, number)]
