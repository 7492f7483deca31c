"""From the events of a feed to rows, and to what has to be read again. Pure.

Events say which leads, lists and programs changed, not what they are now: those rows are read again. What happened is
kept as it is: activities, old and new values, deletions, merges.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from marketo_async.changes import (
    ActivityLogged,
    ChangeEvent,
    Gap,
    LeadChanged,
    LeadCreated,
    LeadDeleted,
    LeadsMerged,
    ListJoined,
    ListLeft,
    ProgramStatusChanged,
)
from marketo_async.changes.events import LeadEvent
from marketo_async.mirror.chunks import MirrorRow
from marketo_async.mirror.tables import Catalog
from marketo_async.models.activities import Activity, ActivityType, Attribute, LeadChange
from marketo_async.models.activity_values import typed_values

CHANGE_SCORE = 22
CHANGE_OWNER = 23
CHANGE_PARTITION = 101
CHANGE_PROGRAM_MEMBER_DATA = 123
TOUCHING = frozenset({CHANGE_SCORE, CHANGE_OWNER, CHANGE_PARTITION})
"""Types that change a field of a lead and leave no Change Data Value.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/lead-database/activities
"""


class FoldedEvents:
    """The rows of some events by table, and what they leave to be read again.

    ``dirty`` are leads that changed, ``gone`` those that no longer exist. ``lists`` and ``programs`` hold the leads
    whose membership changed, by list and program. The memberships of each of the ``winners`` of merges changed, and
    nothing says which.
    """

    def __init__(self) -> None:
        self.rows: defaultdict[str, list[MirrorRow]] = defaultdict(list)
        self.dirty: set[int] = set()
        self.gone: set[int] = set()
        self.lists: defaultdict[int, set[int]] = defaultdict(set)
        self.programs: defaultdict[int, set[int]] = defaultdict(set)
        self.winners: set[int] = set()
        self.gaps: list[Gap] = []


class Folding:
    """Makes rows of events for the tables of a catalog, with the instance's activity types.

    ``types`` are the names of the activity tables by the ids of their types.
    """

    def __init__(self, catalog: Catalog, kinds: Mapping[int, ActivityType], types: Mapping[int, str]) -> None:
        self._catalog = catalog
        self._kinds = kinds
        self._types = types

    def fold(self, events: Iterable[ChangeEvent]) -> FoldedEvents:
        """Return the rows of some events, and what is to be read again."""
        folded = FoldedEvents()
        for event in events:
            if isinstance(event, Gap):
                folded.gaps.append(event)
            else:
                self._note(event, folded)
        folded.dirty -= folded.gone
        folded.winners -= folded.gone
        return folded

    def _note(self, event: LeadEvent, folded: FoldedEvents) -> None:
        self._keep(event, folded)
        match event:
            case LeadDeleted():
                folded.gone.add(event.lead_id)
            case LeadsMerged():
                folded.gone.update(event.losers)
                folded.dirty.add(event.winner)
                folded.winners.add(event.winner)
            case ListJoined(list_id=int(list_id)) | ListLeft(list_id=int(list_id)):
                folded.lists[list_id].add(event.lead_id)
            case ProgramStatusChanged(program_id=int(program_id)):
                folded.programs[program_id].add(event.lead_id)
            case ActivityLogged(type_id=type_id, primary_id=int(program_id)) if type_id == CHANGE_PROGRAM_MEMBER_DATA:
                folded.programs[program_id].add(event.lead_id)
            case LeadCreated() | LeadChanged():
                folded.dirty.add(event.lead_id)
            case ActivityLogged() if event.type_id in TOUCHING:
                folded.dirty.add(event.lead_id)

    def _keep(self, event: LeadEvent, folded: FoldedEvents) -> None:
        """Keep what happened."""
        common = {"marketoGUID": event.guid, "leadId": event.lead_id, "activityDate": event.date}
        if isinstance(event, LeadChanged):
            self._add(folded, "lead_changes", *_changes(event, common))
        elif isinstance(event, LeadDeleted):
            self._add(folded, "lead_deletions", {**common, "name": event.name})
        elif isinstance(event, LeadsMerged):
            own = {"marketoGUID": event.guid, "activityDate": event.date, "winnerId": event.winner}
            self._add(folded, "lead_merges", *({**own, "loserId": loser} for loser in event.losers))
        activity = event.activity
        table = self._types.get(activity.activity_type_id)
        if table is not None:
            kind = self._kinds.get(activity.activity_type_id)
            self._add(folded, table, {**table_row(activity, kind), **common})

    def _add(self, folded: FoldedEvents, table: str, *rows: MirrorRow) -> None:
        if table in self._catalog:
            folded.rows[table] += rows


def table_row(activity: Activity | LeadChange, kind: ActivityType | None) -> dict[str, Any]:
    """Return the row of an activity for the table of its type.

    A change that is listed with one field gets the attributes that the activity has elsewhere.
    """
    if isinstance(activity, LeadChange):
        activity = _as_activity(activity)
    attributes = {f"@{name}": value for name, value in typed_values(activity, kind).items()}
    return {
        **attributes,
        "marketoGUID": activity.marketo_guid,
        "leadId": activity.lead_id,
        "activityDate": activity.activity_date,
        "activityTypeId": activity.activity_type_id,
        "campaignId": activity.campaign_id,
        "primaryAttributeValueId": activity.primary_attribute_value_id,
        "primaryAttributeValue": activity.primary_attribute_value,
    }


def _as_activity(change: LeadChange) -> Activity:
    attributes = list(change.attributes)
    asset, name = change.primary_attribute_value_id, change.primary_attribute_value
    if len(change.fields) == 1:
        field = change.fields[0]
        values = {"New Value": field.new_value, "Old Value": field.old_value}
        attributes += [Attribute(name=name, value=value) for name, value in values.items()]
        asset, name = field.id, field.name
    return Activity(
        marketo_guid=change.marketo_guid,
        id=change.id,
        lead_id=change.lead_id,
        activity_date=change.activity_date,
        activity_type_id=change.activity_type_id,
        campaign_id=change.campaign_id,
        primary_attribute_value_id=asset,
        primary_attribute_value=name,
        attributes=attributes,
    )


def _changes(event: LeadChanged, common: Mapping[str, Any]) -> list[MirrorRow]:
    """Return a row for each field that changed."""
    activity = event.activity
    others = {name.casefold(): value for name, value in event.attributes.items()}
    own = {
        **common,
        "activityTypeId": activity.activity_type_id,
        "campaignId": activity.campaign_id,
        "reason": _plain(others.get("reason")),
        "source": _plain(others.get("source")),
    }
    return [
        {**own, "field": name, "oldValue": change.old, "newValue": change.new} for name, change in event.changes.items()
    ]


def _plain(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
