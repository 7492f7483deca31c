"""Access tokens: one renewal at a time, each token used until it expires, never in the URL of a call or in a log.

The identity endpoint returns the same token until it expires, so an early renewal gains nothing. A call that was
refused names the token that it used, which shows whether another call has renewed it already. Marketo does not count
identity calls, so they bypass the governor. If a renewal fails, every call that waits for it raises the error, and so
does every call that asks within the next second. No task or future has a token as its result, because asyncio's debug
log shows results.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/authentication

See ``session`` for the answers that show that a token has expired.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Callable, Iterator
from math import inf
from typing import TypeVar

import aiohttp
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from marketo_async.connecting import NotConnected, within
from marketo_async.errors import AuthenticationError, ConfigurationError, MarketoError, TransportError, own
from marketo_async.operation import Operation, Repeat
from marketo_async.retry import RetryPolicy
from marketo_async.turns import in_turns

log = logging.getLogger("marketo_async.auth")

T = TypeVar("T")

IDENTITY = Operation(
    name="identity.token",
    method="GET",
    path="/identity/oauth/token",
    repeat=Repeat.SAFE,
    timeout=30.0,
    summary="Exchange client id and secret for an access token; the session does this automatically.",
)

IDENTITY_BY_POST = replace(
    IDENTITY, name="identity.token_by_post", method="POST", summary="The same call by POST; the session uses GET."
)

_NEARLY_DEAD = 5  # seconds of life; a refused token with less has only expired, and a new one comes soon
_SHORTEST_HOLD = 0.5
_REASKS = 10
_REMEMBERED = 1.0  # seconds for which a failure is raised again without another identity call
_OK = 200
_TOO_MANY = 429
_TOKEN = re.compile(r"[\x20-\x7e]+")
_SERVER_ERROR = 500


class _Grant(Struct):
    access_token: str
    expires_in: float = 0.0

    def __repr__(self) -> str:
        return f"<token for {self.expires_in:g} s>"


class _Refusal(Struct):
    error: str = ""
    error_description: str = ""


class TokenSource:
    """The access token of one client id; any number of calls may ask for it at once."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        base_url: str,
        *,
        client_id: str,
        client_secret: str,
        partner_id: str | None,
        proxy: str | None,
        retry: RetryPolicy,
        rng: random.Random,
    ) -> None:
        self._http = http
        self._url = base_url + IDENTITY.path
        self._question = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": client_secret,
            **({"partner_id": partner_id} if partner_id else {}),
        }
        self._proxy = proxy
        self._retry = retry
        self._rng = rng
        self._token: str | None = None
        self._dies_at = 0.0
        self._renewal: asyncio.Task[None] | None = None  # under way, or the last one that failed
        self._failed_at = -inf
        self._waiters: list[asyncio.Future[None]] = []
        self.renewals = 0

    def __repr__(self) -> str:
        return f"<Tokens of {self._url}>"

    def living(self, rejected: str | None = None) -> str | None:
        """Return the token, ``None`` if it has expired or is ``rejected``, the one that Marketo refused."""
        if self._token is None or asyncio.get_running_loop().time() >= self._dies_at or self._token == rejected:
            return None
        return self._token

    def reject(self, token: str) -> None:
        """Stop using ``token``, which Marketo refused."""
        if token == self._token:
            self._token = None

    async def get(self, rejected: str | None = None) -> str:
        """Return a valid token other than ``rejected``, the one that Marketo refused.

        Raises `AuthenticationError` if Marketo refuses the credentials or every token that they give, and
        `TransportError` if the identity endpoint returns no token; for a second, both are raised again at once.
        """
        loop = asyncio.get_running_loop()
        while (token := self.living(rejected)) is None:
            renewal = self._renewal
            if renewal is None or (renewal.done() and loop.time() - self._failed_at >= _REMEMBERED):
                renewal = self._renewal = loop.create_task(self._renew(rejected))
                renewal.add_done_callback(self._renewed)
            if not renewal.done():
                waiter: asyncio.Future[None] = loop.create_future()
                self._waiters.append(waiter)
                await waiter
            await shared(renewal, gone=_closed)
        return token

    async def close(self) -> None:
        """Stop a renewal under way."""
        if self._renewal is not None and not self._renewal.done():
            self._renewal.cancel()
            await asyncio.wait([self._renewal])

    def _renewed(self, renewal: asyncio.Task[None]) -> None:
        """Wake the calls that wait for a renewal: perhaps thousands, so not all in one turn of the loop."""
        loop = asyncio.get_running_loop()
        waiters, self._waiters = self._waiters, []
        if renewal.cancelled() or renewal.exception() is None:
            self._renewal = None
        else:
            self._failed_at = loop.time()

        def waking() -> Iterator[None]:
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
                yield

        in_turns(loop, waking())

    async def _renew(self, rejected: str | None) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(_REASKS):
            grant = await self._ask()
            if grant.access_token != rejected:
                self._token = grant.access_token
                self._dies_at = loop.time() + max(grant.expires_in, _SHORTEST_HOLD)
                return
            if grant.expires_in > _NEARLY_DEAD:
                break
            await asyncio.sleep(min(max(grant.expires_in, 0.2), 1.0))
        raise AuthenticationError(
            "the identity endpoint keeps returning a token that the API refuses - check that the base URL and the"
            " client id belong to the same instance"
        )

    async def _ask(self) -> _Grant:
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self._ask_once()
            except TransportError as error:
                if attempt >= self._retry.attempts or not error.passing:
                    raise
                await asyncio.sleep(self._retry.delay(attempt, self._rng))

    async def _ask_once(self) -> _Grant:
        self.renewals += 1
        try:
            async with self._http.get(
                self._url,
                params=self._question,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=within(self._http.connector, IDENTITY.timeout, IDENTITY.timeout),
            ) as response:
                return self._read(response.status, await response.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            kind, again = type(error).__name__, True
            if isinstance(error, NotConnected):
                kind, again = str(error), error.passing
        # Raised here and not inside: the cause may hold the URL, and the URL holds the client secret.
        raise TransportError(
            f"no answer from the identity endpoint ({kind})", operation=IDENTITY.name, sent=False, passing=again
        )

    @staticmethod
    def _read(status: int, body: bytes) -> _Grant:
        if status >= _SERVER_ERROR or status == _TOO_MANY:
            raise _no_token(f"HTTP {status}")
        refusal = _Refusal()
        try:
            if status == _OK:
                grant = msgspec.json.decode(body, type=_Grant, strict=False)
                if _TOKEN.fullmatch(grant.access_token):
                    return grant
            else:
                refusal = msgspec.json.decode(body, type=_Refusal)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # reported below, without the body, which may hold a token
        if status == _OK:
            raise _no_token("HTTP 200 without a token")
        if not refusal.error:
            raise AuthenticationError(f"the identity endpoint answered HTTP {status} - check the base URL")
        raise AuthenticationError(
            f"the identity endpoint refuses the credentials: {refusal.error} {refusal.error_description}".rstrip()
            + " - check the client id and secret of the custom service (Admin > LaunchPoint)"
        )


async def shared(task: asyncio.Task[T], *, gone: Callable[[], MarketoError]) -> T:
    """Wait for ``task`` without cancelling it when the caller is cancelled.

    If the task fails, every caller gets an exception of its own (`own`). If the task itself was cancelled, the error
    that ``gone`` makes is raised: the caller was not cancelled, and must not look as if it was.
    """
    await asyncio.wait([task])  # not the task: raising its exception here would change the one that others hold
    if task.cancelled():
        raise gone()
    if (error := task.exception()) is not None:
        raise own(error)
    return task.result()


def _closed() -> ConfigurationError:
    return ConfigurationError("the client was closed while it waited for a token")


def _no_token(answer: str) -> TransportError:
    return TransportError(f"the identity endpoint answered {answer}", operation=IDENTITY.name, sent=False)
