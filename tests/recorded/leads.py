"""Leads, static lists as the lead database has them, and members of programs."""

from __future__ import annotations

from tests.recorded.kinds import (
    DATE,
    DATED,
    METADATA,
    NOTHING,
    OFFSET_DATE,
    PLAIN_DATE,
    REASONS,
    TEXT,
    WRITTEN_FIELD,
    Either,
    dates,
    each,
    flags,
    ints,
    texts,
)

# Older recordings have dates with an offset, or without a zone.
_LEAD = (
    ints("id")
    | texts("email firstName? lastName?")
    | each(Either(DATE, OFFSET_DATE), "createdAt?")
    | each(Either(DATE, PLAIN_DATE), "updatedAt?")
)
_MEMBERSHIP = (
    texts("progressionStatus progressionStatusType?")
    | flags("isExhausted acquiredBy reachedSuccess")
    | dates("membershipDate updatedAt?")
)
_CHANGED_MEMBER = ints("seq leadId?") | texts("status") | {"reasons?": REASONS}
_RESULT = ints("id") | texts("status") | {"reasons?": REASONS}
_CHANNEL = texts("name") | flags("readOnly")
_LIST = ints("id workspaceId?") | texts("name description? programName? workspaceName") | DATED

TABLE = {
    "leads": {
        "associate merge": NOTHING,
        "get by_filter": [_LEAD],
        "by_program": [_LEAD | {"membership": _MEMBERSHIP | ints("id?")}],
        "sync delete update_partitions change_program_status": [_RESULT],
        "push submit_form": [ints("id?") | texts("status?") | {"reasons?": REASONS}],
        "describe": [ints("id length?") | texts("displayName dataType") | {"rest?": _CHANNEL, "soap?": _CHANNEL}],
        "field fields": METADATA,
        "create_fields update_field": WRITTEN_FIELD,
        "partitions": [ints("id") | texts("name description?")],
        "list_membership": [ints("listId") | DATED],
        "program_membership": [_MEMBERSHIP | ints("id")],
        "smart_campaign_membership": [ints("smartCampaignId") | DATED],
    },
    "lists": {
        "add is_member remove": [_RESULT],
        "browse get": [_LIST],
        "leads": [_LEAD],
        "legacy_leads": [ints("id") | texts("email firstName? postalCode?")],
    },
    "program_members": {
        "by_filter": [ints("seq leadId programId") | flags("reachedSuccess acquiredBy") | dates("membershipDate")],
        "change_status sync delete": [_CHANGED_MEMBER],
        "describe": [
            texts("name description?")
            | DATED
            | {
                "dedupeFields": [TEXT],
                "searchableFields": [[TEXT]],
                "fields": [texts("name displayName dataType") | flags("updateable crmManaged") | ints("length?")],
            }
        ],
        "field fields": METADATA,
        "create_fields update_field": WRITTEN_FIELD,
    },
}
