"""Writes at volume: any number of records, in as few calls as they take, one result for each.

`plan` describes a write (data), `keys` identifies records and holds the keys under way, `source` reads the records,
`chunks` cuts them into calls (pure), `engine` sends the chunks, and `results` holds the results. See `batcher` for
records that come one by one, `session` for how one call is sent, and `resources` for each family's writes.
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
