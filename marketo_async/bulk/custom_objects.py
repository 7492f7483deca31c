"""``marketo.bulk.custom_objects(...)``: exports and imports of custom objects of one type.

See ``exports.export`` and ``imports.run`` for the steps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import TypeVar

from marketo_async.bulk.arrow_extra import RecordBatch, Table, need_pyarrow
from marketo_async.bulk.base import (
    BulkFiles,
    ExportFields,
    ExportTarget,
    PathLike,
    UsedToday,
    dates_of,
    id_of,
    name_of,
    only_one,
)
from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.request import ExportRequest
from marketo_async.bulk.exports.run import Hook
from marketo_async.bulk.exports.span import Between
from marketo_async.bulk.fields import check
from marketo_async.bulk.imports.endpoints import WRITE, ImportEndpoints, as_file, lower
from marketo_async.bulk.imports.input_file import Delimiter, FileDialect
from marketo_async.bulk.imports.run import Importer, ImportRun, Source
from marketo_async.bulk.progress import ExportReport, ImportProgress, ImportReport, Rejected
from marketo_async.bulk.rows.reader import OnBadRow
from marketo_async.bulk.slots import JobSlots, OnQuota, Polling
from marketo_async.models.bulk import CustomObjectSelection, FileFormat, ImportJob
from marketo_async.models.columns import ColumnType
from marketo_async.operation import Plan, one
from marketo_async.resources.arguments import Fields as Names
from marketo_async.resources.base import Sender
from marketo_async.resources.descriptors import composite, endpoint

T = TypeVar("T")
M = TypeVar("M")


class CustomObjectFiles(BulkFiles[CustomObjectSelection, T], ImportEndpoints):
    """Exports and imports of custom objects of one type, as ``dict`` rows or as your own Struct (``of``).

    Only types with a direct link to leads can be exported; objects of the CRM can't.
    """

    name, root, area = "bulk.custom_objects", "/bulk/v1/customobjects/{apiName}", "Custom Object"
    rows = "custom objects"
    path: Mapping[str, str]

    def __init__(self, sender: Sender, slots: JobSlots, model: type[T], used_today: UsedToday, api_name: str) -> None:
        super().__init__(sender, slots, model, used_today)
        self.api_name = api_name
        self.path = {"apiName": api_name}

    def of(self, model: type[M]) -> CustomObjectFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return CustomObjectFiles(self._sender, self._slots, model, self._used_today, self.api_name)

    @endpoint("POST", "{root}/import.json", needs=WRITE)
    def import_file(self, content: bytes, format: FileFormat) -> Plan[ImportJob]:
        """Create or update objects from a file; the call is never retried after a lost response.

        The file has at most 10 MB, and REST field names in its first line; objects are found by the type's dedupe
        fields. At most ten imports can be queued (`Busy`, 1016).
        """
        return one(ImportJob, path=self.path, query={"format": lower(format)}, files=as_file(content, format))

    @composite
    async def export(
        self,
        *,
        fields: ExportFields = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the objects that were changed in a range of any length, or that belong to the leads of a list.

        Without ``fields`` the columns are all fields of the type. For the rest see ``marketo.bulk.leads.export``.
        """
        request = await self._request(fields, updated_at, static_list, smart_list)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._rows(request, options, null=null, on_bad_row=on_bad_row)) as rows:
            async for row in rows:
                yield row

    @composite
    async def batches(
        self,
        *,
        fields: ExportFields = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[RecordBatch, None]:
        """Yield objects as pyarrow RecordBatches; see ``export`` and ``marketo.bulk.leads.batches``."""
        need_pyarrow("A record batch")
        request = await self._request(fields, updated_at, static_list, smart_list)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._batches(request, options, on_bad_row)) as batches:
            async for batch in batches:
                yield batch

    @composite
    async def table(
        self,
        *,
        fields: ExportFields = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> Table:
        """Return objects as a pyarrow Table in memory; see ``batches``."""
        need_pyarrow("A table")
        request = await self._request(fields, updated_at, static_list, smart_list)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._table(request, options, on_bad_row)

    @composite
    async def export_to(  # noqa: PLR0913 - the choices of an export, by name
        self,
        path: PathLike,
        *,
        fields: ExportFields = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        format: OutputFormat | None = None,
        typed: bool | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write objects to a file; see ``export`` and ``marketo.bulk.leads.export_to``."""
        target = ExportTarget.of(path, format, typed=typed, start_over=start_over)
        request = await self._request(fields, updated_at, static_list, smart_list, target)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._written(target, request, options, on_bad_row)

    @composite
    async def load(
        self,
        source: Source,
        *,
        fields: Names = None,
        null: bool = False,
        encoding: str | None = None,
        delimiter: Delimiter | None = None,
        rename: Mapping[str, str] | None = None,
        dry_run: bool = False,
        poll: float | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
        on_rejected: Callable[[list[Rejected]], None] | None = None,
    ) -> ImportReport:
        """Create or update any number of objects, found by the type's dedupe fields.

        For the rest see ``marketo.bulk.leads.load``.
        """
        dialect = FileDialect(encoding=encoding, delimiter=delimiter, null=null, rename=rename or {})

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(content, "CSV")

        known, keys = await self._fields.objects(self.api_name)
        importer = Importer(
            kind=f"{self.api_name} objects",
            known=known,
            keys=keys,
            scope=("custom_objects", False, self.api_name),
            send=send,
            status=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
        )
        run = ImportRun(importer, self._slots, Polling(poll=poll), progress, on_rejected)
        return await run.run(source, fields, dialect, dry_run=dry_run)

    async def _field_types(self) -> Mapping[str, ColumnType]:
        return await self._fields.object_types(self.api_name)

    async def _request(
        self,
        fields: ExportFields,
        updated_at: Between | None,
        static_list: int | str | None,
        smart_list: int | str | None,
        target: ExportTarget | None = None,
    ) -> ExportRequest[CustomObjectSelection]:
        only_one(self.rows, updated_at=updated_at, static_list=static_list, smart_list=smart_list)
        known, _ = await self._fields.objects(self.api_name)
        names = self._field_names(fields, known, list(known))
        check(f"{self.api_name} objects", names, known)
        span = await self._span("updated_at", updated_at, target)
        selections = [
            CustomObjectSelection(updated_at=dates) for dates in dates_of("updated_at", span, self._slots)
        ] or [
            CustomObjectSelection(
                static_list_id=id_of(static_list),
                static_list_name=name_of(static_list),
                smart_list_id=id_of(smart_list),
                smart_list_name=name_of(smart_list),
            )
        ]
        return ExportRequest(
            kind=f"{self.api_name} objects",
            fields=names,
            selections=selections,
            format=target.format if target else "CSV",
            span=span,
            every=fields == "all",
        )
