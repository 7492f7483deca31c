"""``marketo.bulk``: exports and imports of any size, as files. The package is imported on first use.

`Bulk` is the namespace. ``leads``, ``activities``, ``program_members`` and ``custom_objects`` declare the calls of each
kind, with ``export``, ``export_to``, ``download`` and ``load``. See ``exports``, ``imports`` and ``rows`` for each
step.
"""

from marketo_async.bulk.namespace import Bulk
from marketo_async.bulk.progress import ExportProgress, ExportReport, ImportProgress, ImportReport, Rejected, Unlisted
from marketo_async.bulk.slots import JobSlots

__all__ = [
    "Bulk",
    "ExportProgress",
    "ExportReport",
    "ImportProgress",
    "ImportReport",
    "JobSlots",
    "Rejected",
    "Unlisted",
]
