"""Reads what came back as a value or an error: the other half of ``request``. Pure functions.

The envelope counts before the HTTP status, as Marketo answers nearly everything with 200. See ``retry`` for whether the
call is made again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from msgspec import Struct

from marketo_async.codes import Code, lookup
from marketo_async.envelope import Envelope, MissingResult, OnBadRecord, read, read_bare, read_raw, request_id
from marketo_async.errors import (
    ApiError,
    BadResponse,
    ErrorItem,
    ExportQuotaExceeded,
    MarketoError,
    QuotaExceeded,
    RecordsFailed,
    TransportError,
    UnexpectedShape,
)
from marketo_async.operation import Dialect, Operation, Plan

R = TypeVar("R")

_REDIRECT, _CLIENT_ERROR, _SERVER_ERROR = 300, 400, 500


class Outcome(Struct, Generic[R], frozen=True, kw_only=True):
    """How one attempt ended: with a value or an error; status and request id come from the answer."""

    value: R | None = None
    error: MarketoError | None = None
    status: int | None = None
    request_id: str | None = None


def read_response(
    operation: Operation,
    plan: Plan[R],
    status: int,
    body: bytes,
    *,
    resets_at: Callable[[], datetime],
    named: str | None = None,
    codes: Mapping[str, Code] = {},
    on_bad_record: OnBadRecord | None = None,
) -> Outcome[R]:
    """Turn an answer into the value of its plan, or into an error.

    ``resets_at`` returns when a used-up quota restarts, ``named`` is the request id of a header, ``codes`` overrides
    rows of the table, ``on_bad_record`` receives the records of listings that can't be read.
    """
    failed = partial(_error, operation, plan, codes=codes, resets_at=resets_at)
    if _REDIRECT <= status < _CLIENT_ERROR:
        return Outcome(error=_redirected(operation, status, body), status=status)
    try:
        envelope = _read(operation, plan, status, body, named, on_bad_record)
    except BadResponse as bad:
        error: MarketoError = bad
        if _CLIENT_ERROR <= status < _SERVER_ERROR:
            error = failed([ErrorItem(str(status))], bad.request_id)
            error.__cause__ = bad
        return Outcome(error=error, status=status, request_id=bad.request_id)
    errors = envelope.failures
    if not errors and _CLIENT_ERROR <= status < _SERVER_ERROR:
        errors = [ErrorItem(str(status))]
    if not errors and status >= _SERVER_ERROR:
        error = BadResponse("a gateway error", status=status, body=body, operation=operation.name)
        return Outcome(error=error, status=status)
    if errors:
        error = failed(errors, envelope.request_id)
        return Outcome(error=error, status=status, request_id=envelope.request_id)
    try:
        return Outcome(value=plan.unwrap(envelope), status=status, request_id=envelope.request_id)
    except RecordsFailed as refused:
        return Outcome(error=refused, status=status, request_id=envelope.request_id)
    except MissingResult as missing:
        error = UnexpectedShape(
            str(missing),
            path=missing.path,
            status=status,
            body=body,
            operation=operation.name,
            request_id=envelope.request_id,
        )
        return Outcome(error=error, status=status, request_id=envelope.request_id)


def _read(
    operation: Operation,
    plan: Plan[Any],
    status: int,
    body: bytes,
    named: str | None,
    on_bad_record: OnBadRecord | None,
) -> Envelope[Any]:
    name, lists = operation.name, not operation.write and (operation.paging is not None or plan.lists)
    on_bad = on_bad_record if lists else None
    if plan.answer is bytes:
        return read_raw(body, status=status, operation=name)
    if operation.dialect is Dialect.ENVELOPE:
        return read(body, plan.answer, status=status, operation=name, on_bad_record=on_bad)
    return read_bare(body, plan.answer, status=status, operation=name, named=named, on_bad_record=on_bad)


def _error(
    operation: Operation,
    plan: Plan[Any],
    errors: Sequence[ErrorItem],
    request_id: str | None,
    *,
    codes: Mapping[str, Code],
    resets_at: Callable[[], datetime],
) -> ApiError:
    """Make the exception for an answer's ``errors``, by the row of the first one."""
    first = errors[0]
    row = lookup(first.code, first.message, codes)
    message = first.message or row.meaning
    if issubclass(row.error, QuotaExceeded):
        kind = ExportQuotaExceeded if row.error is ExportQuotaExceeded else QuotaExceeded
        return kind(
            message,
            code=first.code,
            resets_at=resets_at(),
            operation=operation.name,
            request_id=request_id,
            errors=errors,
        )
    hint = row.hint
    if first.code == "603":
        needs = (" and " if operation.every else " or ").join(operation.permissions) or "no permission of its own"
        hint = (
            f"the call needs {needs}: grant it to the API user's role (Admin > Users & Roles > Roles, Access API),"
            " or check the allowed IP addresses"
        )
    if first.code == "609":
        hint = f"{row.hint}: check {_as_json(plan)}"
    return row.error(
        message, code=first.code, operation=operation.name, request_id=request_id, errors=errors, hint=hint
    )


def broken(operation: Operation, status: int | None, body: bytes, cause: Exception) -> Outcome[Any]:
    """Return the outcome of an exchange that broke when the request may have been sent: before or inside its answer."""
    what = "no answer in time" if isinstance(cause, TimeoutError) else "the connection broke"
    error: TransportError
    if status is None:
        error = TransportError(f"{what} ({type(cause).__name__})", operation=operation.name)
    else:
        error = BadResponse(
            f"{what} inside the answer",
            status=status,
            body=body,
            operation=operation.name,
            request_id=request_id(body),
        )
    error.__cause__ = cause
    return Outcome(error=error, status=status, request_id=error.request_id)


def _as_json(plan: Plan[Any]) -> str:
    """Name the parts of a call that are sent as JSON, as its caller may have given text or raw JSON there."""
    if isinstance(plan.json, Mapping) and plan.json:
        return f"the values of its members {', '.join(map(str, plan.json))}"
    if plan.json is not None:
        return "the argument json, or its parts"
    sent = [name for name, value in (plan.form or {}).items() if value is not None and not isinstance(value, str)]
    return f"its members {', '.join(sent)}" if sent else "that the call needs no body"


def _redirected(operation: Operation, status: int, body: bytes) -> BadResponse:
    return BadResponse(
        "a redirect, which is never followed with a token",
        status=status,
        body=body,
        operation=operation.name,
        hint="check the base URL",
    )
