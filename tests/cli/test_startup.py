"""The command starts fast: a command is imported when it runs, and help imports none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest
import typer

from marketo_async.cli.app import COMMANDS, app

from .commands import invoke

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
