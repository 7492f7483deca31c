"""The volume of today's exports, in bytes, as far as the list of jobs tells: your own, of all kinds.

Marketo counts everybody's against 500 MB a day, from midnight in America/Chicago; but it lists a user's own jobs only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from marketo_async.errors import AccessDenied, NotEnabled
from marketo_async.governor.quota import as_utc, day_of
from marketo_async.models.bulk import ExportJob
from marketo_async.models.leads import Record
from marketo_async.paging import Pager
from marketo_async.resources.base import Sender
from marketo_async.resources.bulk_activities import BulkActivities
from marketo_async.resources.bulk_custom_objects import BulkCustomObjects
from marketo_async.resources.bulk_leads import BulkLeads
from marketo_async.resources.bulk_program_members import BulkProgramMembers
from marketo_async.resources.custom_objects import CustomObjects

_COMPLETED = ["Completed"]


async def volume_today(sender: Sender, clock: Callable[[], float]) -> int:
    """Return today's bytes over all kinds; costs a call for each, and one for every type of custom object.

    Kinds that the user may not read count nothing.
    """
    leads, activities, members = BulkLeads(sender), BulkActivities(sender), BulkProgramMembers(sender)
    objects, jobs = CustomObjects(sender, Record), BulkCustomObjects(sender)
    try:
        types = [found.api_name or found.name or "" for found in await objects.browse()]
    except (AccessDenied, NotEnabled):
        types = []
    listings = [
        leads.jobs(statuses=_COMPLETED),
        activities.jobs(statuses=_COMPLETED),
        members.jobs(statuses=_COMPLETED),
        *(jobs.jobs(name, statuses=_COMPLETED) for name in types if name),
    ]
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
