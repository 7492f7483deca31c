"""The one way every call goes: plan, request, token, governor, wire, answer; then the result, or again, or an error.

Each hop owns one policy: ``request`` what is sent, `TokenSource` with what right, the governor when, ``response`` what
came back, ``retry`` whether it is sent again. The token comes before the permit, so that nobody holds a slot while
the identity endpoint is out of order. One attempt runs in a task of its own, so that a caller who is cancelled returns
at once while the exchange continues to its end: Marketo is still working on it, and it still holds its slot and its
place in the window. It holds them for as long as Marketo may work on it, also where the exchange is given up, by
`Session.close` or with a file that nobody is left to read.

See ``resources`` for what the calls are, and ``paging`` for how pages follow each other.
"""

from __future__ import annotations

import asyncio
import logging
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from email.utils import parsedate_to_datetime
from functools import partial
from importlib.metadata import version
from math import inf, nextafter
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from msgspec import Struct
from msgspec.structs import replace
from yarl import URL

from marketo_async.auth import TokenSource
from marketo_async.codes import Action, Code, lookup
from marketo_async.connecting import NotConnected, not_connected, unsent, watch, within
from marketo_async.descriptions import Described, Descriptions
from marketo_async.download import Sink, SinkFailed, headers_for, receive
from marketo_async.envelope import OnBadRecord
from marketo_async.errors import (
    ApiError,
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    DailyQuotaExceeded,
    MarketoError,
    NotFound,
    OutcomeUnknown,
    TransportError,
)
from marketo_async.governor import CallRecord, Governor, Limits, Permit, Priority
from marketo_async.models.leads import Description
from marketo_async.models.objects import ObjectDescription
from marketo_async.operation import Dialect, Listing, Merged, Operation, Ordered, Page, Paging, Plan, Repeat
from marketo_async.paging import OFFSET_SIZE, Lane, LanePager, MergedPager, OffsetPager, OrderedPager, Pager, turn
from marketo_async.request import Request, build
from marketo_async.response import Judge, Outcome, broken
from marketo_async.retry import RetryPolicy, decide
from marketo_async.turns import in_turns
from marketo_async.writes import Batches, InFlight, Posted, Results, write

log = logging.getLogger("marketo_async.session")

T = TypeVar("T")
R = TypeVar("R")

_ABOVE_SERVER = 10.0  # seconds by which our time-out exceeds the server's, so that it never fires first
_SILENCE = 60.0  # seconds; a file takes as long as it comes, but one that stops coming holds a slot for nothing
_INGESTION = Limits(calls=5_000, per=1.0, concurrency=50, daily=10_000_000)
_RENEWALS = 5  # of the token, for one call
_USER_AGENT = f"marketo-async/{version('marketo-async')}"


class Options(Struct, frozen=True, kw_only=True):
    """How calls are made: what `Marketo.with_options` changes."""

    timeout: float | None = None
    priority: Priority | None = None
    retry: RetryPolicy = RetryPolicy()
    on_bad_record: OnBadRecord | None = None


def _proxy_of(base_url: str) -> str | None:
    """Return the proxy that the environment names for a URL.

    aiohttp's own ``trust_env`` reads netrc files too, whose passwords would go out beside our token.
    """
    parts = urlsplit(base_url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class _ConnectionBroke(aiohttp.ClientError):
    """Stands for a connection that broke after the request may have been sent."""


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET a second time by itself when a kept connection turns out to be closed.

    The governor granted one call; a second one would be counted by Marketo and by nobody here.
    """
    broke: aiohttp.ClientError
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.ClientHttpProxyError) as error:
        broke = not_connected(error)
    except aiohttp.ClientResponseError as error:
        broke = _ConnectionBroke(f"{type(error).__name__}: {error.message}")
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        broke = _ConnectionBroke(f"{type(error).__name__}: {error}")
    # Raised here and not inside: an error of aiohttp's may hold the request, and that the token.
    raise broke


class _Call(Struct, Generic[R], kw_only=True):
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
    connecting: bool = False  # the last exchange has no connection yet, so nothing of it can have left
    lost: bool = False  # an attempt may have acted without our seeing its answer
    unheard: bool = False  # and no error of Marketo's came instead of that answer
    rejected: str | None = None  # the token that the last attempt was refused with
    first_sent: float = inf  # by the wall clock
    exchange: asyncio.Task[None] | None = None  # the last one, which may outlast the call
    sink: Sink | None = None
    held: int = 0  # the most bytes that the sink ever held after a failure
    since: float | None = None  # when it first asked for a permit, by the loop's clock

    def __repr__(self) -> str:
        return f"<call of {self.operation.name}, sent {self.sent} times>"  # and no token

    @property
    def repeat(self) -> Repeat:
        return self.plan.repeat or self.operation.repeat

    @property
    def bound(self) -> float:
        """For how many seconds Marketo may work on an attempt: after that, our own time-out ends it."""
        return self.operation.timeout + _ABOVE_SERVER

    def when_over(self, over: Callable[[], None]) -> None:
        """Call *over* when no exchange of this call is under way any more, whether or not its caller has waited."""
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
        """Tell whether a file has come further than ever before: a break on such a way is the first one anew."""
        held, self.held = self.held, max(self.held, self.sink.held if self.sink else 0)
        return self.held > held

    def fell_silent(self, outcome: Outcome[R]) -> bool:
        """Tell whether we hung up on a file that stopped coming, which may be long before its server's time-out."""
        cause = outcome.error.__cause__ if outcome.error is not None else None
        return self.sink is not None and isinstance(cause, TimeoutError)

    def settled_by(self, error: MarketoError) -> bool:
        """Tell whether *error* says that an attempt whose answer was lost had done it."""
        known = isinstance(error, NotFound) and error.code in self.operation.proof
        return known and self.lost and self.repeat is Repeat.SETTLES

    def code(self, error: MarketoError) -> Code | None:
        """Return the table's row for *error*, where it has a code."""
        if isinstance(error, ApiError):
            return lookup(error.code, error.message, self.options.retry.codes)
        return None


class _Waits:
    """What calls wait for before they are sent: their token, their turn, their next try. Closing ends it at once."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()
        self._over = asyncio.Event()  # closed, and nobody waits any more
        self.closed = False

    async def wait_for(self, what: Callable[[], Awaitable[T]]) -> T:
        """Return what *what* makes gives; raise `ConfigurationError` when the client is closed first."""
        self.check_open()
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._limits.add(limit)
                try:
                    return await what()
                finally:
                    self._limits.discard(limit)
                    if self.closed and not self._limits:
                        self._over.set()
        except TimeoutError as error:
            if limit.expired():
                raise _is_closed() from error
            raise

    def check_open(self) -> None:
        """Raise `ConfigurationError` where the client is closed."""
        if self.closed:
            raise _is_closed()

    async def close(self) -> None:
        """End the waiting of everybody who waits, and of everybody who would; return when nobody waits any more."""
        self.closed = True
        loop = asyncio.get_running_loop()
        limits = list(self._limits)

        def ending() -> Iterator[None]:
            for limit in limits:
                if limit in self._limits and limit.when() is None:  # it waits still, and has not been ended before
                    limit.reschedule(loop.time())
                yield

        in_turns(loop, ending())
        if limits:
            await self._over.wait()


def _is_closed() -> ConfigurationError:
    return ConfigurationError("the client is closed: make calls inside its `async with` block, and await them there")


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
        # Data ingestion has limits of its own, per client id, and none of the instance's.
        self.ingestion_governor = Governor(_INGESTION, on_call=governor.on_call)
        self._rng = random.Random()  # noqa: S311 - scatters retries, hides nothing
        self.in_flight = InFlight()
        self.descriptions = Descriptions()
        self._clock = clock
        self._dated: tuple[str, float] | None = None  # the date of an answer, and ours at that moment
        self._under_way: set[asyncio.Task[None]] = set()
        self._process = os.getpid()
        self._waits = _Waits()
        self._youngest = -inf  # the age of the call that came last
        self._http = aiohttp.ClientSession(
            # The governor's slots bound the connections; a second bound could only add waiting.
            connector=connector() if connector else aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT},
            middlewares=(_send_once,),
            trace_configs=[watch()],
            skip_auto_headers=("Content-Type",),  # a POST without a body has none
        )
        self._proxy = _proxy_of(base_url) if trust_env else None
        self._tokens = TokenSource(
            self._http,
            base_url,
            client_id=client_id,
            client_secret=client_secret,
            partner_id=partner_id,
            proxy=self._proxy,
            retry=retry or RetryPolicy(),
            rng=self._rng,
        )

    @property
    def renewals(self) -> int:
        """How many identity calls were made."""
        return self._tokens.renewals

    async def close(self, grace: float = 5.0) -> None:
        """Close the connections, after at most *grace* seconds for exchanges that are under way.

        Calls that wait get `ConfigurationError` at once. Exchanges that take longer are given up; what they hold comes
        free by itself when Marketo has certainly ended them, and nothing waits for that.
        """
        if self._process != os.getpid():
            return  # the connections are the parent's
        try:
            await self._waits.close()
            if self._under_way:
                _, late = await asyncio.wait(self._under_way, timeout=grace)
                for task in late:
                    task.cancel()
                if late:
                    await asyncio.wait(late)
        finally:
            await self._tokens.close()
            await self._http.close()
            await self.governor.settle()

    async def send(self, operation: Operation, plan: Plan[R], options: Options) -> R:
        """Make one call, as often as it takes and is safe, and return what its plan makes of the answer."""
        return await self._complete(self._call(operation, plan, options))

    def writes(self, operation: Operation, batches: Batches[T], options: Options) -> Results[T]:
        """Write any number of records, as many calls at once as there are slots."""
        return write(batches, _Desk(self, operation, options))

    async def post(self, operation: Operation, plan: Plan[Any], options: Options, over: Callable[[], None]) -> Posted:
        """Make one call of a write; *over* is called when it is neither under way nor to be sent again."""
        call: _Call[Any] | None = None
        try:
            call = self._call(operation, plan, options)
            answer = await self._complete(call)
            return Posted(answer, self._first_sent(call) if call.lost else None)
        finally:
            if call is None:
                over()
            else:
                call.when_over(over)

    def _call(self, operation: Operation, plan: Plan[R], options: Options) -> _Call[R]:
        base = self.ingestion_url if operation.dialect is Dialect.INGESTION else self.base_url
        return _Call(operation=operation, plan=plan, request=build(operation, plan, base), options=options)

    async def _complete(self, call: _Call[R]) -> R:
        operation, options = call.operation, call.options
        try:
            async with asyncio.timeout(options.timeout) if options.timeout is not None else nullcontext():
                return await self._insist(call)
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

    async def stream(self, operation: Operation, plan: Plan[bytes], sink: Sink, options: Options) -> None:
        """Bring a file into *sink*, from where that stands, as often as it breaks on the way.

        The slot is held until the file is there: a sink writes at once and waits for nobody. The retry policy counts
        anew whenever more of the file has come. A time-out of the options bounds calls, and no files. An error of the
        sink is raised at once, as it is.
        """
        call = _Call(
            operation=operation, plan=plan, request=build(operation, plan, self.base_url), options=options, sink=sink
        )
        call.held = sink.held
        try:
            await self._insist(call)
        except SinkFailed as failed:
            raise failed.error from failed.error.__cause__

    async def describe(self, described: Described[Any], options: Options) -> Description | ObjectDescription:
        """Return what is known of a record type; it is asked for once a day, whoever wants it.

        The time-out of the options covers the wait for somebody else's call that asks the same.
        """
        asked = False

        async def ask(operation: Operation, plan: Plan[R]) -> R:
            nonlocal asked
            asked = True
            return await self.send(operation, plan, options)

        try:
            async with asyncio.timeout(options.timeout):
                return await self.descriptions.get(described, ask, self._waits.wait_for)
        except TimeoutError as error:
            if isinstance(error, MarketoError) or options.timeout is None:
                raise
            raise CallTimeout(
                f"no answer within {options.timeout:g} s", operation=described.operation.name, sent=asked
            ) from error

    def pages(self, operation: Operation, listing: Listing[T], options: Options) -> Pager[T]:
        """Drain a listing; several in order are fetched far enough ahead to keep every slot busy."""
        lane = partial(self._lane, operation, options)
        width = 2 * self.governor.limits.concurrency
        match listing:
            case Merged(plans, token):
                return MergedPager([partial(lane, plan) for plan in plans], token)
            case Ordered(plans, token):
                return OrderedPager(lambda: (partial(lane, plan) for plan in plans()), width=width, token=token)
            case Plan() if operation.paging is Paging.OFFSET:
                fetch, size = self._fetch(operation, options, listing), listing.query.get("maxReturn")
                return OffsetPager(
                    fetch,
                    size=size if isinstance(size, int) else OFFSET_SIZE,
                    width=width,
                    token=listing.token,
                    sift=listing.sift,
                    most_empty=options.retry.empty_pages,
                )
            case Plan():
                return LanePager(partial(lane, listing), listing.token)

    def _lane(self, operation: Operation, options: Options, plan: Plan[Page[T]], cursor: str | None) -> Lane[T]:
        sift = plan.sift() if plan.sift else None
        return Lane(self._fetch(operation, options, plan), cursor, sift, most_empty=options.retry.empty_pages)

    def _fetch(
        self, operation: Operation, options: Options, plan: Plan[Page[T]]
    ) -> Callable[[str | None], Awaitable[Page[T]]]:
        """Return what fetches the page at a cursor; listings give way to single calls unless told otherwise."""
        bulk = options if options.priority is not None else replace(options, priority=Priority.BULK)
        rule = operation.paging or Paging.POSITION

        async def fetch(cursor: str | None) -> Page[T]:
            if cursor is None and plan.opening is not None:
                cursor = await self.send(plan.opening.operation, plan.opening.plan, bulk)
            return await self.send(operation, turn(rule, plan, cursor), bulk)

        return fetch

    async def _insist(self, call: _Call[R]) -> R:
        """Attempt a call until it succeeds, or must not be sent again."""
        while True:
            outcome = await self._attempt(call)
            if outcome.error is None:
                value = cast(R, outcome.value)
                settles = call.lost and call.repeat is Repeat.SETTLES
                return call.plan.settle(value, call.operation.proof) if settles and call.plan.settle else value
            if call.settled_by(outcome.error):
                return self._settle(call, outcome.error)
            await self._prepare_again(call, outcome.error)

    async def _prepare_again(self, call: _Call[Any], error: MarketoError) -> None:
        """Do what must come before another attempt, or raise what the caller is to know."""
        row, policy, now = call.code(error), call.options.retry, asyncio.get_running_loop().time()
        action = row.action if row else Action.RAISE
        if action is Action.RENEW:
            call.renewals += 1
            if call.renewals > _RENEWALS:
                raise AuthenticationError(f"{call.operation.name}: one new token after the other is refused") from error
            return
        call.rejected = None
        if action is Action.SPENT:
            if self.governor.on_quota == "raise":
                raise self._quota_error(call, error)
            call.failed_at = inf  # the wait until midnight is nobody's failure
            return
        tries = call.failed(throttled=action in {Action.PAUSE, Action.CROWDED}, now=now)
        if call.advanced():
            call.failures, call.failed_at, tries = 1, now, 1
        repeatable, elapsed = call.repeat is not Repeat.NEVER, now - call.failed_at
        verdict = decide(error, policy, repeatable=repeatable, attempt=tries, elapsed=elapsed)
        call.lost = call.lost or verdict.acted
        call.unheard = call.unheard or (verdict.acted and not verdict.answered)
        if not verdict.again:
            if verdict.answered and not call.unheard:
                call.lost = False  # every attempt was answered, and this answer is all that there is to know
            raise error
        log.info("%s failed at try %d and is tried again: %s", call.operation.name, call.sent, error)
        if action is not Action.PAUSE:  # the governor holds everyone back after that one
            await self._waits.wait_for(partial(asyncio.sleep, policy.delay(tries, self._rng)))

    async def _attempt(self, call: _Call[R]) -> Outcome[R]:
        admitted = self._admitted_at_once(call)
        if admitted is None:
            admitted = await self._waits.wait_for(partial(self._admitted, call))
        permit, token = admitted
        if self._waits.closed:  # perhaps in the very turn of the loop in which the permit came
            permit.unsent()
            raise _is_closed()
        call.sent += 1
        call.in_flight, call.connecting = True, False
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Outcome[R]] = loop.create_future()
        call.first_sent = min(call.first_sent, self._clock())
        call.exchange = task = loop.create_task(self._exchange(call, permit, token, answer))
        self._under_way.add(task)
        task.add_done_callback(partial(self._landed, call, permit, answer))
        try:
            outcome = await answer  # and not the task: a caller that is cancelled cancels no more than this
        except asyncio.CancelledError:
            # A file that nobody is left to read is not worth Marketo's work, and what has not left need not leave.
            if call.sink is not None or call.connecting:
                task.cancel()
                call.in_flight = call.in_flight and not call.connecting
            raise
        call.in_flight = False
        call.rejected = token
        return outcome

    def _admitted_at_once(self, call: _Call[Any]) -> tuple[Permit, str] | None:
        """Return a permit and a token where neither takes waiting: most calls of most programs."""
        self._check_process()
        self._waits.check_open()
        if call.since is None:
            # No two calls are of one age, so that a repeat goes before those that came later in the same instant.
            call.since = self._youngest = max(asyncio.get_running_loop().time(), nextafter(self._youngest, inf))
        token = self._tokens.living(call.rejected)
        permit = self._governor_of(call.operation).at_once(call.bound) if token is not None else None
        return (permit, token) if permit is not None and token is not None else None

    async def _admitted(self, call: _Call[Any]) -> tuple[Permit, str]:
        """Wait for a token and then for a permit.

        Where the token has died in the queue, or the permit has lapsed, the permit is given back unspent, and the call
        waits again with the age it has.
        """
        governor, priority = self._governor_of(call.operation), call.options.priority
        while True:
            await self._tokens.get(call.rejected)
            permit = await governor.acquire(
                Priority.NORMAL if priority is None else priority,
                since=call.since,
                bound=call.bound,
            )
            token = self._tokens.living(call.rejected)
            if token is not None and not permit.lapsed:
                return permit, token
            permit.unsent()

    def _governor_of(self, operation: Operation) -> Governor:
        return self.ingestion_governor if operation.dialect is Dialect.INGESTION else self.governor

    @staticmethod
    def _credentials(operation: Operation, token: str) -> dict[str, str]:
        if operation.dialect is Dialect.INGESTION:
            return {"X-Mkto-User-Token": token}
        return {"Authorization": f"Bearer {token}"}

    def _check_process(self) -> None:
        if self._process != os.getpid():
            raise ConfigurationError(
                f"the client was opened in process {self._process} and can't be used in its fork: open a client of its"
                " own in each process, with one governor store for all"
            )

    def _landed(
        self, call: _Call[R], permit: Permit, answer: asyncio.Future[Outcome[R]], task: asyncio.Task[None]
    ) -> None:
        """Tell the caller of an exchange that ended without an outcome: by close(), or by a mistake of ours."""
        self._under_way.discard(task)
        permit.unsent()  # of an exchange that was given up before it began; any other has ended its permit itself
        if answer.done():
            return  # a mistake that no caller waits for is asyncio's to report
        error = None if task.cancelled() else task.exception()
        if error is None:
            sent = not call.connecting
            call.lost = call.lost or sent
            error = TransportError(
                "the client was closed before the answer came", operation=call.operation.name, sent=sent
            )
        answer.set_exception(error)

    async def _exchange(self, call: _Call[R], permit: Permit, token: str, answer: asyncio.Future[Outcome[R]]) -> None:
        """Send once, read the answer and hand it over; the permit ends whatever happens."""
        loop, governor = asyncio.get_running_loop(), self._governor_of(call.operation)
        started = loop.time()
        try:
            outcome = await self._wire(call, permit, token)
            row = call.code(outcome.error) if outcome.error else None
            # Before the release, which lets the next call start; and here, as the caller may have gone.
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
        except BaseException as error:  # we were cancelled, or a sink failed: nobody reads the rest of the answer
            if call.connecting and isinstance(error, asyncio.CancelledError):
                permit.unsent()
            permit.abandon(call.operation.timeout)
            raise
        if not answer.done():  # the caller may have gone
            answer.set_result(outcome)
        if governor.on_call is not None:  # last, so that nothing a hook does can reach the call
            governor.report(
                CallRecord(
                    operation=call.operation.name,
                    method=call.request.method,
                    path=call.operation.path,
                    attempt=call.sent,
                    waited=permit.waited,
                    latency=loop.time() - started,
                    status=outcome.status,
                    code=outcome.error.code if isinstance(outcome.error, ApiError) else None,
                    request_id=outcome.request_id,
                )
            )

    async def _wire(self, call: _Call[R], permit: Permit, token: str) -> Outcome[R]:
        operation, request = call.operation, call.request
        if permit.lapsed:  # the last look at the clock before the wire: see the proof in ``fleet``
            permit.unsent()
            return Outcome(
                error=TransportError("held up until its permit was void", operation=operation.name, sent=False)
            )
        headers = {**request.headers, **self._credentials(operation, token)}
        timeout = within(self._http.connector, call.bound, operation.timeout)
        if call.sink is not None:
            headers |= headers_for(call.sink)
            timeout = within(self._http.connector, None, operation.timeout, _SILENCE)
        status: int | None = None
        chunks: list[bytes] = []  # what has come, should the connection break
        try:
            async with self._http.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body,
                headers=headers,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=timeout,
                trace_request_ctx=call,
            ) as response:
                permit.answered()
                status, named = response.status, response.headers.get("X-Request-Id")
                if dated := response.headers.get("Date"):
                    self._dated = dated, self._clock()
                if call.sink is not None:
                    body = await receive(response, call.sink)
                    if body is None:
                        return Outcome(status=status)
                    chunks.append(body)
                while chunk := await response.content.readany():
                    chunks.append(chunk)  # one by one, for the case that it breaks
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if unsent(error, call):
                permit.unsent()
                return self._unconnected(call, error)
            return broken(operation, status, b"".join(chunks), error)
        decide = Judge(self.governor.resets_at, call.options.retry.codes, call.options.on_bad_record)
        outcome = decide.outcome(operation, call.plan, status, b"".join(chunks), named)
        if call.sink is not None and isinstance(outcome.value, bytes):  # it was a file after all, and a short one
            call.sink.restart()
            call.sink.write(outcome.value)
        return outcome

    @staticmethod
    def _unconnected(call: _Call[Any], error: Exception) -> Outcome[Any]:
        failed = TransportError(
            f"no connection to {URL(call.request.url, encoded=True).origin()} ({error})",
            operation=call.operation.name,
            sent=False,
            passing=not isinstance(error, NotConnected) or error.passing,
        )
        failed.__cause__ = error
        return Outcome(error=failed)

    def _first_sent(self, call: _Call[Any]) -> float | None:
        """Return when a call was first sent, by Marketo's clock, ``None`` where an answer has never told what it is."""
        if self._dated is None:
            return None
        told, ours = self._dated
        try:
            return call.first_sent + parsedate_to_datetime(told).timestamp() - ours
        except ValueError:
            return None

    @staticmethod
    def _settle(call: _Call[R], error: MarketoError) -> R:
        """Take "done already" for the lost attempt's success where nothing is returned; else tell what is known."""
        if call.plan.void:
            return cast(R, None)
        raise OutcomeUnknown(
            f"the answer was lost; by the answer to the repeat, the first attempt was done ({error})",
            operation=call.operation.name,
        ) from error

    def _quota_error(self, call: _Call[Any], error: MarketoError) -> DailyQuotaExceeded:
        seen = self.governor.snapshot()
        spent = DailyQuotaExceeded(
            used=seen.used_today,
            daily=self.governor.limits.daily,
            resets_at=seen.resets_at,
            operation=call.operation.name,
            request_id=error.request_id if isinstance(error, ApiError) else None,
        )
        spent.__cause__ = error
        return spent


class _Desk(Struct, frozen=True):
    """What one write makes its calls through."""

    session: Session
    operation: Operation
    options: Options

    @property
    def width(self) -> int:
        return self.session.governor.limits.concurrency

    @property
    def in_flight(self) -> InFlight:
        return self.session.in_flight

    @property
    def timeout(self) -> float | None:
        return self.options.timeout

    async def post(self, plan: Plan[Any], over: Callable[[], None]) -> Posted:
        return await self.session.post(self.operation, plan, self.options, over)

    async def ask(self, operation: Operation, plan: Plan[R]) -> R:
        return await self.session.send(operation, plan, self.options)

    async def describe(self, described: Described[Any]) -> Description | ObjectDescription:
        return await self.session.describe(described, self.options)
