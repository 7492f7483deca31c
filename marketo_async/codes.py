"""Marketo's error codes: the meaning of each, whether the call took effect or is charged, and how to react.

Keys are the codes as Marketo writes them, HTTP statuses included. ``lookup`` also separates the meanings that share one
code: three of 1029 and two of 702. Override rows with `RetryPolicy.codes`. See ``retry`` for how long a retry waits and
``errors`` for the exceptions. The table follows
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

from msgspec import Struct

from marketo_async.errors import (
    AccessDenied,
    ApiError,
    Busy,
    Conflict,
    ExportQuotaExceeded,
    InvalidData,
    NotEnabled,
    NotFound,
    QuotaExceeded,
    Throttled,
    Unavailable,
)


class Level(Enum):
    """Where a code appears: as the HTTP status, in the response's ``errors``, or in a record's ``reasons``."""

    HTTP = "http"
    RESPONSE = "response"
    RECORD = "record"


class Action(Enum):
    """How the session reacts to a code."""

    RAISE = "raise"
    RENEW = "renew the token and send again"
    PAUSE = "pause every call, then send again"
    CROWDED = "use fewer slots, then send again"
    SPENT = "stop until the daily quota resets"
    RETRY = "send again after a while"
    FEW = "send again after a while, but only a few times"


class Code(Struct, frozen=True):
    """One row: ``acted`` says whether the call may have taken effect, ``counted`` whether the quota is charged.

    ``answered`` marks a failure that is Marketo's own response to the call: a write that ends with it raises this
    error, and its outcome does not count as lost.
    """

    meaning: str
    error: type[ApiError] = InvalidData
    action: Action = Action.RAISE
    level: Level = Level.RESPONSE
    acted: bool = False
    counted: bool = True
    answered: bool = False
    hint: str = ""


_H, _R = Level.HTTP, Level.RECORD

CODES: Mapping[str, Code] = {
    # HTTP statuses; those from 500 also come as codes inside a response
    "401": Code("not authorized", AccessDenied, level=_H, hint="check the client id and secret, and the user's role"),
    "403": Code("forbidden", AccessDenied, level=_H, hint="check the API user's role"),
    "404": Code("no such path, user or file", NotFound, level=_H, hint="check the path and the ids"),
    "408": Code("request timeout", Unavailable, Action.RETRY, _H, acted=True),
    "413": Code("body too large", InvalidData, level=_H, hint="split it: 1 MB a call, 10 MB a bulk import file"),
    "414": Code("URI too long", InvalidData, level=_H, hint="send fewer or shorter values"),
    "416": Code("no such part of the file", Unavailable, Action.RETRY, _H, hint="fetch it from the beginning"),
    "429": Code("service limit", Throttled, Action.RETRY, _H, hint="send more slowly"),
    "500": Code("internal error", Unavailable, Action.FEW, acted=True, hint="if it persists, check the URL"),
    "502": Code("bad gateway, often a timeout", Unavailable, Action.RETRY, acted=True),
    "503": Code("service unavailable", Unavailable, Action.RETRY, _H, acted=True),
    "504": Code("gateway timeout", Unavailable, Action.RETRY, _H, acted=True),
    # the whole response
    "600": Code("no token", AccessDenied, Action.RENEW, counted=False),
    "601": Code("token not valid", AccessDenied, Action.RENEW, counted=False),
    "602": Code("token expired", AccessDenied, Action.RENEW, counted=False),
    "603": Code("access denied", AccessDenied),
    "604": Code("the call ran too long", Unavailable, Action.RETRY, acted=True, counted=False, hint="ask for less"),
    "605": Code("wrong HTTP method", counted=False, hint="this is a bug in marketo_async: report it"),
    "606": Code("rate limit", Throttled, Action.PAUSE, hint="other integrations use up the rate limit"),
    "607": Code("daily quota used up", QuotaExceeded, Action.SPENT),
    "608": Code("temporarily unavailable", Unavailable, Action.RETRY, counted=False),
    "609": Code("invalid JSON", hint="Marketo could not read the body"),
    "610": Code("no such path or id", NotFound, hint="check the ids in the call"),
    "611": Code(
        "system error",
        Unavailable,
        Action.FEW,
        acted=True,
        counted=False,
        answered=True,
        hint="often a bad parameter; the call may still have taken effect, so check before you send it again",
    ),
    "612": Code("wrong content type", hint="this is a bug in marketo_async: report it"),
    "613": Code("invalid multipart", hint="check the file part's name and content type"),
    "614": Code("instance not reachable", Unavailable, Action.FEW, hint="check the munchkin id"),
    "615": Code("too many calls at once", Throttled, Action.CROWDED, hint="other integrations use up the slots"),
    "616": Code("custom objects are not part of the subscription", NotEnabled),
    "701": Code("blank or too long", hint="fill the field, or shorten it"),
    "702": Code("nothing found", NotFound),
    "702 refused": Code("not allowed for this asset", Conflict, hint="Marketo gives no reason but its message"),
    "703": Code("feature not enabled", NotEnabled),
    "704": Code("bad date or dynamic content id", hint="check the format"),
    "709": Code("a rule of the asset forbids it", Conflict, hint="Marketo gives no reason but its message"),
    "710": Code("parent folder not found", NotFound),
    "711": Code("wrong folder type", hint="pass a folder id with its type, Folder or Program"),
    "712": Code("merge not allowed, or the CRM sees a duplicate", Conflict),
    "713": Code("transient error", Unavailable, Action.RETRY),
    "714": Code("no default record type for the merge", Conflict),
    "718": Code("unknown external sales person", hint="create the sales person first"),
    "719": Code("lock wait timed out", Unavailable, Action.RETRY, acted=True),
    # records, and calls without records
    "1001": Code("value of the wrong type", level=_R),
    "1002": Code("required parameter missing", level=_R),
    "1003": Code("invalid data", level=_R, hint="the message says what is wrong"),
    "1004": Code("lead not found", NotFound, level=_R),
    "1005": Code("lead already exists", Conflict, level=_R),
    "1006": Code("unknown field", level=_R, hint="describe() lists the fields"),
    "1007": Code("several leads match the key", Conflict, level=_R, hint="use the id, or merge the leads"),
    "1008": Code("no access to the partition", AccessDenied, level=_R),
    "1009": Code("a partition must be named", level=_R, hint="pass partition_name"),
    "1010": Code("the record is in another partition", Conflict, level=_R),
    "1011": Code(
        "field is not searchable", level=_R, hint="describe() lists the searchable fields; for leads, describe2() does"
    ),
    "1012": Code("bad cookie", level=_R),
    "1013": Code("object not found", NotFound, level=_R),
    "1014": Code("object could not be created", Unavailable, Action.FEW, _R, acted=True),
    "1015": Code("lead not in the list", NotFound, level=_R),
    "1016": Code("ten imports are already queued", Busy, hint="wait until one of them ends"),
    "1017": Code("object already exists", Conflict, level=_R),
    "1018": Code("the native CRM integration forbids it", Conflict, level=_R),
    "1019": Code("an import into this list is in progress", Busy, hint="wait until it ends"),
    "1020": Code("today's schedules that clone a program are used up", QuotaExceeded),
    "1021": Code("companies can't be changed here", level=_R, hint="use companies.sync()"),
    "1022": Code("object in use", Conflict, level=_R),
    "1025": Code("unknown program status", level=_R, hint="the program's channel lists its statuses"),
    "1026": Code("custom objects are not enabled", NotEnabled),
    "1027": Code("too many custom activity types", Conflict, level=_R, hint="an instance can have ten"),
    "1028": Code("too many attributes", Conflict, level=_R, hint="a type can have twenty"),
    "1029": Code("ten exports are already queued", Busy, hint="wait until one of them ends"),
    "1029 quota": Code("today's export volume is used up", ExportQuotaExceeded),
    "1029 queued": Code("the export is already queued", Conflict),
    "1035": Code("this export filter is not enabled", NotEnabled, hint="filter by createdAt"),
    "1036": Code("the same key twice in one call", level=_R),
    "1037": Code("the lead has this status or a later one", Conflict, level=_R),
    "1042": Code("more than two years ahead"),
    "1048": Code("the draft could not be discarded", Conflict),
    "1049": Code("activity attributes above 65,536 bytes", level=_R),
    "1076": Code("the merge would make a duplicate in the CRM", Conflict),
    "1077": Code("merge in the CRM: a field is too long", hint="shorten it, or merge without the CRM"),
    "1078": Code("merge in the CRM: deleted or not mergeable", Conflict),
    "1079": Code("merge: personalized URLs clash", Conflict, hint="resolve it in the web interface"),
    "1080": Code("more than 25 leads to merge", hint="merge 25 at a time"),
    # data ingestion
    "4000801": Code("bad request", level=_H),
    "4000802": Code("invalid data", level=_H),
    "401013": Code("token not valid", AccessDenied, Action.RENEW, _H, counted=False),
    "403010": Code("no token", AccessDenied, level=_H),
    "4030801": Code("not authorized", AccessDenied, level=_H, hint="check the munchkin id and the user's role"),
    "404040": Code("no such path", NotFound, level=_H),
    "429001": Code("service limit", Throttled, Action.RETRY, _H),
    "4290801": Code("daily ingestion quota used up", QuotaExceeded, level=_H),
    "5000801": Code("internal error", Unavailable, Action.RETRY, _H, acted=True),
}

UNKNOWN = Code("not documented", ApiError)

# If the response to a call was lost, its retry may return these codes because the first attempt took effect, but also
# for other reasons. `Operation.proof` lists those that prove it for one operation.
DONE_ALREADY = frozenset({"709", "1004", "1005", "1013", "1015", "1017", "1037"})

_NOTHING_FOUND = re.compile(r"^no\s|\bfound\b|\bnot exist|n't exist", re.IGNORECASE)


def lookup(code: str, message: str = "", overrides: Mapping[str, Code] | None = None) -> Code:
    """Return the row of ``code``, an override first; ``message`` separates the meanings of 1029 and 702."""
    key = code
    if code == "1029":
        text = message.casefold()
        key = "1029 quota" if "quota" in text else "1029 queued" if "already queued" in text else code
    elif code == "702" and message and not _NOTHING_FOUND.search(message):
        key = "702 refused"
    if overrides and (row := overrides.get(key) or overrides.get(code)):
        return row
    return CODES.get(key, UNKNOWN)
