"""``marketo.bulk.custom_objects(...)``: custom objects of one type out of and into files.

Not here: how a flow goes (``export``, ``load``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from marketo_async.bulk.base import BulkFiles, OnBadRow, PathLike, dates_of, format_for, id_of, name_of, only_one
from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.request import ExportRequest
from marketo_async.bulk.exports.run import Hook
from marketo_async.bulk.exports.windows import Between
from marketo_async.bulk.fields import KnownFields, check
from marketo_async.bulk.imports.input_file import Delimiter, FileDialect
from marketo_async.bulk.imports.run import Importer, ImportRun, Source
from marketo_async.bulk.progress import ExportReport, ImportProgress, ImportReport, Rejected
from marketo_async.bulk.slots import JobSlots, OnQuota, Polling
from marketo_async.descriptions import Described
from marketo_async.download import Sink
from marketo_async.models.bulk import (
    CustomObjectSelection,
    FileFormat,
    ImportJob,
)
from marketo_async.models.leads import Description
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import Listing, Operation, Plan, one, raw
from marketo_async.paging import Pager
from marketo_async.resources.arguments import Fields as Names
from marketo_async.resources.base import Sender
from marketo_async.resources.descriptors import composite, endpoint
from marketo_async.resources.import_files import as_file, lower
from marketo_async.writes import Batches, Results

T = TypeVar("T")
M = TypeVar("M")
R = TypeVar("R")

_WRITE = ("Read-Write Custom Object",)


class TypedSender:
    """A sender that puts the same arguments into every path."""

    def __init__(self, sender: Sender, path: Mapping[str, str]) -> None:
        self._sender, self._path = sender, path

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        """Make one call."""
        return await self._sender.send(operation, self._filled(plan))

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        """Drain a listing."""
        return self._sender.pages(operation, self._filled(listing) if isinstance(listing, Plan) else listing)

    def writes(self, operation: Operation, batches: Batches[T]) -> Results[T]:
        """Write any number of records; no bulk call does."""
        return self._sender.writes(operation, batches)

    async def describe(self, described: Described[Any]) -> Description | ObjectDescription:
        """Return what is known of a record type."""
        return await self._sender.describe(described)

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink) -> None:
        """Bring a file into *sink*."""
        await self._sender.stream(operation, self._filled(plan), sink)

    def _filled(self, plan: Plan[R]) -> Plan[R]:
        return replace(plan, path={**self._path, **plan.path})


class CustomObjectFiles(BulkFiles[CustomObjectSelection, T]):
    """Custom objects of one type out of and into files of any size: ``dict`` rows, or your own Struct (``of``).

    Only types that are linked to leads directly can be exported, and no objects of the CRM.
    """

    name, root = "bulk_custom_objects", "/bulk/v1/customobjects/{apiName}"
    rights = ("Read-Only Custom Object",)
    rows = "custom objects"

    def __init__(self, sender: Sender, desk: JobSlots, model: type[T], api_name: str) -> None:
        super().__init__(TypedSender(sender, {"apiName": api_name}), desk, model)
        self.api_name = api_name
        self._plain = sender
        self._fields = KnownFields(sender)

    def of(self, model: type[M]) -> CustomObjectFiles[M]:
        """Return the same family with rows as instances of *model*, a Struct; only its fields are asked for."""
        return CustomObjectFiles(self._plain, self._desk, model, self.api_name)

    @endpoint("POST", "{root}/import.json", needs=_WRITE)
    def import_file(self, content: bytes, format: FileFormat) -> Plan[ImportJob]:
        """Create or update objects from a file whose first line is field names; never repeated by itself."""
        return one(ImportJob, query={"format": lower(format)}, files=as_file(content, format))

    @endpoint("GET", "{root}/import/{batchId}/status.json", needs=_WRITE)
    def import_status(self, batch_id: int) -> Plan[ImportJob]:
        """Return an import as it stands; a batch id is valid for 7 days."""
        return one(ImportJob, path={"batchId": batch_id})

    @endpoint("GET", "{root}/import/{batchId}/failures.json", needs=_WRITE)
    def import_failures(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were not taken, with the column Import Failure Reason at the end; 404 where none."""
        return raw(path={"batchId": batch_id})

    @endpoint("GET", "{root}/import/{batchId}/warnings.json", needs=_WRITE)
    def import_warnings(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were taken with a warning, which is the column at the end; 404 where there are none."""
        return raw(path={"batchId": batch_id})

    @composite
    async def export(
        self,
        *,
        fields: Names = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the objects that were changed in a range of any length, or that belong to the leads of a list.

        Without *fields* the columns are all that the type has. For the rest see ``marketo.bulk.leads.export``.
        """
        request = await self._request(fields, updated_at, static_list, smart_list)
        manner = await self._manner(poll, on_quota, progress)
        async with aclosing(self._rows(request, manner, null=null, on_bad_row=on_bad_row)) as rows:
            async for row in rows:
                yield row

    @composite
    async def export_to(
        self,
        path: PathLike,
        *,
        fields: Names = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        format: OutputFormat | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write objects to a file; see ``export`` and ``marketo.bulk.leads.export_to``."""
        request = await self._request(fields, updated_at, static_list, smart_list, format_for(Path(path), format))
        manner = await self._manner(poll, on_quota, progress)
        return await self._written(path, request, manner, format, start_over=start_over, on_bad_row=on_bad_row)

    @composite
    async def load(
        self,
        source: Source,
        *,
        fields: Names = None,
        null: bool = False,
        encoding: str | None = None,
        delimiter: Delimiter | None = None,
        poll: float | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
        on_rejected: Callable[[list[Rejected]], None] | None = None,
    ) -> ImportReport:
        """Create or update any number of objects, found by the type's dedupe fields.

        For the rest see ``marketo.bulk.leads.load``.
        """
        dialect = FileDialect(encoding=encoding, delimiter=delimiter, null=null)

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(content, "CSV")

        known, keys = await self._fields.objects(self.api_name)
        importer = Importer(
            kind=f"{self.api_name} objects",
            known=known,
            keys=keys,
            scope=("custom_objects", False, self.api_name),
            send=send,
            look=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
        )
        load = ImportRun(importer, self._desk, Polling(poll=poll), progress, on_rejected)
        return await load.run(source, fields, dialect)

    async def _request(
        self,
        fields: Names,
        updated_at: Between | None,
        static_list: int | str | None,
        smart_list: int | str | None,
        format: FileFormat = "CSV",
    ) -> ExportRequest[CustomObjectSelection]:
        only_one(self.rows, updated_at=updated_at, static_list=static_list, smart_list=smart_list)
        known, _ = await self._fields.objects(self.api_name)
        found = self._asked(fields, list(known))
        check(f"{self.api_name} objects", found, known)
        selections = [
            CustomObjectSelection(updated_at=dates) for dates in dates_of("updated_at", updated_at, self._desk)
        ] or [
            CustomObjectSelection(
                static_list_id=id_of(static_list),
                static_list_name=name_of(static_list),
                smart_list_id=id_of(smart_list),
                smart_list_name=name_of(smart_list),
            )
        ]
        return ExportRequest(kind=f"{self.api_name} objects", fields=found, selections=selections, format=format)
