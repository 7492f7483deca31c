"""Batches records that come one by one.

`batcher` collects and sends the records, `search` finds the record that makes its whole call fail, `queue` keeps
accepted records in memory, and `journal` keeps them on disk so that they survive the process. See `writes` for any
number of records at once.
"""

from marketo_async.batcher.batcher import Batcher, batching

__all__ = ["Batcher", "batching"]
