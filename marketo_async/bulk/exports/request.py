"""`ExportRequest`: the fields of an export and a selection for each of its jobs; `Calls`: the calls of those jobs.

See ``jobs`` for the life of a job.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.bulk.exports.endpoints import ExportEndpoints
from marketo_async.download import Sink
from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import DateRange, ExportJob, FileFormat, ProgramMemberSelection
from marketo_async.resources.base import Sender

S = TypeVar("S", bound=Struct)


class ExportRequest(Struct, Generic[S], frozen=True, kw_only=True):
    """Fields, selections in order, and the format of their files; ``kind`` names the rows, such as ``leads``."""

    kind: str
    fields: Sequence[str]
    selections: Sequence[S]
    format: FileFormat = "CSV"

    def arguments(self) -> dict[str, str]:
        """Return the arguments that the jobs depend on, as text, to compare and to show."""
        first = self.selections[0]
        found = {"kind": self.kind, "fields": ",".join(self.fields), "format": self.format}
        for member in msgspec.structs.fields(first):
            value = getattr(first, member.name)
            if value is not None and not isinstance(value, DateRange):
                found[member.encode_name] = msgspec.json.encode(value).decode()
        return found | {"parts": "; ".join(self.parts())}

    def columns(self) -> list[str]:
        """Return the columns of the files; members of several programs have ``programId`` first."""
        first = self.selections[0]
        several = isinstance(first, ProgramMemberSelection) and first.program_ids is not None
        return ["programId", *self.fields] if several else list(self.fields)

    def parts(self) -> list[str]:
        """Return the dates of each selection as text, in which the selections differ; ``all`` if it has none."""
        return [_part(selection) for selection in self.selections]


def _part(selection: Struct) -> str:
    for name in selection.__struct_fields__:
        value = getattr(selection, name)
        if isinstance(value, DateRange):
            return f"{name} {value.start_at:%Y-%m-%dT%H:%M:%SZ}/{value.end_at:%Y-%m-%dT%H:%M:%SZ}"
    return "all"


class Calls(Generic[S]):
    """The calls for the jobs of one ``request``; without a request, for any job of a family."""

    def __init__(self, family: ExportEndpoints[Any], sender: Sender, request: ExportRequest[S] | None = None) -> None:
        self._family, self._sender, self._request = family, sender, request

    async def create(self, number: int, mark: str) -> ExportJob:
        """Create the job of a part, with ``mark`` after the name of its last column."""
        if self._request is None or not self._request.fields:
            raise InvalidRequest("name the fields to export")
        fields, last = self._request.fields, self._request.fields[-1]
        return await self._family.create(
            fields,
            self._request.selections[number],
            format=self._request.format,
            column_header_names={last: last + mark},
        )

    async def enqueue(self, job_id: str) -> ExportJob:
        """Enqueue a job."""
        return await self._family.enqueue(job_id)

    async def status(self, job_id: str) -> ExportJob:
        """Return the status of a job."""
        return await self._family.status(job_id)

    async def cancel(self, job_id: str) -> ExportJob:
        """Cancel a job."""
        return await self._family.cancel(job_id)

    async def not_enqueued(self) -> list[ExportJob]:
        """Return the jobs that were created and not enqueued, of the request's format if there is a request."""
        jobs = await self._family.jobs(statuses=["Created"]).all()
        wanted = self._request.format.casefold() if self._request else None
        return [job for job in jobs if None in {wanted, job.format} or (job.format or "").casefold() == wanted]

    async def download(self, job_id: str, sink: Sink) -> None:
        """Download a job's file into ``sink``."""
        plan = type(self._family).file.planner(self._family, job_id)
        await self._sender.stream(self._family.operations["file"], plan, sink)
