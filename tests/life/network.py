"""A network in memory, below aiohttp: connections that are refused, that vanish, that break, and that are left open.

Each connection belongs to a worker. What a worker that was killed has sent arrives, and nothing more; nothing reaches
it any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from tests.life.virtual import Timeline

_SYN_RETRIES = 130.0  # seconds after which a kernel gives up on a connection that nobody answers


@dataclass(eq=False)
class Side:
    """Whoever makes connections: one client of one worker."""

    worker: str
    client: str
    killed: Callable[[], bool]
    wires: set[Wire] = field(default_factory=set)
    identity_calls: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """A request as it was sent, and when its caller began to connect or, on a kept connection, to write."""

    wire: Wire
    method: str
    url: URL
    headers: dict[str, str]
    body: bytes
    began: float


class Network:
    """Carries requests to *arrived*, each *trip* seconds later; *fate* says what becomes of a new connection."""

    def __init__(
        self,
        timeline: Timeline,
        *,
        trip: Callable[[], float],
        fate: Callable[[Side], str],
        arrived: Callable[[Request], None],
    ) -> None:
        self.timeline = timeline
        self.trip = trip
        self.fate = fate
        self._arrived = arrived

    def carry(self, request: Request) -> None:
        self.timeline.after(self.trip(), lambda: self._arrived(request))


class Wire(asyncio.Transport):
    """One connection."""

    def __init__(self, network: Network, side: Side, protocol: ResponseHandler, began: float) -> None:
        super().__init__()
        self.network, self.side = network, side
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._began: float | None = began
        self._received = b""
        self._closing = False
        side.wires.add(self)
        protocol.connection_made(self)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self.side.killed():
            return
        if self._began is None:
            self._began = self.network.timeline.now
        self._received += bytes(data)
        head, end, rest = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        method, target, _ = first.split(" ", 2)
        self._received, began, self._began = rest[length:], self._began, None
        url = URL(f"http://{headers['host']}{target}", encoded=True)
        self.network.carry(Request(self, method, url, headers, rest[:length], began))

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def answer(self, data: bytes) -> None:
        """Bring bytes back."""
        self._back(self._protocol_receives, data)

    def drop(self, error: OSError | None = None) -> None:
        """Close the connection from the other end: in order, or with an error."""
        self._back(self._lose, error)

    def reaches(self) -> bool:
        """Tell whether anybody is left to read an answer."""
        return not self._closing and not self.side.killed() and not self._loop.is_closed()

    def _back(self, deliver: Callable[[Any], None], what: Any) -> None:
        if self.reaches():
            self._loop.call_soon(deliver, what)

    def _protocol_receives(self, data: bytes) -> None:
        if data and not self._closing:
            self._protocol.data_received(data)

    def _lose(self, error: OSError | None) -> None:
        self.side.wires.discard(self)
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(error)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self.side.wires.discard(self)
            if not self._loop.is_closed():
                self._loop.call_soon(self._protocol.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self._closing

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Connector(aiohttp.BaseConnector):
    """Makes the connections of one side."""

    def __init__(self, network: Network, side: Side) -> None:
        super().__init__(limit=0)
        self._network, self._side = network, side

    async def _create_connection(
        self,
        req: aiohttp.ClientRequest,
        traces: Any,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - what aiohttp calls it
    ) -> ResponseHandler:
        began, fate = self._network.timeline.now, self._network.fate(self._side)
        try:
            async with asyncio.timeout(timeout.sock_connect):
                await asyncio.sleep(self._network.trip())
                if fate == "vanishes" or self._side.killed():
                    await asyncio.sleep(_SYN_RETRIES)
                    fate = "refused"
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError(f"no connection to {req.url}") from error
        if fate == "refused":
            raise aiohttp.ClientConnectorError(req.connection_key, ConnectionRefusedError(111, "connection refused"))
        protocol: ResponseHandler = self._factory()
        Wire(self._network, self._side, protocol, began)
        return protocol

    def let_go(self) -> None:
        """Forget the connections of a loop that has ended, so that nobody is warned of them."""
        self._conns.clear()
        self._closed = True
