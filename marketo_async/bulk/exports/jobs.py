"""The life of one export job, from its creation to its file: queue, polling, and recovery from errors.

It waits for a full queue; for a spent quota it raises or waits. If the response to ``create`` is lost, it looks for the
job before it creates another one. It never cancels a job found in this way, as only the file's mark proves that the job
is ours. A failed job, or one without a file, is created again at most twice; a cancelled one is not. See ``run`` for
several windows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from marketo_async.atomic_file import disk
from marketo_async.bulk.exports.part_file import PartFile
from marketo_async.bulk.exports.state import ExportWindow, StateFile
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.download import Sink
from marketo_async.errors import (
    ApiError,
    Busy,
    Conflict,
    DamagedFile,
    ExportQuotaExceeded,
    JobCancelled,
    JobFailed,
    MarketoError,
    NotFound,
    OutcomeUnknown,
    TransportError,
)
from marketo_async.models.bulk import ExportJob
from marketo_async.workthread import WorkThread

log = logging.getLogger("marketo_async.bulk")

FETCHES = 3  # of a file whose checksum is wrong
GRACE = 5.0  # seconds that cancelling jobs may hold up whoever was cancelled
_RETRIES = 2  # jobs created again after a failed one
_MISSING = 5  # looks for a file that is not there although its job is completed
_SKEW = 600.0  # seconds that Marketo's clock and ours may be apart


class Exporter(Protocol):
    """The calls of one kind of export job, made for one part of it by its number."""

    async def make(self, number: int, mark: str) -> ExportJob:
        """Create the job of a part, with ``mark`` after the name of a column."""
        ...

    async def put(self, job_id: str) -> ExportJob:
        """Enqueue a job."""
        ...

    async def look(self, job_id: str) -> ExportJob:
        """Return the status of a job."""
        ...

    async def stop(self, job_id: str) -> ExportJob:
        """Cancel a job."""
        ...

    async def idle(self) -> list[ExportJob]:
        """Return the jobs that were created and not enqueued, of those that ``make`` could have made."""
        ...

    async def fetch(self, job_id: str, sink: Sink) -> None:
        """Bring a job's file into ``sink``."""
        ...


class JobHooks(Struct, kw_only=True):
    """Callbacks of one job: ``status`` receives each known status, ``grown`` the bytes gained or dropped."""

    status: Callable[[str], None]
    grown: Callable[[int], None]


class Jobs:
    """Carries the jobs of one export to their end; saves to ``state_file`` each fact before any step depends on it."""

    def __init__(self, exporter: Exporter, slots: JobSlots, polling: Polling, state_file: StateFile) -> None:
        self._exporter, self._slots, self._polling, self._state_file = exporter, slots, polling, state_file
        self._making = asyncio.Lock()  # one intent at a time, so that two lost jobs are never confused

    async def file(self, number: int, path: Path, hooks: JobHooks) -> ExportJob:
        """Bring the file of window ``number`` to ``path``, whole and checked, and return its job.

        Raises `JobFailed`, `JobCancelled`, `DamagedFile` or `ExportQuotaExceeded`.
        """
        window, failed = self._state_file.state.windows[number], 0
        while True:
            async with self._slots.jobs:
                job = await self._ended(number, window, hooks)
            missing = "Marketo has no file for it"
            if is_completed(job):
                window.complete(job)
                self._state_file.save()
                async with self._slots.files:
                    found = await self._fetched(job, path, hooks)
                if found and (not window.adopted or _bears(path, window.mark)):
                    window.adopted = False  # its mark has proven that it is ours
                    window.records = found.records
                    return job
                if found:
                    log.warning("job %s is another program's: creating another one", job.export_id)
                    window.not_ours.append(job.export_id)
                    self._forget(window, path)
                    continue
            self._forget(window, path)
            if is_cancelled(job):
                raise JobCancelled("the job was cancelled", job_id=job.export_id, status=job.status)
            failed += 1
            if failed > _RETRIES:
                reason = missing if is_completed(job) else job.error_msg or "Marketo gives no reason"
                raise JobFailed(
                    f"the export failed after {failed} attempts", job_id=job.export_id, status=job.status, reason=reason
                )
            log.warning("export job %s failed (%s): creating another one", job.export_id, job.status)

    def _forget(self, window: ExportWindow, path: Path) -> None:
        window.forget()
        self._state_file.save()
        path.unlink(missing_ok=True)

    async def _ended(self, number: int, window: ExportWindow, hooks: JobHooks) -> ExportJob:
        """Return the window's job once it has ended in any way."""
        while True:
            job = await self._taken_up(window) or await self._made(number, window)
            hooks.status(job.status)
            while not is_over(job):
                if job.status.casefold() == "created":
                    await self._queued(job.export_id)
                    hooks.status("Queued")
                await self._slots.sleep(self._polling.export(self._slots.rng))
                job = await self._exporter.look(job.export_id)
                hooks.status(job.status)
            return job

    async def _taken_up(self, window: ExportWindow) -> ExportJob | None:
        """Return the job that an earlier run made for a window, as far as Marketo still knows it."""
        if window.job_id is None:
            return None
        try:
            job = await self._exporter.look(window.job_id)
        except ApiError as error:
            if error.code not in {"404", "1013"}:
                raise
        else:
            if is_completed(job) or not is_over(job):
                return job
        window.forget()  # its time is up, or it was cancelled when the earlier run was
        return None

    async def _made(self, number: int, window: ExportWindow) -> ExportJob:
        async with self._making:
            while True:
                job = await self._found(window) if window.intended_at is not None else None
                if job is None:
                    window.intend(self._slots.clock())
                    self._state_file.save()
                    try:
                        job = await self._heard(self._exporter.make(number, window.mark), window)
                    except ExportQuotaExceeded as error:
                        self._refused(window)
                        await self._spent(error)
                        continue
                    except MarketoError as error:
                        if not _may_have_acted(error):
                            self._refused(window)
                            raise
                        window.given_up_at = self._slots.clock()
                        self._state_file.save()
                        if not isinstance(error, OutcomeUnknown):
                            raise
                        log.warning("the response to the creation of an export job was lost: looking for the job")
                        continue
                    window.adopted = False
                self._slots.known.add(job.export_id)
                window.job_id = job.export_id
                self._state_file.save()
                return job

    def _refused(self, window: ExportWindow) -> None:
        """Forget that a job was asked for: there is none, and another program's must not be taken for it."""
        window.forget()
        self._state_file.save()

    async def _heard(self, making: Coroutine[Any, Any, ExportJob], window: ExportWindow) -> ExportJob:
        """Wait for a job that is being made; a cancelled waiter still receives its id, to cancel the job."""
        task = asyncio.ensure_future(making)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task], timeout=GRACE)
            if task.done() and not task.cancelled():
                error = task.exception()
                if error is None:
                    window.job_id, window.adopted = task.result().export_id, False
                elif isinstance(error, MarketoError) and not _may_have_acted(error):
                    window.forget()
                with suppress(OSError):  # the cancellation counts
                    self._state_file.save()
            task.cancel()
            raise

    async def _found(self, window: ExportWindow) -> ExportJob | None:
        """Look for a job that was asked for and not heard of: the only idle one of that time that is nobody's here.

        Of several nobody can tell which one it is, and none is taken: an idle job costs nothing.
        """
        asked, taken = window.intended_at or 0.0, {found.job_id for found in self._state_file.state.windows}
        taken |= self._slots.known | set(window.not_ours)
        until = window.given_up_at or asked  # a run that was killed had asked just then
        near = [
            job
            for job in await self._exporter.idle()
            if job.export_id not in taken
            and job.created_at
            and asked - _SKEW <= job.created_at.timestamp() <= until + _SKEW
        ]
        if len(near) != 1:
            return None
        window.adopted = True
        return near[0]

    async def _queued(self, job_id: str) -> None:
        """Put a job into the queue, however long that is full."""
        while True:
            try:
                await self._exporter.put(job_id)
            except Busy as full:
                log.info("%s", full)
                await self._slots.sleep(self._polling.queue(self._slots.rng))
            except ExportQuotaExceeded as error:
                await self._spent(error)
            except (Conflict, OutcomeUnknown):  # it is queued already, or the next look tells
                return
            else:
                return

    async def _spent(self, error: ExportQuotaExceeded) -> None:
        """Raise that the day's volume is spent, or wait for the next day, by ``on_quota``."""
        if self._polling.on_quota == "raise":
            raise error
        log.warning("%s", error)
        await self._slots.sleep_until(error.resets_at)

    async def _fetched(self, job: ExportJob, path: Path, hooks: JobHooks) -> Fetched | None:
        """Bring a file to disk, and return what came, ``None`` where there was no file."""
        for look in range(_MISSING):
            if look:
                await self._slots.sleep(self._polling.export(self._slots.rng))
            try:
                return await fetched(self._exporter, job, path, hooks.grown)
            except NotFound:
                if job.number_of_records == 0:
                    _empty(path)
                    return Fetched(records=0)
        return None


class Fetched(Struct, frozen=True, kw_only=True):
    """What came with a file: its records without the header."""

    records: int


async def fetched(
    exporter: Exporter, job: ExportJob, path: Path, grown: Callable[[int], None] | None = None
) -> Fetched:
    """Bring a job's file to ``path``, resuming from the bytes that are there.

    Raises `DamagedFile` if each download is wrong, and the disk's `OSError` at once.
    """
    flaw, thread = "", WorkThread("marketo-async-download")
    with PartFile(path, grown) as part_file:
        await thread.run(part_file.recall)
        for _ in range(FETCHES):
            if job.file_size is not None and part_file.held > job.file_size:
                part_file.restart()
            before = -1
            while part_file.held > before and part_file.held != job.file_size:  # an end that nobody announced is no end
                before = part_file.held
                await exporter.fetch(job.export_id, part_file)
                if job.file_size is None:
                    break
            found = part_file.flaw(job)
            if found is None:
                await thread.run(part_file.keep)
                if job.number_of_records not in {None, part_file.records}:
                    log.warning(
                        "job %s has %s records, %d came", job.export_id, job.number_of_records, part_file.records
                    )
                return Fetched(records=part_file.records)
            flaw = found
            log.warning("the file of job %s is damaged (%s): downloading it again", job.export_id, flaw)
            part_file.restart()
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - no more than a system call
    raise DamagedFile(f"the file of job {job.export_id} is damaged after {FETCHES} downloads: {flaw}")


async def stopped(exporter: Exporter, windows: list[ExportWindow]) -> None:
    """Cancel the jobs of some windows as well as it goes; one that has ended meanwhile is kept for another run.

    A job that was adopted may be another program's, and is left alone.
    """
    windows = [window for window in windows if not window.adopted]
    cancelled = await asyncio.gather(*(exporter.stop(found.job_id or "") for found in windows), return_exceptions=True)
    for window, found in zip(windows, cancelled, strict=True):
        if isinstance(found, BaseException):
            log.info("job %s was not cancelled: %s", window.job_id, found)
        else:
            window.forget()


def is_completed(job: ExportJob) -> bool:
    """Tell whether a job has a file."""
    return job.status.casefold() == "completed"


def is_cancelled(job: ExportJob) -> bool:
    """Tell whether a job was cancelled, in either spelling."""
    return job.status.casefold() in {"cancelled", "canceled"}


def is_over(job: ExportJob) -> bool:
    """Tell whether a job has ended."""
    return is_completed(job) or is_cancelled(job) or job.status.casefold() == "failed"


def _may_have_acted(error: MarketoError) -> bool:
    """Tell whether a call that failed may have made its job all the same: no answer of Marketo's says otherwise."""
    return isinstance(error, OutcomeUnknown) or (isinstance(error, TransportError) and error.sent)


def _empty(path: Path) -> None:
    """Leave an empty file; there may be the start of one that Marketo had before."""
    with disk(path):
        path.write_bytes(b"")


def _bears(path: Path, mark: str) -> bool:
    """Tell whether a file's first line has the mark."""
    with path.open("rb") as file:
        return mark.encode() in file.readline()
