"""A share of an instance's limits: its calls need two permits, and no wait for one holds the other."""

from __future__ import annotations

import asyncio

import pytest

from marketo_async import Governor, Limits, Marketo, Priority
from marketo_async.call import Options
from marketo_async.caller import Caller
from marketo_async.errors import CallTimeout
from marketo_async.governor import CallRecord, Permit
from marketo_async.governor.shares import PermitPair, acquire_both, both_at_once
from marketo_async.operation import Operation, Plan, many
from tests.wire import MockedMarketo, ok

READ = Operation(name="activities.types", method="GET", path="/rest/v1/activities/types.json")


def governors(*, share: int = 2, instance: int = 4) -> tuple[Governor, Governor]:
    return Governor(Limits(calls=share, per=10.0)), Governor(Limits(calls=instance, per=10.0))


async def acquired(share: Governor | None, governor: Governor) -> Permit:
    return await acquire_both(share, governor, Priority.NORMAL, since=None, bound=300.0)


@pytest.mark.looptime
async def test_both_permits_end_together() -> None:
    share, governor = governors()
    for end in ("release", "unsent", "abandon"):
        permit = both_at_once(share, governor, 300.0)
        assert isinstance(permit, PermitPair)
        assert not permit.lapsed
        assert (share.snapshot().in_flight, governor.snapshot().in_flight) == (1, 1)
        permit.abandon(1.0) if end == "abandon" else getattr(permit, end)()
        await asyncio.sleep(1.5)
        assert (share.snapshot().in_flight, governor.snapshot().in_flight) == (0, 0)
    assert (share.snapshot().window_used, governor.snapshot().window_used) == (2, 2)


@pytest.mark.looptime
async def test_without_a_share_there_is_one_permit() -> None:
    _, governor = governors()

    assert not isinstance(both_at_once(None, governor, 300.0), PermitPair)
    assert not isinstance(await acquired(None, governor), PermitPair)


@pytest.mark.looptime
async def test_neither_is_taken_where_the_other_is_not_to_be_had() -> None:
    share, governor = governors(share=1, instance=4)
    held = await acquired(share, governor)

    assert both_at_once(share, governor, 300.0) is None
    assert governor.snapshot().window_used == 1
    held.release()

    share, governor = governors(share=4, instance=1)
    await acquired(share, governor)
    assert both_at_once(share, governor, 300.0) is None
    assert share.snapshot().window_used == 1


@pytest.mark.looptime
async def test_a_call_that_waits_for_its_share_holds_no_place_of_the_instance() -> None:
    share, governor = governors(share=1, instance=2)
    (await acquired(share, governor)).release()
    waiting = asyncio.create_task(acquired(share, governor))
    await asyncio.sleep(1)

    assert (governor.snapshot().window_used, share.snapshot().waiting) == (1, 1)
    other = governor.at_once()
    assert other is not None
    other.release()
    (await waiting).release()
    assert 10.0 < asyncio.get_running_loop().time() < 11.0


@pytest.mark.looptime
async def test_a_call_that_gives_up_leaves_no_trace() -> None:
    share, governor = governors(share=2, instance=1)
    (await acquired(share, governor)).release()
    waiting = asyncio.create_task(acquired(share, governor))
    await asyncio.sleep(1)
    assert share.snapshot().window_used == 2
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert (share.snapshot().window_used, governor.snapshot().waiting) == (1, 0)


@pytest.mark.looptime
async def test_calls_wait_for_the_share_of_their_options(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok()]
    share = Governor(Limits(calls=2, per=10.0, concurrency=1))
    heard: list[CallRecord] = []
    plan: Plan[list[object]] = many(object)
    async with patient as marketo:
        caller = Caller(marketo._open_client, Options(share=share, on_call=heard.append))
        await asyncio.gather(*(caller.send(READ, plan) for _ in range(5)))

    assert asyncio.get_running_loop().time() > 20.0
    assert [record.operation for record in heard] == ["activities.types"] * 5
    assert max(record.waited for record in heard) > 19.0
    assert share.snapshot().in_flight == 0


@pytest.mark.looptime
async def test_a_call_that_times_out_in_its_share_gives_its_place_back(mocked: MockedMarketo, patient: Marketo) -> None:
    mocked.script = [ok()]
    share = Governor(Limits(calls=1, per=10.0))
    plan: Plan[list[object]] = many(object)
    async with patient as marketo:
        await Caller(marketo._open_client, Options(share=share)).send(READ, plan)
        with pytest.raises(CallTimeout):
            await Caller(marketo._open_client, Options(share=share, timeout=1.0)).send(READ, plan)

    assert share.snapshot().waiting == 0
    assert len(mocked.calls) == 1
