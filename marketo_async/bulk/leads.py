"""``marketo.bulk.leads``: exports and imports of leads. See ``exports.export`` and ``imports.run`` for the steps."""

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
    dates_of,
    id_of,
    name_of,
    only_one,
)
from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.request import ExportRequest
from marketo_async.bulk.exports.run import Hook
from marketo_async.bulk.exports.span import Between
from marketo_async.bulk.fields import LEAD_KEYS, check
from marketo_async.bulk.imports.endpoints import WRITE, as_file, lower
from marketo_async.bulk.imports.files import LANES
from marketo_async.bulk.imports.input_file import Delimiter, FileDialect
from marketo_async.bulk.imports.run import Importer, ImportRun, Source
from marketo_async.bulk.progress import ExportReport, ImportProgress, ImportReport, Rejected
from marketo_async.bulk.rows.reader import OnBadRow
from marketo_async.bulk.slots import OnQuota, Polling
from marketo_async.models.bulk import FileFormat, ImportJob, LeadSelection
from marketo_async.models.columns import ColumnType
from marketo_async.operation import Plan, one, raw
from marketo_async.resources.arguments import Fields as Names
from marketo_async.resources.descriptors import composite, endpoint

T = TypeVar("T")
M = TypeVar("M")


class LeadFiles(BulkFiles[LeadSelection, T]):
    """Exports and imports of leads, as ``dict`` rows or as your own Struct (``of``)."""

    name, root, area = "bulk.leads", "/bulk/v1/leads", "Lead"
    rows = "leads"

    def of(self, model: type[M]) -> LeadFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return LeadFiles(self._sender, self._slots, model, self._used_today)

    @endpoint("POST", "{root}.json", needs=WRITE)
    def import_file(
        self,
        content: bytes,
        format: FileFormat,
        *,
        lookup_field: str | None = None,
        partition_name: str | None = None,
        list_id: int | None = None,
    ) -> Plan[ImportJob]:
        """Create or update leads from a file; the call is never retried after a lost response.

        The file has at most 10 MB, and REST field names in its first line. ``list_id`` adds the leads to a static list;
        a list accepts one import at a time (`Busy`, 1019). At most ten imports can be queued (`Busy`, 1016).
        ``lookup_field`` is ``email`` by default; with ``id``, leads are only updated.
        """
        query = {
            "format": lower(format),
            "lookupField": lookup_field,
            "partitionName": partition_name,
            "listId": list_id,
        }
        return one(ImportJob, query=query, files=as_file(content, format))

    @endpoint("GET", "{root}/batch/{batchId}.json", needs=WRITE)
    def import_status(self, batch_id: int) -> Plan[ImportJob]:
        """Return the status of an import; a batch id is valid for 7 days."""
        return one(ImportJob, path={"batchId": batch_id})

    @endpoint("GET", "{root}/batch/{batchId}/failures.json", needs=WRITE)
    def import_failures(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that failed, with a last column Import Failure Reason; 404 if there are none."""
        return raw(path={"batchId": batch_id})

    @endpoint("GET", "{root}/batch/{batchId}/warnings.json", needs=WRITE)
    def import_warnings(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were imported with a warning, which is the last column; 404 if there are none."""
        return raw(path={"batchId": batch_id})

    @composite
    async def export(
        self,
        *,
        fields: ExportFields = None,
        created_at: Between | None = None,
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
        """Yield the leads of a range of any length, or of a list, given by id or name.

        A range is half-open: ``(since, until)`` contains ``since`` and not ``until``. ``until`` may be ``None`` (now),
        and ``since`` a timedelta before now, or ``None``: the beginning of the instance, which is asked for (2 calls,
        about 20 more where the first leads are deleted). A range of more than 93 days asks for it too, and no job
        selects a time before it. The range is split into jobs of at most 31 days; each file is downloaded, compared
        with its job's length and SHA-256, and read in constant memory. The word ``null`` without quotes becomes
        ``None`` unless ``null`` is false. A row that can't be read raises `BadRow`, or is passed to ``on_bad_row``.
        Jobs are polled once a minute, or every ``poll`` seconds.
        A job that is not over ``deadline`` seconds after it was enqueued is cancelled, and raises `JobFailed`.
        ``fields="all"`` exports all fields that the instance describes, without those that it refuses to export.
        If you leave the loop early, the jobs that still run are cancelled. Raises `InvalidRequest` for an unknown
        field, before a job is created; `ExportQuotaExceeded` when the day's volume is used up (``on_quota="wait"``
        waits for the next day instead); `JobFailed`, `JobCancelled` and `DamagedFile`. Maps to ``create``,
        ``enqueue``, ``status`` and ``file``.
        """
        request = await self._request(fields, created_at, updated_at, static_list, smart_list)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._rows(request, options, null=null, on_bad_row=on_bad_row)) as rows:
            async for row in rows:
                yield row

    @composite
    async def batches(
        self,
        *,
        fields: ExportFields = None,
        created_at: Between | None = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[RecordBatch, None]:
        """Yield the leads of a range of any length, or of a list, as pyarrow RecordBatches.

        This needs the extra ``parquet``. The columns have the types that the instance describes: int64, float64, bool,
        date32, timestamps in UTC with microseconds, else text; so is a field that it does not describe. A value that
        does not fit raises `BadRow` with its line and its field, or its row is passed to ``on_bad_row`` and left out.
        A batch has the rows of 1 MB of the file. For the arguments and the rest see ``export``.
        """
        need_pyarrow("A record batch")
        request = await self._request(fields, created_at, updated_at, static_list, smart_list)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._batches(request, options, on_bad_row)) as batches:
            async for batch in batches:
                yield batch

    @composite
    async def table(
        self,
        *,
        fields: ExportFields = None,
        created_at: Between | None = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> Table:
        """Return the leads of a range of any length, or of a list, as a pyarrow Table in memory; see ``batches``."""
        need_pyarrow("A table")
        request = await self._request(fields, created_at, updated_at, static_list, smart_list)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._table(request, options, on_bad_row)

    @composite
    async def export_to(  # noqa: PLR0913 - the choices of an export, by name
        self,
        path: PathLike,
        *,
        fields: ExportFields = None,
        created_at: Between | None = None,
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
        """Write the leads of a range of any length, or of a list, to a file, and return a report.

        The suffix decides the format: ``.csv``, ``.tsv`` and ``.ssv`` as Marketo writes them, ``.jsonl`` or
        ``.parquet``; ``.gz`` or ``.zst`` after it compresses the file. Until the end, the data is in ``NAME.part`` and
        the state in ``NAME.state``. From these, the same call resumes the same jobs, for the range of the first run,
        after any interruption; it may change between ``.csv``, ``.jsonl`` and ``.parquet``. The report has the fields
        that ``fields="all"`` dropped.

        The columns of Parquet have the types that ``batches`` gives; with ``typed=False`` all are text. JSON lines have
        text and null; with ``typed=True`` they have numbers, booleans, moments in UTC, and JSON as it is.
        ``start_over`` replaces all these files. A row that can't be converted to JSON lines or Parquet raises `BadRow`,
        or is passed to ``on_bad_row`` and skipped. A disk that fails raises `OSError` with the path as its file name.
        For the rest see ``export``.
        """
        target = ExportTarget.of(path, format, typed=typed, start_over=start_over)
        request = await self._request(fields, created_at, updated_at, static_list, smart_list, target)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._written(target, request, options, on_bad_row)

    @composite
    async def load(  # noqa: PLR0913 - the choices of an import, by name
        self,
        source: Source,
        *,
        fields: Names = None,
        lookup_field: str = "email",
        list_id: int | None = None,
        partition_name: str | None = None,
        null: bool = False,
        encoding: str | None = None,
        delimiter: Delimiter | None = None,
        rename: Mapping[str, str] | None = None,
        dry_run: bool = False,
        poll: float | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
        on_rejected: Callable[[list[Rejected]], None] | None = None,
    ) -> ImportReport:
        """Create or update any number of leads: an iterable or async iterable of rows, or the path of a file.

        Rows are ``dict``, Struct, dataclass or ``sqlite3.Row`` by REST field name. All have the same members; with
        ``fields``, each has some of them. All rows are checked and written to files below 10 MB first, so if a row is
        bad, nothing is sent. Rows with the same key (``lookup_field``; ``id`` only updates) are sent in order, and
        never in two files at once. Files for a static list (``list_id``) are sent one after the other. A full queue
        (1016) and a busy list (1019) cause a wait. ``on_rejected`` receives the rows of each file that failed or have a
        warning; its exceptions are logged.

        A file holds JSON lines, Parquet or delimited text, with API names of fields in its first line; ``rename`` maps
        other names of columns to them. Text is UTF-8 unless its byte order mark or ``encoding`` says otherwise.
        ``delimiter`` is ``,``, ``;``, ``|`` or a tab, by default the one that fits the first line. The word ``null`` is
        text; with ``null=True`` it is a missing value, as exports write it.

        ``dry_run`` checks all rows and sends nothing; the report then has the number of rows and files.

        Raises `InvalidRequest` for an unknown field, a bad row and a file of another kind; `BadRow` for a
        row of a file that can't be read; `ImportStopped`, with the report so far, if an error ends the import early.
        Rows that Marketo counts as failed but does not list are in the report's ``unlisted``. Maps to ``import_file``,
        ``import_status``, ``import_failures`` and ``import_warnings``; see
        https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-import/bulk-lead-import
        """
        dialect = FileDialect(encoding=encoding, delimiter=delimiter, null=null, rename=rename or {})

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(
                content, "CSV", lookup_field=lookup_field, partition_name=partition_name, list_id=list_id
            )

        importer = Importer(
            kind=self.rows,
            known={**dict.fromkeys(LEAD_KEYS), **await self._fields.leads()},
            keys=(lookup_field,),
            send=send,
            status=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
            lanes=LANES if list_id is None else 1,
            scope=("leads", lookup_field),
        )
        run = ImportRun(importer, self._slots, Polling(poll=poll), progress, on_rejected)
        return await run.run(source, fields, dialect, dry_run=dry_run)

    async def _field_types(self) -> Mapping[str, ColumnType]:
        return await self._fields.lead_types()

    async def _request(
        self,
        fields: ExportFields,
        created_at: Between | None,
        updated_at: Between | None,
        static_list: int | str | None,
        smart_list: int | str | None,
        target: ExportTarget | None = None,
    ) -> ExportRequest[LeadSelection]:
        only_one(
            self.rows, created_at=created_at, updated_at=updated_at, static_list=static_list, smart_list=smart_list
        )
        known = await self._fields.leads()
        names = self._field_names(fields, known)
        check(self.rows, names, known)
        created = await self._span("created_at", created_at, target)
        updated = await self._span("updated_at", updated_at, target)
        span = created or updated
        selections = [
            *(LeadSelection(created_at=dates) for dates in dates_of("created_at", created, self._slots)),
            *(LeadSelection(updated_at=dates) for dates in dates_of("updated_at", updated, self._slots)),
        ] or [
            LeadSelection(
                static_list_id=id_of(static_list),
                static_list_name=name_of(static_list),
                smart_list_id=id_of(smart_list),
                smart_list_name=name_of(smart_list),
            )
        ]
        return ExportRequest(
            kind=self.rows,
            fields=names,
            selections=selections,
            format=target.format if target else "CSV",
            span=span,
            every=fields == "all",
        )
