"""``marketo.bulk.program_members``: exports and imports of members of programs.

See ``exports.export`` and ``imports.run`` for the steps.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import TypeVar

from marketo_async.bulk.arrow_extra import RecordBatch, Table, need_pyarrow
from marketo_async.bulk.base import BulkFiles, ExportFields, ExportTarget, PathLike, dates_of
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
from marketo_async.bulk.slots import OnQuota, Polling
from marketo_async.models.bulk import FileFormat, ImportJob, ProgramMemberSelection
from marketo_async.models.columns import ColumnType
from marketo_async.operation import Plan, one
from marketo_async.resources.arguments import Fields as Names
from marketo_async.resources.descriptors import composite, endpoint

T = TypeVar("T")
M = TypeVar("M")


class ProgramMemberFiles(BulkFiles[ProgramMemberSelection, T], ImportEndpoints):
    """Exports and imports of members of programs, as ``dict`` rows or as your own Struct (``of``)."""

    name, root, area = "bulk.program_members", "/bulk/v1/program/members", "Lead"
    rows = "program members"

    def of(self, model: type[M]) -> ProgramMemberFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return ProgramMemberFiles(self._sender, self._slots, model, self._used_today)

    @endpoint("POST", "/bulk/v1/program/{programId}/members/import.json", needs=WRITE)
    def import_file(self, program_id: int, status: str, content: bytes, format: FileFormat) -> Plan[ImportJob]:
        """Make the people in a file members, all with one ``status``; never retried after a lost response.

        The file has at most 10 MB, and REST field names in its first line, ``email`` among them. At most ten imports
        can be queued (`Busy`, 1016).
        """
        query = {"programMemberStatus": status, "format": lower(format)}
        return one(ImportJob, path={"programId": program_id}, query=query, files=as_file(content, format))

    @composite
    async def export(
        self,
        *,
        program_id: int | Sequence[int],
        fields: ExportFields = None,
        status_names: Sequence[str] | None = None,
        updated_at: Between | None = None,
        is_exhausted: bool | None = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the members of a program, or of at most 10 programs, that match all the other arguments.

        Without ``fields`` the columns are all fields of members; you can also name fields of leads. With several
        programs, each row begins with its ``programId``. For the rest see ``marketo.bulk.leads.export``.
        """
        request = await self._request(program_id, fields, status_names, updated_at, is_exhausted)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._rows(request, options, null=null, on_bad_row=on_bad_row)) as rows:
            async for row in rows:
                yield row

    @composite
    async def batches(
        self,
        *,
        program_id: int | Sequence[int],
        fields: ExportFields = None,
        status_names: Sequence[str] | None = None,
        updated_at: Between | None = None,
        is_exhausted: bool | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> AsyncGenerator[RecordBatch, None]:
        """Yield the members of programs as pyarrow RecordBatches; see ``export`` and ``marketo.bulk.leads.batches``."""
        need_pyarrow("A record batch")
        request = await self._request(program_id, fields, status_names, updated_at, is_exhausted)
        options = await self._options(poll, on_quota, deadline, progress)
        async with aclosing(self._batches(request, options, on_bad_row)) as batches:
            async for batch in batches:
                yield batch

    @composite
    async def table(
        self,
        *,
        program_id: int | Sequence[int],
        fields: ExportFields = None,
        status_names: Sequence[str] | None = None,
        updated_at: Between | None = None,
        is_exhausted: bool | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
    ) -> Table:
        """Return the members of programs as a pyarrow Table in memory; see ``batches``."""
        need_pyarrow("A table")
        request = await self._request(program_id, fields, status_names, updated_at, is_exhausted)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._table(request, options, on_bad_row)

    @composite
    async def export_to(  # noqa: PLR0913 - the choices of an export, by name
        self,
        path: PathLike,
        *,
        program_id: int | Sequence[int],
        fields: ExportFields = None,
        status_names: Sequence[str] | None = None,
        updated_at: Between | None = None,
        is_exhausted: bool | None = None,
        format: OutputFormat | None = None,
        typed: bool | None = None,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        deadline: float | None = None,
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write the members of programs to a file; see ``export`` and ``marketo.bulk.leads.export_to``."""
        target = ExportTarget.of(path, format, typed=typed, start_over=start_over)
        request = await self._request(program_id, fields, status_names, updated_at, is_exhausted, target)
        options = await self._options(poll, on_quota, deadline, progress)
        return await self._written(target, request, options, on_bad_row)

    @composite
    async def load(
        self,
        program_id: int,
        status: str,
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
        """Make any number of people members of a program, all with one ``status``; rows have an ``email``.

        For the rest see ``marketo.bulk.leads.load``.
        """
        dialect = FileDialect(encoding=encoding, delimiter=delimiter, null=null, rename=rename or {})

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(program_id, status, content, "CSV")

        importer = Importer(
            kind=self.rows,
            known={**await self._fields.members(), **await self._fields.leads()},
            keys=("email",),
            scope=("leads", "email"),
            send=send,
            status=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
        )
        run = ImportRun(importer, self._slots, Polling(poll=poll), progress, on_rejected)
        return await run.run(source, fields, dialect, dry_run=dry_run)

    async def _field_types(self) -> Mapping[str, ColumnType]:
        return await self._fields.member_types()

    async def _request(
        self,
        program_id: int | Sequence[int],
        fields: ExportFields,
        status_names: Sequence[str] | None,
        updated_at: Between | None,
        is_exhausted: bool | None,  # noqa: FBT001 - the public method takes it by name
        target: ExportTarget | None = None,
    ) -> ExportRequest[ProgramMemberSelection]:
        own = await self._fields.members()
        names = self._field_names(fields, own, list(own))
        if any(name not in own for name in names):
            check(self.rows, names, {**own, **await self._fields.leads()})
        single, several = (program_id, None) if isinstance(program_id, int) else (None, list(program_id))
        span = await self._span("updated_at", updated_at, target)
        selections = [
            ProgramMemberSelection(
                program_id=single,
                program_ids=several,
                is_exhausted=is_exhausted,
                status_names=None if status_names is None else list(status_names),
                updated_at=dates,
            )
            for dates in dates_of("updated_at", span, self._slots) or (None,)
        ]
        return ExportRequest(
            kind=self.rows,
            fields=names,
            selections=selections,
            format=target.format if target else "CSV",
            span=span,
            every=fields == "all",
        )
