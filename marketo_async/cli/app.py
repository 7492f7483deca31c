"""The command line and the table of its commands; a command is imported when it runs.

See ``exits`` for the exit codes, and ``lazy`` for how a line of the table becomes a command.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Annotated

import typer

from marketo_async.cli.exits import EPILOG
from marketo_async.cli.lazy import Later, LazyGroup

_CLI = "marketo_async.cli"

COMMANDS: Mapping[str, Later] = {
    "demo": Later(
        f"{_CLI}.sandboxes",
        "commands",
        "Read a whole sandbox at full speed and compare the pace with the limits; takes half a minute.",
    ),
    "leads": Later(f"{_CLI}.drains", "commands", "Write leads, by --filter or --list, to a JSON Lines file."),
    "activities": Later(f"{_CLI}.drains", "commands", "Write activities to a JSON Lines file."),
    "tail": Later(f"{_CLI}.tail", "commands", "Follow the changes of an instance, one line for each event."),
    "export": Later(f"{_CLI}.exports", "exporting", "Write any amount of data to a file."),
    "import": Later(f"{_CLI}.imports", "importing", "Import any amount of data from a file."),
    "call": Later(f"{_CLI}.call", "calling", "Call any operation by its name."),
    "mirror": Later(f"{_CLI}.mirror", "mirroring_app", "Keep a database equal to an instance, and prove it."),
    "mcp": Later(
        f"{_CLI}.mcp", "agents", "Serve AI agents, each with the rights that a policy gives it, through the MCP."
    ),
    "usage": Later(f"{_CLI}.reports", "commands", "Show today's calls and errors of all API users."),
    "operations": Later(
        f"{_CLI}.reports", "commands", "List the operations with the permissions they need; makes no call."
    ),
    "sandbox": Later(f"{_CLI}.sandboxes", "commands", "Run a sandbox, a local server like Marketo, until Ctrl-C."),
}


class Commands(LazyGroup):
    """The commands of ``marketo-async``."""

    later = COMMANDS


app = typer.Typer(
    cls=Commands,
    help="Read and write the data of a Marketo instance, as fast as its limits allow.",
    epilog=EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(version("marketo-async"))
        raise typer.Exit


@app.callback()
def _root(
    *,
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Handle the options that come before a command."""
