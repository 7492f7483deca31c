"""`Recent`: what happened after the moment up to which the mirror has everything, which no verification counts."""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec import Struct

from marketo_async.client import Marketo
from marketo_async.models.activities import ADD_TO_LIST, MERGE_LEADS, REMOVE_FROM_LIST


class Recent(Struct, frozen=True):
    """Leads that were deleted or that others were merged into, and (list, lead) pairs that joined or left."""

    gone: frozenset[int] = frozenset()
    winners: frozenset[int] = frozenset()
    moved: frozenset[tuple[int, int]] = frozenset()

    def touches(self, list_id: int, lead_id: int) -> bool:
        """Whether the membership of a lead in a list may have changed."""
        return lead_id in self.gone or lead_id in self.winners or (list_id, lead_id) in self.moved


async def recent(marketo: Marketo, since: float) -> Recent:
    """Read from Marketo what happened since a moment (epoch seconds); three calls, and one for every 300 events."""
    start = datetime.fromtimestamp(int(since), UTC)
    gone = {activity.lead_id async for activity in marketo.activities.deleted_leads(start)}
    winners: set[int] = set()
    moved: set[tuple[int, int]] = set()
    async for activity in marketo.activities.since(start, types=[ADD_TO_LIST, REMOVE_FROM_LIST, MERGE_LEADS]):
        if activity.activity_type_id == MERGE_LEADS:
            winners.add(activity.lead_id)
        elif activity.primary_attribute_value_id is not None:
            moved.add((activity.primary_attribute_value_id, activity.lead_id))
    return Recent(frozenset(gone), frozenset(winners), frozenset(moved))
