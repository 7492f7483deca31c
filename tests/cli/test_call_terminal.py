"""``call`` on a terminal: it asks before it does harm, and shows a table."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

import pytest

from marketo_async.cli.exits import Exit

from .commands import clean
from .instances import Instance


def on_terminal(instance: Instance, *words: str, typed: str) -> tuple[int, str]:
    """Run the command on a terminal of its own; return its exit code and what the terminal shows."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", "from marketo_async.cli import main; main()", "call", *words, "--store", "none"]
    shown = b""
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command, env=clean(instance.environment), stdin=theirs, stdout=theirs, stderr=theirs
    ) as process:
        os.close(theirs)
        os.write(ours, typed.encode())
        while True:
            try:
                part = os.read(ours, 4096)
            except OSError:  # Linux says so at the end of a terminal
                break
            if not part:
                break
            shown += part
        code = process.wait()
    os.close(ours)
    return code, shown.decode()


@pytest.mark.parametrize(("typed", "code"), [("y\n", Exit.DONE), ("n\n", Exit.USAGE)])
def test_it_asks_before_it_erases(instance: Instance, typed: str, code: int) -> None:
    ended, shown = on_terminal(instance, "leads.delete", "1", typed=typed)
    assert ended == code, shown
    assert "leads.delete deletes, removes, merges or discards. Call it? [y/N]" in shown
    if code == Exit.DONE:
        assert ["status", "deleted"] in [line.split() for line in shown.splitlines()]
    else:
        assert "not confirmed, and nothing was sent" in shown
        assert instance.calls == 0
