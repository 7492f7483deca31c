"""`Request`: a request as it arrived, and its effective method, parameters and body.

It resolves method overrides, forms, list encodings and JSON.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.multipart import MULTIPART, Upload, read_parts
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.routing import Route
from marketo_async.sandbox.wording import NEW_ASSETS, USERS

FORM = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"
APP_TYPE = "x-app-type"

# A body that is too long is read up to here, so that its sender sees the refusal instead of a reset.
_MOST_READ = 64 * 1_048_576


class BodyTooLarge(Exception):
    """The body is longer than the operation accepts."""


@dataclass(slots=True)
class Request:
    """One HTTP request, before its operation is known."""

    http: web.BaseRequest
    method: str
    path: str
    query: dict[str, list[str]]
    content: bytes = b""
    overridden: bool = False
    """Whether a POST overrides its method with GET."""
    files: dict[str, Upload] = field(default_factory=dict)

    @classmethod
    def arriving(cls, http: web.BaseRequest) -> Request:
        """Return the request whose headers have just been read."""
        path, _, query = http.raw_path.partition("?")
        return cls(http, http.method, path, _parameters(query))

    @property
    def uri_bytes(self) -> int:
        """The length of the request target, query included."""
        return len(self.http.raw_path.encode(errors="surrogateescape"))

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.http.headers.get("Content-Type", "").partition(";")[0].strip().lower()

    @property
    def is_asset(self) -> bool:
        """Whether the request is for the asset API."""
        return self.path.startswith("/rest/asset/")

    @property
    def is_bulk(self) -> bool:
        """Whether the request is for the bulk API."""
        return self.path.startswith("/bulk/")

    @property
    def is_import(self) -> bool:
        """Whether the request brings a file to import."""
        return self.is_bulk and self.content_type == MULTIPART

    def token(self, *, in_query: bool) -> str | None:
        """Return the access token; the query may hold it only if that is allowed."""
        from_query = self.query.pop("access_token", None)
        scheme, _, token = self.http.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        return from_query[0] if from_query and in_query and not self.path.startswith(USERS) else None

    def credentials(self) -> dict[str, str]:
        """Return the parameters of an identity call, from its query and form together."""
        if self.content_type == FORM:
            self._merge(_parameters(self.content.decode(errors="replace")))
        return {name: values[0] for name, values in self.query.items()}

    async def read(self, most: int) -> None:
        """Read the body, or raise if it is longer than ``most`` bytes."""
        chunks: list[bytes] = []
        length = 0
        async for chunk in self.http.content.iter_any():
            length += len(chunk)
            if length <= most:
                chunks.append(chunk)
            elif length > _MOST_READ:
                break
        if length > most:
            raise BodyTooLarge
        self.content = b"".join(chunks)

    def resolve(self, quirks: Quirks) -> None:
        """Determine path, method and parameters."""
        self.path = _without_dots(self.path)
        if "//" in self.path:
            if quirks.double_slash_rejected:
                raise ApiError("610", "Requested resource not found")
            while "//" in self.path:
                self.path = self.path.replace("//", "/")
        form = self._form()
        if self.is_asset or self.is_import:
            self._merge(form)
            return
        override = self.query.pop("_method", None)
        if override is None and quirks.form_method:
            override = form.pop("_method", None)
        if self.method != "POST" or override is None:
            return
        match override[0].upper():
            case "GET":
                self.method, self.overridden = "GET", True
                self._merge(form)
            case "DELETE":
                self.method = "DELETE"
            case "POST":
                pass
            case _:
                raise ApiError("605", f"Request method '{override[0]}' not supported")

    def body(self, route: Route) -> Members:
        """Return the members of the body that the operation accepts, empty without a body.

        Members of a form or multipart body are text or uploads, and may also be in the query.
        """
        if route.takes_form and not (route.also_json and self.content_type == JSON_TYPE):
            if self.content and self.content_type not in (FORM, MULTIPART):
                raise ApiError("612", "Invalid Content Type")
            return {**{name: values[0] for name, values in self.query.items()}, **self.files}
        if self.overridden and self.content_type == FORM:
            return {}
        if not route.takes_body or not (self.content or route.body):
            # A JSON operation refuses a form that is not a method override, even one without a body.
            if self.overridden and self.content:
                raise ApiError("612", "Invalid Content Type")
            return {}
        if self.content_type != JSON_TYPE:
            raise ApiError("612", "Invalid Content Type")
        try:
            body = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ApiError("609", "Invalid JSON") from None
        # The documentation of user management sends roles as a bare array, the description as an object.
        if isinstance(body, list) and self.path.startswith(USERS):
            return {"input": body}
        if not isinstance(body, dict):
            raise ApiError("609", "Invalid JSON")
        return body

    def check_headers(self) -> None:
        """Raise 1002 if a call of the v2 assets lacks the header that names its application."""
        if self.path.startswith(NEW_ASSETS) and self.http.headers.get(APP_TYPE) != "marketo":
            raise ApiError("1002", f"Missing value for required header '{APP_TYPE}'")

    def _form(self) -> dict[str, list[str]]:
        if self.content_type == MULTIPART:
            form, self.files = read_parts(self.http.headers["Content-Type"], self.content)
            return form
        return _parameters(self.content.decode(errors="replace")) if self.content_type == FORM else {}

    def _merge(self, form: dict[str, list[str]]) -> None:
        for name, values in form.items():
            self.query.setdefault(name, []).extend(values)


def _without_dots(path: str) -> str:
    """Return the path as the gateway resolves it: ``/rest/../bulk/v1/leads.json`` is ``/bulk/v1/leads.json``."""
    if "/." not in path:
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == ".." and len(kept) > 1:
            kept.pop()
        elif segment not in (".", ".."):
            kept.append(segment)
    return "/".join(kept)


def _parameters(text: str) -> dict[str, list[str]]:
    return parse_qs(text, keep_blank_values=True)
