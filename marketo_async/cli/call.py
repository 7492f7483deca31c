"""``call``: every operation of the registry as a command, with arguments and options from its planner's signature.

A command is made when its name is typed, so that ``call --help`` imports no family. See ``call_options`` for
the options of an operation, and ``calling`` for how the call is made.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from marketo_async.cli.environment import ENVIRONMENT
from marketo_async.cli.exits import EPILOG, errors_in_one_line

HELP = (
    "Call any operation by its name: marketo-async call leads.get 7 --fields email\n\n"
    "`marketo-async operations [TEXT]` lists the operations, and `marketo-async call OPERATION --help` shows the"
    " arguments of one. A list repeats its argument or its option and is not split at commas. Records and other"
    " structures are JSON: --json FILE, or - for stdin.\n\n"
    "The output is JSON, one line for each record of a listing or a write; on a terminal it is a table. An operation"
    " that publishes, reaches people, erases or administers asks first, or needs --yes. --dry-run shows the request"
    f" and makes no call.\n\n{ENVIRONMENT}"
)


class OperationGroup(TyperGroup):
    """A command for each operation."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all operations to a shell that completes; help does not list hundreds."""
        if not ctx.resilient_parsing:
            return []
        from marketo_async.schema import callees  # noqa: PLC0415 - it imports every family

        return sorted(callees())

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - as typer calls it
        """Make the command of an operation, or return ``None`` for any other name."""
        from marketo_async.schema import callees  # noqa: PLC0415

        return _command(cmd_name) if cmd_name in callees() else None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command of an operation; other names end the program, with names that are like them."""
        from marketo_async.schema import callees  # noqa: PLC0415

        name = args[0]
        if not ctx.resilient_parsing and not name.startswith("-") and name not in callees():
            close = get_close_matches(name, callees(), n=3)
            remedy = f"meant {' or '.join(close)}?" if close else "`marketo-async operations` lists them"
            ctx.fail(f"{name!r} is not an operation; {remedy}")
        return super().resolve_command(ctx, args)


calling = typer.Typer(
    cls=OperationGroup,
    help=HELP,
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    subcommand_metavar="OPERATION [ARGS]...",
)


@calling.callback()
def _group() -> None:
    """Make the operations commands of a group."""


def _command(name: str) -> TyperCommand:
    from marketo_async.cli.call_options import help_of, signature_of  # noqa: PLC0415 - it imports every family
    from marketo_async.cli.calling import Invocation, invoke  # noqa: PLC0415
    from marketo_async.schema import callee  # noqa: PLC0415

    found = callee(name)

    def call(**given: Any) -> None:
        # Each operation has its own options, so typer can only pass them by name.
        own = {parameter.name: given.pop(parameter.name) for parameter in found.parameters}
        with errors_in_one_line():
            invoke(found, own, Invocation(**given))

    signature = signature_of(found)
    call.__signature__ = signature  # type: ignore[attr-defined]  # typer reads it
    call.__annotations__ = {one.name: one.annotation for one in signature.parameters.values()}
    single = typer.Typer(add_completion=False)
    single.command(name, help=help_of(found), epilog=EPILOG)(call)
    return cast(TyperCommand, typer.main.get_command(single))
