"""``marketo.leads``: people in the lead database, their fields, partitions and memberships."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Generic, Literal, TypeVar

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
    SmartCampaignMembership,
    VisitorData,
)
from marketo_async.models.records import RecordResult
from marketo_async.operation import Chunks, Page, Plan, Repeat, first, many, nothing, one, page, results
from marketo_async.resources.arguments import Fields, by_id, field_names, members, page_size, within
from marketo_async.resources.base import Resource, Sender, endpoint, paged
from marketo_async.resources.record_mixins import filtered

L = TypeVar("L")
M = TypeVar("M")

SyncAction = Literal["createOrUpdate", "createOnly", "updateOnly", "createDuplicate"]

_SCHEMA = ("Read-Write Schema Standard Field", "Read-Write Schema Custom Field")
_ASSETS = ("Read-Only Assets",)
_MERGES = 25
_REPEATS = {"createDuplicate": Repeat.NEVER, "createOnly": Repeat.SETTLES}


class Leads(Resource, Generic[L]):
    """People. A lead is a ``dict`` by REST field name, or your own msgspec Struct: ``marketo.leads.of(Person)``."""

    name, area = "leads", "Lead"

    def __init__(self, sender: Sender, model: type[L]) -> None:
        super().__init__(sender)
        self.model = model

    def of(self, model: type[M]) -> Leads[M]:
        """Return the same resource with leads decoded into *model*, a msgspec Struct; only its fields are asked for."""
        return Leads(self._sender, model)

    @endpoint("GET", "/rest/v1/lead/{leadId}.json", timeout=30)
    def get(self, lead_id: int, *, fields: Fields = None) -> Plan[L | None]:
        """Return one lead by its id, ``None`` where there is none.

        Without *fields* Marketo returns id, email, updatedAt, createdAt, firstName and lastName.
        """
        return first(self.model, path={"leadId": lead_id}, query={"fields": field_names(self.model, fields)})

    @paged("/rest/v1/leads.json", timeout=60)
    def by_filter(
        self,
        filter_type: str,
        values: Iterable[str | int],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Chunks[L]:
        """Iterate the leads whose field *filter_type* equals any of *values*: any number of them, in chunks of 300.

        The chunks are fetched side by side and delivered in order; within one, leads come in Marketo's order. A chunk
        that matches more than 1,000 leads is refused with `InvalidData` (1003): use a list or a bulk export then.
        ``leads.describe2()`` tells what can be searched by.
        """
        names = field_names(self.model, fields)
        return filtered(self.model, filter_type, values, fields=names, batch_size=batch_size, token=token)

    @endpoint("POST", "/rest/v1/leads.json", repeat=Repeat.SAFE, timeout=90)
    def sync(
        self,
        records: Iterable[Mapping[str, Any]],
        *,
        action: SyncAction = "createOrUpdate",
        lookup_field: str | None = None,
        partition_name: str | None = None,
        async_processing: bool | None = None,
    ) -> Plan[list[RecordResult]]:
        """Create or update at most 300 leads; results stand in the order of *records*.

        *lookup_field* is ``email`` by default; ``id`` goes with ``updateOnly`` alone. Parallel calls with the same key
        can make duplicates. A ``createDuplicate`` whose answer is lost is never repeated: `OutcomeUnknown`. ``None``
        empties a field, and so does a float that is no number.
        """
        if lookup_field == "id" and action != "updateOnly":
            raise InvalidRequest(f"lookup_field 'id' goes with action 'updateOnly', not {action!r}")
        body = {
            "action": action,
            "lookupField": lookup_field,
            "partitionName": partition_name,
            "asyncProcessing": async_processing,
            "input": within("records", records),
        }
        return results(json=members(body), repeat=_REPEATS.get(action))

    @endpoint("POST", "/rest/v1/leads/delete.json", repeat=Repeat.SETTLES, timeout=30)
    def delete(self, lead_ids: Iterable[int]) -> Plan[list[RecordResult]]:
        """Delete at most 300 leads for good."""
        return results(json={"input": by_id("lead_ids", lead_ids)})

    @endpoint("GET", "/rest/v1/leads/describe.json", timeout=30)
    def describe(self) -> Plan[list[LeadAttribute]]:
        """Return every lead field with its REST and SOAP names; ``describe2`` is the newer call."""
        return many(LeadAttribute)

    @endpoint("GET", "/rest/v1/leads/describe2.json", timeout=30)
    def describe2(self) -> Plan[Description]:
        """Return the fields of a lead and those it can be searched by."""
        return one(Description)

    @endpoint("GET", "/rest/v1/program/members/describe.json", timeout=30)
    def describe_program_member(self) -> Plan[Description]:
        """Return the fields of a program member, by the older of two calls."""
        return one(Description)

    @endpoint("GET", "/rest/v1/leads/schema/fields/{fieldApiName}.json", needs=_SCHEMA, timeout=30)
    def field(self, name: str) -> Plan[FieldMetadata]:
        """Return everything about one lead field."""
        return one(FieldMetadata, path={"fieldApiName": name})

    @paged("/rest/v1/leads/schema/fields.json", needs=_SCHEMA, timeout=30)
    def fields(self, *, batch_size: int | None = None, token: str | None = None) -> Plan[Page[FieldMetadata]]:
        """Iterate everything about all lead fields, hidden ones included."""
        return page(FieldMetadata, query={"batchSize": page_size(batch_size)}, token=token)

    @endpoint("POST", "/rest/v1/leads/schema/fields.json", needs=_SCHEMA[1:], repeat=Repeat.SETTLES, timeout=30)
    def create_fields(self, fields: Iterable[NewField]) -> Plan[list[RecordResult]]:
        """Create custom lead fields, of which an instance takes 100 this way; they can never be deleted."""
        return results(json={"input": within("fields", fields)})

    @endpoint("POST", "/rest/v1/leads/schema/fields/{fieldApiName}.json", needs=_SCHEMA, repeat=Repeat.SAFE, timeout=30)
    def update_field(self, name: str, change: FieldChange) -> Plan[RecordResult]:
        """Change what may be changed about one lead field."""
        return one(RecordResult, path={"fieldApiName": name}, json={"input": [change]})

    @endpoint("GET", "/rest/v1/leads/partitions.json", timeout=30)
    def partitions(self) -> Plan[list[Partition]]:
        """Return the lead partitions."""
        return many(Partition)

    @endpoint("POST", "/rest/v1/leads/partitions.json", repeat=Repeat.SAFE, timeout=60)
    def update_partitions(self, partition_names: Mapping[int, str]) -> Plan[list[RecordResult]]:
        """Move at most 300 leads into other partitions: lead id to partition name."""
        moves = [{"id": lead, "partitionName": name} for lead, name in partition_names.items()]
        return results(json={"input": within("partition_names", moves)})

    @paged("/rest/v1/leads/programs/{programId}.json", timeout=30)
    def by_program(
        self, program_id: int, *, fields: Fields = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[L]]:
        """Iterate the leads of a program, each with its ``membership``."""
        names = field_names(self.model, fields)
        if names is not None:  # the membership always comes, and is no field that could be asked for
            names = [name for name in names if name != "membership"]
        query = {"fields": names, "batchSize": page_size(batch_size)}
        return page(self.model, path={"programId": program_id}, query=query, token=token)

    @endpoint("POST", "/rest/v1/leads/programs/{programId}/status.json", repeat=Repeat.SETTLES, timeout=30)
    def change_program_status(self, program_id: int, status: str, lead_ids: Iterable[int]) -> Plan[list[RecordResult]]:
        """Set the program status of at most 300 members; statuses only move forward (1037 otherwise)."""
        body = {"status": status, "input": by_id("lead_ids", lead_ids)}
        return results(path={"programId": program_id}, json=body)

    @endpoint("POST", "/rest/v1/leads/push.json", timeout=90)
    def push(
        self,
        records: Iterable[Mapping[str, Any]],
        program_name: str,
        *,
        lookup_field: str | None = None,
        program_status: str | None = None,
        partition_name: str | None = None,
        reason: str | None = None,
        source: str | None = None,
    ) -> Plan[list[RecordResult]]:
        """Create or update at most 300 leads and give each one triggerable activity; never repeated by itself."""
        body = {
            "programName": program_name,
            "lookupField": lookup_field,
            "programStatus": program_status,
            "partitionName": partition_name,
            "reason": reason,
            "source": source,
            "input": within("records", records),
        }
        return results(json=members(body))

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
        """Fill in a form for one person, found by the ``email`` of *form_fields*; never repeated by itself."""
        if not form_fields.get("email"):
            raise InvalidRequest("form_fields needs an email: the person is looked up by it")
        person = members({"leadFormFields": dict(form_fields), "visitorData": visitor, "cookie": cookie})
        body = members({"formId": form_id, "programId": program_id, "input": [person]})
        return one(RecordResult, json=body)

    @endpoint("POST", "/rest/v1/leads/{leadId}/associate.json", repeat=Repeat.SAFE, timeout=60)
    def associate(self, lead_id: int, cookie: str) -> Plan[None]:
        """Bind a Munchkin cookie to a lead; only activity from now on moves with it."""
        return nothing(path={"leadId": lead_id}, query={"cookie": cookie})

    @endpoint("POST", "/rest/v1/leads/{leadId}/merge.json", repeat=Repeat.SETTLES, timeout=180)
    def merge(self, winner_id: int, loser_ids: Iterable[int], *, merge_in_crm: bool | None = None) -> Plan[None]:
        """Merge at most 25 leads into *winner_id*, whose values win where it has any; this can't be undone."""
        losers = within("loser_ids", loser_ids, _MERGES)
        if winner_id in losers:
            raise InvalidRequest(f"lead {winner_id} can't be merged into itself")
        return nothing(path={"leadId": winner_id}, query={"leadIds": losers, "mergeInCRM": merge_in_crm})

    @paged("/rest/v1/leads/{leadId}/listMembership.json", needs=_ASSETS, timeout=30)
    def list_membership(
        self, lead_id: int, *, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[ListMembership]]:
        """Iterate the static lists that a lead is in."""
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
        """Iterate the programs that a lead is in, or those of *program_ids*."""
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
        """Iterate the smart campaigns that a lead is in."""
        query = {
            "earliestUpdatedAt": earliest_updated_at,
            "latestUpdatedAt": latest_updated_at,
            "batchSize": page_size(batch_size),
        }
        return page(SmartCampaignMembership, path={"leadId": lead_id}, query=query, token=token)
