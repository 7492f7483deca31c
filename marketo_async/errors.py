"""Every exception of the package, and what each means for the caller.

::

    MarketoError
    ├── ConfigurationError         the client was configured or used in a way that can't work
    ├── InvalidRequest             refused locally, before anything was sent
    │   ├── RequestTooLarge        ... because it is larger than Marketo accepts
    │   └── RecordRefused          ... because of one record; ``index`` is its position
    │       └── RecordTooLarge     ... which is larger than Marketo accepts in one call
    ├── StoreUnavailable           the store that shares the limits between processes can't be used
    ├── JournalUnavailable         the journal of a batcher can't be read or written
    ├── AuditUnavailable           the audit of an agent's calls can't be written, so nothing was sent
    ├── Denied                     the policy does not let this agent make the call
    │   ├── NeedsConfirmation      ... until the plan has been confirmed
    │   └── CapReached             ... any more: a limit of the agent is used up
    ├── TargetUnavailable          the database of a mirror can't be read or written
    ├── AuthenticationError        Marketo rejected the client id and secret, or their token
    ├── ApiError                   Marketo returned an error code
    │   ├── AccessDenied           603: the API user's role lacks a permission, or the calling address is refused
    │   ├── Throttled              606, 615: still refused after waiting; other integrations use up the limits
    │   ├── QuotaExceeded          a quota is used up until ``resets_at``
    │   │   ├── DailyQuotaExceeded ... the instance's daily calls (607, or counted locally)
    │   │   └── ExportQuotaExceeded ... the instance's daily bytes of bulk export (1029)
    │   ├── Unavailable            Marketo could not handle the call, and retries did not help
    │   ├── Busy                   a queue is full, or another job has locked the object
    │   ├── NotFound               the path, object or record does not exist
    │   ├── Conflict               the object already exists, is in use, or is in the wrong state
    │   ├── InvalidData            Marketo rejects a value, field or parameter
    │   └── NotEnabled             the instance does not have the feature
    ├── TransportError             no response was received
    │   ├── CallTimeout            ... within the caller's own timeout
    │   ├── BadResponse            the response is not one of Marketo's
    │   │   └── UnexpectedShape    ... or a member of it has the wrong type
    │   └── DamagedFile            a bulk file differs from its job in length or checksum, after every attempt
    ├── JobFailed                  a bulk job did not complete
    │   └── JobCancelled           ... because it was cancelled elsewhere
    ├── BadRow                     a line of a bulk file can't be read as a row
    ├── BadRecord                  a record of a listing can't be read; only ``on_bad_record`` receives it
    ├── ImportStopped              an import ended early; ``report`` counts the rows imported until then
    ├── RecordsFailed              Marketo did not accept some records of a write, or their outcome is unknown
    └── OutcomeUnknown             a write was sent, but its response was lost or can't be read: it may have happened

No message, repr or attribute holds a token or a secret. See ``codes`` for the meaning of each code and ``retry`` for
the calls that are retried. The module is longer than 350 lines so that one page shows every exception.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from datetime import datetime
from typing import Any, Self, TypeVar

from msgspec import UNSET, Struct, UnsetType

E = TypeVar("E", bound=BaseException)


class ErrorItem(Struct, frozen=True):
    """One member of a response's ``errors``, or of a record's ``reasons``."""

    code: str
    message: str = ""


class MarketoError(Exception):
    """The root of every exception of this package.

    ``token`` is where a listing stopped: pass it to the same method to resume there. ``index`` is the position, counted
    from 0, of the record that the error is about: the refused record, or the first record of the call that failed.
    ``results`` holds the results that ``all()`` had collected; a record without a result was not sent, or was in that
    call.

    If several callers share a failure, each receives a copy, whose ``__cause__`` is the original.
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
        """Return a copy of this error with what one caller knows about it.

        Other callers may hold the same error, so its attributes never change after it was raised. A ``token`` of
        ``None`` is a valid token: the listing starts again from the beginning.
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
        """Keep errors picklable: a worker process passes its errors to its parent."""
        return _revive, (type(self), self.args, self.__dict__)


def own(error: E) -> E:
    """Return an equal copy of ``error`` for one caller, with the original as its cause.

    Other callers never see what one caller adds to its exception (a token, a note, a traceback). The cause of a copy of
    a copy is the original. An exception of another package is returned unchanged if it can't be copied.
    """
    try:
        copied = copy(error)
    except Exception:  # noqa: BLE001 - its constructor may need more than its args hold
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
    """The client was configured or used in a way that can't work."""


class StoreUnavailable(MarketoError):
    """The store that shares the limits between processes can't be used, so nothing was sent.

    Try again later, or give the governor a ``fallback``.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        super().__init__(_sentence(message, "", None, hint))


class JournalUnavailable(MarketoError):
    """The journal of a batcher can't be read or written: the disk is full or fails, or the file is damaged or locked.

    The record that was being accepted is not accepted. Records in the journal stay there, and are sent once it can be
    read.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        super().__init__(_sentence(message, "", None, hint))


class AuditUnavailable(MarketoError):
    """The audit of an agent's calls can't be written or continued.

    Nothing was sent, unless the message says that the call was made and only its outcome can't be recorded.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        super().__init__(_sentence(message, "", None, hint))


class Denied(MarketoError):
    """The policy does not let this agent make the call, and nothing was sent.

    ``why`` is the reason; ``rule`` is the line of the policy that decided, for its owner.
    """

    def __init__(self, why: str, *, operation: str, rule: str, hint: str = "ask the owner of this agent") -> None:
        self.why, self.operation, self.rule = why, operation, rule
        super().__init__(_sentence(why, operation, None, hint))


class NeedsConfirmation(Denied):
    """A person must confirm the call first: ``by`` says who, the ``host`` or an ``operator``.

    ``digest`` identifies exactly what is to be confirmed, ``records`` how many records it writes.
    """

    def __init__(self, *, operation: str, rule: str, by: str, digest: str, records: int) -> None:
        self.by, self.digest, self.records = by, digest, records
        whose = "an operator of the server" if by == "operator" else "a person"
        super().__init__(f"{whose} must confirm this call first", operation=operation, rule=rule, hint="")


class CapReached(Denied):
    """A limit of the agent is used up; ``left`` is what it still allows, ``per_day`` whether it ends at midnight."""

    def __init__(self, why: str, *, operation: str, rule: str, left: int = 0, per_day: bool = False) -> None:
        self.left, self.per_day = left, per_day
        hint = "it starts again at midnight in America/Chicago" if per_day else "ask for fewer"
        super().__init__(why, operation=operation, rule=rule, hint=hint)


class TargetUnavailable(MarketoError):
    """The database of a mirror refuses, or can't be reached; the load under way does not count."""


class InvalidRequest(MarketoError, ValueError):
    """The request was refused before anything was sent."""


class RequestTooLarge(InvalidRequest):
    """The request is larger than Marketo accepts; split it."""


class RecordRefused(InvalidRequest):
    """One record of a write can't be sent; ``index`` is its position in the input, counted from 0."""

    def __init__(self, message: str, *, index: int) -> None:
        super().__init__(f"record {index}: {message}")
        self.index = index


class RecordTooLarge(RecordRefused, RequestTooLarge):
    """One record is larger than Marketo accepts in one call; shorten its values."""


class AuthenticationError(MarketoError):
    """Marketo rejected the client id and secret, or the tokens that they gave."""


class ApiError(MarketoError):
    """Marketo returned an error code.

    ``code`` and ``message`` are the first error of the response, ``errors`` all of them. ``operation`` is the dotted
    name of the operation; Marketo's support asks for ``request_id``.
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
    """606 or 615: still refused after waiting; other integrations use up the instance's limits."""


class QuotaExceeded(ApiError):
    """A quota is used up; it resets at ``resets_at``, in UTC."""

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
        hint = f"it resets at {resets_at.isoformat()}"
        super().__init__(message, code=code, operation=operation, request_id=request_id, errors=errors, hint=hint)
        self.resets_at = resets_at


class DailyQuotaExceeded(QuotaExceeded):
    """The instance's daily calls are used up, by Marketo's response (607) or the local count: ``used`` of ``daily``."""

    def __init__(
        self, *, used: int, daily: int, resets_at: datetime, operation: str = "", request_id: str | None = None
    ) -> None:
        super().__init__(
            f"the daily quota is used up: {used} of {daily} calls are known",
            code="607",
            resets_at=resets_at,
            operation=operation,
            request_id=request_id,
        )
        self.used, self.daily = used, daily


class ExportQuotaExceeded(QuotaExceeded):
    """The instance's daily bytes of bulk export are used up (1029); jobs that are already running still finish."""


class Unavailable(ApiError):
    """Marketo could not handle the call, and retries did not help."""


class Busy(ApiError):
    """A queue is full, or another job has locked the object; try again in minutes, not seconds."""


class NotFound(ApiError):
    """The path, object or record does not exist."""


class Conflict(ApiError):
    """The object already exists, is in use, or is in the wrong state."""


class InvalidData(ApiError):
    """Marketo rejects a value, field or parameter."""


class NotEnabled(ApiError):
    """The instance does not have the feature."""


class TransportError(MarketoError):
    """No response was received: the connection failed, broke, or timed out.

    ``sent`` says whether the request may have reached Marketo, ``passing`` whether a retry may help.
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
    """The caller's own timeout passed; ``sent`` says whether the call may still be running."""


class BadResponse(TransportError):
    """The response is not one of Marketo's; ``body`` is all of it, ``status`` its HTTP status."""

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
    """A member of a response has another type than its model; ``path`` is its place (``$.result[0].id``)."""

    def __init__(
        self, message: str, *, path: str, status: int, body: bytes, operation: str, request_id: str | None
    ) -> None:
        super().__init__(message, status=status, body=body, operation=operation, request_id=request_id)
        self.path = path


class RecordsFailed(MarketoError):
    """Marketo did not accept some records of a write, or their outcome is unknown; ``failed`` holds their results.

    `ResultList.raise_for_failures` raises it, and so does a write of one record (``leads.submit_form``).
    """

    def __init__(self, message: str, *, failed: Sequence[Any]) -> None:
        super().__init__(message)
        self.failed = failed


class DamagedFile(TransportError):
    """A bulk file differs from its job in length or checksum, after every attempt to fetch it."""


class JobFailed(MarketoError):
    """A bulk job did not complete; ``reason`` is Marketo's reason, ``status`` the job's status."""

    def __init__(self, message: str, *, job_id: str, status: str, reason: str = "", hint: str = "") -> None:
        self.job_id, self.status, self.reason = job_id, status, reason
        super().__init__(_sentence(f"{message}: {reason}" if reason else message, f"job {job_id}", None, hint))


class JobCancelled(JobFailed):
    """A bulk job was cancelled elsewhere."""


class BadRow(MarketoError, ValueError):
    """A line of a bulk file can't be read as a row.

    ``line`` is the line on which the row begins, counted from 1 including the header. ``column`` is the name or number
    of the cell that can't be read, ``text`` the row as it is in the file.
    """

    def __init__(self, message: str, *, line: int, column: str | int | None = None, text: str = "") -> None:
        self.line, self.column, self.text = line, column, text
        where = f"line {line}" if column is None else f"line {line}, column {column}"
        super().__init__(f"{where}: {message}")


class BadRecord(MarketoError, ValueError):
    """A record of a listing can't be read, even with the known variants of Marketo's spelling.

    ``index`` is its position on the page, counted from 0. ``member`` is the path of the unreadable member (``.id``, or
    empty for the record itself), ``record`` the whole record, decoded from JSON.
    """

    def __init__(self, message: str, *, index: int, member: str, record: object, operation: str = "") -> None:
        self.index, self.member, self.record, self.operation = index, member, record, operation
        super().__init__(_sentence(f"record {index} of the page can't be read: {message}", operation, None, ""))


class ImportStopped(MarketoError):
    """An import ended early; ``__cause__`` is the reason.

    ``report`` is the ``ImportReport`` of the rows imported until then. ``unknown`` and ``unsent`` are half-open ranges
    of the input's rows: the outcome of ``unknown`` rows can't be known; ``unsent`` rows were not sent.
    """

    def __init__(
        self, message: str, *, report: Struct, unknown: Sequence[tuple[int, int]], unsent: Sequence[tuple[int, int]]
    ) -> None:
        self.report, self.unknown, self.unsent = report, tuple(unknown), tuple(unsent)
        super().__init__(message)


class OutcomeUnknown(MarketoError):
    """A write was sent, but its response was lost or can't be read: the write may or may not have happened.

    It was not retried, because a retry could do it twice. ``__cause__`` is what went wrong.
    """

    def __init__(self, message: str, *, operation: str, request_id: str | None = None) -> None:
        self.operation = operation
        self.request_id = request_id
        super().__init__(_sentence(message, operation, request_id, "check the instance before you send it again"))


def _sentence(what: str, operation: str, request_id: str | None, hint: str) -> str:
    """Join the known parts into one line: operation, fault, what to do next, and the id for Marketo's support."""
    return "".join(
        (
            f"{operation}: " if operation else "",
            what,
            f" - {hint}" if hint else "",
            f" (requestId {request_id})" if request_id else "",
        )
    )
