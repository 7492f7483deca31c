"""From a plan to a request: URL, query and body, and the refusals that cost no call. Pure functions.

A GET of the lead database whose URL would pass 8 KB becomes ``POST ...?_method=GET`` with its query as a form; assets
take no such override. Not here: headers that change from attempt to attempt, like the token (``session``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from marketo_async.errors import InvalidRequest, RequestTooLarge
from marketo_async.operation import Arg, Method, Operation, Plan, Scalar

LONGEST_URL = 8192  # lead database; counted over the whole URL, which is never less than what Marketo counts
LONGEST_ASSET_URL = 65_536
LARGEST_BODY = 1_000_000

_PLAIN = re.compile(r"[A-Za-z0-9_.,:@~-]*")
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


class Request(Struct, frozen=True):
    """What goes on the wire, but for the token."""

    method: Method
    url: str
    body: bytes | None = None
    content_type: str | None = None


def build(operation: Operation, plan: Plan[Any], base: str) -> Request:
    """Turn a plan into a request to *base*.

    Raises `InvalidRequest` for path arguments that would change the path, `RequestTooLarge` for what Marketo answers
    with 413 or 414.
    """
    path = fill(operation, plan.path)
    query = pairs(plan.query)
    url = _join(base + path, query)
    if plan.json is not None:
        request = Request(operation.method, url, _json(operation, plan.json), _JSON)
    elif plan.form is not None:
        request = Request(operation.method, url, _encode(pairs(plan.form)).encode(), _FORM)
    else:
        request = Request(operation.method, url)
    lead_database = path.startswith("/rest/v1/")
    if lead_database and operation.method == "GET":
        if plan.json is not None:
            # No proxy may be trusted with the body of a GET: the documented way is the override.
            request = Request("POST", _join(base + path, [*query, ("_method", "GET")]), request.body, _JSON)
        elif len(url) > LONGEST_URL:
            request = Request("POST", f"{base}{path}?_method=GET", _encode(query).encode(), _FORM)
    _check_size(request, operation, LONGEST_URL if lead_database else LONGEST_ASSET_URL)
    return request


def fill(operation: Operation, arguments: Mapping[str, str | int]) -> str:
    """Put percent-encoded arguments into the operation's path; ``""``, ``.`` and ``..`` would be another path."""
    encoded: dict[str, str] = {}
    for name, value in arguments.items():
        text = str(value)
        if text in {"", ".", ".."}:
            raise InvalidRequest(f"{operation.name}: {name} is {text!r}, which can't be part of a path")
        encoded[name] = quote(text, safe="")
    return operation.path.format_map(encoded)


def pairs(arguments: Mapping[str, Arg]) -> list[tuple[str, str]]:
    """Return the arguments that are not ``None`` as text; a sequence is joined by commas.

    A member that holds a comma itself would be read as two: such a sequence is sent as repeated parameters instead.
    """
    found: list[tuple[str, str]] = []
    for name, value in arguments.items():
        if value is None:
            continue
        if isinstance(value, Sequence) and not isinstance(value, str):
            if not value:
                raise InvalidRequest(f"{name} is empty: leave it out, or name at least one")
            # Text is the common case, three hundred members at once: it is taken as it is.
            members = cast("Sequence[str]", value) if isinstance(value[0], str) else [text(member) for member in value]
            joined = ",".join(members)
            if joined.count(",") < len(members):
                found.append((name, joined))
            else:
                found += [(name, member) for member in members]
        else:
            found.append((name, text(value)))
    return found


def text(value: Scalar) -> str:
    """Write one value as Marketo reads it: ``true``, ISO 8601 to the second with its offset, or as it is."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise InvalidRequest(f"{value.isoformat()} has no time zone: pass an aware datetime")
        return value.isoformat(timespec="seconds").replace("+00:00", "Z")
    return str(value)


def _json(operation: Operation, value: object) -> bytes:
    try:
        return msgspec.json.encode(value, enc_hook=_plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(f"{operation.name}: a record can't be written as JSON: {error}") from error


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _encode(query: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{_quote(name)}={_quote(value)}" for name, value in query)


def _quote(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else quote(part, safe=",:@")


def _join(url: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{_encode(query)}" if query else url


def _check_size(request: Request, operation: Operation, longest: int) -> None:
    if len(request.url) > longest:
        raise RequestTooLarge(
            f"{operation.name}: the URL would have {len(request.url):,} bytes, Marketo takes {longest:,}; send fewer or"
            " shorter values"
        )
    if request.body is not None and len(request.body) > LARGEST_BODY:
        raise RequestTooLarge(
            f"{operation.name}: the body would have {len(request.body):,} bytes, Marketo takes {LARGEST_BODY:,}; send"
            " fewer records a call"
        )
