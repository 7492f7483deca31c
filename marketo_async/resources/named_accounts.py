"""``marketo.named_accounts`` and ``marketo.named_account_lists``: the accounts of account-based marketing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeVar

from marketo_async.models.objects import NamedAccountList
from marketo_async.models.records import RecordResult
from marketo_async.operation import Chunks, Page, Plan, Repeat, page, results
from marketo_async.resources.arguments import Fields, page_size, within
from marketo_async.resources.base import endpoint, paged
from marketo_async.resources.record_mixins import (
    ByFilter,
    Delete,
    Describe,
    FieldSchema,
    Key,
    Records,
    Row,
    Sync,
    asked,
    filtered,
    synced,
    taking,
)

L = TypeVar("L")
M = TypeVar("M")

_READ = ("Read-Only Named Account", "Read-Write Named Account")
_WRITE = _READ[1:]
_MEMBERS = "/rest/v1/namedAccountList/{id}/namedAccounts"


class NamedAccounts(ByFilter[L], Sync, Delete, Describe, FieldSchema):
    """Named accounts, known by ``name`` or ``marketoGUID``; leads can't be linked to them here."""

    name, root, area = "named_accounts", "/rest/v1/namedaccounts", "Named Account"
    sync = taking(120, Sync.sync)

    def of(self, model: type[M]) -> NamedAccounts[M]:
        """Return the same family with records as instances of *model*, a Struct; only its fields are asked for."""
        return NamedAccounts(self._sender, model)


class NamedAccountLists(Records[L], Delete):
    """Lists of named accounts, known by ``name`` or ``marketoGUID``; the accounts in them are records (``of``)."""

    name, root, area = "named_account_lists", "/rest/v1/namedAccountLists", "Named Account List"

    def of(self, model: type[M]) -> NamedAccountLists[M]:
        """Return the same family with records as instances of *model*, a Struct; only its fields are asked for."""
        return NamedAccountLists(self._sender, model)

    @paged("{root}.json", timeout=60)
    def by_filter(
        self, filter_type: Key, values: Iterable[str], *, batch_size: int | None = None, token: str | None = None
    ) -> Chunks[NamedAccountList]:
        """Iterate the lists with any of these names (``dedupeFields``) or GUIDs (``idField``), in chunks of 300."""
        return filtered(NamedAccountList, filter_type, values, batch_size=batch_size, token=token)

    @endpoint("POST", "{root}.json", repeat=Repeat.SETTLES, timeout=60)
    def sync(
        self,
        records: Iterable[Row],
        *,
        action: Literal["createOnly", "updateOnly"] = "createOnly",
        dedupe_by: Key | None = None,
    ) -> Plan[list[RecordResult]]:
        """Create or rename at most 300 lists: only ``name`` can be written, and there is no ``createOrUpdate``."""
        return synced(records, action=action, dedupe_by=dedupe_by)

    @paged(_MEMBERS + ".json", needs=_READ, timeout=60)
    def members(
        self, list_id: str, *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[L]]:
        """Iterate the accounts of a list, which is given by its GUID."""
        query = {"fields": asked(self.model, fields), "batchSize": page_size(batch_size)}
        return page(self.model, path={"id": list_id}, query=query, token=token)

    @endpoint("POST", _MEMBERS + ".json", needs=_WRITE, repeat=Repeat.SAFE, timeout=60)
    def add(self, list_id: str, account_ids: Iterable[str]) -> Plan[list[RecordResult]]:
        """Add at most 300 accounts, given by their GUIDs, to a list."""
        return results(path={"id": list_id}, json=_accounts(account_ids))

    @endpoint("POST", _MEMBERS + "/remove.json", needs=_WRITE, repeat=Repeat.SETTLES, timeout=60)
    def remove(self, list_id: str, account_ids: Iterable[str]) -> Plan[list[RecordResult]]:
        """Remove at most 300 accounts, given by their GUIDs, from a list."""
        return results(path={"id": list_id}, json=_accounts(account_ids))


def _accounts(account_ids: Iterable[str]) -> dict[str, object]:
    return {"input": [{"marketoGUID": guid} for guid in within("account_ids", account_ids)]}
