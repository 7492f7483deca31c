"""``marketo.leads``: people in the lead database, their fields, partitions and memberships.

The module is longer than 350 lines because it is one family, with 22 operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Raw

from marketo_async.batcher import Batcher, batching
from marketo_async.descriptions import Described
from marketo_async.errors import InvalidRequest
from marketo_async.models.leads import (
    Description,
    FieldChange,
    FieldMetadata,
    LeadAttribute,
    ListMembership,
    NewField,
    Partition,
    ProgramMembership,
    Record,
    SmartCampaignMembership,
    VisitorData,
)
from marketo_async.models.records import RecordResult
from marketo_async.operation import Ordered, Page, Plan, Repeat, first, many, nothing, one, page, results, single
from marketo_async.request import LARGEST_BODY
from marketo_async.resources.arguments import Fields, drop_none, field_names, page_size, within
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.batches import Ids, no_id, of_ids, several, unless_new
from marketo_async.resources.descriptors import composite, endpoint, paged, written
from marketo_async.resources.record_mixins import filtered, searchable
from marketo_async.wire_value import Value
from marketo_async.writes import BATCH, Batches, KeyOf, Look, Result, Results, WriteRow, WriteRows, folded

L = TypeVar("L")
M = TypeVar("M")

LeadSyncAction = Literal["createOrUpdate", "createOnly", "updateOnly", "createDuplicate"]

_SCHEMA = ("Read-Write Schema Standard Field", "Read-Write Schema Custom Field")
_ASSETS = ("Read-Only Assets",)
_MERGES = 25
_REPEATS = {"createDuplicate": Repeat.NEVER, "createOnly": Repeat.SETTLES}


class Leads(Resource, Generic[L]):
    """People. A lead is a ``dict`` by REST field name, or your own Struct: ``marketo.leads.of(Person)``.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/leads
    """

    name, area = "leads", "Lead"

    def __init__(self, sender: Sender, model: type[L]) -> None:
        super().__init__(sender)
        self.model = model

    def of(self, model: type[M]) -> Leads[M]:
        """Return the same family with leads decoded into ``model``, a Struct; only its fields are requested."""
        return Leads(self._sender, model)

    @endpoint("GET", "/rest/v1/lead/{leadId}.json", timeout=30)
    def get(self, lead_id: int, *, fields: Fields = None) -> Plan[L | None]:
        """Return one lead by its id, or ``None`` if there is none.

        Without ``fields`` Marketo returns id, email, updatedAt, createdAt, firstName and lastName.
        """
        return first(self.model, path={"leadId": lead_id}, query={"fields": field_names(self.model, fields)})

    @paged("/rest/v1/leads.json", timeout=60)
    def by_filter(
        self,
        filter_type: str,
        values: Iterable[Value],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Ordered[L]:
        """Iterate the leads whose field ``filter_type`` equals any of ``values``: any number, 300 a call.

        The calls run concurrently, and their leads are delivered in order; within a call, leads are in Marketo's order.
        A call that matches more than 1,000 leads raises `InvalidData` (1003): use a list or a bulk export instead. A
        value with a comma raises `InvalidRequest`, because Marketo would search for its parts. ``leads.describe2()``
        lists the searchable fields.
        """
        names = field_names(self.model, fields)
        return filtered(self.model, filter_type, values, fields=names, batch_size=batch_size, token=token)

    @written("POST", "/rest/v1/leads.json", repeat=Repeat.SAFE, timeout=90)
    def sync(
        self,
        records: WriteRows,
        *,
        action: LeadSyncAction = "createOrUpdate",
        lookup_field: str | None = None,
        partition_name: str | None = None,
        async_processing: bool | None = None,
        check: bool = False,
    ) -> Batches[WriteRow]:
        """Create or update any number of leads, 300 a call, with a result for each in the order of ``records``.

        ``lookup_field`` is ``email`` by default, and every record needs it; ``id`` needs ``action="updateOnly"``. A key
        is never in two calls of this client at the same time; if a key repeats, its last record wins. After a lost
        response ``createOnly`` looks up whether it created a record that already exists, and ``createDuplicate`` is
        never retried; a record whose outcome can't be known is ``unknown``. ``async_processing`` returns ``accepted``
        without ids, possibly before Marketo has written the records.

        ``check`` first checks every record against ``describe2()``, which is kept for a day. ``None`` empties a field;
        NaN, bytes and datetimes without a time zone are refused.

        Raises `RecordRefused` for a record without its key, with an id that is not allowed, or above 1 MB.
        """
        if lookup_field == "id" and action != "updateOnly":
            raise InvalidRequest(f"lookup_field 'id' needs action 'updateOnly', not {action!r}")
        field = lookup_field or "email"
        rest = drop_none(
            {
                "action": action,
                "lookupField": lookup_field,
                "partitionName": partition_name,
                "asyncProcessing": async_processing,
            }
        )

        def plan(records: Raw) -> Plan[list[RecordResult]]:
            return results(json={**rest, "input": records}, repeat=_REPEATS.get(action))

        apart = action == "createDuplicate"  # it does not look up existing leads
        return Batches(
            records=several("records", records),
            plan=plan,
            refusal=unless_new("id", action),
            scope=None if apart else ("leads", field),
            key=None if apart else KeyOf(field),
            look=Look(self.operations["by_filter"], _found) if action == "createOnly" else None,
            described=Described(self.operations["describe2"], one(Description)),
            check=check,
            success_status="accepted" if async_processing else None,
        )

    @composite
    def batcher(
        self,
        *,
        max_records: int = BATCH,
        max_age: float = 30 * 60,
        max_bytes: int = LARGEST_BODY,
        max_queued: int | None = None,
        journal: str | Path | None = None,
        action: LeadSyncAction = "createOrUpdate",
        lookup_field: str | None = None,
        partition_name: str | None = None,
        check: bool = False,
    ) -> Batcher[WriteRow, Result[WriteRow]]:
        """Collect leads that come one by one, and ``sync`` them in batches.

        A batch is sent at ``max_records``, ``max_bytes`` or ``max_age`` seconds. Use it in ``async with``:
        ``put(record)`` returns when the record is safely queued, ``submit(record)`` with its result. With a
        ``journal``, accepted records survive a crash, and are sent at least once. Maps to the same call as ``sync``.
        """

        def send(records: Iterable[WriteRow]) -> Results[WriteRow]:
            return self.sync(
                records, action=action, lookup_field=lookup_field, partition_name=partition_name, check=check
            )

        batches = type(self).sync.planner(
            self, (), action=action, lookup_field=lookup_field, partition_name=partition_name
        )
        return batching(
            send,
            batches,
            max_records=max_records,
            max_age=max_age,
            max_bytes=max_bytes,
            max_queued=max_queued,
            journal=journal,
            wait_for=self._sender.wait_for,
            repeats=action != "createDuplicate",
        )

    @written("POST", "/rest/v1/leads/delete.json", repeat=Repeat.SETTLES, proof=("1004",), timeout=30)
    def delete(self, lead_ids: Ids) -> Batches[int]:
        """Delete any number of leads for good, 300 a call; a missing one is skipped (1004)."""
        return of_ids("lead_ids", lead_ids, lambda ids: results(json={"input": ids}), scope=("leads", "id"))

    @endpoint("GET", "/rest/v1/leads/describe.json", timeout=30)
    def describe(self) -> Plan[list[LeadAttribute]]:
        """Return every lead field with its REST and SOAP names; ``describe2`` is the newer call."""
        return many(LeadAttribute)

    @endpoint("GET", "/rest/v1/leads/describe2.json", timeout=30)
    def describe2(self) -> Plan[Description]:
        """Return the fields of a lead and the searchable ones."""
        return one(Description)

    @endpoint("GET", "/rest/v1/program/members/describe.json", timeout=30)
    def describe_program_member(self) -> Plan[Description]:
        """Return the fields of a program member; ``program_members.describe`` is the newer call."""
        return one(Description)

    @endpoint("GET", "/rest/v1/leads/schema/fields/{fieldApiName}.json", needs=_SCHEMA, timeout=30)
    def field(self, name: str) -> Plan[FieldMetadata]:
        """Return the full metadata of one lead field."""
        return one(FieldMetadata, path={"fieldApiName": name})

    @paged("/rest/v1/leads/schema/fields.json", needs=_SCHEMA, timeout=30)
    def fields(self, *, batch_size: int | None = None, token: str | None = None) -> Plan[Page[FieldMetadata]]:
        """Iterate the full metadata of all lead fields, hidden ones included."""
        return page(FieldMetadata, query={"batchSize": page_size(batch_size)}, token=token)

    @endpoint("POST", "/rest/v1/leads/schema/fields.json", needs=_SCHEMA[1:], repeat=Repeat.SETTLES, timeout=30)
    def create_fields(self, fields: Iterable[NewField]) -> Plan[list[RecordResult]]:
        """Create custom lead fields, at most 100 per instance by API; they can never be deleted."""
        return results(json={"input": within("fields", fields)})

    @endpoint("POST", "/rest/v1/leads/schema/fields/{fieldApiName}.json", needs=_SCHEMA, repeat=Repeat.SAFE, timeout=30)
    def update_field(self, name: str, change: FieldChange) -> Plan[RecordResult]:
        """Change the metadata of one lead field; raises `RecordsFailed` if Marketo skips it."""
        return single(path={"fieldApiName": name}, json={"input": [change]})

    @endpoint("GET", "/rest/v1/leads/partitions.json", timeout=30)
    def partitions(self) -> Plan[list[Partition]]:
        """Return the lead partitions."""
        return many(Partition)

    @written("POST", "/rest/v1/leads/partitions.json", repeat=Repeat.SAFE, timeout=60)
    def update_partitions(self, partition_names: Mapping[int, str]) -> Batches[tuple[int, str]]:
        """Move any number of leads to other partitions, 300 a call; maps a lead id to a partition name."""

        def plan(records: Raw) -> Plan[list[RecordResult]]:
            return results(json={"input": records})

        return Batches(
            records=[*partition_names.items()],
            plan=plan,
            row=lambda move: {"id": move[0], "partitionName": move[1]},
            scope=("leads", "id"),
            key=lambda move: folded(move[0]),
        )

    @paged("/rest/v1/leads/programs/{programId}.json", timeout=30)
    def by_program(
        self, program_id: int, *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[L]]:
        """Iterate the leads of a program, each with its ``membership``."""
        names = field_names(self.model, fields)
        if names is not None:  # Marketo always returns the membership; it is not a field to request
            names = [name for name in names if name != "membership"]
        query = {"fields": names, "batchSize": page_size(batch_size)}
        return page(self.model, path={"programId": program_id}, query=query, token=token)

    @written(
        "POST", "/rest/v1/leads/programs/{programId}/status.json", repeat=Repeat.SETTLES, proof=("1037",), timeout=30
    )
    def change_program_status(self, program_id: int, status: str, lead_ids: Ids) -> Batches[int]:
        """Set the program status of any number of members, 300 a call; a status only moves forward (1037)."""

        def plan(ids: Raw) -> Plan[list[RecordResult]]:
            return results(path={"programId": program_id}, json={"status": status, "input": ids})

        return of_ids("lead_ids", lead_ids, plan, scope=("program_members", program_id))

    @written("POST", "/rest/v1/leads/push.json", timeout=90)
    def push(
        self,
        records: WriteRows,
        program_name: str,
        *,
        lookup_field: str | None = None,
        program_status: str | None = None,
        partition_name: str | None = None,
        reason: str | None = None,
        source: str | None = None,
        check: bool = False,
    ) -> Batches[WriteRow]:
        """Create or update any number of leads, 300 a call, with one activity each that can trigger campaigns.

        Every record needs its ``lookup_field``, ``email`` by default. If the response to a call is lost, the call is
        not retried and its records are ``unknown``. ``check`` first checks every record against ``describe2()``.
        """
        field = lookup_field or "email"
        rest = drop_none(
            {
                "programName": program_name,
                "lookupField": lookup_field,
                "programStatus": program_status,
                "partitionName": partition_name,
                "reason": reason,
                "source": source,
            }
        )

        def plan(records: Raw) -> Plan[list[RecordResult]]:
            return results(json={**rest, "input": records})

        return Batches(
            records=several("records", records),
            plan=plan,
            refusal=unless_new("id", "push"),
            scope=("leads", field),
            key=KeyOf(field),
            described=Described(self.operations["describe2"], one(Description)),
            check=check,
        )

    @endpoint("POST", "/rest/v1/leads/submitForm.json", timeout=30)
    def submit_form(
        self,
        form_id: int,
        form_fields: Mapping[str, Any],
        *,
        visitor: VisitorData | None = None,
        cookie: str | None = None,
        program_id: int | None = None,
    ) -> Plan[RecordResult]:
        """Submit a form for one person, found by the ``email`` of ``form_fields``; never retried automatically.

        Raises `RecordsFailed` if Marketo skips the submission, for instance because the form lacks a field (1006).
        """
        if not form_fields.get("email"):
            raise InvalidRequest("form_fields has no email, which identifies the person; add it")
        person = drop_none({"leadFormFields": dict(form_fields), "visitorData": visitor, "cookie": cookie})
        body = drop_none({"formId": form_id, "programId": program_id, "input": [person]})
        return single(json=body)

    @endpoint("POST", "/rest/v1/leads/{leadId}/associate.json", repeat=Repeat.SAFE, timeout=60)
    def associate(self, lead_id: int, cookie: str) -> Plan[None]:
        """Associate a Munchkin cookie with a lead; only future activity moves with it."""
        return nothing(path={"leadId": lead_id}, query={"cookie": cookie})

    @written("POST", "/rest/v1/leads/{leadId}/merge.json", repeat=Repeat.SETTLES, timeout=180)
    def merge(self, winner_id: int, loser_ids: Ids, *, merge_in_crm: bool | None = None) -> Batches[int]:
        """Merge any number of leads into ``winner_id``, 25 a call, one call after another; this can't be undone.

        A value of the winner is kept unless it is empty. Marketo does not return a result for each lead: all leads of a
        successful call are ``merged``. If the response to a call is lost, the call is retried; its leads are
        ``unknown`` unless the retry succeeds.
        """

        def plan(ids: Raw) -> Plan[None]:
            losers = msgspec.json.decode(ids, type=list[int])
            return nothing(path={"leadId": winner_id}, query={"leadIds": losers, "mergeInCRM": merge_in_crm})

        def refusal(loser_id: int) -> str | None:
            return no_id(loser_id) or (
                f"lead {winner_id} can't be merged into itself" if loser_id == winner_id else None
            )

        return Batches(
            records=several("loser_ids", loser_ids),
            plan=plan,
            most=_MERGES,
            refusal=refusal,
            scope=("leads", "id"),
            key=folded,
            shared=frozenset({folded(winner_id)}),
            success_status="merged",
        )

    @paged("/rest/v1/leads/{leadId}/listMembership.json", needs=_ASSETS, timeout=30)
    def list_membership(
        self, lead_id: int, *, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[ListMembership]]:
        """Iterate the static lists of a lead."""
        query = {"batchSize": page_size(batch_size)}
        return page(ListMembership, path={"leadId": lead_id}, query=query, token=token)

    @paged("/rest/v1/leads/{leadId}/programMembership.json", needs=_ASSETS, timeout=30)
    def program_membership(
        self,
        lead_id: int,
        *,
        program_ids: Iterable[int] | None = None,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Plan[Page[ProgramMembership]]:
        """Iterate the programs of a lead, or only those with one of ``program_ids``."""
        query = {
            "filterType": None if program_ids is None else "programId",
            "filterValues": None if program_ids is None else within("program_ids", program_ids),
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
            "batchSize": page_size(batch_size),
        }
        return page(ProgramMembership, path={"leadId": lead_id}, query=query, token=token)

    @paged("/rest/v1/leads/{leadId}/smartCampaignMembership.json", needs=_ASSETS, timeout=30)
    def smart_campaign_membership(
        self,
        lead_id: int,
        *,
        earliest_updated_at: datetime | None = None,
        latest_updated_at: datetime | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Plan[Page[SmartCampaignMembership]]:
        """Iterate the smart campaigns of a lead."""
        query = {
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
            "batchSize": page_size(batch_size),
        }
        return page(SmartCampaignMembership, path={"leadId": lead_id}, query=query, token=token)


def _found(key: KeyOf, records: Sequence[WriteRow]) -> Plan[Page[Record]]:
    """Plan the look-up of leads by the key field of a sync."""
    (field,) = key.fields
    values = searchable(value for record in records for value in key.values(record))
    return page(Record, query={"filterType": field, "filterValues": values, "fields": ["createdAt", field]})
