"""Users and their roles, usage, and tokens."""

from __future__ import annotations

from tests.recorded.kinds import DAY, DIGITS, USER_DATE, USER_MOMENT, each, flags, ints, texts

_ROLE = ints("accessRoleId workspaceId") | texts("accessRoleName workspaceName")
_NAMES = texts("firstName lastName emailAddress")
_USER = (
    ints("id failedLogins failedDeviceCode")
    | _NAMES
    | texts("userid lockedReason?")
    | flags("optedIn isLocked apiOnly")
    | each(USER_MOMENT, "expiresAt lastLoginAt")
    | {"userRoleWorkspaces": [_ROLE]}
)

TABLE = {
    "users": {
        "get update": _USER,
        "browse": [ints("id") | _NAMES | texts("userid") | flags("apiOnly")],
        "invited": ints("id subscriptionId")
        | _NAMES
        | texts("userId status")
        | each(USER_DATE, "expiresAt createdAt updatedAt"),
        "add_roles remove_roles roles_of": [_ROLE],
        "roles": [
            ints("id")
            | texts("name description? type")
            | flags("hidden onlyAllZones")
            | each(USER_DATE, "createdAt updatedAt")
        ],
        "workspaces": [
            ints("id globalViz")
            | texts("name description? status currencyInfo?")
            | each(USER_DATE, "createdAt updatedAt")
        ],
    },
    "usage": {
        "today last_7_days": [ints("total") | {"date": DAY, "users": [texts("userId") | ints("count")]}],
        "errors_today errors_last_7_days": [
            ints("total") | {"date": DAY, "errors": [{"errorCode": DIGITS} | ints("count")]}
        ],
    },
}
