"""Upserts: records are looked up when the call arrives and written when it is answered.

Marketo has the same gap: two overlapping calls with the same new key both create a lead.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Literal, cast, get_args

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError, RecordError
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.records.lead_changes import API, change_lead, create_lead, writable
from marketo_async.sandbox.records.lead_fields import Field
from marketo_async.sandbox.records.lead_store import Lead
from marketo_async.sandbox.records.programs import Partition

Action = Literal["createOnly", "updateOnly", "createOrUpdate", "createDuplicate"]


def as_action(name: str) -> Action:
    """Return the action of this name, or raise 1003."""
    if name not in get_args(Action):
        raise ApiError("1003", f"Invalid action '{name}'")
    return cast(Action, name)


def find_partition(instance: Instance, name: str | None) -> Partition | None:
    """Return the partition of this name, or raise 1008; ``None`` without a name."""
    if name is None:
        return None
    for partition in instance.partitions:
        if partition.name == name:
            return partition
    raise ApiError("1008", f"Access to partition '{name}' is denied")


class Upsert:
    """One batch of lead records to write to the instance."""

    def __init__(
        self,
        instance: Instance,
        records: Sequence[Members],
        *,
        lookup: Field,
        action: Action = "createOrUpdate",
        partition: Partition | None = None,
        newest_of_several: bool = False,
        company_writable: bool = False,
        source: str = API,
    ) -> None:
        self._instance = instance
        self._records = records
        self._lookup = lookup
        self._action = action
        self._partition = partition
        self._newest_of_several = newest_of_several
        self._company = company_writable or instance.quirks.company_writable
        self._source = source
        self._found = [self._look_up(record) for record in records]
        self._created: dict[str, list[int]] = {}

    def under_way(self) -> AbstractContextManager[None]:
        """Return a context in which the keys of the batch are marked as under way."""
        name = self._lookup.name
        looked_up = () if self._action == "createDuplicate" else self._records
        keys = (str(record[name]).casefold() for record in looked_up if record.get(name) not in (None, ""))
        return self._instance.overlaps.writing(f"leads by {name}", keys)

    def apply(self) -> list[Members]:
        """Write the records in order, and return the result of each."""
        return [self._applied(record, found) for record, found in zip(self._records, self._found, strict=True)]

    def _look_up(self, record: Members) -> list[int]:
        key = record.get(self._lookup.name)
        if self._action == "createDuplicate" or key in (None, ""):
            return []
        try:
            return self._instance.leads.find(self._lookup.name, [key])
        except ValueError:
            return []

    def _applied(self, record: Members, found: list[int]) -> Members:
        try:
            values = writable(self._instance, record, company=self._company)
            lead_id = self._matched(record, found)
            if lead_id is None:
                return {"id": self._create(record, values), "status": "created"}
            self._update(lead_id, values)
        except RecordError as error:
            return {"status": "skipped", "reasons": error.reasons}
        return {"id": lead_id, "status": "updated"}

    def _matched(self, record: Members, found: list[int]) -> int | None:
        if self._action != "updateOnly" and ("id" in record or self._lookup.name == "id"):
            raise RecordError("1003", "'id' may only be used with updateOnly")
        if self._action == "createDuplicate":
            return None
        key = record.get(self._lookup.name)
        if key in (None, ""):
            raise RecordError("1003", f"Value for required field '{self._lookup.name}' not specified")
        matches = [lead_id for lead_id in found if lead_id in self._instance.leads]
        # Rows of one batch are written in order, so a row finds the leads of the rows before it.
        matches += self._created.get(str(key).casefold(), [])
        if len(matches) > 1 and not self._newest_of_several:
            raise RecordError("1007", "Multiple leads match lookup criteria")
        if not matches and self._action == "updateOnly":
            raise RecordError("1004", "Lead not found")
        if matches and self._action == "createOnly":
            raise RecordError("1005", "Lead already exists")
        return max(matches, default=None)

    def _create(self, record: Members, values: Lead) -> int:
        partition_id = 1 if self._partition is None else self._partition.id
        lead_id = create_lead(self._instance, values, partition_id=partition_id, source=self._source)
        key = record.get(self._lookup.name)
        self._created.setdefault(str(key).casefold(), []).append(lead_id)
        return lead_id

    def _update(self, lead_id: int, values: Lead) -> None:
        lead = self._instance.leads.get(lead_id) or {}
        if self._partition is not None and lead.get("leadPartitionId") != self._partition.id:
            raise RecordError("1010", f"Lead '{lead_id}' is in another partition")
        change_lead(self._instance, lead_id, values, source=self._source)
