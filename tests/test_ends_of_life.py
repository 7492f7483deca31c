"""The ends of calls, clients and tokens: what is given up, what is shared, and what a caller hears at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any
from unittest.mock import AsyncMock

import aiohttp
import pytest

from marketo_async import CallRecord, Governor, Limits, Marketo, Priority, RetryPolicy, operations
from marketo_async.call import Options
from marketo_async.errors import (
    AuthenticationError,
    CallTimeout,
    ConfigurationError,
    DailyQuotaExceeded,
    MarketoError,
    OutcomeUnknown,
    TransportError,
)
from marketo_async.operation import Plan
from tests.conftest import Client
from tests.governor.test_store_client import Store
from tests.wire import (
    CLIENT_ID,
    CLIENT_SECRET,
    ORIGIN,
    TOKEN,
    Answer,
    MockedMarketo,
    ScriptedServer,
    Sent,
    after,
    grant,
    ok,
    refused,
)

LEAD = operations()["leads.get"].timeout
FILE = operations()["bulk.leads.file"]
NOON = 1_780_333_200.0  # 2026-06-01 in America/Chicago


def of(governor: Governor, retry: RetryPolicy | None = None) -> Marketo:
    return Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, governor=governor, retry=retry)


def now() -> float:
    return asyncio.get_running_loop().time()


class Slowly(MockedMarketo):
    """Marketo that answers identity calls late, or never."""

    identity_latency = 0.0

    async def _answer(self, method, url, **given):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        if url.path.endswith("/oauth/token"):
            await asyncio.sleep(self.identity_latency)
        return await super()._answer(method, url, **given)


# -- what is given up stays taken --------------------------------------------------------------------------------------


@pytest.mark.looptime
async def test_a_client_that_closes_leaves_its_calls_their_slots_until_marketo_has_ended_them(
    mocked: MockedMarketo,
) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.latency = 20.0
    governor = Governor(Limits(concurrency=2))
    async with of(governor) as marketo:
        calls = [asyncio.create_task(marketo.leads.get(n)) for n in (1, 2)]
        await asyncio.sleep(1)
        await marketo.close(grace=3)
        closed = now()
        assert closed == pytest.approx(4, abs=0.1), "nothing waits for what was given up"
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, TransportError) for result in results)
    assert governor.snapshot().in_flight == 2
    mocked.latency = 0.0
    async with of(governor) as marketo:
        await marketo.leads.get(3)
    assert mocked.calls[-1].at == pytest.approx(closed + LEAD, abs=0.1)
    assert (governor.snapshot().in_flight, governor.snapshot().window_used) == (0, 3)


class Memory:
    """A file in memory, as far as its length."""

    held = 0

    def restart(self) -> None:
        self.held = 0

    def write(self, chunk: bytes) -> None:
        self.held += len(chunk)


def download(marketo: Marketo) -> Awaitable[None]:
    plan: Plan[bytes] = Plan(answer=bytes, unwrap=lambda _: b"", path={"exportId": "a"})
    return marketo.session.stream(FILE, plan, Memory(), Options(retry=RetryPolicy(attempts=1)))


@pytest.mark.parametrize("began", [False, True], ids=["before the answer", "inside the answer"])
async def test_a_download_that_is_cancelled_keeps_its_slot(began: bool, client: Client) -> None:  # noqa: FBT001
    never = asyncio.Event()

    async def half(_: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nid,email\n")
        await never.wait()

    governor = Governor(Limits(concurrency=1))
    async with ScriptedServer() as server, client(server.origin, governor=governor) as marketo:
        server.script = [half if began else after(never, ok())]
        task = asyncio.ensure_future(download(marketo))
        await server.arrivals(1)
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        await asyncio.sleep(0)
        assert task.cancelled()
        assert governor.snapshot().in_flight == 1


@pytest.mark.looptime
async def test_a_download_that_falls_silent_keeps_its_slot_until_its_server_ends_it(mocked: MockedMarketo) -> None:
    mocked.script = [aiohttp.SocketTimeoutError("silent"), ok({"id": 1})]
    governor = Governor(Limits(concurrency=1))
    async with of(governor) as marketo:
        with pytest.raises(TransportError):
            await download(marketo)
        gave_up = now()
        await marketo.leads.get(1)
        assert now() - gave_up == pytest.approx(FILE.timeout, abs=0.1)


@pytest.mark.looptime
async def test_an_exchange_cancelled_before_it_began_gives_everything_back(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok({"id": 1})]
    async with patient as marketo:
        await marketo.leads.get(1)
        call = asyncio.create_task(marketo.leads.get(2))
        await asyncio.sleep(0)
        for exchange in marketo.session._under_way:
            exchange.cancel()
        with pytest.raises(TransportError):
            await call
        seen = marketo.governor.snapshot()
    assert (seen.in_flight, seen.window_used, len(mocked.calls)) == (0, 1, 1)


def test_a_loop_that_ends_with_calls_under_way_leaves_them_their_slots() -> None:
    governor = Governor(Limits(concurrency=2))

    async def use(marketo: Marketo) -> None:
        async with marketo:
            await asyncio.gather(*(marketo.leads.get(n) for n in (1, 2)))

    async def interrupted() -> None:
        async with ScriptedServer(after(asyncio.Event(), ok())) as server:
            marketo = Marketo(server.origin, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, governor=governor)
            task = asyncio.create_task(use(marketo))
            await server.arrivals(2)
            for ended in (task, *marketo.session._under_way):  # what asyncio.run does to all tasks
                ended.cancel()
            await asyncio.wait([task])

    asyncio.run(interrupted())

    async def next_one() -> int:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(governor.acquire(), 0.05)
        return governor.snapshot().in_flight

    assert asyncio.run(next_one()) == 2


# -- closing ends all waiting at once ----------------------------------------------------------------------------------


def in_the_queue(mocked: Slowly) -> Governor:
    mocked.latency = 1000.0
    return Governor(Limits(concurrency=1))


def for_the_window(mocked: Slowly) -> Governor:
    return Governor(Limits(calls=1, per=1000.0))


def for_midnight(mocked: Slowly) -> Governor:
    return Governor(Limits(daily=1), on_quota="wait", clock=lambda: NOON + now())


def for_the_smoother(mocked: Slowly) -> Governor:
    return Governor(Limits(calls=1, per=1000.0, burst=1))


def for_a_token(mocked: Slowly) -> Governor:
    mocked.identity_latency = 1000.0
    return Governor()


def for_the_next_try(mocked: Slowly) -> Governor:
    mocked.script = [refused("608")]
    return Governor()


def after_a_606(mocked: Slowly) -> Governor:
    mocked.script = [refused("606")]
    return Governor(Limits(per=100_000.0))


WAITS = [in_the_queue, for_the_window, for_midnight, for_the_smoother, for_a_token, for_the_next_try, after_a_606]


@pytest.mark.looptime
@pytest.mark.parametrize("prepared", WAITS, ids=lambda wait: wait.__name__)
async def test_closing_ends_the_waiting_of_its_own_calls_at_once(prepared: Callable[[Slowly], Governor]) -> None:
    with Slowly() as mocked:
        mocked.script = [ok({"id": 1})]
        governor = prepared(mocked)
        async with of(governor, RetryPolicy(attempts=1000, base=100.0, cap=1e9, budget=1e9)) as marketo:
            calls = [asyncio.create_task(marketo.leads.get(n)) for n in range(5)]
            describing = [asyncio.create_task(marketo.leads.submit_form(1, {"email": "a@x.io"})) for _ in range(2)]
            await asyncio.sleep(10)
            closing = asyncio.create_task(marketo.close(grace=50))
            began = now()
            waiting = [call for call in (*calls[1:], *describing) if not call.done()]
            assert len(waiting) >= 5
            done, _ = await asyncio.wait(waiting, timeout=40)
            assert done == set(waiting)
            assert now() == began
            assert {type(call.exception()) for call in waiting} == {ConfigurationError}
            await closing
        assert governor.snapshot().waiting == 0
        await asyncio.gather(*calls, return_exceptions=True)


@pytest.mark.looptime
async def test_closing_one_client_leaves_the_waiting_of_another_alone(mocked: MockedMarketo) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.latency = 5.0
    governor = Governor(Limits(concurrency=1))
    async with of(governor) as one, of(governor) as other:
        calls = [asyncio.create_task(client.leads.get(1)) for client in (other, one, other)]
        await asyncio.sleep(1)
        await one.close()
        first, second, third = await asyncio.gather(*calls, return_exceptions=True)
    assert first == third == {"id": 1}
    assert isinstance(second, ConfigurationError)


@pytest.mark.looptime
async def test_closing_lets_go_of_the_store_though_calls_were_waiting(mocked: MockedMarketo) -> None:
    mocked.script = [ok({"id": 1})]
    store = Store()
    async with of(Governor(Limits(calls=1), store=store)) as marketo:
        await marketo.leads.get(1)
        calls = [asyncio.create_task(marketo.leads.get(n)) for n in range(300)]
        await asyncio.sleep(1)
        began = now()
        await marketo.close()
        assert now() - began < 0.1
        assert store.closed == 1
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert {type(result) for result in results} == {ConfigurationError}


@pytest.mark.looptime
@pytest.mark.parametrize("first", ["the grant", "the close"])
async def test_a_grant_that_meets_the_close_is_given_back(first: str, mocked: MockedMarketo) -> None:
    mocked.script = [ok({"id": 1})]
    governor = Governor(Limits(concurrency=1))
    async with of(governor) as marketo:
        await marketo.leads.get(1)
        held = await governor.acquire()
        call = asyncio.create_task(marketo.leads.get(2))
        await asyncio.sleep(1)
        if first == "the grant":
            asyncio.get_running_loop().call_soon(held.release)
        closing = asyncio.create_task(marketo.close())
        if first == "the close":
            asyncio.get_running_loop().call_soon(held.release)
        await closing
        with pytest.raises(ConfigurationError):
            await call
    assert (len(mocked.calls), governor.snapshot().in_flight, governor.snapshot().granted) == (1, 0, 2)


class DiskFull(Exception):
    """What a sink can't help raising."""


@pytest.mark.looptime
async def test_a_sink_that_fails_leaves_the_call_its_slot(mocked: MockedMarketo) -> None:
    class Full(Memory):
        def write(self, chunk: bytes) -> None:
            raise DiskFull

    mocked.script = [Answer(b"id,email\n")]
    governor = Governor(Limits(concurrency=1))
    async with of(governor) as marketo:
        plan: Plan[bytes] = Plan(answer=bytes, unwrap=lambda _: b"", path={"exportId": "a"})
        with pytest.raises(DiskFull):
            await marketo.session.stream(FILE, plan, Full(), Options())
        assert governor.snapshot().in_flight == 1
        await asyncio.sleep(FILE.timeout + 1)
        assert governor.snapshot().in_flight == 0


@pytest.mark.looptime
async def test_a_lost_write_that_waits_for_its_next_try_is_unknown_when_the_client_closes(
    mocked: MockedMarketo,
) -> None:
    mocked.script = [ConnectionResetError()]
    async with of(Governor(), RetryPolicy(base=1000.0, cap=1000.0)) as marketo:
        write = asyncio.create_task(marketo.custom_object_types.approve("car_c"))
        await asyncio.sleep(0.001)
        await marketo.close()
        with pytest.raises(OutcomeUnknown):
            await write


# -- the token before the permit ---------------------------------------------------------------------------------------


@pytest.mark.looptime
async def test_an_identity_outage_of_one_client_stops_no_other() -> None:
    with Slowly() as mocked:
        mocked.script = [ok({"id": 1})]
        governor = Governor(Limits(concurrency=2))
        async with of(governor) as healthy, of(governor) as ill:
            await healthy.leads.get(1)
            mocked.identity_latency = 1000.0
            stuck = [asyncio.create_task(ill.leads.get(n)) for n in range(20)]
            await asyncio.sleep(1)
            assert governor.snapshot().in_flight == 0
            began = now()
            await healthy.leads.get(2)
            assert now() == began
            for call in stuck:
                call.cancel()
            await asyncio.wait(stuck)


OUTAGES: dict[str, tuple[Answer | BaseException, type[MarketoError], int]] = {
    "a wrong secret": (Answer(b'{"error":"unauthorized"}', 401), AuthenticationError, 1),
    "an outage": (Answer(b"oops", 503), TransportError, RetryPolicy().attempts),
    "no connection": (ConnectionResetError(), TransportError, RetryPolicy().attempts),
}


@pytest.mark.looptime
@pytest.mark.parametrize(("answer", "kind", "times"), OUTAGES.values(), ids=OUTAGES)
async def test_one_failure_of_the_identity_endpoint_reaches_all_who_wait(
    answer: Answer | BaseException, kind: type[MarketoError], times: int, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.grants = [answer]
    async with patient as marketo:
        results = await asyncio.gather(*(marketo.leads.get(n) for n in range(1000)), return_exceptions=True)
        assert {type(result) for result in results} == {kind}
        assert len(mocked.identity_calls) == times
        seen = marketo.governor.snapshot()
    assert (seen.window_used, seen.used_today, mocked.calls) == (0, 0, [])


@pytest.mark.looptime
async def test_a_token_that_dies_in_the_queue_costs_nothing_and_its_call_keeps_its_age() -> None:
    with Slowly() as mocked:
        mocked.script = [ok({"id": 1})]
        mocked.latency, mocked.identity_latency = 10.0, 0.05
        mocked.grants = [grant(f"token-{n}", expires_in=15) for n in range(50)]
        governor = Governor(Limits(concurrency=1))
        async with of(governor) as marketo:
            calls = []
            for number in range(6):
                calls.append(asyncio.create_task(marketo.leads.get(number)))
                await asyncio.sleep(0.1)
            await asyncio.gather(*calls)
            seen = governor.snapshot()
    assert [sent.path.rpartition("/")[2] for sent in mocked.calls] == [f"{number}.json" for number in range(6)]
    tokens = [sent.headers["authorization"] for sent in mocked.calls]
    assert tokens == sorted(tokens)
    assert len(set(tokens)) >= 3, "it did die in the queue"
    assert (seen.granted, seen.used_today) == (6, 6)
    assert len(mocked.identity_calls) <= 5


@pytest.mark.looptime
async def test_a_token_that_one_call_was_refused_with_is_sent_by_nobody_else(mocked: MockedMarketo) -> None:
    mocked.script = [refused("602"), ok({"id": 1})]
    mocked.latency = 1.0
    mocked.grants = [grant("first"), grant("second")]
    async with of(Governor(Limits(concurrency=1))) as marketo:
        await asyncio.gather(*(marketo.leads.get(n) for n in range(10)))
    tokens = [sent.headers["authorization"].removeprefix("Bearer ") for sent in mocked.calls]
    assert tokens == ["first"] + ["second"] * 10


@pytest.mark.parametrize("granted", [True, False], ids=["a token", "none"])
async def test_a_crowd_that_waits_for_a_token_leaves_the_loop_its_turns(granted: bool, client: Client) -> None:  # noqa: FBT001
    """Ended in one turn of the loop, 100,000 calls would hold it for seconds."""
    go = asyncio.Event()
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin, governor=Governor()) as marketo:
        server.grants = [after(go, grant() if granted else Answer(b'{"error":"unauthorized"}', 401))]
        session = marketo.session
        woken = most = before = 0

        async def wait() -> None:
            nonlocal woken
            with suppress(AuthenticationError):
                await session._tokens.get()
            woken += 1

        tasks = [asyncio.create_task(wait()) for _ in range(5000)]
        await asyncio.sleep(0)
        go.set()
        while woken < 5000:
            await asyncio.sleep(0)
            most, before = max(most, woken - before), woken
        await asyncio.gather(*tasks)
    assert most <= 500


@pytest.mark.looptime
async def test_closing_a_client_of_many_waiting_calls_leaves_the_loop_its_turns(mocked: MockedMarketo) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.latency = 10.0
    async with of(Governor(Limits(concurrency=1))) as marketo:
        await asyncio.gather(marketo.leads.get(1))
        calls = [asyncio.create_task(marketo.leads.get(n)) for n in range(3000)]
        await asyncio.sleep(1)
        ended = most = before = 0
        for call in calls:

            def count(_: asyncio.Task[object]) -> None:
                nonlocal ended
                ended += 1

            call.add_done_callback(count)
        closing = asyncio.create_task(marketo.close(grace=0.5))
        while ended < 2999:
            await asyncio.sleep(0)
            most, before = max(most, ended - before), ended
        await closing
        await asyncio.gather(*calls, return_exceptions=True)
    assert most <= 300


async def test_asyncio_s_debug_log_shows_no_token_and_no_secret(
    client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    loop.slow_callback_duration = -1.0  # every callback is shown
    seen = []
    async with ScriptedServer(ok({"id": 1}), refused("602"), ok({"id": 1})) as server:
        server.grants = [grant(), grant(TOKEN + "-again")]
        async with client(server.origin) as marketo:
            for _ in range(2):
                await asyncio.gather(*(marketo.leads.get(n) for n in range(3)))
                seen += [repr(task) for task in asyncio.all_tasks()]
    loop.set_debug(False)
    told = [record.getMessage() for record in caplog.records]
    text = "\n".join(message for message in told if "wire.py" not in message)  # which is the server's own
    assert "Executing" in text
    assert TOKEN not in text
    assert CLIENT_SECRET not in text
    assert TOKEN not in "\n".join(seen)


# -- refusals and repeats ----------------------------------------------------------------------------------------------


@pytest.mark.looptime
@pytest.mark.parametrize("code", ["606", "607", "615"])
async def test_nothing_leaves_between_a_refusal_and_the_governor_s_hearing_of_it(
    code: str, mocked: MockedMarketo
) -> None:
    mocked.script = [refused(code), ok({"id": 1})]
    mocked.latency = 1.0
    limits = Limits(concurrency=2) if code == "615" else Limits(concurrency=1)
    governor = Governor(limits, clock=lambda: NOON + now())
    async with of(governor) as marketo:
        if code == "615":
            mocked.script = [ok({"id": 1}), refused(code), ok({"id": 1})]
        calls = [asyncio.create_task(marketo.leads.get(n)) for n in range(5)]
        await asyncio.wait(calls)
    if code == "606":
        assert mocked.calls[1].at - mocked.calls[0].at > 1.4, "everybody pauses for half a second at least"
    elif code == "607":
        assert len(mocked.calls) == 1
        assert {type(call.exception()) for call in calls} == {DailyQuotaExceeded}
    else:
        assert [sent.at < 1.5 for sent in mocked.calls] == [True] * 3 + [False] * 3, "one slot of two is left"


class RefusingOnce(MockedMarketo):
    """Marketo that refuses every call the first time, where it is told to."""

    def __init__(self, *, refuses: bool) -> None:
        super().__init__()
        self.refuses = refuses
        self.seen: set[str] = set()

    async def _answer(self, method, url, **given):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN003, ANN202
        self.script = [ok({"id": 1, "name": "x"})]
        result = await super()._answer(method, url, **given)
        if self.refuses and url.path.startswith("/rest/v1/lead/") and url.path not in self.seen:
            result.body = refused("608").body
        self.seen.add(url.path)
        return result


@pytest.mark.looptime
@pytest.mark.parametrize("width", [1, 2, 5])
async def test_repeats_go_in_the_order_in_which_the_calls_came(width: int) -> None:
    """Last in, first out would let the first call wait for all others."""
    with RefusingOnce(refuses=True) as mocked:
        mocked.latency = 1.0
        async with of(Governor(Limits(concurrency=width)), RetryPolicy(base=0.0)) as marketo:
            await asyncio.gather(*(marketo.leads.get(number) for number in range(1, 16)))
    paths = [sent.path for sent in mocked.calls]
    repeats = [path for at, path in enumerate(paths) if path in paths[:at]]
    in_order = [f"/rest/v1/lead/{number}.json" for number in range(1, 16)]
    assert repeats[:-width] == in_order[:-width]  # for the last ones there are slots enough, and no queue
    assert sorted(repeats) == sorted(in_order)


async def bulk_calls_beside_a_flood(*, refuses: bool) -> int:
    with RefusingOnce(refuses=refuses) as mocked:
        mocked.latency = 0.1
        async with of(Governor(Limits(calls=100_000, concurrency=1)), RetryPolicy(base=0.0)) as marketo:
            bulk = marketo.with_options(priority=Priority.BULK)
            urgent = marketo.with_options(priority=Priority.INTERACTIVE)

            async def flood() -> None:
                while True:
                    await urgent.lists.get(1)

            tasks: list[asyncio.Task[object]] = [asyncio.create_task(flood()) for _ in range(3)]
            tasks += [asyncio.create_task(bulk.leads.get(number)) for number in range(1, 200)]
            await asyncio.sleep(66)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        return sum("/lead/" in sent.path for sent in mocked.calls)


@pytest.mark.slow
@pytest.mark.looptime
async def test_a_queue_whose_calls_are_repeated_keeps_its_turns() -> None:
    """A repeat with a new age would hide how long the queue behind it has waited, and lose the turns of the oldest."""
    plain = await bulk_calls_beside_a_flood(refuses=False)
    assert plain > 50
    assert await bulk_calls_beside_a_flood(refuses=True) == pytest.approx(plain, abs=3)


# -- time-outs and hooks -----------------------------------------------------------------------------------------------


async def submit_in_time(marketo: Marketo) -> object:
    return await marketo.leads.submit_form(7, {"email": "a@x.io"})


BOUND: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "a read": lambda marketo: marketo.leads.get(1),
    "a write": submit_in_time,
    "a listing": lambda marketo: marketo.lists.browse().all(),
    "a checked write": lambda marketo: marketo.leads.sync([{"email": "a@x.io"}], check=True).all(),
    "a write whose key is described": lambda marketo: marketo.custom_objects.sync("car_c", [{"vin": "1"}]).all(),
}


@pytest.mark.looptime
@pytest.mark.parametrize("call", BOUND.values(), ids=BOUND)
async def test_a_time_out_covers_whatever_a_call_waits_for(
    call: Callable[[Marketo], Awaitable[object]], mocked: MockedMarketo
) -> None:
    """The same call of somebody else without a time-out is under way, and gets nowhere."""
    mocked.script = [refused("608")]
    mocked.latency = 20.0
    async with of(Governor()) as marketo:
        first: asyncio.Future[object] = asyncio.ensure_future(call(marketo))
        await asyncio.sleep(1)
        began = now()
        with pytest.raises((CallTimeout, OutcomeUnknown)):
            await call(marketo.with_options(timeout=5))
        assert now() - began == pytest.approx(5, abs=0.1)
        first.cancel()
        await asyncio.wait([first])


class Fatal(BaseException):
    """What ends more than one call, if it is let."""


@pytest.mark.parametrize("raised", [asyncio.CancelledError, GeneratorExit, Fatal, ValueError, StopIteration])
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
async def test_whatever_a_hook_raises_the_call_is_what_it_was(
    raised: type[BaseException],
    write: bool,  # noqa: FBT001
    mocked: MockedMarketo,
    client: Client,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def hook(_: CallRecord) -> None:
        raise raised

    mocked.script = [ok({"id": 1, "status": "created"})]
    async with client(ORIGIN, governor=Governor(on_call=hook)) as marketo:
        if write:
            await submit_in_time(marketo)
        else:
            assert await marketo.leads.get(1)
    assert "the on_call hook failed" in caplog.text
    assert len(mocked.calls) == 1


async def hook_that_nobody_awaits(record: CallRecord) -> None:
    raise AssertionError(record)


class AsyncHook:
    async def __call__(self, record: CallRecord) -> None:
        raise AssertionError(record)

    async def method(self, record: CallRecord) -> None:
        raise AssertionError(record)


ASYNC_HOOKS = {
    "function": hook_that_nobody_awaits,
    "object": AsyncHook(),
    "method": AsyncHook().method,
    "partial": partial(hook_that_nobody_awaits),
    "mock": AsyncMock(),
}


@pytest.mark.parametrize("hook", ASYNC_HOOKS.values(), ids=ASYNC_HOOKS)
def test_an_async_hook_is_refused(hook: Callable[[CallRecord], None]) -> None:
    with pytest.raises(ConfigurationError, match="on_call"):
        Governor(on_call=hook)


async def test_a_hook_that_turns_out_to_be_async_is_logged(
    mocked: MockedMarketo, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    mocked.script = [ok({"id": 1})]
    hook: Any = lambda record: hook_that_nobody_awaits(record)  # noqa: E731, PLW0108 - which hides what it is
    async with client(ORIGIN, governor=Governor(on_call=hook)) as marketo:
        await marketo.leads.get(1)
    assert "async" in caplog.text


@pytest.mark.looptime
async def test_urgency_still_leads_among_calls_that_are_repeated(mocked: MockedMarketo) -> None:
    mocked.script = [refused("608"), ok({"id": 1})]
    mocked.latency = 1.0
    async with of(Governor(Limits(concurrency=1)), RetryPolicy(base=0.0)) as marketo:
        urgent = marketo.with_options(priority=Priority.INTERACTIVE)
        calls = [asyncio.create_task(marketo.leads.get(n)) for n in (1, 2)]
        await asyncio.sleep(0.5)
        calls.append(asyncio.create_task(urgent.leads.get(3)))
        await asyncio.gather(*calls)
    assert [sent.path.rpartition("/")[2] for sent in mocked.calls] == ["1.json", "3.json", "1.json", "2.json"]
