"""The gauge: bars on a terminal, lines elsewhere, nothing when it is quiet."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
from contextlib import suppress

import pytest
from rich.console import Console

from marketo_async import Governor, Limits, Priority
from marketo_async.cli import gauge as gauges
from marketo_async.cli.gauge import Gauge, Tally

from .commands import clean

LIMITS = Limits(calls=4, per=60.0, concurrency=2, daily=1_000)


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and tells when enough has been painted."""

    def __init__(self) -> None:
        super().__init__()
        self.painted = asyncio.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if "3,000" in text:
            self.painted.set()
        return super().write(text)


class Pipe(Terminal):
    def isatty(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gauges, "_FRAME", 0.001)
    monkeypatch.setattr(gauges, "_LINE", 0.001)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def rendered(gauge: Gauge) -> str:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as capture:
        console.print(gauge.panel())
    return capture.get()


async def test_it_reads_the_governor_and_the_tallies() -> None:
    governor = Governor(LIMITS)
    leads, deeds = Tally("leads", 300), Tally("activities", records=5)
    gauge = Gauge(governor, leads, deeds)
    leads.add(100)
    permits = [await governor.acquire() for _ in range(2)]
    waiter = asyncio.ensure_future(governor.acquire(Priority.BULK))
    await asyncio.sleep(0)
    assert gauge.line().startswith("100 of 300 leads, 5 activities | 0.0 s, 2 calls, ")
    assert gauge.line().endswith(" calls/s | window 2/4 | in flight 2/2 | quota 2/1,000")
    lines = rendered(gauge).splitlines()
    assert len(lines) == 7
    for line, told in zip(
        lines[1:], ("100 / 300", "5 records", "2 / 4 in 60 s", "2 / 2", "2 / 1,000 today"), strict=False
    ):
        assert told in line
    assert "1 waiting for a slot" in lines[-1]

    for permit in permits:
        permit.release()
    (await waiter).release()
    (await governor.acquire()).release()
    waiter = asyncio.ensure_future(governor.acquire())
    await asyncio.sleep(0)
    assert "1 waiting for the window" in rendered(gauge)
    waiter.cancel()
    with suppress(asyncio.CancelledError):
        await waiter


@pytest.mark.parametrize("quiet", [True, False])
async def test_on_a_terminal_it_is_painted_in_place_and_wiped_away(
    monkeypatch: pytest.MonkeyPatch, *, quiet: bool
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    tally = Tally("leads", 5_000)
    async with Gauge(Governor(LIMITS), tally).shown(quiet=quiet):
        tally.add(3_000)
        if not quiet:
            await terminal.painted.wait()
    painted = terminal.getvalue()
    if quiet:
        assert painted == ""
    else:
        assert "\x1b[1A\x1b[2K" in painted
        assert painted.endswith("\x1b[1A\x1b[2K")


async def test_elsewhere_it_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = Pipe()
    monkeypatch.setattr(sys, "stderr", pipe)
    monkeypatch.setenv("FORCE_COLOR", "1")
    tally = Tally("leads")
    async with Gauge(Governor(LIMITS), tally).shown():
        tally.add(3_000)
        await pipe.painted.wait()
    assert "\x1b" not in pipe.getvalue()
    assert pipe.getvalue().splitlines()[0].startswith("3,000 leads | ")


async def test_what_keeps_it_from_painting_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(Pipe):
        def write(self, text: str) -> int:
            self.painted.set()
            raise BrokenPipeError(32, "Broken pipe")

    pipe = Broken()
    monkeypatch.setattr(sys, "stderr", pipe)
    with pytest.raises(BrokenPipeError):
        async with Gauge(Governor(LIMITS)).shown():
            await pipe.painted.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_on_a_real_terminal() -> None:
    """The whole command with a pseudo-terminal as its stderr."""
    ours, theirs = os.openpty()
    command = [sys.executable, "-c", "from marketo_async.cli import main; main()", "demo"]
    numbers = ["--leads", "1500", "--activities", "0", "--latency", "0.2"]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [*command, *numbers], env=clean({"TERM": "xterm"}), stdout=subprocess.PIPE, stderr=theirs
    ) as run:
        os.close(theirs)
        painted = b""
        with suppress(OSError):
            while chunk := os.read(ours, 65_536):
                painted += chunk
        os.close(ours)
        assert run.stdout is not None
        assert b"The bound: " in run.stdout.read()
    assert run.returncode == 0
    assert b"window" in painted
    assert painted.count(b"\x1b[?25l") == painted.count(b"\x1b[?25h") == 1
