"""`ExportRun`: the windows of one export, side by side at Marketo and in order here.

While the file of one window is fetched or read, the jobs of the next ones run: two at a time over the whole client, and
only so far ahead that files that nobody has read yet do not pile up. Not here: one job (``jobs``), and what is made of
the files (``export``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from functools import partial
from pathlib import Path

from marketo_async.bulk.exports.jobs import GRACE, Exporter, JobHooks, Jobs, stopped
from marketo_async.bulk.exports.state import StateFile
from marketo_async.bulk.progress import ExportProgress, tell
from marketo_async.bulk.slots import JobSlots, Polling
from marketo_async.errors import ConfigurationError
from marketo_async.models.bulk import ExportJob

_AHEAD = 4  # windows under way at once, of which two have a job at Marketo
_REPORT_EVERY = 1_048_576  # bytes

log = logging.getLogger("marketo_async.bulk")

Hook = Callable[[ExportProgress], None]


class ExportRun:
    """Brings the files of an export to where ``path`` says; ``jobs`` holds the job of every window that has come.

    ``used_before`` is today's volume before the export began.
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
        self._runner = Jobs(exporter, slots, polling, state_file)
        self._kind, self._hook, self._used_before = kind, hook, used_before
        self._tasks: dict[int, asyncio.Task[ExportJob]] = {}
        self._abandoned: asyncio.Task[None] | None = None
        self._status: dict[int, str] = {}
        self._bytes: dict[int, int] = {}
        self._unreported = self._arrived = 0
        self._last: ExportProgress | None = None

    async def files(self) -> AsyncGenerator[int, None]:
        """Yield the number of every window that is not written yet, in order, once its file is at its ``path``.

        Raises `ConfigurationError` where the client was closed meanwhile.
        """
        windows, tasks = self._state_file.state.windows, self._tasks
        todo = [number for number, window in enumerate(windows) if not window.written]
        try:
            while todo or tasks:
                while todo and len(tasks) < _AHEAD and self._abandoned is None:
                    number = todo.pop(0)
                    tasks[number] = asyncio.create_task(self._window(number))
                if self._abandoned is None:
                    await asyncio.wait([tasks[min(tasks)]])  # our own cancellation is then no other's
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
        """End the export, and cancel and forget the jobs that have not ended, within a few seconds; twice is once."""
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
        stopping = asyncio.create_task(stopped(self._exporter, windows))
        await asyncio.wait([stopping], timeout=GRACE)
        try:
            self._state_file.save()
        except OSError as error:  # the next run finds the jobs cancelled
            log.warning("the state of the export was not kept: %s", error)

    def report(self) -> None:
        """Tell the hook how things stand."""
        self._unreported, progress = 0, self._progress()
        if progress != self._last:
            self._last = progress
            tell(self._hook, progress)

    async def _window(self, number: int) -> ExportJob:
        hooks = JobHooks(status=partial(self._on_status, number), grown=partial(self._on_bytes, number))
        job = await self._runner.file(number, self.path(number), hooks)
        self._on_status(number, "here")
        return job

    def _on_status(self, number: int, status: str) -> None:
        before, now = self._status.get(number), status.casefold()
        if now != before:
            if now == "here":
                self._arrived += self._state_file.state.windows[number].file_size or 0
            self._status[number] = now
            self.report()

    def _on_bytes(self, number: int, grown: int) -> None:
        self._bytes[number] = self._bytes.get(number, 0) + grown
        self._unreported += abs(grown)
        if self._unreported >= _REPORT_EVERY:
            self.report()

    def _progress(self) -> ExportProgress:
        windows, statuses = self._state_file.state.windows, list(self._status.values())
        done = {number for number, window in enumerate(windows) if window.written or self._status.get(number) == "here"}
        return ExportProgress(
            kind=self._kind,
            windows=len(windows),
            windows_done=len(done),
            queued=statuses.count("queued") + statuses.count("created"),
            processing=statuses.count("processing"),
            bytes=sum(windows[number].file_size or 0 for number in done)
            + sum(came for number, came in self._bytes.items() if number not in done),
            bytes_expected=sum(window.file_size or 0 for window in windows),
            rows=sum(window.records or 0 for window in windows),
            used_today=None if self._used_before is None else self._used_before + self._arrived,
        )
