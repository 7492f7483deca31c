"""`beginning`: when an instance began, so that no job selects a time before it.

Nothing says it directly. The probe asks for the lead with the lowest id, by chunks of 300 ids that are ever further
from 1, and for the oldest root folder. The instance began a day before the earlier of the two. Price: 2 calls; where
the first leads are deleted, 1 more for each doubling of the lowest id and 1 for each halving back, at most 46 more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from marketo_async.errors import AccessDenied
from marketo_async.models.leads import Record
from marketo_async.models.moment import parse
from marketo_async.resources.base import Sender
from marketo_async.resources.folders import Folders
from marketo_async.resources.leads import Leads

_CHUNK = 300  # ids that one call takes
_MOST_DOUBLINGS = 23  # ids of leads have at most 31 bits, and a chunk has 8
_MARGIN = timedelta(days=1)


async def beginning(sender: Sender) -> datetime | None:
    """Return a moment before which the instance had no record; ``None`` if no lead and no folder shows it.

    A kind of record that the API user may not read is left out.
    """
    moments = [*await _moments_of_leads(sender), *await _moments_of_folders(sender)]
    return min(moments) - _MARGIN if moments else None


async def _moments_of_leads(sender: Sender) -> list[datetime]:
    """Return the creation dates of the leads in the first chunk that has any."""
    family, operation = Leads(sender, Record), Leads.operations["by_filter"]
    found: dict[int, Sequence[Any]] = {}

    async def chunk(number: int) -> bool:
        ids = range(number * _CHUNK + 1, (number + 1) * _CHUNK + 1)
        listing = Leads.by_filter.planner(family, "id", ids, fields=["id", "createdAt"])
        found[number] = await sender.pages(operation, listing).all()
        return bool(found[number])

    try:
        lowest = await lowest_chunk(chunk)
    except AccessDenied:
        return []
    leads = [] if lowest is None else found[lowest]
    return [parse(lead["createdAt"]).astimezone(UTC) for lead in leads if lead.get("createdAt")]


async def lowest_chunk(has_leads: Callable[[int], Awaitable[object]], *, known: int | None = None) -> int | None:
    """Return the first chunk of ids for which ``has_leads`` is true, ``None`` if none is up to the highest id.

    ``known`` is a chunk that is known to have leads. Chunks ever further from the first one are asked about, then those
    between the last one without leads and the first one with some: that chunk is the lowest if ids leave no large gap.
    """
    empty, number = -1, 0
    while known is None or number < known:
        if await has_leads(number):
            known = number
            break
        if known is None and number >= 2**_MOST_DOUBLINGS:
            return None
        empty, number = number, 2 * number + 1
    while known - empty > 1:
        middle = (empty + known) // 2
        if await has_leads(middle):
            known = middle
        else:
            empty = middle
    return known


async def _moments_of_folders(sender: Sender) -> list[datetime]:
    listing = Folders.browse.planner(Folders(sender), max_depth=0)
    try:
        folders = await sender.pages(Folders.operations["browse"], listing).all()
    except AccessDenied:
        return []
    return [folder.created_at for folder in folders if folder.created_at is not None]
