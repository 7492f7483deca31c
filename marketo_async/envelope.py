"""The envelope of every answer: ``success``, ``requestId``, ``result``, ``errors``, and the bytes it is read from.

Reading accepts the irregularities that Marketo is known for (missing or null members, numbers as text and text as
numbers, an empty text for a missing value, unknown members), and is strict about the rest. A body is decoded directly
into its type; if that fails, it is decoded without types, fitted and converted. No I/O. See ``codes`` for what a code
means, and ``fitting`` for the rules of fitting.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/rest-api
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Struct

from marketo_async.errors import BadRecord, BadResponse, ErrorItem, UnexpectedShape
from marketo_async.fitting import fitted
from marketo_async.models.moment import decode_hook

R = TypeVar("R")

OnBadRecord = Callable[[BadRecord], None]

_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_GLANCE = 200  # bytes that show what kind of body it is
_BOM = b"\xef\xbb\xbf"  # some proxies put it first
_REQUEST_ID = re.compile(rb'"requestId"\s*:\s*"([^"]{1,64})"')
_PATH = re.compile(r" - at `(?:key in )?(\$[^`]*)`$")
_RECORD = re.compile(r"^\$\.result(?:\.items)?\[(\d+)\](.*)$")


class Notice(Struct, frozen=True):
    """A member of ``errors`` or ``warnings`` as it comes: the code may be text or a number."""

    code: str | int = ""
    message: str | None = None


class PageDetails(Struct, rename="camel", kw_only=True):
    """The position of a page in a listing by page index."""

    total_items: int | None = None
    page_size: int | None = None
    current_page: int | None = None


class Items(PageDetails, Generic[R], rename="camel", kw_only=True):
    """A result that is an object with the page's records, instead of a list of them."""

    items: list[R] = []


class Envelope(Struct, Generic[R], rename="camel", kw_only=True):
    """An answer. ``result`` is ``None`` if Marketo left it out: nothing found, or nothing to return."""

    success: bool | None = None
    request_id: str | None = None
    result: R | None = None
    errors: list[str | Notice] | None = None
    warnings: list[str | Notice] | None = None
    next_page_token: str | None = None
    more_result: bool | None = None
    page_details: PageDetails | None = None
    unread: int = 0  # records of the page that could not be read; they are not among the items

    @property
    def items(self) -> list[Any]:
        """The records of a page, in either kind of result."""
        result: Any = self.result
        return result.items if isinstance(result, Items) else result or []

    @property
    def total(self) -> int | None:
        """How many records the whole listing has, if Marketo reports it."""
        details = self.result if isinstance(self.result, Items) else self.page_details
        return details.total_items if details else None

    @property
    def blank(self) -> bool:
        """Whether it lacks every member of a Marketo answer."""
        return self.success is None and self.request_id is None and self.result is None and self.errors is None

    @property
    def failures(self) -> list[ErrorItem]:
        """The errors, with their codes as text; empty if the call succeeded."""
        if self.success is not False and not self.errors:
            return []
        found = [
            ErrorItem("", item) if isinstance(item, str) else ErrorItem(str(item.code), item.message or "")
            for item in self.errors or ()
        ]
        return found or [ErrorItem("", "success is false, and no error says why")]


class MissingResult(Exception):
    """An answer lacks a member that it must hold, at ``path``."""

    def __init__(self, message: str, *, path: str = "$.result") -> None:
        super().__init__(message)
        self.path = path


class _Head(Struct, rename="camel", kw_only=True):
    """An envelope without its result, for answers whose result can't be read."""

    success: bool | None = None
    request_id: str | None = None
    errors: list[str | Notice] | None = None


@cache
def _decoder(answer: Any) -> msgspec.json.Decoder[Envelope[Any]]:
    return msgspec.json.Decoder(Envelope[answer], strict=False, dec_hook=decode_hook)


_HEAD = msgspec.json.Decoder(_Head, strict=False)


def read(
    body: bytes, answer: Any, *, status: int, operation: str, on_bad_record: OnBadRecord | None = None
) -> Envelope[Any]:
    """Decode ``body`` into an envelope whose result has the type ``answer``.

    ``on_bad_record`` receives each record of a result that can't be read, and the result is returned without it.

    Raises `BadResponse` for a body that is not an envelope in JSON, and `UnexpectedShape` for a result of another type.
    An answer that reports errors is returned, even if its result can't be read.
    """
    plain = body.removeprefix(_BOM)
    try:
        envelope = _decoder(answer).decode(plain)
    except msgspec.ValidationError as error:
        return _read_again(plain, answer, error, status=status, operation=operation, on_bad_record=on_bad_record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadResponse(
            _diagnosis(plain), status=status, body=body, operation=operation, request_id=request_id(body)
        ) from error
    if envelope.blank:
        raise BadResponse("the body is not a Marketo answer", status=status, body=body, operation=operation)
    return envelope


class _Complaint(Struct):
    """An error of the families without an envelope: a list of errors, or a code and a message."""

    errors: list[str | Notice] = []
    error_code: str | int = ""
    message: str | None = None


def read_bare(
    body: bytes,
    answer: Any,
    *,
    status: int,
    operation: str,
    named: str | None,
    on_bad_record: OnBadRecord | None = None,
) -> Envelope[Any]:
    """Decode an answer without an envelope: the value itself if the HTTP status reports success, else its errors.

    ``on_bad_record`` is as for `read`.

    Raises `BadResponse` for a body that is not JSON, and `UnexpectedShape` for one that is not an ``answer``.
    """
    success = status < _CLIENT_ERROR
    if success and not body.strip():
        return Envelope(success=True, request_id=named)
    if success and body.lstrip().startswith(b"{") and (head := _head_of(body)).success is False:
        return Envelope(success=False, request_id=head.request_id or named, errors=head.errors)  # the gateway's own
    try:
        if success:
            value = msgspec.json.decode(body, type=answer, strict=False, dec_hook=decode_hook)
            return Envelope(success=True, request_id=named, result=value)
        complaint = _complaint(body)
    except msgspec.ValidationError as error:
        if success:
            try:
                value = {"success": True, "requestId": named, "result": msgspec.json.decode(body)}
                return _fit_and_convert(value, answer, operation, on_bad_record)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass  # the first error says where, in the body as it came
        raise _misshapen(error, status, body, operation, named) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadResponse(_diagnosis(body), status=status, body=body, operation=operation, request_id=named) from error
    own = Notice(complaint.error_code or str(status), complaint.message)
    return Envelope(success=False, request_id=named, errors=complaint.errors or [own])


def _complaint(body: bytes) -> _Complaint:
    try:
        return msgspec.json.decode(body, type=_Complaint, strict=False)
    except msgspec.ValidationError:
        return msgspec.convert(fitted(msgspec.json.decode(body), _Complaint), _Complaint, strict=False)


def read_raw(body: bytes, *, status: int, operation: str) -> Envelope[Any]:
    """Return a body as a file, unless it is an envelope with errors, or plain text with an HTTP error.

    Raises `BadResponse` for a web page, which some proxies return instead of a file.
    """
    start = body[:_GLANCE].lstrip().lower()
    if start.startswith(b"{"):
        head = _head_of(body)
        if head.errors or head.success is False:
            return Envelope(success=False, request_id=head.request_id, errors=head.errors)
    page = start.startswith((b"<!doctype html", b"<html"))
    if _CLIENT_ERROR <= status < _SERVER_ERROR:
        said = None if page else body[:_GLANCE].decode(errors="replace").strip()
        return Envelope(success=False, errors=[Notice(str(status), said)])
    if page:
        raise BadResponse("the body is a web page, not a file", status=status, body=body, operation=operation)
    return Envelope(success=True, result=body)


def request_id(body: bytes) -> str | None:
    """Find the requestId in a body that can't be decoded."""
    found = _REQUEST_ID.search(body)
    return found[1].decode("ascii", "replace") if found else None


def _read_again(
    body: bytes,
    answer: Any,
    error: msgspec.ValidationError,
    *,
    status: int,
    operation: str,
    on_bad_record: OnBadRecord | None,
) -> Envelope[Any]:
    """Read a body that is JSON of another shape than expected: return its errors, or fit it to the model."""
    head = _head_of(body)
    if head.errors or head.success is False:
        return Envelope(success=False, request_id=head.request_id, errors=head.errors)
    try:
        return _fit_and_convert(msgspec.json.decode(body), answer, operation, on_bad_record)
    except (msgspec.ValidationError, RecursionError):
        raise _misshapen(error, status, body, operation, head.request_id or request_id(body)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as malformed:  # after the place where the shape is wrong
        raise BadResponse(
            _diagnosis(body), status=status, body=body, operation=operation, request_id=request_id(body)
        ) from malformed


def _fit_and_convert(value: object, answer: Any, operation: str, on_bad_record: OnBadRecord | None) -> Envelope[Any]:
    """Fit decoded JSON to the model and convert it; if ``on_bad_record`` is given, without the unreadable records."""
    value = fitted(value, Envelope[answer])
    bad: list[BadRecord] = []
    places: list[int] | None = None
    while True:
        try:
            envelope: Envelope[Any] = msgspec.convert(value, Envelope[answer], strict=False, dec_hook=decode_hook)
        except msgspec.ValidationError as error:
            at = _PATH.search(str(error))
            found = _RECORD.search(at[1]) if at else None
            if on_bad_record is None or found is None:
                raise
            records = _records_of(value)
            places = list(range(len(records))) if places is None else places
            number = int(found[1])
            index, record = places.pop(number), records.pop(number)
            what = str(error).partition(" - at ")[0] + (f" at {found[2]}" if found[2] else "")
            bad.append(BadRecord(what, index=index, member=found[2], record=record, operation=operation))
        else:
            break
    if on_bad_record is not None:
        for one in bad:
            on_bad_record(one)
    envelope.unread = len(bad)
    return envelope


def _records_of(value: Any) -> list[object]:
    """Return the list that holds the records of a decoded page."""
    result = value["result"]
    records: list[object] = result if isinstance(result, list) else result["items"]
    return records


def _head_of(body: bytes) -> _Head:
    """Read an envelope without its result; return an empty one if there is none."""
    try:
        return _HEAD.decode(body)
    except msgspec.ValidationError:
        try:
            return msgspec.convert(fitted(msgspec.json.decode(body), _Head), _Head, strict=False)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _Head()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Head()


def _misshapen(
    error: msgspec.ValidationError, status: int, body: bytes, operation: str, request_id: str | None
) -> UnexpectedShape:
    """Return an error with the place in the answer that has another type than the model."""
    found = _PATH.search(str(error))
    return UnexpectedShape(
        str(error),
        path=found[1] if found else "$",
        status=status,
        body=body,
        operation=operation,
        request_id=request_id,
    )


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
