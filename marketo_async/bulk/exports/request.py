"""What an export asks for: fields, and a selection for each of its jobs; and how its calls are made on a family.

Not here: what becomes of the jobs (``jobs``).
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
    """Fields, selections in order, and the format of their files; ``kind`` is what the rows are called."""

    kind: str
    fields: Sequence[str]
    selections: Sequence[S]
    format: FileFormat = "CSV"

    def arguments(self) -> dict[str, str]:
        """Return what the jobs depend on, as text that can be compared and read."""
        first = self.selections[0]
        found = {"kind": self.kind, "fields": ",".join(self.fields), "format": self.format}
        for member in msgspec.structs.fields(first):
            value = getattr(first, member.name)
            if value is not None and not isinstance(value, DateRange):
                found[member.encode_name] = msgspec.json.encode(value).decode()
        return found | {"parts": "; ".join(self.parts())}

    def columns(self) -> list[str]:
        """Return the columns of the files; the members of several programs begin with their program."""
        first = self.selections[0]
        several = isinstance(first, ProgramMemberSelection) and first.program_ids is not None
        return ["programId", *self.fields] if several else list(self.fields)

    def parts(self) -> list[str]:
        """Return the part of each selection that differs."""
        return [_part(selection) for selection in self.selections]


def _part(selection: Struct) -> str:
    for name in selection.__struct_fields__:
        value = getattr(selection, name)
        if isinstance(value, DateRange):
            return f"{name} {value.start_at:%Y-%m-%dT%H:%M:%SZ}/{value.end_at:%Y-%m-%dT%H:%M:%SZ}"
    return "all"


class Calls(Generic[S]):
    """The calls of the jobs of one request, or of any job of a family where there is no ``request``."""

    def __init__(self, family: ExportEndpoints[Any], sender: Sender, request: ExportRequest[S] | None = None) -> None:
        self._family, self._sender, self._request = family, sender, request

    async def make(self, number: int, mark: str) -> ExportJob:
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

    async def put(self, job_id: str) -> ExportJob:
        """Enqueue a job."""
        return await self._family.enqueue(job_id)

    async def look(self, job_id: str) -> ExportJob:
        """Return the status of a job."""
        return await self._family.status(job_id)

    async def stop(self, job_id: str) -> ExportJob:
        """Cancel a job."""
        return await self._family.cancel(job_id)

    async def idle(self) -> list[ExportJob]:
        """Return the jobs that were created and not enqueued, in the request's format where there is one."""
        jobs = await self._family.jobs(statuses=["Created"]).all()
        wanted = self._request.format.casefold() if self._request else None
        return [job for job in jobs if None in {wanted, job.format} or (job.format or "").casefold() == wanted]

    async def fetch(self, job_id: str, sink: Sink) -> None:
        """Bring a job's file into ``sink``."""
        plan = type(self._family).file.planner(self._family, job_id)
        await self._sender.stream(self._family.operations["file"], plan, sink)
