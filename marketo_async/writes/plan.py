"""`Batches`: the description of a write of any number of records, not yet cut into calls. Data, without I/O."""

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

# https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/lead-database
BATCH = 300  # records in one call, values in one filter, records on one page


class Look(Struct, frozen=True):
    """How to look records up by their key after a lost answer: their dates show which call created them."""

    operation: Operation
    plan: Callable[[KeyOf, Sequence[WriteRow]], Plan[Page[Record]]]


class Batches(Struct, Generic[V], frozen=True, kw_only=True):
    """A write of any number of records.

    ``plan`` makes one call of at most ``most`` records from a JSON array. ``row`` returns the part of a record that is
    sent. ``refusal`` returns why a record can't be sent. ``key`` identifies a record within its ``scope``: no two calls
    under way carry the same key of a scope. Without a key, records are independent. Every call also carries the keys in
    ``shared``.

    ``described`` is the call that describes the record type: it returns the key if the family has no fixed one, and
    with ``check`` every record is checked against it.

    If the answer does not name the records, ``success_status`` is their status after a successful call. ``look``
    resolves the outcome after a lost answer.
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
    success_status: str | None = None
    look: Look | None = None
