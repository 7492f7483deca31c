"""How a feed starts, delivers, acknowledges and ends; in virtual time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from marketo_async.changes import Batch, Changes, Gap, LeadCreated, calls
from marketo_async.changes.position import MOST_BYTES, LaneState, Position
from marketo_async.errors import ConfigurationError, InvalidData, InvalidRequest
from marketo_async.governor.quota import as_utc
from tests.changes.instance import NAME, FakeInstance, feed_of, guids, now
from tests.changes.virtual import jumping

DAY = 86_400.0


async def taken(feed: Changes, *, seconds: float = 5.0) -> list[Batch]:
    """Return the batches that come within some seconds, all but the last acknowledged."""
    found = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                found.append(await anext(feed))
    except TimeoutError:
        return found
    except StopAsyncIteration:
        return found


def lanes(position: str) -> tuple[LaneState, ...]:
    return Position.read(position, instance=NAME).lanes


def events(batches: list[Batch]) -> list[str]:
    return [guid for batch in batches for guid in guids(batch.events)]


@jumping
async def test_without_a_start_it_starts_now() -> None:
    instance = FakeInstance("date")
    instance.happened(1, now() - 10)
    async with feed_of(instance, types=[1]) as feed:
        new = instance.happen(1)
        assert events(await taken(feed, seconds=100)) == [new]


@jumping
async def test_since_a_moment_includes_the_moment() -> None:
    instance = FakeInstance("date")
    for age in (11, 10, 9):
        instance.happened(1, now() - age)
    async with feed_of(instance, types=[1], since=as_utc(now() - 10)) as feed:
        assert len(events(await taken(feed))) == 2


@jumping
async def test_a_position_beats_since() -> None:
    instance = FakeInstance("date")
    first = instance.happened(1, now() - 10)
    async with feed_of(instance, types=[1], since=as_utc(now() - 100)) as feed:
        (batch,) = await taken(feed)
        assert guids(batch.events) == [first]
    second = instance.happen(1)
    async with feed_of(instance, types=[1], since=as_utc(now() - 100), position=batch.position) as feed:
        assert events(await taken(feed)) == [second]


@jumping
async def test_a_position_of_another_instance_is_refused_and_leaves_nothing_open() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[1]) as feed:
        position = feed.position
    with pytest.raises(ConfigurationError, match=f"is one of {NAME}, and this client is of 999-zzz-999"):
        await feed_of(instance, name="999-zzz-999", position=position).__aenter__()
    assert len(asyncio.all_tasks()) == 1


@jumping
async def test_a_feed_opens_once() -> None:
    feed = feed_of(FakeInstance("date"), types=[1])
    feed.nudge()  # harmless: a webhook may be faster than the feed
    for use in (lambda: feed.position, feed.snapshot):
        with pytest.raises(ConfigurationError, match="not open; use it inside"):
            use()
    async with feed:
        with pytest.raises(ConfigurationError, match="opened once"):
            await feed.__aenter__()
    with pytest.raises(ConfigurationError, match="opened once"):
        await feed.__aenter__()
    with pytest.raises(ConfigurationError, match="not open"):
        await anext(feed)
    feed.nudge()


@jumping
async def test_a_batch_is_acknowledged_by_ack_or_by_asking_for_the_next() -> None:
    instance = FakeInstance("date", page=1)
    for age in (30, 20, 10):
        instance.happened(1, now() - age)
    async with feed_of(instance, types=[1], since=as_utc(now() - 100)) as feed:
        first = await anext(feed)
        assert lanes(feed.position) != lanes(first.position)
        first.ack()
        acknowledged = lanes(feed.position)
        assert acknowledged == lanes(first.position)
        first.ack()
        assert lanes(feed.position) == acknowledged
        second = await anext(feed)
        assert lanes(feed.position) == acknowledged
        await anext(feed)
        assert lanes(feed.position) == lanes(second.position)
        assert repr(second) == "<Batch activities 1: 1 events>"


@pytest.mark.parametrize("kept", [0, 1, 2, 3])
@jumping
async def test_a_restart_delivers_what_comes_after_the_position_of_any_batch(kept: int) -> None:
    instance = FakeInstance("date", page=1)
    for age in (40, 30, 20, 10):
        instance.happened(1, now() - age)
    async with feed_of(instance, types=[1], since=as_utc(now() - 100)) as feed:
        batches = [await anext(feed) for _ in range(4)]
    async with feed_of(instance, types=[1], position=batches[kept].position) as feed:
        again = events(await taken(feed))
    assert again == events(batches[kept + 1 :])


@jumping
async def test_batches_of_all_lanes_keep_one_order_of_acknowledgement() -> None:
    """The position after a batch has what was delivered before it in other lanes, and nothing else."""
    instance = FakeInstance("date", page=2)
    logged = [instance.happened(kind, now() - 100 + age) for age in range(20) for kind in (1, 6, 24)]
    async with feed_of(instance, types=[1, 6, 24], since=as_utc(now() - 200), window=3) as feed:
        batches = await taken(feed, seconds=50)
    assert sorted(events(batches)) == sorted(logged)
    for count in range(0, len(batches), 7):
        async with feed_of(instance, types=[1, 6, 24], position=batches[count].position) as feed:
            again = events(await taken(feed, seconds=50))
        assert sorted(again + events(batches[: count + 1])) == sorted(logged)


@jumping
async def test_lanes_stop_asking_while_the_window_is_full() -> None:
    instance = FakeInstance("date", page=1)
    for age in range(1000):
        instance.happened(1, now() - 1000 + age)
    async with feed_of(instance, types=[1, 6], since=as_utc(now() - 1000), window=4) as feed:
        await asyncio.sleep(600)
        asked = len(instance.calls)
        assert feed.snapshot().unacknowledged == 4
        assert sum(name == "since" for _, name in instance.calls if _ > now() - 500) <= 5  # of the other lane
        await anext(feed)
        await anext(feed)  # acknowledges one
        await asyncio.sleep(5)
        assert len(instance.calls) == asked + 1


@jumping
async def test_an_error_in_one_lane_comes_after_what_was_delivered() -> None:
    instance = FakeInstance("date")
    instance.happened(1, now() - 50)
    instance.happened(6, now() - 50)
    async with feed_of(instance, types=[1, 6], since=as_utc(now() - 100)) as feed:
        in_a_transaction = await anext(feed)
        await asyncio.sleep(10)
        instance.down = InvalidData("Field not found", code="1006", operation="since")
        await asyncio.sleep(200)  # the consumer is not disturbed
        assert in_a_transaction.events
        assert (await anext(feed)).events
        failures = []
        for _ in range(2):
            with pytest.raises(InvalidData, match="1006 Field not found") as failure:
                await anext(feed)
            failures.append(failure.value)
        assert failures[0] is not failures[1]
        assert feed.snapshot().unacknowledged == 0


@jumping
async def test_a_query_that_marketo_refuses_whatever_its_token_ends_the_feed() -> None:
    instance = FakeInstance("date")
    send = instance.send

    async def refusing(operation: Any, plan: Any) -> Any:
        answer = await send(operation, plan)
        if operation.name.endswith("lead_changes"):
            raise InvalidData("Invalid field", code="1003", operation=operation.name)
        return answer

    instance.send = refusing  # type: ignore[method-assign]
    async with feed_of(instance, types=[13]) as feed:
        with pytest.raises(InvalidData, match="Invalid field"):
            await anext(feed)
    assert len(instance.calls) == 6  # three tokens, each refused


@jumping
async def test_a_client_that_is_closed_ends_the_feed() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[1, 6]) as feed:
        waiting = asyncio.ensure_future(anext(feed))
        await asyncio.sleep(30)
        instance.closed.set()
        with pytest.raises(ConfigurationError, match="the client is closed"):
            await waiting
    assert len(asyncio.all_tasks()) == 1


@jumping
async def test_a_feed_that_is_closed_ends_the_iteration_of_another_task() -> None:
    feed = feed_of(FakeInstance("date"), types=[1])
    await feed.__aenter__()
    waiting = asyncio.ensure_future(anext(feed))
    await asyncio.sleep(30)
    await feed.__aexit__(None, None, None)
    with pytest.raises(StopAsyncIteration):
        await waiting
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("after", [0.0, 0.2, 0.5, 0.9, 1.3, 30.0])
@jumping
async def test_a_consumer_that_is_cancelled_leaves_no_task(after: float) -> None:
    instance = FakeInstance("date", page=1)
    for age in range(50):
        instance.happened(1, now() - 7200 + 100 * age)

    async def consume() -> None:
        async with feed_of(instance, since=as_utc(now() - DAY)) as feed:
            async for _ in feed:
                await asyncio.sleep(0.1)

    consumer = asyncio.create_task(consume())
    await asyncio.sleep(after)
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    assert len(asyncio.all_tasks()) == 1


@jumping
async def test_cancellation_while_the_feed_closes_is_not_lost() -> None:
    feed = feed_of(FakeInstance("date"), types=[1])
    await feed.__aenter__()
    await asyncio.sleep(0)
    closing = asyncio.create_task(feed.__aexit__(None, None, None))
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await asyncio.sleep(1)
    assert len(asyncio.all_tasks()) == 1


@pytest.mark.parametrize("mode", ["live", "settled"])
@pytest.mark.parametrize("order", ["date", "commit"])
@jumping
async def test_without_follow_it_ends_even_under_steady_traffic(mode: str, order: Any) -> None:
    instance = FakeInstance(order, page=5)
    old = [instance.happened(1, now() - 100 + age) for age in range(50)]

    async def traffic() -> None:
        while True:
            instance.happen(1)
            await asyncio.sleep(0.05)

    busy = asyncio.create_task(traffic())
    async with (
        asyncio.timeout(100),
        feed_of(
            instance, types=[1], since=as_utc(now() - 1000), follow=False, mode=mode, lag=timedelta(seconds=20)
        ) as feed,
    ):
        found = [guid async for batch in feed for guid in guids(batch.events)]
        with pytest.raises(StopAsyncIteration):
            await anext(feed)
    busy.cancel()
    expected = old if mode == "live" else old[:30]
    assert set(expected) <= set(found)


@jumping
async def test_without_follow_it_sweeps_if_that_is_due_and_each_run_carries_on() -> None:
    """A job that runs every ten minutes loses nothing that is committed within the lag."""
    instance = FakeInstance("date")
    position, found, logged = None, [], []
    for run in range(30):
        for second in range(600):
            if second % 60 == 0:
                late = 1500.0 if second == 300 else 0.0
                logged.append(instance.happen(1, late=late))
            await asyncio.sleep(1)
        async with feed_of(instance, types=[1], position=position, since=as_utc(now() - 600), follow=False) as feed:
            async for batch in feed:
                found += guids(batch.events)
                position = batch.position
        assert run > 0 or position is not None
    on_time = [guid for number, guid in enumerate(logged) if number % 10 != 5 or number < 200]
    assert set(on_time) <= set(found)


@jumping
async def test_a_far_start_is_read_by_several_scans_and_says_when_it_has_caught_up() -> None:
    instance = FakeInstance("date", page=300)
    old = [instance.happened(1, now() - 6 * DAY + 20 * number) for number in range(20_000)]
    async with feed_of(instance, types=[1], since=as_utc(now() - 7 * DAY)) as feed:
        begun = now()
        batches = [await anext(feed)]
        assert feed.snapshot().lanes[0].scans >= 1
        settled = feed.snapshot().lanes[0].settled.timestamp()
        assert settled < now() - 6 * DAY
        while not batches[-1].caught_up:
            batches.append(await anext(feed))
        assert now() - begun < len(old) / 300 * 0.4 / 1.4  # one after the other takes 0.4 s a page
        assert sorted(events(batches)) == sorted(old)
        assert not any(event.late for batch in batches for event in batch.events if not isinstance(event, Gap))
        assert sum(batch.caught_up for batch in batches) == 1
        batches[-1].ack()
        assert feed.snapshot().lanes[0].scans == 0
        assert feed.snapshot().lanes[0].settled.timestamp() > now() - 3600
        new = instance.happen(1)
        assert events(await taken(feed, seconds=400)) == [new]


@jumping
async def test_a_long_downtime_is_a_backlog_too() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[1]) as feed:
        position = feed.position
    missed = []
    for _ in range(2000):
        missed.append(instance.happen(1))
        await asyncio.sleep(60)
    async with feed_of(instance, types=[1], position=position) as feed:
        assert feed.snapshot().lanes[0].scans == 1
        found = events(await taken(feed, seconds=30))
    assert sorted(found) == sorted(missed)


@pytest.mark.parametrize("kill", [1, 3, 10, 20])
@jumping
async def test_a_backlog_resumes_where_it_was(kill: int) -> None:
    instance = FakeInstance("date", page=100)
    old = [instance.happened(1, now() - 3 * DAY + 20 * number) for number in range(10_000)]
    async with feed_of(instance, types=[1], since=as_utc(now() - 4 * DAY)) as feed:
        first = [await anext(feed) for _ in range(kill)]
    await asyncio.sleep(10)
    async with feed_of(instance, types=[1], position=first[-1].position) as feed:
        rest = events(await taken(feed, seconds=60))
    assert sorted(events(first) + rest) == sorted(old)


@jumping
async def test_deletions_older_than_14_days_are_a_gap() -> None:
    instance = FakeInstance("date")
    begun = now()
    instance.happened(37, begun - 20 * DAY)
    kept = instance.happened(37, begun - 13 * DAY)
    async with feed_of(instance, types=[1, 37], since=as_utc(begun - 30 * DAY)) as feed:
        batches = await taken(feed, seconds=20)
    gaps = [event for batch in batches for event in batch.events if isinstance(event, Gap)]
    assert [(gap.lane, gap.since, gap.reason) for gap in gaps] == [
        ("deleted leads", as_utc(begun - 30 * DAY), "Marketo keeps deletions for 14 days")
    ]
    assert 0 < gaps[0].until.timestamp() - (begun - 14 * DAY) < 610
    assert events(batches) == [kept]


@pytest.mark.parametrize("mode", ["live", "settled"])
@pytest.mark.parametrize(("away", "gap"), [(13 * DAY, False), (15 * DAY, True)])
@jumping
async def test_a_downtime_of_more_than_14_days_is_a_gap_and_a_quiet_time_is_not(
    monkeypatch: pytest.MonkeyPatch, mode: str, away: float, *, gap: bool
) -> None:
    monkeypatch.setattr(calls, "_LONGEST_NAP", 3600.0)  # days of naps
    instance = FakeInstance("date")
    position = None
    slow: dict[str, Any] = {"types": [37], "mode": mode, "poll": 900.0, "sweep": timedelta(hours=6)}
    async with feed_of(instance, **slow) as feed:
        for batch in await taken(feed, seconds=20 * DAY):
            position = batch.position
    assert position is not None  # even where nothing happens, positions come to be stored
    await asyncio.sleep(away)
    async with feed_of(instance, **slow, position=position) as feed:
        found = [event for batch in await taken(feed, seconds=30_000) for event in batch.events]
    assert [type(event) for event in found] == ([Gap] if gap else [])


@jumping
async def test_a_refused_token_of_deletions_reports_what_is_gone() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[37], since=as_utc(now() - 30 * DAY), window=1) as feed:
        assert any(isinstance(event, Gap) for event in (await anext(feed)).events)
        before = now()
        # The consumer takes 20 days for a batch: the lane waits, and its watermark falls out of what Marketo keeps.
        await asyncio.sleep(20 * DAY)
        instance.refuse_tokens()
        batches = await taken(feed, seconds=9000)
        gaps = [event for batch in batches for event in batch.events if isinstance(event, Gap)]
        assert [late.since >= early.until for early, late in pairwise(gaps)] == [True]
        assert gaps[-1].until.timestamp() > before + 5 * DAY


@jumping
async def test_late_activities_are_marked_and_counted() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[1]) as feed:
        await asyncio.sleep(100)
        late = instance.happen(1, late=1000.0)
        await asyncio.sleep(10)
        first = instance.happen(1)
        batches = await taken(feed, seconds=4000)
        snapshot = feed.snapshot()
    found = {event.guid: event.late for batch in batches for event in batch.events if not isinstance(event, Gap)}
    assert found == {first: False, late: True}
    (lane,) = snapshot.lanes
    assert (lane.late_rows, lane.late_by, snapshot.late_rows) == (1, 10.0, 1)
    assert lane.next_poll.timestamp() > now() - 1
    assert lane.behind is not None
    assert lane.behind < 301


@jumping
async def test_a_sweep_ends_with_a_batch_even_if_nothing_came() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=[1]) as feed:
        batches = await taken(feed, seconds=3 * 3600 - 100)
    assert [batch.events for batch in batches] == [[], [], [], [], []]
    watermarks = [Position.read(batch.position, instance=NAME).watermark for batch in batches]
    assert [late - early for early, late in pairwise(watermarks)] == pytest.approx([1800] * 4, abs=5)


@jumping
async def test_types_have_lags_of_their_own() -> None:
    """E-mails may be committed hours late; the others are not read again for that long."""
    instance = FakeInstance("date")
    lag = {6: timedelta(hours=4)}
    async with feed_of(instance, types=[1, 6], lag=lag) as feed:
        for _ in range(100):  # the heads move on
            instance.happen(1)
            instance.happen(6)
            await asyncio.sleep(10)
        late = {instance.happen(6, late=3.9 * 3600), instance.happen(1, late=1700.0)}
        too_late = instance.happen(1, late=5 * 3600)
        await asyncio.sleep(10)
        instance.happen(1)
        instance.happen(6)
        found = {*events(await taken(feed, seconds=8 * 3600))}
    assert late <= found
    assert too_late not in found


@jumping
async def test_types_have_names_and_a_name_that_no_type_has_is_refused() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types=["Type 24", 12]) as feed:
        instance.happen(24)
        instance.happen(1)
        created = instance.happen(12)
        instance.happen(13)
        found = [event for batch in await taken(feed, seconds=70) for event in batch.events]
    assert len(found) == 2
    assert [event.guid for event in found if isinstance(event, LeadCreated)] == [created]
    with pytest.raises(InvalidRequest, match="Typ 24"):
        await feed_of(instance, types=["Typ 24"]).__aenter__()
    assert len(asyncio.all_tasks()) == 1


@jumping
async def test_all_types_have_new_leads_changes_and_deletions() -> None:
    instance = FakeInstance("date")
    async with feed_of(instance, types="all") as feed:
        assert [lane.name for lane in feed.snapshot().lanes] == [
            "activities 1",
            "activities 6",
            "activities 24,104",
            "lead changes",
            "deleted leads",
        ]


@pytest.mark.parametrize("order", ["date", "commit"])
@jumping
async def test_another_mode_reads_again_from_the_watermark(order: Any) -> None:
    instance = FakeInstance(order)
    logged = []
    position = None
    for mode in ("live", "settled", "live", "settled"):
        found = []
        async with feed_of(instance, types=[1], mode=mode, position=position, since=as_utc(now() - 10)) as feed:
            for number in range(40):
                logged.append(instance.happen(1, late=1700.0 if number % 4 else 0.0))
                for batch in await taken(feed, seconds=60):
                    position = batch.position
                    found += guids(batch.events)
        assert len(found) == len({*found})
    everything = {*found}
    async with feed_of(instance, types=[1], mode="settled", position=position) as feed:
        everything |= {*events(await taken(feed, seconds=9000))}
    assert {*logged[120:]} <= everything


@jumping
async def test_a_position_is_short_whatever_happens() -> None:
    instance = FakeInstance("date", page=50)
    for number in range(30_000):
        instance.happened((1, 6, 24, 104, 13, 12)[number % 6], now() - 3 * DAY + 8 * number)
    async with feed_of(instance, since=as_utc(now() - 4 * DAY)) as feed:
        longest = max([len(batch.position) for batch in await taken(feed, seconds=200)])
    assert 300 < longest <= MOST_BYTES
