"""How often a feed asks, what it waits out, and what its budget holds back; in virtual time."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marketo_async.changes import Budget, Changes
from marketo_async.changes.position import Position
from marketo_async.errors import (
    AccessDenied,
    AuthenticationError,
    BadResponse,
    Busy,
    CallTimeout,
    DailyQuotaExceeded,
    MarketoError,
    StoreUnavailable,
    Throttled,
    TransportError,
    Unavailable,
    UnexpectedShape,
)
from marketo_async.governor.quota import as_utc, day_of
from tests.changes.instance import EPOCH, NAME, FakeInstance, feed_of, guids, now
from tests.changes.virtual import jumping

DAY = 86_400.0
THREE = [1, 12, 13, 37]  # three lanes


async def drain(feed: Changes, found: list[str]) -> None:
    async for batch in feed:
        found += guids(batch.events)


def asked(instance: FakeInstance, since: float) -> list[float]:
    return [at for at, name in instance.calls if name == "since" and at >= since]


@jumping
async def test_at_rest_three_lanes_make_at_most_195_calls_an_hour_with_sweeps() -> None:
    instance = FakeInstance("date")
    found: list[str] = []
    async with feed_of(instance, types=THREE) as feed:
        reading = asyncio.create_task(drain(feed, found))
        for minute in range(8 * 60):
            for kind in THREE:
                instance.happen(kind)
            if minute == 2 * 60:
                begun = len(instance.calls)
            await asyncio.sleep(60)
        reading.cancel()
    assert len(found) == pytest.approx(4 * 8 * 60, abs=40)
    assert 150 < (len(instance.calls) - begun) / 6 <= 195


@jumping
async def test_idle_it_makes_at_most_60_calls_an_hour() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=THREE) as feed:
        reading = asyncio.create_task(drain(feed, []))
        await asyncio.sleep(3600)
        begun = len(instance.calls)
        await asyncio.sleep(24 * 3600)
        reading.cancel()
    assert (len(instance.calls) - begun) / 24 <= 60


@pytest.mark.parametrize("order", ["date", "commit"])
@jumping
async def test_settled_mode_at_rest_makes_two_calls_a_poll_at_most(order: Any) -> None:
    instance = FakeInstance(order)
    found: list[str] = []
    async with feed_of(instance, types=[1], mode="settled") as feed:
        reading = asyncio.create_task(drain(feed, found))
        for minute in range(12 * 60):
            instance.happen(1)
            if minute == 2 * 60:
                begun = len(instance.calls)
            await asyncio.sleep(60)
        reading.cancel()
    assert (len(instance.calls) - begun) / 10 <= 120
    assert len(found) == pytest.approx(11.5 * 60, abs=5)


@pytest.mark.parametrize(
    ("rows", "beside"), [(20_000, 15), pytest.param(100_000, 0, marks=pytest.mark.slow)], ids=["20,000", "100,000"]
)
@jumping
async def test_a_backlog_takes_at_most_a_twentieth_more_calls_than_pages(rows: int, beside: int) -> None:
    """Every lane costs some calls beside its backlog, which weigh more where it is short."""
    instance = FakeInstance("date", latency=0.1)
    for number in range(rows):
        instance.happened((1, 13, 6, 24)[number % 4], now() - 3 * DAY + 2.5 * number)
    found: list[str] = []
    async with feed_of(instance, types=[1, 6, 12, 13, 24], since=as_utc(now() - 4 * DAY), follow=False) as feed:
        begun = now()
        await drain(feed, found)
    assert len(found) == len({*found}) == rows
    assert len(instance.calls) <= 1.05 * rows / 300 + beside
    if not beside:
        assert now() - begun < rows / 300 * 0.1 / 5  # eight at once, most of the time


@jumping
async def test_a_lane_that_stays_empty_slows_down_and_is_back_at_the_first_row() -> None:
    instance = FakeInstance("date", latency=0.0)
    async with feed_of(instance, types=[1], sweep=timedelta(days=30)) as feed:
        reading = asyncio.create_task(drain(feed, []))
        await asyncio.sleep(1000)
        begun = now()
        instance.happen(1)
        await asyncio.sleep(1000)
        reading.cancel()
    gaps = [round(late - early) for early, late in zip(asked(instance, 0), asked(instance, 0)[1:], strict=False)]
    assert gaps[:4] == [120, 300, 300, 300]
    after = [
        round(late - early) for early, late in zip(asked(instance, begun), asked(instance, begun)[1:], strict=False)
    ]
    assert after[:3] == [60, 120, 300]


@jumping
async def test_a_nudge_polls_now_and_the_next_polls_are_not_slow() -> None:
    instance = FakeInstance("date")
    found: list[str] = []
    async with feed_of(instance, types=[1, 6], sweep=timedelta(days=30)) as feed:
        reading = asyncio.create_task(drain(feed, found))
        await asyncio.sleep(2000)
        begun = now()
        logged = instance.happen(1)
        feed.nudge()
        await asyncio.sleep(2)
        assert found == [logged]
        await asyncio.sleep(100)  # what the nudge was about may be committed a little later
        later = instance.happen(6)
        await asyncio.sleep(130)
        assert found == [logged, later]
        reading.cancel()
    assert len([at for at in asked(instance, begun) if at < begun + 2]) == 2


@jumping
async def test_a_nudge_while_a_page_is_on_its_way_polls_again() -> None:
    instance = FakeInstance("date", latency=2.0)
    async with feed_of(instance, types=[1]) as feed:
        while not asked(instance, 0):  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.01)
        feed.nudge()
        await asyncio.sleep(9)
        assert len(asked(instance, 0)) == 2


@jumping
async def test_a_flood_of_nudges_polls_once_a_second() -> None:
    instance = FakeInstance("date", latency=0.01)
    async with feed_of(instance, types=[1]) as feed:
        await asyncio.sleep(10)
        begun = now()
        for _ in range(10_000):
            feed.nudge()
            await asyncio.sleep(0.001)
    assert 9 <= len(asked(instance, begun)) <= 12


PASSING: list[MarketoError] = [
    TransportError("broken", sent=False),
    CallTimeout("no answer within 30 s"),
    Unavailable("busy", code="611", operation="x"),
    Throttled("too many", code="606", operation="x"),
    Busy("locked", code="713", operation="x"),
    StoreUnavailable("no redis"),
    BadResponse("a proxy's page", status=502, body=b""),
    BadResponse("half a page", status=200, body=b"{"),
]
LASTING: list[MarketoError] = [
    TransportError("no such host", sent=False, passing=False),
    BadResponse("a proxy's page", status=403, body=b""),
    BadResponse("elsewhere", status=302, body=b""),
    UnexpectedShape("no", path="$", status=200, body=b"", operation="x", request_id=None),
    AccessDenied("no", code="603", operation="x"),
    AuthenticationError("wrong secret"),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{type(error).__name__}-{error}"[:40])
@jumping
async def test_an_outage_is_waited_out_by_a_feed_that_follows(error: MarketoError) -> None:
    instance = FakeInstance("date")
    found: list[str] = []
    async with feed_of(instance, types=[1]) as feed:
        reading = asyncio.create_task(drain(feed, found))
        await asyncio.sleep(100)
        instance.down = error
        missed = instance.happen(1)
        calls = len(instance.calls)
        await asyncio.sleep(3600)
        assert feed.snapshot().trouble == str(error)
        assert len(instance.calls) - calls < 2 * 3600 / 150 + 12  # each lane backs off to some minutes
        instance.down = None
        await asyncio.sleep(400)
        assert (found, feed.snapshot().trouble) == ([missed], "")
        reading.cancel()


@pytest.mark.parametrize("error", LASTING, ids=lambda error: f"{type(error).__name__}-{error}"[:40])
@jumping
async def test_an_error_that_lasts_ends_the_feed(error: MarketoError) -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[1]) as feed:
        await asyncio.sleep(100)
        instance.down = error
        with pytest.raises(type(error)) as failure:
            await anext(feed)
        assert str(failure.value) == str(error)
        assert failure.value.__cause__ is error


@pytest.mark.parametrize("error", PASSING, ids=lambda error: f"{type(error).__name__}-{error}"[:40])
@jumping
async def test_an_outage_ends_a_feed_that_does_not_follow(error: MarketoError) -> None:
    instance = FakeInstance("date")
    instance.down = error
    async with feed_of(instance, types=[1], follow=False) as feed:
        with pytest.raises(type(error)):
            await anext(feed)
    assert now() < EPOCH + 10


@pytest.mark.parametrize("follow", [True, False])
@jumping
async def test_a_spent_day_is_slept_through_or_raised(*, follow: bool) -> None:
    instance = FakeInstance("date")
    midnight = day_of(now())[1]
    instance.down = DailyQuotaExceeded(used=50_000, daily=50_000, resets_at=datetime.fromtimestamp(midnight, UTC))
    missed = instance.happened(1, now() - 5)
    async with feed_of(instance, types=[1], since=as_utc(now() - 10), follow=follow) as feed:
        waiting = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(1000)
        if not follow:
            with pytest.raises(DailyQuotaExceeded):
                await waiting
            return
        assert len(instance.calls) == 1
        assert "50000 of 50000" in feed.snapshot().trouble
        instance.down = None
        assert guids((await waiting).events) == [missed]
        assert midnight < now() < midnight + 40


@jumping
async def test_a_budget_stretches_polls_and_says_so() -> None:
    instance = FakeInstance("date")
    midnight = day_of(now())[1]
    await asyncio.sleep(midnight - now())
    async with feed_of(instance, types=THREE, budget=Budget(calls_per_day=1_000)) as feed:
        reading = asyncio.create_task(drain(feed, []))
        for day in range(2):
            for minute in range(24 * 60):
                for kind in THREE:
                    instance.happen(kind)
                await asyncio.sleep(60)
                if day == 0 and minute == 600:
                    snapshot = feed.snapshot()
        reading.cancel()
    for day in range(2):
        assert 600 < sum(0 <= at - midnight - day * DAY < DAY for at, _ in instance.calls) <= 1_000
    assert "polls and sweeps are" in snapshot.held_back
    assert snapshot.left_today is not None
    assert snapshot.left_today + snapshot.calls_today == 1_000
    assert snapshot.calls == snapshot.calls_today
    assert 300 < snapshot.left_today < 800  # it lasts to the end of the day


@pytest.mark.slow
@jumping
async def test_a_backlog_leaves_the_heads_their_share_and_their_places_in_the_window() -> None:
    instance = FakeInstance("date", page=10)
    for number in range(20_000):
        instance.happened(1, now() - 3 * DAY + 10 * number)
    found: list[str] = []
    since = as_utc(now() - 4 * DAY)
    async with feed_of(instance, types=[1], since=since, budget=Budget(calls_per_day=1_000), window=2) as feed:
        reading = asyncio.create_task(drain(feed, found))
        held = set()
        for _ in range(600):
            await asyncio.sleep(1)
            held.add("the backlog waits until" in feed.snapshot().held_back)
        assert held == {True, False}
        assert len(found) < 20_000
        new = instance.happen(1)
        await asyncio.sleep(1500)
        assert new in found  # the head continues
        await asyncio.sleep(6 * DAY)
        assert len({*found}) == len(found) == 20_001
        reading.cancel()


@jumping
async def test_a_budget_that_is_used_up_waits_for_the_next_day_and_says_so() -> None:
    instance = FakeInstance("date", page=2)
    for number in range(100):
        instance.happened(1, now() - 200 + number)
    found: list[str] = []
    midnight = day_of(now())[1]
    async with feed_of(instance, types=[1], since=as_utc(now() - 300), budget=Budget(calls_per_day=50)) as feed:
        reading = asyncio.create_task(drain(feed, found))
        await asyncio.sleep(3600)
        snapshot = feed.snapshot()
        assert (len(instance.calls), snapshot.left_today) == (50, 0)
        assert snapshot.held_back == f"the budget of 50 calls is used up until {as_utc(midnight).isoformat()}"
        await asyncio.sleep(4 * DAY)
        assert len(found) == 100
        reading.cancel()


@jumping
async def test_the_calls_of_the_day_count_across_restarts() -> None:
    instance = FakeInstance("date", page=1)
    for number in range(40):
        instance.happened(1, now() - 200 + number)
    position, found = None, []
    for _ in range(5):
        async with feed_of(
            instance, types=[1], since=as_utc(now() - 300), position=position, budget=Budget(calls_per_day=30)
        ) as feed:
            try:
                async with asyncio.timeout(100):
                    async for batch in feed:
                        found += guids(batch.events)
                        position = batch.position
            except TimeoutError:
                pass
    assert position is not None
    assert Position.read(position, instance=NAME).spent >= 20
    assert len(found) < 30
    assert len(instance.calls) <= 45  # after the last position that was stored, calls are not known to the next
