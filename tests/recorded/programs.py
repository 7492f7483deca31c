"""Folders and what is in them: files, tokens, programs with tags and channels, segmentations, campaigns, lists."""

from __future__ import annotations

from tests.recorded.kinds import (
    CHANGED,
    DATED,
    DAY,
    FOLDER,
    FOLDER_ID,
    ID,
    INT,
    NULL,
    TEXT,
    Either,
    Shape,
    flags,
    ints,
    texts,
)

_FOLDER = (
    ints("id accessZoneId")
    | texts("name description? url? folderType path workspace")
    | flags("isArchive isSystem")
    | CHANGED
    | {"folderId": FOLDER_ID, "parent?": FOLDER_ID}
)
_FILE = (
    ints("id size") | texts("name description? mimeType url") | CHANGED | {"folder": texts("type name?") | ints("id")}
)
_TOKENS: Shape = [
    {"folder": texts("type") | ints("value"), "tokens": [texts("name type computedUrl") | {"value": Either(TEXT, DAY)}]}
]
_STEP = texts("name description?") | ints("step") | flags("hidden success")
_PROGRAM = (
    ints("id")
    | texts("name description? url type channel status workspace")
    | flags("headStart?")
    | CHANGED
    | {"folder": FOLDER}
)
_TAGS: dict[str, Shape] = {"tags?": [texts("tagType tagValue")]}
_COSTS: dict[str, Shape] = {"costs?": [texts("note?") | {"startDate": DAY, "cost": INT}]}
_CAMPAIGN = ints("id programId?") | texts("name description? type programName? workspaceName") | flags("active") | DATED
_SMART_CAMPAIGN = (
    ints("id smartListId flowId")
    | texts("name description? status type qualificationRuleType workspace computedUrl")
    | flags("isSystem isActive isRequestable isCommunicationLimitEnabled")
    | CHANGED
    | {"folder?": FOLDER_ID, "recurrence": flags("weekdayOnly")}
)
_SMART_LIST = ints("id") | texts("name url workspace") | CHANGED | {"folder": FOLDER_ID}
_CONDITION = (
    ints("activityAttributeId") | texts("activityAttributeName operator") | flags("isPrimary") | {"values": [TEXT]}
)
_FILTER = ints("id ruleTypeId") | texts("name ruleType operator") | {"conditions": [_CONDITION]}
_RULES = texts("filterMatchType") | {"triggers": [], "filters": [_FILTER]}
_STATIC_LIST = ints("id") | texts("name description? computedUrl") | CHANGED | {"folder": FOLDER_ID}

TABLE = {
    "folders": {"get by_name browse create update": [_FOLDER], "delete": ID},
    "files": {"get by_name browse create update_content": [_FILE]},
    "tokens": {"browse create": _TOKENS, "delete": ID},
    "tags": {
        "browse": [texts("tagType applicableProgramTypes") | flags("required")],
        "by_name": [texts("tagType applicableProgramTypes allowableValues") | flags("required")],
    },
    "channels": {
        "browse by_name": [
            ints("id") | texts("name applicableProgramType") | CHANGED | {"progressionStatuses": [_STEP]}
        ]
    },
    "programs": {
        "browse": [_PROGRAM],
        "by_tag": [_PROGRAM | _TAGS],
        "get by_name create update": [_PROGRAM | _TAGS | _COSTS],
        "clone": [_PROGRAM | _TAGS | {"costs?": NULL}],
        "approve unapprove delete update_tag delete_tag": ID,
        "smart_list": [_SMART_LIST],
    },
    "segmentations": {
        "browse": [ints("id") | texts("name description? url status workspace") | CHANGED | {"folder": FOLDER}],
        "segments": [ints("id segmentationId") | texts("name description? status url?") | CHANGED],
    },
    "campaigns": {"browse get": [_CAMPAIGN], "request schedule": ID},
    "smart_campaigns": {
        "get by_name browse create update clone": [_SMART_CAMPAIGN],
        "activate deactivate delete": ID,
        "smart_list": [_SMART_LIST],
    },
    "smart_lists": {
        "by_name browse clone": [_SMART_LIST],
        "get": [_SMART_LIST | {"rules?": _RULES}],
        "delete": ID,
    },
    "static_lists": {"get by_name browse create update": [_STATIC_LIST], "delete": ID},
}
