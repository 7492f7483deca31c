"""Bulk jobs: the selections of exports, and the status of exports and imports."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct

from marketo_async.models.moment import Moment

FileFormat = Literal["CSV", "TSV", "SSV"]


class DateRange(Struct, frozen=True, kw_only=True, rename="camel"):
    """At most 31 days, both ends included: of two adjoining ranges, records of the second they share come twice."""

    start_at: datetime
    end_at: datetime


class LeadSelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The leads to export, by exactly one of these; ``updated_at`` and smart lists are not enabled everywhere (1035).

    ``updated_at`` is the last change of any field, which is not always the field of that name.
    """

    created_at: DateRange | None = None
    updated_at: DateRange | None = None
    static_list_id: int | None = None
    static_list_name: str | None = None
    smart_list_id: int | None = None
    smart_list_name: str | None = None


class ActivitySelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The activities to export; at most 50 primary attribute values, by id or by name, go with one group of types."""

    created_at: DateRange
    activity_type_ids: list[int] | None = None
    primary_attribute_value_ids: list[int] | None = None
    primary_attribute_values: list[str] | None = None


class ProgramMemberSelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The program members to export: of one program or of at most 10, narrowed by all the others together."""

    program_id: int | None = None
    program_ids: list[int] | None = None
    is_exhausted: bool | None = None
    nurture_cadence: Literal["paused", "normal"] | None = None
    status_names: list[str] | None = None
    updated_at: DateRange | None = None


class CustomObjectSelection(Struct, frozen=True, kw_only=True, rename="camel"):
    """The custom objects to export, by exactly one of these; a list selects the leads that they belong to."""

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
        """How many rows were taken, by whichever of its two names the count came."""
        return self.num_of_objects_processed if self.num_of_leads_processed is None else self.num_of_leads_processed
