"""`Marketo`: where it connects to, when it is open, its siblings, and the raw way in."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec import Struct

from marketo_async import Governor, Limits, Marketo, Priority, RetryPolicy
from marketo_async.client import base_url_of
from marketo_async.envelope import Envelope
from marketo_async.errors import ApiError, ConfigurationError, InvalidRequest, OutcomeUnknown
from marketo_async.sandbox import Sandbox
from tests.conftest import Client
from tests.wire import (
    CLIENT_ID,
    CLIENT_SECRET,
    ORIGIN,
    Answer,
    MockedMarketo,
    ScriptedServer,
    done,
    envelope,
    ok,
    refused,
    reset,
)
from tests.writes.instances import GENEROUS, client_of

SECRET_ENVIRONMENT = {"MARKETO_CLIENT_ID": CLIENT_ID, "MARKETO_CLIENT_SECRET": CLIENT_SECRET}


@pytest.mark.parametrize(
    ("instance", "origin"),
    [
        ("123-ABC-456", "https://123-abc-456.mktorest.com"),
        (" 123-abc-456 ", "https://123-abc-456.mktorest.com"),
        ("https://123-abc-456.mktorest.com", "https://123-abc-456.mktorest.com"),
        ("123-abc-456.mktorest.com", "https://123-abc-456.mktorest.com"),
        ("123-ABC-456.mktorest.com/rest", "https://123-abc-456.mktorest.com"),
        ("https://123-abc-456.mktorest.com/", "https://123-abc-456.mktorest.com"),
        ("https://123-abc-456.mktorest.com/rest", "https://123-abc-456.mktorest.com"),
        ("https://123-abc-456.mktorest.com/rest/", "https://123-abc-456.mktorest.com"),
        ("https://123-abc-456.mktorest.com//rest//", "https://123-abc-456.mktorest.com"),
        ("https://123-abc-456.mktorest.com/identity", "https://123-abc-456.mktorest.com"),
        ("HTTPS://123-abc-456.mktorest.com/REST", "https://123-abc-456.mktorest.com"),
        ("https://proxy.example:8443/marketo/rest", "https://proxy.example:8443/marketo"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/rest", "http://localhost:8080"),
        ("http://[::1]:8080/rest", "http://[::1]:8080"),
    ],
)
def test_an_instance_is_its_munchkin_id_or_any_endpoint_that_marketo_shows(instance: str, origin: str) -> None:
    assert base_url_of(instance) == origin


@pytest.mark.parametrize(
    "instance",
    [
        "",
        "marketo",
        "123-abc-456.mktorest.com.evil.example",
        "https://123-abc-456.mktorest.com/identity/oauth/token",
        "https://123-abc-456.mktorest.com/rest/v1/leads.json",
        "http://123-abc-456.mktorest.com",
        "http://127.0.0.1.evil.example",
        "ftp://123-abc-456.mktorest.com",
        "https://",
        "https:///rest",
        "https://host/rest?x=1",
        "https://host/rest#x",
        "https://[::1",
        "https://host:port",
        "https://host:99999",
        "https://ho st/rest",
        "https://user:password-of-the-proxy@host/rest",
        "https://:password-of-the-proxy@host/rest",
    ],
)
def test_what_can_not_be_an_instance_is_refused_without_repeating_passwords(instance: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        base_url_of(instance)

    assert "password-of-the-proxy" not in str(caught.value)


@pytest.mark.parametrize("missing", ["client_id", "client_secret"])
def test_credentials_are_needed(missing: str) -> None:
    credentials = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, missing: ""}

    with pytest.raises(ConfigurationError, match=missing):
        Marketo("123-ABC-456", **credentials)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "where", [{"MARKETO_MUNCHKIN_ID": "123-ABC-456"}, {"MARKETO_BASE_URL": "https://123-abc-456.mktorest.com/rest"}]
)
def test_a_client_is_made_from_the_environment(where: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    given = Marketo.from_env({**where, **SECRET_ENVIRONMENT})
    for name, value in {**where, **SECRET_ENVIRONMENT}.items():
        monkeypatch.setenv(name, value)
    found = Marketo.from_env()

    assert given.base_url == found.base_url == "https://123-abc-456.mktorest.com"
    assert CLIENT_SECRET not in repr(given)


def test_the_environment_s_gaps_are_all_named_and_its_secrets_are_not() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Marketo.from_env({"MARKETO_CLIENT_SECRET": CLIENT_SECRET})

    assert "MARKETO_BASE_URL" in str(caught.value)
    assert "MARKETO_MUNCHKIN_ID" in str(caught.value)
    assert "MARKETO_CLIENT_ID" in str(caught.value)
    assert "MARKETO_CLIENT_SECRET" not in str(caught.value)
    assert CLIENT_SECRET not in str(caught.value)


async def test_calls_need_an_open_client(client: Client) -> None:
    marketo = client(ORIGIN)

    with pytest.raises(ConfigurationError, match="async with"):
        await marketo.leads.get(1)
    with pytest.raises(ConfigurationError, match="async with"):
        await marketo.leads.by_filter("id", [1]).first()
    with pytest.raises(ConfigurationError, match="async with"):
        await marketo.with_options(timeout=1).leads.get(1)


async def test_a_client_is_opened_once_at_a_time_and_again_after_it_was_closed(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1})) as server:
        marketo = client(server.origin)
        async with marketo:
            with pytest.raises(ConfigurationError, match="open already"):
                await marketo.__aenter__()
            assert await marketo.leads.get(1) == {"id": 1}
        with pytest.raises(ConfigurationError):
            await marketo.leads.get(1)
        async with marketo:
            assert await marketo.leads.get(1) == {"id": 1}
        await marketo.close()

    assert len(server.identity_calls) == 2


def test_a_client_and_its_governor_serve_one_event_loop_after_the_other(client: Client) -> None:
    governor = Governor(Limits(calls=3, per=1000))
    marketo = client(ORIGIN, governor=governor)

    async def main() -> object:
        async with ScriptedServer(ok({"id": 1})) as server:
            marketo.base_url = server.origin
            async with marketo:
                return await marketo.leads.get(1)

    assert asyncio.run(main()) == asyncio.run(main()) == {"id": 1}
    assert governor.snapshot().window_used == 2


async def test_nothing_is_left_open_behind_a_client(client: Client) -> None:
    async with ScriptedServer(ok()) as server:
        async with client(server.origin) as marketo:
            await asyncio.gather(*(marketo.leads.get(n) for n in range(5)))
            session = marketo.session
        tasks = {task for task in asyncio.all_tasks() if "marketo_async" in repr(task.get_coro())}

        assert session._transport.http.closed
        assert tasks == set()


async def test_a_client_closes_even_if_its_closing_is_cancelled(client: Client) -> None:
    async with ScriptedServer() as server, client(server.origin) as marketo:

        async def never(*_: object) -> None:
            await asyncio.Event().wait()

        server.script = [never]
        session = marketo.session
        abandoned = asyncio.create_task(marketo.leads.get(1))
        await server.arrivals(1)
        abandoned.cancel()
        closing = asyncio.create_task(marketo.close(grace=30))
        await asyncio.sleep(0)
        closing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await closing

        assert session._transport.http.closed


async def test_a_sibling_shares_session_governor_and_token_but_not_options(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin) as marketo:
        sibling = marketo.with_options(timeout=5).with_options(priority=Priority.BULK)
        await marketo.leads.get(1)
        await sibling.leads.get(1)

        assert sibling.session is marketo.session
        assert sibling.governor is marketo.governor
        assert len(server.identity_calls) == 1
        assert (sibling._options.timeout, sibling._options.priority) == (5, Priority.BULK)
        assert (marketo._options.timeout, marketo._options.priority) == (None, None)


async def test_a_sibling_shares_the_descriptions_and_the_keys_under_way() -> None:
    records = [{"email": f"lead{number}@example.com", "firstName": "Ann"} for number in range(5)]
    async with Sandbox(leads=10, latency=(0.05, 0.0), limits=GENEROUS) as sandbox, client_of(sandbox) as marketo:
        clients = (marketo, marketo.with_options(timeout=30), marketo.with_options(priority=Priority.BULK))
        await asyncio.gather(*(each.leads.sync(records, check=True).all() for each in clients))

        calls = sandbox.stats.by_operation
        assert calls == {"GET /rest/v1/leads/describe2.json": 1, "POST /rest/v1/leads.json": len(clients)}
        assert sandbox.stats.max_in_flight == 1, "the same keys are never in two calls at once"


async def test_a_sibling_made_early_works_once_the_client_is_open(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1})) as server:
        marketo = client(server.origin)
        sibling = marketo.with_options(timeout=5)
        with pytest.raises(ConfigurationError, match="sibling"):
            await sibling.__aenter__()
        async with marketo:
            assert await sibling.leads.get(1) == {"id": 1}


async def test_a_sibling_does_not_close_what_is_not_its_own(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin) as marketo:
        sibling = marketo.with_options(timeout=5)
        with suppress(ConfigurationError):  # refusing is as good as ignoring
            await sibling.close()

        assert await marketo.leads.get(1) == {"id": 1}


async def test_a_sibling_s_retry_policy_is_its_own(client: Client) -> None:
    async with ScriptedServer(refused("608")) as server, client(server.origin) as marketo:
        with pytest.raises(ApiError):
            await marketo.with_options(retry=RetryPolicy(attempts=1)).leads.get(1)
        assert len(server.calls) == 1
        with pytest.raises(ApiError):
            await marketo.leads.get(1)
        assert len(server.calls) == 5


async def test_clients_of_one_instance_share_a_governor(client: Client) -> None:
    governor = Governor()
    async with (
        ScriptedServer(ok()) as server,
        client(server.origin, governor=governor) as one,
        client(server.origin, governor=governor) as other,
    ):
        await asyncio.gather(one.leads.get(1), other.leads.get(2))

    assert governor.snapshot().granted == 2
    assert governor.snapshot().window_used == 2


async def test_a_connector_of_the_caller_s_own_is_used_and_closed(client: Client) -> None:
    made: list[aiohttp.BaseConnector] = []

    def connector() -> aiohttp.BaseConnector:
        made.append(aiohttp.TCPConnector(limit=3))
        return made[-1]

    async with ScriptedServer(ok()) as server, client(server.origin, connector=connector) as marketo:
        await marketo.leads.get(1)

    assert len(made) == 1
    assert made[0].closed


async def test_the_proxy_of_the_environment_is_used_where_that_was_asked_for(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with ScriptedServer(ok({"id": 1})) as proxy:
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.origin)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        async with client(ORIGIN, trust_env=True) as marketo:
            assert await marketo.leads.get(1) == {"id": 1}

        (sent,) = proxy.calls
        assert sent.target == ORIGIN + "/rest/v1/lead/1.json"


@pytest.mark.parametrize("entry", ["machine 127.0.0.1", "default"])
async def test_passwords_of_a_netrc_file_have_no_part_in_it(
    entry: str, client: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """aiohttp, trusting the environment, would send them along with the credentials, and refuse our token."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"{entry} login somebody password of-something-else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("NO_PROXY", "*")
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin, trust_env=True) as marketo:
        assert await marketo.leads.get(1) == {"id": 1}

        assert "authorization" not in server.identity_calls[0].headers
        assert server.calls[0].headers["authorization"].startswith("Bearer ")


class Campaign(Struct):
    id: int


async def test_the_raw_way_returns_the_whole_answer_decoded_as_asked(client: Client) -> None:
    answer = envelope(success=True, result=[{"id": 1}], nextPageToken="AB==", moreResult=True)
    async with ScriptedServer(answer) as server, client(server.origin) as marketo:
        found = await marketo.call(
            "GET", "/rest/v1/campaigns.json", query={"id": [1, 2], "name": None}, decode=list[Campaign]
        )

        assert found == Envelope(
            success=True, request_id="1a2b#3c", result=[Campaign(1)], next_page_token="AB==", more_result=True
        )
        (sent,) = server.calls
        assert (sent.method, sent.target) == ("GET", "/rest/v1/campaigns.json?id=1,2")


async def test_the_raw_way_sends_json_and_forms(client: Client) -> None:
    async with ScriptedServer(done()) as server, client(server.origin) as marketo:
        await marketo.call("POST", "/rest/v1/companies.json", json={"input": []})
        await marketo.call("POST", "/rest/asset/v1/folders.json", form={"name": "A & B"})

        assert [(sent.headers["content-type"], sent.body) for sent in server.calls] == [
            ("application/json", b'{"input":[]}'),
            ("application/x-www-form-urlencoded", b"name=A%20%26%20B"),
        ]


@pytest.mark.parametrize(("idempotent", "sends"), [(False, 1), (True, 2)])
async def test_a_raw_write_is_repeated_only_where_the_caller_says_that_is_safe(
    *, idempotent: bool, sends: int, client: Client
) -> None:
    async with ScriptedServer(reset, done()) as server, client(server.origin) as marketo:
        outcome: Any = None
        try:
            await marketo.call("POST", "/rest/v1/companies.json", json={}, idempotent=idempotent)
        except OutcomeUnknown as error:
            outcome = error

        assert len(server.calls) == sends
        assert (outcome is None) is idempotent
        if outcome is not None:
            assert "POST /rest/v1/companies.json" in str(outcome)


async def test_a_raw_read_follows_the_8_kb_rule(client: Client) -> None:
    async with ScriptedServer(done()) as server, client(server.origin) as marketo:
        await marketo.call("GET", "/rest/v1/campaigns.json", query={"name": "x" * 9000})

        assert server.calls[0].target == "/rest/v1/campaigns.json?_method=GET"


@pytest.mark.parametrize(
    "path",
    [
        "rest/v1/leads.json",
        "",
        "//evil.example/rest",
        "/rest//v1/leads.json",
        "/rest/v1/leads.json?a=b",
        "/rest/v1/lead#x/1.json",
        "/rest/v1/../../identity/oauth/token",
        "/rest/v1/./leads.json",
        "/rest/v1/a b.json",
        "/rest/v1/ä.json",
        "/rest/v1/x HTTP/1.1\r\nX-Evil: 1",
        "/rest/v1/x\ty",
        "/rest/v1/x\\y",
    ],
)
async def test_raw_paths_that_would_be_other_paths_are_refused(path: str, client: Client) -> None:
    async with ScriptedServer(done()) as server, client(server.origin) as marketo:
        with pytest.raises(InvalidRequest):
            await marketo.call("GET", path)

        assert server.connections == 0


@pytest.mark.parametrize("path", ["/rest/v1/type/a%2Fb.json", "/rest/v1/x-1_2~3.json", "/rest/v1/{{my}}.json"])
async def test_raw_paths_go_out_as_they_are(path: str, client: Client) -> None:
    async with ScriptedServer(done()) as server, client(server.origin) as marketo:
        await marketo.call("GET", path)

        assert server.calls[0].target == path


async def test_calibrating_tells_the_governor_what_everybody_called(mocked: MockedMarketo, client: Client) -> None:
    mocked.script = [ok({"date": "2024-01-02", "total": 4321, "users": [{"userId": "a@x.io", "count": 4321}]})]
    async with client(ORIGIN) as marketo:
        usage = await marketo.calibrate()
        seen = marketo.governor.snapshot()

    assert usage.total == 4321
    assert seen.used_today == 4321
    assert seen.left_today == 50_000 - 4321


async def test_calibrating_on_a_day_without_calls(mocked: MockedMarketo, client: Client) -> None:
    mocked.script = [ok()]
    async with client(ORIGIN) as marketo:
        assert (await marketo.calibrate()).total == 0
        assert marketo.governor.snapshot().used_today == 1


async def test_the_package_logs_only_under_its_own_name(
    mocked: MockedMarketo, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    mocked.script = [refused("606"), Answer(b"<html>", 502), ok()]
    async with client(ORIGIN) as marketo:
        await marketo.leads.get(1)

    names = {record.name for record in caplog.records} - {"asyncio"}
    assert names == {"marketo_async.session"}
