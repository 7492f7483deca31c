"""Writes at volume: any number of records, in as few calls as they take, one result for each.

`batches` is what a family decides (data), `keys` what identifies a record and which of them are under way, `chunks` how
records are cut into calls (pure), `source` where they come from, `results` what comes back, and `writing` what
sends the chunks. `batcher` gathers records that come one by one; `queue` keeps what it has accepted, or `journal`,
where that is to outlive the process. Not here: how one call is sent (``session``), what each write is (``resources``).
"""

from marketo_async.batching.batcher import Batcher, batching
from marketo_async.batching.batches import BATCH, Batches, Look, Row, Rows
from marketo_async.batching.keys import Claim, InFlight, KeyOf, folded, together
from marketo_async.batching.results import Outcomes, Result, Results
from marketo_async.batching.writing import Desk, Posted, write

__all__ = [
    "BATCH",
    "Batcher",
    "Batches",
    "Claim",
    "Desk",
    "InFlight",
    "KeyOf",
    "Look",
    "Outcomes",
    "Posted",
    "Result",
    "Results",
    "Row",
    "Rows",
    "batching",
    "folded",
    "together",
    "write",
]
