"""`Call`: one call on its way through its attempts, and `Options`: how it is made. See ``session`` for the hops."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Generic, TypeVar

from msgspec import Struct

from marketo_async.codes import Code, lookup
from marketo_async.download import Sink
from marketo_async.envelope import OnBadRecord
from marketo_async.errors import ApiError, MarketoError, NotFound
from marketo_async.governor import CallRecord, Governor, Priority
from marketo_async.operation import Operation, Plan, Repeat
from marketo_async.request import Request
from marketo_async.response import Outcome
from marketo_async.retry import RetryPolicy

R = TypeVar("R")

_ABOVE_SERVER = 10.0  # seconds by which our time-out exceeds the server's, so that it never fires first


class Options(Struct, frozen=True, kw_only=True):
    """How calls are made: what `Marketo.with_options` changes.

    ``share`` limits these calls among the others of the instance: each waits for a permit of it first, and holds that
    permit as long as the governor's. ``on_call`` receives a record of every attempt of these calls.
    """

    timeout: float | None = None
    priority: Priority | None = None
    retry: RetryPolicy = RetryPolicy()
    on_bad_record: OnBadRecord | None = None
    share: Governor | None = None
    on_call: Callable[[CallRecord], None] | None = None


class Call(Struct, Generic[R], kw_only=True):
    """One call on its way through its attempts."""

    operation: Operation
    plan: Plan[R]
    request: Request
    options: Options
    sent: int = 0
    failures: int = 0
    throttles: int = 0
    renewals: int = 0
    failed_at: float = inf
    in_flight: bool = False
    connecting: bool = False  # the last exchange has no connection yet, so no byte of it can have left
    lost: bool = False  # an attempt may have acted, and its answer was lost
    unheard: bool = False  # and Marketo did not answer that attempt with an error
    rejected: str | None = None  # the token that Marketo refused in the last attempt
    first_sent: float = inf  # by the wall clock
    exchange: asyncio.Task[None] | None = None  # the last one, which may outlast the call
    sink: Sink | None = None
    held: int = 0  # the most bytes that the sink ever held after a failure
    since: float | None = None  # when it first asked for a permit, by the loop's clock

    def __repr__(self) -> str:
        return f"<call of {self.operation.name}, sent {self.sent} times>"  # without the token

    @property
    def repeat(self) -> Repeat:
        """What a second, identical call does."""
        return self.plan.repeat or self.operation.repeat

    @property
    def bound(self) -> float:
        """For how many seconds Marketo may work on an attempt: after that, our own time-out ends it."""
        return self.operation.timeout + _ABOVE_SERVER

    def when_over(self, over: Callable[[], None]) -> None:
        """Call ``over`` when no exchange of this call is under way any more, even if its caller has left."""
        if self.exchange is None or self.exchange.done():
            over()
        else:
            self.exchange.add_done_callback(lambda _: over())

    def failed(self, *, throttled: bool, now: float) -> int:
        """Count a failure, and return how many of its kind there were."""
        self.failed_at = min(self.failed_at, now)
        if throttled:
            self.throttles += 1
            return self.throttles
        self.failures += 1
        return self.failures

    def advanced(self) -> bool:
        """Return whether more of a file has come than ever before: then the retry policy starts again."""
        held, self.held = self.held, max(self.held, self.sink.held if self.sink else 0)
        return self.held > held

    def fell_silent(self, outcome: Outcome[R]) -> bool:
        """Return whether we hung up on a file that stopped coming, perhaps long before its server's time-out."""
        cause = outcome.error.__cause__ if outcome.error is not None else None
        return self.sink is not None and isinstance(cause, TimeoutError)

    def proven_by(self, error: MarketoError) -> bool:
        """Return whether ``error`` proves that an attempt whose answer was lost succeeded."""
        known = isinstance(error, NotFound) and error.code in self.operation.proof
        return known and self.lost and self.repeat is Repeat.SETTLES

    def record(self, outcome: Outcome[R], *, waited: float, latency: float) -> CallRecord:
        """Return the record of the last attempt, for ``on_call``."""
        return CallRecord(
            operation=self.operation.name,
            method=self.request.method,
            path=self.operation.path,
            attempt=self.sent,
            waited=waited,
            latency=latency,
            status=outcome.status,
            code=outcome.error.code if isinstance(outcome.error, ApiError) else None,
            request_id=outcome.request_id,
        )

    def code(self, error: MarketoError) -> Code | None:
        """Return the table's row for ``error``, if it has a code."""
        if isinstance(error, ApiError):
            return lookup(error.code, error.message, self.options.retry.codes)
        return None
