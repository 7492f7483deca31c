"""`Load`: an import of any size. Rows are checked and put into files first, and only then the files go out.

A bad row in the millionth place so costs nothing: nothing was sent yet. A file whose answer was lost is not sent again,
as Marketo may be at work on it, and has no list of imports to look it up in. Not here: the files (``chunks``), and how
rejected rows are found again (``rejects``).
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Hashable, Iterable, Sequence
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from marketo_async.bulk.chunks import LANES, Chunk, Chunker, Columns, Given
from marketo_async.bulk.desk import Desk, Patience
from marketo_async.bulk.fields import check
from marketo_async.bulk.progress import ImportProgress, ImportReport, Rejected, tell
from marketo_async.bulk.rejects import mapped
from marketo_async.bulk.rows import BLOCK, DictMaker, Reader, Row
from marketo_async.errors import Busy, ImportStopped, InvalidRequest, JobFailed, MarketoError, NotFound, OutcomeUnknown
from marketo_async.models.bulk import FileFormat, ImportJob

log = logging.getLogger("marketo_async.bulk")

Source = Iterable[Given] | AsyncIterable[Given] | str | os.PathLike[str]

_ROWS = 1_000  # taken from an iterable before others get their turn
_FORMATS: dict[str, FileFormat] = {".csv": "CSV", ".tsv": "TSV", ".ssv": "SSV"}


class Importer(Struct, frozen=True, kw_only=True):
    """The calls of one kind of import, and what its files have to hold: *known* columns, and *keys* among them."""

    kind: str
    known: Sequence[str]
    keys: Sequence[str]
    send: Callable[[bytes], Awaitable[ImportJob]]
    look: Callable[[int], Awaitable[ImportJob]]
    failures: Callable[[int], Awaitable[bytes]]
    warnings: Callable[[int], Awaitable[bytes]]
    lanes: int = LANES
    scope: Hashable = None  # in which `keys` are held while their file is under way


class _Sent(Struct, kw_only=True):
    """A file and what is known of it: its job once it was taken, and whether its answer was lost."""

    chunk: Chunk
    job: ImportJob | None = None
    lost: bool = False
    over: bool = False


class Load:
    """One import under way; *hook* is told how far it is."""

    def __init__(
        self,
        importer: Importer,
        desk: Desk,
        patience: Patience,
        hook: Callable[[ImportProgress], None] | None = None,
    ) -> None:
        self._importer, self._desk, self._patience, self._hook = importer, desk, patience, hook
        self._sent: list[_Sent] = []
        self._failures: list[Rejected] = []
        self._warnings: list[Rejected] = []
        self._columns: Columns | None = None
        self._chunker: Chunker | None = None
        self._error: MarketoError | None = None

    async def run(self, source: Source, fields: Sequence[str] | None, *, null: bool = True) -> ImportReport:
        """Send all rows, and return what became of them."""
        with TemporaryDirectory(prefix="marketo-async-") as folder:
            await self._read(source, fields, Path(folder), null=null)
            await self._lane(self._sent[:1])
            lanes = range(self._importer.lanes)
            await _together([self._lane([one for one in self._sent[1:] if one.chunk.lane == lane]) for lane in lanes])
            if self._error is not None:
                raise self._stopped(self._error) from self._error
        return self._report()

    async def _read(self, source: Source, fields: Sequence[str] | None, folder: Path, *, null: bool) -> None:
        """Put all rows into files, which are closed whatever comes."""
        try:
            async with aclosing(_rows(source, null=null)) as rows:
                async for row in rows:
                    if self._chunker is None:
                        self._columns = Columns(row, fields)
                        self._check(self._columns.names)
                        self._chunker = Chunker(folder, self._columns, self._importer.keys, lanes=self._importer.lanes)
                    self._chunker.add(row)
                    if self._chunker.rows % _ROWS == 0:
                        self._tell()
                        await asyncio.sleep(0)
        finally:
            if self._chunker is not None:
                self._sent = [_Sent(chunk=chunk) for chunk in self._chunker.close()]

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
            claim = await self._desk.in_flight().hold(self._importer.scope, await self._keys(one.chunk))
            try:
                await self._through(one)
            except MarketoError as error:
                self._error = self._error or error
            finally:
                claim.release()

    async def _keys(self, chunk: Chunk) -> set[Hashable]:
        if self._columns is None or self._importer.scope is None:
            return set()
        return await asyncio.to_thread(chunk.keys, self._columns.names, self._importer.keys)

    async def _through(self, one: _Sent) -> None:
        content = await asyncio.to_thread(one.chunk.path.read_bytes)
        one.job = await self._taken(one, content)
        looks = 0
        while one.job.status.casefold() in {"queued", "importing"}:
            self._tell()
            await asyncio.sleep(self._patience.imported(self._desk.rng, looks))
            one.job = await self._importer.look(one.job.batch_id)
            looks += 1
        one.over = True
        if one.job.status.casefold() == "failed":
            raise JobFailed(
                "the import failed",
                job_id=str(one.job.batch_id),
                status=one.job.status,
                reason=one.job.message or "no reason is told",
            )
        failed, warned = one.job.num_of_rows_failed, one.job.num_of_rows_with_warning
        self._failures += await self._rejected(one.chunk, one.job, failed, self._importer.failures)
        self._warnings += await self._rejected(one.chunk, one.job, warned, self._importer.warnings)
        self._tell()

    async def _taken(self, one: _Sent, content: bytes) -> ImportJob:
        """Send a file, however long the queue is full or its list busy."""
        while True:
            try:
                return await self._importer.send(content)
            except Busy as full:
                log.info("%s", full)
                await asyncio.sleep(self._patience.queue(self._desk.rng))
            except OutcomeUnknown:
                one.lost = True
                raise

    async def _rejected(
        self, chunk: Chunk, job: ImportJob, count: int | None, fetch: Callable[[int], Awaitable[bytes]]
    ) -> list[Rejected]:
        if count == 0 or self._columns is None:
            return []
        try:
            content = await fetch(job.batch_id)
        except NotFound:  # there is no file where there are no such rows
            return []
        names, keys = self._columns.names, self._importer.keys
        return mapped(content, ",", names, keys, chunk.numbered, batch_id=job.batch_id)

    def _stopped(self, error: MarketoError) -> ImportStopped:
        unknown = [(one.chunk.first, one.chunk.behind) for one in self._sent if one.lost]
        unsent = [(one.chunk.first, one.chunk.behind) for one in self._sent if one.job is None and not one.lost]
        taken = sum(one.chunk.rows for one in self._sent if one.job is not None)
        return ImportStopped(
            f"the import stopped after {taken:,} of {self._rows:,} rows: {error}",
            report=self._report(),
            unknown=unknown,
            unsent=unsent,
        )

    @property
    def _rows(self) -> int:
        return self._chunker.rows if self._chunker else 0

    def _report(self) -> ImportReport:
        jobs = [one.job for one in self._sent if one.job is not None]
        return ImportReport(
            rows=self._rows,
            processed=sum(job.processed or 0 for job in jobs),
            failures=sorted(self._failures, key=_place),
            warnings=sorted(self._warnings, key=_place),
            jobs=jobs,
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


async def _rows(source: Source, *, null: bool) -> AsyncGenerator[Given, None]:
    if isinstance(source, str | os.PathLike):
        async with aclosing(_of_file(Path(source), null=null)) as rows:
            async for row in rows:
                yield row
    elif isinstance(source, AsyncIterable):
        async for given in source:
            yield given
    else:
        for given in source:
            yield given


async def _of_file(path: Path, *, null: bool) -> AsyncGenerator[Row, None]:
    """Yield the rows of a file that somebody else wrote: CSV, or what its suffix says."""
    reader: Reader[Row] = Reader(DictMaker, format=_FORMATS.get(path.suffix.lower(), "CSV"), null=null)
    with path.open("rb") as file:
        while block := await asyncio.to_thread(file.read, BLOCK):
            for row in reader.feed(block):
                yield row
    while left := reader.close():
        for row in left:
            yield row
