"""Import jobs of all object types: their states, their single queue, and the results of their rows.

See ``imported`` for how a row is written. Marketo's page:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-import/bulk-import
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from marketo_async.sandbox.clock import SandboxClock
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.records.delimited import FileFormat, read, written
from marketo_async.sandbox.records.job_queue import MOST_JOBS, JobQueue

KEPT_SECONDS = 7 * 86_400.0

ImportStatus = Literal["Queued", "Importing", "Complete", "Failed"]
Record = dict[str, object]
ImportRow = Callable[[Record], str | None]
"""Writes a row and returns its warning, if any, or raises ``RowError``."""


class RowError(Exception):
    """A row that cannot be imported, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """The rows of an import, and how to write them."""

    imported: str
    """The object type, by the path of its operations."""
    file_format: FileFormat
    content: bytes
    import_row: ImportRow
    required_columns: tuple[str, ...] = ()
    list_id: int | None = None


@dataclass(slots=True, eq=False)
class ImportJob:
    """One import job."""

    batch_id: int
    plan: ImportPlan
    created_at: float
    fails: bool = False
    trims: bool = False
    warns: bool = False
    status: ImportStatus = "Queued"
    started_at: float = 0.0
    finished_at: float | None = None
    processed: int = 0
    message: str = ""
    header: list[str] = field(default_factory=list)
    failures: list[list[str]] = field(default_factory=list)
    warnings: list[list[str]] = field(default_factory=list)

    @property
    def seconds(self) -> int:
        """The duration of the import."""
        return 0 if self.finished_at is None else round(self.finished_at - self.started_at)

    def file(self, kind: Literal["Failure", "Warning"]) -> bytes | None:
        """Return the rows that failed or have a warning, each with its reason in an extra column."""
        rows = self.failures if kind == "Failure" else self.warnings
        if not rows:
            return None
        shown = [_trimmed(row) for row in rows] if self.trims else rows
        return written([*self.header, f"Import {kind} Reason"], shown, self.plan.file_format)

    def start(self, moment: float) -> None:
        """Start the import."""
        self.status, self.started_at = "Importing", moment

    def finish(self, moment: float) -> None:
        """Import all rows, or fail as a whole."""
        self.finished_at = moment
        try:
            lines = self._lines()
        except ValueError as error:
            self.status, self.message = "Failed", f"Import failed: {error}"
            return
        for line in lines:
            self._import(line)
        self.status, self.message = "Complete", self._summary()

    def _lines(self) -> list[list[str]]:
        if self.fails:
            raise ValueError("the job could not be processed")
        self.header, lines = read(self.plan.content, self.plan.file_format)
        for name in self.plan.required_columns:
            if name not in self.header:
                raise ValueError(f"column '{name}' is missing")
        return lines

    def _record(self, line: list[str]) -> Record:
        if len(line) != len(self.header):
            raise RowError(f"Row has {len(line)} columns in place of {len(self.header)}")
        return dict(zip(self.header, line, strict=True))

    def _import(self, line: list[str]) -> None:
        try:
            warning = self.plan.import_row(self._record(line))
        except RowError as error:
            self.failures.append([*line, str(error)])
            return
        self.processed += 1
        if warning is None and self.warns:
            warning = "Warning on demand"
        if warning is not None:
            self.warnings.append([*line, warning])

    def _summary(self) -> str:
        outcome = "completed with errors" if self.failures else "succeeded"
        members = f" ({self.processed} members)" if self.plan.list_id is not None else ""
        message = f"Import {outcome}, {self.processed} records imported{members}"
        if self.failures:
            message += f", {len(self.failures)} failed"
        return f"{message}, {len(self.warnings)} warning." if self.warnings else message


def _trimmed(row: list[str]) -> list[str]:
    """Return a row without the empty cells before its reason."""
    cells, reason = row[:-1], row[-1]
    while cells and not cells[-1]:
        cells.pop()
    return [*cells, reason]


class ImportJobs:
    """The import jobs of an instance, with one queue for all users."""

    def __init__(self, clock: SandboxClock, quirks: Quirks) -> None:
        self._clock = clock
        self._quirks = quirks
        self._queue = JobQueue(clock, wait=quirks.import_wait, run=quirks.import_seconds)
        self._jobs: dict[int, ImportJob] = {}

    def settle(self) -> None:
        """Advance all jobs to the current time."""
        self._queue.settle()

    def add(self, plan: ImportPlan) -> ImportJob:
        """Queue an import, or raise 1016 or 1019."""
        if self._queue.is_full:
            raise ApiError("1016", f"Too many imports queued: {MOST_JOBS}")
        busy = [job.plan.list_id for job in self._jobs.values() if job.finished_at is None]
        if plan.list_id is not None and plan.list_id in busy:
            raise ApiError("1019", f"Import into list '{plan.list_id}' already in progress")
        quirks = self._quirks
        job = ImportJob(
            len(self._jobs) + 1_001,
            plan,
            self._clock.time(),
            quirks.imports_fail,
            quirks.import_rejects_trimmed,
            quirks.imports_warn,
        )
        self._jobs[job.batch_id] = job
        self._queue.add(job)
        self._queue.settle()
        return job

    def find(self, imported: str, batch_id: int) -> ImportJob | None:
        """Return a job while its batch id is valid."""
        job = self._jobs.get(batch_id)
        if job is None or job.plan.imported != imported or self._clock.time() - job.created_at > KEPT_SECONDS:
            return None
        return job

    def get(self, imported: str, batch_id: int) -> ImportJob:
        """Return a job while its batch id is valid, or raise 1013."""
        job = self.find(imported, batch_id)
        if job is None:
            raise ApiError("1013", f"Batch '{batch_id}' not found")
        return job
