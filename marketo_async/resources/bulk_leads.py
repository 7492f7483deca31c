"""``marketo.bulk_leads``: leads in files. Not here: waiting for a job to end."""

from __future__ import annotations

from marketo_async.models.bulk import FileFormat, ImportJob, LeadSelection
from marketo_async.operation import Plan, one, raw
from marketo_async.resources.descriptors import endpoint
from marketo_async.resources.export_mixins import Exports
from marketo_async.resources.import_files import as_file, lower

_WRITE = ("Read-Write Lead",)


class BulkLeads(Exports[LeadSelection]):
    """Exports of leads by date or list, and imports of files of at most 10 MB."""

    name, root, rights = "bulk_leads", "/bulk/v1/leads", ("Read-Only Lead",)

    @endpoint("POST", "{root}.json", needs=_WRITE)
    def import_file(
        self,
        content: bytes,
        format: FileFormat,
        *,
        lookup_field: str | None = None,
        partition_name: str | None = None,
        list_id: int | None = None,
    ) -> Plan[ImportJob]:
        """Create or update leads from a file whose first line is REST field names; never repeated by itself.

        *list_id* adds them to a static list, which takes one import at a time (`Busy`, 1019). Ten imports may be
        queued (`Busy`, 1016). *lookup_field* is ``email`` by default; ``id`` only updates.
        """
        query = {
            "format": lower(format),
            "lookupField": lookup_field,
            "partitionName": partition_name,
            "listId": list_id,
        }
        return one(ImportJob, query=query, files=as_file(content, format))

    @endpoint("GET", "{root}/batch/{batchId}.json", needs=_WRITE)
    def import_status(self, batch_id: int) -> Plan[ImportJob]:
        """Return an import as it stands; a batch id is valid for 7 days."""
        return one(ImportJob, path={"batchId": batch_id})

    @endpoint("GET", "{root}/batch/{batchId}/failures.json", needs=_WRITE)
    def import_failures(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were not taken, with the column Import Failure Reason at the end; 404 where none."""
        return raw(path={"batchId": batch_id})

    @endpoint("GET", "{root}/batch/{batchId}/warnings.json", needs=_WRITE)
    def import_warnings(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were taken with a warning, which is the column at the end; 404 where there are none."""
        return raw(path={"batchId": batch_id})
