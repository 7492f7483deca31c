"""Records that come one by one, gathered until they are worth a call.

`batcher` gathers and sends them, `search` finds the record that makes its whole call fail, and `queue` keeps what was
accepted in memory; `journal` keeps it on disk, where it is to outlive the process. See `writes` for any number of
records at once.
"""

from marketo_async.batcher.batcher import Batcher, batching

__all__ = ["Batcher", "batching"]
