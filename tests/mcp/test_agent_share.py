"""The share and the day's budget of an agent: what it may use, whatever the others do."""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async import Governor, Limits, Marketo
from marketo_async.call import Options
from marketo_async.caller import Caller
from marketo_async.errors import StoreUnavailable
from marketo_async.governor import CallRecord
from marketo_async.mcp.agent_share import CALLS, RECORDS, DayBudget, share_of
from marketo_async.mcp.policy import Caps
from marketo_async.operation import Operation, Plan, many
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN, MockedMarketo, ok

NOON = 1_795_024_800.0  # 2026-11-18, 12:00 in Chicago
DAY = 86_400.0


class Clock:
    now = NOON

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("caps", "calls", "at_once"),
    [
        (Caps(), 70, 3),
        (Caps(calls_a_window=30, at_once=5), 30, 5),
        (Caps(calls_a_window=1000, at_once=1000), 100, 10),
    ],
)
def test_a_share_is_a_part_of_the_instance(caps: Caps, calls: int, at_once: int) -> None:
    found = share_of(caps, Limits()).limits

    assert (found.calls, found.concurrency, found.per) == (calls, at_once, 20.0)
    assert share_of(Caps(), Limits(calls=1)).limits.calls == 1


def test_a_budget_is_of_one_agent_and_one_day(tmp_path: Path) -> None:
    clock = Clock()
    budget = DayBudget(tmp_path / "state" / "budget.db", clock=clock)
    assert budget.take("a", CALLS, 3, 5) == 3
    assert budget.take("a", CALLS, 3, 5) == 0
    assert budget.take("a", CALLS, 3, 5, whole=False) == 2
    assert budget.take("b", CALLS, 3, 5) == 3
    assert budget.take("a", RECORDS, 3, 5) == 3
    assert budget.resets_at().isoformat() == "2026-11-19T06:00:00+00:00"
    budget.close()

    again = DayBudget(tmp_path / "state" / "budget.db", clock=clock)
    assert again.used("a", CALLS) == 5
    again.give_back("a", CALLS, 2)
    assert again.used("a", CALLS) == 3
    again.give_back("a", CALLS, 99)
    assert again.used("a", CALLS) == 0
    clock.now += DAY
    assert again.take("a", RECORDS, 5, 5) == 5
    again.close()
    again.close()


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans(), st.booleans()), max_size=30))
@settings(max_examples=50)
def test_a_budget_is_never_exceeded(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bool, bool]]
) -> None:
    """Whatever is taken and given back, what is used is what was granted, and at most the budget."""
    budget = DayBudget(tmp_path_factory.mktemp("budget") / "budget.db", clock=Clock())
    used = 0
    for n, whole, back in steps:
        if back:
            budget.give_back("a", CALLS, min(n, used))
            used -= min(n, used)
            continue
        taken = budget.take("a", CALLS, n, 20, whole=whole)
        assert taken in ({0, n} if whole else range(n + 1))
        assert taken == n or used + n > 20
        used += taken
        assert budget.used("a", CALLS) == used <= 20
    budget.close()


def _take_many(path: Path, results: Callable[[int], object]) -> None:
    budget = DayBudget(path)
    results(sum(budget.take("a", CALLS, 1, 100) for _ in range(80)))


def test_processes_share_one_budget(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.SimpleQueue()
    workers = [context.Process(target=_take_many, args=(tmp_path / "budget.db", queue.put)) for _ in range(3)]
    for worker in workers:
        worker.start()
    taken = [queue.get() for _ in workers]
    for worker in workers:
        worker.join()

    assert sum(taken) == 100


def test_a_job_is_of_the_agent_that_started_it(tmp_path: Path) -> None:
    clock = Clock()
    budget = DayBudget(tmp_path / "budget.db", clock=clock)
    budget.add_job("a", "1")
    budget.add_job("a", "1")
    assert budget.owns_job("a", "1")
    assert not budget.owns_job("b", "1")
    clock.now += 31 * DAY
    budget.add_job("a", "2")
    assert not budget.owns_job("a", "1")
    budget.close()


def test_a_budget_that_can_not_be_kept_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no database, and long enough to be read as one\n" * 50)
    with pytest.raises(StoreUnavailable, match="file is not a database"):
        DayBudget(tmp_path / "file").take("a", CALLS, 1, 1)
    with pytest.raises(StoreUnavailable, match="the budgets of agents need a writable folder"):
        DayBudget(tmp_path / "file" / "budget.db").take("a", CALLS, 1, 1)


READ = Operation(name="activities.types", method="GET", path="/rest/v1/activities/types.json")
PLAN: Plan[list[object]] = many(object)


@pytest.mark.looptime
async def test_a_flooding_agent_does_not_delay_a_calm_one(mocked: MockedMarketo) -> None:
    """One agent has 40 calls waiting at any time, the other makes one a second for two minutes."""
    mocked.script, mocked.latency = [ok()], 0.2
    governor = Governor(Limits())
    flood, calm = share_of(Caps(), governor.limits), share_of(Caps(), governor.limits)
    heard: list[CallRecord] = []
    waits: list[float] = []
    loop = asyncio.get_running_loop()
    async with Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, governor=governor) as marketo:
        noisy = Caller(marketo._open_client, Options(share=flood, on_call=heard.append))
        quiet = Caller(marketo._open_client, Options(share=calm))

        async def keep_calling() -> None:
            while True:
                await noisy.send(READ, PLAN)

        flooding = [asyncio.create_task(keep_calling()) for _ in range(40)]
        for _ in range(120):
            await asyncio.sleep(1.0)
            began = loop.time()
            await quiet.send(READ, PLAN)
            waits.append(loop.time() - began)
        for task in flooding:
            task.cancel()
        await asyncio.gather(*flooding, return_exceptions=True)

    assert statistics.quantiles(waits, n=20)[-1] <= 0.5  # with the call's own 0.2 s
    assert len(heard) > 350  # the flood has what is left: 70 calls in 20 s
    assert governor.snapshot().refusals == 0
    times = [sent.at for sent in mocked.calls]
    assert max(sum(1 for other in times if at - 20.0 < other <= at) for at in times) <= 100


@pytest.mark.looptime
async def test_equal_agents_get_equal_parts(mocked: MockedMarketo) -> None:
    """Jain's index of the calls of four agents that all want more than there is."""
    mocked.script, mocked.latency = [ok()], 0.1
    governor = Governor(Limits())
    made = [0] * 4
    async with Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, governor=governor) as marketo:

        async def keep_calling(number: int, caller: Caller) -> None:
            while True:
                await caller.send(READ, PLAN)
                made[number] += 1

        tasks = []
        for number in range(4):
            caller = Caller(marketo._open_client, Options(share=share_of(Caps(), governor.limits)))
            tasks += [asyncio.create_task(keep_calling(number, caller)) for _ in range(5 * (number + 1))]
        await asyncio.sleep(200.0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    assert sum(made) ** 2 / (4 * sum(count**2 for count in made)) >= 0.9
