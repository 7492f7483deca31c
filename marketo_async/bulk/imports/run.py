"""`ImportRun`: an import of any size. All rows are checked and written to files before the first file is sent.

So if any row is bad, nothing is sent. A file whose response is lost is not sent again: Marketo may be importing it, and
offers no list of imports to check. See ``files`` for the files, and ``rejects`` for the rejected rows.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from marketo_async.bulk.fields import Known, check
from marketo_async.bulk.imports.files import LANES, Columns, ImportFile, ImportFiles, InputRow
from marketo_async.bulk.imports.input_file import FileDialect, renamed, rows_of
from marketo_async.bulk.imports.record_files import RecordReader, record_reader, records_of
from marketo_async.bulk.imports.rejects import ListedRows, find_rejected, read_rejects
from marketo_async.bulk.progress import ImportProgress, ImportReport, Rejected, RejectedKind, Unlisted, check_hook, emit
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.errors import Busy, ImportStopped, InvalidRequest, JobFailed, MarketoError, NotFound, OutcomeUnknown
from marketo_async.models.bulk import ImportJob
from marketo_async.workthread import WorkThread

log = logging.getLogger("marketo_async.bulk")

Source = Iterable[InputRow] | AsyncIterable[InputRow] | str | os.PathLike[str]

_ROWS_PER_TURN = 1_000  # rows written before other tasks of the event loop run


class Importer(Struct, frozen=True, kw_only=True):
    """The calls of one kind of import, the ``known`` columns of its files, and the ``keys`` that must be among them."""

    kind: str
    known: Known
    keys: Sequence[str]
    send: Callable[[bytes], Awaitable[ImportJob]]
    status: Callable[[int], Awaitable[ImportJob]]
    failures: Callable[[int], Awaitable[bytes]]
    warnings: Callable[[int], Awaitable[bytes]]
    lanes: int = LANES
    scope: Hashable = None  # of the keys that are held while their file is under way


class _Upload(Struct, kw_only=True):
    """A file and its state: its job once Marketo accepted it, and whether the response was lost.

    ``done`` means that the job is complete and its rejected rows are known.
    """

    file: ImportFile
    job: ImportJob | None = None
    lost: bool = False
    done: bool = False

    @property
    def rows(self) -> tuple[int, int]:
        """The half-open range of the input that contains its rows."""
        return self.file.first, self.file.end

    @property
    def unsent(self) -> bool:
        """Whether Marketo has certainly not received the file."""
        return self.job is None and not self.lost

    @property
    def unknown(self) -> bool:
        """Whether the file may have been sent, and its result is not known."""
        return self.lost or (self.job is not None and not self.done and self.job.status.casefold() != "failed")


class ImportRun:
    """One import; ``hook`` receives its progress, ``on_rejected`` the rejected rows of each file."""

    def __init__(
        self,
        importer: Importer,
        slots: JobSlots,
        polling: Polling,
        hook: Callable[[ImportProgress], None] | None = None,
        on_rejected: Callable[[list[Rejected]], None] | None = None,
    ) -> None:
        check_hook(hook)
        self._importer, self._slots, self._polling, self._hook = importer, slots, polling, hook
        self._on_rejected = on_rejected
        self._uploads: list[_Upload] = []
        self._rejected: dict[RejectedKind, list[Rejected]] = {"failure": [], "warning": []}
        self._unlisted: list[Unlisted] = []
        self._columns: Columns | None = None
        self._files: ImportFiles | None = None
        self._error: MarketoError | None = None

    async def run(
        self, source: Source, fields: Sequence[str] | None, dialect: FileDialect, *, dry_run: bool = False
    ) -> ImportReport:
        """Send all rows, and return the report; ``dialect`` says how to read a file. A dry run only checks the rows."""
        with TemporaryDirectory(prefix="marketo-async-") as folder:
            await self._read(source, fields, dialect, Path(folder))
            if dry_run:
                return self._report()
            await self._send_lane(self._uploads[:1])
            later = self._uploads[1:]
            lanes = [[upload for upload in later if upload.file.lane == lane] for lane in range(self._importer.lanes)]
            await _run_lanes([self._send_lane(uploads) for uploads in lanes])
            if self._error is not None:
                raise self._import_stopped(self._error) from self._error
        return self._report()

    async def _read(self, source: Source, fields: Sequence[str] | None, dialect: FileDialect, folder: Path) -> None:
        """Write all rows to files, and close those, also after an error."""
        begin = partial(self._begin, folder, fields)
        try:
            async with aclosing(_rows(source, dialect, self._importer.known, begin)) as rows:
                async for row in rows:
                    files = self._files or begin(row)
                    files.add(row)
                    if files.rows % _ROWS_PER_TURN == 0:
                        self._report_progress()
                        await asyncio.sleep(0)
        finally:
            if self._files is not None:
                self._uploads = [_Upload(file=file) for file in self._files.close()]

    def _begin(self, folder: Path, fields: Sequence[str] | None, first: InputRow) -> ImportFiles:
        """Check the columns, from the first row or a file's header, and return the `ImportFiles` for the rows."""
        self._columns = Columns(first, fields)
        self._check(self._columns.names)
        self._columns.cells(0, first)  # a header may have other columns than ``fields``, and no row may follow
        self._files = ImportFiles(folder, self._columns, self._importer.keys, lanes=self._importer.lanes)
        return self._files

    def _check(self, names: Sequence[str]) -> None:
        """Raise `InvalidRequest` for columns that Marketo would refuse."""
        check(self._importer.kind, names, self._importer.known)
        if missing := [key for key in self._importer.keys if key not in names]:
            raise InvalidRequest(
                f"{self._importer.kind} are found by {', '.join(self._importer.keys)}: add {missing[0]} to the rows"
            )

    async def _send_lane(self, uploads: Sequence[_Upload]) -> None:
        """Send files one after the other, each after Marketo has imported the one before."""
        for upload in uploads:
            if self._error is not None:
                return
            claim = await self._slots.in_flight().hold(self._importer.scope, await self._keys(upload.file))
            try:
                await self._import(upload)
            except MarketoError as error:
                self._error = self._error or error
            finally:
                claim.release()

    async def _keys(self, file: ImportFile) -> set[Hashable]:
        if self._columns is None or self._importer.scope is None:
            return set()
        return await WorkThread("marketo-async-import").run(file.keys, self._columns.names, self._importer.keys)

    async def _import(self, upload: _Upload) -> None:
        content = await WorkThread("marketo-async-import").run(upload.file.path.read_bytes)
        upload.job = await self._send(upload, content)
        polls = 0
        while upload.job.status.casefold() in {"queued", "importing"}:
            self._report_progress()
            await self._slots.sleep(self._polling.import_wait(self._slots.rng, polls))
            upload.job = await self._importer.status(upload.job.batch_id)
            polls += 1
        status = upload.job.status.casefold()
        if status not in {"complete", "completed"}:
            what = "the import failed" if status == "failed" else "the import has an unknown status"
            raise JobFailed(
                what,
                job_id=str(upload.job.batch_id),
                status=upload.job.status,
                reason=upload.job.message or f"Marketo gives no reason (status: {upload.job.status})",
                hint="" if status == "failed" else "check the instance before you send these rows again",
            )
        upload.done = True
        failed, warned = upload.job.num_of_rows_failed, upload.job.num_of_rows_with_warning
        await self._reject("failure", upload.file, upload.job, failed, self._importer.failures)
        await self._reject("warning", upload.file, upload.job, warned, self._importer.warnings)
        self._report_progress()

    async def _send(self, upload: _Upload, content: bytes) -> ImportJob:
        """Send a file; waits as long as the queue is full or its static list is busy."""
        while True:
            try:
                return await self._importer.send(content)
            except Busy as busy:
                log.info("the import has to wait: %s", busy)
                await self._slots.sleep(self._polling.queue_wait(self._slots.rng))
            except OutcomeUnknown:
                upload.lost = True
                raise

    async def _reject(
        self,
        kind: RejectedKind,
        file: ImportFile,
        job: ImportJob,
        count: int | None,
        fetch: Callable[[int], Awaitable[bytes]],
    ) -> None:
        """Find the rows of one file that Marketo rejected; those that it counts but does not list become `Unlisted`."""
        if count == 0 or self._columns is None:
            return
        names = self._columns.names
        try:
            found = read_rejects(await fetch(job.batch_id), ",", names)
        except NotFound as missing:
            if count is None:  # Marketo makes the file only for such rows
                return
            found = ListedRows([], str(missing))
        except MarketoError as error:
            found = ListedRows([], str(error))
        rejected = find_rejected(kind, found.rows, names, self._importer.keys, file.numbered, batch_id=job.batch_id)
        if found.flaw if count is None else len(rejected) < count:
            unlisted = Unlisted(
                kind=kind,
                batch_id=job.batch_id,
                first=file.first,
                end=file.end,
                rows=None if count is None else count - len(rejected),
                reason=found.flaw or f"Marketo lists {len(rejected):,} rows, but counts {count:,}",
            )
            log.warning("import %s: Marketo does not list all rejected rows: %s", job.batch_id, unlisted.reason)
            self._unlisted.append(unlisted)
        self._rejected[kind] += rejected
        if rejected:
            emit(self._on_rejected, rejected)

    def _import_stopped(self, error: MarketoError) -> ImportStopped:
        taken = sum(upload.file.rows for upload in self._uploads if upload.done)
        return ImportStopped(
            f"the import stopped after {taken:,} of {self._rows:,} rows: {error}",
            report=self._report(),
            unknown=[upload.rows for upload in self._uploads if upload.unknown],
            unsent=[upload.rows for upload in self._uploads if upload.unsent],
        )

    @property
    def _rows(self) -> int:
        return self._files.rows if self._files else 0

    def _report(self) -> ImportReport:
        jobs = [upload.job for upload in self._uploads if upload.job is not None]
        return ImportReport(
            rows=self._rows,
            processed=sum(job.processed or 0 for job in jobs),
            failures=sorted(self._rejected["failure"], key=_by_index),
            warnings=sorted(self._rejected["warning"], key=_by_index),
            jobs=jobs,
            unlisted=sorted(self._unlisted, key=lambda group: group.first),
            files=len(self._uploads),
        )

    def _report_progress(self) -> None:
        emit(self._hook, self._progress())

    def _progress(self) -> ImportProgress:
        jobs = [upload.job for upload in self._uploads if upload.job is not None]
        statuses = [job.status.casefold() for job in jobs]
        return ImportProgress(
            kind=self._importer.kind,
            rows=self._rows,
            files=len(self._uploads),
            files_done=sum(upload.done for upload in self._uploads),
            queued=statuses.count("queued"),
            importing=statuses.count("importing"),
            bytes=self._files.size if self._files else 0,
            processed=sum(job.processed or 0 for job in jobs),
            failed=sum(job.num_of_rows_failed or 0 for job in jobs),
            warned=sum(job.num_of_rows_with_warning or 0 for job in jobs),
            under_way=tuple(upload.job.batch_id for upload in self._uploads if upload.job and upload.unknown),
        )


def _by_index(rejected: Rejected) -> tuple[bool, int]:
    return rejected.index is None, rejected.index or 0


async def _run_lanes(lanes: Sequence[Awaitable[None]]) -> None:
    """Run lanes concurrently; if one raises, the others are cancelled."""
    tasks = [asyncio.ensure_future(lane) for lane in lanes]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _records(
    path: Path, reader: RecordReader, rename: Mapping[str, str], header: Callable[[InputRow], object]
) -> AsyncGenerator[InputRow, None]:
    """Yield the rows of a file of records, with the API names of their members."""

    def begin(columns: Sequence[str]) -> None:
        header(dict.fromkeys(renamed(columns, rename)))

    async with aclosing(records_of(path, reader, begin)) as rows:
        async for row in rows:
            yield dict(zip(renamed(list(row), rename), row.values(), strict=True)) if rename else row


async def _rows(
    source: Source, dialect: FileDialect, known: Known, header: Callable[[InputRow], object]
) -> AsyncGenerator[InputRow, None]:
    """Yield the rows of any source; ``header`` receives a row without values that has the columns of a file."""
    if isinstance(source, str | os.PathLike):
        reader = record_reader(Path(source)) if dialect.encoding is None and dialect.delimiter is None else None
        if reader is not None:
            async with aclosing(_records(Path(source), reader, dialect.rename, header)) as records:
                async for record in records:
                    yield record
            return
        names = {*known, *(shown for shown in known.values() if shown)}
        in_file = rows_of(Path(source), dialect, names, lambda columns: header(dict.fromkeys(columns)))
        async with aclosing(in_file) as rows:
            async for row in rows:
                yield row
        return
    if dialect.encoding is not None or dialect.delimiter is not None or dialect.rename:
        raise InvalidRequest(
            "encoding, delimiter and rename apply to a file: pass its path as the source, or leave them out"
        )
    if isinstance(source, AsyncIterable):
        async for given in source:
            yield given
    else:
        for given in source:
            yield given
