"""``marketo.bulk_custom_objects``: custom objects in files. Not here: waiting for a job to end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from marketo_async.models.bulk import CustomObjectSelection, ExportJob, FileFormat, ImportJob
from marketo_async.operation import Page, Plan, Repeat, one, page, raw
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint, paged
from marketo_async.resources.export_mixins import create_body, jobs_query
from marketo_async.resources.import_files import as_file, lower

_WRITE = ("Read-Write Custom Object",)
_EXPORT = "/bulk/v1/customobjects/{apiName}/export"
_JOB = _EXPORT + "/{exportId}"
_IMPORT = "/bulk/v1/customobjects/{apiName}/import"
_BATCH = _IMPORT + "/{batchId}"


class BulkCustomObjects(Resource):
    """Exports of custom objects, and imports from files of at most 10 MB; the type's API name always comes first.

    Only types that are linked to leads directly can be exported, and no objects of the CRM.
    """

    name, rights = "bulk_custom_objects", ("Read-Only Custom Object",)

    @paged(_EXPORT + ".json")
    def jobs(
        self,
        api_name: str,
        *,
        statuses: Iterable[str] | None = None,
        batch_size: int | None = None,
        token: str | None = None,
    ) -> Plan[Page[ExportJob]]:
        """Iterate your own export jobs of the last 7 days, or those with one of *statuses*."""
        return page(ExportJob, path={"apiName": api_name}, query=jobs_query(statuses, batch_size), token=token)

    @endpoint("POST", _EXPORT + "/create.json")
    def create(
        self,
        api_name: str,
        fields: Iterable[str],
        selection: CustomObjectSelection,
        *,
        format: FileFormat | None = None,
        column_header_names: Mapping[str, str] | None = None,
    ) -> Plan[ExportJob]:
        """Create a job, which waits until it is enqueued; never repeated by itself.

        *column_header_names* maps fields to other headers. `QuotaExceeded` (1029) when the day's volume is spent,
        `NotEnabled` (1035) for a selection that the instance does not offer.
        """
        body = create_body(fields, selection, format, column_header_names)
        return one(ExportJob, path={"apiName": api_name}, json=body)

    @endpoint("POST", _JOB + "/enqueue.json", repeat=Repeat.SETTLES)
    def enqueue(self, api_name: str, export_id: str) -> Plan[ExportJob]:
        """Put a created job in the queue; `Busy` (1029) when it is full, `Conflict` (1029) for one that is in it."""
        return one(ExportJob, path={"apiName": api_name, "exportId": export_id})

    @endpoint("GET", _JOB + "/status.json")
    def status(self, api_name: str, export_id: str) -> Plan[ExportJob]:
        """Return a job as it stands; Marketo renews what it tells once a minute and keeps it for 30 days."""
        return one(ExportJob, path={"apiName": api_name, "exportId": export_id})

    @endpoint("POST", _JOB + "/cancel.json", repeat=Repeat.SETTLES)
    def cancel(self, api_name: str, export_id: str) -> Plan[ExportJob]:
        """Cancel a job; its status is then ``Cancelled``."""
        return one(ExportJob, path={"apiName": api_name, "exportId": export_id})

    @endpoint("GET", _JOB + "/file.json")
    def file(self, api_name: str, export_id: str) -> Plan[bytes]:
        """Return the whole file of a completed job, in memory; `NotFound` (404) where there is none.

        Missing values are the text ``null``. The job's ``file_checksum`` is that of these bytes.
        """
        return raw(path={"apiName": api_name, "exportId": export_id})

    @endpoint("POST", _IMPORT + ".json", needs=_WRITE)
    def import_file(self, api_name: str, content: bytes, format: FileFormat) -> Plan[ImportJob]:
        """Create or update records from a file whose first line is REST field names; never repeated by itself.

        Records are found by the type's dedupe fields. Ten imports may be queued (`Busy`, 1016).
        """
        query = {"format": lower(format)}
        return one(ImportJob, path={"apiName": api_name}, query=query, files=as_file(content, format))

    @endpoint("GET", _BATCH + "/status.json", needs=_WRITE)
    def import_status(self, api_name: str, batch_id: int) -> Plan[ImportJob]:
        """Return an import as it stands; a batch id is valid for 7 days."""
        return one(ImportJob, path={"apiName": api_name, "batchId": batch_id})

    @endpoint("GET", _BATCH + "/failures.json", needs=_WRITE)
    def import_failures(self, api_name: str, batch_id: int) -> Plan[bytes]:
        """Return the rows that were not taken, with the column Import Failure Reason at the end; 404 where none."""
        return raw(path={"apiName": api_name, "batchId": batch_id})

    @endpoint("GET", _BATCH + "/warnings.json", needs=_WRITE)
    def import_warnings(self, api_name: str, batch_id: int) -> Plan[bytes]:
        """Return the rows that were taken with a warning, which is the column at the end; 404 where there are none."""
        return raw(path={"apiName": api_name, "batchId": batch_id})
