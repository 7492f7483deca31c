"""The table of Marketo's error codes: what each means, whether the call acted, whether it is charged, what to do.

Keys are the codes as Marketo writes them, HTTP statuses among them. ``lookup`` also tells apart the meanings that share
one code: three of 1029 and two of 702. Override rows through `RetryPolicy.codes`. Not here: how long a retry waits
(``retry``), and the exceptions themselves (``errors``).
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
    """Where a code appears: as the HTTP status, in the answer's ``errors``, or in a record's ``reasons``."""

    HTTP = "http"
    RESPONSE = "response"
    RECORD = "record"


class Action(Enum):
    """What the session does about a code."""

    RAISE = "raise"
    RENEW = "renew the token and send again"
    PAUSE = "pause every call, then send again"
    CROWDED = "use fewer slots, then send again"
    SPENT = "stop until the daily quota starts anew"
    RETRY = "send again after a while"
    FEW = "send again after a while, a few times only"


class Code(Struct, frozen=True):
    """One row: ``acted`` is whether the call may have done something, ``counted`` whether the quota is charged.

    ``answered`` marks a failure that is Marketo's own answer to the call: a write that ends with it raises this error,
    and its outcome does not count as lost.
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
    # HTTP statuses; the 5xx ones also come as codes inside an answer
    "401": Code("not authorised", AccessDenied, level=_H, hint="check the client id and secret, and the user's role"),
    "403": Code("forbidden", AccessDenied, level=_H, hint="check the API user's role"),
    "404": Code("no such path, user or file", NotFound, level=_H, hint="check the path and the ids"),
    "408": Code("request time-out", Unavailable, Action.RETRY, _H, acted=True),
    "413": Code("body too large", InvalidData, level=_H, hint="split it: 1 MB a call, 10 MB a bulk import file"),
    "414": Code("URI too long", InvalidData, level=_H, hint="send fewer or shorter values"),
    "416": Code("no such part of the file", Unavailable, Action.RETRY, _H, hint="fetch it from the beginning"),
    "429": Code("service limit", Throttled, Action.RETRY, _H, hint="send more slowly"),
    "500": Code("internal error", Unavailable, Action.FEW, acted=True, hint="check the URL if it stays"),
    "502": Code("bad gateway, often a time-out", Unavailable, Action.RETRY, acted=True),
    "503": Code("service unavailable", Unavailable, Action.RETRY, _H, acted=True),
    "504": Code("gateway time-out", Unavailable, Action.RETRY, _H, acted=True),
    # the whole answer
    "600": Code("no token", AccessDenied, Action.RENEW, counted=False),
    "601": Code("token not valid", AccessDenied, Action.RENEW, counted=False),
    "602": Code("token expired", AccessDenied, Action.RENEW, counted=False),
    "603": Code("access denied", AccessDenied),
    "604": Code("the call ran too long", Unavailable, Action.RETRY, acted=True, counted=False, hint="ask for less"),
    "605": Code("wrong HTTP method", counted=False, hint="this is a bug here: report it"),
    "606": Code("rate limit", Throttled, Action.PAUSE, hint="other integrations use the window up"),
    "607": Code("daily quota spent", QuotaExceeded, Action.SPENT),
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
        hint="often a bad parameter; it may have been done all the same, so look before you send it again",
    ),
    "612": Code("wrong content type", hint="this is a bug here: report it"),
    "613": Code("invalid multipart", hint="check the file part's name and content type"),
    "614": Code("instance not reachable", Unavailable, Action.FEW, hint="check the munchkin id"),
    "615": Code("too many calls at once", Throttled, Action.CROWDED, hint="other integrations hold the slots"),
    "616": Code("custom objects are not part of the subscription", NotEnabled),
    "701": Code("blank or too long", hint="fill the field, or shorten it"),
    "702": Code("nothing found", NotFound),
    "702 refused": Code("not allowed for this asset", Conflict, hint="the message is all that Marketo tells"),
    "703": Code("feature not enabled", NotEnabled),
    "704": Code("bad date or dynamic content id", hint="check the format"),
    "709": Code("a rule of the asset forbids it", Conflict, hint="the message is all that Marketo tells"),
    "710": Code("parent folder not found", NotFound),
    "711": Code("wrong folder type", hint="a folder id comes with its type, Folder or Program"),
    "712": Code("merge not allowed, or the CRM sees a duplicate", Conflict),
    "713": Code("transient error", Unavailable, Action.RETRY),
    "714": Code("no default record type for the merge", Conflict),
    "718": Code("unknown external sales person", hint="create the sales person first"),
    "719": Code("lock wait timed out", Unavailable, Action.RETRY, acted=True),
    # records, and calls that have none
    "1001": Code("value of the wrong type", level=_R),
    "1002": Code("required parameter missing", level=_R),
    "1003": Code("invalid data", level=_R, hint="the message tells which"),
    "1004": Code("lead not found", NotFound, level=_R),
    "1005": Code("lead exists already", Conflict, level=_R),
    "1006": Code("unknown field", level=_R, hint="describe() lists the fields"),
    "1007": Code("several leads match the key", Conflict, level=_R, hint="use the id, or merge them"),
    "1008": Code("no access to the partition", AccessDenied, level=_R),
    "1009": Code("a partition must be named", level=_R, hint="pass partition_name"),
    "1010": Code("the record is in another partition", Conflict, level=_R),
    "1011": Code(
        "field can't be searched by", level=_R, hint="describe() (of leads: describe2()) lists the fields to search by"
    ),
    "1012": Code("bad cookie", level=_R),
    "1013": Code("object not found", NotFound, level=_R),
    "1014": Code("object could not be created", Unavailable, Action.FEW, _R, acted=True),
    "1015": Code("lead not in the list", NotFound, level=_R),
    "1016": Code("ten imports are queued already", Busy, hint="wait for one of them to end"),
    "1017": Code("object exists already", Conflict, level=_R),
    "1018": Code("the native CRM integration forbids it", Conflict, level=_R),
    "1019": Code("an import into this list is under way", Busy, hint="wait for it to end"),
    "1020": Code("today's schedules with a clone are used up", QuotaExceeded),
    "1021": Code("companies can't be changed here", level=_R, hint="use companies.sync()"),
    "1022": Code("object in use", Conflict, level=_R),
    "1025": Code("unknown program status", level=_R, hint="the program's channel lists its statuses"),
    "1026": Code("custom objects are not enabled", NotEnabled),
    "1027": Code("too many custom activity types", Conflict, level=_R, hint="an instance has ten"),
    "1028": Code("too many attributes", Conflict, level=_R, hint="a type has twenty"),
    "1029": Code("ten exports are queued already", Busy, hint="wait for one of them to end"),
    "1029 quota": Code("today's export volume is used up", ExportQuotaExceeded),
    "1029 queued": Code("the export is queued already", Conflict),
    "1035": Code("this export filter is not enabled", NotEnabled, hint="filter by createdAt"),
    "1036": Code("one key twice in one call", level=_R),
    "1037": Code("the lead has this status or a later one", Conflict, level=_R),
    "1042": Code("more than two years ahead"),
    "1048": Code("the draft could not be discarded", Conflict),
    "1049": Code("activity attributes above 65,536 bytes", level=_R),
    "1076": Code("the merge would make a duplicate in the CRM", Conflict),
    "1077": Code("merge in the CRM: a field is too long", hint="or merge without the CRM"),
    "1078": Code("merge in the CRM: deleted or not mergeable", Conflict),
    "1079": Code("merge: personalised URLs clash", Conflict, hint="only the web interface can settle it"),
    "1080": Code("more than 25 leads to merge", hint="merge 25 at a time"),
    # data ingestion
    "4000801": Code("bad request", level=_H),
    "4000802": Code("invalid data", level=_H),
    "401013": Code("token not valid", AccessDenied, Action.RENEW, _H, counted=False),
    "403010": Code("no token", AccessDenied, level=_H),
    "4030801": Code("not authorised", AccessDenied, level=_H, hint="check the munchkin id and the user's role"),
    "404040": Code("no such path", NotFound, level=_H),
    "429001": Code("service limit", Throttled, Action.RETRY, _H),
    "4290801": Code("daily ingestion quota spent", QuotaExceeded, level=_H),
    "5000801": Code("internal error", Unavailable, Action.RETRY, _H, acted=True),
}

UNKNOWN = Code("not documented", ApiError)

# What the repeat of a call whose first answer was lost may say when the first one went through, and may say for other
# reasons, too. Which of them prove that an operation was done stands with the operation (`Operation.proof`).
DONE_ALREADY = frozenset({"709", "1004", "1005", "1013", "1015", "1017", "1037"})

_NOTHING_FOUND = re.compile(r"^no\s|\bfound\b|\bnot exist|n't exist", re.IGNORECASE)


def lookup(code: str, message: str = "", overrides: Mapping[str, Code] | None = None) -> Code:
    """Return the row of *code*: an override first, then the table; the *message* decides what 1029 and 702 mean."""
    key = code
    if code == "1029":
        text = message.casefold()
        key = "1029 quota" if "quota" in text else "1029 queued" if "already queued" in text else code
    elif code == "702" and message and not _NOTHING_FOUND.search(message):
        key = "702 refused"
    if overrides and (row := overrides.get(key) or overrides.get(code)):
        return row
    return CODES.get(key, UNKNOWN)
