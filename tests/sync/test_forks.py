"""A fork has its parent's client without the loop's thread: each way to use it is refused, and touches nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from marketo_async.sandbox import Sandbox

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")

# Each statement is run in a fork of its own, of a process whose client, batcher, listings and writes are under way.
BLOCKING = [
    "marketo.open()",
    "marketo.__enter__()",
    "marketo.call('GET', '/rest/v1/leads.json')",
    "marketo.calibrate()",
    "marketo.snapshot()",
    "marketo.leads.get(1)",
    "marketo.with_options(timeout=1).leads.get(1)",
    "marketo.leads.by_filter('id', [1]).all()",
    "marketo.leads.by_filter('id', [1]).first()",
    "list(marketo.leads.by_filter('id', [1]))",
    "next(pages)",
    "list(rows)",
    "list(results)",
    "pager.all()",
    "marketo.leads.sync([{'email': 'b@example.com'}]).all()",
    "list(marketo.leads.sync([{'email': 'b@example.com'}]))",
    "marketo.leads.batcher().__enter__()",
    "batcher.put({'email': 'b@example.com'})",
    "batcher.submit({'email': 'b@example.com'})",
    "batcher.flush()",
    "batcher.set_aside()",
    "batcher.close()",
    "batcher.__exit__(None, None, None)",
    "next(iter(marketo.bulk.leads.export(fields=['id'], created_at=('2026-01-01', '2026-02-01'))))",
    "marketo.bulk.leads.load([{'email': 'b@example.com'}])",
    "marketo.bulk.used_today()",
    "marketo.bulk.leads.jobs().all()",
    "marketo.changes().__enter__()",
    "next(feed)",
    "feed.nudge()",
    "feed.snapshot()",
    "feed.position",
    "batch.ack()",
    "feed.__exit__(None, None, None)",
]
HARMLESS = ["marketo.close()", "pages.close()", "results.close()", "del pages, results, rows", "repr(marketo)"]

PROLOGUE = """
import asyncio, os, signal, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads, from 3.12 on
from marketo_async.errors import ConfigurationError

def tried(statement, names):
    "What becomes of a statement in a fork: nothing, a refusal, another error, or a hang."
    child = os.fork()
    if child == 0:
        signal.alarm(10)
        try:
            exec(statement, names)
        except ConfigurationError as error:
            os._exit(1 if f"in process {os.getppid()}" in str(error) else 3)
        except BaseException as error:
            print(statement, type(error), error, file=sys.stderr, flush=True)
            os._exit(2)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""

PARENT = """
from marketo_async.sync import Marketo

with Marketo(sys.argv[1], client_id=sys.argv[2], client_secret=sys.argv[3]) as marketo:
    with marketo.leads.batcher(journal=sys.argv[4]) as batcher, marketo.changes(since="2026-01-01") as feed:
        batch = next(feed)
        batcher.put({"email": "a@example.com"})
        pager = marketo.leads.by_filter("id", range(1, 900))
        pages, rows = pager.pages(), iter(marketo.leads.by_filter("id", range(1, 900)))
        results = iter(marketo.leads.sync({"email": f"{n}@example.com"} for n in range(900)))
        next(pages), next(rows), next(results)
        for statement in sys.stdin.read().splitlines():
            print(tried(statement, globals()), statement, flush=True)
        assert len(list(rows)) == 898 and len(list(results)) == 899
        pages.close()
    print(marketo.leads.get(3)["id"])
"""


def in_forks(parent: str, sandbox: Sandbox, statements: list[str], journal: str) -> list[str]:
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", PROLOGUE + parent, sandbox.base_url, sandbox.client_id, sandbox.client_secret, journal],
        input="\n".join(statements),
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_each_way_into_a_blocking_client_is_refused_in_a_fork_and_the_parent_goes_on(
    sandbox: Sandbox, tmp_path: os.PathLike[str]
) -> None:
    found = in_forks(PARENT, sandbox, BLOCKING + HARMLESS, os.path.join(tmp_path, "journal"))  # noqa: PTH118 - as text
    assert found == [*(f"1 {statement}" for statement in BLOCKING), *(f"0 {statement}" for statement in HARMLESS), "3"]


ASYNC = [
    "asyncio.run(marketo.leads.get(1))",
    "asyncio.run(marketo.leads.by_filter('id', [1]).all())",
    "asyncio.run(marketo.leads.sync([{'email': 'b@example.com'}]).all())",
    "asyncio.run(marketo.calibrate())",
    "asyncio.run(marketo.leads.describe())",
    "asyncio.run(batcher.put({'email': 'b@example.com'}))",
    "asyncio.run(batcher.submit({'email': 'b@example.com'}))",
    "asyncio.run(batcher.flush())",
    "asyncio.run(batcher.set_aside())",
]

ASYNC_PARENT = """
from marketo_async import Marketo

async def main():
    async with Marketo(sys.argv[1], client_id=sys.argv[2], client_secret=sys.argv[3]) as marketo:
        async with marketo.leads.batcher(journal=sys.argv[4]) as batcher:
            await batcher.put({"email": "a@example.com"})
            await marketo.leads.get(1)
            names = {"asyncio": asyncio, "marketo": marketo, "batcher": batcher}
            for statement in sys.stdin.read().splitlines():
                print(tried(statement, names), statement, flush=True)
        print((await marketo.leads.get(3))["id"])

asyncio.run(main())
"""


def test_each_way_into_an_async_client_is_refused_in_a_fork(sandbox: Sandbox, tmp_path: os.PathLike[str]) -> None:
    harmless = ["asyncio.run(marketo.close())", "asyncio.run(batcher.close())"]
    found = in_forks(ASYNC_PARENT, sandbox, ASYNC + harmless, os.path.join(tmp_path, "journal"))  # noqa: PTH118
    assert found == [*(f"1 {statement}" for statement in ASYNC), *(f"0 {statement}" for statement in harmless), "3"]


CHILD_OPENS = """
from marketo_async.sync import Marketo

marketo = Marketo(sys.argv[1], client_id=sys.argv[2], client_secret=sys.argv[3])
print(tried("with marketo: marketo.leads.get(1)", globals()))
with marketo:
    print(marketo.leads.get(3)["id"])
print(tried("with marketo: marketo.leads.get(1)", globals()))
"""


def test_a_client_that_was_made_but_is_not_open_can_be_opened_in_a_fork(sandbox: Sandbox) -> None:
    assert in_forks(CHILD_OPENS, sandbox, [], "") == ["0", "3", "0"]
