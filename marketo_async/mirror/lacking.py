"""Which errors say that an instance does not have something, or that the user may not read it. Pure.

A mirror leaves out such a table, with a message: a native CRM integration (1018), objects that the subscription does
not have (616, 703, 1026), a role without the permission (603).

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
"""

from __future__ import annotations

from marketo_async.errors import ApiError

_REASONS = {
    "603": "the API user's role does not have the permission",
    "616": "custom objects are not part of the subscription",
    "703": "the feature is not enabled",
    "1018": "a native CRM integration keeps them",
    "1026": "custom objects are not enabled",
}


def why_lacking(error: ApiError) -> str | None:
    """Return why the instance does not have what was asked for, ``None`` if the error says nothing of the kind."""
    return _REASONS.get(error.code)
