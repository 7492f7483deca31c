"""From an answer to a value or an error: the body is judged first, the HTTP status second."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from marketo_async.codes import Code
from marketo_async.errors import (
    AccessDenied,
    ApiError,
    BadResponse,
    Busy,
    Conflict,
    ErrorItem,
    InvalidData,
    NotFound,
    QuotaExceeded,
    Throttled,
    TransportError,
    Unavailable,
    UnexpectedShape,
)
from marketo_async.operation import Operation, Page, Plan, first, many, nothing, one, one_or, page, paging_token
from marketo_async.response import Outcome, broken, read_response
from marketo_async.retry import RetryPolicy, decide

MIDNIGHT = datetime(2024, 1, 3, 6, tzinfo=UTC)
OPERATION = Operation(
    name="things.get",
    method="GET",
    path="/rest/v1/thing/{id}.json",
    permissions=("Read-Only Thing", "Read-Write Thing"),
)
HTML = b"<html><body>Oops</body></html>"


class Thing(msgspec.Struct):
    id: int = 0


def outcome(body: bytes | object, plan: Plan[Any] | None = None, *, status: int = 200, **knobs: Any) -> Outcome[Any]:
    raw = body if isinstance(body, bytes) else json.dumps({"requestId": "1#2", **dict(body)}).encode()  # type: ignore[call-overload]
    return read_response(OPERATION, plan or many(Thing), status, raw, resets_at=lambda: MIDNIGHT, **knobs)


def failure(code: str, message: str = "no") -> dict[str, object]:
    return {"success": False, "errors": [{"code": code, "message": message}]}


ONE = {"success": True, "result": [{"id": 1}]}
NONE = {"success": True}
TOKEN = {"success": True, "nextPageToken": "A="}


@pytest.mark.parametrize(
    ("plan", "body", "value"),
    [
        (first(Thing), ONE, Thing(1)),
        (first(Thing), NONE, None),
        (first(Thing), {"success": True, "result": []}, None),
        (one(Thing), ONE, Thing(1)),
        (one_or(Thing(7)), ONE, Thing(1)),
        (one_or(Thing(7)), NONE, Thing(7)),
        (many(Thing), ONE, [Thing(1)]),
        (many(Thing), NONE, []),
        (nothing(), NONE, None),
        (nothing(), ONE, None),
        (paging_token(query={}), TOKEN, "A="),
        (page(Thing), {**ONE, "nextPageToken": "A=", "moreResult": True}, Page([Thing(1)], "A=", more=True)),
        (page(Thing), NONE, Page([], None, more=False)),
    ],
)
def test_a_plan_gets_what_it_is_named_after(plan: Plan[Any], body: object, value: object) -> None:
    assert outcome(body, plan) == Outcome(value=value, status=200, request_id="1#2")


@pytest.mark.parametrize("plan", [one(Thing), paging_token(query={})])
def test_success_without_the_result_that_must_be_there_is_an_answer_and_no_lost_one(plan: Plan[Any]) -> None:
    error = outcome(NONE, plan).error

    assert isinstance(error, UnexpectedShape), "anything else would be sent again, though Marketo said success"
    assert (error.request_id, error.operation) == ("1#2", "things.get")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("603", AccessDenied),
        ("606", Throttled),
        ("608", Unavailable),
        ("610", NotFound),
        ("709", Conflict),
        ("1003", InvalidData),
        ("1016", Busy),
        ("31337", ApiError),
    ],
)
def test_the_first_error_makes_the_exception_and_all_are_kept(code: str, kind: type[ApiError]) -> None:
    body = {"success": False, "errors": [{"code": code, "message": "first"}, {"code": "1", "message": "second"}]}

    found = outcome(body)

    error = found.error
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert (error.code, error.message, error.operation, error.request_id) == (code, "first", "things.get", "1#2")
    assert error.errors == (ErrorItem(code, "first"), ErrorItem("1", "second"))
    assert (found.status, found.request_id, found.value) == (200, "1#2", None)


def test_access_denied_names_the_permissions_that_would_do() -> None:
    assert "Read-Only Thing or Read-Write Thing" in str(outcome(failure("603")).error)


@pytest.mark.parametrize(("code", "message"), [("607", "spent"), ("1020", "spent"), ("1029", "daily quota")])
def test_a_spent_quota_says_when_it_starts_anew(code: str, message: str) -> None:
    error = outcome(failure(code, message)).error

    assert isinstance(error, QuotaExceeded)
    assert (error.resets_at, error.code) == (MIDNIGHT, code)


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
def test_a_redirect_is_an_error_whatever_it_carries(status: int) -> None:
    for body in (ONE, b"", HTML):
        error = outcome(body, status=status).error
        assert isinstance(error, BadResponse)
        assert error.status == status
        assert "redirect" in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AccessDenied), (403, AccessDenied), (404, NotFound), (413, InvalidData), (429, Throttled)],
)
def test_an_http_error_of_the_caller_is_a_code_of_its_own(status: int, kind: type[ApiError]) -> None:
    for body in (HTML, b"", b'"text"', {}, {"message": "no"}):
        error = outcome(body, status=status).error
        assert type(error) is kind
        assert isinstance(error, ApiError)
        assert error.code == str(status)


def test_an_http_error_with_an_envelope_is_what_the_envelope_says() -> None:
    error = outcome({"errors": [{"code": 610, "message": "gone"}]}, status=404).error

    assert isinstance(error, NotFound)
    assert (error.code, error.message) == ("610", "gone")


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 529])
@pytest.mark.parametrize(
    "body", [HTML, b"", b"Service Unavailable", b'"overloaded"', b"[]", b"{}", b'{"message": "overloaded"}']
)
def test_a_server_error_without_errors_in_it_is_one_that_may_pass_and_may_have_acted(status: int, body: bytes) -> None:
    error = outcome(body, status=status).error

    assert error is not None
    verdict = decide(error, RetryPolicy(), repeatable=True, attempt=1, elapsed=0)
    assert (verdict.acted, verdict.again) == (True, True)


@pytest.mark.parametrize("body", [b"{}", b'{"message": "Too many requests"}', b'{"error": "quota"}'])
def test_an_object_that_is_no_envelope_is_not_taken_for_success(body: bytes) -> None:
    for plan in (first(Thing), nothing(), many(Thing)):
        error = outcome(body, plan).error
        assert isinstance(error, BadResponse)
        assert not isinstance(error, UnexpectedShape), "Marketo did not answer: the call may be sent again"


def test_what_is_no_answer_keeps_status_body_and_request_id() -> None:
    truncated = b'{"requestId":"9f#8","success":true,"result":[{"id":'

    found = outcome(truncated)

    assert isinstance(found.error, BadResponse)
    assert (found.error.body, found.error.request_id, found.request_id, found.status) == (
        truncated,
        "9f#8",
        "9f#8",
        200,
    )


def test_overridden_rows_make_other_exceptions() -> None:
    error = outcome(failure("713"), codes={"713": Code("mine", Busy, hint="look here")}).error

    assert type(error) is Busy
    assert "look here" in str(error)


@pytest.mark.parametrize("cause", [TimeoutError("slow"), ConnectionResetError("reset")])
def test_an_exchange_that_broke_tells_how_far_it_came(cause: Exception) -> None:
    before: Outcome[Any] = broken(OPERATION, None, b"", cause)
    inside: Outcome[Any] = broken(OPERATION, 200, b'{"requestId":"1#2","result', cause)

    assert type(before.error) is TransportError
    assert before.error.sent
    assert isinstance(inside.error, BadResponse)
    assert (inside.error.status, inside.error.request_id) == (200, "1#2")
    for found in (before, inside):
        assert found.error is not None
        assert found.error.__cause__ is cause
        assert ("in time" in str(found.error)) is isinstance(cause, TimeoutError)
