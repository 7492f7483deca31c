"""`KnownFields`: the fields of each kind of record, refreshed once a day; `check` refuses unknown ones.

Marketo reports an unknown field only after it has created the job or read the file, so we check before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from marketo_async.descriptions import Described
from marketo_async.errors import InvalidRequest
from marketo_async.models.columns import ColumnType, column_type
from marketo_async.models.leads import Description
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import one
from marketo_async.resources.base import Sender
from marketo_async.resources.custom_objects import CustomObjects
from marketo_async.resources.leads import Leads
from marketo_async.resources.program_members import ProgramMembers

ACTIVITY_COLUMNS: Mapping[str, ColumnType] = {
    "marketoGUID": "text",
    "leadId": "bigint",
    "activityDate": "timestamp",
    "activityTypeId": "bigint",
    "campaignId": "bigint",
    "primaryAttributeValueId": "bigint",
    "primaryAttributeValue": "text",
    "attributes": "json",
}
ACTIVITY_FIELDS = tuple(ACTIVITY_COLUMNS)
ACTION_RESULT = "actionResult"  # exported only if the caller names it
# Lookup fields that ``describe`` may leave out.
_LOOKUP_FIELDS = ("cookies", "twitterId", "facebookId", "linkedInId", "sfdcAccountId", "sfdcContactId", "sfdcLeadId")
LEAD_KEYS = (*_LOOKUP_FIELDS, "sfdcLeadOwnerId", "sfdcOpptyId")

# Columns of files that ``describe`` may leave out.
_LEAD_COLUMNS: Mapping[str, ColumnType] = {"id": "bigint"}
_MEMBER_COLUMNS: Mapping[str, ColumnType] = {"programId": "bigint", "leadId": "bigint"}
_OBJECT_COLUMNS: Mapping[str, ColumnType] = {"createdAt": "timestamp", "updatedAt": "timestamp"}

Known = Mapping[str, str | None]
"""Maps the API name of each field to its display name, ``None`` if Marketo gives none."""


class KnownFields:
    """The fields of each kind of record, from Marketo's descriptions."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def leads(self) -> Known:
        """Return the fields of leads."""
        return _names(await self._leads())

    async def lead_types(self) -> dict[str, ColumnType]:
        """Return the types of the columns of leads."""
        return {**_LEAD_COLUMNS, **_types(await self._leads())}

    async def members(self) -> Known:
        """Return the fields of program members, without those of leads, which a caller can also name."""
        return _names(await self._members())

    async def member_types(self) -> dict[str, ColumnType]:
        """Return the types of the columns of program members, and of the fields of leads."""
        return {**await self.lead_types(), **_MEMBER_COLUMNS, **_types(await self._members())}

    async def objects(self, api_name: str) -> tuple[Known, list[str]]:
        """Return the fields of a custom object type, and the names of those that identify an object."""
        found = await self._objects(api_name)
        return _names(found), found.dedupe_fields

    async def object_types(self, api_name: str) -> dict[str, ColumnType]:
        """Return the types of the columns of a custom object type."""
        return {**_OBJECT_COLUMNS, **_types(await self._objects(api_name))}

    async def _leads(self) -> Description:
        return await self._sender.describe(Described(Leads.operations["describe2"], one(Description)))

    async def _members(self) -> ObjectDescription:
        return await self._sender.describe(Described(ProgramMembers.operations["describe"], one(ObjectDescription)))

    async def _objects(self, api_name: str) -> ObjectDescription:
        plan = one(ObjectDescription, path={"customObjectName": api_name})
        return await self._sender.describe(Described(CustomObjects.operations["describe"], plan))


def check(kind: str, names: Sequence[str], known: Known) -> None:
    """Raise `InvalidRequest` for fields that are unknown, with similar names, or named twice."""
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if list(names).count(name) > 1})
        raise InvalidRequest(f"{kind}: {', '.join(twice)} is named twice; name each field once")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InvalidRequest(f"{kind} have no field {'; '.join(_suggested(name, known) for name in unknown)}")


def _suggested(name: str, known: Known) -> str:
    """Return a name with the API names of the fields that have it as display name, else with similar API names."""
    plain = name.strip("\ufeff \t\r\n").casefold()
    if displayed := [field for field, shown in known.items() if shown and shown.strip().casefold() == plain]:
        return f"{name!r} (the display name of {' or '.join(map(repr, displayed))}; use that)"
    lower = {field.casefold(): field for field in known}
    close = [lower[found] for found in get_close_matches(plain, lower, n=3)]
    return f"{name!r} (meant {' or '.join(map(repr, close))}?)" if close else repr(name)


def _names(description: Description | ObjectDescription) -> Known:
    return {field.name: field.display_name for field in description.fields}


def _types(description: Description | ObjectDescription) -> dict[str, ColumnType]:
    return {field.name: column_type(field.data_type) for field in description.fields}
