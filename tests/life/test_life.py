"""The whole life of clients, as hypothesis draws it: short for every run of the suite, and ten thousand steps long."""

from __future__ import annotations

import logging
import sys

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.life.machine import Life, seen, steps


@pytest.fixture(autouse=True)
def _what_a_closed_loop_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the remains of a loop that was dropped fail quietly where they want to wake somebody on it.

    Python collects them at any later moment, and nobody can receive what they raise. Anything else is still an error.
    """
    complain = sys.unraisablehook

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        if str(unraisable.exc_value) != "Event loop is closed":
            complain(unraisable)

    monkeypatch.setattr(sys, "unraisablehook", hook)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Keep the logs of thousands of failures out of the report of one."""
    caplog.set_level(logging.CRITICAL, logger="marketo_async")


def lives(examples: int, length: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=length,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def test_every_promise_is_kept_in_short_lives() -> None:
    run_state_machine_as_test(Life, settings=lives(30, 20))

    assert seen["answers"] > 100, "callers were answered"


@pytest.mark.slow
@pytest.mark.timeout(1_500)
def test_every_promise_is_kept_over_ten_thousand_steps() -> None:
    before = steps.total()

    run_state_machine_as_test(Life, settings=lives(260, 50))

    taken = steps.total() - before
    print(f"{taken} steps: {dict(steps)}; {dict(seen)}")  # noqa: T201 - shown with -s: the figures that this is for
    assert taken >= 10_000
