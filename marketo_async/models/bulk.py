"""Bulk jobs: the selections of exports, and the status of exports and imports."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from marketo_async.models.moment import Moment

FileFormat = Literal["CSV", "TSV", "SSV"]


class DateRange(Struct, frozen=True, kw_only=True, rename="camel"):
    """At most 31 days, both ends included; two ranges that share a second both export its records."""

    start_at: datetime
    end_at: datetime


class LeadSelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The leads to export: set exactly one. Some instances do not allow ``updated_at`` and smart lists (1035).

    ``updated_at`` is the time of the last change of any field, which can differ from the field ``updatedAt``.
    """

    created_at: DateRange | None = None
    updated_at: DateRange | None = None
    static_list_id: int | None = None
    static_list_name: str | None = None
    smart_list_id: int | None = None
    smart_list_name: str | None = None


class ActivitySelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The activities to export; primary attribute values, at most 50 by id or name, need types of one group."""

    created_at: DateRange
    activity_type_ids: list[int] | None = None
    primary_attribute_value_ids: list[int] | None = None
    primary_attribute_values: list[str] | None = None


class ProgramMemberSelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The program members to export: those of one program, or of at most 10, that match all other filters."""

    program_id: int | None = None
    program_ids: list[int] | None = None
    is_exhausted: bool | None = None
    nurture_cadence: Literal["paused", "normal"] | None = None
    status_names: list[str] | None = None
    updated_at: DateRange | None = None


class CustomObjectSelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The custom objects to export: set exactly one; a list selects the objects of its leads."""

    updated_at: DateRange | None = None
    static_list_id: int | None = None
    static_list_name: str | None = None
    smart_list_id: int | None = None
    smart_list_name: str | None = None


class ExportJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """The status of an export: Created, Queued, Processing, then Completed, Failed or Cancelled (also ``Canceled``)."""

    export_id: str
    status: str
    format: str | None = None
    created_at: Moment | None = None
    queued_at: Moment | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None
    number_of_records: int | None = None
    file_size: int | None = None
    file_checksum: str | None = None
    error_msg: str | None = None


class ImportJob(Struct, frozen=True, kw_only=True, rename="camel"):
    """The status of an import: Queued, Importing, then Complete or Failed; ``message`` is free text."""

    batch_id: int
    status: str
    import_id: str | None = None
    message: str | None = None
    num_of_leads_processed: int | None = None
    num_of_objects_processed: int | None = None
    num_of_rows_failed: int | None = None
    num_of_rows_with_warning: int | None = None
    object_api_name: str | None = None
    operation: str | None = None
    import_time: str | None = None

    @property
    def processed(self) -> int | None:
        """How many rows Marketo processed; the name of the count depends on the kind of import."""
        return self.num_of_objects_processed if self.num_of_leads_processed is None else self.num_of_leads_processed
