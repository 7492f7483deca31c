"""The layouts of answers in each part of the API: the lead database, both asset APIs, and user management.

It chooses the layout and the HTTP status. See ``ingestion`` for the answers of data ingestion.
"""

from __future__ import annotations

from marketo_async.sandbox.envelope import Answer, Members, failure, success
from marketo_async.sandbox.errors import ApiError

ASSETS = "/rest/asset/"
NEW_ASSETS = "/rest/asset/v2/"
USERS = "/userservice/management/"

# Only the status marks success; the documentation gives no status for codes other than those of access.
_STATUSES = {
    "601": 401,
    "602": 401,
    "603": 403,
    "605": 405,
    "606": 429,
    "607": 429,
    "610": 404,
    "611": 500,
    "615": 429,
    "1013": 404,
}


def answered(path: str, answer: Answer, request_id: str) -> object:
    """Return the answer of an operation that succeeded, in the layout of the API at this path."""
    if path.startswith(USERS):
        return answer.result
    envelope = success(answer, request_id, asset=path.startswith(ASSETS))
    if answer.page_details is not None:
        envelope["pageDetails"] = answer.page_details
    return envelope


def refused(path: str, error: ApiError, request_id: str) -> tuple[Members, int]:
    """Return the answer to an error, in the layout of the API at this path, and its HTTP status."""
    if path.startswith(USERS):
        return {"errors": [{"code": int(error.code), "message": error.message}]}, _STATUSES.get(error.code, 400)
    envelope = failure(error, request_id, asset=path.startswith(ASSETS))
    if path.startswith(NEW_ASSETS):
        envelope["errors"] = [_detailed(error)]
    return envelope, 200


def _detailed(error: ApiError) -> Members:
    return {
        "key": f"error.{error.code}",
        "message": error.message,
        "code": error.code,
        "dynamicMessage": error.message,
        "type": "error",
        "source": "validation",
        "errorMessage": error.message,
    }
