"""Access tokens: one renewal however many wait, kept to their end, and never shown to anybody."""

from __future__ import annotations

import asyncio
import logging
import socket
import traceback

import aiohttp
import pytest

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.errors import AuthenticationError, MarketoError, TransportError
from tests.conftest import Client
from tests.wire import (
    CLIENT_ID,
    CLIENT_SECRET,
    TOKEN,
    Answer,
    MockedMarketo,
    Reply,
    ScriptedServer,
    Sent,
    grant,
    hang_up,
    ok,
    refused,
    related,
    reset,
)

FIFTY = Limits(calls=1000, concurrency=50)


def bearer(sent: Sent) -> str:
    return sent.headers["authorization"].removeprefix("Bearer ")


async def test_fifty_calls_at_once_fetch_one_token(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin, governor=Governor(FIFTY)) as marketo:
        await asyncio.gather(*(marketo.leads.get(n) for n in range(50)))

        assert len(server.calls) == 50
        assert len(server.identity_calls) == 1
        assert {bearer(sent) for sent in server.calls} == {TOKEN}


async def test_credentials_go_to_the_identity_endpoint_and_the_token_goes_in_a_header_only(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin, partner_id="partner") as marketo:
        await marketo.leads.get(1)
        await marketo.leads.sync([{"email": "a@x.io"}])

        (identity,) = server.identity_calls
        assert identity.query == {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "partner_id": "partner",
        }
        assert "authorization" not in identity.headers
        assert len(server.calls) == 2
        for sent in server.calls:
            assert bearer(sent) == TOKEN
            elsewhere = {name: value for name, value in sent.headers.items() if name != "authorization"}
            assert TOKEN not in f"{sent.target} {elsewhere} {sent.body!r}"
            assert CLIENT_SECRET not in f"{sent.target} {sent.headers} {sent.body!r}"


@pytest.mark.looptime
async def test_a_token_is_kept_to_its_end_and_not_longer(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok()]
    mocked.grants = [grant("first", expires_in=3600), grant("second", expires_in=3600)]
    async with patient as marketo:
        await marketo.leads.get(1)
        await asyncio.sleep(3599)
        await marketo.leads.get(1)
        await asyncio.sleep(2)
        await marketo.leads.get(1)

    assert [bearer(sent) for sent in mocked.calls] == ["first", "first", "second"]
    assert len(mocked.identity_calls) == 2


@pytest.mark.parametrize("code", ["600", "601", "602"])
async def test_a_refused_token_is_renewed_once_and_the_call_succeeds(
    code: str, mocked: MockedMarketo, client: Client
) -> None:
    mocked.script = [refused(code), ok({"id": 1})]
    mocked.grants = [grant("first"), grant("second")]
    async with client("http://127.0.0.1") as marketo:
        assert await marketo.leads.get(1) == {"id": 1}
        assert marketo.session.renewals == 2

    assert [bearer(sent) for sent in mocked.calls] == ["first", "second"]
    assert len(mocked.identity_calls) == 2


async def test_a_write_that_must_not_repeat_is_sent_again_after_a_refused_token(
    mocked: MockedMarketo, client: Client
) -> None:
    mocked.script = [refused("602"), ok({"id": 1, "status": "created"})]
    mocked.grants = [grant("first"), grant("second")]
    async with client("http://127.0.0.1") as marketo:
        (result,) = await marketo.leads.push([{"email": "a@x.io"}], "Program")

    assert result.status == "created"
    assert len(mocked.calls) == 2


async def test_fifty_calls_in_flight_when_the_token_dies_cost_one_identity_call(client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin, governor=Governor(FIFTY)) as marketo:
        all_there = asyncio.Event()

        async def refuse_together(_: Sent, writer: asyncio.StreamWriter) -> None:
            if len(server.calls) == 50:
                all_there.set()
            await all_there.wait()
            body = refused("602", "Access token expired").body
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

        def by_token(sent: Sent) -> Reply:
            return refuse_together if bearer(sent) == "first" else ok({"id": 1})

        server.grants = [grant("first"), grant("second")]
        server.default = by_token
        results = await asyncio.gather(*(marketo.leads.get(n) for n in range(50)))

        assert results == [{"id": 1}] * 50
        assert len(server.calls) == 100
        assert len(server.identity_calls) == 2


async def test_a_latecomer_refused_with_the_old_token_uses_the_new_one(client: Client) -> None:
    """The slow call learns that its token died after another call has renewed it: no third identity call."""
    async with ScriptedServer() as server, client(server.origin) as marketo:
        renewed = asyncio.Event()

        async def refuse_late(_: Sent, writer: asyncio.StreamWriter) -> None:
            await renewed.wait()
            body = refused("601").body
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

        def by_token(sent: Sent) -> Reply:
            if bearer(sent) == "second":
                return ok({"id": 1})
            return refuse_late if "/1.json" in sent.path else refused("601")

        server.grants = [grant("first"), grant("second"), grant("third")]
        server.default = by_token
        slow = asyncio.create_task(marketo.leads.get(1))
        await server.arrivals(1)
        await marketo.leads.get(2)
        renewed.set()

        assert await slow == {"id": 1}
        assert len(server.identity_calls) == 2


async def test_a_token_refused_right_after_its_renewal_raises(mocked: MockedMarketo, client: Client) -> None:
    mocked.script = [refused("601")]
    mocked.grants = [grant("always-the-same", expires_in=3600)]
    async with client("http://127.0.0.1") as marketo:
        with pytest.raises(AuthenticationError, match="refuses"):
            await marketo.leads.get(1)
        assert marketo.governor.snapshot().in_flight == 0

    assert len(mocked.calls) == 1
    assert len(mocked.identity_calls) == 2


async def test_new_tokens_that_are_all_refused_raise_before_long(mocked: MockedMarketo, client: Client) -> None:
    mocked.script = [refused("601")]
    mocked.grants = [grant(f"token-{n}") for n in range(50)]
    async with client("http://127.0.0.1") as marketo:
        with pytest.raises(AuthenticationError, match=r"leads\.get"):
            await marketo.leads.get(1)

    assert 2 <= len(mocked.calls) <= 6


@pytest.mark.looptime
async def test_a_token_with_no_life_left_still_serves(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.grants = [grant("dying", expires_in=0)]
    async with patient as marketo:
        assert await marketo.leads.get(1) == {"id": 1}
        await asyncio.sleep(1)
        assert await marketo.leads.get(1) == {"id": 1}

    assert len(mocked.identity_calls) == 2


@pytest.mark.looptime
async def test_a_dying_token_that_was_refused_is_waited_out(mocked: MockedMarketo, patient: Marketo) -> None:
    """The identity endpoint hands out the same token until it is dead: asking again at once gives nothing new."""
    mocked.script = [ok(), refused("602"), ok({"id": 1})]
    mocked.grants = [
        grant("old", expires_in=100),
        grant("old", expires_in=2),
        grant("old", expires_in=0),
        grant("new", expires_in=3600),
    ]
    async with patient as marketo:
        await marketo.leads.get(1)
        assert await marketo.leads.get(1) == {"id": 1}
        assert asyncio.get_running_loop().time() < 5

    assert [bearer(sent) for sent in mocked.calls] == ["old", "old", "new"]


@pytest.mark.looptime
async def test_a_dying_token_that_never_dies_is_not_waited_for_for_ever(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [refused("602")]
    mocked.grants = [grant("old", expires_in=1)]
    async with patient as marketo:
        with pytest.raises(AuthenticationError, match="refuses"):
            await marketo.leads.get(1)
        assert asyncio.get_running_loop().time() < 20

    assert len(mocked.calls) == 1


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            Answer(b'{"error":"unauthorized","error_description":"Bad client credentials"}', 401),
            "Bad client credentials",
        ),
        (Answer(b'{"error":"invalid_client"}', 401), "invalid_client"),
        (Answer(b"<html>No</html>", 401), "401"),
        (Answer(b"", 403), "403"),
        (Answer(b"gone", 404), "base URL"),
        (Answer(b'{"error":"\xff"}', 401), "401"),
    ],
)
async def test_refused_credentials_are_told_at_once_and_not_tried_again(
    answer: Answer, says: str, mocked: MockedMarketo, client: Client
) -> None:
    mocked.grants = [answer]
    async with client("http://127.0.0.1") as marketo:
        with pytest.raises(AuthenticationError, match=says):
            await marketo.leads.get(1)

    assert len(mocked.identity_calls) == 1
    assert mocked.calls == []


TROUBLE: dict[str, Answer | Exception] = {
    "500": Answer(b"oops", 500),
    "502": Answer(b"<html>Bad Gateway</html>", 502),
    "429": Answer(b"slow down", 429),
    "HTML": Answer(b"<html>Login</html>"),
    "no token": Answer(b"{}"),
    "empty": Answer(b""),
    "truncated": Answer(b'{"access_token":"x'),
    "no UTF-8": Answer(b'{"access_token":"\xff","expires_in":3600}'),
    "empty token": Answer(b'{"access_token":"","expires_in":3600}'),
    "null token": Answer(b'{"access_token":null,"expires_in":3600}'),
    "a token that can't be a header": grant("a\r\nX-Evil: 1"),
    "hang-up": aiohttp.ServerDisconnectedError(),
    "cut": aiohttp.ClientPayloadError(),
    "time-out": TimeoutError(),
    "reset": ConnectionResetError(),
}


@pytest.mark.parametrize("trouble", TROUBLE.values(), ids=TROUBLE)
async def test_trouble_at_the_identity_endpoint_passes(
    trouble: Answer | Exception, mocked: MockedMarketo, client: Client
) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.grants = [trouble, grant()]
    async with client("http://127.0.0.1") as marketo:
        assert await marketo.leads.get(1) == {"id": 1}

    assert len(mocked.identity_calls) == 2
    assert [bearer(sent) for sent in mocked.calls] == [TOKEN]


async def test_trouble_that_stays_is_told_after_as_many_tries_as_the_policy_says(
    mocked: MockedMarketo, client: Client
) -> None:
    mocked.grants = [Answer(b"oops", 500)]
    async with client("http://127.0.0.1", retry=RetryPolicy(attempts=3, base=0.001)) as marketo:
        with pytest.raises(TransportError, match=r"identity.*500") as caught:
            await marketo.leads.push([{"email": "a@x.io"}], "Program")
        seen = marketo.governor.snapshot()

    assert not caught.value.sent, "the call itself never left: the caller may send it again"
    assert len(mocked.identity_calls) == 3
    assert (seen.in_flight, seen.window_used, seen.used_today) == (0, 0, 0)


async def test_a_refused_connection_is_told_and_gives_everything_back(client: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    async with client(f"http://127.0.0.1:{port}") as marketo:
        with pytest.raises(TransportError, match="identity"):
            await marketo.leads.get(1)
        seen = marketo.governor.snapshot()

    assert (seen.in_flight, seen.window_used, seen.used_today) == (0, 0, 0)


async def test_credentials_never_follow_a_redirect(client: Client) -> None:
    async with ScriptedServer(ok()) as elsewhere, ScriptedServer(ok()) as server:
        server.grants = [Answer(b"", 302, {"Location": elsewhere.origin + "/identity/oauth/token"})]
        async with client(server.origin) as marketo:
            with pytest.raises(AuthenticationError, match="302"):
                await marketo.leads.get(1)

        assert elsewhere.connections == 0


@pytest.mark.looptime
async def test_a_failed_renewal_stands_for_all_who_ask_within_a_second_and_not_longer(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.grants = [Answer(b'{"error":"unauthorized"}', 401), grant()]
    async with patient as marketo:
        for _ in range(100):
            with pytest.raises(AuthenticationError):
                await marketo.leads.get(1)
        assert len(mocked.identity_calls) == 1
        await asyncio.sleep(1.1)
        assert await marketo.leads.get(1) == {"id": 1}
        assert len(mocked.identity_calls) == 2


async def test_a_caller_that_is_cancelled_does_not_cancel_the_renewal_of_the_others(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin) as marketo:
        go, asked = asyncio.Event(), asyncio.Event()

        async def grant_late(_: Sent, writer: asyncio.StreamWriter) -> None:
            asked.set()
            await go.wait()
            body = grant().body
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))

        server.grants = [grant_late]
        first, second = (asyncio.create_task(marketo.leads.get(n)) for n in (1, 2))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        go.set()

        assert await second == {"id": 1}
        assert len(server.identity_calls) == 1
        assert marketo.governor.snapshot().in_flight == 0


async def test_closing_during_a_renewal_ends_the_calls_that_wait_with_an_error_of_ours(client: Client) -> None:
    async with ScriptedServer(ok()) as server:
        asked = asyncio.Event()

        async def never(_: Sent, __: asyncio.StreamWriter) -> None:
            asked.set()
            await asyncio.Event().wait()

        server.grants = [never]
        async with client(server.origin) as marketo:
            waiting = asyncio.create_task(marketo.leads.get(1))
            await asked.wait()
            await marketo.close()
        (outcome,) = await asyncio.gather(waiting, return_exceptions=True)

        assert isinstance(outcome, MarketoError)
        assert marketo.governor.snapshot().in_flight == 0


def shown(error: BaseException, log: pytest.LogCaptureFixture) -> str:
    """Return everything that a log, a traceback or a debugger would show of an error."""
    texts = [log.text, "".join(traceback.format_exception(error))]
    for found in related(error):
        texts += [str(found), repr(found), repr(found.args), repr(vars(found))]
    for record in log.records:
        texts += [record.getMessage(), repr(record.args)]
    return "\n".join(texts)


GARBAGE: dict[str, Reply] = {
    "no HTTP": b"THIS IS NOT HTTP\r\n\r\n",
    "odd length": b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
    "unknown encoding": b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 4\r\n\r\nabcd",
    "no gzip": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    "odd chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "long header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "short body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
    "no bytes": b"",
    "hang-up": hang_up,
    "reset": reset,
    "HTML": Answer(b"<html>", 502),
    "redirect": Answer(b"", 302, {"Location": "http://127.0.0.1:1/"}),
    "no UTF-8": Answer(b"\xff\xfe", 200),
    "401": Answer(b'{"error":"unauthorized"}', 401),
}
REFUSALS: dict[str, Reply] = {"601": refused("601"), "603": refused("603"), "608": refused("608")}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
async def test_no_identity_error_shows_a_secret(
    garbage: Reply, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        server.grants = [garbage]
        with pytest.raises(MarketoError) as caught:
            await marketo.leads.get(1)

    assert CLIENT_SECRET not in shown(caught.value, caplog)


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("garbage", [*GARBAGE.values(), *REFUSALS.values()], ids=[*GARBAGE, *REFUSALS])
async def test_no_error_of_a_call_shows_a_token_or_a_secret(
    garbage: Reply, client: Client, caplog: pytest.LogCaptureFixture, *, write: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    async with ScriptedServer(garbage) as server, client(server.origin) as marketo:
        with pytest.raises(MarketoError) as caught:
            await (marketo.leads.submit_form(7, {"email": "a@x.io"}) if write else marketo.leads.get(1))

    text = shown(caught.value, caplog)
    assert TOKEN not in text
    assert CLIENT_SECRET not in text


async def test_the_objects_that_hold_secrets_do_not_show_them(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        await marketo.leads.get(1)

        for held in (marketo, marketo.session, marketo.session._tokens, marketo.leads, marketo.governor):
            assert TOKEN not in repr(held)
            assert CLIENT_SECRET not in repr(held)
