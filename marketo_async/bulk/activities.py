"""``marketo.bulk.activities``: exports of activities. See ``exports.export`` for the steps."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from typing import Literal, TypeVar

from marketo_async.bulk.arrow_extra import RecordBatch, Table, need_pyarrow
from marketo_async.bulk.base import BulkFiles, ExportFields, ExportTarget, PathLike, dates_of
from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.request import ExportRequest
from marketo_async.bulk.exports.run import Hook
from marketo_async.bulk.exports.span import Between
from marketo_async.bulk.fields import ACTION_RESULT, ACTIVITY_COLUMNS, ACTIVITY_FIELDS, check
from marketo_async.bulk.progress import ExportReport
from marketo_async.bulk.rows.attributes import ATTRIBUTES
from marketo_async.bulk.rows.reader import OnBadRow
from marketo_async.bulk.rows.typed import ColumnTypes
from marketo_async.bulk.slots import OnQuota
from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import ActivitySelection
from marketo_async.resources.activities import Activities
from marketo_async.resources.descriptors import composite

T = TypeVar("T")
M = TypeVar("M")


class ActivityFiles(BulkFiles[ActivitySelection, T]):
    """Exports of activities, as ``dict`` rows or as your own Struct (``of``); the column ``attributes`` holds JSON."""

    name, root, area = "bulk.activities", "/bulk/v1/activities", "Activity"
    rows = "activities"

    def of(self, model: type[M]) -> ActivityFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return ActivityFiles(self._sender, self._slots, model, self._used_today)

    @composite
    async def export(
        self,
        *,
        created_at: Between = (None, None),
        types: Iterable[int] | Literal["all"] | None = None,
        primary_values: Sequence[int] | Sequence[str] | None = None,
        fields: ExportFields = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the activities of a range of any length; ``types`` are the ids of their types, by default all.

        The range is from the beginning of the instance to now by default. A custom activity that was added with a date
        before the beginning is exported only by a range of at most 93 days.

        ``primary_values`` are at most 50 ids or names of primary attributes, for ``types`` of one kind. Without
        ``fields`` the columns are Marketo's own; ``actionResult`` is exported only if ``fields`` name it. For the rest
        see ``marketo.bulk.leads.export``.
        """
        request = await self._request(created_at, types, primary_values, fields)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._rows(request, options, null=null, on_bad_row=on_bad_row)) as rows:
            async for row in rows:
                yield row

    @composite
    async def batches(
        self,
        *,
        created_at: Between = (None, None),
        types: Iterable[int] | Literal["all"] | None = None,
        primary_values: Sequence[int] | Sequence[str] | None = None,
        fields: ExportFields = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[RecordBatch, None]:
        """Yield the activities of a range of any length as pyarrow RecordBatches.

        The column ``attributes`` is JSON text. With one type of activity asked for, each of its attributes is a typed
        column, and ``attributes`` has only what is not described. For the rest see ``export`` and
        ``marketo.bulk.leads.batches``.
        """
        need_pyarrow("A record batch")
        request = await self._request(created_at, types, primary_values, fields)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._batches(request, options, on_bad_row)) as batches:
            async for batch in batches:
                yield batch

    @composite
    async def table(
        self,
        *,
        created_at: Between = (None, None),
        types: Iterable[int] | Literal["all"] | None = None,
        primary_values: Sequence[int] | Sequence[str] | None = None,
        fields: ExportFields = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> Table:
        """Return the activities of a range of any length as a pyarrow Table in memory; see ``batches``."""
        need_pyarrow("A table")
        request = await self._request(created_at, types, primary_values, fields)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._table(request, options, on_bad_row)

    @composite
    async def export_to(  # noqa: PLR0913 - the choices of an export, by name
        self,
        path: PathLike,
        *,
        created_at: Between = (None, None),
        types: Iterable[int] | Literal["all"] | None = None,
        primary_values: Sequence[int] | Sequence[str] | None = None,
        fields: ExportFields = None,
        format: OutputFormat | None = None,
        typed: bool | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write the activities of a range of any length to a file; see ``marketo.bulk.leads.export_to``."""
        target = ExportTarget.of(path, format, typed=typed, start_over=start_over)
        request = await self._request(created_at, types, primary_values, fields, target)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._written(target, request, options, on_bad_row)

    async def _types(self, request: ExportRequest[ActivitySelection]) -> ColumnTypes:
        """Return the types of the columns; with one activity type asked for, also those of its attributes."""
        asked = request.selections[0].activity_type_ids or []
        if len(asked) != 1 or ATTRIBUTES not in request.fields:
            return ColumnTypes(ACTIVITY_COLUMNS)
        known = await Activities(self._sender).types_by_id()
        return ColumnTypes(ACTIVITY_COLUMNS, known.get(asked[0]))

    async def _request(
        self,
        created_at: Between,
        types: Iterable[int] | Literal["all"] | None,
        primary_values: Sequence[int] | Sequence[str] | None,
        fields: ExportFields,
        target: ExportTarget | None = None,
    ) -> ExportRequest[ActivitySelection]:
        columns = self._field_names(fields, (*ACTIVITY_FIELDS, ACTION_RESULT), ACTIVITY_FIELDS)
        check(self.rows, columns, dict.fromkeys((*ACTIVITY_FIELDS, ACTION_RESULT)))
        chosen = None if types is None or types == "all" else list(types)
        values = primary_values or []
        if isinstance(values, str):
            raise InvalidRequest(f"primary_values is the text {values!r}: pass a list of ids or names")
        ids, names = ([value for value in values if isinstance(value, kind)] for kind in (int, str))
        span = await self._span("created_at", created_at, target)
        selections = [
            ActivitySelection(
                created_at=dates,
                activity_type_ids=chosen,
                primary_attribute_value_ids=[value for value in ids if isinstance(value, int)] or None,
                primary_attribute_values=[value for value in names if isinstance(value, str)] or None,
            )
            for dates in dates_of("created_at", span, self._slots)
        ]
        return ExportRequest(
            kind=self.rows,
            fields=columns,
            selections=selections,
            format=target.format if target else "CSV",
            span=span,
            every=fields == "all",
        )
