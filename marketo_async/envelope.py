"""The envelope of every answer: ``success``, ``requestId``, ``result``, ``errors``, and the bytes it is read from.

Reading is tolerant of what Marketo is known to send (missing or null members, codes as numbers, numbers as strings,
members nobody knew) and strict about the rest. No I/O. Not here: what a code means (``codes``).
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.errors import BadResponse, ErrorItem, UnexpectedShape
from marketo_async.models.moment import decode_hook

R = TypeVar("R")

_REQUEST_ID = re.compile(rb'"requestId"\s*:\s*"([^"]{1,64})"')
_PATH = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")


class Notice(Struct, frozen=True):
    """A member of ``errors`` or ``warnings`` as it comes: the code may be text or a number."""

    code: str | int = ""
    message: str | None = None


class Envelope(Struct, Generic[R], rename="camel", kw_only=True):
    """An answer. ``result`` is ``None`` where Marketo left it out: nothing found, or nothing to return."""

    success: bool = True
    request_id: str | None = None
    result: R | None = None
    errors: list[Notice] | None = None
    warnings: list[str | Notice] | None = None
    next_page_token: str | None = None
    more_result: bool | None = None

    @property
    def failures(self) -> list[ErrorItem]:
        """The errors, with their codes as text; empty where the call succeeded."""
        if self.success and not self.errors:
            return []
        found = [ErrorItem(str(item.code), item.message or "") for item in self.errors or ()]
        return found or [ErrorItem("", "success is false, and no error says why")]


class MissingResult(Exception):
    """An answer that must hold a result has none."""


@cache
def _decoder(answer: Any) -> msgspec.json.Decoder[Envelope[Any]]:
    return msgspec.json.Decoder(Envelope[answer], strict=False, dec_hook=decode_hook)


@cache
def _head() -> msgspec.json.Decoder[Envelope[msgspec.Raw]]:
    return msgspec.json.Decoder(Envelope[msgspec.Raw], strict=False)


def read(body: bytes, answer: Any, *, status: int, operation: str) -> Envelope[Any]:
    """Decode *body* into an envelope whose result is an *answer*.

    Raises `BadResponse` for what is not an envelope in JSON, and `UnexpectedShape` for one whose result is not an
    *answer*; an answer that reports errors is returned whatever its result looks like.
    """
    try:
        return _decoder(answer).decode(body)
    except msgspec.ValidationError as error:
        head = _read_head(body)
        if head is not None and head.failures:
            return Envelope(success=False, request_id=head.request_id, errors=head.errors)
        found = _PATH.search(str(error))
        raise UnexpectedShape(
            str(error),
            path=found[1] if found else "$",
            status=status,
            body=body,
            operation=operation,
            request_id=head.request_id if head else request_id(body),
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadResponse(
            _diagnosis(body), status=status, body=body, operation=operation, request_id=request_id(body)
        ) from error


def request_id(body: bytes) -> str | None:
    """Find the requestId in a body that can't be decoded."""
    found = _REQUEST_ID.search(body)
    return found[1].decode("ascii", "replace") if found else None


def _read_head(body: bytes) -> Envelope[msgspec.Raw] | None:
    try:
        return _head().decode(body)
    except msgspec.DecodeError:
        return None


def _diagnosis(body: bytes) -> str:
    if not body.strip():
        return "the body is empty"
    if body.lstrip()[:1] == b"<":
        return "the body is HTML, not JSON"
    try:
        body.decode()
    except UnicodeDecodeError:
        return "the body is not UTF-8"
    return "the body is not complete JSON"
