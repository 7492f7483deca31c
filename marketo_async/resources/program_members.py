"""``marketo.program_members``: leads as members of programs, their status and their fields.

See ``leads.by_program`` and ``leads.program_membership`` for members seen from the lead's side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from msgspec import Raw

from marketo_async.errors import InvalidRequest
from marketo_async.models.leads import FieldChange, NewField
from marketo_async.models.moment import to_datetime
from marketo_async.models.objects import ObjectDescription
from marketo_async.models.records import RecordResult
from marketo_async.operation import Ordered, Page, Plan, Repeat, one, page, results, single
from marketo_async.paging import Pager
from marketo_async.resources.arguments import Fields, page_size, within
from marketo_async.resources.base import drain, endpoint, paged, written
from marketo_async.resources.batches import Ids, no_record, of_ids, several
from marketo_async.resources.record_mixins import SCHEMA, FieldSchema, Records, asked, described, filtered, taking
from marketo_async.wire_value import Value
from marketo_async.writes import Batches, KeyOf, WriteRow, WriteRows

L = TypeVar("L")
M = TypeVar("M")

_MEMBERS = "/rest/v1/programs/{programId}/members"
_NEW_FIELDS = 20  # in one call
_WINDOW = timedelta(days=7)  # the longest range of one query by updatedAt


class ProgramMembers(Records[L], FieldSchema):
    """Members, identified by ``leadId`` in their program: ``dict`` records or your own Struct (``of``).

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/program-members
    """

    name, root, area = "program_members", "/rest/v1/programs/members", "Lead"
    field = taking(300, FieldSchema.field)
    fields = taking(300, FieldSchema.fields)

    def of(self, model: type[M]) -> ProgramMembers[M]:
        """Return the same family with records decoded into ``model``, a Struct; only its fields are requested."""
        return ProgramMembers(self._sender, model)

    @paged(_MEMBERS + ".json")
    def by_filter(
        self,
        program_id: int,
        filter_type: str,
        values: Iterable[Value],
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Ordered[L]:
        """Iterate the members whose field ``filter_type`` equals any of ``values``: any number, 300 a call.

        A filter other than ``leadId`` raises `InvalidData` (1003) if more than 100,000 members match.
        """
        names, path = asked(self.model, fields), {"programId": program_id}
        return filtered(self.model, filter_type, values, path=path, fields=names, batch_size=batch_size, token=token)

    @drain
    def updated(
        self,
        program_id: int,
        start_at: datetime,
        end_at: datetime,
        *,
        fields: Fields = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Pager[L]:
        """Iterate the members that changed in a range of any length, in windows of 7 days.

        A member that changed in the second that two windows share may come twice. Maps to the same call as
        ``by_filter``.
        """
        start, end = to_datetime(start_at, name="start_at"), to_datetime(end_at, name="end_at")
        if start >= end:
            raise InvalidRequest(f"start_at ({start.isoformat()}) must be before end_at ({end.isoformat()})")
        asking = {"filterType": "updatedAt", "fields": asked(self.model, fields), "batchSize": page_size(batch_size)}

        def plans() -> Iterator[Plan[Page[L]]]:
            opens = start
            while opens < end:
                closes = end if end - opens <= _WINDOW else opens + _WINDOW
                query = {**asking, "startAt": opens, "endAt": closes}
                yield page(self.model, path={"programId": program_id}, query=query)
                opens = closes

        return self._sender.pages(self.operations["by_filter"], Ordered(plans, token))

    @written("POST", _MEMBERS + ".json", repeat=Repeat.SAFE)
    def sync(self, program_id: int, records: WriteRows, *, check: bool = False) -> Batches[WriteRow]:
        """Update fields of any number of members, 300 a call, each by its ``leadId``; non-members are skipped (1013).

        ``check`` first checks every record against ``describe()``, which is kept for a day.
        """

        def plan(records: Raw) -> Plan[list[RecordResult]]:
            return results(path={"programId": program_id}, json={"input": records})

        return Batches(
            records=several("records", records),
            plan=plan,
            refusal=no_record,
            scope=(self.name, program_id),
            key=KeyOf("leadId"),
            described=described(self),
            check=check,
        )

    @written("POST", _MEMBERS + "/status.json", repeat=Repeat.SETTLES, proof=("1037",))
    def change_status(self, program_id: int, status: str, lead_ids: Ids) -> Batches[int]:
        """Set the status of any number of leads, 300 a call; leads that are not members become members.

        The program's channel defines the statuses; a status only moves forward (1037 otherwise).
        """
        return self._moved(program_id, lead_ids, {"statusName": status})

    @written("POST", _MEMBERS + "/delete.json", repeat=Repeat.SETTLES, proof=("1037",))
    def delete(self, program_id: int, lead_ids: Ids) -> Batches[int]:
        """Remove any number of leads from a program, 300 a call; non-members are skipped (1037)."""
        return self._moved(program_id, lead_ids, {})

    def _moved(self, program_id: int, lead_ids: Ids, rest: Mapping[str, str]) -> Batches[int]:
        def plan(ids: Raw) -> Plan[list[RecordResult]]:
            return results(path={"programId": program_id}, json={**rest, "input": ids})

        return of_ids("lead_ids", lead_ids, plan, scope=(self.name, program_id), member="leadId")

    @endpoint("GET", "{root}/describe.json")
    def describe(self) -> Plan[ObjectDescription]:
        """Return the fields of a member, and the searchable ones."""
        return one(ObjectDescription)

    @endpoint("POST", "{root}/schema/fields.json", needs=SCHEMA[1:], repeat=Repeat.SETTLES)
    def create_fields(self, fields: Iterable[NewField]) -> Plan[list[RecordResult]]:
        """Create at most 20 custom fields of members; they can never be deleted."""
        return results(json={"input": within("fields", fields, _NEW_FIELDS)})

    @endpoint("POST", "{root}/schema/fields/{fieldApiName}.json", needs=SCHEMA, repeat=Repeat.SAFE)
    def update_field(self, name: str, change: FieldChange) -> Plan[RecordResult]:
        """Change the metadata of one custom field of members; raises `RecordsFailed` if Marketo skips it."""
        return single(path={"fieldApiName": name}, json={"input": [change]})
