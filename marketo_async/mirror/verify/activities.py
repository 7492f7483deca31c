"""`ActivityCheck`: compares activities with Marketo exactly, by the sets of their GUIDs.

A window with many rows is a bulk job of ``marketoGUID`` alone, about 40 bytes a row; one with few is paged. Only if
rows are missing, a second job finds their dates and types.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.verify.report import Difference, VerifiedPart
from marketo_async.models.activities import Activity
from marketo_async.models.moment import parse

_KEPT = timedelta(days=25 * 30)  # Marketo keeps most activities for 25 months
_WIDEST = timedelta(days=31)  # of a bulk job
_MOST_ROWS = 1_000_000  # in memory at once, on each side
_PAGED = 30_000  # rows up to which paging takes seconds, and a job minutes
_AT_ONCE = 10_000  # rows of an export on their way into an array
_SUBSTITUTE = ":"  # in the key that the feed gives to an activity without a GUID

_GUID, _LEAD, _DATE, _TYPE = "marketoGUID", "leadId", "activityDate", "activityTypeId"


class _Window(Struct, frozen=True):
    """A half-open range of dates, and the rows that the mirror has in it."""

    since: datetime
    until: datetime
    rows: int


class ActivityCheck:
    """Compares the tables of activities with Marketo.

    ``tables`` are their names by the ids of the types. ``poll`` is how many seconds are between two looks at a job.
    """

    def __init__(
        self,
        marketo: Marketo,
        destination: Destination,
        tables: Mapping[int, str],
        *,
        poll: float | None = None,
        paged: int = _PAGED,
    ) -> None:
        self._marketo = marketo
        self._destination = destination
        self._tables = tables
        self._poll = poll
        self._paged = paged
        self._present: list[str] = []

    async def check(
        self,
        *,
        since: datetime | None,
        until: datetime,
        on_window: Callable[[int], None] = lambda _: None,
    ) -> VerifiedPart:
        """Compare the activities with ``since <= activity_date < until``; whole seconds.

        ``since`` is by default the date of the oldest activity in the mirror, at most 25 months ago.
        ``on_window`` receives the number of rows that were compared so far.
        """
        created = await self._destination.tables()
        self._present = [name for name in self._tables.values() if name in created]
        oldest = since or await self._oldest(until - _KEPT)
        compared, found = 0, list[Difference]()
        if oldest is not None and self._present:
            for window in await self._windows(oldest, until):
                rows, differences = await self._compare(window)
                compared += rows
                found += differences
                on_window(compared)
        start = (oldest or until).astimezone(UTC)
        return VerifiedPart(
            part="activities",
            noun="activities",
            compared=compared,
            scope=f" from {start:%Y-%m-%d %H:%M} to {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC compared by GUID",
            differences=found,
        )

    async def _compare(self, window: _Window) -> tuple[int, list[Difference]]:
        """Return the number of rows of a window on either side, and those that one side alone has."""
        ours = await self._ours(window)
        paged = await self._paging(window) if window.rows <= self._paged else None
        theirs = pa.chunked_array([list(paged)], pa.string()) if paged is not None else await self._exported(window)
        missing, extra = _alone(theirs, ours), _alone(ours, theirs)
        missing = [guid for guid in missing if guid is not None]
        extra = [guid for guid in extra if _SUBSTITUTE not in guid]
        found: list[Difference] = []
        if missing and paged is not None:
            found += [self._missing(_described(paged[guid])) for guid in missing]
        elif missing:
            found += [self._missing(row) async for row in self._located(window, set(missing))]
        if extra:
            found += await self._extra(window, set(extra))
        return len(ours) + len(missing), found

    async def _paging(self, window: _Window) -> dict[str | None, Activity] | None:
        """Return the activities of a window by GUID; ``None`` if there are many more than the mirror has."""
        found: dict[str | None, Activity] = {}
        most = 2 * self._paged
        activities = self._marketo.activities.between(
            window.since, window.until, types=list(self._tables), shards=1 if window.rows < _AT_ONCE else 8
        )
        async for page in activities.pages():
            found.update((activity.marketo_guid, activity) for activity in page.items)
            if len(found) > most:
                return None
        return found

    async def _exported(self, window: _Window) -> pa.ChunkedArray:
        """Return the GUIDs of a window by a bulk job of nothing else."""
        parts: list[pa.Array] = []
        some: list[str | None] = []
        async for row in self._rows(window, [_GUID]):
            some.append(row[_GUID])
            if len(some) == _AT_ONCE:
                parts.append(pa.array(some, pa.string()))
                some = []
        return pa.chunked_array([*parts, pa.array(some, pa.string())], pa.string())

    async def _located(self, window: _Window, guids: set[str]) -> AsyncIterator[Mapping[str, Any]]:
        """Yield date, type and lead of some activities of a window, by a second job."""
        async for row in self._rows(window, [_GUID, _LEAD, _DATE, _TYPE]):
            if row[_GUID] in guids:
                yield {
                    _GUID: row[_GUID],
                    _LEAD: int(row[_LEAD]),
                    _DATE: parse(row[_DATE]),
                    _TYPE: int(row[_TYPE]),
                }

    def _rows(self, window: _Window, fields: Sequence[str]) -> AsyncIterator[Mapping[str, Any]]:
        exported: AsyncIterator[Mapping[str, Any]] = self._marketo.bulk.activities.export(
            created_at=(window.since, window.until),
            types=list(self._tables),
            fields=fields,
            poll=self._poll,
            on_quota="wait",
        )
        return exported

    def _missing(self, row: Mapping[str, Any]) -> Difference:
        return Difference(
            table=self._tables[row[_TYPE]],
            kind="missing",
            key={"marketo_guid": row[_GUID]},
            about={"activity_date": row[_DATE], "activity_type_id": row[_TYPE], "lead_id": row[_LEAD]},
        )

    async def _extra(self, window: _Window, guids: set[str]) -> list[Difference]:
        """Return the rows of a window that only the mirror has, but those of leads that are deleted.

        Marketo need not keep the activities of a deleted lead; the mirror does.
        """
        found: list[Difference] = []
        deleted = {lead_id for (lead_id,) in await self._destination.query("SELECT lead_id FROM {lead_deletions}")}
        for table in self._present:
            sql = (
                f"SELECT marketo_guid, activity_date, activity_type_id, lead_id FROM {{{table}}}"  # noqa: S608 - ours
                " WHERE activity_date >= %s AND activity_date < %s"
            )
            rows = await self._destination.query(sql, window.since, window.until)
            found += [
                Difference(
                    table=table,
                    kind="extra",
                    key={"marketo_guid": guid},
                    about={"activity_date": moment, "activity_type_id": kind, "lead_id": lead_id},
                )
                for guid, moment, kind, lead_id in rows
                if guid in guids and lead_id not in deleted
            ]
        return found

    async def _ours(self, window: _Window) -> pa.ChunkedArray:
        parts = self._union("SELECT marketo_guid FROM {%s} WHERE activity_date >= %%s AND activity_date < %%s")
        return await self._destination.texts(parts, *self._bounds(window))

    async def _oldest(self, earliest: datetime) -> datetime | None:
        sql = self._union("SELECT min(activity_date) AS oldest FROM {%s}")
        rows = await self._destination.query(sql) if sql else []
        found = [moment for (moment,) in rows if moment is not None]
        return max(min(found).replace(microsecond=0), earliest) if found else None

    async def _windows(self, since: datetime, until: datetime) -> list[_Window]:
        """Return windows of whole days, each small enough for the memory and for one job."""
        sql = self._union(
            "SELECT CAST(activity_date AS DATE), count(*) FROM {%s}"
            " WHERE activity_date >= %%s AND activity_date < %%s GROUP BY 1"
        )
        by_day: dict[date, int] = {}
        for day, count in await self._destination.query(sql, *self._bounds(_Window(since, until, 0))):
            by_day[day] = by_day.get(day, 0) + count
        found: list[_Window] = []
        while since < until:
            end, rows = since, 0
            while end < until and end - since < _WIDEST:
                following = min(_next_day(end), until, since + _WIDEST)
                more = by_day.get(end.date(), 0)
                if rows and rows + more > _MOST_ROWS:
                    break
                end, rows = following, rows + more
            found.append(_Window(since, end, rows))
            since = end
        return found

    def _union(self, select: str) -> str:
        return " UNION ALL ".join(select % name for name in self._present)

    def _bounds(self, window: _Window) -> Sequence[datetime]:
        return (window.since, window.until) * len(self._present)


def _alone(these: pa.ChunkedArray, those: pa.ChunkedArray) -> list[Any]:
    """Return the texts that are in one array and not in the other, each once."""
    left, right = (pa.table({"guid": array}) for array in (these, those))
    found: list[Any] = left.join(right, keys="guid", join_type="left anti").column("guid").unique().to_pylist()
    return found


def _described(activity: Activity) -> Mapping[str, Any]:
    return {
        _GUID: activity.marketo_guid,
        _LEAD: activity.lead_id,
        _DATE: activity.activity_date,
        _TYPE: activity.activity_type_id,
    }


def _next_day(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
