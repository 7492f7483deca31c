"""The operations on the records of an object, the same for all objects: query, sync, delete and describe.

A family gives its paths, its permissions, and the checks for its own records.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_integer, as_text, missing
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_fields import checked
from marketo_async.sandbox.records.object_description import ObjectDescription
from marketo_async.sandbox.records.object_store import Key, ObjectStore, folded
from marketo_async.sandbox.records.object_sync import ACTIONS, Action, ObjectSync, as_action, key_fields
from marketo_async.sandbox.routing import Routes

MOST_FILTER_VALUES = 300
PAGED = ("batchSize", "nextPageToken")
LOOKUP = ("filterType", "fields", *PAGED)

RecordCheck = Callable[[Instance, Members], None]
BatchCheck = Callable[[Instance, Sequence[Members]], None]


def anything(instance: Instance, record: Members) -> None:
    """Accept a record."""


def any_batch(instance: Instance, records: Sequence[Members]) -> None:
    """Accept a batch of records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFamily:
    """The operations on the records of one object, or of each custom object type."""

    path: str
    """The path without its suffix."""
    store: Callable[[Call], ObjectStore]
    readers: frozenset[str]
    writers: frozenset[str]
    actions: tuple[Action, ...] = ACTIONS
    by_body: bool = False
    """Whether a lookup may be a JSON body; a compound key needs one."""
    has_fields: bool = True
    """Whether a query can name the fields to answer."""
    more_result: bool = True
    crm_managed: bool = False
    """Whether only a native CRM integration may write, if there is one."""
    check_batch: BatchCheck = any_batch
    check_write: RecordCheck = anything
    check_delete: RecordCheck = anything

    def serve(self, routes: Routes) -> None:
        """Declare the query, sync and delete operations."""
        filtered = ("filterType", "filterValues")
        fields = ("fields",) if self.has_fields else ()
        if self.by_body:
            query = routes.get(
                f"{self.path}.json",
                self.readers,
                optional=(*filtered, *fields, *PAGED),
                body_optional=("input", *LOOKUP),
            )
        else:
            query = routes.get(f"{self.path}.json", self.readers, required=filtered, optional=(*fields, *PAGED))
        query(self.query)
        routes.post(f"{self.path}.json", self.writers, body=("input",), body_optional=("action", "dedupeBy"))(self.sync)
        routes.post(f"{self.path}/delete.json", self.writers, body=("input",), body_optional=("deleteBy",))(self.delete)

    def describe(self, routes: Routes) -> None:
        """Declare the describe operation."""
        routes.get(f"{self.path}/describe.json", self.readers)(
            lambda call: Answer([description_row(self.store(call).description)])
        )

    def query(self, call: Call) -> Answer:
        """Answer the records whose field or key equals any of the values."""
        store = self.store(call)
        if self.by_body and call.member("input") is not None:
            call = _as_query(call)
            numbers = store.find(*_compound_lookup(call, store.description))
        else:
            numbers = store.find(*_lookup(call, store.description))
        fields = fields_asked(call, store.description) if self.has_fields else all_fields(store.description)

        def rows(page: Sequence[int]) -> list[Members]:
            return record_rows(call.instance, store, page, fields)

        return position_page(call, numbers, rows, more_result=self.more_result)

    async def sync(self, call: Call) -> Answer:
        """Create or update records, each independently."""
        store = self.store(call)
        records = self._records(call)
        self.check_batch(call.instance, records)
        sync = self._sync(call, store, call.body_text("dedupeBy"), self.check_write)
        action = as_action(call.body_text("action"), self.actions)
        keys = (folded(tuple(record.get(name) for name in sync.key)) for record in records)
        with call.instance.overlaps.writing(self.path.format_map(call.arguments).rpartition("/")[2], keys):
            rows = sync.write(records, action, iso(call.instance.clock.time()))
            await call.work.done()
        return Answer(rows)

    def delete(self, call: Call) -> Answer:
        """Delete records, each independently."""
        store = self.store(call)
        records = self._records(call)
        return Answer(self._sync(call, store, call.body_text("deleteBy"), self.check_delete).delete(records))

    def _records(self, call: Call) -> list[Members]:
        if self.crm_managed and call.instance.quirks.native_crm:
            raise ApiError("1018", "A native CRM integration is enabled: its objects are read-only")
        return call.records()

    def _sync(self, call: Call, store: ObjectStore, by: str | None, check: RecordCheck) -> ObjectSync:
        return ObjectSync(store, key_fields(store, by), lambda record: check(call.instance, record))


def _as_query(call: Call) -> Call:
    """Return the call with the lookup of its body in its query, so that both forms are paged alike."""
    query = dict(call.query)
    for name in LOOKUP:
        value = call.member(name)
        if isinstance(value, list):
            query[name] = [as_text(name, item) for item in value]
        elif value is not None:
            query[name] = [str(value)]
    # A paging token is valid only for these inputs.
    query["input"] = [msgspec.json.encode(call.member("input"), order="sorted").decode()]
    return Call(call.instance, call.user, call.route, call.arguments, query, call.body, call.work)


def _lookup(call: Call, description: ObjectDescription) -> tuple[tuple[str, ...], list[Key]]:
    filter_type, values = call.text("filterType"), call.many("filterValues")
    if filter_type is None:
        raise missing("filterType")
    if not values:
        raise missing("filterValues")
    if len(values) > MOST_FILTER_VALUES:
        raise ApiError("1003", f"'filterValues' exceeds the maximum of {MOST_FILTER_VALUES} values")
    fields = description.filter_fields(filter_type)
    field, *others = fields
    if others:
        raise ApiError("1003", f"Records are looked up by {', '.join(fields)} with an 'input' of all of them")
    if description.fields.get(field).data_type == "integer":
        return fields, [(as_integer("filterValues", value),) for value in values]
    return fields, [(value,) for value in values]


def _compound_lookup(call: Call, description: ObjectDescription) -> tuple[tuple[str, ...], list[Key]]:
    fields = description.filter_fields(call.text("filterType") or "dedupeFields")
    keys: list[Key] = []
    for given in call.records():
        record = {description.field(name).name: value for name, value in given.items()}
        try:
            key = tuple(checked(description.fields.get(name), record.get(name)) for name in fields)
        except RecordError as error:
            raise ApiError(error.code, error.message) from None
        if None in key:
            raise ApiError("1003", f"Each record of 'input' must have {', '.join(fields)}")
        keys.append(key)
    return fields, keys


def fields_asked(call: Call, description: ObjectDescription) -> tuple[str, ...] | None:
    """Return the fields to answer, including the id; ``None`` means all fields with a value."""
    asked = tuple(description.field(name).name for name in call.many("fields"))
    if asked:
        return tuple(dict.fromkeys((description.id_field, *asked)))
    return None if description.all_by_default else description.default_fields


def all_fields(description: ObjectDescription) -> tuple[str, ...]:
    """Return the names of all fields."""
    return tuple(field.name for field in description.fields)


def record_rows(
    instance: Instance, store: ObjectStore, numbers: Sequence[int], fields: tuple[str, ...] | None
) -> list[Members]:
    """Return rows with these fields, numbered on their page."""
    rows: list[Members] = []
    for seq, number in enumerate(numbers):
        record = store.get(number)
        if fields is None:
            row = {name: value for name, value in record.items() if value is not None}
        elif instance.quirks.omit_null:
            row = {name: record[name] for name in fields if record.get(name) is not None}
        else:
            row = {name: record.get(name) for name in fields}
        rows.append({"seq": seq, **row})
    return rows


def description_row(description: ObjectDescription, *, named: str = "name") -> Members:
    """Return a description for describe operations, or for schema operations, which name the object ``apiName``."""
    fields: list[Members] = []
    for field in description.fields:
        row: Members = {"name": field.name, "displayName": field.display_name, "dataType": field.data_type}
        if field.description:
            row["description"] = field.description
        if field.length is not None:
            row["length"] = field.length
        fields.append({**row, "updateable": not field.read_only, "crmManaged": False})
    return {
        named: description.name,
        "displayName": description.display_name,
        "pluralName": description.plural_name,
        "description": description.description,
        "createdAt": iso(description.created_at),
        "updatedAt": iso(description.updated_at),
        "idField": description.id_field,
        "dedupeFields": list(description.dedupe_fields),
        "searchableFields": _searchable(description),
        "fields": fields,
        "relationships": [
            {
                "field": relationship.field,
                "type": "child",
                "relatedTo": {"name": relationship.object_name, "field": relationship.object_field},
            }
            for relationship in description.relationships
        ],
        "state": description.state,
        "version": description.version,
    }


def _searchable(description: ObjectDescription) -> list[list[str]]:
    custom = [(field.name,) for field in description.fields if field.custom and field.searchable]
    return [list(fields) for fields in (*description.searchable, *custom)]
