"""`LeadCheck`: compares leads with Marketo in every field, all of them or random ones.

Single random ids are drawn, not runs of neighbours: whatever damages a mirror damages neighbours together, and then
runs would prove less than their number of leads.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

import anyio
import msgspec
from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.mirror.arrow import VARIANT, arrow_rows
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.tables import MirrorTable
from marketo_async.mirror.verify.recent import Recent
from marketo_async.mirror.verify.report import Difference, VerifiedPart
from marketo_async.models.columns import ColumnType

CHUNK = 300  # ids in one call
_AT_ONCE = 6  # calls, and chunks in memory
_KEPT = ("updatedAt", "createdAt")  # of a lead that changes after the horizon


class _Pair(Struct):
    """A lead on both sides, each as the columns that have a value; ``None`` without a lead."""

    mirror: Mapping[str, Any] | None = None
    marketo: Mapping[str, Any] | None = None

    @property
    def equal(self) -> bool:
        return self.mirror == self.marketo


class LeadCheck:
    """Compares the table of leads with Marketo.

    ``fields`` are Marketo's names of those that the instance describes; other columns are left alone. ``horizon``
    (epoch seconds) is the moment up to which the mirror has everything.
    """

    def __init__(
        self, marketo: Marketo, destination: Destination, table: MirrorTable, *, fields: Collection[str], horizon: float
    ) -> None:
        known = [column for column in table.columns if column.source in fields or column.name in table.key]
        self._marketo = marketo
        self._destination = destination
        self._table = MirrorTable(name=table.name, key=table.key, columns=tuple(known), guarded=table.guarded)
        self._types: dict[str, ColumnType] = {column.name: column.type for column in known}
        self._types.update((f"{column.name}{VARIANT}", "text") for column in known)
        self._dates = [column.name for column in known if column.source in _KEPT]
        self._horizon = datetime.fromtimestamp(horizon, UTC)
        self._compared = 0

    async def check(
        self,
        recent: Callable[[], Any],
        *,
        chunks: int | None = None,
        rng: random.Random | None = None,
        on_chunk: Callable[[int], None] = lambda _: None,
    ) -> VerifiedPart:
        """Compare ``chunks`` of 300 random ids each, one call a chunk, or all ids that leads have had.

        ``recent`` says what happened after the horizon; it is asked if a lead is missing in Marketo. ``on_chunk``
        receives the number of leads that were compared so far.
        """
        total, highest = await self._size()
        above = await self._above(highest)
        ids = _drawn(chunks, above, rng or random.Random()) if chunks is not None else range(1, above + 1)  # noqa: S311
        self._compared = 0
        suspects: list[int] = []
        parts = iter([ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)])

        async def work() -> None:
            for part in parts:
                pairs = await self._pairs(part)
                self._compared += len(pairs)
                suspects.extend(lead_id for lead_id, pair in pairs.items() if not pair.equal)
                on_chunk(self._compared)

        async with anyio.create_task_group() as tasks:
            for _ in range(_AT_ONCE):
                tasks.start_soon(work)
        found, unsettled = await self._judged(sorted(suspects), recent)
        return VerifiedPart(
            part="leads",
            noun="leads",
            compared=self._compared,
            total=total if self._compared < total else None,
            scope=" compared in every field",
            sampled=chunks is not None and len(ids) < above,
            differences=found,
            unsettled=unsettled,
        )

    async def _judged(self, suspects: Sequence[int], recent: Callable[[], Any]) -> tuple[list[Difference], int]:
        """Read the leads that differ once more, as the mirror may be running, and leave out those that changed since.

        Returns the differences, and the number of leads that can't be judged.
        """
        found: list[Difference] = []
        unsettled = 0
        for start in range(0, len(suspects), CHUNK):
            pairs = await self._pairs(suspects[start : start + CHUNK])
            for lead_id, pair in sorted(pairs.items()):
                if pair.equal:
                    continue
                if await self._is_unsettled(lead_id, pair, recent):
                    unsettled += 1
                else:
                    found += self._difference(lead_id, pair)
        return found, unsettled

    async def _is_unsettled(self, lead_id: int, pair: _Pair, recent: Callable[[], Any]) -> bool:
        if pair.marketo is None:
            since: Recent = await recent()
            return lead_id in since.gone
        moments = [pair.marketo[name] for name in self._dates if isinstance(pair.marketo.get(name), datetime)]
        return any(moment >= self._horizon for moment in moments)

    def _difference(self, lead_id: int, pair: _Pair) -> Iterable[Difference]:
        key = {self._table.key[0]: lead_id}
        if pair.mirror is None or pair.marketo is None:
            if pair.equal:
                return []
            kind: Literal["missing", "extra"] = "missing" if pair.mirror is None else "extra"
            return [Difference(table=self._table.name, kind=kind, key=key)]
        ours, theirs = pair.mirror, pair.marketo
        names = [name for name in self._types if ours.get(name) != theirs.get(name)]
        return [
            Difference(
                table=self._table.name,
                kind="different",
                key=key,
                column=name,
                mirror=ours.get(name),
                marketo=theirs.get(name),
            )
            for name in names
        ]

    async def _pairs(self, lead_ids: Sequence[int]) -> dict[int, _Pair]:
        """Return those leads that exist on a side, by id. Marketo is read first."""
        if not lead_ids:
            return {}
        fields = [column.source for column in self._table.columns]
        theirs = [lead async for lead in self._marketo.leads.by_filter("id", lead_ids, fields=fields)]
        wanted = ", ".join(map(str, lead_ids))
        key = self._table.key[0]
        ours = await self._destination.records(
            f"SELECT * FROM {{{self._table.name}}} WHERE {key} IN ({wanted})"  # noqa: S608 - numbers
        )
        pairs: dict[int, _Pair] = {}
        for row in map(self._plain, ours):
            pairs.setdefault(row[key], _Pair()).mirror = row
        for row in map(self._plain, arrow_rows(self._table, theirs, read_at=0.0).to_pylist() if theirs else ()):
            pairs.setdefault(row[key], _Pair()).marketo = row
        return pairs

    def _plain(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the columns that have a value."""
        types = self._types
        return {name: _plain(value, types[name]) for name, value in row.items() if value is not None and name in types}

    async def _size(self) -> tuple[int, int]:
        """Return the number of leads in the mirror, and the highest id."""
        key = self._table.key[0]
        rows = await self._destination.query(f"SELECT count(*), max({key}) FROM {{{self._table.name}}}")  # noqa: S608
        count, highest = rows[0] if rows else (0, None)
        return int(count), int(highest or 0)

    async def _above(self, highest: int) -> int:
        """Return the highest id that a lead has in Marketo: 300 ids at a time, until there is none."""
        while True:
            ids = range(highest + 1, highest + CHUNK + 1)
            found = [lead["id"] async for lead in self._marketo.leads.by_filter("id", ids, fields=["id"])]
            if not found:
                return highest
            highest = max(found)


def _drawn(chunks: int, highest: int, rng: random.Random) -> Sequence[int]:
    """Return random ids, each at most once."""
    return rng.sample(range(1, highest + 1), min(chunks * CHUNK, highest))


def _plain(value: Any, kind: ColumnType) -> Any:
    """Return a value of a database as any other database would."""
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if kind == "json" and isinstance(value, str):
        return msgspec.json.decode(value)
    if kind == "double":
        return float(value)
    return value
