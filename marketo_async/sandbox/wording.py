"""How each part of the API words an answer: the lead database, both asset APIs, and user management.

Only the layout, and the HTTP status that goes with it. Data ingestion words its few answers itself.
"""

from __future__ import annotations

from marketo_async.sandbox.envelope import Answer, Members, failure, success
from marketo_async.sandbox.errors import ApiError

ASSETS = "/rest/asset/"
NEW_ASSETS = "/rest/asset/v2/"
USERS = "/userservice/management/"

# Success is told by the status alone; which one goes with codes other than those of access is written nowhere.
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
    """Return what an operation that succeeded has to say, as the API at this path lays it out."""
    if path.startswith(USERS):
        return answer.result
    envelope = success(answer, request_id, asset=path.startswith(ASSETS))
    if answer.page_details is not None:
        envelope["pageDetails"] = answer.page_details
    return envelope


def refused(path: str, error: ApiError, request_id: str) -> tuple[Members, int]:
    """Return what an error has to say, as the API at this path lays it out, and its HTTP status."""
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
