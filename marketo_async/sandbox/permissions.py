"""The permissions of Marketo's API roles, and the sets of which an operation needs one."""

from __future__ import annotations


class AllOf(frozenset[str]):
    """Permissions of which an operation needs all."""

    __slots__ = ()


READ_LEAD = "Read-Only Lead"
WRITE_LEAD = "Read-Write Lead"
READ_ACTIVITY = "Read-Only Activity"
WRITE_ACTIVITY = "Read-Write Activity"
READ_ACTIVITY_METADATA = "Read-Only Activity Metadata"
WRITE_ACTIVITY_METADATA = "Read-Write Activity Metadata"
READ_ASSETS = "Read-Only Assets"
WRITE_ASSETS = "Read-Write Assets"
APPROVE_ASSETS = "Approve Assets"
WRITE_STANDARD_FIELD = "Read-Write Schema Standard Field"
WRITE_CUSTOM_FIELD = "Read-Write Schema Custom Field"
DESIGN_STUDIO = "Access Design Studio"
READ_CAMPAIGN = "Read-Only Campaign"
WRITE_CAMPAIGN = "Read-Write Campaign"
EXECUTE_CAMPAIGN = "Execute Campaign"

LEAD_READERS = frozenset({READ_LEAD, WRITE_LEAD})
LEAD_WRITERS = frozenset({WRITE_LEAD})
ACTIVITY_READERS = frozenset({READ_ACTIVITY, WRITE_ACTIVITY})
ACTIVITY_WRITERS = frozenset({WRITE_ACTIVITY})
ACTIVITY_METADATA_READERS = frozenset({READ_ACTIVITY_METADATA, WRITE_ACTIVITY_METADATA})
ACTIVITY_METADATA_WRITERS = frozenset({WRITE_ACTIVITY_METADATA})
ASSET_READERS = frozenset({READ_ASSETS, WRITE_ASSETS})
ASSET_WRITERS = frozenset({WRITE_ASSETS})
ASSET_APPROVERS = frozenset({APPROVE_ASSETS})
MEMBERSHIP_READERS = frozenset({READ_ASSETS})
FIELD_READERS = frozenset({WRITE_STANDARD_FIELD, WRITE_CUSTOM_FIELD})
FIELD_WRITERS = FIELD_READERS
FIELD_CREATORS = frozenset({WRITE_CUSTOM_FIELD})
USER_MANAGERS = AllOf({"Access User Management Api", "Access Users"})
CAMPAIGN_READERS = frozenset({READ_CAMPAIGN, WRITE_CAMPAIGN})
CAMPAIGN_RUNNERS = frozenset({EXECUTE_CAMPAIGN})
CAMPAIGN_ACTIVATORS = frozenset({"Activate Campaign"})
CAMPAIGN_DEACTIVATORS = frozenset({"Deactivate Campaign"})
REDIRECT_RULE_READERS = frozenset({"Read-Only Redirect Rules", "Read-Write Redirect Rules"})
REDIRECT_RULE_WRITERS = frozenset({"Read-Write Redirect Rules"})
ANYBODY: frozenset[str] = frozenset()


def object_readers(name: str) -> frozenset[str]:
    """Return the permissions to read an object, by its name in user roles."""
    return frozenset({f"Read-Only {name}", f"Read-Write {name}"})


def object_writers(name: str) -> frozenset[str]:
    """Return the permissions to write an object, by its name in user roles."""
    return frozenset({f"Read-Write {name}"})
