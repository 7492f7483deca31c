"""``marketo.ingestion``: writes that Marketo queues and applies later, on a host with separate limits.

Part of the Performance Tier. A call takes at most 1,000 objects and 1 MB, and counts neither in the window nor against
the daily quota; it returns the id under which Marketo reports on it. Accepted does not mean valid: Marketo reports the
outcome of a record in its data stream, not in the API. See ``leads`` and other families for the same writes with
results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from marketo_async.errors import InvalidRequest
from marketo_async.models.ingestion import ProgramRemoval, ProgramStatus
from marketo_async.operation import Plan, Repeat, accepted
from marketo_async.resources.arguments import drop_none, within
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.descriptors import endpoint

Urgency = Literal["normal", "high"]

_MOST = 1000
_ROOT = "/subscriptions/{munchkinId}"
_LEAD, _OBJECT, _COMPANY = ("Read-Write Lead",), ("Read-Write Custom Object",), ("Read-Write Company",)
_NOT_IN_PROGRAM = "not in program"


class Ingestion(Resource):
    """High-volume writes. The case of field names does not matter; Marketo does not keep the order of calls.

    See https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/data-ingestion
    """

    name = "ingestion"

    def __init__(self, sender: Sender, munchkin_id: str) -> None:
        super().__init__(sender)
        self.munchkin_id = munchkin_id

    @endpoint("POST", _ROOT + "/persons", needs=_LEAD, repeat=Repeat.SAFE)
    def sync_persons(
        self,
        persons: Iterable[Mapping[str, Any]],
        *,
        dedupe_fields: Iterable[str] | None = None,
        partition_name: str | None = None,
        priority: Urgency | None = None,
    ) -> Plan[str | None]:
        """Create or update leads, found by one or two ``dedupe_fields`` together."""
        keys = None if dedupe_fields is None else within("dedupe_fields", dedupe_fields, 2)
        body = {
            "priority": priority,
            "partitionName": partition_name,
            "dedupeFields": keys and {f"field{number}": key for number, key in enumerate(keys, 1)},
            "persons": within("persons", persons, _MOST),
        }
        return accepted(path=self._path(), json=drop_none(body))

    @endpoint("POST", _ROOT + "/customobjects/{customObjectAPIName}", needs=_OBJECT, repeat=Repeat.SAFE)
    def sync_custom_objects(
        self,
        api_name: str,
        records: Iterable[Mapping[str, Any]],
        *,
        dedupe_by: Literal["dedupeFields", "marketoGUID"] | None = None,
        priority: Urgency | None = None,
    ) -> Plan[str | None]:
        """Create or update custom objects; if an object's person is missing, Marketo retries for 65 minutes."""
        body = {"priority": priority, "dedupeBy": dedupe_by, "customObjects": within("records", records, _MOST)}
        return accepted(path={**self._path(), "customObjectAPIName": api_name}, json=drop_none(body))

    @endpoint("POST", _ROOT + "/companies", needs=_COMPANY, repeat=Repeat.SAFE)
    def sync_companies(
        self,
        companies: Iterable[Mapping[str, Any]],
        *,
        action: Literal["createOrUpdate", "createOnly", "updateOnly"] | None = None,
        dedupe_by: Literal["dedupeFields", "idField"] | None = None,
    ) -> Plan[str | None]:
        """Create or update companies; ``dedupe_by="idField"`` needs ``action="updateOnly"``."""
        if dedupe_by == "idField" and action != "updateOnly":
            raise InvalidRequest(f"dedupe_by 'idField' needs action 'updateOnly', not {action!r}")
        body = {"action": action, "dedupeBy": dedupe_by, "input": within("companies", companies, _MOST)}
        return accepted(path=self._path(), json=drop_none(body))

    @endpoint("POST", _ROOT + "/programmembers", needs=_LEAD, repeat=Repeat.SAFE)
    def sync_program_members(self, programs: Iterable[ProgramStatus]) -> Plan[str | None]:
        """Make leads members of programs and set their status and fields: at most 1,000 members in all programs."""
        found = within("programs", programs, _MOST)
        if any(not program.status.strip() or program.status.strip().lower() == _NOT_IN_PROGRAM for program in found):
            raise InvalidRequest("a status is blank or 'Not in Program'; use delete_program_members() to remove")
        for member in within("members", [member for program in found for member in program.members], _MOST):
            if not isinstance(member.get("leadId"), int):
                raise InvalidRequest(f"the member {dict(member)!r} has no leadId; give every member one")
        return accepted(path=self._path(), json={"programs": found})

    @endpoint("POST", _ROOT + "/programmembers/delete", needs=_LEAD, repeat=Repeat.SETTLES)
    def delete_program_members(self, programs: Iterable[ProgramRemoval]) -> Plan[str | None]:
        """Remove leads from programs: at most 1,000 in all programs."""
        found = within("programs", programs, _MOST)
        within("lead_ids", [lead for program in found for lead in program.lead_ids], _MOST)
        removals = [
            {"programId": program.program_id, "members": [{"leadId": lead} for lead in program.lead_ids]}
            for program in found
        ]
        return accepted(path=self._path(), json={"programs": removals})

    @endpoint("POST", _ROOT + "/lists", needs=_LEAD, repeat=Repeat.SAFE)
    def add_to_list(self, list_id: int, lead_ids: Iterable[int]) -> Plan[str | None]:
        """Add leads to a static list."""
        return accepted(path=self._path(), json=_list(list_id, lead_ids))

    @endpoint("POST", _ROOT + "/lists/remove", needs=_LEAD, repeat=Repeat.SETTLES)
    def remove_from_list(self, list_id: int, lead_ids: Iterable[int]) -> Plan[str | None]:
        """Remove leads from a static list."""
        return accepted(path=self._path(), json=_list(list_id, lead_ids))

    def _path(self) -> dict[str, str | int]:
        if not self.munchkin_id:
            raise InvalidRequest("data ingestion needs the munchkin id; pass Marketo(..., munchkin_id='123-ABC-456')")
        return {"munchkinId": self.munchkin_id}


def _list(list_id: int, lead_ids: Iterable[int]) -> dict[str, object]:
    return {"listId": list_id, "input": [{"leadId": lead} for lead in within("lead_ids", lead_ids, _MOST)]}
