"""`Bulk`: ``marketo.bulk``, the namespace of the four kinds of bulk files. See ``leads`` and its siblings for them."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from marketo_async.bulk.activities import ActivityFiles
from marketo_async.bulk.base import BulkFiles
from marketo_async.bulk.custom_objects import CustomObjectFiles
from marketo_async.bulk.exports.usage import volume_today
from marketo_async.bulk.leads import LeadFiles
from marketo_async.bulk.program_members import ProgramMemberFiles
from marketo_async.bulk.rows.reader import Row
from marketo_async.bulk.slots import JobSlots
from marketo_async.errors import AccessDenied, NotEnabled
from marketo_async.models.leads import Record
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.custom_objects import CustomObjects
from marketo_async.resources.descriptors import composite


class Bulk(Resource):
    """Bulk exports and imports; all kinds of one client share its `JobSlots`."""

    name = "bulk"

    def __init__(self, sender: Sender, slots: JobSlots) -> None:
        super().__init__(sender)
        self._slots = slots

    @cached_property
    def leads(self) -> LeadFiles[Row]:
        """Exports and imports of leads."""
        return LeadFiles(self._sender, self._slots, Row, self.used_today)

    @cached_property
    def activities(self) -> ActivityFiles[Row]:
        """Exports of activities."""
        return ActivityFiles(self._sender, self._slots, Row, self.used_today)

    @cached_property
    def program_members(self) -> ProgramMemberFiles[Row]:
        """Exports and imports of program members."""
        return ProgramMemberFiles(self._sender, self._slots, Row, self.used_today)

    def custom_objects(self, api_name: str) -> CustomObjectFiles[Row]:
        """Return the bulk files of one custom object type, by its API name."""
        return CustomObjectFiles(self._sender, self._slots, Row, self.used_today, api_name)

    @composite
    async def used_today(self) -> int:
        """Return the bytes of your exports of all kinds since midnight in America/Chicago.

        Makes one call for each kind and for each type of custom object. Marketo counts the exports of all users against
        the instance's daily quota, 500 MB by default, but lists only the jobs of your API user. Maps to ``jobs``.
        """
        try:
            types = [found.api_name or found.name for found in await CustomObjects(self._sender, Record).browse()]
        except (AccessDenied, NotEnabled):
            types = []
        objects = [self.custom_objects(api_name) for api_name in types if api_name]
        kinds: list[BulkFiles[Any, Row]] = [self.leads, self.activities, self.program_members, *objects]
        return await volume_today([kind.jobs(statuses=["Completed"]) for kind in kinds], self._slots.clock)


FAMILIES = (LeadFiles, ActivityFiles, ProgramMemberFiles, CustomObjectFiles)
