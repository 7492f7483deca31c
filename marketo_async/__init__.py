"""An asyncio client for the Adobe Marketo Engage REST API with a rate governor built in.

Start at `Marketo`. `Governor` and `Limits` set the pace; ``marketo_async.errors`` holds every exception.
"""

from marketo_async.batcher import Batcher
from marketo_async.client import Marketo
from marketo_async.governor import CallRecord, Governor, Limits, Priority, Snapshot
from marketo_async.operation import Operation, Page
from marketo_async.paging import Pager
from marketo_async.resources import operations
from marketo_async.retry import RetryPolicy
from marketo_async.writes import Result, Results

__all__ = [
    "Batcher",
    "CallRecord",
    "Governor",
    "Limits",
    "Marketo",
    "Operation",
    "Page",
    "Pager",
    "Priority",
    "Result",
    "Results",
    "RetryPolicy",
    "Snapshot",
    "operations",
]
