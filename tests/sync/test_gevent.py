"""Under gevent: a real thread is used where there is one; greenlets in its place are refused with a clear message."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from marketo_async.errors import ConfigurationError
from marketo_async.portal import Portal
from marketo_async.sandbox import Sandbox

CALLS = """
import sys
from gevent import monkey
monkey.patch_all(thread=sys.argv[4] == "patched")
import gevent
from marketo_async.sync import Marketo
from marketo_async.errors import ConfigurationError

marketo = Marketo(sys.argv[1], client_id=sys.argv[2], client_secret=sys.argv[3])
try:
    marketo.open()
except ConfigurationError as error:
    print(error)
else:
    greenlets = [gevent.spawn(lambda: marketo.leads.get(2)["id"]) for _ in range(3)]
    gevent.joinall(greenlets)
    print([greenlet.value for greenlet in greenlets], len(list(marketo.leads.by_filter("id", range(1, 500)))))
    marketo.close()
"""


@pytest.fixture(scope="module")
def gevent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install gevent for these tests alone, beside what the interpreter has."""
    target: Path = tmp_path_factory.mktemp("gevent")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--target",
        str(target),
    ]
    done = subprocess.run([*command, "gevent"], capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    if done.returncode:
        pytest.skip(f"gevent can't be installed: {done.stderr.strip()[-300:]}")
    return target


def under(gevent: Path, sandbox: Sandbox, threads: str) -> str:
    arguments = [sandbox.base_url, sandbox.client_id, sandbox.client_secret, threads]
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", CALLS, *arguments],
        env={**os.environ, "PYTHONPATH": str(gevent)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_blocking_client_works_beside_greenlets_and_is_refused_on_them(gevent: Path, sandbox: Sandbox) -> None:
    assert under(gevent, sandbox, "real") == "[2, 2, 2] 499"
    assert under(gevent, sandbox, "patched").startswith("gevent has replaced the threads of this process")


def test_threads_that_are_not_real_are_refused_before_anything_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def get_ident() -> int:
        return 1

    async def nothing() -> None: ...

    get_ident.__module__ = "gevent.thread"
    before = threading.active_count()
    with monkeypatch.context() as patched:
        patched.setattr(threading, "get_ident", get_ident)
        with pytest.raises(ConfigurationError, match=r"gevent has replaced .*patch_all"):
            Portal().open(nothing)
    assert threading.active_count() == before
