"""Writes a plan as a request: URL, query and body. Refuses what Marketo would refuse, before it costs a call. Pure.

A GET of the lead database whose URL would exceed 8 KB becomes ``POST ...?_method=GET`` with its query as a form; assets
do not accept that. See ``transport`` for headers that change with each attempt, like the token.

Sizes: https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/error-codes (413, 414)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from marketo_async.errors import InvalidRequest, RequestTooLarge
from marketo_async.operation import Arg, File, Method, Operation, Plan
from marketo_async.wire_value import as_json, as_query

LONGEST_URL = 8192  # lead database; counted over the whole URL, and so never less than Marketo counts
LONGEST_ASSET_URL = 65_536
LARGEST_BODY = 1_000_000
LARGEST_FILE = 10_000_000  # bulk imports only

_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.-]+)*", re.ASCII)
_PLAIN = re.compile(r"[A-Za-z0-9_.,:@~-]*")
_STR = frozenset({str})
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


class Request(Struct, frozen=True):
    """What goes on the wire, without the token."""

    method: Method
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = {}

    @property
    def content_type(self) -> str | None:
        """The content type of the body."""
        return self.headers.get("Content-Type")


def build(operation: Operation, plan: Plan[Any], base: str) -> Request:
    """Turn a plan into a request to ``base``.

    Raises `InvalidRequest` for path arguments that would change the path, `RequestTooLarge` for requests that Marketo
    would answer with 413 or 414.
    """
    path = fill(operation, plan.path)
    query = pairs(plan.query)
    method, url = operation.method, _join(base + path, query)
    body, content_type = _body(operation, plan)
    if method == "GET" and operation.path.startswith("/rest/v1/"):
        if body is not None:
            # A proxy may drop the body of a GET; the override is the documented way.
            method, url = "POST", _join(base + path, [*query, ("_method", "GET")])
        elif len(url) > LONGEST_URL:
            method, url = "POST", f"{base}{path}?_method=GET"
            body, content_type = _encode(query).encode(), _FORM
    headers = {"Content-Type": content_type} if content_type else {}
    if operation.path.startswith("/rest/asset/v2/"):
        headers["x-app-type"] = "marketo"
    request = Request(method, url, body, headers)
    _check_size(request, operation)
    return request


def _body(operation: Operation, plan: Plan[Any]) -> tuple[bytes | None, str | None]:
    """Write the plan's body, and name its content type."""
    if plan.json is not None:
        return _json(operation, plan.json), _JSON
    form = [(name, _member(operation, value)) for name, value in (plan.form or {}).items() if value is not None]
    if plan.files:
        return multipart(form, plan.files)
    return (_encode(form).encode(), _FORM) if plan.form is not None else (None, None)


def _member(operation: Operation, value: object) -> str:
    """Write one member of a form: plain values as text, all others as JSON."""
    if isinstance(value, Mapping | Struct | list | tuple | set | frozenset):
        return _json(operation, value).decode()
    return as_query(value)


def multipart(form: Sequence[tuple[str, str]], files: Mapping[str, File]) -> tuple[bytes, str]:
    """Write a form with files as multipart/form-data; the boundary is a digest of the content, which can't hold it."""
    digest = hashlib.sha256()
    for file in files.values():
        digest.update(file.content)
    boundary = f"marketo-async-{digest.hexdigest()}"
    parts: list[bytes] = []
    for name, value in form:
        parts += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()]
    for name, file in files.items():
        if not _CONTENT_TYPE.fullmatch(file.content_type):
            raise InvalidRequest(f"{file.content_type!r} is not a content type: pass one like text/html")
        quoted = file.name.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "")
        head = (
            f'Content-Disposition: form-data; name="{name}"; filename="{quoted}"\r\nContent-Type: {file.content_type}'
        )
        parts += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), file.content, b"\r\n"]
    return b"".join([*parts, f"--{boundary}--\r\n".encode()]), f"multipart/form-data; boundary={boundary}"


def fill(operation: Operation, arguments: Mapping[str, str | int]) -> str:
    """Put percent-encoded arguments into the operation's path; refuse ``""``, ``.`` and ``..``, which change it."""
    encoded: dict[str, str] = {}
    for name, value in arguments.items():
        text = as_query(value)
        if text in {"", ".", ".."}:
            raise InvalidRequest(f"{operation.name}: {name} is {text!r}, which can't be part of a path; pass a value")
        encoded[name] = quote(text, safe="")
    return operation.path.format_map(encoded)


def pairs(arguments: Mapping[str, Arg]) -> list[tuple[str, str]]:
    """Return the arguments that are not ``None`` as text; a sequence is joined by commas.

    Raises `InvalidRequest` for a member that contains a comma: Marketo splits there, in every encoding.
    """
    found: list[tuple[str, str]] = []
    for name, value in arguments.items():
        if value is None:
            continue
        if isinstance(value, Sequence) and not isinstance(value, str):
            if not value:
                raise InvalidRequest(f"{name} is empty: leave it out, or name at least one")
            found.append((name, _joined(name, value)))
        else:
            found.append((name, _named(name, value)))
    return found


def _joined(name: str, values: Sequence[object]) -> str:
    if _STR.issuperset(map(type, values)):  # the usual case, three hundred at once
        joined = ",".join(cast("Sequence[str]", values))
        if joined.isascii() and joined.count(",") < len(values):
            return joined
    return ",".join(_listed(name, index, value) for index, value in enumerate(values))


def _listed(name: str, index: int, member: object) -> str:
    """Write one member of a list that is joined by commas."""
    text = _named(f"{name}[{index}]", member)
    if "," in text:
        raise InvalidRequest(
            f"{name}[{index}] is {text!r}: Marketo would split it at the comma; search by another field, or leave the"
            " value out"
        )
    return text


def _named(name: str, value: object) -> str:
    try:
        return as_query(value)
    except InvalidRequest as error:
        raise InvalidRequest(f"{name}: {error}") from error


def _json(operation: Operation, value: object) -> bytes:
    try:
        return msgspec.json.encode(as_json(value), enc_hook=plain)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidRequest(f"{operation.name}: a record can't be written as JSON: {error}") from error


def plain(value: object) -> object:
    """Turn a mapping that msgspec does not know into a dict."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} can't be written as JSON")


def _encode(query: Sequence[tuple[str, str]]) -> str:
    return "&".join(f"{_quote(name)}={_quote(value)}" for name, value in query)


def _quote(part: str) -> str:
    return part if _PLAIN.fullmatch(part) else quote(part, safe=",:@")


def _join(url: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{_encode(query)}" if query else url


def _check_size(request: Request, operation: Operation) -> None:
    longest = LONGEST_URL if operation.path.startswith("/rest/v1/") else LONGEST_ASSET_URL
    if len(request.url) > longest:
        raise RequestTooLarge(
            f"{operation.name}: the URL would have {len(request.url):,} bytes, Marketo takes {longest:,}; send fewer or"
            " shorter values"
        )
    largest = LARGEST_FILE if operation.path.startswith("/bulk/") else LARGEST_BODY
    if request.body is not None and len(request.body) > largest:
        raise RequestTooLarge(
            f"{operation.name}: the body would have {len(request.body):,} bytes, Marketo takes {largest:,}; send"
            " fewer records a call"
        )
