"""Nothing leaves loopback but what goes to Marketo and to the target: dlt's telemetry is off."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def lone_process(which: str, folder: Path) -> list[str]:
    """Run a process that may reach loopback alone, and return what it prints."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("RUNTIME__")}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-m", "tests.mirror.lone_process", which, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        env=environ,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow
def test_a_mirror_reaches_loopback_alone(tmp_path: Path) -> None:
    assert lone_process("mirror", tmp_path) == ["rows {'leads': 20}", "attempts []"]


@pytest.mark.slow
def test_a_mirror_reaches_loopback_alone_in_a_program_that_has_used_dlt(tmp_path: Path) -> None:
    assert lone_process("after dlt", tmp_path)[-1] == "attempts []"


@pytest.mark.slow
def test_dlt_alone_would_send_telemetry(tmp_path: Path) -> None:
    """Otherwise the tests above would pass for nothing."""
    (line,) = [line for line in lone_process("dlt", tmp_path) if line.startswith("attempts")]
    assert "telemetry" in line
