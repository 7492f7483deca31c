"""The four kinds of bulk files: ``marketo.bulk.leads``, ``activities``, ``program_members`` and ``custom_objects``.

Each is the family of its single calls (``create``, ``enqueue``, ``status`` ...) with the whole flows beside them:
``export``, ``export_to``, ``download``, ``used_today``, and ``load`` where Marketo takes such files. Not here: how a
flow goes (``export``, ``load``).
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from msgspec.structs import replace

from marketo_async.bulk import export
from marketo_async.bulk.chunks import LANES
from marketo_async.bulk.desk import Desk, OnQuota, Patience
from marketo_async.bulk.export import Manner, Reading
from marketo_async.bulk.extraction import Hook
from marketo_async.bulk.fields import ACTION_RESULT, ACTIVITY_FIELDS, LEAD_KEYS, Fields, check
from marketo_async.bulk.jobs import fetched, is_completed
from marketo_async.bulk.load import Importer, Load, Source
from marketo_async.bulk.output import OutputFormat, file_format, format_of
from marketo_async.bulk.progress import ExportReport, ImportProgress, ImportReport
from marketo_async.bulk.request import Calls, Request
from marketo_async.bulk.volume import volume_today
from marketo_async.bulk.windows import Between, windows
from marketo_async.errors import BadRow, InvalidRequest, JobFailed
from marketo_async.models.bulk import (
    ActivitySelection,
    CustomObjectSelection,
    DateRange,
    FileFormat,
    ImportJob,
    LeadSelection,
    ProgramMemberSelection,
)
from marketo_async.operation import Listing, Operation, Plan, one, raw
from marketo_async.paging import Pager
from marketo_async.resources.arguments import Fields as Names
from marketo_async.resources.arguments import field_names
from marketo_async.resources.base import Sender, composite, endpoint, stream
from marketo_async.resources.bulk_activities import BulkActivities
from marketo_async.resources.bulk_leads import BulkLeads
from marketo_async.resources.bulk_program_members import BulkProgramMembers
from marketo_async.resources.export_mixins import Exports
from marketo_async.resources.import_files import as_file, lower
from marketo_async.stream import Sink

S = TypeVar("S", LeadSelection, ActivitySelection, ProgramMemberSelection, CustomObjectSelection)
T = TypeVar("T")
M = TypeVar("M")
R = TypeVar("R")

_WRITE = ("Read-Write Custom Object",)

OnBadRow = Callable[[BadRow], None]
PathLike = str | os.PathLike[str]


class Kind(Exports[S], Generic[S, T]):
    """What all kinds have: rows as instances of *model*, and a desk that is shared by the whole client."""

    rows: ClassVar[str]

    def __init__(self, sender: Sender, desk: Desk, model: type[T]) -> None:
        super().__init__(sender)
        self.model = model
        self._desk, self._plain = desk, sender
        self._fields = Fields(sender, desk)

    @composite
    async def download(self, export_id: str, path: PathLike) -> int:
        """Bring the file of a completed job to *path*, and return its size in bytes.

        It comes in constant memory, goes on wherever it breaks, and is checked by length and SHA-256. It is written
        aside as ``NAME.part``, from where another run goes on, too. Maps to ``status`` and ``file``; `JobFailed` for a
        job that is not completed, `DamagedFile` where the checksum never comes right.
        """
        job = await self.status(export_id)
        if not is_completed(job):
            raise JobFailed("it has no file", job_id=export_id, status=job.status, reason=f"it is {job.status}")
        whole = Path(path)
        aside = whole.with_name(f"{whole.name}.part")
        await fetched(Calls(self, self._sender), job, aside)
        return _renamed(aside, whole)

    def _rows(
        self,
        request: Request[S],
        manner: Manner,
        *,
        null: bool,
        on_bad_row: OnBadRow | None,
    ) -> AsyncGenerator[T, None]:
        reading = Reading(model=self.model, null=null, on_bad_row=on_bad_row)
        return export.rows(Calls(self, self._sender, request), request, self._desk, manner, reading)

    async def _manner(self, poll: float | None, on_quota: OnQuota, hook: Hook | None) -> Manner:
        used = None if hook is None else await volume_today(self._plain, self._desk.clock)
        return Manner(patience=Patience(poll=poll, on_quota=on_quota), hook=hook, used_before=used)

    async def _written(
        self, path: PathLike, request: Request[S], manner: Manner, output: OutputFormat | None, *, start_over: bool
    ) -> ExportReport:
        calls = Calls(self, self._sender, request)
        return await export.to_file(
            calls, request, self._desk, manner, Path(path), output=output, start_over=start_over
        )

    def _asked(self, fields: Names, default: Sequence[str] | None = None) -> list[str]:
        """Return the fields to export: those named, those of the Struct, or the *default*."""
        names = field_names(self.model, fields)
        if names is None:
            names = default
        if not names:
            raise InvalidRequest(f"name the fields of the {self.rows} to export, or use of() with a Struct")
        return list(names)


def _renamed(aside: Path, whole: Path) -> int:
    aside.replace(whole)
    return whole.stat().st_size


def _dates(name: str, between: Between | None, desk: Desk) -> list[DateRange]:
    return [] if between is None else windows(name, between, now=desk.now)


def _id(of: int | str | None) -> int | None:
    return of if isinstance(of, int) else None


def _name(of: int | str | None) -> str | None:
    return of if isinstance(of, str) else None


def _format(path: Path, output: OutputFormat | None) -> FileFormat:
    """Return the format of the files that an output is made of."""
    return file_format(format_of(path, output))


def _only(kind: str, **given: object) -> str:
    """Return the name of the one selection that is given."""
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise InvalidRequest(
            f"{kind} are selected by exactly one of {', '.join(given)}, not by {' and '.join(named) or 'none'}"
        )
    return named[0]


class LeadFiles(Kind[LeadSelection, T], BulkLeads):
    """Leads out of and into files of any size: ``dict`` rows, or your own Struct (``of``)."""

    rows = "leads"

    def of(self, model: type[M]) -> LeadFiles[M]:
        """Return the same family with rows as instances of *model*, a Struct; only its fields are asked for."""
        return LeadFiles(self._sender, self._desk, model)

    @stream
    async def export(
        self,
        *,
        fields: Names = None,
        created_at: Between | None = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the leads of a range of any length, or of a list, given by id or name.

        A range is half-open: ``(since, until)`` holds *since* and not *until*. It is split into jobs of at most 31
        days; each file is fetched whole, checked by length and SHA-256, and read in constant memory. The bare word
        ``null`` becomes ``None`` unless *null* is off; a row that can't be read raises `BadRow`, or goes to
        *on_bad_row*. Jobs are looked at once a minute, or every *poll* seconds; leaving the loop early cancels those
        that still run. Raises `InvalidRequest` for an unknown field before a job is made, `ExportQuotaExceeded` when
        the day's volume is spent (or waits for the next day, with *on_quota* ``"wait"``), `JobFailed`, `JobCancelled`
        and `DamagedFile`. Maps to ``create``, ``enqueue``, ``status`` and ``file``.
        """
        request = await self._request(fields, created_at, updated_at, static_list, smart_list)
        manner = await self._manner(poll, on_quota, progress)
        async for row in self._rows(request, manner, null=null, on_bad_row=on_bad_row):
            yield row

    @composite
    async def export_to(
        self,
        path: PathLike,
        *,
        fields: Names = None,
        created_at: Between | None = None,
        updated_at: Between | None = None,
        static_list: int | str | None = None,
        smart_list: int | str | None = None,
        format: OutputFormat | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write the leads of a range of any length, or of a list, to a file, and return what came.

        The format is that of the suffix: ``.csv``, ``.tsv`` and ``.ssv`` as Marketo writes them, ``.jsonl`` or
        ``.parquet``. ``NAME.part`` grows beside it, and ``NAME.state`` lets the same call go on after whatever stopped
        it, with the jobs that were made; *start_over* replaces everything. For the rest see ``export``.
        """
        request = await self._request(
            fields, created_at, updated_at, static_list, smart_list, _format(Path(path), format)
        )
        manner = await self._manner(poll, on_quota, progress)
        return await self._written(path, request, manner, format, start_over=start_over)

    @composite
    async def load(
        self,
        source: Source,
        *,
        fields: Names = None,
        lookup_field: str = "email",
        list_id: int | None = None,
        partition_name: str | None = None,
        null: bool = True,
        poll: float | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        """Create or update any number of leads: an iterable or async iterable of rows, or the path of a CSV file.

        Rows are ``dict`` or Struct by REST field name, all with the same members, or with some of *fields*. They are
        checked and put into files below 10 MB first, so that nothing is sent where a row is bad. Rows of one key
        (*lookup_field*; ``id`` only updates) are sent in order, and never in two files at once; files into one static
        list (*list_id*) follow each other. A full queue (1016) and a busy list (1019) are waited for. Raises
        `InvalidRequest` for an unknown field and a bad row, `BadRow` for one in a file, and `ImportStopped` with the
        report so far for whatever ends an import early. Maps to ``import_file``, ``import_status``,
        ``import_failures`` and ``import_warnings``.
        """

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(
                content, "CSV", lookup_field=lookup_field, partition_name=partition_name, list_id=list_id
            )

        importer = Importer(
            kind=self.rows,
            known=(*await self._fields.leads(), *LEAD_KEYS),
            keys=(lookup_field,),
            send=send,
            look=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
            lanes=LANES if list_id is None else 1,
        )
        return await Load(importer, self._desk, Patience(poll=poll), progress).run(source, fields, null=null)

    async def _request(
        self,
        fields: Names,
        created_at: Between | None,
        updated_at: Between | None,
        static_list: int | str | None,
        smart_list: int | str | None,
        format: FileFormat = "CSV",
    ) -> Request[LeadSelection]:
        _only(self.rows, created_at=created_at, updated_at=updated_at, static_list=static_list, smart_list=smart_list)
        found = self._asked(fields)
        selections = [
            *(LeadSelection(created_at=dates) for dates in _dates("created_at", created_at, self._desk)),
            *(LeadSelection(updated_at=dates) for dates in _dates("updated_at", updated_at, self._desk)),
        ] or [
            LeadSelection(
                static_list_id=_id(static_list),
                static_list_name=_name(static_list),
                smart_list_id=_id(smart_list),
                smart_list_name=_name(smart_list),
            )
        ]
        check(self.rows, found, await self._fields.leads())
        return Request(kind=self.rows, fields=found, selections=selections, format=format)


class ActivityFiles(Kind[ActivitySelection, T], BulkActivities):
    """Activities out of files of any size: ``dict`` rows, or your own Struct (``of``); ``attributes`` are JSON."""

    rows = "activities"

    def of(self, model: type[M]) -> ActivityFiles[M]:
        """Return the same family with rows as instances of *model*, a Struct; only its fields are asked for."""
        return ActivityFiles(self._sender, self._desk, model)

    @stream
    async def export(
        self,
        *,
        created_at: Between,
        types: Iterable[int] | None = None,
        primary_values: Sequence[int] | Sequence[str] | None = None,
        fields: Names = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the activities of a range of any length, of all *types* or some by id.

        *primary_values* are at most 50 ids or names of what *types* of one kind are about. Without *fields* the
        columns are Marketo's own; ``actionResult`` comes only where it is asked for. For the rest see
        ``marketo.bulk.leads.export``.
        """
        request = self._request(created_at, types, primary_values, fields)
        manner = await self._manner(poll, on_quota, progress)
        async for row in self._rows(request, manner, null=null, on_bad_row=on_bad_row):
            yield row

    @composite
    async def export_to(
        self,
        path: PathLike,
        *,
        created_at: Between,
        types: Iterable[int] | None = None,
        primary_values: Sequence[int] | Sequence[str] | None = None,
        fields: Names = None,
        format: OutputFormat | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write the activities of a range of any length to a file; see ``marketo.bulk.leads.export_to``."""
        request = self._request(created_at, types, primary_values, fields, _format(Path(path), format))
        manner = await self._manner(poll, on_quota, progress)
        return await self._written(path, request, manner, format, start_over=start_over)

    def _request(
        self,
        created_at: Between,
        types: Iterable[int] | None,
        primary_values: Sequence[int] | Sequence[str] | None,
        fields: Names,
        format: FileFormat = "CSV",
    ) -> Request[ActivitySelection]:
        found = self._asked(fields, ACTIVITY_FIELDS)
        check(self.rows, found, (*ACTIVITY_FIELDS, ACTION_RESULT))
        chosen = None if types is None else list(types)
        values = primary_values or []
        if isinstance(values, str):
            raise InvalidRequest(f"primary_values is a list of ids or names, not the text {values!r}")
        ids, names = ([value for value in values if isinstance(value, kind)] for kind in (int, str))
        selections = [
            ActivitySelection(
                created_at=dates,
                activity_type_ids=chosen,
                primary_attribute_value_ids=[value for value in ids if isinstance(value, int)] or None,
                primary_attribute_values=[value for value in names if isinstance(value, str)] or None,
            )
            for dates in _dates("created_at", created_at, self._desk)
        ]
        return Request(kind=self.rows, fields=found, selections=selections, format=format)


class ProgramMemberFiles(Kind[ProgramMemberSelection, T], BulkProgramMembers):
    """Members of programs out of and into files of any size: ``dict`` rows, or your own Struct (``of``)."""

    rows = "program members"

    def of(self, model: type[M]) -> ProgramMemberFiles[M]:
        """Return the same family with rows as instances of *model*, a Struct; only its fields are asked for."""
        return ProgramMemberFiles(self._sender, self._desk, model)

    @stream
    async def export(
        self,
        *,
        program_id: int | Sequence[int],
        fields: Names = None,
        status_names: Sequence[str] | None = None,
        updated_at: Between | None = None,
        is_exhausted: bool | None = None,
        null: bool = True,
        on_bad_row: OnBadRow | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
    ) -> AsyncGenerator[T, None]:
        """Yield the members of a program, or of at most 10, narrowed by all the others together.

        Without *fields* the columns are all that members have of their own; fields of leads can be asked for beside
        them. Of several programs, a row begins with its ``programId``. For the rest see ``marketo.bulk.leads.export``.
        """
        request = await self._request(program_id, fields, status_names, updated_at, is_exhausted)
        manner = await self._manner(poll, on_quota, progress)
        async for row in self._rows(request, manner, null=null, on_bad_row=on_bad_row):
            yield row

    @composite
    async def export_to(
        self,
        path: PathLike,
        *,
        program_id: int | Sequence[int],
        fields: Names = None,
        status_names: Sequence[str] | None = None,
        updated_at: Between | None = None,
        is_exhausted: bool | None = None,
        format: OutputFormat | None = None,
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write the members of programs to a file; see ``export`` and ``marketo.bulk.leads.export_to``."""
        request = await self._request(
            program_id, fields, status_names, updated_at, is_exhausted, _format(Path(path), format)
        )
        manner = await self._manner(poll, on_quota, progress)
        return await self._written(path, request, manner, format, start_over=start_over)

    @composite
    async def load(
        self,
        program_id: int,
        status: str,
        source: Source,
        *,
        fields: Names = None,
        null: bool = True,
        poll: float | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        """Make any number of people members of a program, all with one *status*; rows have an ``email``.

        For the rest see ``marketo.bulk.leads.load``.
        """

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(program_id, status, content, "CSV")

        importer = Importer(
            kind=self.rows,
            known=(*await self._fields.members(), *await self._fields.leads()),
            keys=("email",),
            send=send,
            look=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
        )
        return await Load(importer, self._desk, Patience(poll=poll), progress).run(source, fields, null=null)

    async def _request(
        self,
        program_id: int | Sequence[int],
        fields: Names,
        status_names: Sequence[str] | None,
        updated_at: Between | None,
        is_exhausted: bool | None,  # noqa: FBT001 - handed on
        format: FileFormat = "CSV",
    ) -> Request[ProgramMemberSelection]:
        own = await self._fields.members()
        found = self._asked(fields, own)
        if any(name not in own for name in found):
            check(self.rows, found, (*own, *await self._fields.leads()))
        one_of, many = (program_id, None) if isinstance(program_id, int) else (None, list(program_id))
        selections = [
            ProgramMemberSelection(
                program_id=one_of,
                program_ids=many,
                is_exhausted=is_exhausted,
                status_names=None if status_names is None else list(status_names),
                updated_at=dates,
            )
            for dates in _dates("updated_at", updated_at, self._desk) or (None,)
        ]
        return Request(kind=self.rows, fields=found, selections=selections, format=format)


class Bound:
    """A sender that puts the same arguments into every path."""

    def __init__(self, sender: Sender, path: Mapping[str, str]) -> None:
        self._sender, self._path = sender, path

    async def send(self, operation: Operation, plan: Plan[R]) -> R:
        """Make one call."""
        return await self._sender.send(operation, self._filled(plan))

    def pages(self, operation: Operation, listing: Listing[T]) -> Pager[T]:
        """Drain a listing."""
        return self._sender.pages(operation, self._filled(listing) if isinstance(listing, Plan) else listing)

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink) -> None:
        """Bring a file into *sink*."""
        await self._sender.stream(operation, self._filled(plan), sink)

    def _filled(self, plan: Plan[R]) -> Plan[R]:
        return replace(plan, path={**self._path, **plan.path})


class CustomObjectFiles(Kind[CustomObjectSelection, T]):
    """Custom objects of one type out of and into files of any size: ``dict`` rows, or your own Struct (``of``).

    Only types that are linked to leads directly can be exported, and no objects of the CRM.
    """

    name, root = "bulk_custom_objects", "/bulk/v1/customobjects/{apiName}"
    rights = ("Read-Only Custom Object",)
    rows = "custom objects"

    def __init__(self, sender: Sender, desk: Desk, model: type[T], api_name: str) -> None:
        super().__init__(Bound(sender, {"apiName": api_name}), desk, model)
        self.api_name = api_name
        self._plain = sender
        self._fields = Fields(sender, desk)

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

    @stream
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
        async for row in self._rows(request, manner, null=null, on_bad_row=on_bad_row):
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
        poll: float | None = None,
        on_quota: OnQuota = "raise",
        progress: Hook | None = None,
        start_over: bool = False,
    ) -> ExportReport:
        """Write objects to a file; see ``export`` and ``marketo.bulk.leads.export_to``."""
        request = await self._request(fields, updated_at, static_list, smart_list, _format(Path(path), format))
        manner = await self._manner(poll, on_quota, progress)
        return await self._written(path, request, manner, format, start_over=start_over)

    @composite
    async def load(
        self,
        source: Source,
        *,
        fields: Names = None,
        null: bool = True,
        poll: float | None = None,
        progress: Callable[[ImportProgress], None] | None = None,
    ) -> ImportReport:
        """Create or update any number of objects, found by the type's dedupe fields.

        For the rest see ``marketo.bulk.leads.load``.
        """

        async def send(content: bytes) -> ImportJob:
            return await self.import_file(content, "CSV")

        known, keys = await self._fields.objects(self.api_name)
        importer = Importer(
            kind=f"{self.api_name} objects",
            known=known,
            keys=keys,
            send=send,
            look=self.import_status,
            failures=self.import_failures,
            warnings=self.import_warnings,
        )
        return await Load(importer, self._desk, Patience(poll=poll), progress).run(source, fields, null=null)

    async def _request(
        self,
        fields: Names,
        updated_at: Between | None,
        static_list: int | str | None,
        smart_list: int | str | None,
        format: FileFormat = "CSV",
    ) -> Request[CustomObjectSelection]:
        _only(self.rows, updated_at=updated_at, static_list=static_list, smart_list=smart_list)
        known, _ = await self._fields.objects(self.api_name)
        found = self._asked(fields, known)
        check(f"{self.api_name} objects", found, known)
        selections = [
            CustomObjectSelection(updated_at=dates) for dates in _dates("updated_at", updated_at, self._desk)
        ] or [
            CustomObjectSelection(
                static_list_id=_id(static_list),
                static_list_name=_name(static_list),
                smart_list_id=_id(smart_list),
                smart_list_name=_name(smart_list),
            )
        ]
        return Request(kind=f"{self.api_name} objects", fields=found, selections=selections, format=format)
