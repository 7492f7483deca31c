"""Nothing leaves before there is a connection: every phase of connecting is bounded, and certainly unsent."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from marketo_async import Marketo, RetryPolicy, connecting
from marketo_async.errors import CallTimeout, MarketoError, OutcomeUnknown, TransportError
from tests.conftest import Client
from tests.wire import CLIENT_SECRET, ScriptedServer, ok, related, written

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
SOON = 5.0  # seconds, much longer than the bounds of these tests


async def silent(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()  # until the client gives up


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


def says(line: bytes, *, then: Talk = hangs_up) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(line + b"\r\n\r\n")
        await writer.drain()
        await then(reader, writer)

    return talk


async def babbles(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"this is neither HTTP nor TLS\r\n\r\n" * 9)
    await writer.drain()
    await silent(reader, writer)


@asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """Run a server that talks like that on every connection, and return its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def never_accepting() -> AsyncIterator[int]:
    """Listen with a full backlog: the system drops every further SYN."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        waiting: list[socket.socket] = []
        try:
            while True:
                caller = socket.socket()
                waiting.append(caller)
                caller.setblocking(False)  # noqa: FBT003 - its only parameter
                try:
                    async with asyncio.timeout(0.2):
                        await asyncio.get_running_loop().sock_connect(caller, ("127.0.0.1", port))
                except TimeoutError:
                    break
            yield port
        finally:
            for caller in waiting:
                caller.close()


class SilentResolver(AbstractResolver):
    """A name server that never answers."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host == "127.0.0.1":
            return [ResolveResult(hostname=host, host=host, port=port, family=family, proto=0, flags=0)]
        await asyncio.Event().wait()
        raise AssertionError

    async def close(self) -> None:
        pass


async def write_once(marketo: Marketo) -> None:
    """Make a write that must not be repeated."""
    await marketo.leads.push([{"email": "a@example.com"}], program_name="p", source="s", reason="r")


@pytest.fixture
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "_CONNECT", 0.3)
    monkeypatch.setattr(connecting, "_SOCKET", 0.2)


@asynccontextmanager
async def connected_client(client: Client, **options: object) -> AsyncIterator[Marketo]:
    """Yield a client that has a token, so that the next thing it needs is a connection."""
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin, **options) as marketo:
        await marketo.leads.get(1)
        yield marketo


# What connects to nothing: by way of the origin itself, or by way of a proxy in front of it.
DIRECT: dict[str, Talk] = {
    "TLS: silent": silent,
    "TLS: hangs up": hangs_up,
    "TLS: resets": resets,
    "TLS: babbles": babbles,
}
PROXIES: dict[str, Talk] = {
    "silent": silent,
    "hangs up": hangs_up,
    "resets": resets,
    "babbles": babbles,
    "407": says(b"HTTP/1.1 407 Proxy Authentication Required"),
    "403": says(b"HTTP/1.1 403 Forbidden"),
    "502": says(b"HTTP/1.1 502 Bad Gateway"),
    "half an answer": says(b"HTTP/1.1 200", then=silent),
    "200, then silent": says(b"HTTP/1.1 200 OK", then=silent),
    "200, then hangs up": says(b"HTTP/1.1 200 OK"),
    "200, then resets": says(b"HTTP/1.1 200 OK", then=resets),
    "200, then babbles": says(b"HTTP/1.1 200 OK", then=babbles),
}


async def assert_unsent(marketo: Marketo) -> TransportError:
    """Check that a write ends soon, as certainly unsent, and that it costs nothing."""
    before = marketo.governor.snapshot()
    async with asyncio.timeout(SOON):
        with pytest.raises(MarketoError) as caught:
            await write_once(marketo)
    assert not isinstance(caught.value, OutcomeUnknown)
    assert isinstance(caught.value, TransportError)
    assert not caught.value.sent
    now = marketo.governor.snapshot()
    assert (now.in_flight, now.window_used, now.used_today) == (0, before.window_used, before.used_today)
    return caught.value


@pytest.mark.parametrize("how", DIRECT)
async def test_a_handshake_that_fails_or_never_ends_has_sent_nothing(client: Client, bounds: None, how: str) -> None:
    async with listening(DIRECT[how]) as port, connected_client(client) as marketo:
        marketo.session.base_url = f"https://127.0.0.1:{port}"
        await assert_unsent(marketo)


async def test_a_host_that_drops_every_syn_is_given_up_on_and_has_got_nothing(client: Client, bounds: None) -> None:
    async with never_accepting() as port, connected_client(client) as marketo:
        marketo.session.base_url = f"http://127.0.0.1:{port}"
        await assert_unsent(marketo)


async def test_a_name_server_that_never_answers_is_given_up_on(client: Client, bounds: None) -> None:
    def connector() -> aiohttp.BaseConnector:
        return aiohttp.TCPConnector(limit=0, resolver=SilentResolver())

    async with connected_client(client, connector=connector) as marketo:
        marketo.session.base_url = "http://marketo.invalid"
        await assert_unsent(marketo)


@pytest.mark.parametrize("how", PROXIES)
async def test_a_proxy_that_makes_no_tunnel_has_got_nothing_of_the_request(
    client: Client, bounds: None, how: str
) -> None:
    async with listening(PROXIES[how]) as port, connected_client(client) as marketo:
        marketo.session.base_url = "https://127.0.0.1:1"
        marketo.session._transport.proxy = f"http://user:password-of-the-proxy@127.0.0.1:{port}"
        error = await assert_unsent(marketo)

    if how.isdigit():
        assert f"HTTP {how}" in str(error)
        assert error.passing == (how == "502"), "a proxy that refuses will refuse again"
    for link in related(error):
        assert "password-of-the-proxy" not in repr(link)


@pytest.mark.parametrize(("how", "asked"), [("407", 1), ("502", 2), ("silent", 2)])
async def test_an_identity_call_connects_within_the_same_bounds(
    monkeypatch: pytest.MonkeyPatch, client: Client, bounds: None, how: str, asked: int
) -> None:
    connections = 0

    async def counted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await PROXIES[how](reader, writer)

    async with listening(counted) as port:
        for name in ("no_proxy", "NO_PROXY", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
        retry = RetryPolicy(attempts=2, base=0.001, cap=0.002)
        async with client("https://marketo.invalid/rest", trust_env=True, retry=retry) as marketo:
            error = await assert_unsent(marketo)
    assert connections == asked
    assert CLIENT_SECRET not in str(error)


async def test_a_caller_who_gives_up_before_there_is_a_connection_takes_the_call_along(client: Client) -> None:
    async with never_accepting() as port, connected_client(client) as marketo:
        marketo.session.base_url = f"http://127.0.0.1:{port}"
        before = marketo.governor.snapshot()
        with pytest.raises(CallTimeout) as caught:
            await write_once(marketo.with_options(timeout=0.2))
        assert not caught.value.sent
        await asyncio.gather(*marketo.session._under_way, return_exceptions=True)
        now = marketo.governor.snapshot()
        assert (now.in_flight, now.window_used) == (0, before.window_used)


async def test_closing_a_client_while_a_call_connects_leaves_no_doubt(client: Client) -> None:
    async with never_accepting() as port, connected_client(client) as marketo:
        marketo.session.base_url = f"http://127.0.0.1:{port}"
        writing = asyncio.ensure_future(write_once(marketo))
        async with asyncio.timeout(SOON):
            while not (marketo.session._under_way and marketo.governor.snapshot().in_flight):  # noqa: ASYNC110 - nothing tells
                await asyncio.sleep(0.01)
        await marketo.session.close(grace=0)
        with pytest.raises(TransportError, match="closed") as caught:
            await writing
    assert not caught.value.sent


@pytest.mark.parametrize(("limit", "per_host"), [(1, 0), (0, 1)])
async def test_waiting_in_a_limited_pool_is_not_taken_for_a_connection_that_fails(
    client: Client, bounds: None, limit: int, per_host: int
) -> None:
    async with ScriptedServer(ok({"id": 1})) as server:

        async def slowly(_: object, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.4)  # longer than a connection may take
            writer.write(written(ok({"id": 1})))

        server.script = [slowly]
        async with client(
            server.origin, connector=lambda: aiohttp.TCPConnector(limit=limit, limit_per_host=per_host)
        ) as marketo:
            found = await asyncio.gather(*(marketo.leads.get(1) for _ in range(3)))
    assert [lead and lead["id"] for lead in found] == [1, 1, 1]
    assert len(server.calls) == 3


async def test_a_call_that_waits_in_a_limited_pool_and_is_given_up_was_not_sent(client: Client) -> None:
    answered = asyncio.Event()
    async with ScriptedServer(ok({"id": 1})) as server:

        async def slowly(_: object, writer: asyncio.StreamWriter) -> None:
            await answered.wait()
            writer.close()

        async with client(server.origin, connector=lambda: aiohttp.TCPConnector(limit=1)) as marketo:
            await marketo.leads.get(1)
            server.script = [slowly]
            first = asyncio.ensure_future(marketo.leads.get(1))
            await server.arrivals(2)
            with pytest.raises(CallTimeout) as caught:
                await write_once(marketo.with_options(timeout=0.1))
            answered.set()
            first.cancel()
        assert not caught.value.sent
        assert len(server.calls) == 2
