"""`Session`: how one call is made, through deadline, retries, token, governor and wire to its answer.

Each hop owns one policy, and is named after it: ``_with_deadline``, ``_with_retries``, ``_acquire`` (a token, then a
permit, so that a call does not hold a slot while the identity endpoint is down), ``_shielded_attempt``,
``_run_attempt``. An attempt runs in a separate task, so that a cancelled caller returns at once while the exchange
continues: Marketo still works on it, so it keeps its slot and its place in the window. It keeps them for as long as
Marketo may work on it, even if `Session.close` or the reader of a file gives the exchange up.

See ``transport`` for the wire, ``retry`` for repeats, ``caller`` for everything that makes many calls.

The module is long because the policies of one call are read in the order in which the call meets them.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from math import inf, nextafter
from typing import Any, Protocol, TypeVar, cast

import aiohttp

from marketo_async.auth import TokenSource
from marketo_async.call import Call, Options
from marketo_async.codes import Action
from marketo_async.download import Sink, SinkFailed
from marketo_async.errors import (
    ApiError,
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    DailyQuotaExceeded,
    MarketoError,
    OutcomeUnknown,
    TransportError,
)
from marketo_async.governor import Governor, Limits, Permit, Priority
from marketo_async.governor.notify import notify
from marketo_async.governor.shares import acquire_both, both_at_once
from marketo_async.operation import Dialect, Operation, Plan, Repeat
from marketo_async.request import build
from marketo_async.response import Outcome
from marketo_async.retry import RetryPolicy, decide
from marketo_async.transport import Transport
from marketo_async.waits import Waits

log = logging.getLogger("marketo_async.session")

R = TypeVar("R")

_INGESTION = Limits(calls=5_000, per=1.0, concurrency=50, daily=10_000_000)
_RENEWALS = 5  # of the token, for one call


class SingleCalls(Protocol):
    """Makes one call at a time: a `Session`, or what judges calls before one."""

    @property
    def governor(self) -> Governor:
        """The governor of the instance."""
        ...

    @property
    def waits(self) -> Waits:
        """The waits that end when the client is closed."""
        ...

    def prepare(self, operation: Operation, plan: Plan[R], options: Options) -> Call[R]:
        """Return a call for `run`."""
        ...

    async def run(self, call: Call[R]) -> R:
        """Make a prepared call."""
        ...

    async def send(self, operation: Operation, plan: Plan[R], options: Options) -> R:
        """Prepare a call and run it."""
        ...

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink, options: Options) -> None:
        """Download a file into ``sink``."""
        ...

    def first_sent(self, call: Call[Any]) -> float | None:
        """Return when a call was first sent, by Marketo's clock."""
        ...


class Session:
    """One instance, one HTTP connection pool, one token; any number of tasks."""

    def __init__(
        self,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        governor: Governor,
        ingestion_url: str = "https://mkto-ingestion-api.adobe.io",
        partner_id: str | None = None,
        retry: RetryPolicy | None = None,
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
        trust_env: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.base_url = base_url
        self.ingestion_url = ingestion_url
        self.governor = governor
        # Data ingestion has separate limits, per client id, and does not count against the instance's: its family
        # names the page.
        self.ingestion_governor = Governor(_INGESTION, on_call=governor.on_call)
        self._rng = random.Random()  # noqa: S311 - scatters retries, hides nothing
        self._under_way: set[asyncio.Task[None]] = set()
        self._process = os.getpid()
        self.waits = Waits()
        self._youngest = -inf  # the age of the call that came last
        self._transport = Transport(base_url, connector=connector, trust_env=trust_env, clock=clock)
        self._tokens = TokenSource(
            self._transport.http,
            base_url,
            client_id=client_id,
            client_secret=client_secret,
            partner_id=partner_id,
            proxy=self._transport.proxy,
            retry=retry or RetryPolicy(),
            rng=self._rng,
        )

    @property
    def renewals(self) -> int:
        """How many identity calls were made."""
        return self._tokens.renewals

    async def close(self, grace: float = 5.0) -> None:
        """Close the connections, after at most ``grace`` seconds for exchanges that are under way.

        Calls that wait get `ConfigurationError` at once. Exchanges that take longer are given up. Their slots come free
        once Marketo has certainly ended them; the close does not wait for that.
        """
        if self._process != os.getpid():
            return  # the connections are the parent's
        try:
            await self.waits.close()
            if self._under_way:
                _, late = await asyncio.wait(self._under_way, timeout=grace)
                for task in late:
                    task.cancel()
                if late:
                    await asyncio.wait(late)
        finally:
            await self._tokens.close()
            await self._transport.http.close()
            await self.governor.flush()

    def prepare(self, operation: Operation, plan: Plan[R], options: Options) -> Call[R]:
        """Return a call for `run`. Raises `InvalidRequest` or `RequestTooLarge` for a plan that can't be sent."""
        base = self.ingestion_url if operation.dialect is Dialect.INGESTION else self.base_url
        return Call(operation=operation, plan=plan, request=build(operation, plan, base), options=options)

    async def run(self, call: Call[R]) -> R:
        """Make a prepared call, repeat it while that is safe, and return the value that its plan reads."""
        return await self._with_deadline(call)

    async def send(self, operation: Operation, plan: Plan[R], options: Options) -> R:
        """Prepare a call and run it."""
        return await self._with_deadline(self.prepare(operation, plan, options))

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink, options: Options) -> None:
        """Download a file into ``sink``, from the byte that it has reached; resume after every break.

        The slot is held until the file is complete: a sink writes at once and must not wait. Whenever more of the file
        has come, the retry policy starts again. A time-out of the options does not apply to files. An error of the
        sink is raised at once, as it is.
        """
        call = self.prepare(operation, plan, options)
        call.sink, call.held = sink, sink.held
        try:
            await self._with_retries(call)
        except SinkFailed as failed:
            raise failed.error from failed.error.__cause__

    def first_sent(self, call: Call[Any]) -> float | None:
        """Return when a call was first sent, by Marketo's clock; ``None`` if no answer had a date."""
        return self._transport.by_marketo(call.first_sent)

    async def _with_deadline(self, call: Call[R]) -> R:
        """End a call when its time-out has passed, and raise the error that fits what is known then."""
        operation, options = call.operation, call.options
        try:
            async with asyncio.timeout(options.timeout) if options.timeout is not None else nullcontext():
                return await self._with_retries(call)
        except OutcomeUnknown:
            raise
        except MarketoError as error:
            if call.lost and operation.write:
                raise OutcomeUnknown(f"an answer was lost ({error})", operation=operation.name) from error
            raise
        except TimeoutError as error:
            late = f"no answer within {options.timeout:g} s"
            if operation.write and (call.lost or call.in_flight):
                raise OutcomeUnknown(late, operation=operation.name) from error
            raise CallTimeout(late, operation=operation.name, sent=call.in_flight) from error

    async def _with_retries(self, call: Call[R]) -> R:
        """Attempt a call until it succeeds, or must not be sent again."""
        while True:
            outcome = await self._shielded_attempt(call)
            if outcome.error is None:
                value = cast(R, outcome.value)
                settles = call.lost and call.repeat is Repeat.SETTLES
                return call.plan.settle(value, call.operation.proof) if settles and call.plan.settle else value
            if call.proven_by(outcome.error):
                return _resolve_lost(call, outcome.error)
            await self._before_retry(call, outcome.error)

    async def _before_retry(self, call: Call[Any], error: MarketoError) -> None:
        """Do what must come before another attempt, or raise the error that the caller gets."""
        row, policy, now = call.code(error), call.options.retry, asyncio.get_running_loop().time()
        action = row.action if row else Action.RAISE
        if action is Action.RENEW:
            call.renewals += 1
            if call.renewals > _RENEWALS:
                raise AuthenticationError(
                    f"{call.operation.name}: Marketo refused {call.renewals} tokens in a row - check that the base URL"
                    " and the client id belong to the same instance"
                ) from error
            return
        call.rejected = None
        if action is Action.SPENT:
            if self.governor.on_quota == "raise":
                raise self._quota_error(call, error) from error
            call.failed_at = inf  # the wait until midnight does not count as failing
            return
        tries = call.failed(throttled=action in {Action.PAUSE, Action.CROWDED}, now=now)
        if call.advanced():
            call.failures, call.failed_at, tries = 1, now, 1
        repeatable, elapsed = call.repeat is not Repeat.NEVER, now - call.failed_at
        decision = decide(error, policy, repeatable=repeatable, attempt=tries, elapsed=elapsed)
        call.lost = call.lost or decision.acted
        call.unheard = call.unheard or (decision.acted and not decision.answered)
        if not decision.again:
            if decision.answered and not call.unheard:
                call.lost = False  # every attempt was answered, and this answer is all that there is to know
            raise error
        log.info("%s failed at attempt %d and is tried again: %s", call.operation.name, call.sent, error)
        if action is not Action.PAUSE:  # after that one, the governor makes every call wait
            await self.waits.wait_for(partial(asyncio.sleep, policy.delay(tries, self._rng)))

    async def _shielded_attempt(self, call: Call[R]) -> Outcome[R]:
        """Start one attempt and wait for its outcome; a caller who is cancelled leaves the exchange running."""
        acquired = self._acquire_at_once(call)
        if acquired is None:
            acquired = await self.waits.wait_for(partial(self._acquire, call))
        permit, token = acquired
        if self.waits.closed:  # perhaps in the same turn of the loop in which the permit came
            permit.unsent()
            self.waits.check_open()
        call.sent += 1
        call.in_flight, call.connecting = True, False
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome[R]] = loop.create_future()
        call.first_sent = min(call.first_sent, self._transport.clock())
        call.exchange = task = loop.create_task(self._run_attempt(call, permit, token, answer))
        self._under_way.add(task)
        task.add_done_callback(partial(self._on_exchange_done, call, permit, answer))
        try:
            outcome = await answer  # not the task, which a cancelled caller would cancel
        except asyncio.CancelledError:
            # The rest of a file has no reader any more, and a request that has not left need not leave.
            if call.sink is not None or call.connecting:
                task.cancel()
                call.in_flight = call.in_flight and not call.connecting
            raise
        call.in_flight = False
        call.rejected = token
        return outcome

    def _acquire_at_once(self, call: Call[Any]) -> tuple[Permit, str] | None:
        """Return a permit and a token if neither needs a wait, as in most calls of most programs."""
        self._check_process()
        self.waits.check_open()
        if call.since is None:
            # No two calls have the same age, so that a repeat goes before those that came later in the same instant.
            call.since = self._youngest = max(asyncio.get_running_loop().time(), nextafter(self._youngest, inf))
        token = self._tokens.living(call.rejected)
        governor = self._governor_of(call.operation)
        permit = both_at_once(call.options.share, governor, call.bound) if token is not None else None
        return (permit, token) if permit is not None and token is not None else None

    async def _acquire(self, call: Call[Any]) -> tuple[Permit, str]:
        """Wait for a token and then for a permit.

        If the token has expired in the queue, or the permit has lapsed, the permit is given back unused, and the call
        waits again without losing its age.
        """
        governor, share = self._governor_of(call.operation), call.options.share
        priority = Priority.NORMAL if call.options.priority is None else call.options.priority
        while True:
            await self._tokens.get(call.rejected)
            permit = await acquire_both(share, governor, priority, since=call.since, bound=call.bound)
            token = self._tokens.living(call.rejected)
            if token is not None and not permit.lapsed:
                return permit, token
            permit.unsent()

    def _governor_of(self, operation: Operation) -> Governor:
        return self.ingestion_governor if operation.dialect is Dialect.INGESTION else self.governor

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise ConfigurationError(
                f"the client was opened in process {self._process} and can't be used in its fork: open a"
                " separate client in each process, with one governor store for all"
            )

    def _on_exchange_done(
        self, call: Call[R], permit: Permit, answer: asyncio.Future[Outcome[R]], task: asyncio.Task[None]
    ) -> None:
        """Raise an error in the caller of an exchange that ended without an outcome: by close(), or by a bug here."""
        self._under_way.discard(task)
        permit.unsent()  # if the exchange was given up before it began; any other has ended its permit already
        if answer.done():
            return  # asyncio reports a bug whose caller has left
        error = None if task.cancelled() else task.exception()
        if error is None:
            sent = not call.connecting
            call.lost = call.lost or sent
            error = TransportError(
                "the client was closed before the answer came", operation=call.operation.name, sent=sent
            )
        answer.set_exception(error)

    async def _run_attempt(self, call: Call[R], permit: Permit, token: str, answer: asyncio.Future[Outcome[R]]) -> None:
        """Send once, read the answer and hand it over; the permit ends in every case."""
        loop, governor = asyncio.get_running_loop(), self._governor_of(call.operation)
        started = loop.time()
        try:
            outcome = await self._transport.send_http(call, permit, token, self.governor.resets_at)
            row = call.code(outcome.error) if outcome.error else None
            # Before the release, which lets the next call start. Not in the caller, which may have left.
            match row.action if row else None:
                case Action.RENEW:
                    self._tokens.reject(token)
                case Action.PAUSE:
                    governor.throttled()
                case Action.CROWDED:
                    governor.crowded()
                case Action.SPENT:
                    governor.spent()
            if call.fell_silent(outcome):
                permit.abandon(call.operation.timeout)
            permit.release(counted=row.counted if row else True)
        except BaseException as error:  # the exchange was cancelled, or a sink failed: the rest is not read
            if call.connecting and isinstance(error, asyncio.CancelledError):
                permit.unsent()
            permit.abandon(call.operation.timeout)
            raise
        if not answer.done():  # the caller may have left
            answer.set_result(outcome)
        record = call.record(outcome, waited=permit.waited, latency=loop.time() - started)
        for hook in (call.options.on_call, governor.on_call):  # last, so that a hook can't disturb the call
            notify(hook, record)

    def _quota_error(self, call: Call[Any], error: MarketoError) -> DailyQuotaExceeded:
        seen = self.governor.snapshot()
        return DailyQuotaExceeded(
            used=seen.used_today,
            daily=self.governor.limits.daily,
            resets_at=seen.resets_at,
            operation=call.operation.name,
            request_id=error.request_id if isinstance(error, ApiError) else None,
        )


def _resolve_lost(call: Call[R], error: MarketoError) -> R:
    """Return if the call has no value, as "done already" proves its success; else raise `OutcomeUnknown`."""
    if call.plan.void:
        return cast(R, None)
    raise OutcomeUnknown(
        f"the response was lost; the retry reports that the first attempt succeeded ({error})",
        operation=call.operation.name,
    ) from error
