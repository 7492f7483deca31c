"""Two stand-ins for Marketo, scripted answer by answer.

`MockedMarketo` takes aiohttp's place in memory, so time may be virtual; `ScriptedServer` writes bytes to a real socket,
so that it can be wrong in every way that a server, a proxy or a network can be wrong.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self
from unittest.mock import Mock

import aiohttp
from aioresponses import CallbackResult, aioresponses
from yarl import URL

IDENTITY_PATH = "/identity/oauth/token"
CLIENT_ID = "client-id-of-the-tests"
CLIENT_SECRET = "secret-that-must-never-show"
TOKEN = "token-that-must-never-show"
ORIGIN = "http://127.0.0.1:1"  # nothing ever listens there


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as it should be."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def ok(*records: object, **members: object) -> Answer:
    """Return a successful answer with these records as its result."""
    return envelope(success=True, result=list(records), **members)


def done(**members: object) -> Answer:
    """Return a successful answer without a result."""
    return envelope(success=True, **members)


def refused(code: str, message: str = "no", **members: object) -> Answer:
    """Return an answer that reports one error."""
    return envelope(success=False, errors=[{"code": code, "message": message}], **members)


def envelope(**members: object) -> Answer:
    """Return an answer with these members, and a requestId."""
    return Answer(json.dumps({"requestId": "1a2b#3c", **members}).encode())


def grant(token: str = TOKEN, *, expires_in: object = 3600) -> Answer:
    """Return what the identity endpoint answers to good credentials."""
    return Answer(json.dumps({"access_token": token, "token_type": "bearer", "expires_in": expires_in}).encode())


@dataclass(frozen=True)
class Sent:
    """One request as it arrived."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    at: float
    connection: int = 0
    timeout: float | None = None

    @property
    def path(self) -> str:
        return URL(self.target, encoded=True).raw_path

    @property
    def query(self) -> Mapping[str, str]:
        return dict(URL(self.target).query)


Step = Answer | BaseException


class MockedMarketo:
    """Marketo in memory: API calls are answered by ``script`` in order, the last step for ever; identity by ``grants``.

    ``latency`` is how long every API call takes.
    """

    def __init__(self) -> None:
        self.script: list[Step] = []
        self.grants: list[Step] = [grant()]
        self.calls: list[Sent] = []
        self.identity_calls: list[Sent] = []
        self.latency = 0.0
        self._mock = aioresponses()

    def __enter__(self) -> Self:
        self._mock.start()
        for method in ("GET", "POST", "DELETE"):
            self._mock.add(re.compile(".*"), method=method, callback=partial(self._answer, method), repeat=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._mock.stop()

    async def _answer(
        self,
        method: str,
        url: URL,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | None = None,
        timeout: aiohttp.ClientTimeout | None = None,  # noqa: ASYNC109 - what aiohttp calls it
        **_: object,
    ) -> CallbackResult:
        sent = Sent(
            method,
            url.raw_path_qs,
            {name.lower(): value for name, value in (headers or {}).items()},
            data or b"",
            at=asyncio.get_running_loop().time(),
            timeout=timeout.total if timeout else None,
        )
        if url.path == IDENTITY_PATH:
            self.identity_calls.append(sent)
            step = self.grants.pop(0) if len(self.grants) > 1 else self.grants[0]
        else:
            self.calls.append(sent)
            await asyncio.sleep(self.latency)
            step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, BaseException):
            raise step
        return CallbackResult(
            status=step.status, body=step.body, headers=dict(step.headers), response_class=_MockedResponse
        )


class _MockedResponse(aiohttp.ClientResponse):
    """aiohttp 3.14 made ``stream_writer`` a required argument, which aioresponses 0.7.9 does not know."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("stream_writer", Mock(output_size=0))
        super().__init__(*args, **kwargs)


Act = Callable[[Sent, asyncio.StreamWriter], Awaitable[None]]
Reply = Answer | bytes | Act


def written(answer: Answer) -> bytes:
    """Return an answer as bytes on the wire."""
    headers = {"Content-Type": "application/json", "Content-Length": str(len(answer.body)), **answer.headers}
    lines = [f"HTTP/1.1 {answer.status} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + answer.body


async def hang_up(_: Sent, writer: asyncio.StreamWriter) -> None:
    """Close the connection instead of answering."""
    writer.close()


async def reset(_: Sent, writer: asyncio.StreamWriter) -> None:
    """Tear the connection down instead of answering."""
    writer.transport.abort()


def cut(answer: Answer, at: int) -> Act:
    """Return an act that writes the first *at* bytes of an answer and hangs up."""

    async def act(_: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(written(answer)[:at])
        await writer.drain()
        writer.close()

    return act


def after(event: asyncio.Event, reply: Answer) -> Act:
    """Return an act that answers once *event* is set."""

    async def act(_: Sent, writer: asyncio.StreamWriter) -> None:
        await event.wait()
        writer.write(written(reply))

    return act


class ScriptedServer:
    """A server on loopback: API calls get the replies of ``script`` in order, the last one for ever.

    ``grants`` does the same for identity calls. A reply is an `Answer`, raw bytes after which the connection closes, or
    an act on the connection. ``default`` decides by request where it is set.
    """

    def __init__(self, *script: Reply) -> None:
        self.script: list[Reply] = list(script)
        self.grants: list[Reply] = [grant()]
        self.default: Callable[[Sent], Reply] | None = None
        self.calls: list[Sent] = []
        self.identity_calls: list[Sent] = []
        self.arrived = asyncio.Event()
        self.connections = 0
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def arrivals(self, count: int) -> None:
        """Wait until *count* API calls have arrived."""
        while len(self.calls) < count:
            self.arrived.clear()
            await self.arrived.wait()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while not writer.is_closing():
                sent = await _request(reader, self.connections)
                await self._reply(sent, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        except asyncio.CancelledError:
            pass  # the server is being left
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _reply(self, sent: Sent, writer: asyncio.StreamWriter) -> None:
        if sent.path == IDENTITY_PATH:
            self.identity_calls.append(sent)
            reply = _next(self.grants)
        else:
            self.calls.append(sent)
            self.arrived.set()
            reply = self.default(sent) if self.default else _next(self.script)
        if isinstance(reply, Answer):
            writer.write(written(reply))
        elif isinstance(reply, bytes):
            writer.write(reply)
            writer.close()
        else:
            await reply(sent, writer)


def _next(script: list[Reply]) -> Reply:
    return script.pop(0) if len(script) > 1 else script[0]


async def _request(reader: asyncio.StreamReader, connection: int) -> Sent:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    start, *lines = head.rstrip("\r\n").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    method, target, _ = start.split(" ", 2)
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Sent(method, target, headers, body, asyncio.get_running_loop().time(), connection)


def related(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and every one that its causes, contexts and groups lead to."""
    todo: list[BaseException | None] = [error]
    seen: set[int] = set()
    while todo:
        found = todo.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        todo += [found.__cause__, found.__context__]
        if isinstance(found, BaseExceptionGroup):
            todo += found.exceptions
        yield found
