"""Writes and deletes records of an object, each independently, by the rules that all objects share.

The caller passes a check for the rules of its own kind of object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.records.lead_fields import checked
from marketo_async.sandbox.records.object_store import Key, ObjectStore, folded

Action = Literal["createOnly", "updateOnly", "createOrUpdate"]
ACTIONS: tuple[Action, ...] = ("createOrUpdate", "createOnly", "updateOnly")

Check = Callable[[Members], None]
"""Raises a record error for a record as it would be after the write, or before its deletion."""


def as_action(name: str | None, allowed: Sequence[Action] = ACTIONS) -> Action:
    """Return the action of this name, by default the first allowed one, or raise 1003."""
    if name is None:
        return allowed[0]
    if name not in allowed:
        raise ApiError("1003", f"Invalid action '{name}'")
    return cast(Action, name)


def key_fields(store: ObjectStore, by: str | None) -> tuple[str, ...]:
    """Return the fields that identify records in a write, or raise 1003."""
    if by not in (None, "dedupeFields", "idField"):
        raise ApiError("1003", f"Records are identified by dedupeFields or idField, not by '{by}'")
    description = store.description
    return (description.id_field,) if by == "idField" else description.dedupe_fields


@dataclass(frozen=True, slots=True)
class ObjectSync:
    """One batch of records to write to a store, or to delete from it."""

    store: ObjectStore
    key: tuple[str, ...]
    check: Check

    def write(self, records: Sequence[Members], action: Action, now: str) -> list[Members]:
        """Create or update the records, and return the result of each."""
        if action != "updateOnly" and self._by_id:
            raise ApiError("1003", "'idField' may only be used with updateOnly")

        def write(record: Members, key: Key) -> Members:
            values = self._values(record, action)
            return self._written(values, key, action, now)

        return list(self._each(records, write))

    def delete(self, records: Sequence[Members]) -> list[Members]:
        """Delete the records, and return the result of each."""

        def delete(_record: Members, key: Key) -> Members:
            number = self._find(key)
            if number is None:
                raise RecordError("1013", "Record not found")
            self.check(self.store.get(number))
            row = self._row(number, "deleted")
            self.store.remove(number)
            return row

        return list(self._each(records, delete))

    @property
    def _by_id(self) -> bool:
        return self.key == (self.store.description.id_field,)

    def _each(self, records: Sequence[Members], act: Callable[[Members, Key], Members]) -> Iterator[Members]:
        seen: set[tuple[str, ...] | None] = set()
        for seq, given in enumerate(records):
            try:
                record = self._named(given)
                key = self._key_of(record)
                _check_single(key, seen)
                yield {"seq": seq, **act(record, key)}
            except RecordError as error:
                yield {"seq": seq, "status": "skipped", "reasons": error.reasons}

    def _named(self, record: Members) -> Members:
        named: Members = {}
        for name, value in record.items():
            field = self.store.description.find_field(name)
            if field is None:
                raise RecordError("1006", f"Field '{name}' not found")
            named[field.name] = value
        return named

    def _key_of(self, record: Members) -> Key:
        fields = self.store.description.fields
        key = tuple(checked(fields.get(name), record.get(name)) for name in self.key)
        for name, value in zip(self.key, key, strict=True):
            if value is None:
                raise RecordError("1003", f"Value for required field '{name}' not specified")
        return key

    def _values(self, record: Members, action: Action) -> Members:
        description = self.store.description
        if description.id_field in record and action != "updateOnly":
            raise RecordError("1003", f"'{description.id_field}' may only be used with updateOnly")
        fields = [(description.fields.get(name), value) for name, value in record.items()]
        return {field.name: checked(field, value) for field, value in fields if not field.read_only}

    def _written(self, values: Members, key: Key, action: Action, now: str) -> Members:
        number = self._find(key)
        if number is None:
            if action == "updateOnly":
                raise RecordError("1013", "Record not found")
            whole = {**self.store.description.defaults, **values}
            self.check(whole)
            return self._row(self.store.insert({**whole, "createdAt": now, "updatedAt": now}), "created")
        if action == "createOnly":
            raise RecordError("1017", "Record already exists")
        whole = {**self.store.get(number), **values}
        if self._by_id:
            self._check_key(number, whole)
        self.check(whole)
        self.store.update(number, {**values, "updatedAt": now})
        return self._row(number, "updated")

    def _check_key(self, number: int, whole: Members) -> None:
        dedupe_fields = self.store.description.dedupe_fields
        key = tuple(whole.get(name) for name in dedupe_fields)
        if folded(key) is None:
            raise RecordError("1003", f"Values of {', '.join(dedupe_fields)} must not be empty")
        if self.store.find(dedupe_fields, [key]) not in ([], [number]):
            raise RecordError("1017", "Another record has this key already")

    def _find(self, key: Key) -> int | None:
        return next(iter(self.store.find(self.key, [key])), None)

    def _row(self, number: int, status: str) -> Members:
        id_field = self.store.description.id_field
        return {id_field: self.store.get(number)[id_field], "status": status}


def _check_single(key: Key, seen: set[tuple[str, ...] | None]) -> None:
    if folded(key) in seen:
        raise RecordError("1036", "Duplicate object found in input")
    seen.add(folded(key))
