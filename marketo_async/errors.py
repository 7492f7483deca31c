"""Every exception of the package, and what each one means for the caller.

::

    MarketoError
    ├── ConfigurationError         the client was set up or used in a way that can't work
    ├── InvalidRequest             refused here, before anything was sent
    │   ├── RequestTooLarge        ... because Marketo would not take its size
    │   └── RecordRefused          ... because of one record of many, which ``index`` names
    │       └── RecordTooLarge     ... that is larger than Marketo takes in one call
    ├── StoreUnavailable           the store that shares the limits between processes can't be used
    ├── AuthenticationError        the client id and secret, or the tokens they give, are not accepted
    ├── ApiError                   Marketo answered with an error code
    │   ├── AccessDenied           603: the API user's role lacks a permission, or the address is not allowed
    │   ├── Throttled              606, 615: still refused after waiting; other integrations crowd the instance
    │   ├── QuotaExceeded          a quota is spent until ``resets_at``
    │   │   ├── DailyQuotaExceeded ... the instance's calls of the day (607, or counted here)
    │   │   └── ExportQuotaExceeded ... the instance's bytes of bulk exports of the day (1029)
    │   ├── Unavailable            Marketo could not do it now, and trying again did not help
    │   ├── Busy                   a queue is full or an object is locked by another job
    │   ├── NotFound               no such path, object or record
    │   ├── Conflict               it exists already, is in use, or is in the wrong state
    │   ├── InvalidData            a value, field or parameter that Marketo does not take
    │   └── NotEnabled             the instance does not have the feature
    ├── TransportError             no answer came back
    │   ├── CallTimeout            ... within the caller's own time-out
    │   ├── BadResponse            something came back that is no Marketo answer
    │   │   └── UnexpectedShape    ... or one whose members have the wrong types
    │   └── DamagedFile            a bulk file came with another length or checksum than its job has, and again so
    ├── JobFailed                  a bulk job ended without what it was for
    │   └── JobCancelled           ... because somebody else cancelled it
    ├── BadRow                     a line of a bulk file can't be read as a row
    ├── BadRecord                  a record of a listing can't be read; only ``on_bad_record`` receives it
    ├── ImportStopped              an import ended early; ``report`` tells what was taken until then
    ├── RecordsFailed              some records were not taken: by ``raise_for_failures()`` and by writes of one record
    └── OutcomeUnknown             a write was sent, and its answer was lost or can't be read: it may have happened

No message, repr or attribute holds a token or a secret. Not here: what each code means (``codes``), and what is tried
again (``retry``).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any, Self, TypeVar

from msgspec import UNSET, Struct, UnsetType

E = TypeVar("E", bound=BaseException)


class ErrorItem(Struct, frozen=True):
    """One member of an answer's ``errors``, or of a record's ``reasons``."""

    code: str
    message: str = ""


class MarketoError(Exception):
    """The root of every exception of this package.

    ``token`` is where a drain stopped: pass it to the same method to go on from there. ``index`` is the record of a
    write that the error is about, counted from 0: the one that was refused, or the first of the call that failed.
    ``results`` are those that ``all()`` had by then; a record without one was not sent, or stood in that call.

    A failure that several callers share reaches each of them as a copy, whose ``__cause__`` is the original.
    """

    token: str | None = None
    index: int | None = None
    results: Sequence[Any] = ()

    def with_context(
        self,
        *,
        token: str | UnsetType | None = UNSET,
        index: int | None = None,
        results: Sequence[Any] | None = None,
    ) -> Self:
        """Return a copy of this error that also carries what one caller knows about it.

        Other callers may hold the same error, so its attributes never change once it was raised. A *token* of ``None``
        is one: the drain begins again from the start.
        """
        copied = own(self)
        if not isinstance(token, UnsetType):
            copied.token = token
        if index is not None:
            copied.index = index
        if results is not None:
            copied.results = results
        return copied

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep errors picklable: a worker process hands its own on."""
        return _revive, (type(self), self.args, self.__dict__)


def own(error: E) -> E:
    """Return an equal copy of *error* for one caller, with the original as its cause.

    What one caller adds to its exception (a token, a note, a traceback), another one never sees. The cause of a copy of
    a copy is the original. An exception of another package that can't be copied is returned as it is.
    """
    try:
        copied = copy(error)
    except Exception:  # noqa: BLE001 - whatever its constructor wants that its args do not hold
        return error
    if type(copied) is not type(error):
        return error
    if notes := getattr(error, "__notes__", None):
        copied.__notes__ = [*notes]
    cause = error.__cause__
    copied_already = cause is not None and type(cause) is type(error) and cause.args == error.args
    copied.__cause__ = cause if copied_already else error
    return copied


def _revive(kind: type[MarketoError], args: tuple[object, ...], state: dict[str, object]) -> MarketoError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(MarketoError):
    """The client was set up or used in a way that can't work."""


class StoreUnavailable(MarketoError):
    """The store that shares the limits between processes can't be used, so nothing was sent.

    Try again later, or give the governor a ``fallback``.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        super().__init__(_sentence(message, "", None, hint))


class InvalidRequest(MarketoError, ValueError):
    """Refused before anything was sent."""


class RequestTooLarge(InvalidRequest):
    """The request is larger than Marketo takes; split it."""


class RecordRefused(InvalidRequest):
    """One record of a write can't be sent as it is; ``index`` is its place in the input, counted from 0."""

    def __init__(self, message: str, *, index: int) -> None:
        super().__init__(f"record {index}: {message}")
        self.index = index


class RecordTooLarge(RecordRefused, RequestTooLarge):
    """One record is larger than Marketo takes in one call: shorten its values."""


class AuthenticationError(MarketoError):
    """The client id and secret, or the tokens they give, are not accepted."""


class ApiError(MarketoError):
    """Marketo answered with an error code.

    ``code`` and ``message`` are the first error of the answer, ``errors`` all of them; ``operation`` is the dotted name
    of what was called, ``request_id`` what Marketo's support asks for.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        operation: str = "",
        request_id: str | None = None,
        errors: Sequence[ErrorItem] = (),
        hint: str = "",
    ) -> None:
        self.message = message
        self.code = code
        self.operation = operation
        self.request_id = request_id
        self.errors: tuple[ErrorItem, ...] = tuple(errors) or (ErrorItem(code, message),)
        self.hint = hint
        super().__init__(_sentence(f"{code} {message}".strip(), operation, request_id, hint))


class AccessDenied(ApiError):
    """603: the API user's role lacks a permission, or the calling address is not allowed."""


class Throttled(ApiError):
    """606 or 615: still refused after waiting; other integrations crowd the instance."""


class QuotaExceeded(ApiError):
    """A quota is spent; ``resets_at`` is when it starts anew, in UTC."""

    def __init__(
        self,
        message: str,
        *,
        code: str,
        resets_at: datetime,
        operation: str = "",
        request_id: str | None = None,
        errors: Sequence[ErrorItem] = (),
    ) -> None:
        hint = f"it starts anew at {resets_at.isoformat()}"
        super().__init__(message, code=code, operation=operation, request_id=request_id, errors=errors, hint=hint)
        self.resets_at = resets_at


class DailyQuotaExceeded(QuotaExceeded):
    """The instance's calls of the day are spent, by Marketo's word (607) or by our count: ``used`` of ``daily``."""

    def __init__(
        self, *, used: int, daily: int, resets_at: datetime, operation: str = "", request_id: str | None = None
    ) -> None:
        super().__init__(
            f"the daily quota is spent: {used} of {daily} calls are known here",
            code="607",
            resets_at=resets_at,
            operation=operation,
            request_id=request_id,
        )
        self.used, self.daily = used, daily


class ExportQuotaExceeded(QuotaExceeded):
    """The instance's bulk exports have brought all the bytes of the day (1029); jobs that run already still finish."""


class Unavailable(ApiError):
    """Marketo could not do it now, and trying again did not help."""


class Busy(ApiError):
    """A queue is full, or an object is locked by another job: try again in minutes, not seconds."""


class NotFound(ApiError):
    """No such path, object or record."""


class Conflict(ApiError):
    """It exists already, is in use, or is in the wrong state."""


class InvalidData(ApiError):
    """A value, field or parameter that Marketo does not take."""


class NotEnabled(ApiError):
    """The instance does not have the feature."""


class TransportError(MarketoError):
    """No answer came back: the connection failed, broke, or timed out.

    ``sent`` tells whether the request may have reached Marketo, ``passing`` whether it is worth trying again.
    """

    def __init__(
        self,
        message: str,
        *,
        operation: str = "",
        request_id: str | None = None,
        hint: str = "",
        sent: bool = True,
        passing: bool = True,
    ) -> None:
        self.message = message
        self.sent = sent
        self.passing = passing
        self.operation = operation
        self.request_id = request_id
        super().__init__(_sentence(message, operation, request_id, hint))


class CallTimeout(TransportError, TimeoutError):
    """The caller's own time-out passed; ``sent`` tells whether the call is still under way."""


class BadResponse(TransportError):
    """Something came back that is no Marketo answer; ``body`` is all of it, ``status`` its HTTP status."""

    def __init__(
        self,
        message: str,
        *,
        status: int,
        body: bytes,
        operation: str = "",
        request_id: str | None = None,
        hint: str = "",
    ) -> None:
        start = f"; it begins {body[:80]!r}" if body else ""
        super().__init__(f"HTTP {status}, {message}{start}", operation=operation, request_id=request_id, hint=hint)
        self.status = status
        self.body = body


class UnexpectedShape(BadResponse):
    """An answer has a member of another type than the model says; ``path`` is where (``$.result[0].id``)."""

    def __init__(
        self, message: str, *, path: str, status: int, body: bytes, operation: str, request_id: str | None
    ) -> None:
        super().__init__(message, status=status, body=body, operation=operation, request_id=request_id)
        self.path = path


class RecordsFailed(MarketoError):
    """Some records of a write were not taken, or nobody knows; ``failed`` are their results.

    `Outcomes.raise_for_failures` raises it, and a write of one record (``leads.submit_form``) raises it by itself.
    """

    def __init__(self, message: str, *, failed: Sequence[Any]) -> None:
        super().__init__(message)
        self.failed = failed


class DamagedFile(TransportError):
    """A bulk file came with another length or checksum than its job has, however often it was fetched."""


class JobFailed(MarketoError):
    """A bulk job ended without what it was for; ``reason`` is what Marketo says, ``status`` how the job stands."""

    def __init__(self, message: str, *, job_id: str, status: str, reason: str = "", hint: str = "") -> None:
        self.job_id, self.status, self.reason = job_id, status, reason
        super().__init__(_sentence(f"{message}: {reason}" if reason else message, f"job {job_id}", None, hint))


class JobCancelled(JobFailed):
    """Somebody else cancelled a bulk job."""


class BadRow(MarketoError, ValueError):
    """A line of a bulk file can't be read as a row.

    ``line`` is where the row begins, counted from 1 with the header, ``column`` the name or number of the cell where
    reading failed, ``text`` the row as it stands in the file.
    """

    def __init__(self, message: str, *, line: int, column: str | int | None = None, text: str = "") -> None:
        self.line, self.column, self.text = line, column, text
        where = f"line {line}" if column is None else f"line {line}, column {column}"
        super().__init__(f"{where}: {message}")


class BadRecord(MarketoError, ValueError):
    """A record of a listing can't be read, even with what is known of Marketo's spellings.

    ``index`` is its place on the page, counted from 0, ``member`` the path of what can't be read in it (``.id``, empty
    for the record itself), ``record`` all of it as it was decoded from JSON.
    """

    def __init__(self, message: str, *, index: int, member: str, record: object, operation: str = "") -> None:
        self.index, self.member, self.record, self.operation = index, member, record, operation
        super().__init__(_sentence(f"record {index} of the page can't be read: {message}", operation, None, ""))


class ImportStopped(MarketoError):
    """An import ended early; ``__cause__`` tells why.

    ``report`` is the ``ImportReport`` of what was taken until then. The input's rows ``unknown`` (first, and the one
    behind the last) were sent, but whether they were taken is not known; those ``unsent`` were not sent.
    """

    def __init__(
        self, message: str, *, report: Struct, unknown: Sequence[tuple[int, int]], unsent: Sequence[tuple[int, int]]
    ) -> None:
        self.report, self.unknown, self.unsent = report, tuple(unknown), tuple(unsent)
        super().__init__(message)


class OutcomeUnknown(MarketoError):
    """A write was sent, and its answer was lost or can't be read: it may or may not have happened.

    It was not sent again, because a second one could do it twice. ``__cause__`` is what went wrong.
    """

    def __init__(self, message: str, *, operation: str, request_id: str | None = None) -> None:
        self.operation = operation
        self.request_id = request_id
        super().__init__(_sentence(message, operation, request_id, "look at the instance before you send it again"))


def _sentence(what: str, operation: str, request_id: str | None, hint: str) -> str:
    """Put the parts that are known into one line: who, what, what to do next, and the id for Marketo's support."""
    return "".join(
        (
            f"{operation}: " if operation else "",
            what,
            f" - {hint}" if hint else "",
            f" (requestId {request_id})" if request_id else "",
        )
    )
