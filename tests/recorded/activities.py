"""Activities, changes of leads, deleted leads, and types of activities."""

from __future__ import annotations

from tests.recorded.kinds import DATE, DATED, DIGITS, INT, OFFSET_DATE, REASONS, TEXT, Either, dates, ints, texts

_ATTRIBUTE = texts("name") | {"value": Either(TEXT, INT)}
_PRIMARY = ints("primaryAttributeValueId?") | texts("primaryAttributeValue?")
_EVENT = (
    ints("id leadId activityTypeId")
    | {"marketoGUID": DIGITS, "attributes": [_ATTRIBUTE]}
    | _PRIMARY
    | {"activityDate": Either(DATE, OFFSET_DATE)}
)
_CHANGE = ints("id") | texts("name newValue? oldValue?")
_CUSTOM = texts("apiName name description triggerName filterName status")
_CUSTOM_ATTRIBUTE = texts("apiName name description? dataType")
_CUSTOM_WHOLE = (
    _CUSTOM
    | dates("createdAt? updatedAt?")
    | ints("id?")
    | {"primaryAttribute": _CUSTOM_ATTRIBUTE, "attributes?": [_CUSTOM_ATTRIBUTE]}
)

TABLE = {
    "activities": {
        "add": [ints("id?") | texts("status") | {"marketoGUID?": DIGITS, "errors?": REASONS}],
        "since": [_EVENT | ints("campaignId?")],
        "deleted_leads": [_EVENT],
        "lead_changes": [_EVENT | {"fields": [_CHANGE]}],
        "types": [
            ints("id")
            | texts("name description?")
            | {"primaryAttribute?": texts("name dataType"), "attributes": [texts("name dataType")]}
        ],
    },
    "custom_activity_types": {
        "browse": [_CUSTOM | DATED | ints("id")],
        "create update": [_CUSTOM | {"primaryAttribute": _CUSTOM_ATTRIBUTE}],
        "describe create_attributes update_attributes delete_attributes": [_CUSTOM_WHOLE],
    },
}
