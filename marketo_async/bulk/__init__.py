"""``marketo.bulk``: any amount of data in files, out of Marketo and into it. Imported when it is first asked for.

`Bulk` is the namespace; ``lead_files`` and its like hold the methods, and each other module one step of what they do:
``windows``, ``jobs``, ``spool``, ``rows``, ``output`` on the way out, ``input_file``, ``chunks``, ``load``, ``rejects``
on the way in.
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
