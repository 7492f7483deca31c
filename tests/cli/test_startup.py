"""The command starts fast: a command is imported when it runs, and help imports none."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer

from marketo_async.cli.app import COMMANDS, app

from .commands import invoke

_TWO_COMMANDS = """
import typer

import marketo_async

app = typer.Typer()


@app.command()
def read(name: str) -> None:
    '''Read.'''


@app.command()
def write(name: str) -> None:
    '''Write.'''


app(prog_name="two")
"""
_LOADED = """
import sys

from marketo_async.cli import main

try:
    main()
finally:
    sys.stderr.write(" ".join(name for name in sys.modules if name.startswith(("marketo_async.", "pydantic"))))
"""


@pytest.mark.parametrize("words", [["--help"], ["call", "--help"]])
def test_help_imports_no_command_and_no_family(words: Sequence[str]) -> None:
    ran = subprocess.run([sys.executable, "-c", _LOADED, *words], capture_output=True, text=True, check=True)  # noqa: S603
    loaded = set(ran.stderr.split())
    assert "marketo_async.cli.app" in loaded
    heavy = {"sandbox", "bulk", "schema", "changes", "resources.leads", "cli.exports", "cli.calling", "cli.tail"}
    assert "pydantic" not in loaded, "typer imports it to convert options that are absent"
    assert loaded & {f"marketo_async.{name}" for name in heavy} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_and_says_its_line(name: str) -> None:
    """The line in the list of commands is the beginning of the command's own help, up to its details."""
    own = invoke(name, "--help", environment={"COLUMNS": "200"})
    assert own.code == 0, own.stderr
    words = COMMANDS[name].help.replace(",", " ").replace(";", " ").rstrip(".").split()
    assert set(words[:2]) <= set(own.stdout.replace(".", " ").replace(",", " ").split())


def test_the_list_of_commands_has_every_command_in_order() -> None:
    group = typer.main.get_command(app)
    listed = group.list_commands(typer.Context(group))  # type: ignore[attr-defined]
    assert listed == list(COMMANDS)
    assert [
        line.split()[1] for line in invoke("--help").stdout.splitlines() if line[:1] == "│" and line[2].isalpha()
    ] == listed


def seconds(*command: str) -> float:
    """Return the least processor time of a command in some runs; other work of the machine does not count."""

    def once() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], check=True, capture_output=True)  # noqa: S603 - this interpreter
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    return min(once() for _ in range(5))


@pytest.mark.slow
def test_help_costs_little_more_than_that_of_two_commands(tmp_path: Path) -> None:
    two = tmp_path / "two.py"
    two.write_text(_TWO_COMMANDS)
    ours = ("-c", "from marketo_async.cli import main; main()")
    assert seconds(*ours, "--help") <= 1.3 * seconds(str(two), "--help")
