"""The bytes of today's exports: the sum over listings of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from marketo_async.errors import AccessDenied
from marketo_async.governor.quota import as_utc, day_of
from marketo_async.models.bulk import ExportJob
from marketo_async.paging import Pager


async def volume_today(listings: Iterable[Pager[ExportJob]], clock: Callable[[], float]) -> int:
    """Return the bytes of the jobs that finished since midnight in America/Chicago.

    A listing that the API user may not read counts as 0.
    """
    return sum(await asyncio.gather(*(_volume(listing, clock) for listing in listings)))


async def _volume(listing: Pager[ExportJob], clock: Callable[[], float]) -> int:
    midnight, _ = map(as_utc, day_of(clock()))
    total = 0
    try:
        async for job in listing:
            if job.finished_at is not None and job.finished_at >= midnight:
                total += job.file_size or 0
    except AccessDenied:
        return 0
    return total
