"""``marketo.custom_objects``: the records of custom object types. See ``custom_object_types`` for the types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import Ordered, Plan, Repeat, many, one
from marketo_async.paging import Pager
from marketo_async.resources.arguments import Fields, within
from marketo_async.resources.descriptors import composite, endpoint, paged, written
from marketo_async.resources.record_mixins import (
    DeleteKey,
    Identity,
    Records,
    SyncAction,
    asked,
    deleted,
    filtered,
    keyed,
    synced,
)
from marketo_async.wire_value import Value
from marketo_async.writes import Batches, WriteRow, WriteRows

L = TypeVar("L")
M = TypeVar("M")

_IDENTITY = Identity()
_ONE = "/rest/v1/customobjects/{customObjectName}"


class CustomObjects(Records[L]):
    """Custom objects, identified by the 1 to 3 dedupe fields of their type, or by ``marketoGUID``.

    Pass the type first. The records are ``dict``, or your own Struct: ``marketo.custom_objects.of(Car)``. See
    https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/custom-objects
    """

    name, area = "custom_objects", "Custom Object"

    def of(self, model: type[M]) -> CustomObjects[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return CustomObjects(self._sender, model)

    @endpoint("GET", "/rest/v1/customobjects.json", timeout=30)
    def browse(self, *, names: Iterable[str] | None = None) -> Plan[list[ObjectDescription]]:
        """Return the approved custom object types, or only those with one of ``names``."""
        return many(ObjectDescription, query={"names": None if names is None else within("names", names)})

    @endpoint("GET", _ONE + "/describe.json", timeout=30)
    def describe(self, api_name: str) -> Plan[ObjectDescription]:
        """Return the fields of an approved type, those that identify a record, and the searchable ones."""
        return one(ObjectDescription, path={"customObjectName": api_name})

    @paged(_ONE + ".json", timeout=30)
    def by_filter(
        self,
        api_name: str,
        filter_type: str,
        values: Iterable[Value],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Ordered[L]:
        """Iterate the records whose field ``filter_type`` equals any of ``values``: any number, 300 a call.

        ``describe()`` lists the searchable fields; a key of several fields needs ``by_key``.
        """
        names, path = asked(self.model, fields), {"customObjectName": api_name}
        return filtered(self.model, filter_type, values, path=path, fields=names, batch_size=batch_size, token=token)

    @composite
    def by_key(
        self,
        api_name: str,
        keys: Iterable[WriteRow],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Pager[L]:
        """Iterate the records with any of these compound ``keys``; each key has a value for every dedupe field.

        Any number of keys, 300 a call. Maps to the same call as ``by_filter``, with the keys in its body.
        """
        names, path = asked(self.model, fields), {"customObjectName": api_name}
        listing = keyed(self.model, keys, path=path, fields=names, batch_size=batch_size, token=token)
        return self._sender.pages(self.operations["by_filter"], listing)

    @written("POST", _ONE + ".json", repeat=Repeat.SAFE, timeout=120)
    def sync(
        self,
        api_name: str,
        records: WriteRows,
        *,
        action: SyncAction = "createOrUpdate",
        dedupe_by: DeleteKey | None = None,
        check: bool = False,
    ) -> Batches[WriteRow]:
        """Create or update any number of records, 300 a call, with a result for each in the order of ``records``.

        ``dedupe_by`` is ``dedupeFields`` by default; ``idField`` needs ``action="updateOnly"``. Every record needs its
        key, which ``describe()`` names (one call a day). A key is never in two calls at the same time; if a key
        repeats, its last record wins. An empty value or null is stored as null. ``check`` first checks every record
        against the same description.
        """
        path = {"customObjectName": api_name}
        return synced(self, records, _IDENTITY, path=path, action=action, dedupe_by=dedupe_by, check=check)

    @written("POST", _ONE + "/delete.json", repeat=Repeat.SETTLES, proof=("1013",), timeout=60)
    def delete(self, api_name: str, records: WriteRows, *, delete_by: DeleteKey = "dedupeFields") -> Batches[WriteRow]:
        """Delete any number of records, 300 a call, each given by its key; a missing one is skipped (1013)."""
        return deleted(self, records, _IDENTITY, path={"customObjectName": api_name}, delete_by=delete_by)
