"""The verbs that families of records share: query, sync, delete, describe, and what is known of fields.

A family is a root, an area, a list of these verbs, and what is its own. The functions plan the same calls for families
whose verbs take more arguments (custom objects, program members). Not here: leads, whose verbs came first and differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from marketo_async.envelope import Envelope
from marketo_async.errors import InvalidRequest
from marketo_async.models.leads import FieldMetadata
from marketo_async.models.objects import Deletion, ObjectDescription
from marketo_async.models.records import RecordResult, settle
from marketo_async.operation import Chunks, Page, Plan, Repeat, batched, one, page, results
from marketo_async.paging import Pager
from marketo_async.resources.arguments import BATCH, Fields, field_names, members, page_size, within
from marketo_async.resources.base import Declared, Resource, Sender, drain, endpoint, paged

L = TypeVar("L")
D = TypeVar("D", bound=Declared)

Row = Mapping[str, Any] | Struct  # a record by REST field name, or the caller's own Struct
Action = Literal["createOrUpdate", "createOnly", "updateOnly"]
Key = Literal["dedupeFields", "idField"]

SCHEMA = ("Read-Write Schema Standard Field", "Read-Write Schema Custom Field")


def taking(seconds: float, declared: D) -> D:
    """Declare a shared verb again, for a family whose server gives it another time."""
    return type(declared)(replace(declared.operation, timeout=seconds), declared.planner)


def asked(model: type[object], fields: Fields) -> Fields:
    """Return the fields to ask for; a row's number always comes, and is no field that could be asked for."""
    names = field_names(model, fields)
    return None if names is None else [name for name in names if name != "seq"]


def filtered(
    model: type[L],
    filter_type: str,
    values: Iterable[str | int],
    *,
    path: Mapping[str, str | int] = {},
    fields: Fields = None,
    batch_size: int | None = None,
    token: str | None = None,
) -> Chunks[L]:
    """Plan a query by one field: any number of values, in chunks of 300."""
    if isinstance(values, str):
        raise InvalidRequest(f"values is a collection, not the text {values!r}")
    wanted = tuple(dict.fromkeys(map(str, values)))  # a value named twice would bring its records twice
    query = {"filterType": filter_type, "fields": fields, "batchSize": page_size(batch_size)}

    def plans() -> Iterator[Plan[Page[L]]]:
        for chunk in batched(wanted, BATCH):
            yield page(model, path=path, query={**query, "filterValues": chunk})

    return Chunks(plans, token)


def keyed(
    model: type[L],
    keys: Iterable[Row],
    *,
    path: Mapping[str, str | int] = {},
    fields: Fields = None,
    batch_size: int | None = None,
    token: str | None = None,
) -> Chunks[L]:
    """Plan a query by a compound key, which goes in the body: any number of keys, in chunks of 300."""
    if isinstance(keys, str | Mapping | Struct):
        raise InvalidRequest(f"keys is a collection of records, not {keys!r}")
    wanted = tuple(keys)
    body = members({"filterType": "dedupeFields", "fields": fields, "batchSize": page_size(batch_size)})

    def plans() -> Iterator[Plan[Page[L]]]:
        for chunk in batched(wanted, BATCH):
            yield page(model, path=path, json={**body, "input": chunk})

    return Chunks(plans, token)


def synced(
    records: Iterable[Row], *, path: Mapping[str, str | int] = {}, action: str, dedupe_by: Key | None = None
) -> Plan[list[RecordResult]]:
    """Plan a sync; what was created by a first attempt would be refused by a second one of ``createOnly``."""
    if dedupe_by == "idField" and action != "updateOnly":
        raise InvalidRequest(f"dedupe_by 'idField' goes with action 'updateOnly', not {action!r}")
    body = members({"action": action, "dedupeBy": dedupe_by, "input": within("records", records)})
    return results(path=path, json=body, repeat=Repeat.SETTLES if action == "createOnly" else None)


def deleted(records: Iterable[Row], *, path: Mapping[str, str | int] = {}, delete_by: Key) -> Plan[list[RecordResult]]:
    """Plan a deletion; one page of the documentation requires ``deleteBy``, so it is always sent."""
    body = {"deleteBy": delete_by, "input": within("records", records)}
    return Plan(answer=list[Deletion], unwrap=_deletions, path=path, json=body, settle=settle)


def _deletions(envelope: Envelope[list[Deletion]]) -> list[RecordResult]:
    return [deletion.result for deletion in envelope.result or []]


class Records(Resource, Generic[L]):
    """A family whose records are ``dict`` by REST field name, or the caller's own Struct."""

    def __init__(self, sender: Sender, model: type[L]) -> None:
        super().__init__(sender)
        self.model = model


class ByFilter(Records[L]):
    """``by_filter``."""

    @paged("{root}.json", timeout=30)
    def by_filter(
        self,
        filter_type: str,
        values: Iterable[str | int],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Chunks[L]:
        """Iterate the records whose field *filter_type* equals any of *values*: any number of them, in chunks of 300.

        ``dedupeFields`` and ``idField`` stand for the fields that identify a record; ``describe()`` tells which those
        are, and what else can be searched by.
        """
        names = asked(self.model, fields)
        return filtered(self.model, filter_type, values, fields=names, batch_size=batch_size, token=token)


class ByKey(ByFilter[L]):
    """``by_filter`` and ``by_key``."""

    @drain
    def by_key(
        self, keys: Iterable[Row], *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Pager[L]:
        """Iterate the records with any of these compound *keys*, each with a value for all dedupe fields.

        Any number of keys, in chunks of 300. Maps to the same call as ``by_filter``, with the keys in its body.
        """
        names = asked(self.model, fields)
        listing = keyed(self.model, keys, fields=names, batch_size=batch_size, token=token)
        return self._sender.pages(self.operations["by_filter"], listing)


class Sync(Resource):
    """``sync``."""

    @endpoint("POST", "{root}.json", repeat=Repeat.SAFE, timeout=60)
    def sync(
        self, records: Iterable[Row], *, action: Action = "createOrUpdate", dedupe_by: Key | None = None
    ) -> Plan[list[RecordResult]]:
        """Create or update at most 300 records; results stand in the order of *records*.

        *dedupe_by* is ``dedupeFields`` by default; ``idField`` goes with ``updateOnly`` alone. A key that comes twice
        in one call is refused (1036); an empty value or null is stored as null.
        """
        return synced(records, action=action, dedupe_by=dedupe_by)


class Delete(Resource):
    """``delete``."""

    @endpoint("POST", "{root}/delete.json", repeat=Repeat.SETTLES, timeout=60)
    def delete(self, records: Iterable[Row], *, delete_by: Key = "dedupeFields") -> Plan[list[RecordResult]]:
        """Delete at most 300 records, each given by its key; one that is missing is skipped (1013)."""
        return deleted(records, delete_by=delete_by)


class Describe(Resource):
    """``describe``."""

    @endpoint("GET", "{root}/describe.json", timeout=30)
    def describe(self) -> Plan[ObjectDescription]:
        """Return the fields of a record, those that identify it, and those it can be searched by."""
        return one(ObjectDescription)


class FieldSchema(Resource):
    """``field`` and ``fields``: Marketo wants a permission to write schemas even to read them."""

    @endpoint("GET", "{root}/schema/fields/{fieldApiName}.json", needs=SCHEMA, timeout=30)
    def field(self, name: str) -> Plan[FieldMetadata]:
        """Return everything about one field."""
        return one(FieldMetadata, path={"fieldApiName": name})

    @paged("{root}/schema/fields.json", needs=SCHEMA, timeout=30)
    def fields(self, *, batch_size: int | None = None, token: str | None = None) -> Plan[Page[FieldMetadata]]:
        """Iterate everything about all fields, hidden ones included."""
        return page(FieldMetadata, query={"batchSize": page_size(batch_size)}, token=token)
