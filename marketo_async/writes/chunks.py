"""Cuts records into calls: as full as possible, no key twice in one call, repeats in the order of the input. Pure.

A record whose key is in the open chunk, or in a call under way, waits for a later chunk, and later records take its
place: so a repeated key costs no extra call. Records are encoded once, a whole chunk at a time; only if 300 of them
don't fit into a call, they are encoded one by one. See ``engine`` for when a chunk is sent.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Hashable, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec
from msgspec import Raw, Struct

from marketo_async.errors import InvalidRequest, RecordRefused, RecordTooLarge
from marketo_async.operation import batched
from marketo_async.request import LARGEST_BODY, plain
from marketo_async.wire_value import as_json, as_record
from marketo_async.writes.keys import KeyOf
from marketo_async.writes.plan import Batches

V = TypeVar("V")

_ENCODER = msgspec.json.Encoder(enc_hook=plain)
_BRACKETS = 2


class Item(Struct, Generic[V]):
    """One record: its index in the input, the row to send, its key, and its bytes once they are encoded."""

    index: int
    record: V
    row: object
    key: Hashable
    encoded: bytes | None = None


class Chunk(Struct, Generic[V], frozen=True):
    """A chunk that is ready to send, with the records that it was cut from."""

    items: list[Item[V]]
    encoded: Raw
    keys: Collection[Hashable]


class Cutter(Generic[V]):
    """Cuts the records of one write; ``busy`` holds the keys of its scope in calls under way, of any write."""

    def __init__(self, batches: Batches[V], busy: Collection[Hashable] = ()) -> None:
        self._batches = batches
        self._busy = busy
        self._limit = LARGEST_BODY - _envelope_size(batches)
        self._open: list[Item[V]] = []
        self._rows: list[object] = []  # the rows of the open chunk
        self._in_order = True  # whether the open chunk has the order of the input
        self._keys: set[Hashable] = set()
        self._size = _BRACKETS  # of the open chunk, if its records are encoded one by one
        self._one_by_one = False
        self._overflowed = False
        self._waiting: deque[Item[V]] = deque()
        self._waiting_keys: Counter[Hashable] = Counter()

    @property
    def waiting(self) -> int:
        """The number of records that wait for a later chunk."""
        return len(self._waiting)

    @property
    def opened(self) -> bool:
        """Whether the open chunk holds anything."""
        return bool(self._open)

    @property
    def full(self) -> bool:
        """Whether the open chunk can't take another record."""
        return self._overflowed or len(self._open) >= self._batches.most

    @property
    def held_up(self) -> bool:
        """Whether a key that every call carries is in a call under way."""
        return any(key in self._busy for key in self._batches.shared)

    @property
    def may_fill_up(self) -> bool:
        """Whether a record waits for a call under way, and could still join the open chunk."""
        return any(item.key in self._busy and item.key not in self._keys for item in self._waiting)

    def check(self, records: Sequence[V]) -> None:
        """Raise `RecordRefused` for the first of ``records`` that can't be sent."""
        for group in batched((self._item(*numbered) for numbered in enumerate(records)), self._batches.most):
            if len(_encoded(group, [item.row for item in group])) > self._limit:
                for item in group:
                    self._weigh(item)

    def add(self, index: int, record: V) -> None:
        """Add a record, or raise `RecordRefused` and leave all others unchanged."""
        item = self._item(index, record)
        key = item.key
        apart = key is None or not (key in self._keys or key in self._waiting_keys or key in self._busy)
        if not (apart and self._place(item)):
            self._wait(item)

    def refill(self) -> None:
        """Move waiting records into the open chunk, in their order, if their keys are free."""
        if not self._waiting or self.full:
            return
        passed: set[Hashable] = set()
        blocked: list[Item[V]] = []
        try:
            while self._waiting and not self.full:
                item = self._next_waiting()
                key = item.key
                if key is not None and (key in passed or key in self._keys or key in self._busy):
                    passed.add(key)
                    blocked.append(item)
                elif not self._place(item):
                    blocked.append(item)
        finally:
            self._put_back(blocked)

    def take(self) -> Chunk[V] | None:
        """Close and return the open chunk; return ``None``, and keep it open, if other calls hold some of its keys now.

        Raises `RecordRefused` for a record that can't be encoded; the others stay.
        """
        items, rows, keys = self._open, self._rows, self._keys
        if not self._in_order:
            items = sorted(items, key=_index_of)
            rows = [item.row for item in items]
        self._clear()
        if not keys.isdisjoint(self._busy):
            self._put_back([item for item in items if item.key in self._busy])
            for item in items:
                if item.key not in self._busy:
                    self._place(item)
            return None
        fitting, encoded = self._fitting(items, rows)
        if len(fitting) < len(items):
            keys = {item.key for item in fitting if item.key is not None}
        shared = self._batches.shared
        return Chunk(fitting, Raw(encoded), keys | shared if shared else keys)

    def drop(self) -> None:
        """Drop all records that were not taken."""
        self._clear()
        self._waiting.clear()
        self._waiting_keys.clear()

    def _item(self, index: int, record: V) -> Item[V]:
        batches = self._batches
        if batches.refusal is not None and (why := batches.refusal(record)):
            raise RecordRefused(why, index=index)
        try:
            row = _row_of(record) if batches.row is None else as_json(batches.row(record))
            key = None if batches.key is None else batches.key(record)
        except (InvalidRequest, RecursionError) as error:
            raise RecordRefused(str(error), index=index) from error
        if batches.key is not None and key is None:
            raise RecordRefused(f"{_missing_key(batches.key)}, by which Marketo finds the record", index=index)
        return Item(index, record, row, key)

    def _place(self, item: Item[V]) -> bool:
        """Put a record into the open chunk and return true; return false if it does not fit."""
        if self.full:
            return False
        if self._one_by_one:
            size = self._size + self._weigh(item) + 1
            if size - 1 > self._limit:
                self._overflowed = True
                return False
            self._size = size
        self._in_order = self._in_order and (not self._open or item.index > self._open[-1].index)
        self._open.append(item)
        self._rows.append(item.row)
        if item.key is not None:
            self._keys.add(item.key)
        return True

    def _wait(self, item: Item[V]) -> None:
        self._waiting.append(item)
        if item.key is not None:
            self._waiting_keys[item.key] += 1

    def _put_back(self, items: Sequence[Item[V]]) -> None:
        """Let ``items`` wait before all others."""
        self._waiting.extendleft(reversed(items))
        self._waiting_keys.update(item.key for item in items if item.key is not None)

    def _next_waiting(self) -> Item[V]:
        """Remove and return the record that has waited longest."""
        item = self._waiting.popleft()
        if item.key is not None:
            self._waiting_keys[item.key] -= 1
            if not self._waiting_keys[item.key]:
                del self._waiting_keys[item.key]
        return item

    def _clear(self) -> None:
        self._open, self._rows, self._keys, self._in_order = [], [], set(), True
        self._size, self._overflowed = _BRACKETS, False

    def _weigh(self, item: Item[V]) -> int:
        """Encode one record alone, and return its size."""
        if item.encoded is None:
            item.encoded = _encoded([item], [item.row])[1:-1]
        if len(item.encoded) + _BRACKETS > self._limit:
            raise RecordTooLarge(
                f"it has {len(item.encoded):,} bytes, but a call takes {self._limit - _BRACKETS:,}; shorten its values",
                index=item.index,
            )
        return len(item.encoded)

    def _fitting(self, items: list[Item[V]], rows: list[object]) -> tuple[list[Item[V]], bytes]:
        """Encode as many of ``items`` as fit into one call; the rest waits before all others."""
        try:
            if not self._one_by_one:
                encoded = _encoded(items, rows)
                if len(encoded) <= self._limit:
                    return items, encoded
                self._one_by_one = True
            size, count = _BRACKETS, 0
            for item in items:
                size += self._weigh(item) + 1
                if size - 1 > self._limit:
                    break
                count += 1
        except RecordRefused as error:
            self._put_back([item for item in items if item.index != error.index])
            raise
        fitting, later = items[:count], items[count:]
        self._put_back(later)
        self._one_by_one = count < self._batches.most
        return fitting, b"[" + b",".join(item.encoded or b"" for item in fitting) + b"]"


def _row_of(record: object) -> object:
    return as_record(record) if isinstance(record, Mapping | Struct) else as_json(record)


def _index_of(item: Item[V]) -> int:
    return item.index


def _encoded(items: Sequence[Item[V]], rows: list[object]) -> bytes:
    """Encode the ``rows`` of ``items`` as a JSON array; raise `RecordRefused` for the first that can't be encoded."""
    try:
        return _ENCODER.encode(rows)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        for item in items:
            try:
                _ENCODER.encode(item.row)
            except (TypeError, ValueError, OverflowError, RecursionError) as reason:
                raise RecordRefused(f"it can't be encoded as JSON: {reason}", index=item.index) from reason
        raise InvalidRequest(f"the records can't be encoded as JSON: {error}") from error


def _envelope_size(batches: Batches[V]) -> int:
    """Return the bytes of a call without its records."""
    body = batches.plan(Raw(b"[]")).json
    return 0 if body is None else len(_ENCODER.encode(body)) - _BRACKETS


def _missing_key(key: object) -> str:
    return f"it has no {' or no '.join(key.fields)}" if isinstance(key, KeyOf) else "it is not an id"
