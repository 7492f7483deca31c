"""The change feed: every change of an instance, as it happens. See `Marketo.changes`.

Marketo pushes nothing by its REST API, so the feed polls. Connectors that follow the token alone, or look back from
"now", lose activities that are committed after their date; this one does not: `reader` has the proof.
"""

from __future__ import annotations

from marketo_async.changes.budget import Budget
from marketo_async.changes.events import (
    ActivityLogged,
    Change,
    ChangeEvent,
    FeedEvent,
    Gap,
    LeadChanged,
    LeadCreated,
    LeadDeleted,
    LeadsMerged,
    ListJoined,
    ListLeft,
    ProgramStatusChanged,
)
from marketo_async.changes.feed import Batch, Changes, FeedSnapshot, LaneSnapshot

__all__ = [
    "ActivityLogged",
    "Batch",
    "Budget",
    "Change",
    "ChangeEvent",
    "Changes",
    "FeedEvent",
    "FeedSnapshot",
    "Gap",
    "LaneSnapshot",
    "LeadChanged",
    "LeadCreated",
    "LeadDeleted",
    "LeadsMerged",
    "ListJoined",
    "ListLeft",
    "ProgramStatusChanged",
]
