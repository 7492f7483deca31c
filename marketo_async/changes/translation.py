"""From Marketo's activities to events. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from marketo_async.changes.events import (
    ActivityLogged,
    Change,
    LeadChanged,
    LeadCreated,
    LeadDeleted,
    LeadEvent,
    LeadsMerged,
    ListJoined,
    ListLeft,
    ProgramStatusChanged,
)
from marketo_async.models.activities import (
    ADD_TO_LIST,
    CHANGE_PROGRAM_STATUS,
    DELETE_LEAD,
    MERGE_LEADS,
    NEW_LEAD,
    REMOVE_FROM_LIST,
    Activity,
    ActivityType,
    LeadChange,
)
from marketo_async.models.activity_values import typed_values

ActivityRow = Activity | LeadChange

_ID = re.compile(r"[0-9]+")
_MERGE_IDS = frozenset({"merge ids", "mergeids"})


class Translator(Struct, frozen=True):
    """Makes events of the activities of one instance, whose ``types`` say how to read attributes."""

    instance: str
    types: Mapping[int, ActivityType]

    def event(self, row: ActivityRow, *, seen_at: datetime, late: bool) -> LeadEvent:
        """Return the event of an activity, which it holds beside its values."""
        event = self._event(row, seen_at=seen_at, late=late)
        vars(event)["activity"] = row
        return event

    def _event(self, row: ActivityRow, *, seen_at: datetime, late: bool) -> LeadEvent:
        common = (guid_of(row), row.lead_id, row.activity_date, seen_at, late, self.instance)
        kind = self.types.get(row.activity_type_id)
        asset_id, asset = row.primary_attribute_value_id, row.primary_attribute_value
        if row.activity_type_id == NEW_LEAD:
            return LeadCreated(*common, attributes=_by_name(row))
        if isinstance(row, LeadChange):
            changes = {field.name: Change(field.old_value, field.new_value) for field in row.fields}
            return LeadChanged(*common, changes=changes, attributes=_by_name(row))
        if row.activity_type_id == DELETE_LEAD:
            return LeadDeleted(*common, name=asset)
        if row.activity_type_id == MERGE_LEADS:
            return LeadsMerged(*common, winner=row.lead_id, losers=_losers(row))
        if row.activity_type_id == ADD_TO_LIST:
            return ListJoined(*common, list_id=asset_id, list_name=asset)
        if row.activity_type_id == REMOVE_FROM_LIST:
            return ListLeft(*common, list_id=asset_id, list_name=asset)
        if row.activity_type_id == CHANGE_PROGRAM_STATUS:
            others = _by_name(row)
            old, new = others.pop("Old Status", None), others.pop("New Status", None)
            return ProgramStatusChanged(
                *common, program_id=asset_id, program_name=asset, old_status=old, new_status=new, attributes=others
            )
        return ActivityLogged(
            *common,
            type_id=row.activity_type_id,
            type_name=kind.name if kind else str(row.activity_type_id),
            attributes=typed_values(row, kind),
            primary_id=asset_id,
            primary=asset,
            campaign_id=row.campaign_id,
        )


def guid_of(row: ActivityRow) -> str:
    """Return what identifies an activity; an old one without a GUID has its id, date, type and lead."""
    if row.marketo_guid:
        return row.marketo_guid
    return f"{row.id or ''}:{row.activity_date.isoformat()}:{row.activity_type_id}:{row.lead_id}"


def _by_name(row: ActivityRow) -> dict[str, Any]:
    return {attribute.name or attribute.api_name or "": attribute.value for attribute in row.attributes}


def _losers(row: ActivityRow) -> tuple[int, ...]:
    """Return the ids in "Merge IDs", which instances write as text, as a list, or as a list of objects."""
    named = next((value for name, value in _by_name(row).items() if name.casefold() in _MERGE_IDS), None)
    return tuple(dict.fromkeys(lead_id for lead_id in _ids(named) if lead_id != row.lead_id))


def _ids(value: object) -> list[int]:
    if isinstance(value, str):
        with suppress(msgspec.DecodeError):  # a list may come as text
            value = msgspec.json.decode(value)
    if isinstance(value, str):
        return [int(digits) for digits in _ID.findall(value)]
    if isinstance(value, Mapping):
        return _ids(next((value[key] for key in ("id", "leadId") if key in value), None))
    if isinstance(value, list):
        return [lead_id for item in value for lead_id in _ids(item)]
    return [value] if isinstance(value, int) and not isinstance(value, bool) else []
