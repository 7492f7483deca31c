"""The permissions of Marketo's API roles, and the sets of them of which an operation asks any one."""

from __future__ import annotations

READ_LEAD = "Read-Only Lead"
WRITE_LEAD = "Read-Write Lead"
READ_ACTIVITY = "Read-Only Activity"
WRITE_ACTIVITY = "Read-Write Activity"
READ_ACTIVITY_METADATA = "Read-Only Activity Metadata"
WRITE_ACTIVITY_METADATA = "Read-Write Activity Metadata"
READ_ASSETS = "Read-Only Assets"
WRITE_ASSETS = "Read-Write Assets"
WRITE_STANDARD_FIELD = "Read-Write Schema Standard Field"
WRITE_CUSTOM_FIELD = "Read-Write Schema Custom Field"

LEAD_READERS = frozenset({READ_LEAD, WRITE_LEAD})
LEAD_WRITERS = frozenset({WRITE_LEAD})
ACTIVITY_READERS = frozenset({READ_ACTIVITY, WRITE_ACTIVITY})
ACTIVITY_WRITERS = frozenset({WRITE_ACTIVITY})
ACTIVITY_METADATA_READERS = frozenset({READ_ACTIVITY_METADATA, WRITE_ACTIVITY_METADATA})
ACTIVITY_METADATA_WRITERS = frozenset({WRITE_ACTIVITY_METADATA})
ASSET_READERS = frozenset({READ_ASSETS, WRITE_ASSETS})
MEMBERSHIP_READERS = frozenset({READ_ASSETS})
FIELD_READERS = frozenset({WRITE_STANDARD_FIELD, WRITE_CUSTOM_FIELD})
FIELD_WRITERS = FIELD_READERS
FIELD_CREATORS = frozenset({WRITE_CUSTOM_FIELD})
ANYBODY: frozenset[str] = frozenset()
