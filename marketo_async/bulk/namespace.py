"""`Bulk`: the kinds of bulk files under one name on the client. Not here: the kinds (``lead_files`` and its like)."""

from __future__ import annotations

from functools import cached_property

from marketo_async.bulk.activities import ActivityFiles
from marketo_async.bulk.custom_objects import CustomObjectFiles
from marketo_async.bulk.exports.usage import volume_today
from marketo_async.bulk.leads import LeadFiles
from marketo_async.bulk.program_members import ProgramMemberFiles
from marketo_async.bulk.rows.reader import Row
from marketo_async.bulk.slots import JobSlots
from marketo_async.resources.base import Resource, Sender
from marketo_async.resources.descriptors import composite


class Bulk(Resource):
    """Bulk extracts and imports; siblings of one client share one *desk*, and so their turns at Marketo's queue."""

    name = "bulk"

    def __init__(self, sender: Sender, desk: JobSlots) -> None:
        super().__init__(sender)
        self._desk = desk

    @cached_property
    def leads(self) -> LeadFiles[Row]:
        """Leads out of and into files."""
        return LeadFiles(self._sender, self._desk, Row)

    @cached_property
    def activities(self) -> ActivityFiles[Row]:
        """Activities out of files."""
        return ActivityFiles(self._sender, self._desk, Row)

    @cached_property
    def program_members(self) -> ProgramMemberFiles[Row]:
        """Program members out of and into files."""
        return ProgramMemberFiles(self._sender, self._desk, Row)

    def custom_objects(self, api_name: str) -> CustomObjectFiles[Row]:
        """Return the bulk files of one custom object type, by its API name."""
        return CustomObjectFiles(self._sender, self._desk, Row, api_name)

    @composite
    async def used_today(self) -> int:
        """Return the bytes that your exports of all kinds have brought since midnight in America/Chicago.

        Costs a call for each kind, and one for every type of custom object. Marketo counts everybody's exports against
        the instance's volume of a day, 500 MB as a rule, but lists your own only. Maps to ``jobs``.
        """
        return await volume_today(self._sender, self._desk.clock)
