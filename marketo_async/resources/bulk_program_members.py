"""``marketo.bulk_program_members``: program members in files. Not here: waiting for a job to end."""

from __future__ import annotations

from marketo_async.models.bulk import FileFormat, ImportJob, ProgramMemberSelection
from marketo_async.operation import Plan, one, raw
from marketo_async.resources.descriptors import endpoint
from marketo_async.resources.export_mixins import Exports
from marketo_async.resources.import_files import as_file, lower

_WRITE = ("Read-Write Lead",)
_BATCH = "/bulk/v1/program/members/import/{batchId}"


class BulkProgramMembers(Exports[ProgramMemberSelection]):
    """Exports of the members of programs, and imports of members from files of at most 10 MB."""

    name, root, rights = "bulk_program_members", "/bulk/v1/program/members", ("Read-Only Lead",)

    @endpoint("POST", "/bulk/v1/program/{programId}/members/import.json", needs=_WRITE)
    def import_file(self, program_id: int, status: str, content: bytes, format: FileFormat) -> Plan[ImportJob]:
        """Make members of the people in a file, all with one *status*; never repeated by itself.

        The first line is REST field names, ``email`` among them. Ten imports may be queued (`Busy`, 1016).
        """
        query = {"programMemberStatus": status, "format": lower(format)}
        return one(ImportJob, path={"programId": program_id}, query=query, files=as_file(content, format))

    @endpoint("GET", _BATCH + "/status.json", needs=_WRITE)
    def import_status(self, batch_id: int) -> Plan[ImportJob]:
        """Return an import as it stands; a batch id is valid for 7 days."""
        return one(ImportJob, path={"batchId": batch_id})

    @endpoint("GET", _BATCH + "/failures.json", needs=_WRITE)
    def import_failures(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were not taken, with the column Import Failure Reason at the end; 404 where none."""
        return raw(path={"batchId": batch_id})

    @endpoint("GET", _BATCH + "/warnings.json", needs=_WRITE)
    def import_warnings(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were taken with a warning, which is the column at the end; 404 where there are none."""
        return raw(path={"batchId": batch_id})
