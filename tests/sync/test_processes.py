"""How a blocking client ends with its process: left open, interrupted, forked. Each in an interpreter of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from marketo_async.sandbox import Sandbox
from tests.sync.conftest import Start

OPENED = """
import logging, os, signal, sys, threading
logging.getLogger("asyncio").setLevel(logging.ERROR)  # not of slow callbacks, which the load of the machine makes
from marketo_async.errors import ConfigurationError
from marketo_async.sync import Marketo
marketo = Marketo(sys.argv[1], client_id=sys.argv[2], client_secret=sys.argv[3]).open()
def drain_or_be_told():
    try:
        while marketo.lists.leads(1001).all(): pass
    except ConfigurationError as error:
        assert "closed" in str(error), error
"""


def run(sandbox: Sandbox, code: str) -> subprocess.Popen[str]:
    """Start an interpreter with an open client, warnings as errors and every check of the loop on."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", OPENED + code]
    return subprocess.Popen(  # noqa: S603 - our own code
        [*command, sandbox.base_url, sandbox.client_id, sandbox.client_secret],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(
    "code",
    [
        "print(marketo.leads.get(1)['id'])",
        "pager = iter(marketo.lists.leads(1001)); print(next(pager)['id'])",
        "print(marketo.leads.get(1)['id']); marketo.leads.get(2); sys.exit()",
        # A daemon thread in the middle of a call, and one that still works when the main thread has ended.
        "print(1, flush=True); threading.Thread(target=drain_or_be_told, daemon=True).start()",
        "threading.Thread(target=lambda: [marketo.leads.get(1) for _ in range(9)] and print(1)).start()",
    ],
)
def test_a_process_ends_although_its_client_was_left_open(sandbox: Sandbox, code: str) -> None:
    with run(sandbox, code) as process:
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout.strip(), stderr) == (0, "1", "")


CALLING = """
print("calling", flush=True)
try:
    CALL
except KeyboardInterrupt:
    print("interrupted", marketo.snapshot().waiting)
    marketo.close(grace=0.0)
"""


@pytest.mark.parametrize(
    "call",
    [
        "marketo.leads.get(1)",
        "marketo.leads.by_filter('id', range(10_000)).all()",
        "[lead for lead in marketo.leads.by_filter('id', range(10_000))]",
        "marketo.leads.sync([{'email': 'a@example.com'}]).all()",
        "for result in marketo.leads.sync({'email': f'a{n}@example.com'} for n in range(5000)): print(result)",
    ],
)
def test_an_interrupt_ends_a_call_at_once_and_nothing_hangs(start: Start, call: str) -> None:
    sandbox = start(latency=(600.0, 0.0))
    with run(sandbox, CALLING.replace("CALL", call)) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "calling\n"
        while not sandbox.stats.max_in_flight:  # until the call is under way
            os.sched_yield()
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout, stderr) == (0, "interrupted 0\n", "")


FORKED = """
assert marketo.leads.get(1)
child = os.fork()
if child == 0:
    try:
        marketo.leads.get(2)
    except ConfigurationError as error:
        print(error, flush=True)
    marketo.close()
    with Marketo(sys.argv[1], client_id=sys.argv[2], client_secret=sys.argv[3]) as own:
        print(own.leads.get(3)["id"], flush=True)
    sys.exit(7)
_, status = os.waitpid(child, 0)
print(os.waitstatus_to_exitcode(status), marketo.leads.get(4)["id"])
marketo.close()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_is_told_so_and_disturbs_nothing(sandbox: Sandbox) -> None:
    quiet = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)\n"  # of forking with threads, 3.12
    with run(sandbox, quiet + FORKED) as process:
        stdout, stderr = process.communicate()
    lines = stdout.splitlines()
    assert (process.returncode, stderr) == (0, "")
    assert lines[0].startswith("the client was opened in process ")
    assert "open a client in each process" in lines[0]
    assert lines[1:] == ["3", "7 4"]
    assert sandbox.stats.identity_calls == 2
