"""`ExportRun`: the windows of one export; their jobs run concurrently, and their files are yielded in order.

While the file of one window is downloaded or read, the jobs of the next ones run, at most two in the whole client. At
most four windows are under way, so few unread files wait on disk. See ``jobs`` for one job, and ``export`` for the use
of the files.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path

from marketo_async.bulk.exports.jobs import GRACE, Exporter, JobHooks, Jobs, cancel_jobs
from marketo_async.bulk.exports.state import StateFile
from marketo_async.bulk.progress import ExportProgress, emit
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.errors import ConfigurationError
from marketo_async.models.bulk import ExportJob

_AHEAD = 4  # windows under way at once; two of them have a job at Marketo
_REPORT_EVERY = 1_048_576  # bytes

log = logging.getLogger("marketo_async.bulk")

Hook = Callable[[ExportProgress], None]


class ExportRun:
    """Downloads the files of an export; ``path`` returns where, by the number of the window.

    ``jobs`` holds the job of each downloaded window. ``used_before`` is today's volume before the export, in bytes.
    """

    def __init__(
        self,
        exporter: Exporter,
        slots: JobSlots,
        polling: Polling,
        state_file: StateFile,
        path: Callable[[int], Path],
        *,
        kind: str,
        hook: Hook | None = None,
        used_before: int | None = None,
    ) -> None:
        self.jobs: dict[int, ExportJob] = {}
        self.path, self._exporter, self._state_file = path, exporter, state_file
        self._jobs = Jobs(exporter, slots, polling, state_file)
        self._kind, self._hook, self._used_before = kind, hook, used_before
        self._tasks: dict[int, asyncio.Task[ExportJob]] = {}
        self._abandoned: asyncio.Task[None] | None = None
        self._status: dict[int, str] = {}
        self._bytes: dict[int, int] = {}
        self._unreported = self._bytes_downloaded = 0
        self._reported: ExportProgress | None = None

    async def files(self) -> AsyncGenerator[int, None]:
        """Yield the number of each window that is not written yet, in order, once its file is at its ``path``.

        Raises `ConfigurationError` if the client is closed meanwhile.
        """
        windows, tasks = self._state_file.state.windows, self._tasks
        todo = [number for number, window in enumerate(windows) if not window.written]
        try:
            while todo or tasks:
                while todo and len(tasks) < _AHEAD and self._abandoned is None:
                    number = todo.pop(0)
                    tasks[number] = asyncio.create_task(self._window(number))
                if self._abandoned is None:
                    await asyncio.wait([tasks[min(tasks)]])  # raises only our own cancellation
                if self._abandoned is not None:
                    raise ConfigurationError(
                        "the client was closed while the export was under way: make the same call with an open client"
                    )
                first = min(tasks)
                self.jobs[first] = tasks.pop(first).result()
                yield first
        finally:
            await self._cancel_tasks()

    async def abandon(self) -> None:
        """End the export, and cancel and forget its unfinished jobs, within a few seconds; idempotent."""
        if self._abandoned is None:
            self._abandoned = asyncio.create_task(self._abandon())
        await asyncio.wait([self._abandoned])

    async def _cancel_tasks(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _abandon(self) -> None:
        await self._cancel_tasks()
        windows = [window for window in self._state_file.state.windows if window.job_id and window.file_size is None]
        if not windows:
            return
        cancelling = asyncio.create_task(cancel_jobs(self._exporter, windows))
        await asyncio.wait([cancelling], timeout=GRACE)
        try:
            self._state_file.save()
        except OSError as error:  # without it, the next run finds the jobs cancelled
            log.warning("the state of the export could not be saved: %s", error)

    def report(self) -> None:
        """Call the hook, if the progress has changed."""
        self._unreported, progress = 0, self._progress()
        if progress != self._reported:
            self._reported = progress
            emit(self._hook, progress)

    async def _window(self, number: int) -> ExportJob:
        hooks = JobHooks(status=partial(self._on_status, number), growth=partial(self._on_bytes, number))
        job = await self._jobs.file(number, self.path(number), hooks)
        self._on_status(number, "downloaded")
        return job

    def _on_status(self, number: int, status: str) -> None:
        before, now = self._status.get(number), status.casefold()
        if now != before:
            if now == "downloaded":
                self._bytes_downloaded += self._state_file.state.windows[number].file_size or 0
            self._status[number] = now
            self.report()

    def _on_bytes(self, number: int, grown: int) -> None:
        self._bytes[number] = self._bytes.get(number, 0) + grown
        self._unreported += abs(grown)
        if self._unreported >= _REPORT_EVERY:
            self.report()

    def _progress(self) -> ExportProgress:
        windows, statuses = self._state_file.state.windows, list(self._status.values())
        done = {
            number
            for number, window in enumerate(windows)
            if window.written or self._status.get(number) == "downloaded"
        }
        return ExportProgress(
            kind=self._kind,
            windows=len(windows),
            windows_done=len(done),
            queued=statuses.count("queued") + statuses.count("created"),
            processing=statuses.count("processing"),
            bytes=sum(windows[number].file_size or 0 for number in done)
            + sum(count for number, count in self._bytes.items() if number not in done),
            bytes_expected=sum(window.file_size or 0 for window in windows),
            rows=sum(window.records or 0 for window in windows),
            used_today=None if self._used_before is None else self._used_before + self._bytes_downloaded,
        )
