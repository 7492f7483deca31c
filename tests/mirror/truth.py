"""What the tables of a mirror hold, and what the sandbox's instance holds, as the same kind of rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from marketo_async.mirror.loading import Destination
from marketo_async.mirror.names import snake
from marketo_async.sandbox import Sandbox, Traffic
from marketo_async.sandbox.records.activity_log import Activity
from marketo_async.sandbox.records.activity_types import CHANGE_DATA_VALUE, DELETE_LEAD

Row = tuple[Any, ...]
Rows = Mapping[str, list[Row]]
Differences = dict[str, tuple[list[Row], list[Row]]]

LEAD_FIELDS = ("id", "email", "firstName", "lastName", "title", "company", "createdAt", "updatedAt")
_QUERIES = {
    "leads": f"SELECT {', '.join(map(snake, LEAD_FIELDS))} FROM {{leads}}",  # noqa: S608 - names of our own
    "lead_changes": "SELECT marketo_guid, field, old_value, new_value, source FROM {lead_changes}",
    "lead_deletions": "SELECT lead_id, marketo_guid FROM {lead_deletions}",
    "lead_merges": "SELECT loser_id, winner_id FROM {lead_merges}",
    "lists": "SELECT id, name FROM {lists}",
    "list_members": "SELECT list_id, lead_id FROM {list_members}",
    "programs": "SELECT id, name, channel FROM {programs}",
    "program_members": "SELECT program_id, lead_id, status_name, reached_success FROM {program_members}",
    "activities": "SELECT marketo_guid, activity_type_id, primary_attribute_value,"
    " CASE WHEN activity_type_id = 37 THEN lead_id ELSE current_lead_id END FROM {activities}",
}


async def held(destination: Destination, names: Collection[str] = tuple(_QUERIES)) -> Rows:
    """Return the rows of some tables."""
    found: dict[str, list[Row]] = {}
    for name in names:
        rows = await destination.query(_QUERIES[name])
        if name == "lead_merges":
            rows = _survivors(rows)
        found[name] = [(*row[:-2], *map(_instant, row[-2:])) for row in rows] if name == "leads" else rows
    return found


def true(sandbox: Sandbox, traffic: Traffic) -> Rows:
    """Return the rows that each table is to hold. Of activities, those that the traffic made."""
    instance = sandbox.instance
    leads = [instance.leads.get(lead_id) or {} for lead_id in instance.leads.ids()]
    made = {guid for event in traffic.log for guid in event.guids}
    log = [activity for activity in instance.activities if activity.marketo_guid in made]
    return {
        "leads": [tuple(lead.get(name) for name in LEAD_FIELDS) for lead in leads],
        "lead_changes": [_change(one) for one in log if one.activity_type_id == CHANGE_DATA_VALUE],
        "lead_deletions": [(one.lead_id, one.marketo_guid) for one in log if one.activity_type_id == DELETE_LEAD],
        "lead_merges": _survivors((event.leads[1], event.leads[0]) for event in traffic.log if event.kind == "merge"),
        "lists": [(one.id, one.name) for one in instance.lists],
        "list_members": [(one.id, lead_id) for one in instance.lists for lead_id in one.lead_ids],
        "programs": [(one.id, one.name, one.channel) for one in instance.programs.values()],
        "program_members": [
            (one.id, lead_id, member.status, member.reached_success)
            for one in instance.programs.values()
            for lead_id, member in one.members.items()
        ],
        "activities": [
            (one.marketo_guid, one.activity_type_id, one.primary_attribute_value, one.lead_id) for one in log
        ],
    }


def differences(found: Rows, truth: Rows) -> Differences:
    """Return for each table that differs the rows that are too many, doubled ones too, and those that are missing."""
    different: Differences = {}
    for name, rows in truth.items():
        extra, missing = Counter(found[name]) - Counter(rows), Counter(rows) - Counter(found[name])
        if extra or missing:
            different[name] = ([*extra.elements()], [*missing.elements()])
    return different


def _survivors(merges: Iterable[Row]) -> list[Row]:
    """Return each loser with the lead that has its activities now: Marketo may list a merge with a later winner."""
    pairs = [*merges]
    winners: dict[Any, Any] = dict(pairs)
    found = []
    for loser, winner in pairs:
        last = winner
        while last in winners:
            last = winners[last]
        found.append((loser, last))
    return found


def _change(activity: Activity) -> Row:
    values = {attribute.name: attribute.value for attribute in activity.attributes}
    return (
        activity.marketo_guid,
        activity.primary_attribute_value,
        values["Old Value"],
        values["New Value"],
        values["Source"],
    )


def _instant(value: datetime | None) -> str | None:
    return None if value is None else value.astimezone(UTC).isoformat()[:19] + "Z"
