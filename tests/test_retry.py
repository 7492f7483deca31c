"""What is sent again: the decision alone, over every code, every kind of failure and every kind of operation."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketo_async.codes import CODES, UNKNOWN, Action, Code
from marketo_async.errors import (
    ApiError,
    AuthenticationError,
    BadResponse,
    InvalidRequest,
    MarketoError,
    QuotaExceeded,
    TransportError,
    UnexpectedShape,
)
from marketo_async.retry import RetryPolicy, decide

POLICY = RetryPolicy()
AGAIN = {Action.RETRY, Action.FEW, Action.PAUSE, Action.CROWDED}


def api_error(code: str) -> ApiError:
    """Return the error of a row; ``1029 quota`` and ``1029 queued`` are 1029 with their messages."""
    number, _, meaning = code.partition(" ")
    row = CODES.get(code, UNKNOWN)
    if issubclass(row.error, QuotaExceeded):
        return QuotaExceeded(meaning, code=number, resets_at=datetime(2024, 1, 1, tzinfo=UTC))
    return row.error(f"already {meaning}", code=number)


def bad_response(status: int) -> BadResponse:
    return BadResponse("no JSON", status=status, body=b"<html>")


def odd_shape(status: int) -> UnexpectedShape:
    return UnexpectedShape("odd", path="$", status=status, body=b"[]", operation="", request_id=None)


THROTTLES = {code for code, row in CODES.items() if row.action in {Action.PAUSE, Action.CROWDED}}
FAILURES: dict[str, MarketoError] = {
    **{code: api_error(code) for code in [*CODES, "9999"]},
    "not sent": TransportError("no connection", sent=False),
    "no answer": TransportError("reset"),
    **{f"bad {status}": bad_response(status) for status in (200, 302, 404, 500, 502, 503, 520)},
    **{f"odd {status}": odd_shape(status) for status in (200, 502)},
    "refused here": InvalidRequest("no"),
    "credentials": AuthenticationError("no"),
}

policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 10),
    few=st.integers(1, 10),
    throttles=st.integers(1, 10),
    budget=st.floats(1, 1000),
)


@given(policy=policies, repeatable=st.booleans(), elapsed=st.floats(0, 2000))
def test_nothing_is_sent_more_often_or_longer_than_the_policy_says(
    policy: RetryPolicy, *, repeatable: bool, elapsed: float
) -> None:
    for name, failure in FAILURES.items():
        sends = 1
        while decide(failure, policy, repeatable=repeatable, attempt=sends, elapsed=elapsed).again:
            sends += 1
            assert sends <= (policy.throttles if name in THROTTLES else policy.attempts), name
            assert elapsed < policy.budget, name
        if name in CODES and CODES[name].action is Action.FEW:
            assert sends <= policy.few, name


@given(policy=policies, attempt=st.integers(1, 20))
def test_what_must_not_repeat_is_never_sent_again_after_it_may_have_acted(policy: RetryPolicy, attempt: int) -> None:
    for name, failure in FAILURES.items():
        verdict = decide(failure, policy, repeatable=False, attempt=attempt, elapsed=0)
        assert not (verdict.again and verdict.acted), name


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_is_judged_by_its_row(code: str) -> None:
    row = CODES[code]

    safe = decide(api_error(code), POLICY, repeatable=True, attempt=1, elapsed=0)
    unsafe = decide(api_error(code), POLICY, repeatable=False, attempt=1, elapsed=0)

    assert safe.acted is unsafe.acted is row.acted
    assert safe.again is (row.action in AGAIN)
    assert unsafe.again is (row.action in AGAIN and not row.acted)


@pytest.mark.parametrize(
    ("name", "acted", "again"),
    [
        ("not sent", False, True),
        ("no answer", True, True),
        ("bad 200", True, True),
        ("bad 302", False, False),
        ("bad 404", False, False),
        ("bad 500", True, True),
        ("bad 502", True, True),
        ("bad 520", True, True),
        ("odd 200", True, False),
        ("odd 502", True, True),
        ("refused here", False, False),
        ("credentials", False, False),
        ("9999", False, False),
    ],
)
def test_a_failure_without_a_code_is_judged_by_what_may_have_happened(name: str, *, acted: bool, again: bool) -> None:
    verdict = decide(FAILURES[name], POLICY, repeatable=True, attempt=1, elapsed=0)

    assert (verdict.acted, verdict.again) == (acted, again)


def test_overridden_rows_decide() -> None:
    policy = RetryPolicy(codes={"1016": Code("queue full", action=Action.RETRY), "713": Code("x", acted=True)})

    assert decide(api_error("1016"), policy, repeatable=False, attempt=1, elapsed=0).again
    assert not decide(api_error("713"), policy, repeatable=True, attempt=1, elapsed=0).again


@given(policy=st.builds(RetryPolicy, base=st.floats(0, 10), cap=st.floats(0, 60)), attempt=st.integers(1, 5000))
def test_a_delay_is_within_its_bound_however_many_came_before(policy: RetryPolicy, attempt: int) -> None:
    delay = policy.delay(attempt, random.Random(7))

    assert 0 <= delay <= policy.cap
    assert delay <= policy.base * 2.0 ** min(attempt - 1, 1000)


def test_delays_are_spread_over_the_whole_bound() -> None:
    rng = random.Random(7)

    delays = [POLICY.delay(4, rng) for _ in range(2000)]

    assert 0 <= min(delays) < 0.1
    assert 3.9 < max(delays) <= 4.0
    assert sum(delays) / len(delays) == pytest.approx(2.0, rel=0.05)
