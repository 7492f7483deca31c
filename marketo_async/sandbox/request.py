"""A request as it arrived, and what its method, parameters and body really are.

Method overrides, forms, list encodings and JSON are sorted out here. Who may call, and what then happens, is not.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.routing import Route

FORM = "application/x-www-form-urlencoded"
JSON_TYPE = "application/json"

# A body that is too long is read on to here, so that its sender gets to see the refusal instead of a reset.
_MOST_READ = 64 * 1_048_576


class BodyTooLarge(Exception):
    """The body exceeds what the operation takes."""


@dataclass(slots=True)
class Request:
    """One HTTP request, before anything is known of its operation."""

    http: web.BaseRequest
    method: str
    path: str
    query: dict[str, list[str]]
    content: bytes = b""
    overridden: bool = False
    """Whether a POST stands for a GET."""

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

    def token(self, *, in_query: bool) -> str | None:
        """Return the access token, from the query only where that is allowed."""
        from_query = self.query.pop("access_token", None)
        scheme, _, token = self.http.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return token.strip()
        return from_query[0] if from_query and in_query else None

    def credentials(self) -> dict[str, str]:
        """Return what an identity call says of its sender, in its query and form together."""
        if self.content_type == FORM:
            self._merge(_parameters(self.content.decode(errors="replace")))
        return {name: values[0] for name, values in self.query.items()}

    async def read(self, most: int) -> None:
        """Read the body, or raise when it is longer than ``most`` bytes."""
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
        """Settle path, method and parameters."""
        if "//" in self.path:
            if quirks.double_slash_rejected:
                raise ApiError("610", "Requested resource not found")
            while "//" in self.path:
                self.path = self.path.replace("//", "/")
        form = _parameters(self.content.decode(errors="replace")) if self.content_type == FORM else {}
        if self.is_asset:
            self._merge(form)
            return
        override = self.query.pop("_method", None)
        if override is None and quirks.form_method:
            override = form.pop("_method", None)
        if self.method == "POST" and override is not None:
            if override[0].upper() != "GET":
                raise ApiError("605", f"Request method '{override[0]}' not supported")
            self.method, self.overridden = "GET", True
            self._merge(form)

    def body(self, route: Route) -> Members:
        """Return the JSON body that the operation takes, empty where there is none."""
        if self.overridden and self.content_type == FORM:
            return {}
        if not route.takes_body or not (self.content or route.body):
            # A form that is no override has nothing to do at a JSON operation, even without a body of its own.
            if self.overridden and self.content:
                raise ApiError("612", "Invalid Content Type")
            return {}
        if self.content_type != JSON_TYPE:
            raise ApiError("612", "Invalid Content Type")
        try:
            body = msgspec.json.decode(self.content)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise ApiError("609", "Invalid JSON") from None
        if not isinstance(body, dict):
            raise ApiError("609", "Invalid JSON")
        return body

    def _merge(self, form: dict[str, list[str]]) -> None:
        for name, values in form.items():
            self.query.setdefault(name, []).extend(values)


def _parameters(text: str) -> dict[str, list[str]]:
    return parse_qs(text, keep_blank_values=True)
