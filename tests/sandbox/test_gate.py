import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from marketo_async.sandbox import Fault, InstanceLimits, SandboxClock

from .api import Api, Connect, code

LEAD = "/rest/v1/lead/1.json"


async def codes(api: Api, number: int) -> list[str]:
    answers = [await api.get(LEAD) for _ in range(number)]
    return ["ok" if answer["success"] else code(answer) for answer in answers]


async def test_the_window_is_strictly_rolling(connect: Connect) -> None:
    clock = SandboxClock(speed=0)
    api = await connect(clock=clock, limits=InstanceLimits(calls=3, per=20, refusals_count=False))

    assert await codes(api, 2) == ["ok", "ok"]
    clock.advance(10)
    assert await codes(api, 2) == ["ok", "606"]
    clock.advance(9.999)
    assert await codes(api, 1) == ["606"]
    clock.advance(0.001)
    assert await codes(api, 3) == ["ok", "ok", "606"]
    assert api.sandbox.stats.refused == Counter({"606": 3})
    assert api.sandbox.stats.peak_window == 3


async def test_a_refusal_names_both_numbers(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0), limits=InstanceLimits(calls=1, per=7.5))
    await api.get(LEAD)
    refused = await api.raw("GET", LEAD)

    assert refused.status == 200
    assert refused.json()["errors"] == [{"code": "606", "message": "Max rate limit '1' exceeded with in '7.5' secs"}]


async def test_refusals_use_up_window_and_quota(connect: Connect) -> None:
    clock = SandboxClock(speed=0)
    api = await connect(clock=clock, limits=InstanceLimits(calls=2, per=20))

    assert await codes(api, 3) == ["ok", "ok", "606"]
    clock.advance(10)
    assert await codes(api, 1) == ["606"]
    clock.advance(10)
    assert await codes(api, 2) == ["ok", "606"]
    assert api.sandbox.stats.counted_today == 6


async def test_ten_in_flight_and_no_more(connect: Connect) -> None:
    api = await connect(limits=InstanceLimits(), latency=0.4)
    answers = await asyncio.gather(*(api.get(LEAD) for _ in range(12)))
    refused = [code(answer) for answer in answers if not answer["success"]]

    assert refused == ["615", "615"]
    assert api.sandbox.stats.max_in_flight == 10
    assert api.sandbox.stats.in_flight == 0


async def test_a_slot_is_free_before_its_answer_arrives(connect: Connect) -> None:
    api = await connect(limits=InstanceLimits(calls=1_000, concurrency=1))

    assert await codes(api, 100) == ["ok"] * 100
    assert api.sandbox.stats.max_in_flight == 1


async def test_the_quota_turns_at_midnight_in_chicago(connect: Connect) -> None:
    evening = datetime(2026, 3, 7, 5, 59, 50, tzinfo=UTC)
    clock = SandboxClock(speed=0, start=evening.timestamp())
    api = await connect(clock=clock, limits=InstanceLimits(daily=2))

    assert await codes(api, 3) == ["ok", "ok", "607"]
    assert api.sandbox.stats.counted_today == 3
    clock.advance(10)
    assert await codes(api, 1) == ["ok"]
    assert api.sandbox.stats.counted_today == 1


async def test_summer_time_shortens_the_day(connect: Connect) -> None:
    start_of_sunday = datetime(2026, 3, 8, 6, 0, 0, tzinfo=UTC)
    clock = SandboxClock(speed=0, start=start_of_sunday.timestamp())
    api = await connect(clock=clock, limits=InstanceLimits(daily=1, token_life=100_000))

    assert await codes(api, 2) == ["ok", "607"]
    clock.advance(23 * 3600)
    assert await codes(api, 1) == ["ok"]


@pytest.mark.parametrize("kind", ["601", "602", "604", "605", "608", "611"])
async def test_starred_codes_are_not_counted(connect: Connect, kind: str) -> None:
    api = await connect(clock=SandboxClock(speed=0), limits=InstanceLimits(calls=1), faults=[Fault(kind, times=3)])

    assert await codes(api, 4) == [kind, kind, kind, "ok"]
    assert api.sandbox.stats.counted_today == 1
    assert api.sandbox.stats.errors == Counter({kind: 3})


@pytest.mark.parametrize("kind", ["502", "606", "607", "610", "713", "1003"])
async def test_other_codes_are_counted(connect: Connect, kind: str) -> None:
    api = await connect(clock=SandboxClock(speed=0), limits=InstanceLimits(calls=1), faults=[Fault(kind, times=1)])

    assert await codes(api, 2) == [kind, "606"]
    assert api.sandbox.stats.counted_today == 2


async def test_real_starred_errors_are_not_counted_and_others_are(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0))
    token = api.token
    await api.raw("PUT", LEAD)
    api.token = "unknown"
    await api.get(LEAD)
    assert api.sandbox.stats.counted_today == 0

    api.token = None
    await api.get(LEAD)
    api.token = token
    await api.get("/rest/v1/nothing.json")
    await api.get("/rest/v1/leads.json")
    assert api.sandbox.stats.counted_today == 3
    assert api.sandbox.stats.calls == 5


async def test_a_call_whose_window_has_passed_can_still_be_uncounted(connect: Connect) -> None:
    clock = SandboxClock(speed=1_000)
    api = await connect(clock=clock, limits=InstanceLimits(per=1), faults=[Fault("611", when="after")], latency=0.01)
    answers = await asyncio.gather(*(api.get(LEAD) for _ in range(5)))

    assert [code(answer) for answer in answers] == ["611"] * 5
    assert api.sandbox.stats.counted_today == 0


async def test_any_object_with_the_four_numbers_will_do(connect: Connect) -> None:
    @dataclass(frozen=True)
    class Four:
        calls: int = 2
        per: float = 20.0
        concurrency: int = 3
        daily: int = 10
        reserve: int = 5

    api = await connect(clock=SandboxClock(speed=0), limits=Four())

    assert await codes(api, 3) == ["ok", "ok", "606"]
    assert api.sandbox.limits.token_life == 3_600


async def test_stats_see_every_arrival(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=1_000_000.0)
    api = await connect(clock=clock)
    await api.get(LEAD)
    clock.advance(5)
    await api.get("/rest/v1/lead/2.json")

    stats = api.sandbox.stats
    assert stats.arrivals == [1_000_000.0, 1_000_005.0]
    assert stats.by_operation == Counter({"GET /rest/v1/lead/{leadId}.json": 2})
    assert stats.calls == 2


async def test_latency_takes_real_seconds(connect: Connect) -> None:
    api = await connect(latency=(0.05, 0.02), clock=SandboxClock(speed=1_000))
    loop = asyncio.get_running_loop()
    start = loop.time()
    await api.get(LEAD)

    assert 0.03 <= loop.time() - start < 2


async def test_latency_by_path_may_slow_identity_too(connect: Connect) -> None:
    asked: list[tuple[str, str]] = []

    def latency(rng: object, method: str, path: str) -> float:
        asked.append((method, path))
        return 0.0

    api = await connect(latency=latency)
    await api.get(LEAD)

    assert asked == [("GET", "/identity/oauth/token"), ("GET", LEAD)]


def test_clocks_do_not_run_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        SandboxClock(speed=-1)
    with pytest.raises(ValueError, match="set the clock back"):
        SandboxClock().advance(-1)
    assert repr(SandboxClock(speed=0, start=0)) == "SandboxClock(speed=0, now=1970-01-01T00:00:00Z)"
