import asyncio
from dataclasses import replace

import aiohttp
import pytest

from marketo_async.sandbox import Sandbox, SandboxClock
from marketo_async.sandbox.fixtures import SandboxFactory

from .api import Connect

START = 1_780_000_000.0


def made(seed: int) -> Sandbox:
    return Sandbox(leads=200, activities=500, seed=seed, clock=SandboxClock(speed=0, start=START))


def test_the_same_seed_makes_the_same_instance() -> None:
    first, again, other = made(1), made(1), made(2)

    leads = [[box.instance.leads.get(lead_id) for lead_id in range(1, 201)] for box in (first, again, other)]
    activities = [list(box.instance.activities) for box in (first, again, other)]
    assert leads[0] == leads[1] != leads[2]
    assert activities[0] == activities[1] != activities[2]
    assert (first.client_id, first.client_secret) == (again.client_id, again.client_secret)
    assert first.client_id != other.client_id


def test_activities_cover_their_days_evenly() -> None:
    box = Sandbox(leads=50, activities=86_400 // 4, activity_days=0.5, clock=SandboxClock(speed=0, start=START))
    dates = [activity.activity_date for activity in box.instance.activities]

    assert dates == sorted(dates)
    assert len(set(dates)) == 86_400 // 4
    assert {activity.lead_id for activity in box.instance.activities} <= set(range(1, 51))
    assert len({activity.activity_type_id for activity in box.instance.activities}) > 5


def test_an_empty_instance() -> None:
    box = Sandbox(leads=0, activities=3)

    assert len(box.instance.leads) == 0
    assert len(box.instance.activities) == 3
    assert "0 leads, 3 activities" in repr(box)


def test_no_address_before_the_start() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = made(1).base_url


async def test_starting_and_stopping_by_hand() -> None:
    box = made(1)
    await box.start()
    url = box.base_url
    assert url.startswith("http://127.0.0.1:")
    assert url in repr(box)
    await box.stop()
    await box.stop()
    assert "not started" in repr(box)


async def test_a_port_in_use(marketo_sandbox: Sandbox) -> None:
    port = int(marketo_sandbox.base_url.rpartition(":")[2])
    second = Sandbox(leads=1, activities=0, port=port)

    with pytest.raises(OSError, match="in use"):
        await second.start()
    assert "not started" in repr(second)


async def test_serving_until_cancelled() -> None:
    box = made(1)
    serving = asyncio.create_task(box.serve_forever())
    while "not started" in repr(box):  # noqa: ASYNC110 - nothing else tells that it listens
        await asyncio.sleep(0)
    async with aiohttp.ClientSession() as session, session.get(box.base_url + "/identity/oauth/token") as response:
        assert response.status == 401
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    assert "not started" in repr(box)


def test_what_the_instance_is_called() -> None:
    assert made(1).munchkin_id == "100-SBX-001"


async def test_attributes_must_be_a_list(connect: Connect) -> None:
    record = {"leadId": 1, "activityTypeId": 1, "activityDate": "2026-01-01T00:00:00Z", "attributes": {"a": 1}}
    with pytest.raises(TypeError, match="list"):
        await connect(activities=[record])


async def test_the_fixture_is_small_and_generous(marketo_sandbox: Sandbox) -> None:
    assert len(marketo_sandbox.instance.leads) == 100
    assert marketo_sandbox.limits.calls > 1_000


async def test_the_factory_starts_several(marketo_sandbox_factory: SandboxFactory) -> None:
    first = await marketo_sandbox_factory(leads=3)
    second = await marketo_sandbox_factory(limits=replace(first.limits, daily=1))

    assert first.base_url != second.base_url
    assert len(first.instance.leads) == 3
    assert second.limits.daily == 1


async def test_calls_in_flight_do_not_hold_up_the_end(connect: Connect) -> None:
    arrived = asyncio.Event()

    def latency(rng: object, method: str, path: str) -> float:
        if "/rest/" not in path:
            return 0.0
        arrived.set()
        return 30.0

    api = await connect(latency=latency)
    call = asyncio.create_task(api.raw("GET", "/rest/v1/lead/1.json"))
    await arrived.wait()
    await api.sandbox.stop()

    with pytest.raises(aiohttp.ClientError):
        await call
    assert api.sandbox.stats.in_flight == 0
