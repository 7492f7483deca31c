"""What is sent again, and when: a pure decision over what went wrong, the operation, and what was tried so far.

Sent again is only what is safe: every call that was certainly not executed, and others where a repeat does no harm
(``Operation.repeat``). Where it would, the caller gets `OutcomeUnknown`. Not here: renewing tokens (``auth``) and
the pause after a 606 (``governor``), which the session turns to first.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from msgspec import Struct

from marketo_async.argument_kinds import positive
from marketo_async.codes import Action, Code, lookup
from marketo_async.errors import ApiError, BadResponse, MarketoError, TransportError, UnexpectedShape

_REDIRECT, _SERVER_ERROR = 300, 500
EMPTY_PAGES = 1_000  # in a row; each costs a call of the day's 50,000
_DOUBLINGS = 60  # beyond any cap, and within a float


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How long to insist.

    A failed call is sent at most ``attempts`` times, at most ``few`` times for errors that seldom pass, at most
    ``throttles`` times when others crowd the instance (606, 615), and not again once ``budget`` seconds have gone by
    since it first failed. Waits are random between 0 and a bound that doubles from
    ``base`` to ``cap`` seconds. A listing is followed through at most ``empty_pages`` pages in a row that bring no
    record; Marketo's date listings are known to have such pages. ``codes`` overrides rows of the table in
    `marketo_async.codes`.
    """

    attempts: int = 8
    few: int = 3
    throttles: int = 20
    budget: float = 300.0
    base: float = 0.5
    cap: float = 20.0
    empty_pages: int = EMPTY_PAGES
    codes: Mapping[str, Code] = {}

    def __post_init__(self) -> None:
        for name in ("attempts", "few", "throttles"):
            positive(f"RetryPolicy: {name}", getattr(self, name), whole=True)
        for name in ("budget", "base", "cap"):
            value = getattr(self, name)
            if value != 0:  # 0 gives up, or repeats, at once
                positive(f"RetryPolicy: {name}", value)

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Return how long to wait after the failure of the *attempt*-th try, counted from 1."""
        return rng.uniform(0.0, min(self.cap, self.base * 2.0 ** min(attempt - 1, _DOUBLINGS)))


class Decision(Struct, frozen=True):
    """What to do about a failure: whether it may be sent ``again``, and whether the call may have ``acted``.

    ``answered`` says that the failure is Marketo's own answer: no answer of this attempt was lost.
    """

    again: bool
    acted: bool
    answered: bool = False


def decide(error: MarketoError, policy: RetryPolicy, *, repeatable: bool, attempt: int, elapsed: float) -> Decision:
    """Decide about one failure of the *attempt*-th try, *elapsed* seconds after the first failure."""
    acted, transient, attempts = _nature(error, policy)
    insists = attempt < attempts and elapsed < policy.budget
    answered = isinstance(error, ApiError) and lookup(error.code, error.message, policy.codes).answered
    return Decision(again=transient and insists and (repeatable or not acted), acted=acted, answered=answered)


def _nature(error: MarketoError, policy: RetryPolicy) -> tuple[bool, bool, int]:
    """Return whether the call may have acted, whether the failure may pass, and how many tries it is worth."""
    if isinstance(error, ApiError):
        row = lookup(error.code, error.message, policy.codes)
        attempts = {
            Action.RETRY: policy.attempts,
            Action.FEW: min(policy.few, policy.attempts),
            Action.PAUSE: policy.throttles,
            Action.CROWDED: policy.throttles,
        }
        return row.acted, row.action in attempts, attempts.get(row.action, 1)
    if isinstance(error, UnexpectedShape) and error.status < _SERVER_ERROR:
        return True, False, 1  # Marketo did it and said so; another answer would have the same shape
    if isinstance(error, BadResponse):
        transient = error.status < _REDIRECT or error.status >= _SERVER_ERROR
        return transient, transient, policy.attempts
    if isinstance(error, TransportError):
        return error.sent, error.passing, policy.attempts
    return False, False, 1
