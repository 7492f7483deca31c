"""Export and import jobs."""

from __future__ import annotations

from tests.recorded.kinds import DATE, DIGITS, OFFSET_DATE, Either, Shape, each, ints, texts

_WHEN = Either(DATE, OFFSET_DATE)
_NEW = texts("exportId format status") | {"createdAt": _WHEN}
_QUEUED = _NEW | {"queuedAt?": _WHEN}
_JOB: Shape = [
    _QUEUED | each(_WHEN, "startedAt? finishedAt?") | ints("numberOfRecords? fileSize?") | texts("fileChecksum?")
]
_EXPORTS: dict[str, Shape] = {"create": [_NEW], "enqueue cancel": [_QUEUED], "status jobs": _JOB}
_FILE = ints("batchId") | texts("status") | {"importId": DIGITS}
_LEADS_READ = (
    ints("batchId numOfLeadsProcessed numOfRowsFailed numOfRowsWithWarning")
    | texts("status message?")
    | {"importId?": DIGITS}
)
_IMPORTS: dict[str, Shape] = {"import_file": [_FILE], "import_status": [_LEADS_READ]}

TABLE = {
    "bulk.leads": _EXPORTS | _IMPORTS,
    "bulk.activities": _EXPORTS,
    "bulk.program_members": _EXPORTS | _IMPORTS,
    "bulk.custom_objects": _EXPORTS
    | {
        "import_file": [ints("batchId") | texts("status objectApiName")],
        "import_status": [
            ints("batchId numOfObjectsProcessed numOfRowsFailed numOfRowsWithWarning")
            | texts("operation status objectApiName importTime? message?")
        ],
    },
}
