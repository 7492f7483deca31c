"""`Transport`: the connection pool of one session, and one HTTP request over it with the reading of its answer.

aiohttp never sends a request twice here and never follows a redirect: the governor granted one call. See ``connecting``
for the evidence that nothing was sent, ``response`` for how an answer is read, ``session`` for retries.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from marketo_async.call import Call
from marketo_async.connecting import NotConnected, not_connected, unsent, watch, within
from marketo_async.download import headers_for, receive
from marketo_async.errors import TransportError
from marketo_async.governor import Permit
from marketo_async.operation import Dialect, Operation
from marketo_async.response import Outcome, broken, read_response

R = TypeVar("R")

_SILENCE = 60.0  # seconds; a file may take any time, but one that stops coming must not hold a slot
_USER_AGENT = f"marketo-async/{version('marketo-async')}"


class _ConnectionBroke(aiohttp.ClientError):
    """A connection that broke after the request may have been sent."""


async def _send_once(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending a GET a second time when a kept connection turns out to be closed.

    The governor granted one call; Marketo would count two.
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
    # Raised here and not inside: an error of aiohttp's may hold the request, and the request holds the token.
    raise broke


def _proxy_of(base_url: str) -> str | None:
    """Return the proxy that the environment names for a URL.

    aiohttp's own ``trust_env`` also reads netrc files, and would send their passwords beside our token.
    """
    parts = urlsplit(base_url)
    return None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)


class Transport:
    """One connection pool; any number of requests at once."""

    def __init__(
        self,
        base_url: str,
        *,
        connector: Callable[[], aiohttp.BaseConnector] | None = None,
        trust_env: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.proxy = _proxy_of(base_url) if trust_env else None
        self.clock = clock
        self._dated: tuple[str, float] | None = None  # the date of an answer, and our clock at that moment
        self.http = aiohttp.ClientSession(
            # The governor's slots bound the connections; a second bound could only add waiting.
            connector=connector() if connector else aiohttp.TCPConnector(limit=0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": _USER_AGENT},
            middlewares=(_send_once,),
            trace_configs=[watch()],
            skip_auto_headers=("Content-Type",),  # a POST without a body has none
        )

    async def send_http(
        self, call: Call[R], permit: Permit, token: str, resets_at: Callable[[], datetime]
    ) -> Outcome[R]:
        """Send a call once, and read its answer; raise only an error of its sink.

        ``resets_at`` returns when a used-up quota restarts.
        """
        operation, request = call.operation, call.request
        if permit.lapsed:  # the last look at the clock before the wire: see the proof in ``shared_limiter``
            permit.unsent()
            late = TransportError("held up until its permit was void", operation=operation.name, sent=False)
            return Outcome(error=late)
        headers = {**request.headers, **_credentials(operation, token)}
        timeout = within(self.http.connector, call.bound, operation.timeout)
        if call.sink is not None:
            headers |= headers_for(call.sink)
            timeout = within(self.http.connector, None, operation.timeout, _SILENCE)
        status: int | None = None
        chunks: list[bytes] = []  # the bytes so far, in case the connection breaks
        try:
            async with self.http.request(
                request.method,
                URL(request.url, encoded=True),
                data=request.body,
                headers=headers,
                allow_redirects=False,
                proxy=self.proxy,
                timeout=timeout,
                trace_request_ctx=call,
            ) as response:
                permit.answered()
                status, named = response.status, response.headers.get("X-Request-Id")
                if dated := response.headers.get("Date"):
                    self._dated = dated, self.clock()
                if call.sink is not None:
                    body = await receive(response, call.sink)
                    if body is None:
                        return Outcome(status=status)
                    chunks.append(body)
                while chunk := await response.content.readany():
                    chunks.append(chunk)  # one by one, so that a break leaves the earlier ones
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if unsent(error, call):
                permit.unsent()
                return _unconnected(call, error)
            return broken(operation, status, b"".join(chunks), error)
        outcome = read_response(
            operation,
            call.plan,
            status,
            b"".join(chunks),
            named=named,
            resets_at=resets_at,
            codes=call.options.retry.codes,
            on_bad_record=call.options.on_bad_record,
        )
        if call.sink is not None and isinstance(outcome.value, bytes):  # a short file, and not an envelope
            call.sink.restart()
            call.sink.write(outcome.value)
        return outcome

    def by_marketo(self, moment: float) -> float | None:
        """Return a ``moment`` of our clock by Marketo's clock; ``None`` if no answer had a date."""
        if self._dated is None:
            return None
        dated, ours = self._dated
        try:
            return moment + parsedate_to_datetime(dated).timestamp() - ours
        except ValueError:
            return None


def _credentials(operation: Operation, token: str) -> dict[str, str]:
    if operation.dialect is Dialect.INGESTION:
        return {"X-Mkto-User-Token": token}
    return {"Authorization": f"Bearer {token}"}


def _unconnected(call: Call[Any], error: Exception) -> Outcome[Any]:
    failed = TransportError(
        f"no connection to {URL(call.request.url, encoded=True).origin()} ({error})",
        operation=call.operation.name,
        sent=False,
        passing=not isinstance(error, NotConnected) or error.passing,
    )
    failed.__cause__ = error
    return Outcome(error=failed)
