"""`ExportEndpoints`: the six calls of a bulk export, and the checks of their arguments. See ``jobs`` for a job's life.

Create a job, enqueue it, and poll its status, which Marketo refreshes once a minute; then download its file within 7
days, and compare its SHA-256 with the job's checksum. One job selects at most 31 days. All exports of an instance share
a queue of ten jobs, of which two run, and 500 MB a day. Only the API user that created a job sees it. See
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

_WIDEST = timedelta(days=31)  # the range of one export
_FIELDS = 1000  # more than any record has
# https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-program-member-extract
_PROGRAMS = 10
# https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-extract/bulk-activity-extract
_ATTRIBUTES = 50


class ExportEndpoints(Resource, Generic[S]):
    """``jobs``, ``create``, ``enqueue``, ``status``, ``cancel`` and ``file``; ``path`` is part of every call."""

    rights = ("Read-Only {area}",)
    path: Mapping[str, str] = {}

    @paged("{root}/export.json")
    def jobs(
        self, *, statuses: Iterable[str] | None = None, batch_size: int | None = None, token: str | None = None
    ) -> Plan[Page[ExportJob]]:
        """Iterate your own export jobs of the last 7 days: all of them, or those whose status is in ``statuses``."""
        query = {
            "status": None if statuses is None else within("statuses", statuses),
            "batchSize": page_size(batch_size),
        }
        return page(ExportJob, path=self.path, query=query, token=token)

    @endpoint("POST", "{root}/export/create.json")
    def create(
        self,
        fields: Iterable[str],
        selection: S,
        *,
        format: FileFormat | None = None,
        column_header_names: Mapping[str, str] | None = None,
    ) -> Plan[ExportJob]:
        """Create a job, which waits until you enqueue it; the call is never retried after a lost response.

        ``column_header_names`` maps fields to other headers. Raises `QuotaExceeded` (1029) when the day's volume is
        used up, and `NotEnabled` (1035) for a selection that is not enabled for the instance.
        """
        return one(ExportJob, path=self.path, json=_body(fields, selection, format, column_header_names))

    @endpoint("POST", "{root}/export/{exportId}/enqueue.json", repeat=Repeat.SETTLES)
    def enqueue(self, export_id: str) -> Plan[ExportJob]:
        """Enqueue a created job; raises `Busy` (1029) if the queue is full, `Conflict` (1029) if it is queued."""
        return one(ExportJob, path={**self.path, "exportId": export_id})

    @endpoint("GET", "{root}/export/{exportId}/status.json")
    def status(self, export_id: str) -> Plan[ExportJob]:
        """Return the status of a job; Marketo refreshes it once a minute and keeps it for 30 days."""
        return one(ExportJob, path={**self.path, "exportId": export_id})

    @endpoint("POST", "{root}/export/{exportId}/cancel.json", repeat=Repeat.SETTLES)
    def cancel(self, export_id: str) -> Plan[ExportJob]:
        """Cancel a job; its status becomes ``Cancelled``."""
        return one(ExportJob, path={**self.path, "exportId": export_id})

    @endpoint("GET", "{root}/export/{exportId}/file.json")
    def file(self, export_id: str) -> Plan[bytes]:
        """Return the whole file of a completed job, in memory; raises `NotFound` (404) if there is no file.

        A missing value is the text ``null``. The job's ``file_checksum`` is the SHA-256 of these bytes.
        """
        return raw(path={**self.path, "exportId": export_id})


def _body(
    fields: Iterable[str],
    selection: LeadSelection | ActivitySelection | ProgramMemberSelection | CustomObjectSelection,
    format: FileFormat | None,
    column_header_names: Mapping[str, str] | None,
) -> dict[str, object]:
    """Return the body that creates a job; Marketo accepts a map of headers, though its OpenAPI files say one pair."""
    body = {
        "fields": within("fields", fields, _FIELDS),
        "filter": _filter(selection),
        "format": format,
        "columnHeaderNames": column_header_names,
    }
    return drop_none(body)


def _filter(selection: LeadSelection | ActivitySelection | ProgramMemberSelection | CustomObjectSelection) -> object:
    """Return the filters of a selection that are set; raises `InvalidRequest` if Marketo would refuse them."""
    match selection:
        case LeadSelection() | CustomObjectSelection():
            _exactly_one(selection, *type(selection).__struct_fields__)
        case ProgramMemberSelection():
            _exactly_one(selection, "program_id", "program_ids")
            _few("program_ids", selection.program_ids, _PROGRAMS)
        case ActivitySelection():
            ids, names = selection.primary_attribute_value_ids, selection.primary_attribute_values
            if ids is not None and names is not None:
                raise InvalidRequest("primary attribute values are given both by id and by name: pass one of the two")
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
            f"the selection has {' and '.join(given) or 'nothing'}: pass exactly one of {', '.join(names)}"
        )


def _few(name: str, given: Iterable[object] | None, most: int) -> None:
    if given is not None:
        within(name, given, most)


def _between(name: str, dates: DateRange) -> dict[str, datetime]:
    """Return a range in whole seconds: Marketo accepts no fractions here."""
    start, end = (to_datetime(when, name=name).replace(microsecond=0) for when in (dates.start_at, dates.end_at))
    if not timedelta() <= end - start <= _WIDEST:
        raise InvalidRequest(f"{name} is from {start} to {end}: pass a start_at at most 31 days before end_at")
    return {"startAt": start, "endAt": end}
