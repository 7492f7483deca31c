"""Companies, opportunities and their roles, sales persons, named accounts and their lists, and custom objects."""

from __future__ import annotations

from tests.recorded.kinds import DATED, METADATA, REASONS, TEXT, Shape, dates, flags, ints, texts

_KEYS: dict[str, Shape] = {"dedupeFields": [TEXT], "searchableFields": [[TEXT]]}
_FIELD = texts("name displayName dataType") | ints("length?") | flags("updateable crmManaged?")
_DESCRIPTION = texts("name displayName? description? idField") | DATED | _KEYS
_DESCRIBED = _DESCRIPTION | {"fields": [_FIELD]}
_WITH_ID: Shape = [ints("seq id?") | texts("status") | {"reasons?": REASONS}]
_WITH_GUID: Shape = [ints("seq") | texts("marketoGUID? status") | {"reasons?": REASONS}]
# One sample of a deletion repeats the key of the request instead of the GUID.
_DELETED: Shape = [ints("seq") | texts("marketoGUID? id? status") | {"reasons?": REASONS}]
_LINKED = texts("name field")
_RELATIONSHIP = texts("field type") | {"relatedTo": _LINKED}
# One sample of a description calls the target of a link object.
_ODD_RELATIONSHIP = texts("field type") | {"relatedTo?": _LINKED, "object?": _LINKED}
_TYPE = (
    texts("state version? displayName description? apiName idField?")
    | dates("createdAt? updatedAt?")
    | _KEYS
    | {"relationships": [_RELATIONSHIP], "fields": [_FIELD]}
)

TABLE = {
    "companies": {
        "by_filter": [ints("seq id") | texts("externalCompanyId company")],
        "sync delete": _WITH_ID,
        "describe": [_DESCRIBED],
        "field fields": METADATA,
    },
    "opportunities": {
        "by_filter": [ints("seq") | texts("marketoGUID externalOpportunityId name description? amount?")],
        "sync delete": _WITH_GUID,
        "describe": [_DESCRIBED],
        "field fields": METADATA,
    },
    "opportunity_roles": {"sync delete": _WITH_GUID, "describe": [_DESCRIBED]},
    "sales_persons": {
        "by_filter": [ints("seq id") | texts("externalSalesPersonId") | DATED],
        "sync delete": _WITH_ID,
        "describe": [_DESCRIBED],
    },
    "named_accounts": {
        "by_filter": [ints("seq") | texts("marketoGUID name") | DATED],
        "sync": _WITH_GUID,
        "delete": _DELETED,
        "describe": [_DESCRIBED],
        "field fields": METADATA,
    },
    "named_account_lists": {
        "by_filter": [ints("seq") | texts("marketoGUID name type") | flags("updateable") | DATED],
        "sync add remove": _WITH_GUID,
        "delete": _DELETED,
        "members": [ints("seq") | texts("marketoGUID name") | DATED],
    },
    "custom_objects": {
        "browse": [_DESCRIPTION | {"relationships": [_RELATIONSHIP]}],
        "describe": [_DESCRIPTION | {"relationships": [_ODD_RELATIONSHIP], "fields": [_FIELD | texts("description?")]}],
        "by_filter": [ints("seq") | texts("marketoGUID vin?") | DATED],
        "sync delete": _WITH_GUID,
    },
    "custom_object_types": {
        "browse describe": [_TYPE],
        "sync approve discard_draft create_fields update_field delete_fields": [],
        "data_types": [TEXT],
        "linkable_objects": [texts("name displayName") | {"fields": [texts("name displayName dataType")]}],
        "used_by": [texts("assetType assetName") | ints("assetId") | {"usedFields?": [TEXT]}],
    },
}
