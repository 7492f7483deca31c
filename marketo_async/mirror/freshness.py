"""`Freshness`: keeps the older rows of a snapshot from replacing what the feed has read since it was asked for.

A page of a snapshot may be loaded minutes after it was read, a bulk export hours. Meanwhile the feed has read some of
its rows again, and has removed others. Rows carry the moment of their reading; what was removed is kept in memory, and
deleted leads in their table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from marketo_async.mirror.chunks import LoadChunk, MirrorRow
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.tables import READ_AT, Catalog, MirrorTable

RowKey = tuple[object, ...]

_LEAD = {"leads": "id"}  # Marketo's name for the lead's id, where it is not ``leadId``
_AT_ONCE = 1000  # ids in one query
_MOST = 100_000  # keys in memory, twice; a mirror may follow for years


class Freshness:
    """What the feed has read itself since ``started`` (epoch seconds), and what the destination knows from before.

    Of many keys the older half is forgotten: then ``started`` moves, and the destination is asked about what came
    before it. The destination knows rows and deleted leads, but not who has left a list.
    """

    def __init__(self, destination: Destination, catalog: Catalog, *, started: float) -> None:
        self._destination = destination
        self._catalog = catalog
        self._started = started
        self._recent: dict[tuple[str, RowKey], float] = {}
        self._older: dict[tuple[str, RowKey], float] = {}
        self._gone: set[int] = set()
        self._before: dict[tuple[str, float], set[RowKey]] = {}
        self._gone_before: dict[float, set[int]] = {}

    def note(self, chunk: LoadChunk) -> None:
        """Note what the feed has read."""
        self._gone |= chunk.gone
        for side in (chunk.rows, chunk.deletions):
            for name, rows in side.items():
                table = self._catalog[name]
                if table.guarded:
                    self._recent.update(((name, key), chunk.read_at) for key in keys_of(table, rows))
        if len(self._recent) > _MOST:
            self._started = max([self._started, *self._older.values()])
            self._older, self._recent = self._recent, {}
            self._before.clear()
            self._gone_before.clear()

    async def admitted(self, chunk: LoadChunk) -> LoadChunk:
        """Return a chunk of a snapshot without the rows and deletions that are older than what is known."""
        rows = {name: await self._newer(name, found, chunk.read_at) for name, found in chunk.rows.items()}
        deletions = {name: await self._newer(name, found, chunk.read_at) for name, found in chunk.deletions.items()}
        return replace(chunk, rows=rows, deletions=deletions)

    def without(self, chunk: LoadChunk, gone: Collection[int]) -> LoadChunk:
        """Return a chunk without the rows of leads that are gone; what happened to them stays."""
        rows = {}
        for name, found in chunk.rows.items():
            table = self._catalog[name]
            place = _lead_place(table) if table.guarded else None
            if place is None:
                rows[name] = found
            else:
                rows[name] = _kept(found, [key[place] not in gone for key in keys_of(table, found)])
        return replace(chunk, rows=rows)

    async def memberships(self, gone: Collection[int]) -> dict[str, list[MirrorRow]]:
        """Return the keys of the rows that leads which are gone have in other tables than ``leads``."""
        found: dict[str, list[MirrorRow]] = {}
        ids = sorted(gone)
        for table in self._catalog:
            lead = table.column("leadId")
            if not table.guarded or lead is None or not ids:
                continue
            columns = ", ".join(column.name for column in table.key_columns)
            for start in range(0, len(ids), _AT_ONCE):
                some = ", ".join(map(str, ids[start : start + _AT_ONCE]))
                sql = f"SELECT {columns} FROM {{{table.name}}} WHERE {lead.name} IN ({some})"  # noqa: S608 - numbers
                keys = await self._destination.query(sql)
                found.setdefault(table.name, []).extend(row_of(table, key) for key in keys)
        return found

    async def _newer(self, name: str, rows: Sequence[MirrorRow] | Any, read_at: float) -> Sequence[MirrorRow] | Any:
        table = self._catalog[name]
        if not table.guarded or not len(rows):
            return rows
        gone = self._gone
        before: set[RowKey] = set()
        if read_at < self._started:
            before = await self._known_before(table, read_at)
            gone = gone | await self._gone_since(read_at)
        place = _lead_place(table)
        keep = [
            self._read(name, key) < read_at and key not in before and (place is None or key[place] not in gone)
            for key in keys_of(table, rows)
        ]
        return _kept(rows, keep)

    def _read(self, name: str, key: RowKey) -> float:
        """Return when the feed read a row or its absence, -1 if that is not known."""
        return self._recent.get((name, key), self._older.get((name, key), -1.0))

    async def _known_before(self, table: MirrorTable, read_at: float) -> set[RowKey]:
        """Return the keys of the rows that the destination has from after a moment."""
        asked = (table.name, read_at)
        if asked not in self._before:
            columns = ", ".join(column.name for column in table.key_columns)
            sql = f"SELECT {columns} FROM {{{table.name}}} WHERE {READ_AT} >= %s"  # noqa: S608 - names of our own
            rows = await self._destination.query(sql, datetime.fromtimestamp(read_at, UTC))
            self._before[asked] = set(rows)
        return self._before[asked]

    async def _gone_since(self, read_at: float) -> set[int]:
        """Return the leads whose deletion the destination has from after a moment."""
        if read_at not in self._gone_before:
            sql = f"SELECT lead_id FROM {{lead_deletions}} WHERE {READ_AT} >= %s"  # noqa: S608
            rows = await self._destination.query(sql, datetime.fromtimestamp(read_at, UTC))
            self._gone_before[read_at] = {lead_id for (lead_id,) in rows}
        return self._gone_before[read_at]


def keys_of(table: MirrorTable, rows: Sequence[MirrorRow] | Any) -> Iterator[RowKey]:
    """Yield the keys of rows, which may be an Arrow table."""
    if isinstance(rows, Sequence):
        sources = [column.source for column in table.key_columns]
        return (tuple(row[source] for source in sources) for row in rows)
    return zip(*(rows.column(name).to_pylist() for name in table.key), strict=True)


def _kept(rows: Sequence[MirrorRow] | Any, keep: Sequence[bool]) -> Sequence[MirrorRow] | Any:
    """Return those rows that are to be kept."""
    if all(keep):
        return rows
    if isinstance(rows, Sequence):
        return [row for row, kept in zip(rows, keep, strict=True) if kept]
    return rows.filter(list(keep))


def row_of(table: MirrorTable, key: RowKey) -> Mapping[str, Any]:
    """Return a key as a row."""
    return {column.source: value for column, value in zip(table.key_columns, key, strict=True)}


def _lead_place(table: MirrorTable) -> int | None:
    """Return the place of the lead's id in the key."""
    wanted = _LEAD.get(table.name, "leadId")
    return next((place for place, column in enumerate(table.key_columns) if column.source == wanted), None)
