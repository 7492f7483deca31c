"""The verbs that families of records share: query, sync, delete, describe, and the schema of fields.

A family is a root, an area, a list of these verbs, and its own methods. The functions plan the same calls for families
whose verbs have more arguments (custom objects, program members). See `leads` for leads, whose verbs differ.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import ClassVar, Generic, Literal, TypeVar

from msgspec import Raw, Struct
from msgspec.structs import replace

from marketo_async.descriptions import Described, members_of
from marketo_async.envelope import Envelope
from marketo_async.errors import InvalidRequest
from marketo_async.models.leads import FieldMetadata, Record
from marketo_async.models.objects import Deletion, ObjectDescription
from marketo_async.models.records import RecordResult, settle
from marketo_async.operation import Ordered, Page, Plan, Repeat, one, page, results
from marketo_async.paging import Pager
from marketo_async.resources.arguments import Fields, drop_none, field_names, page_size
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.batches import no_record, several, unless_new
from marketo_async.resources.descriptors import Declared, composite, endpoint, paged, written
from marketo_async.wire_value import Value, as_query, as_record
from marketo_async.writes import BATCH, Batches, KeyOf, Look, WriteRow, WriteRows, folded, together

L = TypeVar("L")
D = TypeVar("D", bound=Declared)

SyncAction = Literal["createOrUpdate", "createOnly", "updateOnly"]
DeleteKey = Literal["dedupeFields", "idField"]

SCHEMA = ("Read-Write Schema Standard Field", "Read-Write Schema Custom Field")


def taking(seconds: float, declared: D) -> D:
    """Declare a shared verb for a family with another time-out of the server."""
    return type(declared)(replace(declared.operation, timeout=seconds), declared.planner)


def asked(model: type[object], fields: Fields) -> Fields:
    """Return the fields to request, without ``seq``: Marketo always sends it and does not accept it as a field."""
    names = field_names(model, fields)
    return None if names is None else [name for name in names if name != "seq"]


def filtered(
    model: type[L],
    filter_type: str,
    values: Iterable[Value],
    *,
    path: Mapping[str, str | int] = {},
    fields: Fields = None,
    batch_size: int | None = None,
    token: str | None = None,
) -> Ordered[L]:
    """Plan a query by one field: any number of values, in chunks of 300."""
    wanted = searched("values", values)
    query = {"filterType": filter_type, "fields": fields, "batchSize": page_size(batch_size)}

    def plans() -> Iterator[Plan[Page[L]]]:
        for chunk in together(wanted, BATCH):
            yield page(model, path=path, query={**query, "filterValues": chunk})

    return Ordered(plans, token)


def searched(name: str, values: Iterable[object]) -> tuple[str, ...]:
    """Return the distinct values of a filter as text; a value with a comma is refused, as Marketo would split it."""
    found = []
    for index, value in enumerate(values):
        try:
            text = as_query(value)
        except InvalidRequest as error:
            raise InvalidRequest(f"{name}[{index}]: {error}") from error
        if not text or "," in text:
            why = "Marketo splits values at commas and would look for the parts" if text else "it is empty"
            raise InvalidRequest(f"{name}[{index}] is {text!r}: {why}; leave it out, or search by another field")
        found.append(text)
    return tuple(dict.fromkeys(found))


def searchable(values: Iterable[object]) -> list[str]:
    """Return the values that a filter can look up: those without a comma."""
    return [text for text in map(as_query, values) if "," not in text]


def _compound(record: WriteRow) -> Hashable:
    return frozenset((name.casefold(), folded(value)) for name, value in members_of(record))


def keyed(
    model: type[L],
    keys: Iterable[WriteRow],
    *,
    path: Mapping[str, str | int] = {},
    fields: Fields = None,
    batch_size: int | None = None,
    token: str | None = None,
) -> Ordered[L]:
    """Plan a query by compound keys, which the body holds: any number of keys, in chunks of 300."""
    if isinstance(keys, str | Mapping | Struct):
        raise InvalidRequest(f"{keys!r} is not a collection of records: pass keys as a list of them")
    wanted = list(keys)
    for index, record in enumerate(wanted):
        try:
            as_record(record)
        except InvalidRequest as error:
            raise InvalidRequest(f"keys[{index}]: {error}") from error
    body = drop_none({"filterType": "dedupeFields", "fields": fields, "batchSize": page_size(batch_size)})

    def plans() -> Iterator[Plan[Page[L]]]:
        for chunk in together(wanted, BATCH, _compound):
            yield page(model, path=path, json={**body, "input": chunk})

    return Ordered(plans, token)


class Identity(Struct, frozen=True):
    """The fields that identify a record: ``dedupe_fields``, empty if describe returns them, and Marketo's own id."""

    dedupe_fields: tuple[str, ...] = ()
    id_field: str = "marketoGUID"

    def key(self, by: DeleteKey | None) -> KeyOf | None:
        """Return the reader of the key by which a write finds a record, ``None`` if describe returns the key."""
        if by == "idField":
            return KeyOf(self.id_field)
        return KeyOf(*self.dedupe_fields) if self.dedupe_fields else None


def synced(
    family: Resource,
    records: WriteRows,
    identity: Identity,
    *,
    path: Mapping[str, str | int] = {},
    action: str,
    dedupe_by: DeleteKey | None = None,
    check: bool = False,
) -> Batches[WriteRow]:
    """Plan a sync; if the answer of a ``createOnly`` is lost, the records that it created are looked up."""
    if dedupe_by == "idField" and action != "updateOnly":
        raise InvalidRequest(f"action {action!r} does not allow dedupe_by 'idField': pass action 'updateOnly'")
    rest = drop_none({"action": action, "dedupeBy": dedupe_by})

    def plan(records: Raw) -> Plan[list[RecordResult]]:
        repeat = Repeat.SETTLES if action == "createOnly" else None
        return results(path=path, json={**rest, "input": records}, repeat=repeat)

    def found(key: KeyOf, chosen: Sequence[WriteRow]) -> Plan[Page[Record]]:
        by = {"filterType": "dedupeFields"}
        if len(key.fields) == 1:
            values = searchable(value for record in chosen for value in key.values(record))
            return page(Record, path=path, query={**by, "filterValues": values})
        keys = [dict(zip(key.fields, key.values(record), strict=True)) for record in chosen]
        return page(Record, path=path, json={**by, "input": keys})

    return Batches(
        records=several("records", records),
        plan=plan,
        refusal=unless_new(identity.id_field, action),
        scope=(family.name, dedupe_by == "idField", *path.values()),
        key=identity.key(dedupe_by),
        look=Look(family.operations["by_filter"], found) if action == "createOnly" else None,
        described=described(family, path),
        check=check,
    )


def deleted(
    family: Resource,
    records: WriteRows,
    identity: Identity,
    *,
    path: Mapping[str, str | int] = {},
    delete_by: DeleteKey,
) -> Batches[WriteRow]:
    """Plan a deletion; a page of the documentation requires ``deleteBy``, so it is always sent."""

    def plan(records: Raw) -> Plan[list[RecordResult]]:
        body = {"deleteBy": delete_by, "input": records}
        return Plan(answer=list[Deletion], unwrap=_deletions, path=path, json=body, settle=settle)

    return Batches(
        records=several("records", records),
        plan=plan,
        refusal=no_record,
        scope=(family.name, delete_by == "idField", *path.values()),
        key=identity.key(delete_by),
        described=described(family, path),
    )


def described(family: Resource, path: Mapping[str, str | int] = {}) -> Described[ObjectDescription] | None:
    """Return the call that describes the records of a family, or ``None``."""
    operation = family.operations.get("describe")
    return None if operation is None else Described(operation, one(ObjectDescription, path=path))


def _deletions(envelope: Envelope[list[Deletion]]) -> list[RecordResult]:
    return [deletion.result for deletion in envelope.result or []]


class Records(Resource, Generic[L]):
    """A family whose records are ``dict`` by REST field name, or a Struct of the caller."""

    def __init__(self, sender: Sender, model: type[L]) -> None:
        super().__init__(sender)
        self.model = model


class ByFilter(Records[L]):
    """``by_filter``."""

    @paged("{root}.json", timeout=30)
    def by_filter(
        self,
        filter_type: str,
        values: Iterable[Value],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Ordered[L]:
        """Iterate the records whose field ``filter_type`` equals any of ``values``: any number, in chunks of 300.

        ``dedupeFields`` and ``idField`` name the fields that identify a record; ``describe()`` returns them and the
        other searchable fields.
        """
        names = asked(self.model, fields)
        return filtered(self.model, filter_type, values, fields=names, batch_size=batch_size, token=token)


class ByKey(ByFilter[L]):
    """``by_filter`` and ``by_key``."""

    @composite
    def by_key(
        self,
        keys: Iterable[WriteRow],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Pager[L]:
        """Iterate the records with any of these compound ``keys``; each key has a value for all dedupe fields.

        Any number of keys, in chunks of 300. Maps to the same call as ``by_filter``, with the keys in its body.
        """
        names = asked(self.model, fields)
        listing = keyed(self.model, keys, fields=names, batch_size=batch_size, token=token)
        return self._sender.pages(self.operations["by_filter"], listing)


class Sync(Resource):
    """``sync``."""

    identity: ClassVar[Identity]

    @written("POST", "{root}.json", repeat=Repeat.SAFE, timeout=60)
    def sync(
        self,
        records: WriteRows,
        *,
        action: SyncAction = "createOrUpdate",
        dedupe_by: DeleteKey | None = None,
        check: bool = False,
    ) -> Batches[WriteRow]:
        """Create or update any number of records, 300 per call, with a result for each in the order of ``records``.

        ``dedupe_by`` is ``dedupeFields`` by default; ``idField`` requires ``updateOnly``. Every record needs its key.
        Two concurrent calls never have the same key; if a key repeats, the last record wins. Marketo stores an empty
        value as null. ``check`` validates every record against ``describe()``, cached for a day, before any call.
        """
        return synced(self, records, self.identity, action=action, dedupe_by=dedupe_by, check=check)


class DeleteRecords(Resource):
    """``delete``."""

    identity: ClassVar[Identity]

    @written("POST", "{root}/delete.json", repeat=Repeat.SETTLES, proof=("1013",), timeout=60)
    def delete(self, records: WriteRows, *, delete_by: DeleteKey = "dedupeFields") -> Batches[WriteRow]:
        """Delete any number of records by their keys, 300 per call; a missing record is skipped (1013)."""
        return deleted(self, records, self.identity, delete_by=delete_by)


class Describe(Resource):
    """``describe``."""

    @endpoint("GET", "{root}/describe.json", timeout=30)
    def describe(self) -> Plan[ObjectDescription]:
        """Return the fields of a record, the fields that identify it, and the searchable fields."""
        return one(ObjectDescription)


class FieldSchema(Resource):
    """``field`` and ``fields``: Marketo requires a permission to write schemas even to read them."""

    @endpoint("GET", "{root}/schema/fields/{fieldApiName}.json", needs=SCHEMA, timeout=30)
    def field(self, name: str) -> Plan[FieldMetadata]:
        """Return the schema of one field."""
        return one(FieldMetadata, path={"fieldApiName": name})

    @paged("{root}/schema/fields.json", needs=SCHEMA, timeout=30)
    def fields(self, *, batch_size: int | None = None, token: str | None = None) -> Plan[Page[FieldMetadata]]:
        """Iterate the schemas of all fields, including hidden ones."""
        return page(FieldMetadata, query={"batchSize": page_size(batch_size)}, token=token)
