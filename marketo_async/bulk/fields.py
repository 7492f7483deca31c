"""The known fields of each kind of record, refreshed once a day; `check` refuses others before a job or a file.

Marketo reports an unknown field only after it has created the job or read the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from marketo_async.descriptions import Described
from marketo_async.errors import InvalidRequest
from marketo_async.models.leads import Description
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import one
from marketo_async.resources.base import Sender
from marketo_async.resources.custom_objects import CustomObjects
from marketo_async.resources.leads import Leads
from marketo_async.resources.program_members import ProgramMembers

ACTIVITY_FIELDS = (
    "marketoGUID",
    "leadId",
    "activityDate",
    "activityTypeId",
    "campaignId",
    "primaryAttributeValueId",
    "primaryAttributeValue",
    "attributes",
)
ACTION_RESULT = "actionResult"  # exported only if it is named
# Lookup fields that describe may leave out.
_LOOKUPS = ("cookies", "twitterId", "facebookId", "linkedInId", "sfdcAccountId", "sfdcContactId", "sfdcLeadId")
LEAD_KEYS = (*_LOOKUPS, "sfdcLeadOwnerId", "sfdcOpptyId")

Known = Mapping[str, str | None]
"""The fields there are: each API name with its display name, as far as Marketo gives one."""


class KnownFields:
    """The fields of every kind of record, as far as ``sender`` may ask for them."""

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    async def leads(self) -> Known:
        """Return the fields of leads."""
        found = await self._sender.describe(Described(Leads.operations["describe2"], one(Description)))
        return _names(found)

    async def members(self) -> Known:
        """Return the fields of program members that are their own; those of leads can be asked for beside them."""
        found = await self._sender.describe(Described(ProgramMembers.operations["describe"], one(ObjectDescription)))
        return _names(found)

    async def objects(self, api_name: str) -> tuple[Known, list[str]]:
        """Return the fields of a custom object type, and those of them that identify an object."""
        plan = one(ObjectDescription, path={"customObjectName": api_name})
        found = await self._sender.describe(Described(CustomObjects.operations["describe"], plan))
        return _names(found), found.dedupe_fields


def check(kind: str, asked: Sequence[str], known: Known) -> None:
    """Raise `InvalidRequest` for unknown fields, with similar names."""
    if len(set(asked)) < len(asked):
        twice = sorted({name for name in asked if list(asked).count(name) > 1})
        raise InvalidRequest(f"{kind}: {', '.join(twice)} is named twice")
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise InvalidRequest(f"{kind} have no field {'; '.join(_meant(name, known) for name in unknown)}")


def _meant(name: str, known: Known) -> str:
    """Return a name with the API names of the fields that are displayed by it, or else with those that are alike."""
    plain = name.strip("\ufeff \t\r\n").casefold()
    if displayed := [field for field, shown in known.items() if shown and shown.strip().casefold() == plain]:
        return f"{name!r} (the display name of {' or '.join(map(repr, displayed))}; use that)"
    lower = {field.casefold(): field for field in known}
    close = [lower[found] for found in get_close_matches(plain, lower, n=3)]
    return f"{name!r} (meant {' or '.join(map(repr, close))}?)" if close else repr(name)


def _names(description: Description | ObjectDescription) -> Known:
    return {field.name: field.display_name for field in description.fields}
