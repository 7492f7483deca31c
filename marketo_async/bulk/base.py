"""`BulkFiles`: the common base of the four kinds of bulk files, and functions that check their arguments.

Each kind declares its single calls (``create``, ``enqueue``, ``status`` ...) and the composites ``export``,
``export_to``, ``download``, and ``load`` if Marketo imports that kind. See ``exports.export`` and ``imports.run``.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import ClassVar, Generic, Literal, TypeVar

from msgspec import Struct

from marketo_async.atomic_file import disk
from marketo_async.bulk.arrow_extra import RecordBatch, Table
from marketo_async.bulk.exports import export
from marketo_async.bulk.exports.beginning import beginning
from marketo_async.bulk.exports.endpoints import ExportEndpoints, S
from marketo_async.bulk.exports.export import ExportOptions, RowOptions
from marketo_async.bulk.exports.job_status import is_completed
from marketo_async.bulk.exports.jobs import download_file
from marketo_async.bulk.exports.output import OutputFormat, file_format, format_of
from marketo_async.bulk.exports.request import Calls, ExportRequest
from marketo_async.bulk.exports.run import Hook
from marketo_async.bulk.exports.span import Between, OpenRange, asked, needs_beginning, resolved
from marketo_async.bulk.exports.state import kept_span
from marketo_async.bulk.exports.windows import windows
from marketo_async.bulk.fields import KnownFields
from marketo_async.bulk.progress import ExportReport, check_hook
from marketo_async.bulk.rows.reader import OnBadRow
from marketo_async.bulk.rows.typed import ColumnTypes
from marketo_async.bulk.slots import JobSlots, OnQuota, Polling
from marketo_async.errors import InvalidRequest, JobFailed, MarketoError
from marketo_async.models.bulk import DateRange, FileFormat
from marketo_async.models.columns import ColumnType
from marketo_async.resources.arguments import Fields as Names
from marketo_async.resources.arguments import field_names
from marketo_async.resources.base import Sender
from marketo_async.resources.descriptors import composite

T = TypeVar("T")
M = TypeVar("M")
R = TypeVar("R")

log = logging.getLogger("marketo_async.bulk")

UsedToday = Callable[[], Awaitable[int]]
PathLike = str | os.PathLike[str]
ExportFields = Names | Literal["all"]


class ExportTarget(Struct, frozen=True):
    """The file of an export: its path and format, whether its values have types, and whether it is begun again."""

    path: Path
    output: OutputFormat
    typed: bool
    start_over: bool

    @classmethod
    def of(cls, path: PathLike, output: OutputFormat | None, *, typed: bool | None, start_over: bool) -> ExportTarget:
        """Return the target at ``path``; the format is the given one, else that of the suffix.

        Raises `InvalidRequest` if ``typed`` is true for text, which has no types; without it, only Parquet has them.
        """
        found = format_of(Path(path), output)
        if typed and found not in {"jsonl", "parquet"}:
            raise InvalidRequest(f"typed=True needs JSON lines or Parquet: a file in the format {found} has only text")
        return cls(Path(path), found, found == "parquet" if typed is None else typed, start_over)

    @property
    def format(self) -> FileFormat:
        """The format of the jobs' files."""
        return file_format(self.output)


class BulkFiles(ExportEndpoints[S], Generic[S, T]):
    """The exports of all kinds: rows as instances of ``model``, and the `JobSlots` that the whole client shares."""

    rows: ClassVar[str]

    def __init__(self, sender: Sender, slots: JobSlots, model: type[T], used_today: UsedToday) -> None:
        super().__init__(sender)
        self.model = model
        self._slots, self._used_today = slots, used_today
        self._fields = KnownFields(sender)

    @composite
    async def download(self, export_id: str, path: PathLike) -> int:
        """Download the file of a completed job to ``path``, and return its size in bytes.

        The download needs constant memory, resumes after a lost connection, and is compared with the job's length and
        SHA-256. Until it is complete, the file is ``NAME.part``, which a later call resumes. Raises `JobFailed` if the
        job is not completed, and `DamagedFile` if the checksum is wrong three times. Maps to ``status`` and ``file``.
        """
        job = await self.status(export_id)
        if not is_completed(job):
            raise JobFailed(
                "the job has no file", job_id=export_id, status=job.status, reason=f"its status is {job.status}"
            )
        whole = Path(path)
        part = whole.with_name(f"{whole.name}.part")
        await download_file(Calls(self, self._sender), job, part)
        return _rename(part, whole)

    async def _span(self, name: str, between: Between | None, target: ExportTarget | None) -> OpenRange | None:
        """Return a range whose ends do not move: that of an earlier run of the same export, else one as of now.

        Ranges without a start, and long ones, ask for the beginning of the instance (`beginning` says its price).
        """
        if between is None:
            return None
        text = asked(name, between)
        if target is not None and not target.start_over and (kept := kept_span(target.path, text)) is not None:
            return kept
        if needs_beginning(name, between, self._slots.now) and self._slots.began is None:
            self._slots.began = await beginning(self._sender)
        return resolved(name, between, self._slots.now, self._slots.began)

    def _rows(
        self, request: ExportRequest[S], options: ExportOptions, *, null: bool, on_bad_row: OnBadRow | None
    ) -> AsyncGenerator[T, None]:
        row_options = RowOptions(model=self.model, null=null, on_bad_row=on_bad_row)
        return export.rows(Calls(self, self._sender, request), request, self._slots, options, row_options)

    async def _batches(
        self, request: ExportRequest[S], options: ExportOptions, on_bad_row: OnBadRow | None
    ) -> AsyncGenerator[RecordBatch, None]:
        calls, types = Calls(self, self._sender, request), await self._types(request)
        async with aclosing(export.record_batches(calls, request, self._slots, options, types, on_bad_row)) as found:
            async for batch in found:
                yield batch

    async def _table(self, request: ExportRequest[S], options: ExportOptions, on_bad_row: OnBadRow | None) -> Table:
        from marketo_async.bulk.rows.arrow import table_of  # noqa: PLC0415 - needs pyarrow

        calls, types = Calls(self, self._sender, request), await self._types(request)
        async with aclosing(export.record_batches(calls, request, self._slots, options, types, on_bad_row)) as found:
            batches = [batch async for batch in found]
        return table_of(batches, request.columns(calls.fields), types)

    async def _types(self, request: ExportRequest[S]) -> ColumnTypes:  # noqa: ARG002 - activities look at it
        """Return the types of the columns of an export."""
        return ColumnTypes(await self._field_types())

    async def _field_types(self) -> Mapping[str, ColumnType]:
        """Return the types of the fields, as the instance describes them."""
        raise NotImplementedError

    async def _options(
        self, poll: float | None, on_quota: OnQuota, deadline: float | None, hook: Hook | None
    ) -> ExportOptions:
        check_hook(hook)
        used = None
        if hook is not None:
            try:
                used = await self._used_today()
            except MarketoError as error:  # the export does not need it
                log.warning("today's volume is not known, so progress is reported without it: %s", error)
        return ExportOptions(
            polling=Polling(poll=poll, on_quota=on_quota, deadline=deadline), hook=hook, used_before=used
        )

    async def _written(
        self, target: ExportTarget, request: ExportRequest[S], options: ExportOptions, on_bad_row: OnBadRow | None
    ) -> ExportReport:
        return await export.to_file(
            Calls(self, self._sender, request),
            request,
            self._slots,
            options,
            target.path,
            output=target.output,
            start_over=target.start_over,
            types=await self._types(request) if target.typed else None,
            on_bad_row=on_bad_row,
        )

    def _field_names(
        self, fields: ExportFields, known: Iterable[str], default: Sequence[str] | None = None
    ) -> list[str]:
        """Return the fields to export: all ``known`` ones, the given ones, those of the Struct, or the ``default``."""
        names = list(known) if fields == "all" else field_names(self.model, fields)
        if names is None:
            names = default
        if not names:
            raise InvalidRequest(f"name the fields of the {self.rows} to export, or use of() with a Struct")
        return list(names)


def _rename(part: Path, whole: Path) -> int:
    with disk(whole):
        part.replace(whole)
    return whole.stat().st_size


def dates_of(name: str, span: OpenRange | None, slots: JobSlots) -> list[DateRange]:
    """Return the windows of a range, an empty list without a range."""
    return [] if span is None else windows(name, (span.since, span.until), now=slots.now)


def id_of(selected: int | str | None) -> int | None:
    """Return the id, or ``None`` for a name."""
    return selected if isinstance(selected, int) else None


def name_of(selected: int | str | None) -> str | None:
    """Return the name, or ``None`` for an id."""
    return selected if isinstance(selected, str) else None


def only_one(kind: str, **given: object) -> str:
    """Return the name of the only selection that is given; raises `InvalidRequest` for none or several."""
    named = [name for name, value in given.items() if value is not None]
    if len(named) != 1:
        raise InvalidRequest(
            f"{kind} are selected by exactly one of {', '.join(given)}, not by {' and '.join(named) or 'none'}"
        )
    return named[0]
