"""Writes at volume: any number of records, in as few calls as they take, one result for each.

`plan` is what a family decides (data), `keys` what identifies a record and which keys are under way, `chunks` cuts
records into calls (pure), `source` reads them, `results` holds what comes back, and `engine` sends the chunks. See
`batcher` for records that come one by one, `session` for how one call is sent, and `resources` for what each write is.
"""

from marketo_async.writes.engine import ChunkSender, Posted, write
from marketo_async.writes.keys import Claim, InFlight, KeyOf, folded, together
from marketo_async.writes.plan import BATCH, Batches, Look, WriteRow, WriteRows
from marketo_async.writes.results import Result, ResultList, Results

__all__ = [
    "BATCH",
    "Batches",
    "ChunkSender",
    "Claim",
    "InFlight",
    "KeyOf",
    "Look",
    "Posted",
    "Result",
    "ResultList",
    "Results",
    "WriteRow",
    "WriteRows",
    "folded",
    "together",
    "write",
]
