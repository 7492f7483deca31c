"""The six calls of a bulk export, and what they check. Not here: waiting for a job to end.

A job is created, enqueued, and its status polled (at most once a minute, as it is no fresher); then its file can be had
for some days. All exports share a queue of ten, two of which run, and a volume of 500 MB a day. Only the API user who
created a job sees it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.errors import InvalidRequest
from marketo_async.models.bulk import (
    ActivitySelection,
    CustomObjectSelection,
    DateRange,
    ExportJob,
    FileFormat,
    LeadSelection,
    ProgramMemberSelection,
)
from marketo_async.models.moment import to_datetime
from marketo_async.operation import Page, Plan, Repeat, one, page, raw
from marketo_async.resources.arguments import drop_none, page_size, within
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint, paged

S = TypeVar("S", LeadSelection, ActivitySelection, ProgramMemberSelection, CustomObjectSelection)

_WIDEST = timedelta(days=31)  # what one export may span
_FIELDS = 1000  # more than any record has
_PROGRAMS = 10
_ATTRIBUTES = 50


class Exports(Resource, Generic[S]):
    """``jobs``, ``create``, ``enqueue``, ``status``, ``cancel`` and ``file``."""

    @paged("{root}/export.json")
    def jobs(
        self, *, statuses: Iterable[str] | None = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[ExportJob]]:
        """Iterate your own export jobs of the last 7 days, or those with one of *statuses*."""
        return page(ExportJob, query=jobs_query(statuses, batch_size), token=token)

    @endpoint("POST", "{root}/export/create.json")
    def create(
        self,
        fields: Iterable[str],
        selection: S,
        *,
        format: FileFormat | None = None,
        column_header_names: Mapping[str, str] | None = None,
    ) -> Plan[ExportJob]:
        """Create a job, which waits until it is enqueued; never repeated by itself.

        *column_header_names* maps fields to other headers. `QuotaExceeded` (1029) when the day's volume is spent,
        `NotEnabled` (1035) for a selection that the instance does not offer.
        """
        return one(ExportJob, json=create_body(fields, selection, format, column_header_names))

    @endpoint("POST", "{root}/export/{exportId}/enqueue.json", repeat=Repeat.SETTLES)
    def enqueue(self, export_id: str) -> Plan[ExportJob]:
        """Put a created job in the queue; `Busy` (1029) when it is full, `Conflict` (1029) for one that is in it."""
        return one(ExportJob, path={"exportId": export_id})

    @endpoint("GET", "{root}/export/{exportId}/status.json")
    def status(self, export_id: str) -> Plan[ExportJob]:
        """Return a job as it stands; Marketo renews what it tells once a minute and keeps it for 30 days."""
        return one(ExportJob, path={"exportId": export_id})

    @endpoint("POST", "{root}/export/{exportId}/cancel.json", repeat=Repeat.SETTLES)
    def cancel(self, export_id: str) -> Plan[ExportJob]:
        """Cancel a job; its status is then ``Cancelled``."""
        return one(ExportJob, path={"exportId": export_id})

    @endpoint("GET", "{root}/export/{exportId}/file.json")
    def file(self, export_id: str) -> Plan[bytes]:
        """Return the whole file of a completed job, in memory; `NotFound` (404) where there is none.

        Missing values are the text ``null``. The job's ``file_checksum`` is that of these bytes.
        """
        return raw(path={"exportId": export_id})


def jobs_query(statuses: Iterable[str] | None, batch_size: int | None) -> dict[str, list[str] | int | None]:
    """Return the query of a listing of jobs."""
    return {
        "status": None if statuses is None else within("statuses", statuses),
        "batchSize": page_size(batch_size),
    }


def create_body(
    fields: Iterable[str],
    selection: LeadSelection | ActivitySelection | ProgramMemberSelection | CustomObjectSelection,
    format: FileFormat | None,
    column_header_names: Mapping[str, str] | None,
) -> dict[str, object]:
    """Return the body that creates a job; the files model the headers as one pair, but a map is what is taken."""
    body = {
        "fields": within("fields", fields, _FIELDS),
        "filter": _written(selection),
        "format": format,
        "columnHeaderNames": column_header_names,
    }
    return drop_none(body)


def _written(selection: LeadSelection | ActivitySelection | ProgramMemberSelection | CustomObjectSelection) -> object:
    """Write a selection without what is not set, after checking what Marketo would refuse."""
    match selection:
        case LeadSelection() | CustomObjectSelection():
            _exactly_one(selection, *type(selection).__struct_fields__)
        case ProgramMemberSelection():
            _exactly_one(selection, "program_id", "program_ids")
            _few("program_ids", selection.program_ids, _PROGRAMS)
        case ActivitySelection():
            ids, names = selection.primary_attribute_value_ids, selection.primary_attribute_values
            if ids is not None and names is not None:
                raise InvalidRequest("primary attribute values are given by id or by name, not by both")
            _few("primary_attribute_value_ids", ids, _ATTRIBUTES)
            _few("primary_attribute_values", names, _ATTRIBUTES)
    found: dict[str, object] = {}
    for member in msgspec.structs.fields(selection):
        value = getattr(selection, member.name)
        found[member.encode_name] = _between(member.name, value) if isinstance(value, DateRange) else value
    return drop_none(found)


def _exactly_one(selection: Struct, *names: str) -> None:
    given = [name for name in names if getattr(selection, name) is not None]
    if len(given) != 1:
        raise InvalidRequest(f"an export is selected by exactly one of {', '.join(names)}, not by {given or 'none'}")


def _few(name: str, given: Iterable[object] | None, most: int) -> None:
    if given is not None:
        within(name, given, most)


def _between(name: str, dates: DateRange) -> dict[str, datetime]:
    """Write a range to the second: Marketo takes no fractions here."""
    start, end = (to_datetime(when, name=name).replace(microsecond=0) for when in (dates.start_at, dates.end_at))
    if not timedelta() <= end - start <= _WIDEST:
        raise InvalidRequest(f"{name}: an export spans at most 31 days, from start_at to end_at")
    return {"startAt": start, "endAt": end}
