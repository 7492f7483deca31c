"""What each kind of fault does to an answer. See ``faults`` for which calls it strikes."""

from __future__ import annotations

import random
from dataclasses import replace

import msgspec

from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.faults import Fault
from marketo_async.sandbox.limits import InstanceLimits
from marketo_async.sandbox.reply import JSON, PLAIN, Reply

HTML = "text/html;charset=UTF-8"

_GATEWAY_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_LOGIN_PAGE = b"<!DOCTYPE html><html><head><title>Login</title></head><body>Please log in.</body></html>"

# The codes that refuse a call on arrival; other faults strike when the answer is due.
AT_ONCE = frozenset({"600", "601", "602", "603", "605", "606", "607", "608", "610", "612", "613", "614", "615"})

_MESSAGES = {
    "502": "Bad Gateway",
    "601": "Access token invalid",
    "602": "Access token expired",
    "603": "Access denied",
    "604": "Request timed out",
    "608": "API Temporarily Unavailable",
    "611": "System error",
    "615": "Concurrent access limit reached",
    "713": "Transient error",
}


def injected_error(fault: Fault, limits: InstanceLimits) -> ApiError:
    """Return the error of a fault whose kind is a code."""
    if fault.kind == "606":
        return ApiError("606", f"Max rate limit '{limits.calls}' exceeded with in '{limits.per:g}' secs")
    if fault.kind == "607":
        return ApiError("607", f"Max daily quota '{limits.daily}' reached")
    return ApiError(fault.kind, _MESSAGES.get(fault.kind, "Injected error"))


def mangled(fault: Fault, said: object) -> object:
    """Return the answer of an operation that ran, with a part of it spoiled."""
    if fault.kind == "numeric_strings":
        return _ids_as_text(msgspec.to_builtins(said))
    # Answers without an envelope have no result and no request id.
    if isinstance(said, dict) and "success" in said:
        if fault.kind == "no_result":
            said.pop("result", None)
        elif fault.kind == "null_request_id":
            said["requestId"] = None
    return said


def damaged(fault: Fault, reply: Reply, rng: random.Random) -> Reply:
    """Return the reply of a file that is cut off or changed in transit."""
    if fault.kind == "corrupt":
        return replace(reply, changed=rng.randrange(max(reply.size, 1)))
    at = rng.randrange(max(reply.size // 4, 1)) if fault.at is None else min(fault.at, reply.size)
    return replace(reply, cut="truncate", cut_at=at)


def _ids_as_text(value: object) -> object:
    if isinstance(value, list):
        return [_ids_as_text(item) for item in value]
    if isinstance(value, dict):
        return {
            name: str(item) if type(item) is int and name.lower().endswith("id") else _ids_as_text(item)
            for name, item in value.items()
        }
    return value


_PAGES = {
    "html": Reply(_GATEWAY_PAGE, 502, {"Content-Type": HTML}),
    "html200": Reply(_LOGIN_PAGE, 200, {"Content-Type": HTML}),
    "empty": Reply(b""),
    "reset": Reply(b"", cut="reset"),
    "http_500": Reply(b"Internal Server Error", 500, {"Content-Type": PLAIN}),
    "http_404": Reply(b"File not found", 404, {"Content-Type": PLAIN}),
    "http_503": Reply(b"Service Unavailable", 503, {"Content-Type": PLAIN}),
}


def broken(fault: Fault, body: bytes, elsewhere: str) -> Reply:
    """Return the reply that replaces an answer with this body."""
    match fault.kind:
        case "truncate":
            return Reply(body, cut="truncate")
        case "bad_json":
            return Reply(body[: len(body) // 2])
        case "non_utf8":
            return Reply(body.replace(b'"', b'"\xff\xfe', 1))
        case "redirect":
            return Reply(b"", 302, {"Location": elsewhere, "Content-Type": JSON})
    return replace(_PAGES[fault.kind])
