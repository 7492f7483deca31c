"""What an instance describes, as the tables of its mirror; and the activity types that its feed needs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.errors import InvalidRequest
from marketo_async.mirror.backfill.listings import listing_kinds
from marketo_async.mirror.backfill.objects import CUSTOM, KEYED, ObjectTable, object_tables
from marketo_async.mirror.folding import CHANGE_PROGRAM_MEMBER_DATA, TOUCHING
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.tables import (
    LEAD_CHANGES,
    LEAD_DELETIONS,
    LEAD_MERGES,
    LIST_MEMBERS,
    Catalog,
    MirrorTable,
    activity_table,
    activity_table_names,
    leads_table,
    program_members_table,
)
from marketo_async.mirror.views import VIEW
from marketo_async.models.activities import (
    ADD_TO_LIST,
    CHANGE_DATA_VALUE,
    CHANGE_PROGRAM_STATUS,
    DELETE_LEAD,
    MERGE_LEADS,
    NEW_LEAD,
    REMOVE_FROM_LIST,
    ActivityType,
)

Tables = Sequence[str] | Literal["all"]

_FIXED: Mapping[str, MirrorTable] = {
    **{table.name: table for table in (LEAD_CHANGES, LEAD_DELETIONS, LEAD_MERGES, LIST_MEMBERS)},
    **{kind.table.name: kind.table for kind in listing_kinds().values()},
}
_ENDS = frozenset({MERGE_LEADS, DELETE_LEAD})
_OF_LEADS = frozenset({NEW_LEAD, CHANGE_DATA_VALUE}) | TOUCHING | _ENDS
_TYPES: Mapping[str, frozenset[int]] = {
    "leads": _OF_LEADS,
    "lead_changes": frozenset({NEW_LEAD, CHANGE_DATA_VALUE}),
    "lead_deletions": frozenset({DELETE_LEAD}),
    "lead_merges": frozenset({MERGE_LEADS}),
    "list_members": frozenset({ADD_TO_LIST, REMOVE_FROM_LIST}) | _ENDS,
    "lists": frozenset({ADD_TO_LIST, REMOVE_FROM_LIST}),
    "program_members": frozenset({CHANGE_PROGRAM_STATUS, CHANGE_PROGRAM_MEMBER_DATA}) | _ENDS,
}
"""The activity types that keep a table equal to the instance."""


class InstanceTables(Struct, frozen=True, kw_only=True):
    """The tables of a mirror, the activity types of its instance, the names of their tables, and those of the feed."""

    catalog: Catalog
    kinds: Mapping[int, ActivityType]
    types: Mapping[int, str]
    feed: frozenset[int]
    objects: Sequence[ObjectTable] = ()


async def instance_tables(
    marketo: Marketo, destination: Destination, *, tables: Tables, taken: Mapping[int, str]
) -> InstanceTables:
    """Ask the instance for its fields and activity types, and return the tables that are chosen.

    ``tables`` are names of tables; "activities" stands for a table of each activity type, "all" for everything.
    ``taken`` are the names that activity tables have already. Raises `InvalidRequest` for a name that is unknown.
    """
    kinds = await marketo.activities.types_by_id()
    types = activity_table_names(kinds.values(), taken)
    chosen = _chosen(tables, types.values())
    catalog = Catalog()
    for name in [name for name in _FIXED if name in chosen]:
        catalog.add(_FIXED[name])
    if "leads" in chosen:
        known = await destination.columns("leads")
        catalog.add(*leads_table(await marketo.leads.describe2(), known))
    if "program_members" in chosen:
        known = await destination.columns("program_members")
        catalog.add(*program_members_table(await marketo.program_members.describe(), known))
    objects = await object_tables(marketo, chosen, destination.columns, everything=tables == "all")
    for one in objects:
        catalog.add(one.table, one.clashes)
    for number, name in types.items():
        if name in chosen and number in kinds:
            catalog.add(*activity_table(name, kinds[number], await destination.columns(name)))
    feed = {number for name in chosen for number in _TYPES.get(name, ())}
    feed |= {number for number, name in types.items() if name in chosen}
    always = {NEW_LEAD, CHANGE_DATA_VALUE, DELETE_LEAD}
    return InstanceTables(
        catalog=catalog,
        kinds=kinds,
        types=types,
        feed=frozenset(feed & (kinds.keys() | always)),
        objects=objects,
    )


def planned_tables(tables: Tables) -> list[str]:
    """Return the tables whose first load costs something, "activities" for those of all types.

    Custom objects are counted if they are named: only the instance knows which it has.
    """
    everything = ["leads", VIEW, *_FIXED, "program_members", *KEYED]
    asked = everything if tables == "all" else [VIEW if name.startswith("activity_") else name for name in tables]
    free = {"lead_changes", "lead_deletions", "lead_merges"}  # they come with the feed
    return [name for name in dict.fromkeys([*(one for one in everything if one in asked), *asked]) if name not in free]


def _chosen(tables: Tables, activities: Iterable[str]) -> set[str]:
    own = set(activities)
    everything = {"leads", "program_members", *_FIXED, *KEYED, *own}
    if tables == "all":
        return everything
    chosen = {name for table in tables for name in (own if table == VIEW else (table,))}
    _check(chosen, everything)
    return chosen


def _check(chosen: Collection[str], everything: Collection[str]) -> None:
    custom = {name for name in chosen if name.startswith(CUSTOM)}
    if unknown := sorted(set(chosen) - set(everything) - custom):
        raise InvalidRequest(
            f"{unknown[0]!r} is not a table of this mirror; choose from {', '.join(sorted({*everything, VIEW}))}"
        )
    if not chosen:
        raise InvalidRequest("tables is empty; name at least one table, or pass 'all'")
