"""Forms and their fields, landing pages, their templates and their content, and redirect rules."""

from __future__ import annotations

from tests.recorded.kinds import (
    CHANGED,
    DAY,
    DIGITS,
    FOLDER,
    ID,
    INT,
    TEXT,
    Either,
    each,
    flags,
    ints,
    stamps,
    texts,
)

_FORM = (
    ints("id buttonLocation")
    | texts("name description? url? status theme language locale labelPosition fontFamily fontSize")
    | texts("buttonLabel waitingLabel")
    | flags("progressiveProfiling")
    | CHANGED
    | {
        "folder": FOLDER,
        "knownVisitor": texts("type template?"),
        "thankYouList": [texts("followupType followupValue?") | flags("default")],
    }
)
_CHOICE = texts("label value") | flags("isDefault? selected?")
_SETTINGS = ints("minValue? maxValue? visibleLines?") | flags("multiSelect?") | {"values?": [_CHOICE]}
_FIELD = (
    texts("id label? dataType defaultValue? validationMessage? hintText?")
    | ints("fieldWidth? labelWidth? rowNumber columnNumber maxLength?")
    | flags("required? formPrefill?")
    | {"fieldMetaData?": _SETTINGS, "visibilityRules?": texts("ruleType")}
)
_AVAILABLE = texts("id dataType") | ints("maxLength?") | flags("isRequired")
_RULE = texts("subjectField operator altLabel") | {"values": [TEXT]}
_PAGE = (
    ints("id template")
    | texts("name description? title? keywords? robots workspace status URL computedUrl")
    | flags("formPrefill mobileEnabled")
    | CHANGED
    | {"folder": FOLDER}
)
_PAGE_TEMPLATE = (
    ints("id")
    | texts("name description? url status workspace templateType?")
    | flags("enableMunchkin?")
    | CHANGED
    | {"folder": FOLDER}
)
_SECTION = (
    texts("type")
    | ints("index?")
    | {
        "id": Either(DIGITS, INT),
        "content": Either({"content": DIGITS} | texts("contentType contentUrl"), TEXT),
        "formattingOptions?": ints("zIndex") | texts("left top"),
    }
)
_DYNAMIC = (
    ints("segmentation")
    | each(DAY, "createdAt updatedAt")
    | {"segments": [ints("segmentId") | texts("segmentName type content")]}
)
_TARGET = texts("type") | {"value": Either(INT, TEXT)}
_REDIRECT = (
    ints("id")
    | texts("redirectFromUrl redirectToUrl hostname")
    | CHANGED
    | {"redirectFrom": _TARGET, "redirectTo": _TARGET}
)

TABLE = {
    "forms": {
        "get by_name browse create update": [_FORM],
        "used_by": [ints("id") | texts("name type status") | stamps("updatedAt")],
    },
    "form_fields": {
        "browse add update": [_FIELD],
        "add_rich_text": [
            texts("id dataType text")
            | ints("labelWidth rowNumber columnNumber")
            | {"visibilityRules": texts("ruleType")}
        ],
        "lead_fields": [_AVAILABLE | texts("picklistValues?") | ints("visibleRows?")],
        "program_member_fields": [_AVAILABLE],
        "update_visibility": [texts("formFieldId ruleType") | {"rules": [_RULE]}],
        "rearrange": ID,
    },
    "landing_pages": {
        "create clone": [_PAGE],
        "full_content": [ints("id") | texts("content")],
        "variables update_variable": [texts("id value type")],
    },
    "landing_page_content": {
        "browse": [_SECTION],
        "dynamic_content": [_DYNAMIC],
        "update update_dynamic_content": ID,
    },
    "landing_page_templates": {"create clone": [_PAGE_TEMPLATE], "update_content": ID},
    "redirect_rules": {
        "get browse create update": [_REDIRECT],
        "domains": [texts("hostname type")],
        "delete": ID,
    },
}
