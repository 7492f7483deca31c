"""The async gate: order, cancellation, timers, smoothing, quota and what it tells."""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import UTC, datetime
from itertools import pairwise, permutations

import pytest

from marketo_async import CallRecord, Governor, Limits, Priority
from marketo_async.errors import ConfigurationError, DailyQuotaExceeded
from marketo_async.governor import Permit
from tests.governor.instance import in_virtual_time

NOON = datetime(2026, 6, 1, 17, tzinfo=UTC).timestamp()


def test_limits_that_can_not_be_kept_are_refused() -> None:
    for bad in (
        {"calls": 0},
        {"per": 0.0},
        {"concurrency": 0},
        {"daily": 0},
        {"reserve": 50_000},
        {"reserve": -1},
        {"burst": 0},
        {"burst": 101},
    ):
        with pytest.raises(ValueError, match="Limits"):
            Limits(**bad)


def test_first_come_first_served_within_a_priority_and_urgent_ones_pass() -> None:
    async def main() -> list[str]:
        governor = Governor(Limits(calls=100, concurrency=1))
        served: list[str] = []

        async def call(name: str, priority: Priority) -> None:
            permit = await governor.acquire(priority)
            served.append(name)
            await asyncio.sleep(1)
            permit.release()

        async with asyncio.TaskGroup() as group:
            for name in ("b1", "b2"):
                group.create_task(call(name, Priority.BULK))
            for name in ("n1", "n2"):
                group.create_task(call(name, Priority.NORMAL))
            for name in ("i1", "i2"):
                group.create_task(call(name, Priority.INTERACTIVE))
        return served

    assert in_virtual_time(main()) == ["b1", "i1", "i2", "n1", "n2", "b2"]


@pytest.mark.parametrize("ages", list(permutations([1.0, 2.0, 3.0, 4.0])))
def test_repeats_keep_their_age_in_whatever_order_they_come_back(ages: tuple[float, ...]) -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(concurrency=1))
        held = await governor.acquire()
        began = loop.time()
        served: list[float] = []

        async def call(since: float | None) -> None:
            permit = await governor.acquire(since=since)
            served.append(9.0 if since is None else since - began)
            permit.release()

        await asyncio.sleep(5)
        async with asyncio.TaskGroup() as group:
            group.create_task(call(None))
            for age in ages:
                group.create_task(call(began + age))
            await asyncio.sleep(1)
            held.release()
        return served

    assert in_virtual_time(main()) == pytest.approx([1.0, 2.0, 3.0, 4.0, 9.0])


def test_a_queue_of_calls_that_are_repeated_keeps_its_turns() -> None:
    """A repeat with a new age would hide how long the queue behind it has waited, and take the turns of the oldest."""

    def bulk_grants(*, repeated: bool) -> int:
        async def main() -> int:
            governor = Governor(Limits(calls=10_000, concurrency=1))
            granted = 0

            async def bulk() -> None:
                nonlocal granted
                since = asyncio.get_running_loop().time()
                for _ in range(1 + repeated):
                    permit = await governor.acquire(Priority.BULK, since=since)
                    granted += 1
                    await asyncio.sleep(0.1)
                    permit.release()

            async def urgent() -> None:
                while True:
                    permit = await governor.acquire(Priority.INTERACTIVE)
                    await asyncio.sleep(0.1)
                    permit.release()

            tasks = [asyncio.create_task(urgent()) for _ in range(3)]
            tasks += [asyncio.create_task(bulk()) for _ in range(100)]
            await asyncio.sleep(66)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            return granted

        return in_virtual_time(main())

    assert bulk_grants(repeated=True) == pytest.approx(bulk_grants(repeated=False), abs=1)


def test_a_flood_of_urgent_calls_does_not_starve_the_patient() -> None:
    async def main() -> int:
        governor = Governor(Limits(calls=1000, concurrency=1))
        urgent_before = 0
        served = 0

        async def urgent() -> None:
            nonlocal served
            while True:
                permit = await governor.acquire(Priority.INTERACTIVE)
                served += 1
                await asyncio.sleep(0.01)
                permit.release()

        floods = [asyncio.create_task(urgent()) for _ in range(5)]
        await asyncio.sleep(0.005)
        permit = await governor.acquire(Priority.BULK)
        urgent_before = served
        permit.release()
        for flood in floods:
            flood.cancel()
        await asyncio.gather(*floods, return_exceptions=True)
        return urgent_before

    assert in_virtual_time(main()) <= 12


def test_a_waiter_that_is_cancelled_leaves_no_trace() -> None:
    async def main() -> None:
        governor = Governor(Limits(calls=2, per=10.0, concurrency=2))
        permits = [await governor.acquire(), await governor.acquire()]
        waiter = asyncio.create_task(governor.acquire())
        await asyncio.sleep(0)
        assert governor.snapshot().waiting == 1
        waiter.cancel()
        await asyncio.gather(waiter, return_exceptions=True)
        assert governor.snapshot().waiting == 0
        for permit in permits:
            permit.unsent()
        assert governor.snapshot().window_used == governor.snapshot().in_flight == governor.snapshot().used_today == 0

    in_virtual_time(main())


def test_a_grant_that_meets_a_cancellation_is_given_back() -> None:
    async def main() -> None:
        governor = Governor(Limits(concurrency=1))
        held = await governor.acquire()
        waiter = asyncio.create_task(governor.acquire())
        await asyncio.sleep(0)
        held.release()  # grants the waiter, whose task has not run yet ...
        waiter.cancel()  # ... when it is cancelled
        await asyncio.gather(waiter, return_exceptions=True)
        assert waiter.cancelled()
        snapshot = governor.snapshot()
        assert (snapshot.in_flight, snapshot.window_used, snapshot.used_today) == (0, 1, 1)

    in_virtual_time(main())


def test_one_timer_however_many_wait() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(calls=1, per=5.0, concurrency=1))
        (await governor.acquire()).release()
        before = len(loop._scheduled)  # type: ignore[attr-defined]
        waiters = [asyncio.create_task(governor.acquire()) for _ in range(500)]
        await asyncio.sleep(0)
        live = [handle for handle in loop._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
        assert len(live) == before + 1
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)

    in_virtual_time(main())


def test_burst_smooths_the_start_without_changing_the_pace() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(calls=100, per=20.0, concurrency=100, burst=5))
        starts: list[float] = []

        async def call() -> None:
            permit = await governor.acquire()
            starts.append(loop.time())
            permit.release()

        await asyncio.gather(*(call() for _ in range(50)))
        return starts

    starts = in_virtual_time(main())
    assert sum(start < 0.1 for start in starts) == 5
    gaps = [later - earlier for earlier, later in pairwise(starts[5:])]
    assert max(gaps) == pytest.approx(0.2, abs=0.01)
    assert starts[-1] == pytest.approx(45 * 0.2, abs=0.05)


def test_an_urgent_call_passes_those_that_wait_for_the_smoother() -> None:
    async def main() -> list[str]:
        governor = Governor(Limits(burst=1))
        served: list[str] = []

        async def call(name: str, priority: Priority) -> None:
            permit = await governor.acquire(priority)
            served.append(name)
            permit.release()

        async with asyncio.TaskGroup() as group:
            for n in range(4):
                group.create_task(call(f"bulk{n}", Priority.BULK))
            await asyncio.sleep(0.05)
            group.create_task(call("urgent", Priority.INTERACTIVE))
        return served

    assert in_virtual_time(main()) == ["bulk0", "urgent", "bulk1", "bulk2", "bulk3"]


def test_a_spent_day_raises_for_those_who_ask_and_those_who_wait() -> None:
    async def main() -> None:
        governor = Governor(Limits(daily=3, reserve=1, concurrency=2), clock=lambda: NOON)
        permits = [await governor.acquire(), await governor.acquire()]
        with pytest.raises(DailyQuotaExceeded, match="2 of 2") as caught:
            await governor.acquire()
        assert caught.value.resets_at == datetime(2026, 6, 2, 5, tzinfo=UTC)
        assert caught.value.code == "607"
        permits[0].release(counted=False)
        (await governor.acquire()).release()

    in_virtual_time(main())


def test_all_waiters_fail_when_the_day_ends_early() -> None:
    async def main() -> None:
        governor = Governor(Limits(concurrency=1), clock=lambda: NOON)
        held = await governor.acquire()
        waiters = [asyncio.create_task(governor.acquire()) for _ in range(3)]
        await asyncio.sleep(0)
        governor.spent()
        held.release()
        results = await asyncio.gather(*waiters, return_exceptions=True)
        assert [type(result) for result in results] == [DailyQuotaExceeded] * 3
        assert len({id(result) for result in results}) == 3  # one traceback each
        assert governor.snapshot().in_flight == 0

    in_virtual_time(main())


def test_waits_for_midnight_if_on_quota_says_so() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(daily=1), on_quota="wait", clock=lambda: NOON + loop.time())
        (await governor.acquire()).release()
        (await governor.acquire()).release()
        return loop.time()

    assert in_virtual_time(main()) == pytest.approx(12 * 3600, abs=61)


def test_calibration_counts_what_others_called() -> None:
    async def main() -> None:
        governor = Governor(Limits(daily=100), clock=lambda: NOON)
        (await governor.acquire()).release()
        governor.calibrate(99)
        assert governor.snapshot().left_today == 1
        (await governor.acquire()).release()
        with pytest.raises(DailyQuotaExceeded):
            await governor.acquire()

    in_virtual_time(main())


def test_a_606_holds_everyone_back_and_shrinks_the_share() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(), rng=random.Random(1))
        permits = [await governor.acquire() for _ in range(10)]
        for permit in permits:
            permit.release()
        governor.throttled()
        snapshot = governor.snapshot()
        assert (snapshot.window_share, snapshot.refusals) == (35, 1)
        started = loop.time()
        (await governor.acquire()).release()
        assert loop.time() - started > 0.4

    in_virtual_time(main())


def test_a_615_holds_everyone_back_and_shrinks_the_slots() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits())
        permits = [await governor.acquire() for _ in range(10)]
        governor.crowded()
        assert governor.snapshot().slot_share == 1
        for permit in permits:
            permit.release()
        started = loop.time()
        (await governor.acquire()).release()
        assert loop.time() - started == pytest.approx(1.0)

    in_virtual_time(main())


def test_the_share_grows_back_while_everybody_waits() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        governor = Governor(Limits(calls=40, per=20.0, concurrency=1))
        held = await governor.acquire()
        governor.crowded()
        waiting = asyncio.create_task(governor.acquire())
        await asyncio.sleep(1)
        held.release()
        (await waiting).release()
        return loop.time()

    assert in_virtual_time(main()) == pytest.approx(1.0)


def test_a_permit_can_be_released_only_once() -> None:
    async def main() -> None:
        governor = Governor()
        permit = await governor.acquire()
        permit.answered()
        permit.answered()
        permit.release()
        permit.release(counted=False)
        permit.unsent()
        snapshot = governor.snapshot()
        assert (snapshot.in_flight, snapshot.window_used, snapshot.used_today, snapshot.granted) == (0, 1, 1, 1)

    in_virtual_time(main())


def test_one_governor_serves_one_loop_after_the_other() -> None:
    governor = Governor(Limits(concurrency=2))

    async def abandon() -> None:
        await governor.acquire()  # left under way by a loop that ends

    async def use() -> Permit:
        return await governor.acquire()

    for main in (abandon(), use()):
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            runner.run(main)
    assert governor.snapshot().in_flight == 2  # Marketo may still work on the first one's call
    assert governor.snapshot().window_used == 2


def test_two_loops_at_once_are_refused() -> None:
    governor = Governor()
    first = asyncio.new_event_loop()
    try:
        permit = first.run_until_complete(governor.acquire())

        async def use() -> None:
            with pytest.raises(ConfigurationError, match="another event loop"):
                await governor.acquire()

        in_virtual_time(use())
        permit.release()
    finally:
        first.close()


def test_a_hook_that_fails_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def hook(record: CallRecord) -> None:
        raise RuntimeError(record.operation)

    record = CallRecord(
        operation="leads.get",
        method="GET",
        path="/",
        attempt=1,
        waited=0.0,
        latency=0.1,
        status=200,
        code=None,
        request_id="a#1",
    )
    Governor().report(record)
    with caplog.at_level(logging.ERROR):
        Governor(on_call=hook).report(record)
    assert "leads.get" in caplog.text


def test_a_snapshot_needs_no_loop() -> None:
    snapshot = Governor(Limits(reserve=10), clock=lambda: NOON).snapshot()
    assert (snapshot.window_share, snapshot.slot_share, snapshot.left_today) == (100, 10, 49_990)
    assert snapshot.resets_at == datetime(2026, 6, 2, 5, tzinfo=UTC)
