"""`ExportRequest`: the fields of an export and a selection for each of its jobs; `Calls`: the calls of those jobs.

See ``jobs`` for the life of a job.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.bulk.exports.endpoints import ExportEndpoints
from marketo_async.bulk.exports.span import OpenRange
from marketo_async.download import Sink
from marketo_async.errors import ApiError, InvalidRequest
from marketo_async.models.bulk import DateRange, ExportJob, FileFormat, ProgramMemberSelection
from marketo_async.resources.base import Sender

log = logging.getLogger("marketo_async.bulk")

S = TypeVar("S", bound=Struct)

_UNKNOWN_FIELDS = frozenset({"1003", "1006"})
_WORD = re.compile(r"[\w.-]+")


class ExportRequest(Struct, Generic[S], frozen=True, kw_only=True):
    """Fields, selections in order, and the format of their files; ``kind`` names the rows, such as ``leads``.

    ``span`` is the range of the selections. ``every`` says that the fields are all that the instance describes, so that
    those that it does not export are dropped.
    """

    kind: str
    fields: Sequence[str]
    selections: Sequence[S]
    format: FileFormat = "CSV"
    span: OpenRange | None = None
    every: bool = False

    def arguments(self) -> dict[str, str]:
        """Return the arguments that the jobs depend on, as text, to compare and to show."""
        first = self.selections[0]
        found = {"kind": self.kind, "fields": "all" if self.every else ",".join(self.fields), "format": self.format}
        for member in msgspec.structs.fields(first):
            value = getattr(first, member.name)
            if value is not None and not isinstance(value, DateRange):
                found[member.encode_name] = msgspec.json.encode(value).decode()
        return found | {"parts": "; ".join(self.parts())}

    def columns(self, fields: Sequence[str]) -> list[str]:
        """Return the columns of files with these fields; members of several programs have ``programId`` first."""
        first = self.selections[0]
        several = isinstance(first, ProgramMemberSelection) and first.program_ids is not None
        return ["programId", *fields] if several else list(fields)

    def parts(self) -> list[str]:
        """Return the dates of each selection as text, in which the selections differ; ``all`` if it has none."""
        return [_part(selection) for selection in self.selections]


def _part(selection: Struct) -> str:
    for name in selection.__struct_fields__:
        value = getattr(selection, name)
        if isinstance(value, DateRange):
            return f"{name} {value.start_at:%Y-%m-%dT%H:%M:%SZ}/{value.end_at:%Y-%m-%dT%H:%M:%SZ}"
    return "all"


def refused_fields(error: ApiError, fields: Sequence[str]) -> list[str]:
    """Return the fields that the refusal of a job names.

    Marketo describes fields that it does not export, and answers 1003, "Invalid fields [...]".
    """
    if error.code not in _UNKNOWN_FIELDS:
        return []
    named = set(_WORD.findall(str(error)))
    return [name for name in fields if name in named]


class Calls(Generic[S]):
    """The calls for the jobs of one ``request``; without a request, for any job of a family."""

    def __init__(self, family: ExportEndpoints[Any], sender: Sender, request: ExportRequest[S] | None = None) -> None:
        self._family, self._sender, self._request = family, sender, request
        self.fields = list(request.fields) if request else []
        """The fields of the jobs; a request for all fields loses those that can't be exported."""
        self.on_dropped: Callable[[list[str]], None] = lambda _: None
        """Receives the fields that can't be exported, before a job is created without them."""

    async def create(self, number: int, mark: str) -> ExportJob:
        """Create the job of a part, with ``mark`` after the name of its last column.

        A request for all fields drops the fields that a refusal names, once.
        """
        if self._request is None or not self.fields:
            raise InvalidRequest("name the fields to export")
        try:
            return await self._create(self._request, number, mark)
        except ApiError as error:
            dropped = refused_fields(error, self.fields)
            if not self._request.every or not dropped or len(self.fields) < len(self._request.fields):
                raise
            log.warning("fields that the instance does not export: %s", ", ".join(dropped))
            self.fields = [name for name in self.fields if name not in dropped]
            self.on_dropped(dropped)
        return await self._create(self._request, number, mark)

    async def _create(self, request: ExportRequest[S], number: int, mark: str) -> ExportJob:
        last = self.fields[-1]
        return await self._family.create(
            self.fields,
            request.selections[number],
            format=request.format,
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
