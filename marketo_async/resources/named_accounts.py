"""``marketo.named_accounts`` and ``marketo.named_account_lists``: the accounts of account-based marketing."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Literal, TypeVar

from msgspec import Raw

from marketo_async.models.objects import NamedAccountList
from marketo_async.models.records import RecordResult
from marketo_async.operation import Ordered, Page, Plan, Repeat, page, results
from marketo_async.resources.arguments import Fields, page_size
from marketo_async.resources.base import paged, written
from marketo_async.resources.batches import several
from marketo_async.resources.record_mixins import (
    ByFilter,
    DeleteKey,
    DeleteRecords,
    Describe,
    FieldSchema,
    Identity,
    Records,
    Sync,
    asked,
    filtered,
    synced,
    taking,
)
from marketo_async.writes import Batches, WriteRow, WriteRows, folded

L = TypeVar("L")
M = TypeVar("M")

Guids = Iterable[str] | AsyncIterable[str]

_READ = ("Read-Only Named Account", "Read-Write Named Account")
_WRITE = _READ[1:]
_MEMBERS = "/rest/v1/namedAccountList/{id}/namedAccounts"


class NamedAccounts(ByFilter[L], Sync, DeleteRecords, Describe, FieldSchema):
    """Named accounts, identified by ``name`` or ``marketoGUID``; leads can't be linked to them here.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/named-accounts
    """

    name, root, area = "named_accounts", "/rest/v1/namedaccounts", "Named Account"
    identity = Identity(("name",))
    sync = taking(120, Sync.sync)

    def of(self, model: type[M]) -> NamedAccounts[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return NamedAccounts(self._sender, model)


class NamedAccountLists(Records[L], DeleteRecords):
    """Lists of named accounts, identified by ``name`` or ``marketoGUID``; their accounts are records (``of``).

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/named-account-lists
    """

    name, root, area = "named_account_lists", "/rest/v1/namedAccountLists", "Named Account List"
    identity = Identity(("name",))

    def of(self, model: type[M]) -> NamedAccountLists[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return NamedAccountLists(self._sender, model)

    @paged("{root}.json", timeout=60)
    def by_filter(
        self, filter_type: DeleteKey, values: Iterable[str], *, batch_size: int | None = None, token: str | None = None
    ) -> Ordered[NamedAccountList]:
        """Iterate the lists with any of these names (``dedupeFields``) or GUIDs (``idField``), 300 a call."""
        return filtered(NamedAccountList, filter_type, values, batch_size=batch_size, token=token)

    @written("POST", "{root}.json", repeat=Repeat.SETTLES, timeout=60)
    def sync(
        self,
        records: WriteRows,
        *,
        action: Literal["createOnly", "updateOnly"] = "createOnly",
        dedupe_by: DeleteKey | None = None,
    ) -> Batches[WriteRow]:
        """Create or rename any number of lists, 300 a call: only ``name`` is writable, and there is no upsert."""
        return synced(self, records, self.identity, action=action, dedupe_by=dedupe_by)

    @paged(_MEMBERS + ".json", needs=_READ, timeout=60)
    def members(
        self, list_id: str, *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[L]]:
        """Iterate the accounts of a list, given by its GUID."""
        query = {"fields": asked(self.model, fields), "batchSize": page_size(batch_size)}
        return page(self.model, path={"id": list_id}, query=query, token=token)

    @written("POST", _MEMBERS + ".json", needs=_WRITE, repeat=Repeat.SAFE, timeout=60)
    def add(self, list_id: str, account_ids: Guids) -> Batches[str]:
        """Add any number of accounts, given by their GUIDs, to a list, 300 a call."""
        return _accounts(list_id, account_ids)

    @written("POST", _MEMBERS + "/remove.json", needs=_WRITE, repeat=Repeat.SETTLES, proof=("1013",), timeout=60)
    def remove(self, list_id: str, account_ids: Guids) -> Batches[str]:
        """Remove any number of accounts, given by their GUIDs, from a list, 300 a call."""
        return _accounts(list_id, account_ids)


def _accounts(list_id: str, account_ids: Guids) -> Batches[str]:
    def plan(records: Raw) -> Plan[list[RecordResult]]:
        return results(path={"id": list_id}, json={"input": records})

    return Batches(
        records=several("account_ids", account_ids),
        plan=plan,
        row=lambda guid: {"marketoGUID": guid},
        scope=("named_account_lists", list_id),
        key=folded,
    )
