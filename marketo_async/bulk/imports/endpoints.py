"""`ImportEndpoints`: the calls of a bulk import that two kinds share, and the form field that carries a file.

A file has at most 10 MB. Marketo runs two imports at once, and queues ten. See
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/bulk-import/bulk-import
"""

from __future__ import annotations

from collections.abc import Mapping

from marketo_async.models.bulk import FileFormat, ImportJob
from marketo_async.operation import File, Plan, one, raw
from marketo_async.resources.base import Resource
from marketo_async.resources.descriptors import endpoint

WRITE = ("Read-Write {area}",)
_CONTENT_TYPES: Mapping[FileFormat, str] = {"CSV": "text/csv", "TSV": "text/tab-separated-values", "SSV": "text/plain"}


class ImportEndpoints(Resource):
    """``import_status``, ``import_failures`` and ``import_warnings``; ``path`` is part of every call."""

    path: Mapping[str, str] = {}

    @endpoint("GET", "{root}/import/{batchId}/status.json", needs=WRITE)
    def import_status(self, batch_id: int) -> Plan[ImportJob]:
        """Return the status of an import; a batch id is valid for 7 days."""
        return one(ImportJob, path={**self.path, "batchId": batch_id})

    @endpoint("GET", "{root}/import/{batchId}/failures.json", needs=WRITE)
    def import_failures(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that failed, with a last column Import Failure Reason; 404 if there are none."""
        return raw(path={**self.path, "batchId": batch_id})

    @endpoint("GET", "{root}/import/{batchId}/warnings.json", needs=WRITE)
    def import_warnings(self, batch_id: int) -> Plan[bytes]:
        """Return the rows that were imported with a warning, which is the last column; 404 if there are none."""
        return raw(path={**self.path, "batchId": batch_id})


def as_file(content: bytes, format: FileFormat) -> Mapping[str, File]:
    """Return the form field ``file``; Marketo expects the format as the suffix of its file name."""
    return {"file": File(name=f"import.{lower(format)}", content=content, content_type=_CONTENT_TYPES[format])}


def lower(format: FileFormat) -> str:
    """Return a format in lower case, as imports expect it; exports expect upper case."""
    return format.lower()
