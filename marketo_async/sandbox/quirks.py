"""Behaviour of an instance that tests switch on or off, mostly to test clients harder.

See ``limits`` for numbers and ``faults`` for single failures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Quirks:
    """Switches; the defaults are the documented or observed behaviour of an ordinary instance."""

    double_slash_rejected: bool = True
    """Answer 610 to a path with an empty segment; otherwise empty segments are dropped."""
    form_method: bool = True
    """Take ``_method=GET`` from the form body as well as from the query."""
    query_token: bool = False
    """Accept ``access_token`` in the query."""
    always_602: bool = False
    """Answer 602 to every use of an expired token, not only to the first."""
    omit_null: bool = False
    """Leave members without a value out of lead records instead of writing null."""
    unknown_members: bool = False
    """Add undocumented members to envelopes and records."""
    shuffled_members: bool = False
    """Write members in random order."""
    absent_result: bool = False
    """Leave ``result`` out of an activity page that has no rows."""
    empty_pages: float = 0.0
    """Probability that a date-token page is empty although more follows."""
    empty_run: int = 3
    """The maximum number of such empty pages in a row."""
    short_pages: float = 0.0
    """Probability that a page ends early although more follows."""
    bound_tokens: bool = True
    """Refuse a paging token whose parameters differ from those it was issued for."""
    token_padding: int = 0
    """Extra bytes of each paging token."""
    unexportable: frozenset[str] = frozenset()
    """Fields that describe lists and an export of leads refuses."""
    list_filter_cap: int | None = 10_000
    """The size from which a list can't filter activities; ``None`` for no cap."""
    since_inclusive: bool = False
    """Whether a date token also covers activities of exactly its datetime."""
    late_share: float = 0.0
    """Share of the activities that are committed later than they are dated, as e-mails are."""
    late_by: tuple[float, float] = (0.0, 480.0)
    """Seconds by the sandbox's clock, from and to, between the date and the commit of such an activity."""
    token_order: Literal["date", "commit"] = "date"  # noqa: S105 - a paging token
    """The order of activities in date tokens; by date, a reader misses late commits before its position."""
    deletions_kept: float = 14 * 86_400.0
    """Seconds by the sandbox's clock for which the listing of deleted leads shows a deletion."""
    merge_ids: Literal["text", "list"] = "text"
    """Whether the Merge IDs of a Merge Leads activity are text with commas, or a list."""
    changed_field: Literal["api", "display"] = "api"
    """The kind of field name in a Change Data Value activity."""
    omit_activity_ids: bool = False
    """Leave ``id`` out of activities, so that only ``marketoGUID`` identifies them."""
    company_writable: bool = False
    """Let lead writes set company columns instead of answering 1021."""
    ingestion_delay: float = 0.2
    """Seconds by the sandbox's clock until accepted data ingestion is applied."""
    native_crm: bool = False
    """A native CRM integration is on: companies, opportunities, roles and sales persons answer 1018 to writes."""
    export_wait: float = 0.05
    """The least seconds by the sandbox's clock that an export job waits in the queue."""
    export_seconds: float = 0.1
    """Seconds by the sandbox's clock that an export job takes once it has started."""
    exports_fail: bool = False
    """Let export jobs end as failed."""
    export_files_lost: bool = False
    """Answer that completed export jobs have no file."""
    export_file_delay: float = 0.0
    """Seconds by the sandbox's clock for which a completed export has no file yet."""
    export_checksums_wrong: bool = False
    """Answer wrong checksums for export files."""
    export_copies: int = 1
    """How often an export writes each row, for files larger than the instance."""
    deleted_leads_refused: bool = False
    """Refuse activity exports of Delete Lead (type 37); otherwise the file has no rows of that type."""
    export_cancelled: str = "Canceled"
    """The spelling of a cancelled export's status, except in the answer to the cancellation."""
    export_milliseconds: bool = False
    """Accept milliseconds in the date ranges of export filters."""
    unavailable_filters: frozenset[str] = frozenset()
    """Export filters that the subscription lacks; they answer 1035."""
    import_wait: float = 0.05
    """The least seconds by the sandbox's clock that an import job waits in the queue."""
    import_seconds: float = 0.1
    """Seconds by the sandbox's clock that an import job takes once it has started."""
    imports_fail: bool = False
    """Let import jobs end as failed."""
    import_rejects_trimmed: bool = False
    """Leave out the empty cells at the end of failure and warning rows, so that reasons move left."""
    imports_warn: bool = False
    """Import every row with a warning."""
