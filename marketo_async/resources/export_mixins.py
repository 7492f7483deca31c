"""The six calls of a bulk export and their checks. See ``bulk.exports`` for how a job is run to its end.

A job is created and enqueued, and its status polled (at most once a minute: Marketo updates it no more often). Its file
is then available for some days. All exports share a queue of ten jobs, two of which run, and 500 MB per day. A job is
visible only to the API user who created it.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-extract
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

_WIDEST = timedelta(days=31)  # the longest range of one export
_FIELDS = 1000  # more than any record has
_PROGRAMS = 10
_ATTRIBUTES = 50


class Exports(Resource, Generic[S]):
    """``jobs``, ``create``, ``enqueue``, ``status``, ``cancel`` and ``file``."""

    @paged("{root}/export.json")
    def jobs(
        self, *, statuses: Iterable[str] | None = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[ExportJob]]:
        """Iterate your own export jobs of the last 7 days, or those with one of ``statuses``."""
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
        """Create a job, which waits until it is enqueued; never retried after a lost answer.

        ``column_header_names`` maps fields to other headers. Raises `QuotaExceeded` (1029) when the volume of the day
        is used up, and `NotEnabled` (1035) for a selection that the instance does not offer.
        """
        return one(ExportJob, json=create_body(fields, selection, format, column_header_names))

    @endpoint("POST", "{root}/export/{exportId}/enqueue.json", repeat=Repeat.SETTLES)
    def enqueue(self, export_id: str) -> Plan[ExportJob]:
        """Put a created job in the queue; `Busy` (1029) if the queue is full, `Conflict` (1029) if it has the job."""
        return one(ExportJob, path={"exportId": export_id})

    @endpoint("GET", "{root}/export/{exportId}/status.json")
    def status(self, export_id: str) -> Plan[ExportJob]:
        """Return the current state of a job; Marketo updates it once a minute and keeps it for 30 days."""
        return one(ExportJob, path={"exportId": export_id})

    @endpoint("POST", "{root}/export/{exportId}/cancel.json", repeat=Repeat.SETTLES)
    def cancel(self, export_id: str) -> Plan[ExportJob]:
        """Cancel a job; its status is then ``Cancelled``."""
        return one(ExportJob, path={"exportId": export_id})

    @endpoint("GET", "{root}/export/{exportId}/file.json")
    def file(self, export_id: str) -> Plan[bytes]:
        """Return the whole file of a completed job, in memory; `NotFound` (404) if there is no file.

        Missing values are the text ``null``. The job's ``file_checksum`` is the SHA-256 of these bytes.
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
    """Return the body that creates a job; Marketo accepts headers as a map, though its specification has one pair."""
    body = {
        "fields": within("fields", fields, _FIELDS),
        "filter": _written(selection),
        "format": format,
        "columnHeaderNames": column_header_names,
    }
    return drop_none(body)


def _written(selection: LeadSelection | ActivitySelection | ProgramMemberSelection | CustomObjectSelection) -> object:
    """Return a selection without members that are not set; a selection that Marketo would refuse is refused here."""
    match selection:
        case LeadSelection() | CustomObjectSelection():
            _exactly_one(selection, *type(selection).__struct_fields__)
        case ProgramMemberSelection():
            _exactly_one(selection, "program_id", "program_ids")
            _few("program_ids", selection.program_ids, _PROGRAMS)
        case ActivitySelection():
            ids, names = selection.primary_attribute_value_ids, selection.primary_attribute_values
            if ids is not None and names is not None:
                raise InvalidRequest(
                    "both primary_attribute_value_ids and primary_attribute_values are set: pass only one of them"
                )
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
        raise InvalidRequest(
            f"{' and '.join(given) or 'nothing'} is set: select an export by exactly one of {', '.join(names)}"
        )


def _few(name: str, given: Iterable[object] | None, most: int) -> None:
    if given is not None:
        within(name, given, most)


def _between(name: str, dates: DateRange) -> dict[str, datetime]:
    """Return a range in whole seconds: Marketo accepts no fractions here."""
    start, end = (to_datetime(when, name=name).replace(microsecond=0) for when in (dates.start_at, dates.end_at))
    if not timedelta() <= end - start <= _WIDEST:
        raise InvalidRequest(f"{name} spans {end - start}: an export covers at most 31 days, from start_at to end_at")
    return {"startAt": start, "endAt": end}
