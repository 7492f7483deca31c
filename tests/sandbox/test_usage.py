from datetime import UTC, datetime

from marketo_async.sandbox import Fault, InstanceLimits, SandboxClock

from .api import Api, Connect, code

USAGE = "/rest/v1/stats/usage.json"
ERRORS = "/rest/v1/stats/errors.json"
NOON = datetime(2026, 7, 1, 17, 0, 0, tzinfo=UTC)


async def test_usage_by_user_counts_itself(connect: Connect) -> None:
    api = await connect(clock=SandboxClock(speed=0, start=NOON.timestamp()))
    await api.get("/rest/v1/lead/1.json")
    await api.authorize(api.sandbox.add_user("other@sandbox.example"))
    [today] = (await api.get(USAGE))["result"]

    assert today == {
        "date": "2026-07-01",
        "total": 2,
        "users": [
            {"userId": "api.user@sandbox.example", "count": 1},
            {"userId": "other@sandbox.example", "count": 1},
        ],
    }


async def test_uncounted_calls_are_not_used(connect: Connect) -> None:
    api = await connect(faults=[Fault("608", times=2), Fault("713", times=1)])
    for _ in range(4):
        await api.get("/rest/v1/lead/1.json")
    [today] = (await api.get(USAGE))["result"]

    assert today["total"] == 3
    [errors] = (await api.get(ERRORS))["result"]
    assert errors["total"] == 3
    assert errors["errors"] == [{"errorCode": "608", "count": 2}, {"errorCode": "713", "count": 1}]


async def test_refused_calls_are_used(connect: Connect) -> None:
    clock = SandboxClock(speed=0)
    api = await connect(clock=clock, limits=InstanceLimits(calls=1))
    assert (await api.get("/rest/v1/lead/1.json"))["success"]
    assert code(await api.get("/rest/v1/lead/1.json")) == "606"
    clock.advance(20)

    assert (await api.get(USAGE))["result"][0]["total"] == 3


async def test_seven_days_with_today_first(connect: Connect) -> None:
    clock = SandboxClock(speed=0, start=NOON.timestamp())
    api = await connect(clock=clock)

    async def a_day_later(days: int) -> None:
        clock.advance(days * 86_400)
        await api.authorize()

    await api.get("/rest/v1/nothing.json")
    await a_day_later(2)
    await api.get("/rest/v1/nothing.json")
    await a_day_later(5)

    assert (await api.get(ERRORS))["result"] == [{"date": "2026-07-08", "total": 0, "errors": []}]
    errors = (await api.get("/rest/v1/stats/errors/last7days.json"))["result"]
    assert [(day["date"], day["total"]) for day in errors] == [("2026-07-08", 0), ("2026-07-03", 1)]
    usage = (await api.get("/rest/v1/stats/usage/last7days.json"))["result"]
    assert [(day["date"], day["total"]) for day in usage] == [("2026-07-08", 3), ("2026-07-03", 1)]


async def test_missing_tokens_count_for_nobody(api: Api) -> None:
    token, api.token = api.token, None
    await api.get("/rest/v1/lead/1.json")
    api.token = token

    [today] = (await api.get(USAGE))["result"]
    assert [user["count"] for user in today["users"]] == [1]
    assert api.sandbox.stats.counted_today == 2
