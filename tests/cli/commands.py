"""Running the command: in this process, or in one of its own that can be interrupted and killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from typer.testing import CliRunner

from marketo_async.cli.app import app

# A progress line every few milliseconds, so that tests can watch a run without waiting.
_TALKATIVE = "import marketo_async.cli.gauge as g, marketo_async.cli as c; g._LINE = 0.005; c.main()"


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str
    raw: bytes = b""
    """Stdout as bytes, from `invoke` only."""


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of this process without any instance but the given one."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MARKETO_")}
    return {**inherited, **environment}


def invoke(*arguments: object, environment: Mapping[str, str] | None = None, stdin: str | None = None) -> Ended:
    """Run the command in this process."""
    given: dict[str, str | None] = {name: None for name in os.environ if name.startswith("MARKETO_")}
    result = CliRunner().invoke(app, list(map(str, arguments)), env={**given, **(environment or {})}, input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    text = result.stdout_bytes.decode(errors="surrogateescape").replace("\r\n", "\n")
    return Ended(result.exit_code, text, result.stderr, result.stdout_bytes)


class Process:
    """The command in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.seen: list[str] = []

    @property
    def stderr(self) -> IO[str]:
        assert self._process.stderr is not None
        return self._process.stderr

    @property
    def stdout(self) -> IO[str]:
        assert self._process.stdout is not None
        return self._process.stdout

    def wait_for(self, wanted: Callable[[str], bool]) -> str:
        """Read stderr up to the first line that is wanted."""
        for line in self.stderr:
            self.seen.append(line)
            if wanted(line):
                return line
        raise AssertionError(f"ended with {self._process.wait()} before the line came: {self.seen}")

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self) -> Ended:
        """Wait for the end, reading what is left."""
        stdout, stderr = self._process.communicate()
        return Ended(self._process.returncode, stdout, "".join(self.seen) + stderr)


@contextmanager
def process(*arguments: object, environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Start the command in a process of its own, which ends with the block."""
    command = [sys.executable, "-c", _TALKATIVE, *map(str, arguments)]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command, env=clean(environment or {}), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        try:
            yield Process(started)
        finally:
            started.kill()
