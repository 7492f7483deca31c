"""`MirrorTable`: a table of the mirror, its key and its typed columns; and those tables that need no instance. Pure.

Rows are dicts by Marketo's names (a column's ``source``). Every table merges by its key, and the row that was read last
wins: ``_read_at`` is the moment at which the request for a row began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from marketo_async.bulk.fields import ACTIVITY_COLUMNS
from marketo_async.mirror.names import NameClash, columns_of, snake
from marketo_async.models.activities import ActivityType, AttributeType
from marketo_async.models.columns import ColumnType, column_type
from marketo_async.models.leads import Description
from marketo_async.models.objects import ObjectDescription

READ_AT = "_read_at"
DELETED = "_deleted"
OWN_COLUMNS = (READ_AT, DELETED)


class MirrorColumn(Struct, frozen=True):
    """A column: its name in the destination, its type, and Marketo's name for it, by which rows have its values."""

    name: str
    type: ColumnType
    source: str


class MirrorTable(Struct, frozen=True, kw_only=True):
    """A table: its name, the columns of its key, and all its columns.

    ``guarded`` says that rows can change or vanish while a snapshot is read: then a snapshot's rows never replace what
    the feed has read since the snapshot was asked for. ``gone`` are Marketo's names of columns whose field no longer
    exists.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[MirrorColumn, ...]
    guarded: bool = False
    gone: frozenset[str] = frozenset()

    @property
    def fields(self) -> list[str]:
        """Marketo's names of the columns that the instance can be asked for."""
        return [column.source for column in self.columns if column.source not in self.gone]

    def column(self, source: str) -> MirrorColumn | None:
        """Return the column of one of Marketo's names."""
        return next((column for column in self.columns if column.source == source), None)

    def key_of(self, row: Mapping[str, object]) -> tuple[object, ...]:
        """Return the key of a row."""
        return tuple(row[column.source] for column in self.key_columns)

    @property
    def key_columns(self) -> tuple[MirrorColumn, ...]:
        """The columns of the key, in its order."""
        by_name = {column.name: column for column in self.columns}
        return tuple(by_name[name] for name in self.key)


class Catalog:
    """The tables of a mirror by name, and the clashes of names that were met. Producers may add tables."""

    def __init__(self, tables: Iterable[MirrorTable] = (), clashes: Iterable[NameClash] = ()) -> None:
        self._tables = {table.name: table for table in tables}
        self.clashes = list(clashes)

    def __getitem__(self, name: str) -> MirrorTable:
        return self._tables[name]

    def __contains__(self, name: str) -> bool:
        return name in self._tables

    def __iter__(self) -> Iterator[MirrorTable]:
        return iter([*self._tables.values()])

    def add(self, table: MirrorTable, clashes: Iterable[NameClash] = ()) -> MirrorTable:
        """Add a table, or replace the one of its name."""
        self._tables[table.name] = table
        self.clashes += clashes
        return table


def table_of(
    name: str,
    key: Sequence[str],
    fields: Iterable[tuple[str, ColumnType]],
    known: Mapping[str, MirrorColumn] | None = None,
    *,
    guarded: bool = False,
) -> tuple[MirrorTable, list[NameClash]]:
    """Return a table for ``fields`` (Marketo's names and types), and the clashes of its names.

    ``key`` holds Marketo's names. ``known`` are the columns that the destination has already, by Marketo's names: they
    keep their columns and types, and stay although the instance no longer has them.
    """
    known = known or {}
    wanted = dict(fields)
    named, clashes = columns_of(wanted, {s: column.name for s, column in known.items()}, reserved=OWN_COLUMNS)
    columns = [known.get(source) or MirrorColumn(named[source], kind, source) for source, kind in wanted.items()]
    columns += [column for source, column in known.items() if source not in wanted]
    by_source = {column.source: column.name for column in columns}
    return (
        MirrorTable(
            name=name,
            key=tuple(by_source[source] for source in key),
            columns=tuple(columns),
            guarded=guarded,
            gone=frozenset(known.keys() - wanted.keys()),
        ),
        clashes,
    )


def leads_table(
    description: Description, known: Mapping[str, MirrorColumn] | None = None
) -> tuple[MirrorTable, list[NameClash]]:
    """Return the table of leads, with a column for every field that the instance describes."""
    fields: dict[str, ColumnType] = {"id": "bigint"}
    for field in description.fields:
        fields.setdefault(field.name, column_type(field.data_type))
    return table_of("leads", ["id"], fields.items(), known, guarded=True)


ACTIVITY_FIELDS: Sequence[tuple[str, ColumnType]] = tuple(
    (name, kind) for name, kind in ACTIVITY_COLUMNS.items() if kind != "json"
)
"""The columns that every table of activities has; the view ``activities`` has no others of theirs."""


def activity_table_names(types: Iterable[ActivityType], taken: Mapping[int, str] | None = None) -> dict[int, str]:
    """Return the name of each type's table, ``activity_<name>``; a name that is taken gets the type's id at its end."""
    names = dict(taken or {})
    used = set(names.values())
    for kind in sorted(types, key=lambda one: one.id):
        if kind.id in names:
            continue
        name = snake(f"activity {kind.name}")
        if name in used:
            name = f"{name[:52]}_{kind.id}"
        used.add(name)
        names[kind.id] = name
    return names


def activity_table(
    name: str, kind: ActivityType, known: Mapping[str, MirrorColumn] | None = None
) -> tuple[MirrorTable, list[NameClash]]:
    """Return the table of the activities of one type, with a typed column for each attribute."""
    primary = [kind.primary_attribute] if kind.primary_attribute else []
    fields = dict(ACTIVITY_FIELDS)
    for attribute in [*primary, *kind.attributes]:  # as the keys of ``typed_values``
        fields.setdefault(attribute_source(attribute), column_type(attribute.data_type))
    return table_of(name, ["marketoGUID"], fields.items(), known)


def attribute_source(attribute: AttributeType) -> str:
    """Return the key of an attribute in the rows of its table, which no member of an activity has."""
    return f"@{attribute.api_name or attribute.name}"


LEAD_CHANGES, _ = table_of(
    "lead_changes",
    ["marketoGUID", "field"],
    [
        ("marketoGUID", "text"),
        ("field", "text"),
        ("leadId", "bigint"),
        ("activityDate", "timestamp"),
        ("activityTypeId", "bigint"),
        ("oldValue", "text"),
        ("newValue", "text"),
        ("reason", "text"),
        ("source", "text"),
        ("campaignId", "bigint"),
    ],
)
LEAD_DELETIONS, _ = table_of(
    "lead_deletions",
    ["leadId"],
    [("leadId", "bigint"), ("marketoGUID", "text"), ("activityDate", "timestamp"), ("name", "text")],
)
# A lead is merged away once. If its winner loses later, Marketo lists that first merge with the later winner.
LEAD_MERGES, _ = table_of(
    "lead_merges",
    ["loserId"],
    [("loserId", "bigint"), ("winnerId", "bigint"), ("marketoGUID", "text"), ("activityDate", "timestamp")],
)
LISTS, _ = table_of(
    "lists",
    ["id"],
    [
        ("id", "bigint"),
        ("name", "text"),
        ("description", "text"),
        ("programName", "text"),
        ("workspaceName", "text"),
        ("createdAt", "timestamp"),
        ("updatedAt", "timestamp"),
    ],
)
LIST_MEMBERS, _ = table_of(
    "list_members", ["listId", "leadId"], [("listId", "bigint"), ("leadId", "bigint")], guarded=True
)
PROGRAMS, _ = table_of(
    "programs",
    ["id"],
    [
        ("id", "bigint"),
        ("name", "text"),
        ("description", "text"),
        ("type", "text"),
        ("channel", "text"),
        ("status", "text"),
        ("workspace", "text"),
        ("url", "text"),
        ("folder", "json"),
        ("startDate", "timestamp"),
        ("endDate", "timestamp"),
        ("sfdcId", "text"),
        ("sfdcName", "text"),
        ("headStart", "bool"),
        ("tags", "json"),
        ("costs", "json"),
        ("createdAt", "timestamp"),
        ("updatedAt", "timestamp"),
    ],
)


def program_members_table(
    description: ObjectDescription, known: Mapping[str, MirrorColumn] | None = None
) -> tuple[MirrorTable, list[NameClash]]:
    """Return the table of program members, with a column for every field that the instance describes."""
    fields: dict[str, ColumnType] = {"programId": "bigint", "leadId": "bigint"}
    for field in description.fields:
        fields.setdefault(field.name, column_type(field.data_type))
    return table_of("program_members", ["programId", "leadId"], fields.items(), known, guarded=True)
