"""``marketo.lists``: static lists of the lead database and their members."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Generic, TypeVar

from msgspec import Raw

from marketo_async.batcher import Batcher, batching
from marketo_async.models.lists import StaticList
from marketo_async.models.records import RecordResult
from marketo_async.operation import Page, Plan, Repeat, one, page, results
from marketo_async.request import LARGEST_BODY
from marketo_async.resources.arguments import Fields, field_names, page_size, within
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.batches import Ids, of_ids
from marketo_async.resources.descriptors import composite, endpoint, paged, written
from marketo_async.writes import BATCH, Batches, Result, Results

L = TypeVar("L")
M = TypeVar("M")


class Lists(Resource, Generic[L]):
    """Static lists. Their leads are ``dict`` records, or your own Struct: ``marketo.lists.of(Person)``.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/list-membership
    """

    name, area = "lists", "Lead"

    def __init__(self, sender: Sender, model: type[L]) -> None:
        super().__init__(sender)
        self.model = model

    def of(self, model: type[M]) -> Lists[M]:
        """Return the same family with leads decoded into ``model``, a Struct; only its fields are requested."""
        return Lists(self._sender, model)

    @paged("/rest/v1/lists.json")
    def browse(
        self,
        *,
        ids: Iterable[int] | None = None,
        names: Iterable[str] | None = None,
        program_names: Iterable[str] | None = None,
        workspace_names: Iterable[str] | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Plan[Page[StaticList]]:
        """Iterate the static lists, or those with one of the given ids, names, programs or workspaces."""
        query = {
            "id": None if ids is None else within("ids", ids),
            "name": None if names is None else within("names", names),
            "programName": None if program_names is None else within("program_names", program_names),
            "workspaceName": None if workspace_names is None else within("workspace_names", workspace_names),
            "batchSize": page_size(batch_size),
        }
        return page(StaticList, query=query, token=token)

    @endpoint("GET", "/rest/v1/lists/{listId}.json")
    def get(self, list_id: int) -> Plan[StaticList]:
        """Return one static list; raises `NotFound` (1013) if it does not exist."""
        return one(StaticList, path={"listId": list_id})

    @paged("/rest/v1/lists/{listId}/leads.json", timeout=60)
    def leads(
        self, list_id: int, *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[L]]:
        """Iterate the leads of a static list."""
        query = {"fields": field_names(self.model, fields), "batchSize": page_size(batch_size)}
        return page(self.model, path={"listId": list_id}, query=query, token=token)

    @paged("/rest/v1/list/{listId}/leads.json", timeout=60)
    def legacy_leads(
        self, list_id: int, *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[L]]:
        """Iterate the leads of a static list by the older path; ``leads`` is the current one."""
        query = {"fields": field_names(self.model, fields), "batchSize": page_size(batch_size)}
        return page(self.model, path={"listId": list_id}, query=query, token=token)

    @written("POST", "/rest/v1/lists/{listId}/leads.json", repeat=Repeat.SAFE)
    def add(self, list_id: int, lead_ids: Ids) -> Batches[int]:
        """Add any number of leads to a static list, 300 a call; results are in the order of ``lead_ids``."""
        return _members(list_id, lead_ids)

    @written("DELETE", "/rest/v1/lists/{listId}/leads.json", repeat=Repeat.SETTLES, proof=("1015",))
    def remove(self, list_id: int, lead_ids: Ids) -> Batches[int]:
        """Remove any number of leads from a static list, 300 a call; a lead that is not in it is skipped (1015)."""
        return _members(list_id, lead_ids)

    @composite
    def batcher(
        self,
        list_id: int,
        *,
        remove: bool = False,
        max_records: int = BATCH,
        max_age: float = 30 * 60,
        max_bytes: int = LARGEST_BODY,
        max_queued: int | None = None,
        journal: str | Path | None = None,
    ) -> Batcher[int, Result[int]]:
        """Collect lead ids that come one by one, and ``add`` them to one list, or ``remove`` them, in batches.

        See ``leads.batcher``; a batcher and its ``journal`` serve one list and one direction.
        """

        def send(lead_ids: Iterable[int]) -> Results[int]:
            return self.remove(list_id, lead_ids) if remove else self.add(list_id, lead_ids)

        return batching(
            send,
            _members(list_id, ()),
            max_records=max_records,
            max_age=max_age,
            max_bytes=max_bytes,
            max_queued=max_queued,
            journal=journal,
            wait_for=self._sender.wait_for,
        )

    @written("GET", "/rest/v1/lists/{listId}/leads/ismember.json", needs=("Read-Write Lead",))
    def is_member(self, list_id: int, lead_ids: Ids) -> Batches[int]:
        """Return for any number of leads whether a list has them: ``memberof``, ``notmemberof`` or ``skipped``."""
        return _members(list_id, lead_ids)


def _members(list_id: int, lead_ids: Ids) -> Batches[int]:
    def plan(ids: Raw) -> Plan[list[RecordResult]]:
        return results(path={"listId": list_id}, json={"input": ids})

    return of_ids("lead_ids", lead_ids, plan, scope=("lists", list_id))
