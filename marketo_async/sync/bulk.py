"""``marketo.bulk`` of a blocking client: the blocking view of each kind of bulk files.

The module is imported on first use. See ``marketo_async.bulk`` for the declarations.
"""

# ruff: noqa: D101 - a twin has the docstring of its family

from __future__ import annotations

from functools import cached_property
from typing import TypeVar, cast

from marketo_async import bulk
from marketo_async.bulk import activities as activity_files
from marketo_async.bulk import custom_objects as object_files
from marketo_async.bulk import leads as lead_files
from marketo_async.bulk import program_members as member_files
from marketo_async.bulk.rows.reader import Row
from marketo_async.resources.blocking import Blocking

T = TypeVar("T")
M = TypeVar("M")


class LeadFiles(Blocking, lead_files.LeadFiles[T]):
    def of(self, model: type[M]) -> LeadFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return LeadFiles(cast("lead_files.LeadFiles[T]", self.twin).of(model), self.portal)


class ActivityFiles(Blocking, activity_files.ActivityFiles[T]):
    def of(self, model: type[M]) -> ActivityFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return ActivityFiles(cast("activity_files.ActivityFiles[T]", self.twin).of(model), self.portal)


class ProgramMemberFiles(Blocking, member_files.ProgramMemberFiles[T]):
    def of(self, model: type[M]) -> ProgramMemberFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return ProgramMemberFiles(cast("member_files.ProgramMemberFiles[T]", self.twin).of(model), self.portal)


class CustomObjectFiles(Blocking, object_files.CustomObjectFiles[T]):
    def of(self, model: type[M]) -> CustomObjectFiles[M]:
        """Return the same family with rows as instances of ``model``, a Struct; only its fields are exported."""
        return CustomObjectFiles(cast("object_files.CustomObjectFiles[T]", self.twin).of(model), self.portal)


class Bulk(Blocking, bulk.Bulk):
    @cached_property
    def leads(self) -> LeadFiles[Row]:
        """Exports and imports of leads."""
        return LeadFiles(self._twin.leads, self.portal)

    @cached_property
    def activities(self) -> ActivityFiles[Row]:
        """Exports of activities."""
        return ActivityFiles(self._twin.activities, self.portal)

    @cached_property
    def program_members(self) -> ProgramMemberFiles[Row]:
        """Exports and imports of program members."""
        return ProgramMemberFiles(self._twin.program_members, self.portal)

    def custom_objects(self, api_name: str) -> CustomObjectFiles[Row]:
        """Return the bulk files of one custom object type, by its API name."""
        return CustomObjectFiles(self._twin.custom_objects(api_name), self.portal)

    @property
    def _twin(self) -> bulk.Bulk:
        return cast("bulk.Bulk", self.twin)
