"""`StoredRows`: reads columns of what the destination has, for those producers that find rows by the keys of others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from marketo_async.mirror.backfill.context import moment
from marketo_async.mirror.loading import Destination
from marketo_async.mirror.tables import READ_AT, MirrorTable


class StoredRows:
    """The rows of a destination."""

    def __init__(self, destination: Destination) -> None:
        self._destination = destination

    async def __call__(
        self, table: MirrorTable, sources: Sequence[str], *, before: float | None = None
    ) -> Collection[tuple[Any, ...]]:
        """Return the distinct values of some columns, of rows that were read ``before`` a moment."""
        names = [column.name for source in sources if (column := table.column(source))]
        sql = f"SELECT DISTINCT {', '.join(names)} FROM {{{table.name}}}"  # noqa: S608 - names of our own
        if before is None:
            return await self._destination.query(sql)
        return await self._destination.query(f"{sql} WHERE {READ_AT} < %s", moment(before))
