"""However a forked child ends, the journal and the store of its parent stay whole: real forks, each wait bounded."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

ENDS = {
    "exits": "sys.exit()",
    "raises": "raise ValueError",
    "forgets": "del user; gc.collect(); os._exit(0)",
}

PROLOGUE = """
import asyncio, gc, os, signal, sys, warnings
from marketo_async.batcher.journal import Journal
from marketo_async.batcher.queue import Entry
from marketo_async.governor import Governor, Limits, SQLiteStore
warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, from 3.12 on
signal.alarm(15)

async def called(governor):
    (await governor.acquire()).release()
    await governor.flush()
    return governor.snapshot().window_used
"""

# The parents are killed in the end, so that nothing but what is on disk counts.
JOURNAL = """
async def begin():
    await user.open()
    await user.add(Entry(1, "a", b'"a"'))

user = Journal({path!r})
asyncio.run(begin())
if (child := os.fork()) == 0:
    signal.alarm(5)
    {end}
os.waitpid(child, 0)
asyncio.run(user.add(Entry(2, "b", b'"b"')))
os.kill(os.getpid(), signal.SIGKILL)
"""

NEXT_JOURNAL = """
print(asyncio.run(Journal({path!r}).open())[0])
"""

STORE = """
user = Governor(Limits(calls=10), store=SQLiteStore({path!r}))
asyncio.run(called(user))
if (child := os.fork()) == 0:
    signal.alarm(5)
    {end}
os.waitpid(child, 0)
asyncio.run(called(user))
os.kill(os.getpid(), signal.SIGKILL)
"""

NEXT_STORE = """
print(asyncio.run(called(Governor(Limits(calls=10), store=SQLiteStore({path!r})))))
"""


def run(script: str, path: Path, end: str = "") -> subprocess.CompletedProcess[str]:
    code = PROLOGUE + script.format(path=str(path), end=end)
    return subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False
    )


@pytest.mark.parametrize(
    ("parent", "next_one", "kept"),
    [(JOURNAL, NEXT_JOURNAL, "2\n"), (STORE, NEXT_STORE, "3\n")],
    ids=["journal", "store"],
)
@pytest.mark.parametrize(
    "end",
    [ENDS["exits"], *(pytest.param(ENDS[end], marks=pytest.mark.slow) for end in ("raises", "forgets"))],
    ids=ENDS,
)
def test_what_the_parent_writes_after_a_child_has_ended_is_kept(
    parent: str, next_one: str, kept: str, end: str, tmp_path: Path
) -> None:
    path = tmp_path / "kept.db"
    killed = run(parent, path, end)
    assert killed.returncode == -9, killed.stderr
    found = run(next_one, path)
    assert (found.stdout, found.stderr) == (kept, "")
