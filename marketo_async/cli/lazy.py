"""`LazyGroup`: a group of commands whose modules are imported when the command runs, so that ``--help`` is fast.

See ``app`` for the table of commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar, cast

import typer
from msgspec import Struct
from typer.core import TyperCommand, TyperGroup


class Later(Struct, frozen=True):
    """Where a command is defined: a module and its Typer, which has a command of that name or is the group itself.

    ``help`` is the line for the list of commands, which imports nothing.
    """

    module: str
    attribute: str
    help: str

    def load(self, name: str) -> TyperCommand | TyperGroup:
        """Import the command; it takes the name that the table gives it."""
        found: typer.Typer = getattr(import_module(self.module), self.attribute)
        group = typer.main.get_group(found)
        command = cast("TyperCommand | TyperGroup", group.commands.get(name, group))
        command.name = name
        return command

    def named(self, name: str) -> TyperCommand:
        """Return a command that has a name and a line, for lists of commands."""
        return TyperCommand(name, help=self.help)


class LazyGroup(TyperGroup):
    """The commands of ``later``, in its order, after those that are registered the usual way."""

    later: ClassVar[Mapping[str, Later]] = {}

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the options of the group.

        An absent flag of typer's own is ``None``, and typer imports pydantic to convert that: a third of ``call
        --help``.
        """
        for option in self.get_params(ctx):
            if getattr(option, "is_flag", False) and option.default is None:
                option.default = False
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        self._name_them()
        return super().list_commands(ctx)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import the command that runs."""
        self._name_them()
        if args[0] in self.later:
            self.commands[args[0]] = self.later[args[0]].load(args[0])
        return super().resolve_command(ctx, args)

    def _name_them(self) -> None:
        for name, command in self.later.items():
            self.commands.setdefault(name, command.named(name))
