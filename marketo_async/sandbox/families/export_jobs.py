"""The operations on export jobs, the same for all object types. See ``export_kinds`` for their definitions.

A family gives its path, its permissions, and the rows that a definition selects.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from marketo_async.sandbox.call import Call
from marketo_async.sandbox.clock import iso
from marketo_async.sandbox.envelope import Answer, Download, Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.paging import position_page
from marketo_async.sandbox.parameters import as_object, as_text
from marketo_async.sandbox.records.delimited import as_format
from marketo_async.sandbox.records.export_jobs import Collect, ExportJob
from marketo_async.sandbox.routing import Routes

# A job is unknown to every API user but its owner.
_NO_FILE = "File not found"
_STATUSES = ("created", "queued", "processing", "canceled", "completed", "failed")

Selection = Callable[[Call], tuple[Sequence[str], Collect]]
"""Returns the fields of a job's definition, and a function that collects its rows."""


@dataclass(frozen=True, slots=True)
class ExportFamily:
    """The operations on the export jobs of one object type."""

    path: str
    readers: frozenset[str]
    select: Selection
    fields_required: bool = True

    def serve(self, routes: Routes) -> None:
        """Declare the six operations."""
        body = ("fields", "filter") if self.fields_required else ("filter",)
        more = ("columnHeaderNames", "format") if self.fields_required else ("columnHeaderNames", "fields", "format")
        job = f"{self.path}/{{exportId}}"
        routes.get(f"{self.path}.json", self.readers, optional=("status", "batchSize", "nextPageToken"))(self.jobs)
        routes.post(f"{self.path}/create.json", self.readers, body=body, body_optional=more)(self.create)
        routes.post(f"{job}/enqueue.json", self.readers)(self.enqueue)
        routes.post(f"{job}/cancel.json", self.readers)(self.cancel)
        routes.get(f"{job}/status.json", self.readers)(self.status)
        routes.get(f"{job}/file.json", self.readers)(self.file)

    def jobs(self, call: Call) -> Answer:
        """Answer the caller's own jobs of the last seven days."""
        listed = call.instance.exports.listed(_exported(call), call.user.login)
        asked = [_status(name) for name in call.many("status")]
        numbers = [number for number, job in listed.items() if not asked or job.status.lower() in asked]

        def rows(page: Sequence[int]) -> list[Members]:
            return [job_row(listed[number]) for number in page]

        return position_page(call, numbers, rows, more_result=False)

    def create(self, call: Call) -> Answer:
        """Define a job."""
        fields, collect = self.select(call)
        file_format = as_format(call.body_text("format"))
        titles = _titles(call)
        header = [titles.get(name, name) for name in fields]
        job = call.instance.exports.create(_exported(call), call.user.login, file_format, header, collect)
        return Answer([job_row(job)])

    def enqueue(self, call: Call) -> Answer:
        """Put a job into the queue."""
        job = _job(call)
        call.instance.exports.enqueue(job)
        return Answer([job_row(job)])

    def cancel(self, call: Call) -> Answer:
        """Cancel a job."""
        job = _job(call)
        call.instance.exports.cancel(job)
        # The answer to a cancellation has a spelling of its own.
        return Answer([{**job_row(job), "status": "Cancelled"}])

    def status(self, call: Call) -> Answer:
        """Answer the status of a job."""
        return Answer([job_row(_job(call))])

    def file(self, call: Call) -> Answer:
        """Answer the file of a completed job."""
        lost = call.instance.quirks.export_files_lost
        job = call.instance.exports.ready(_exported(call), call.user.login, call.path_text("exportId"))
        if job is None or lost:
            return Answer(download=Download(_NO_FILE.encode(), found=False))
        return Answer(download=Download(b"", file=job.file, file_size=job.size))


def _exported(call: Call) -> str:
    path = call.route.operation.partition(" ")[2].partition("/export")[0]
    return path.replace("{apiName}", call.arguments.get("apiName", ""))


def _job(call: Call) -> ExportJob:
    return call.instance.exports.get(_exported(call), call.user.login, call.path_text("exportId"))


def _status(name: str) -> str:
    known = name.lower().replace("cancelled", "canceled")
    if known not in _STATUSES:
        raise ApiError("1003", f"Invalid status '{name}'")
    return known


def _titles(call: Call) -> dict[str, str]:
    given = call.member("columnHeaderNames")
    titles = {} if given is None else as_object("columnHeaderNames", given)
    # The description has one pair of members instead of a map.
    if set(titles) == {"name", "value"}:
        titles = {as_text("name", titles["name"]): titles["value"]}
    return {name: as_text("columnHeaderNames", title) for name, title in titles.items()}


def job_row(job: ExportJob) -> Members:
    """Return the row of a job, the same in all operations, with the members of its state."""
    row: Members = {
        "exportId": job.export_id,
        "format": job.file_format,
        "status": job.told,
        "createdAt": iso(job.created_at),
    }
    for name, moment in (("queuedAt", job.queued_at), ("startedAt", job.started_at), ("finishedAt", job.finished_at)):
        if moment is not None:
            row[name] = iso(moment)
    if job.status == "Completed":
        row["numberOfRecords"] = job.number_of_records
        row["fileSize"] = job.size
        row["fileChecksum"] = job.checksum
    if job.error is not None:
        row["errorMsg"] = job.error
    return row
