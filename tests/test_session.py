"""The way of a call: what is sent how often, what is told when it fails, and what stays behind."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from marketo_async import CallRecord, Governor, Limits, Marketo, Priority, RetryPolicy, operations
from marketo_async.codes import CODES, Action
from marketo_async.errors import (
    AccessDenied,
    ApiError,
    AuthenticationError,
    BadResponse,
    CallTimeout,
    ConfigurationError,
    Conflict,
    DailyQuotaExceeded,
    InvalidRequest,
    MarketoError,
    OutcomeUnknown,
    QuotaExceeded,
    RequestTooLarge,
    TransportError,
    Unavailable,
    UnexpectedShape,
)
from marketo_async.governor import Permit
from marketo_async.models.activities import NewActivity, NewActivityType, NewAttribute
from marketo_async.operation import Repeat
from marketo_async.writes import ResultList
from tests.conftest import Client
from tests.wire import (
    ORIGIN,
    Answer,
    MockedMarketo,
    Reply,
    ScriptedServer,
    Sent,
    after,
    done,
    grant,
    hang_up,
    ok,
    refused,
    reset,
    written,
)

TYPE = NewActivityType(
    api_name="demo",
    name="Demo",
    trigger_name="Saw demo",
    filter_name="Saw demo",
    primary_attribute=NewAttribute(api_name="what", name="What"),
)


def read(marketo: Marketo) -> Awaitable[object]:
    return marketo.leads.get(1)


def write_safe(marketo: Marketo) -> Awaitable[object]:
    return marketo.leads.associate(1, "cookie")


def write_settling(marketo: Marketo) -> Awaitable[object]:
    return marketo.custom_object_types.approve("car_c")


def write_once(marketo: Marketo) -> Awaitable[object]:
    return marketo.leads.submit_form(7, {"email": "a@x.io"})


CALLS: dict[Repeat, Callable[[Marketo], Awaitable[object]]] = {
    Repeat.SAFE: write_safe,
    Repeat.SETTLES: write_settling,
    Repeat.NEVER: write_once,
}

# What may have acted, and what certainly has not.
LOST: dict[str, Answer | BaseException] = {
    "HTML 502": Answer(b"<html>Bad Gateway</html>", 502),
    "text 503": Answer(b"Service Unavailable", 503),
    "JSON 503": Answer(b'"overloaded"', 503),
    "empty 500": Answer(b"", 500),
    "HTTP 408": Answer(b"Request Timeout", 408),
    "JSON 520": Answer(b"{}", 520),
    "HTML 200": Answer(b"<html>Login</html>"),
    "empty 200": Answer(b""),
    "truncated": Answer(b'{"requestId":"1#2","success":true,"result":[{"id":'),
    "not UTF-8": Answer(b'{"requestId":"1#2","success":true,"result":[{"name":"\xff"}]}'),
    "reset": ConnectionResetError("reset"),
    "hang-up": aiohttp.ServerDisconnectedError(),
    "cut": aiohttp.ClientPayloadError("cut"),
    "time-out": TimeoutError(),
    "604": refused("604"),
    "500 inside": refused("500"),
    "502 inside": refused("502"),
    "719": refused("719"),
}
ANSWERED = {"611": refused("611", "System error")}  # may have acted, but is Marketo's own answer
NOT_DONE: dict[str, Answer | BaseException] = {
    "606": refused("606"),
    "608": refused("608"),
    "614": refused("614"),
    "615": refused("615"),
    "713": refused("713"),
    "429": Answer(b"slow down", 429),
    "refused": aiohttp.ClientConnectorError(
        aiohttp.client_reqrep.ConnectionKey(
            "127.0.0.1", 1, is_ssl=False, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
        ),
        ConnectionRefusedError("refused"),
    ),
    "connect time-out": aiohttp.ConnectionTimeoutError("connect"),
}


@pytest.mark.looptime
@pytest.mark.parametrize(
    "trouble", [*LOST.values(), *ANSWERED.values(), *NOT_DONE.values()], ids=[*LOST, *ANSWERED, *NOT_DONE]
)
async def test_a_read_survives_whatever_may_pass(
    trouble: Answer | BaseException, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [trouble, ok({"id": 1})]
    async with patient as marketo:
        assert await marketo.leads.get(1) == {"id": 1}
        assert marketo.governor.snapshot().in_flight == 0

    assert len(mocked.calls) == 2


@pytest.mark.looptime
@pytest.mark.parametrize("lapsed", [[True, False, False], [False, True, False]], ids=["before", "at the wire"])
async def test_a_permit_that_has_lapsed_is_given_back_unsent_and_asked_for_anew(
    lapsed: list[bool], mocked: MockedMarketo, patient: Marketo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Permit, "lapsed", property(lambda _: lapsed.pop(0)))
    mocked.script = [ok({"id": 1, "status": "created"})]
    async with patient as marketo:
        await write_once(marketo)
        seen = marketo.governor.snapshot()

    assert (len(mocked.calls), lapsed) == (1, [])
    assert (seen.window_used, seen.in_flight, seen.used_today, seen.granted) == (1, 0, 1, 1)


@pytest.mark.looptime
@pytest.mark.parametrize("trouble", LOST.values(), ids=LOST)
async def test_a_write_that_must_not_repeat_is_sent_once_and_its_outcome_told_as_unknown(
    trouble: Answer | BaseException, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [trouble]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown, match=r"leads\.submit_form") as caught:
            await write_once(marketo)
        assert marketo.governor.snapshot().in_flight == 0

    assert len(mocked.calls) == 1
    assert isinstance(caught.value.__cause__, ApiError | TransportError)


ACTIVITY = NewActivity(lead_id=1, activity_date="2024-01-02T00:00:00Z", activity_type_id=9, primary_attribute_value="x")
ONCE: dict[str, Callable[[Marketo], Awaitable[object]]] = {
    "leads.submit_form": write_once,
    "campaigns.schedule": lambda marketo: marketo.campaigns.schedule(7),
}
ONCE_A_CHUNK: dict[str, Callable[[Marketo], Awaitable[ResultList[Any]]]] = {
    "leads.push": lambda marketo: marketo.leads.push([{"email": "a@x.io"}], "Program").all(),
    "leads.sync": lambda marketo: marketo.leads.sync([{"email": "a@x.io"}], action="createDuplicate").all(),
    "activities.add": lambda marketo: marketo.activities.add([ACTIVITY]).all(),
    "campaigns.request": lambda marketo: marketo.campaigns.request(7, [1]).all(),
}


@pytest.mark.looptime
@pytest.mark.parametrize("name", ONCE)
async def test_every_write_with_a_second_effect_is_sent_once(
    name: str, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ConnectionResetError()]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown, match=name):
            await ONCE[name](marketo)

    assert len(mocked.calls) == 1


@pytest.mark.looptime
@pytest.mark.parametrize("name", ONCE_A_CHUNK)
async def test_a_chunk_with_a_second_effect_is_sent_once_and_its_records_are_unknown(
    name: str, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ConnectionResetError()]
    async with patient as marketo:
        (result,) = await ONCE_A_CHUNK[name](marketo)

    assert (result.status, result.unknown, result.failed) == ("unknown", True, True)
    assert name in result.why[0].message
    assert len(mocked.calls) == 1


@pytest.mark.looptime
@pytest.mark.parametrize("trouble", NOT_DONE.values(), ids=NOT_DONE)
async def test_a_write_that_must_not_repeat_is_sent_again_where_it_certainly_did_not_act(
    trouble: Answer | BaseException, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [trouble, ok({"id": 1, "status": "created"})]
    async with patient as marketo:
        await write_once(marketo)

    assert len(mocked.calls) == 2


@pytest.mark.looptime
@pytest.mark.parametrize("trouble", LOST.values(), ids=LOST)
async def test_a_write_that_is_safe_to_repeat_is_repeated(
    trouble: Answer | BaseException, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [trouble, ok({"id": 1, "status": "updated"})]
    async with patient as marketo:
        (result,) = await marketo.leads.sync([{"email": "a@x.io"}])

    assert result.status == "updated"
    assert len(mocked.calls) == 2


@pytest.mark.looptime
async def test_a_lost_attempt_is_remembered_over_what_comes_after_it(mocked: MockedMarketo, patient: Marketo) -> None:
    """606 did not act, the answer after it was lost, and then the write must not go out a third time."""
    mocked.script = [refused("606"), refused("604"), ok({"id": 1})]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown):
            await write_once(marketo)

    assert len(mocked.calls) == 2


@pytest.mark.looptime
@pytest.mark.parametrize("repeat", Repeat, ids=lambda repeat: repeat.name)
async def test_every_code_is_sent_again_only_where_that_is_safe_and_never_more_often_than_the_policy_says(
    repeat: Repeat, mocked: MockedMarketo
) -> None:
    """Each code as the answer for ever: the property that the whole table has to keep."""
    policy = RetryPolicy(attempts=3, few=2, throttles=4)
    for code, row in CODES.items():
        number, _, meaning = code.partition(" ")
        mocked.calls.clear()
        mocked.grants = [grant(f"token-{n}") for n in range(20)]
        mocked.script = [refused(number, f"already {meaning}")]
        governor = Governor(Limits(calls=1000))
        async with Marketo(ORIGIN, client_id="i", client_secret="s", retry=policy, governor=governor) as marketo:
            with pytest.raises(MarketoError) as caught:
                await CALLS[repeat](marketo)

        sends = len(mocked.calls)
        if row.action is Action.RENEW:
            assert 2 <= sends <= 6, code
        elif row.action in {Action.PAUSE, Action.CROWDED}:
            assert sends == policy.throttles, code
        else:
            assert sends <= policy.attempts, code
        if row.acted and repeat is Repeat.NEVER:
            assert sends == 1, code
            assert isinstance(caught.value, OutcomeUnknown) is not row.answered, code
        if row.action is Action.RAISE:
            assert sends == 1, code
        if row.action in {Action.RETRY, Action.FEW} and not (row.acted and repeat is Repeat.NEVER):
            assert sends == (policy.attempts if row.action is Action.RETRY else policy.few), code
        assert governor.snapshot().in_flight == 0, code
        assert governor.snapshot().used_today == (sends if row.counted else 0), code


@pytest.mark.looptime
async def test_trouble_that_stays_is_told_with_its_own_error_after_all_attempts(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [Answer(b"<html>Bad Gateway</html>", 502)]
    async with patient as marketo:
        with pytest.raises(BadResponse, match=r"leads\.get.*502.*HTML"):
            await marketo.leads.get(1)

    assert len(mocked.calls) == RetryPolicy().attempts


@pytest.mark.looptime
async def test_delays_grow_and_are_scattered(mocked: MockedMarketo) -> None:
    mocked.script = [refused("608")]
    policy = RetryPolicy(attempts=8, base=1.0, cap=8.0)
    async with Marketo(ORIGIN, client_id="i", client_secret="s", retry=policy) as marketo:
        with pytest.raises(ApiError):
            await marketo.leads.get(1)

    waits = [later.at - earlier.at for earlier, later in zip(mocked.calls, mocked.calls[1:], strict=False)]
    assert all(0 <= wait <= min(8.0, 2.0**n) + 0.01 for n, wait in enumerate(waits))
    assert len(set(waits)) == 7


@pytest.mark.looptime
async def test_nothing_is_tried_again_after_the_budget(mocked: MockedMarketo) -> None:
    mocked.script = [refused("713")]
    mocked.latency = 30.0
    policy = RetryPolicy(attempts=1000, budget=100.0)
    async with Marketo(ORIGIN, client_id="i", client_secret="s", retry=policy) as marketo:
        with pytest.raises(ApiError):
            await marketo.leads.get(1)

    assert 3 <= len(mocked.calls) <= 5


@pytest.mark.looptime
async def test_every_attempt_passes_the_governor_and_only_charged_ones_count(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [refused("608"), refused("713"), ok()]
    async with patient as marketo:
        await marketo.leads.get(1)
        seen = marketo.governor.snapshot()

    assert seen.granted == 3
    assert seen.used_today == 2, "608 is not charged"


async def test_a_call_that_never_left_gives_its_place_back(client: Client) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        await marketo.leads.get(1)
        before = marketo.governor.snapshot()
        marketo.session.base_url = nobody
        with pytest.raises(TransportError, match="no connection") as caught:
            await write_once(marketo)
        now = marketo.governor.snapshot()

    assert not caught.value.sent
    assert (now.in_flight, now.window_used, now.used_today) == (0, before.window_used, before.used_today)


@pytest.mark.looptime
@pytest.mark.parametrize("repeat", Repeat, ids=lambda repeat: repeat.name)
async def test_a_system_error_that_was_answered_is_raised_with_its_code(
    repeat: Repeat, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [refused("611", "User is in use")]
    async with patient as marketo:
        with pytest.raises(Unavailable, match="User is in use") as caught:
            await CALLS[repeat](marketo)

    assert caught.value.code == "611"
    assert len(mocked.calls) == (1 if repeat is Repeat.NEVER else RetryPolicy().few)


@pytest.mark.looptime
@pytest.mark.parametrize("other", [ConnectionResetError(), refused("1003")], ids=["reset", "1003"])
async def test_a_system_error_beside_another_failure_leaves_the_outcome_unknown(
    other: Answer | BaseException, mocked: MockedMarketo, patient: Marketo
) -> None:
    """It may have acted, and what came after it does not say."""
    mocked.script = [refused("611"), other]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown):
            await write_safe(marketo)


@pytest.mark.looptime
async def test_done_already_after_a_lost_answer_is_an_unknown_outcome_where_something_is_returned(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ConnectionResetError(), refused("1017", "exists")]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown, match="1017"):
            await marketo.custom_activity_types.create(TYPE)
        mocked.script = [ConnectionResetError(), refused("1013", "not found")]
        with pytest.raises(OutcomeUnknown, match="the first attempt succeeded"):
            await marketo.custom_activity_types.delete("demo")

    assert len(mocked.calls) == 4


@pytest.mark.looptime
@pytest.mark.parametrize("first", [None, refused("608"), refused("601")], ids=["at once", "after 608", "after 601"])
async def test_done_already_without_a_lost_answer_is_an_error(
    first: Answer | None, mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [*([first] if first else []), refused("709", "in use")]
    mocked.grants = [grant("first"), grant("second")]
    async with patient as marketo:
        with pytest.raises(Conflict):
            await write_settling(marketo)


@pytest.mark.looptime
async def test_done_already_settles_only_what_a_repeat_can_settle(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ConnectionResetError(), refused("1013", "no such list")]
    async with patient as marketo:
        (result,) = await marketo.lists.add(7, [1])

    assert result.unknown
    assert "1013" in result.why[0].message


def skipped(code: str) -> Answer:
    return ok({"id": 1, "status": "skipped", "reasons": [{"code": code, "message": "no"}]})


SETTLED: dict[str, tuple[str, Callable[[Marketo], Awaitable[ResultList[int]]]]] = {
    "leads.delete": ("1004", lambda marketo: marketo.leads.delete([1]).all()),
    "lists.remove": ("1015", lambda marketo: marketo.lists.remove(7, [1]).all()),
    "leads.change_program_status": (
        "1037",
        lambda marketo: marketo.leads.change_program_status(7, "Attended", [1]).all(),
    ),
}


@pytest.mark.looptime
@pytest.mark.parametrize(("code", "call"), SETTLED.values(), ids=SETTLED)
async def test_records_done_by_a_lost_attempt_are_not_told_as_failed(
    code: str, call: Callable[[Marketo], Awaitable[ResultList[int]]], mocked: MockedMarketo, patient: Marketo
) -> None:
    """The repeat skips what the first attempt did: to tell that as a failure would be wrong, to raise is not."""
    mocked.script = [ConnectionResetError(), skipped(code)]
    async with patient as marketo:
        (result,) = await call(marketo)

    assert (result.settled, result.failed) == (True, False)
    assert len(mocked.calls) == 2


@pytest.mark.looptime
@pytest.mark.parametrize(("code", "call"), SETTLED.values(), ids=SETTLED)
async def test_records_that_were_skipped_at_once_are_told_as_failed(
    code: str, call: Callable[[Marketo], Awaitable[ResultList[int]]], mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [skipped(code)]
    async with patient as marketo:
        (result,) = await call(marketo)

    assert result.failed
    assert [reason.code for reason in result.why] == [code]


@pytest.mark.looptime
async def test_an_answer_of_another_shape_is_told_and_not_asked_for_again(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok({"id": 1, "name": []})]
    async with patient as marketo:
        with pytest.raises(UnexpectedShape) as caught:
            await marketo.lists.get(1)

    assert caught.value.path.startswith("$.result[0]")
    assert len(mocked.calls) == 1


@pytest.mark.looptime
async def test_success_without_a_result_is_not_sent_again(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [done()]
    async with patient as marketo:
        with pytest.raises(OutcomeUnknown):
            await marketo.leads.submit_form(1, {"email": "a@x.io"})
        with pytest.raises(UnexpectedShape):
            await marketo.leads.describe2()

    assert len(mocked.calls) == 2


async def test_a_missing_permission_is_named(mocked: MockedMarketo, client: Client) -> None:
    mocked.script = [refused("603", "Access denied")]
    async with client(ORIGIN) as marketo:
        with pytest.raises(AccessDenied, match="Read-Only Assets"):
            await marketo.leads.list_membership(1).all()

    assert len(mocked.calls) == 1


NOON = datetime(2024, 1, 2, 18, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2024, 1, 3, 6, tzinfo=UTC)


def since_noon() -> float:
    return NOON + asyncio.get_running_loop().time()


@pytest.mark.looptime
async def test_a_spent_day_raises_with_the_moment_it_starts_anew(mocked: MockedMarketo) -> None:
    mocked.script = [refused("607", "Max daily quota reached"), ok({"id": 1})]
    governor = Governor(clock=since_noon)
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        with pytest.raises(DailyQuotaExceeded) as caught:
            await marketo.leads.get(1)
        with pytest.raises(DailyQuotaExceeded):
            await marketo.leads.get(2)

    assert (caught.value.resets_at, caught.value.operation, caught.value.request_id) == (
        MIDNIGHT,
        "leads.get",
        "1a2b#3c",
    )
    assert isinstance(caught.value.__cause__, QuotaExceeded)
    assert len(mocked.calls) == 1, "the second call costs nothing"


@pytest.mark.looptime
async def test_a_spent_day_is_waited_out_where_that_was_asked_for(mocked: MockedMarketo) -> None:
    mocked.script = [refused("607"), ok({"id": 1})]
    governor = Governor(clock=since_noon, on_quota="wait")
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        assert await marketo.leads.get(1) == {"id": 1}
        assert since_noon() >= MIDNIGHT.timestamp()

    assert len(mocked.calls) == 2


@pytest.mark.looptime
async def test_waiting_for_the_quota_does_not_use_up_the_retry_budget(mocked: MockedMarketo) -> None:
    mocked.script = [refused("608"), refused("607"), refused("608"), ok({"id": 1})]
    governor = Governor(clock=since_noon, on_quota="wait")
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        assert await marketo.leads.get(1) == {"id": 1}


@pytest.mark.looptime
@pytest.mark.parametrize("repeat", [Repeat.SAFE, Repeat.SETTLES], ids=lambda repeat: repeat.name)
@pytest.mark.parametrize("end", ["607", "608", "603", "1003", "reset"])
async def test_a_lost_write_whose_repeats_fail_is_told_as_unknown_whatever_they_failed_with(
    end: str, repeat: Repeat, mocked: MockedMarketo
) -> None:
    """The error of the repeat says nothing about the first attempt: to show it alone would read as 'not done'."""
    mocked.script = [ConnectionResetError(), refused(end) if end.isdecimal() else ConnectionResetError()]
    governor = Governor(clock=since_noon)
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        with pytest.raises(OutcomeUnknown) as caught:
            await CALLS[repeat](marketo)

    assert isinstance(caught.value.__cause__, MarketoError)


@pytest.mark.looptime
async def test_a_lost_write_whose_repeat_gets_no_token_is_told_as_unknown(mocked: MockedMarketo) -> None:
    mocked.script = [ConnectionResetError(), refused("602")]
    mocked.grants = [grant(), Answer(b'{"error":"unauthorized"}', 401)]
    async with Marketo(ORIGIN, client_id="i", client_secret="s") as marketo:
        with pytest.raises(OutcomeUnknown) as caught:
            await write_settling(marketo)

    assert isinstance(caught.value.__cause__, AuthenticationError)


@pytest.mark.looptime
async def test_a_rate_refusal_holds_every_call_back_and_shrinks_the_share(
    mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok(), refused("606"), ok()]
    async with patient as marketo:
        await marketo.leads.get(1)
        await asyncio.gather(marketo.leads.get(2), marketo.leads.get(3))
        seen = marketo.governor.snapshot()

    assert seen.refusals == 1
    assert seen.window_share < 100
    assert len(mocked.calls) == 4
    assert mocked.calls[-1].at - mocked.calls[1].at >= 0.5


@pytest.mark.looptime
async def test_a_crowding_refusal_shrinks_the_share_of_slots(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [refused("615"), ok()]
    async with patient as marketo:
        await marketo.leads.get(1)
        seen = marketo.governor.snapshot()

    assert seen.refusals == 1
    assert seen.slot_share < 10


@pytest.mark.looptime
async def test_our_time_out_stands_above_the_server_s(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok({"id": 1, "status": "x"})]
    async with patient as marketo:
        await marketo.leads.get(1)
        await marketo.leads.sync([{"email": "a@x.io"}])
        await marketo.leads.merge(1, [2]).all()
        await marketo.lists.add(1, [2])

    names = ("leads.get", "leads.sync", "leads.merge", "lists.add")
    allowed = [operations()[name].timeout for name in names]
    assert allowed == [30, 90, 180, 300]
    for sent, server in zip(mocked.calls, allowed, strict=True):
        assert sent.timeout is not None
        assert server < sent.timeout <= server + 30


@pytest.mark.looptime
async def test_the_caller_s_own_time_out_covers_waiting_and_retries(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [refused("608")]
    async with patient as marketo:
        with pytest.raises(CallTimeout, match="3 s") as caught:
            await marketo.with_options(timeout=3, retry=RetryPolicy(attempts=1000)).leads.get(1)
        assert asyncio.get_running_loop().time() == pytest.approx(3)

    assert isinstance(caught.value, TimeoutError)
    assert not caught.value.sent
    assert len(mocked.calls) > 1


@pytest.mark.looptime
@pytest.mark.parametrize(
    ("call", "kind"), [(read, CallTimeout), (write_safe, OutcomeUnknown), (write_once, OutcomeUnknown)]
)
async def test_a_time_out_in_flight_tells_what_is_known_and_leaves_the_exchange_running(
    call: Callable[[Marketo], Awaitable[object]], kind: type[MarketoError], mocked: MockedMarketo, patient: Marketo
) -> None:
    mocked.script = [ok({"id": 1})]
    mocked.latency = 10.0
    async with patient as marketo:
        with pytest.raises(kind) as caught:
            await call(marketo.with_options(timeout=1))
        assert asyncio.get_running_loop().time() == pytest.approx(1)
        assert marketo.governor.snapshot().in_flight == 1, "Marketo is still working on it"
        await asyncio.sleep(10)
        assert marketo.governor.snapshot().in_flight == 0

    if isinstance(caught.value, CallTimeout):
        assert caught.value.sent


@pytest.mark.looptime
async def test_a_time_out_in_the_queue_says_that_nothing_was_sent(mocked: MockedMarketo) -> None:
    mocked.script = [ok()]
    mocked.latency = 10.0
    governor = Governor(Limits(concurrency=1))
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        slow = asyncio.create_task(marketo.leads.get(1))
        await asyncio.sleep(1)
        with pytest.raises(CallTimeout) as caught:
            await write_once(marketo.with_options(timeout=2))
        assert governor.snapshot().waiting == 0
        await slow

    assert not caught.value.sent
    assert len(mocked.calls) == 1


async def test_a_cancelled_caller_returns_at_once_while_the_exchange_keeps_its_slot(client: Client) -> None:
    records: list[CallRecord] = []
    governor = Governor(Limits(concurrency=1), on_call=records.append)
    async with ScriptedServer(ok()) as server, client(server.origin, governor=governor) as marketo:
        finish = asyncio.Event()
        server.script = [after(finish, ok({"id": 1})), ok({"id": 2})]
        abandoned = asyncio.create_task(marketo.leads.get(1))
        await server.arrivals(1)
        abandoned.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(abandoned, 1)

        assert governor.snapshot().in_flight == 1
        successor = asyncio.create_task(marketo.leads.get(2))
        await asyncio.sleep(0)
        assert governor.snapshot().waiting == 1, "the slot is taken"
        finish.set()
        assert await successor == {"id": 2}

    assert governor.snapshot().in_flight == 0
    assert [record.status for record in records] == [200, 200]


async def test_a_caller_cancelled_in_the_queue_leaves_no_trace(client: Client) -> None:
    governor = Governor(Limits(concurrency=1))
    async with ScriptedServer(ok()) as server, client(server.origin, governor=governor) as marketo:
        finish = asyncio.Event()
        server.script = [after(finish, ok()), ok()]
        first, second = (asyncio.create_task(marketo.leads.get(n)) for n in (1, 2))
        await server.arrivals(1)
        second.cancel()
        await asyncio.gather(second, return_exceptions=True)
        finish.set()
        await first

        seen = governor.snapshot()
        assert (seen.in_flight, seen.waiting, seen.granted) == (0, 0, 1)
        assert len(server.calls) == 1


async def test_closing_waits_for_what_cancelled_callers_left_behind(client: Client) -> None:
    records: list[CallRecord] = []
    async with ScriptedServer() as server, client(server.origin, governor=Governor(on_call=records.append)) as marketo:
        finish = asyncio.Event()
        server.script = [after(finish, ok({"id": 1}))]
        abandoned = asyncio.create_task(marketo.leads.get(1))
        await server.arrivals(1)
        abandoned.cancel()
        closing = asyncio.create_task(marketo.close(grace=30))
        await asyncio.wait({closing}, timeout=0.02)
        assert not closing.done()
        finish.set()
        await closing

    assert [record.status for record in records] == [200]


async def test_closing_does_not_wait_for_ever(client: Client) -> None:
    governor = Governor()
    async with ScriptedServer() as server, client(server.origin, governor=governor) as marketo:
        server.script = [after(asyncio.Event(), ok())]
        abandoned = asyncio.create_task(marketo.leads.get(1))
        await server.arrivals(1)
        abandoned.cancel()
        await asyncio.wait_for(marketo.close(grace=0.01), 1)

    assert governor.snapshot().in_flight == 1, "Marketo still works on it"


@pytest.mark.parametrize("call", [read, write_once], ids=["read", "write"])
async def test_a_call_still_under_way_when_the_client_closes_ends_with_an_error_of_ours(
    call: Callable[[Marketo], Awaitable[object]], client: Client
) -> None:
    """Nobody cancelled that caller: a CancelledError would end its task without a word."""
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.script = [after(asyncio.Event(), ok())]
        under_way = asyncio.ensure_future(call(marketo))
        await server.arrivals(1)
        await marketo.close(grace=0.01)
        (outcome,) = await asyncio.gather(under_way, return_exceptions=True)

    assert isinstance(outcome, MarketoError)
    assert isinstance(outcome, OutcomeUnknown) is (call is write_once)


async def test_a_call_in_the_queue_when_the_client_closes_is_told_so(client: Client) -> None:
    governor = Governor(Limits(concurrency=1))
    async with ScriptedServer() as server, client(server.origin, governor=governor) as marketo:
        finish = asyncio.Event()
        server.script = [after(finish, ok({"id": 1}))]
        calls = [asyncio.create_task(marketo.leads.get(n)) for n in (1, 2, 3)]
        await server.arrivals(1)
        closing = asyncio.create_task(marketo.close(grace=30))
        await asyncio.sleep(0)
        finish.set()
        await closing
        first, *others = await asyncio.gather(*calls, return_exceptions=True)

    assert first == {"id": 1}
    assert all(isinstance(outcome, ConfigurationError) for outcome in others)
    assert governor.snapshot().in_flight == 0
    assert len(server.calls) == 1


async def test_a_caller_cancelled_while_the_client_closes_stays_cancelled(client: Client) -> None:
    """To tell of the close instead would swallow the cancellation that somebody waits for."""
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.script = [after(asyncio.Event(), ok())]
        under_way = asyncio.create_task(marketo.leads.get(1))
        await server.arrivals(1)
        for exchange in marketo.session._under_way:
            exchange.cancel()
        under_way.cancel()
        await asyncio.wait([under_way])

        assert under_way.cancelled()


@pytest.mark.looptime
async def test_a_drain_that_failed_can_be_asked_for_everything_again(mocked: MockedMarketo, patient: Marketo) -> None:
    """``all`` that raises has delivered nothing, so nothing counts as taken."""
    pages = [ok({"id": 1, "name": "a"}, nextPageToken="T", moreResult=True), ok({"id": 2, "name": "b"})]
    mocked.script = [pages[0], refused("603"), *pages]
    async with patient as marketo:
        pager = marketo.lists.browse()
        with pytest.raises(AccessDenied) as caught:
            await pager.all()
        again = await pager.all()

    assert caught.value.token is None
    assert [found.id for found in again] == [1, 2]
    assert [sent.query.get("nextPageToken") for sent in mocked.calls] == [None, "T", None, "T"]


async def test_a_url_above_8_kb_goes_as_an_overridden_post(client: Client) -> None:
    async with ScriptedServer(ok({"id": 1})) as server, client(server.origin) as marketo:
        values = [f"{'x' * 40}{n}@example.com" for n in range(200)]
        assert await marketo.leads.by_filter("email", values).all() == [{"id": 1}]

        (sent,) = server.calls
        assert (sent.method, sent.target) == ("POST", "/rest/v1/leads.json?_method=GET")
        assert sent.headers["content-type"] == "application/x-www-form-urlencoded"
        assert sent.body.startswith(b"filterType=email&filterValues=")


async def test_a_paging_token_can_turn_a_read_into_an_overridden_post(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        await marketo.lists.leads(7, token="A" * 8200).all()

        (sent,) = server.calls
        assert (sent.method, sent.target) == ("POST", "/rest/v1/lists/7/leads.json?_method=GET")
        assert sent.body == b"nextPageToken=" + b"A" * 8200


async def test_a_body_above_1_mb_is_refused_before_anything_reaches_the_server(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        with pytest.raises(RequestTooLarge):
            await marketo.leads.sync([{"email": "x" * 1_000_001}])

        assert server.connections == 0
        assert marketo.governor.snapshot().granted == 0


async def test_invalid_requests_cost_nothing(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        for call in (
            lambda: marketo.custom_activity_types.approve(".."),
            lambda: marketo.leads.merge(1, [1]).all(),
            lambda: marketo.lists.add(7, [0]).all(),
            lambda: marketo.leads.submit_form(1, {}),
        ):
            with pytest.raises(InvalidRequest):
                await call()

        assert server.connections == 0


async def test_answers_are_asked_for_and_read_compressed(client: Client) -> None:
    body = gzip.compress(
        json.dumps({"success": True, "requestId": "1#2", "result": [{"id": 1, "x": "y" * 5000}]}).encode()
    )
    async with (
        ScriptedServer(Answer(body, headers={"Content-Encoding": "gzip"})) as server,
        client(server.origin) as marketo,
    ):
        assert await marketo.leads.get(1) == {"id": 1, "x": "y" * 5000}
        assert "gzip" in server.calls[0].headers["accept-encoding"]


async def test_every_call_says_who_calls_and_what_it_takes(client: Client) -> None:
    async with ScriptedServer(ok()) as server, client(server.origin) as marketo:
        await marketo.leads.get(1)

        headers = server.calls[0].headers
        assert headers["user-agent"].startswith("marketo-async/")
        assert headers["accept"] == "application/json"
        assert "cookie" not in headers


async def test_cookies_of_load_balancers_are_not_kept(client: Client) -> None:
    async with (
        ScriptedServer(Answer(ok().body, headers={"Set-Cookie": "BIGipServer=1; path=/"})) as server,
        client(server.origin) as marketo,
    ):
        await marketo.leads.get(1)
        await marketo.leads.get(2)

        assert not any("cookie" in sent.headers for sent in server.calls)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [read, write_once], ids=["read", "write"])
async def test_a_redirect_is_never_followed_with_a_token(
    status: int, call: Callable[[Marketo], Awaitable[object]], client: Client
) -> None:
    async with ScriptedServer(ok()) as elsewhere, ScriptedServer() as server:
        server.script = [Answer(b"", status, {"Location": elsewhere.origin + "/rest/v1/lead/1.json"})]
        async with client(server.origin) as marketo:
            with pytest.raises(BadResponse, match="redirect"):
                await call(marketo)

        assert elsewhere.connections == 0
        assert len(server.calls) == 1


@pytest.mark.parametrize("end", [hang_up, reset], ids=["hang-up", "reset"])
@pytest.mark.parametrize("call", [read, write_once], ids=["read", "write"])
async def test_aiohttp_sends_nothing_twice_by_itself_when_a_kept_connection_is_dead(
    call: Callable[[Marketo], Awaitable[object]], end: Reply, client: Client
) -> None:
    policy = RetryPolicy(attempts=1)
    async with ScriptedServer() as server, client(server.origin, retry=policy) as marketo:
        server.script = [ok({"id": 1}), end]
        await marketo.leads.get(1)
        with pytest.raises(TransportError if call is read else OutcomeUnknown):
            await call(marketo)

        assert len(server.calls) == 2
        assert {sent.connection for sent in server.calls} == {1}, "the connection was kept, or nothing was tested"
        assert marketo.governor.snapshot().granted == 2


@pytest.mark.parametrize("at", [0, 1, 20, 60, 100, 130])
@pytest.mark.parametrize("close", ["length", "chunked", "end"])
async def test_an_answer_cut_short_is_an_error_however_its_end_is_marked(at: int, close: str, client: Client) -> None:
    body = ok({"id": 1}, padding="x" * 20).body
    whole = {
        "length": written(Answer(body)),
        "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(body), body),
        "end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + body,
    }[close]
    async with ScriptedServer(whole[:at], ok({"id": 2})) as server, client(server.origin) as marketo:
        assert await marketo.leads.get(1) == {"id": 2}
        assert len(server.calls) == 2

    async with ScriptedServer(whole[:at]) as server, client(server.origin) as marketo:
        with pytest.raises(OutcomeUnknown):
            await write_once(marketo)
        assert len(server.calls) == 1


async def test_a_place_in_the_window_is_stamped_when_the_headers_come_and_the_slot_kept_until_the_body_has(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers_came, finish = asyncio.Event(), asyncio.Event()

    async def headers_first(sent: Sent, writer: asyncio.StreamWriter) -> None:
        head, body = written(ok({"id": 1})).split(b"\r\n\r\n")
        writer.write(head + b"\r\n\r\n")
        await finish.wait()
        writer.write(body)

    governor = Governor()
    answered = governor._authority.grants.answered

    def stamped(permit: Any) -> None:
        answered(permit)
        headers_came.set()

    monkeypatch.setattr(governor._authority.grants, "answered", stamped)
    async with ScriptedServer(headers_first) as server, client(server.origin, governor=governor) as marketo:
        call = asyncio.create_task(marketo.leads.get(1))
        await headers_came.wait()
        assert governor.snapshot().in_flight == 1
        finish.set()
        assert await call == {"id": 1}
        assert governor.snapshot().in_flight == 0


async def test_a_broken_answer_tells_its_request_id_and_how_it_begins(client: Client) -> None:
    head = b'{"requestId":"77#88","success":true,"result":[{"id":1'
    broken = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + head
    async with (
        ScriptedServer(broken) as server,
        client(server.origin, retry=RetryPolicy(attempts=1)) as marketo,
    ):
        with pytest.raises(BadResponse) as caught:
            await marketo.leads.get(1)

    assert caught.value.request_id == "77#88"
    assert caught.value.body == head
    assert "77#88" in str(caught.value)
    assert '"requestId":"77#88"' in str(caught.value)


@pytest.mark.looptime
async def test_the_hook_sees_every_attempt_with_its_code_and_times(mocked: MockedMarketo) -> None:
    records: list[CallRecord] = []
    mocked.script = [refused("608"), Answer(b"<html>", 502), ConnectionResetError(), ok()]
    mocked.latency = 0.5
    governor = Governor(on_call=records.append)
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        await marketo.leads.get(1)

    assert [(r.attempt, r.status, r.code, r.request_id) for r in records] == [
        (1, 200, "608", "1a2b#3c"),
        (2, 502, None, None),
        (3, None, None, None),
        (4, 200, None, "1a2b#3c"),
    ]
    assert {(r.operation, r.method, r.path) for r in records} == {("leads.get", "GET", "/rest/v1/lead/{leadId}.json")}
    assert all(record.latency == pytest.approx(0.5) for record in records)


async def test_a_hook_that_fails_does_not_fail_the_call(
    mocked: MockedMarketo, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: CallRecord) -> None:
        raise ZeroDivisionError

    mocked.script = [ok({"id": 1})]
    async with client(ORIGIN, governor=Governor(on_call=broken)) as marketo:
        assert await marketo.leads.get(1) == {"id": 1}

    assert "leads.get" in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_repeat_is_logged_with_its_reason(
    mocked: MockedMarketo, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "marketo_async")
    mocked.script = [refused("608", "come back later"), ok()]
    async with client(ORIGIN) as marketo:
        await marketo.leads.get(1)

    (record,) = caplog.records
    assert "leads.get" in record.getMessage()
    assert "come back later" in record.getMessage()


@pytest.mark.looptime
async def test_single_calls_pass_bulk_drains_and_interactive_ones_pass_both(mocked: MockedMarketo) -> None:
    mocked.script = [ok({"id": 1, "name": "x"})]
    mocked.latency = 1.0
    governor = Governor(Limits(concurrency=1))
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        hurried = marketo.with_options(priority=Priority.INTERACTIVE)
        calls: list[Awaitable[Any]] = [
            marketo.leads.get(100),
            marketo.lists.browse().all(),
            marketo.leads.get(101),
            hurried.leads.get(102),
        ]
        tasks = []
        for call in calls:
            tasks.append(asyncio.ensure_future(call))
            await asyncio.sleep(0.01)
        await asyncio.gather(*tasks)

    order = [sent.path.rpartition("/")[2] for sent in mocked.calls]
    assert order == ["100.json", "102.json", "101.json", "lists.json"]


@pytest.mark.looptime
async def test_a_repeat_does_not_stand_in_the_queue_again(mocked: MockedMarketo) -> None:
    mocked.script = [refused("608"), ok()]
    mocked.latency = 1.0
    governor = Governor(Limits(concurrency=1))
    async with Marketo(ORIGIN, client_id="i", client_secret="s", governor=governor) as marketo:
        await asyncio.gather(*(marketo.leads.get(number) for number in (1, 2, 3)))

    assert [sent.path.rpartition("/")[2] for sent in mocked.calls] == ["1.json", "2.json", "1.json", "3.json"]


def test_sent_is_what_the_stand_ins_record() -> None:
    """The stand-ins of this suite, where a mistake would make other tests pass for the wrong reason."""
    sent = Sent("GET", "/rest/v1/leads.json?a=1&b=%2B", {}, b"", 0.0)

    assert sent.path == "/rest/v1/leads.json"
    assert sent.query == {"a": "1", "b": "+"}
