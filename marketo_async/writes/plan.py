"""`Batches`: a write of any number of records, decided but not cut into calls. All of it is data, without I/O."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct

from marketo_async.descriptions import Described
from marketo_async.models.leads import Record
from marketo_async.operation import Operation, Page, Plan
from marketo_async.writes.keys import KeyOf

V = TypeVar("V")

WriteRow = Mapping[str, Any] | Struct  # a record by REST field name, or the caller's own Struct
WriteRows = Iterable[WriteRow] | AsyncIterable[WriteRow]

BATCH = 300  # records in one call, values in one filter, records on one page


class Look(Struct, frozen=True):
    """How to look records up by their key: where a lost answer leaves open whose a record is, its date tells."""

    operation: Operation
    plan: Callable[[KeyOf, Sequence[WriteRow]], Plan[Page[Record]]]


class Batches(Struct, Generic[V], frozen=True, kw_only=True):
    """A write of any number of records.

    ``plan`` makes one call of at most ``most`` records, given as a JSON array. What is sent of a record is its ``row``.
    ``refusal`` says why one can't be sent. ``key`` identifies a record within its ``scope``: of one scope, no two calls
    under way carry the same key. Without a key, records have nothing to do with each other. ``shared`` are the keys
    that every call carries besides.

    ``described`` is the call that describes the record type: it brings the key where the family has no fixed one, and
    ``check`` holds every record against it.

    Where the answer does not name the records, ``told`` is their status after a call that succeeded. ``look`` settles
    what a lost answer left open.
    """

    records: Iterable[V] | AsyncIterable[V]
    plan: Callable[[Raw], Plan[Any]]
    most: int = BATCH
    row: Callable[[V], object] | None = None
    refusal: Callable[[V], str | None] | None = None
    scope: Hashable = None
    key: Callable[[V], Hashable] | None = None
    shared: frozenset[Hashable] = frozenset()
    described: Described[Any] | None = None
    check: bool = False
    told: str | None = None
    look: Look | None = None
