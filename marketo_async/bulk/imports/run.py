"""`ImportRun`: an import of any size. Rows are checked and put into files first, and only then the files go out.

A bad row in the millionth place so costs nothing: nothing was sent yet. A file whose answer was lost is not sent again,
as Marketo may be at work on it, and has no list of imports to look it up in. See ``files`` for the files, and
``rejects`` for the rejected rows.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import aclosing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from marketo_async.bulk.fields import Known, check
from marketo_async.bulk.imports.files import LANES, Columns, Given, ImportFile, ImportFiles
from marketo_async.bulk.imports.input_file import FileDialect, rows_of
from marketo_async.bulk.imports.rejects import Listed, listed, mapped
from marketo_async.bulk.progress import ImportProgress, ImportReport, Rejected, RejectedKind, Unlisted, check_hook, tell
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.errors import Busy, ImportStopped, InvalidRequest, JobFailed, MarketoError, NotFound, OutcomeUnknown
from marketo_async.models.bulk import ImportJob
from marketo_async.workthread import WorkThread

log = logging.getLogger("marketo_async.bulk")

Source = Iterable[Given] | AsyncIterable[Given] | str | os.PathLike[str]

_ROWS = 1_000  # taken from an iterable before others get their turn


class Importer(Struct, frozen=True, kw_only=True):
    """The calls of one kind of import, and what its files have to hold: ``known`` columns, and ``keys`` among them."""

    kind: str
    known: Known
    keys: Sequence[str]
    send: Callable[[bytes], Awaitable[ImportJob]]
    look: Callable[[int], Awaitable[ImportJob]]
    failures: Callable[[int], Awaitable[bytes]]
    warnings: Callable[[int], Awaitable[bytes]]
    lanes: int = LANES
    scope: Hashable = None  # in which `keys` are held while their file is under way


class _Sent(Struct, kw_only=True):
    """A file and what is known of it: its job once it was taken, and whether its answer was lost.

    ``over`` says that its job is complete, and its rejected rows are known.
    """

    chunk: ImportFile
    job: ImportJob | None = None
    lost: bool = False
    over: bool = False

    @property
    def rows(self) -> tuple[int, int]:
        """The input's rows that it holds are some of these: the first, and the one after the last."""
        return self.chunk.first, self.chunk.end

    @property
    def unsent(self) -> bool:
        """Whether Marketo has certainly not received it."""
        return self.job is None and not self.lost

    @property
    def unknown(self) -> bool:
        """Whether it was sent and it is not known what becomes of it."""
        return self.lost or (self.job is not None and not self.over and self.job.status.casefold() != "failed")


class ImportRun:
    """One import under way; ``hook`` receives how far it is, ``on_rejected`` the rejected rows of each file."""

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
        self._sent: list[_Sent] = []
        self._rejected: dict[RejectedKind, list[Rejected]] = {"failure": [], "warning": []}
        self._unlisted: list[Unlisted] = []
        self._columns: Columns | None = None
        self._chunker: ImportFiles | None = None
        self._error: MarketoError | None = None

    async def run(self, source: Source, fields: Sequence[str] | None, dialect: FileDialect) -> ImportReport:
        """Send all rows, and return what became of them; a file is read as ``dialect`` says."""
        with TemporaryDirectory(prefix="marketo-async-") as folder:
            await self._read(source, fields, dialect, Path(folder))
            await self._lane(self._sent[:1])
            lanes = range(self._importer.lanes)
            await _together([self._lane([one for one in self._sent[1:] if one.chunk.lane == lane]) for lane in lanes])
            if self._error is not None:
                raise self._stopped(self._error) from self._error
        return self._report()

    async def _read(self, source: Source, fields: Sequence[str] | None, dialect: FileDialect, folder: Path) -> None:
        """Put all rows into files, which are closed whatever comes."""
        begin = partial(self._begun, folder, fields)
        try:
            async with aclosing(_rows(source, dialect, self._importer.known, begin)) as rows:
                async for row in rows:
                    chunker = self._chunker or begin(row)
                    chunker.add(row)
                    if chunker.rows % _ROWS == 0:
                        self._tell()
                        await asyncio.sleep(0)
        finally:
            if self._chunker is not None:
                self._sent = [_Sent(chunk=chunk) for chunk in self._chunker.close()]

    def _begun(self, folder: Path, fields: Sequence[str] | None, first: Given) -> ImportFiles:
        """Check the columns by the first row, or by the header of a file, and return what takes the rows."""
        self._columns = Columns(first, fields)
        self._check(self._columns.names)
        self._columns.cells(0, first)  # a header may have columns that are not among ``fields``, and no row follow
        self._chunker = ImportFiles(folder, self._columns, self._importer.keys, lanes=self._importer.lanes)
        return self._chunker

    def _check(self, names: Sequence[str]) -> None:
        """Refuse columns that Marketo would refuse, before anything is read or sent."""
        check(self._importer.kind, names, self._importer.known)
        if missing := [key for key in self._importer.keys if key not in names]:
            raise InvalidRequest(
                f"{self._importer.kind} are found by {', '.join(self._importer.keys)}: the rows have no {missing[0]}"
            )

    async def _lane(self, files: Sequence[_Sent]) -> None:
        """Send files one after the other, each once the one before it has been imported."""
        for one in files:
            if self._error is not None:
                return
            claim = await self._slots.in_flight().hold(self._importer.scope, await self._keys(one.chunk))
            try:
                await self._through(one)
            except MarketoError as error:
                self._error = self._error or error
            finally:
                claim.release()

    async def _keys(self, chunk: ImportFile) -> set[Hashable]:
        if self._columns is None or self._importer.scope is None:
            return set()
        return await WorkThread("marketo-async-import").run(chunk.keys, self._columns.names, self._importer.keys)

    async def _through(self, one: _Sent) -> None:
        content = await WorkThread("marketo-async-import").run(one.chunk.path.read_bytes)
        one.job = await self._taken(one, content)
        looks = 0
        while one.job.status.casefold() in {"queued", "importing"}:
            self._tell()
            await self._slots.sleep(self._polling.imported(self._slots.rng, looks))
            one.job = await self._importer.look(one.job.batch_id)
            looks += 1
        status = one.job.status.casefold()
        if status not in {"complete", "completed"}:
            what = "the import failed" if status == "failed" else "the import has a status that is not known"
            raise JobFailed(
                what,
                job_id=str(one.job.batch_id),
                status=one.job.status,
                reason=one.job.message or f"Marketo gives no reason (status: {one.job.status})",
                hint="" if status == "failed" else "look at the instance before you send its rows again",
            )
        one.over = True
        failed, warned = one.job.num_of_rows_failed, one.job.num_of_rows_with_warning
        await self._reject("failure", one.chunk, one.job, failed, self._importer.failures)
        await self._reject("warning", one.chunk, one.job, warned, self._importer.warnings)
        self._tell()

    async def _taken(self, one: _Sent, content: bytes) -> ImportJob:
        """Send a file, however long the queue is full or its list busy."""
        while True:
            try:
                return await self._importer.send(content)
            except Busy as full:
                log.info("%s", full)
                await self._slots.sleep(self._polling.queue(self._slots.rng))
            except OutcomeUnknown:
                one.lost = True
                raise

    async def _reject(
        self,
        kind: RejectedKind,
        chunk: ImportFile,
        job: ImportJob,
        count: int | None,
        fetch: Callable[[int], Awaitable[bytes]],
    ) -> None:
        """Find the rows that Marketo rejected in one file; those that it only counts become `Unlisted`."""
        if count == 0 or self._columns is None:
            return
        names = self._columns.names
        try:
            found = listed(await fetch(job.batch_id), ",", names)
        except NotFound as missing:
            if count is None:  # there is no file where there are no such rows
                return
            found = Listed([], str(missing))
        except MarketoError as error:
            found = Listed([], str(error))
        rejected = mapped(kind, found.rows, names, self._importer.keys, chunk.numbered, batch_id=job.batch_id)
        if found.flaw if count is None else len(rejected) < count:
            unlisted = Unlisted(
                kind=kind,
                batch_id=job.batch_id,
                first=chunk.first,
                end=chunk.end,
                rows=None if count is None else count - len(rejected),
                reason=found.flaw or f"the file lists {len(rejected):,} rows, Marketo counts {count:,}",
            )
            log.warning("import %s: rejected rows are not listed: %s", job.batch_id, unlisted.reason)
            self._unlisted.append(unlisted)
        self._rejected[kind] += rejected
        if rejected:
            tell(self._on_rejected, rejected)

    def _stopped(self, error: MarketoError) -> ImportStopped:
        taken = sum(one.chunk.rows for one in self._sent if one.over)
        return ImportStopped(
            f"the import stopped after {taken:,} of {self._rows:,} rows: {error}",
            report=self._report(),
            unknown=[one.rows for one in self._sent if one.unknown],
            unsent=[one.rows for one in self._sent if one.unsent],
        )

    @property
    def _rows(self) -> int:
        return self._chunker.rows if self._chunker else 0

    def _report(self) -> ImportReport:
        jobs = [one.job for one in self._sent if one.job is not None]
        return ImportReport(
            rows=self._rows,
            processed=sum(job.processed or 0 for job in jobs),
            failures=sorted(self._rejected["failure"], key=_place),
            warnings=sorted(self._rejected["warning"], key=_place),
            jobs=jobs,
            unlisted=sorted(self._unlisted, key=lambda one: one.first),
        )

    def _tell(self) -> None:
        tell(self._hook, self._progress())

    def _progress(self) -> ImportProgress:
        jobs = [one.job for one in self._sent if one.job is not None]
        stand = [job.status.casefold() for job in jobs]
        return ImportProgress(
            kind=self._importer.kind,
            rows=self._rows,
            files=len(self._sent),
            files_done=sum(one.over for one in self._sent),
            queued=stand.count("queued"),
            importing=stand.count("importing"),
            bytes=self._chunker.size if self._chunker else 0,
            processed=sum(job.processed or 0 for job in jobs),
            failed=sum(job.num_of_rows_failed or 0 for job in jobs),
            warned=sum(job.num_of_rows_with_warning or 0 for job in jobs),
        )


def _place(rejected: Rejected) -> tuple[bool, int]:
    return rejected.index is None, rejected.index or 0


async def _together(lanes: Sequence[Awaitable[None]]) -> None:
    """Run lanes side by side to their ends; where one breaks, the others are cancelled."""
    tasks = [asyncio.ensure_future(lane) for lane in lanes]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _rows(
    source: Source, dialect: FileDialect, known: Known, header: Callable[[Given], object]
) -> AsyncGenerator[Given, None]:
    """Yield rows of any source; ``header`` receives a row without values for the columns of a file."""
    if isinstance(source, str | os.PathLike):
        names = {*known, *(shown for shown in known.values() if shown)}
        in_file = rows_of(Path(source), dialect, names, lambda columns: header(dict.fromkeys(columns)))
        async with aclosing(in_file) as rows:
            async for row in rows:
                yield row
        return
    if dialect.encoding is not None or dialect.delimiter is not None:
        raise InvalidRequest("encoding and delimiter say how a file is written; the source is not the path of a file")
    if isinstance(source, AsyncIterable):
        async for given in source:
            yield given
    else:
        for given in source:
            yield given
