"""A killed process leaves no call without an intent on record, by the sandbox's own log, and a chain to continue."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from marketo_async.mcp.audit.query import read_records, verify_file
from marketo_async.sandbox import Sandbox
from marketo_async.sandbox.stats import Arrived
from tests.mcp.guarded import ROOMY

FIRST = 1_000_000


class Killer:
    """Kills a process a moment after so many calls have arrived; it is the latency of a sandbox."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.left, self.after = 0, 0.0

    def __call__(self, rng: random.Random, method: str, path: str) -> float:
        if "identity" in path:
            return 0.0
        self.left -= 1
        if self.left == 0 and self.pid is not None:
            threading.Timer(self.after, os.kill, (self.pid, signal.SIGKILL)).start()
        return rng.uniform(0.0, 0.003)


@contextmanager
def a_sandbox(killer: Killer) -> Iterator[Sandbox]:
    sandbox = Sandbox(leads=1, activities=1, limits=ROOMY, latency=killer)
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(sandbox):
        yield sandbox


def killed_at(rng: random.Random, killer: Killer, sandbox: Sandbox, folder: Path, number: int) -> list[Arrived]:
    """Run a writer until it is killed, and return what arrived of it."""
    arrived: list[Arrived] = []
    sandbox.stats.requests = arrived
    credentials = [sandbox.client_id, sandbox.client_secret]
    first = str(FIRST + number * 100_000)
    killer.left, killer.after, killer.pid = rng.randint(1, 40), rng.uniform(0.0, 0.01), None
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "tests.mcp.writer", sandbox.base_url, *credentials, folder, first]
    )
    killer.pid = process.pid
    assert process.wait(60) == -signal.SIGKILL
    return arrived


def intents_of(folder: Path) -> set[int]:
    (path,) = (folder / "audit").glob("*.jsonl")
    assert verify_file(path).good
    return {
        number
        for record in read_records(path)
        if record.kind == "intent"
        for number in record.arguments["json"]["input"]["id"]
    }


def kill_many(folder: Path, moments: int) -> None:
    rng, killer = random.Random(moments), Killer()
    with a_sandbox(killer) as sandbox:
        for number in range(moments):
            arrived = killed_at(rng, killer, sandbox, folder, number)
            written = {one["id"] for call in arrived if call.body for one in json.loads(call.body)["input"]}
            assert written
            assert written <= intents_of(folder)


def test_no_call_of_a_killed_process_is_without_an_intent(tmp_path: Path) -> None:
    kill_many(tmp_path, 2)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_no_call_is_without_an_intent_at_many_moments(tmp_path: Path) -> None:
    kill_many(tmp_path, int(os.environ.get("AGENT_KILLS", "15")))
