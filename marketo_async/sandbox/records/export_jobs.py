"""Export jobs of all object types: their states, their queue, and the bytes that they may produce in a day.

See ``families.export_kinds`` for the rows that a job exports. Marketo's page:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-extract
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Literal
from uuid import UUID

from marketo_async.sandbox.clock import SandboxClock, central_day
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.records.delimited import FileFormat, stored
from marketo_async.sandbox.records.job_queue import MOST_JOBS, JobQueue

DAY = 86_400.0
LISTED_SECONDS = FILE_SECONDS = 7 * DAY
STATUS_SECONDS = 30 * DAY

ExportStatus = Literal["Created", "Queued", "Processing", "Completed", "Failed", "Canceled"]
Collect = Callable[[], list[Sequence[object]]]
"""Returns the current rows of an export."""


@dataclass(slots=True, kw_only=True, eq=False)
class ExportJob:
    """One export job."""

    number: int
    export_id: str
    exported: str
    """The object type, by the path of its operations."""
    login: str
    file_format: FileFormat
    header: Sequence[str]
    collect: Collect
    created_at: float
    fails: bool = False
    status: ExportStatus = "Created"
    queued_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    number_of_records: int = 0
    copies: int = 1
    checksum_wrong: bool = False
    cancelled: str = "Canceled"
    file: IO[bytes] | None = None
    size: int = 0
    digest: str = ""
    error: str | None = None

    @property
    def checksum(self) -> str:
        """The digest of the file in answers."""
        return f"sha256:{self.digest[::-1] if self.checksum_wrong else self.digest}"

    @property
    def told(self) -> str:
        """The status in its spelling for answers."""
        return self.cancelled if self.status == "Canceled" else self.status

    def start(self, moment: float) -> None:
        """Start: collect the current rows."""
        self.status, self.started_at = "Processing", moment
        rows = self.collect()
        self.number_of_records = len(rows) * self.copies
        self.file, self.size, self.digest = stored(self.header, rows, self.file_format, copies=self.copies)

    def finish(self, moment: float) -> None:
        """Write the file, or fail."""
        self.status, self.finished_at = "Completed", moment
        if self.fails:
            self.status, self.error, self.size = "Failed", "Export job failed", 0


class ExportJobs:
    """The export jobs of an instance, with one queue for all users."""

    def __init__(self, clock: SandboxClock, quirks: Quirks, rng: random.Random) -> None:
        self.daily_bytes = 500 * 1_048_576
        self._clock = clock
        self._quirks = quirks
        self._rng = rng
        self._queue = JobQueue(clock, wait=quirks.export_wait, run=quirks.export_seconds)
        self._jobs: dict[str, ExportJob] = {}

    def close(self) -> None:
        """Close all files."""
        for job in self._jobs.values():
            if job.file is not None:
                job.file.close()

    def settle(self) -> None:
        """Advance all jobs to the current time."""
        self._queue.settle()

    def create(
        self, exported: str, login: str, file_format: FileFormat, header: Sequence[str], collect: Collect
    ) -> ExportJob:
        """Define a job, which waits until it is queued."""
        self._check_quota()
        job = ExportJob(
            number=len(self._jobs) + 1,
            export_id=str(UUID(int=self._rng.getrandbits(128), version=4)),
            exported=exported,
            login=login,
            file_format=file_format,
            header=header,
            collect=collect,
            created_at=self._clock.time(),
            fails=self._quirks.exports_fail,
            copies=self._quirks.export_copies,
            checksum_wrong=self._quirks.export_checksums_wrong,
            cancelled=self._quirks.export_cancelled,
        )
        self._jobs[job.export_id] = job
        return job

    def get(self, exported: str, login: str, export_id: str) -> ExportJob:
        """Return a job of this user, or raise 1013."""
        job = self.find(exported, login, export_id)
        if job is None:
            raise ApiError("1013", f"Export job '{export_id}' not found")
        return job

    def find(self, exported: str, login: str, export_id: str) -> ExportJob | None:
        """Return a job of this user while its status is kept."""
        job = self._jobs.get(export_id)
        if job is None or (job.exported, job.login) != (exported, login):
            return None
        return None if job.finished_at is not None and self._age(job.finished_at) > STATUS_SECONDS else job

    def ready(self, exported: str, login: str, export_id: str) -> ExportJob | None:
        """Return a completed job of this user while its file is kept."""
        job = self.find(exported, login, export_id)
        if job is None or job.status != "Completed" or job.finished_at is None:
            return None
        return job if self._quirks.export_file_delay <= self._age(job.finished_at) <= FILE_SECONDS else None

    def listed(self, exported: str, login: str) -> dict[int, ExportJob]:
        """Return the jobs of this user of the last seven days, by number."""
        return {
            job.number: job
            for job in self._jobs.values()
            if (job.exported, job.login) == (exported, login) and self._age(job.created_at) <= LISTED_SECONDS
        }

    def enqueue(self, job: ExportJob) -> None:
        """Put a job into the queue, or raise 1029."""
        if job.status in ("Queued", "Processing", "Completed"):
            raise ApiError("1029", "Export job already queued")
        if job.status != "Created":
            raise ApiError("1003", f"A job that is {job.status} cannot be queued")
        self._check_quota()
        if self._queue.is_full:
            raise ApiError("1029", f"Too many jobs in queue: {MOST_JOBS}")
        job.status, job.queued_at = "Queued", self._clock.time()
        self._queue.add(job)
        self._queue.settle()

    def cancel(self, job: ExportJob) -> None:
        """Cancel a job that has not ended; cancelling it again changes nothing."""
        if job.status in ("Completed", "Failed"):
            raise ApiError("1003", f"A job that is {job.status} cannot be cancelled")
        job.status = "Canceled"
        self._queue.remove(job)

    def _check_quota(self) -> None:
        today = central_day(self._clock.time())
        spent = sum(
            job.size
            for job in self._jobs.values()
            if job.finished_at is not None and central_day(job.finished_at) == today
        )
        if spent >= self.daily_bytes:
            raise ApiError("1029", f"Export daily quota {self.daily_bytes // 1_048_576}MB exceeded")

    def _age(self, moment: float) -> float:
        return self._clock.time() - moment
