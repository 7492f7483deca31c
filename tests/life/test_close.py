"""What close() promises to those that wait for a call which is not theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.life.machine import Life


@pytest.fixture
def life() -> Iterator[Life]:
    life = Life()
    life.begin(
        seed=1,
        kind="memory",
        calls=10,
        per=5.0,
        concurrency=1,
        on_quota="raise",
        hook="none",
        token_life=3_600.0,
    )
    yield life
    life.clean_up()


def test_a_call_that_waits_for_the_description_that_another_one_asks_for_ends_with_the_client(life: Life) -> None:
    (client,) = life.clients()
    life.healthy(client)
    life.instance.weather = {"slowest": 1}
    callers = [life.call(client, "thing", timeout=None) for _ in range(3)]
    life.loop.run_for(1.0)
    closed = life.timeline.now

    life.close(client, 5.0)

    late = [caller for caller in callers if caller.ended is not None and caller.ended > closed + 0.1]
    assert late == callers[:1], "only the call that was under way had the grace"
    assert all(caller.error is not None for caller in callers)
    assert len({id(caller.error) for caller in callers}) == 3
