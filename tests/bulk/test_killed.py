"""An export killed without warning and run again: the same file, and no job made twice.

Each kill strikes when a certain call reaches the server, which goes on with it: so the answer to a job's making is lost
just when nobody is left to hear it, and a file is cut off in its midst.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox

from .instances import DAY, FILES, QUICK, jobs

WINDOWS = 5
_RUN = """
import asyncio, sys
from marketo_async import Governor, Limits, Marketo
async def main(url, client_id, secret, out, since, until):
    governor = Governor(Limits(calls=10**6, daily=10**6))
    async with Marketo(url, client_id=client_id, client_secret=secret, governor=governor) as marketo:
        fields = ["id", "email", "createdAt"]
        await marketo.bulk.leads.export_to(out, fields=fields, created_at=(since, until), poll=0.01)
asyncio.run(main(*sys.argv[1:]))
"""


class Trap:
    """Kills a process when a certain call arrives for the so manieth time."""

    def __init__(self) -> None:
        self.ending: str | None = None
        self.left = 0
        self.pid = 0

    def __call__(self, rng: random.Random, method: str, path: str) -> float:
        if self.ending is not None and path.endswith(self.ending):
            self.left -= 1
            if self.left == 0:
                os.kill(self.pid, signal.SIGKILL)
        return 0.0


@contextmanager
def running(trap: Trap) -> Iterator[Sandbox]:
    sandbox = Sandbox(
        leads=500,
        activities=0,
        limits=InstanceLimits(calls=100_000, daily=1_000_000),
        quirks=Quirks(**QUICK),  # type: ignore[arg-type]
        latency=trap,
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(sandbox):
        yield sandbox


def run(sandbox: Sandbox, out: Path, trap: Trap | None = None) -> int:
    until = STARTED
    since = until - 31 * WINDOWS * DAY
    arguments = (sandbox.base_url, sandbox.client_id, sandbox.client_secret, str(out), since.isoformat())
    with subprocess.Popen(  # noqa: S603 - our own code
        [sys.executable, "-c", _RUN, *arguments, until.isoformat()], stderr=subprocess.PIPE, text=True
    ) as process:
        if trap is not None:
            trap.pid = process.pid
        _, complaints = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, complaints
    return process.returncode


STARTED = datetime.now(UTC)


@pytest.mark.parametrize(
    ("ending", "times"),
    [
        ("/create.json", 4),
        pytest.param("/create.json", 1, marks=pytest.mark.slow),
        pytest.param("/enqueue.json", 2, marks=pytest.mark.slow),
        pytest.param("/file.json", 3, marks=pytest.mark.slow),
        pytest.param("/status.json", 5, marks=pytest.mark.slow),
    ],
)
def test_killed_at_any_call_it_goes_on_without_a_job_too_many(ending: str, times: int, tmp_path: Path) -> None:
    trap = Trap()
    with running(trap) as sandbox:
        trap.ending, trap.left = ending, times
        out = tmp_path / "leads.csv"
        assert run(sandbox, out, trap) == -signal.SIGKILL
        assert not out.exists()
        trap.ending = None
        assert run(sandbox, out) == 0
        made = jobs(sandbox)
        assert [job.status for job in made] == ["Completed"] * WINDOWS
        since = STARTED - 31 * WINDOWS * DAY
        wanted = [
            lead["id"]
            for lead in map(sandbox.instance.leads.get, sandbox.instance.leads.ids())
            if lead and since <= datetime.fromisoformat(str(lead["createdAt"])) < STARTED
        ]
    rows = out.read_text().splitlines()
    assert rows[0] == "id,email,createdAt"
    assert [row.partition(",")[0] for row in rows[1:]] == list(map(str, wanted))
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_the_pattern_of_files_is_that_of_the_server() -> None:
    assert FILES.endswith("/file.json")
