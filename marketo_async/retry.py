"""The retry rule: whether a call is sent again, and when. A pure decision: exponential backoff with full jitter.

A call is sent again only if that is safe: if Marketo certainly did not execute it, or if a repeat does no harm
(``Operation.repeat``). Otherwise the caller gets `OutcomeUnknown`. See ``auth`` for the renewal of tokens, and
``governor`` for the pause after a 606.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from msgspec import Struct

from marketo_async.argument_kinds import positive
from marketo_async.codes import Action, Code, lookup
from marketo_async.errors import ApiError, BadResponse, MarketoError, TransportError, UnexpectedShape

_REDIRECT, _SERVER_ERROR = 300, 500
EMPTY_PAGES = 1_000  # in a row; each costs one of the day's 50,000 calls
_DOUBLINGS = 60  # more than any cap allows, and still a float


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """How often a failed call is sent again.

    A call is sent at most ``attempts`` times, at most ``few`` times for errors that seldom pass, at most ``throttles``
    times when other integrations use up the limits (606, 615), and not again once ``budget`` seconds have passed since
    it first failed. Waits have full jitter: random between 0 and a bound that doubles from ``base`` to ``cap`` seconds.
    A listing continues through at most ``empty_pages`` empty pages in a row, which Marketo's date listings may have.
    ``codes`` overrides rows of the table in `marketo_async.codes`.
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
            if value != 0:  # a budget of 0 seconds gives up at once, waits of 0 repeat at once
                positive(f"RetryPolicy: {name}", value)

    def delay(self, attempt: int, rng: random.Random) -> float:
        """Return how many seconds to wait after the failure of try number ``attempt``, counted from 1."""
        return rng.uniform(0.0, min(self.cap, self.base * 2.0 ** min(attempt - 1, _DOUBLINGS)))


class Decision(Struct, frozen=True):
    """The decision about a failure: whether to send the call ``again``, and whether it may have ``acted``.

    ``answered`` means that the failure is Marketo's own answer: the answer to this attempt was not lost.
    """

    again: bool
    acted: bool
    answered: bool = False


def decide(error: MarketoError, policy: RetryPolicy, *, repeatable: bool, attempt: int, elapsed: float) -> Decision:
    """Decide about the failure of try number ``attempt``, ``elapsed`` seconds after the first failure."""
    acted, transient, attempts = _nature(error, policy)
    may_try = attempt < attempts and elapsed < policy.budget
    answered = isinstance(error, ApiError) and lookup(error.code, error.message, policy.codes).answered
    return Decision(again=transient and may_try and (repeatable or not acted), acted=acted, answered=answered)


def _nature(error: MarketoError, policy: RetryPolicy) -> tuple[bool, bool, int]:
    """Return whether the call may have acted, whether the failure may pass, and at most how many tries to make."""
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
        return True, False, 1  # Marketo executed the call; another answer would have the same shape
    if isinstance(error, BadResponse):
        transient = error.status < _REDIRECT or error.status >= _SERVER_ERROR
        return transient, transient, policy.attempts
    if isinstance(error, TransportError):
        return error.sent, error.passing, policy.attempts
    return False, False, 1
