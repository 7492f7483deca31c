"""`Jobs`: one export job from its creation to its file: queue, polling, and recovery from errors.

It waits while the queue is full; if the day's volume is used up, it raises or waits. If the response to ``create`` is
lost, it searches for the job before it creates another one. It never cancels a job found in this way, because only the
mark in the file proves that the job is ours. It creates a failed job, or one without a file, again at most twice, but
not a cancelled one. See ``run`` for several windows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from marketo_async.bulk.exports.job_status import is_cancelled, is_completed, is_over
from marketo_async.bulk.exports.part_file import PartFile, has_mark, write_empty
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

DOWNLOADS = 3  # of a file whose checksum is wrong
GRACE = 5.0  # seconds for which a cancelled caller waits until its jobs are cancelled
_RETRIES = 2  # jobs created again after a failed one
_FILE_ATTEMPTS = 5  # to download a completed job's file while Marketo answers 404
_SKEW = 600.0  # seconds that Marketo's clock and ours may differ


class Exporter(Protocol):
    """The calls of one kind of export job; ``create`` takes the number of the part that the job exports."""

    async def create(self, number: int, mark: str) -> ExportJob:
        """Create the job of a part, with ``mark`` after the name of a column."""
        ...

    async def enqueue(self, job_id: str) -> ExportJob:
        """Enqueue a job."""
        ...

    async def status(self, job_id: str) -> ExportJob:
        """Return the status of a job."""
        ...

    async def cancel(self, job_id: str) -> ExportJob:
        """Cancel a job."""
        ...

    async def not_enqueued(self) -> list[ExportJob]:
        """Return the jobs that were created and not enqueued, and that ``create`` could have created."""
        ...

    async def download(self, job_id: str, sink: Sink) -> None:
        """Download a job's file into ``sink``."""
        ...


class JobHooks(Struct, kw_only=True):
    """Callbacks of one job: ``status`` receives each status, ``growth`` the bytes gained, below 0 if dropped."""

    status: Callable[[str], None]
    growth: Callable[[int], None]


class Jobs:
    """Carries the jobs of one export to their end; saves each fact to ``state_file`` before a step depends on it."""

    def __init__(self, exporter: Exporter, slots: JobSlots, polling: Polling, state_file: StateFile) -> None:
        self._exporter, self._slots, self._polling, self._state_file = exporter, slots, polling, state_file
        self._creating = asyncio.Lock()  # one creation at a time, so that two lost jobs are never confused

    async def file(self, number: int, path: Path, hooks: JobHooks) -> ExportJob:
        """Download the file of window ``number`` to ``path``, complete and checked, and return its job.

        Raises `JobFailed`, `JobCancelled`, `DamagedFile` or `ExportQuotaExceeded`.
        """
        window, failures = self._state_file.state.windows[number], 0
        while True:
            async with self._slots.jobs:
                job = await self._finished_job(number, window, hooks)
            if is_completed(job):
                window.complete(job)
                self._state_file.save()
                async with self._slots.files:
                    records = await self._download(job, path, hooks)
                if records is not None and (not window.adopted or has_mark(path, window.mark)):
                    window.adopted = False  # the mark proves that the job is ours
                    window.records = records
                    return job
                if records is not None:
                    log.warning("export job %s is another program's: creating another one", job.export_id)
                    window.not_ours.append(job.export_id)
                    self._discard(window, path)
                    continue
            self._discard(window, path)
            if is_cancelled(job):
                raise JobCancelled("the job was cancelled", job_id=job.export_id, status=job.status)
            failures += 1
            if failures > _RETRIES:
                missing = "Marketo has no file for it" if is_completed(job) else None
                reason = missing or job.error_msg or "Marketo gives no reason"
                raise JobFailed(
                    f"the export failed after {failures} attempts",
                    job_id=job.export_id,
                    status=job.status,
                    reason=reason,
                )
            log.warning("export job %s failed (%s): creating another one", job.export_id, job.status)

    def _discard(self, window: ExportWindow, path: Path) -> None:
        window.forget()
        self._state_file.save()
        path.unlink(missing_ok=True)

    async def _finished_job(self, number: int, window: ExportWindow, hooks: JobHooks) -> ExportJob:
        """Return the window's job once it has ended: completed, failed or cancelled."""
        while True:
            job = await self._resumed_job(window) or await self._created_job(number, window)
            hooks.status(job.status)
            loop, deadline = asyncio.get_running_loop(), self._polling.deadline
            began = loop.time()
            while not is_over(job):
                if deadline is not None and loop.time() - began >= deadline:
                    await self._give_up(job, window, deadline)
                if job.status.casefold() == "created":
                    await self._enqueue(job.export_id)
                    began = loop.time()
                    hooks.status("Queued")
                await self._slots.sleep(self._polling.export_wait(self._slots.rng))
                job = await self._exporter.status(job.export_id)
                hooks.status(job.status)
            return job

    async def _give_up(self, job: ExportJob, window: ExportWindow, deadline: float) -> None:
        """Cancel a job that is stuck, and raise `JobFailed`; a later run of the export creates another one."""
        await cancel_jobs(self._exporter, [window])
        self._state_file.save()
        raise JobFailed(
            f"the job was not over {deadline:g} s after it was enqueued, and was cancelled; run the same again",
            job_id=job.export_id,
            status=job.status,
            reason="the deadline has passed",
        )

    async def _resumed_job(self, window: ExportWindow) -> ExportJob | None:
        """Return the job that an earlier run created, or ``None`` if that failed, was cancelled or is gone."""
        if window.job_id is None:
            return None
        try:
            job = await self._exporter.status(window.job_id)
        except ApiError as error:
            if error.code not in {"404", "1013"}:
                raise
        else:
            if is_completed(job) or not is_over(job):
                return job
        window.forget()  # Marketo has deleted it, or it was cancelled together with the earlier run
        return None

    async def _created_job(self, number: int, window: ExportWindow) -> ExportJob:
        async with self._creating:
            while True:
                job = await self._find_lost_job(window) if window.intended_at is not None else None
                if job is None:
                    window.intend(self._slots.clock())
                    self._state_file.save()
                    try:
                        job = await self._await_creation(self._exporter.create(number, window.mark), window)
                    except ExportQuotaExceeded as error:
                        self._forget_intent(window)
                        await self._on_quota_exceeded(error)
                        continue
                    except MarketoError as error:
                        if not _may_have_acted(error):
                            self._forget_intent(window)
                            raise
                        window.given_up_at = self._slots.clock()
                        self._state_file.save()
                        if not isinstance(error, OutcomeUnknown):
                            raise
                        log.warning("the response to the creation of an export job was lost: searching for the job")
                        continue
                    window.adopted = False
                self._slots.created_jobs.add(job.export_id)
                window.job_id = job.export_id
                self._state_file.save()
                return job

    def _forget_intent(self, window: ExportWindow) -> None:
        """Forget the intent: Marketo created no job, so a later search must not adopt another program's."""
        window.forget()
        self._state_file.save()

    async def _await_creation(self, creation: Coroutine[Any, Any, ExportJob], window: ExportWindow) -> ExportJob:
        """Wait until a job is created; if cancelled, still wait up to ``GRACE`` for its id, to cancel the job."""
        task = asyncio.ensure_future(creation)
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
                with suppress(OSError):  # the cancellation matters more
                    self._state_file.save()
            task.cancel()
            raise

    async def _find_lost_job(self, window: ExportWindow) -> ExportJob | None:
        """Search for the job whose creation had no response: created at that time, not enqueued, and not known here.

        If several jobs match, none is adopted: a job that is not enqueued costs nothing.
        """
        requested, known = window.intended_at or 0.0, {other.job_id for other in self._state_file.state.windows}
        known |= self._slots.created_jobs | set(window.not_ours)
        until = window.given_up_at or requested  # a killed run has not recorded an end
        candidates = [
            job
            for job in await self._exporter.not_enqueued()
            if job.export_id not in known
            and job.created_at
            and requested - _SKEW <= job.created_at.timestamp() <= until + _SKEW
        ]
        if len(candidates) != 1:
            return None
        window.adopted = True
        return candidates[0]

    async def _enqueue(self, job_id: str) -> None:
        """Enqueue a job; waits as long as the queue is full."""
        while True:
            try:
                await self._exporter.enqueue(job_id)
            except Busy as busy:
                log.info("the export queue is full, waiting: %s", busy)
                await self._slots.sleep(self._polling.queue_wait(self._slots.rng))
            except ExportQuotaExceeded as error:
                await self._on_quota_exceeded(error)
            except (Conflict, OutcomeUnknown):  # it is queued already, or the next poll shows whether it is
                return
            else:
                return

    async def _on_quota_exceeded(self, error: ExportQuotaExceeded) -> None:
        """Raise that the day's volume is used up, or wait for the next day, as ``on_quota`` says."""
        if self._polling.on_quota == "raise":
            raise error
        log.warning("%s", error)
        await self._slots.sleep_until(error.resets_at)

    async def _download(self, job: ExportJob, path: Path, hooks: JobHooks) -> int | None:
        """Download a file, and return its number of records, or ``None`` if Marketo has no file."""
        for attempt in range(_FILE_ATTEMPTS):
            if attempt:
                await self._slots.sleep(self._polling.export_wait(self._slots.rng))
            try:
                return await download_file(self._exporter, job, path, hooks.growth)
            except NotFound:
                if job.number_of_records == 0:
                    write_empty(path)
                    return 0
        return None


async def download_file(
    exporter: Exporter, job: ExportJob, path: Path, on_growth: Callable[[int], None] | None = None
) -> int:
    """Download a job's file to ``path`` and return its number of records; resumes after the bytes that are there.

    Raises `DamagedFile` if ``DOWNLOADS`` downloads are damaged, and the disk's `OSError` at once.
    """
    flaw, thread = "", WorkThread("marketo-async-download")
    with PartFile(path, on_growth) as part_file:
        await thread.run(part_file.read_existing)
        for _ in range(DOWNLOADS):
            if job.file_size is not None and part_file.held > job.file_size:
                part_file.restart()
            before = -1
            while part_file.held > before and part_file.held != job.file_size:  # a response may end early
                before = part_file.held
                await exporter.download(job.export_id, part_file)
                if job.file_size is None:
                    break
            found = part_file.flaw(job)
            if found is None:
                await thread.run(part_file.sync)
                if job.number_of_records not in {None, part_file.records}:
                    log.warning(
                        "job %s has %s records, its file %d", job.export_id, job.number_of_records, part_file.records
                    )
                return part_file.records
            flaw = found
            log.warning("the file of export job %s is damaged (%s): downloading it again", job.export_id, flaw)
            part_file.restart()
    path.unlink(missing_ok=True)  # noqa: ASYNC240 - a single system call
    raise DamagedFile(f"the file of job {job.export_id} is damaged after {DOWNLOADS} downloads: {flaw}")


async def cancel_jobs(exporter: Exporter, windows: list[ExportWindow]) -> None:
    """Cancel the jobs of some windows; a job that can't be cancelled, such as a completed one, is kept for a later run.

    An adopted job may be another program's, so it is not cancelled.
    """
    windows = [window for window in windows if not window.adopted]
    calls = (exporter.cancel(window.job_id or "") for window in windows)
    for window, result in zip(windows, await asyncio.gather(*calls, return_exceptions=True), strict=True):
        if isinstance(result, BaseException):
            log.info("export job %s was not cancelled: %s", window.job_id, result)
        else:
            window.forget()


def _may_have_acted(error: MarketoError) -> bool:
    """Return whether a failed call may have created its job: it was sent, and Marketo did not answer that it failed."""
    return isinstance(error, OutcomeUnknown) or (isinstance(error, TransportError) and error.sent)
