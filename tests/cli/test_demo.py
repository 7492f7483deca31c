"""The demo, with limits that are scaled down: what it reports, and what it would not keep quiet about."""

from __future__ import annotations

import asyncio
import io
from collections import Counter

import pytest
from rich.console import Console

from marketo_async import Limits
from marketo_async.cli import demo
from marketo_async.cli.demo import DemoResult, Drained
from marketo_async.cli.least_time import LeastTime
from marketo_async.sandbox import Stats

from .commands import invoke

LIMITS = Limits(calls=30, per=0.5)


def shown(result: DemoResult) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as capture:
        console.print(result.report())
    return capture.get()


def result(*, missing: int = 0, doubled: int = 0, refused: int = 0) -> DemoResult:
    return DemoResult(
        leads=Drained(300, 300 - missing, 300 - missing),
        activities=Drained(300, 300 + doubled, 300),
        elapsed=2.0,
        stats=Stats(calls=2, refused=Counter({"606": refused}), peak_window=2, max_in_flight=2, counted_today=2),
        bound=LeastTime(calls=2, latency=0.5, limits=Limits()),
    )


async def test_it_uses_up_the_window_and_is_never_refused() -> None:
    seen = await demo.run(leads=9_000, activities=5_500, latency=0.01, seed=1, quiet=True, limits=LIMITS)
    assert seen.flawless
    assert seen.stats.calls == seen.bound.calls == 30 + 2 * 20
    assert seen.stats.peak_window <= LIMITS.calls
    assert seen.stats.max_in_flight == LIMITS.concurrency
    assert seen.bound.seconds <= seen.elapsed
    told = shown(seen)
    assert "9,000" in told
    assert "5,500" in told
    assert "of the possible pace" in told
    assert "The bound: 70 calls take at least 1.01 s: 1 s of window, then the last 10, 10 at once" in told


def test_the_command_reports_on_stdout_and_progress_on_stderr() -> None:
    ended = invoke("demo", "--leads", 600, "--activities", 300, "--latency", 0.01, "--seed", 3)
    assert ended.code == 0
    assert "codes 606, 607 and 615" in ended.stdout
    assert ended.stderr == "A sandbox with 600 leads and 300 activities, on loopback.\n"


def test_quiet_it_only_reports() -> None:
    ended = invoke("demo", "--leads", 0, "--activities", 0, "--latency", 0, "--quiet")
    assert (ended.code, ended.stderr) == (0, "")
    assert "unbounded" in ended.stdout
    assert "possible" not in ended.stdout


def test_what_went_wrong_is_told() -> None:
    assert result().flawless
    for flawed, told in (
        (result(missing=3), "3 missing, 0 doubled"),
        (result(doubled=2), "0 missing, 2 doubled"),
        (result(refused=1), "refused "),
    ):
        assert not flawed.flawless
        assert told in shown(flawed)


def test_what_went_wrong_is_an_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(**_: object) -> DemoResult:
        await asyncio.sleep(0)
        return result(refused=1)

    monkeypatch.setattr(demo, "run", run)
    assert invoke("demo").code == 1
