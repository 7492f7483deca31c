"""The phase before a request's first byte: how long it may take, and the evidence that nothing was sent.

A request waits for a name, a TCP connection, a proxy's tunnel and a TLS handshake before any byte of it leaves. If
this phase fails, nothing was sent, so that even a write that must not be repeated may be tried again. Later, a request
may have reached Marketo. aiohttp's exceptions do not separate the two: a proxy that resets the connection at CONNECT
raises the same error as a server that resets it after the body. Its tracing signals do.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Protocol

import aiohttp
from aiohttp import BaseConnector, ClientTimeout, TraceConfig

_CONNECT = 20.0  # seconds for all of it: name, connection, tunnel, handshake
_SOCKET = 10.0  # seconds for each address of a host; SYNs are sent at 0, 1, 3 and 7 s
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_PASSING = frozenset({408, 425, 429})  # statuses of a proxy that may pass, as may all from 500 on


class Connecting(Protocol):
    """A request's ``trace_request_ctx``: ``connecting`` is true while no byte of it can have left."""

    connecting: bool


class NotConnected(aiohttp.ClientError):
    """The reason for a failed connection, without the proxy's password and the URL that aiohttp's own errors hold.

    ``passing`` is whether another try may succeed.
    """

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


def not_connected(error: aiohttp.ClientError) -> NotConnected:
    """Return the same error without what must not be shown."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        again = not _CLIENT_ERROR <= error.status < _SERVER_ERROR or error.status in _PASSING
        return NotConnected(f"the proxy answered CONNECT with HTTP {error.status} {error.message}", passing=again)
    if isinstance(error, aiohttp.ClientConnectorError):
        cause = f"{type(error.os_error).__name__}: {error.os_error}"
        return NotConnected(f"{type(error).__name__}, {cause}", passing=not isinstance(error, aiohttp.ClientSSLError))
    return NotConnected(type(error).__name__)


def watch() -> TraceConfig:
    """Return the tracing that keeps ``connecting`` of each request's context up to date."""
    config = TraceConfig()
    for begins in (config.on_connection_queued_start, config.on_connection_create_start):
        begins.append(_begins)
    for has_one in (config.on_connection_create_end, config.on_connection_reuseconn):
        has_one.append(_has_one)
    return config


def within(
    connector: BaseConnector | None, total: float | None, otherwise: float, sock_read: float | None = None
) -> ClientTimeout:
    """Return the time-outs of a request: ``total`` for all of it, and a separate one for its connection.

    aiohttp counts the wait for a place in the connector's pool as connecting. In a connector that limits its
    connections, requests wait there for each other, so they may take ``otherwise`` seconds to connect.
    """
    limited = connector is not None and (connector.limit > 0 or connector.limit_per_host > 0)
    return ClientTimeout(
        total=total, connect=otherwise if limited else _CONNECT, sock_connect=_SOCKET, sock_read=sock_read
    )


def unsent(error: Exception, request: Connecting) -> bool:
    """Return whether ``error`` ended a request before any byte of it left."""
    # The last two are aiohttp's own classes for it, which come from a session without the middleware.
    return request.connecting or isinstance(
        error, NotConnected | aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError
    )


async def _begins(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _mark(context.trace_request_ctx, connecting=True)


async def _has_one(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _mark(context.trace_request_ctx, connecting=False)


def _mark(request: Connecting | None, *, connecting: bool) -> None:
    if request is not None:  # an identity call has no context: it may always be repeated
        request.connecting = connecting
