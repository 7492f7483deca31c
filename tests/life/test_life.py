"""The whole life of clients, as hypothesis draws it: short for every run of the suite, and ten thousand steps long."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.life.machine import Life, seen, steps

EVERYTHING = list(HealthCheck)


def lives(examples: int, length: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=length,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=EVERYTHING,
    )


def test_every_promise_is_kept_in_short_lives() -> None:
    run_state_machine_as_test(Life, settings=lives(25, 20))


@pytest.mark.slow
@pytest.mark.timeout(1_500)
def test_every_promise_is_kept_over_ten_thousand_steps() -> None:
    before = steps.total()
    run_state_machine_as_test(Life, settings=lives(300, 50))
    taken = steps.total() - before
    print(f"{taken} steps: {dict(steps)}; {dict(seen)}")
    assert taken >= 10_000
