"""The options and the help of one operation as typer reads them: a signature made of the planner's parameters.

See ``call_arguments`` for how the words of a command line become arguments.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated, Any

import typer

from marketo_async.cli.call_arguments import Notation, choices_of, notation_of, option, structured
from marketo_async.cli.field_names import cached_fields
from marketo_async.cli.options import DailyOption, ReserveOption, StoreOption
from marketo_async.effects import Effect, effect_of
from marketo_async.schema import Callee, Parameter, about, type_text

_METAVARS = {
    Notation.MOMENT: "WHEN",
    Notation.DURATION: "DURATION",
    Notation.FILE: "FILE",
    Notation.JSON: "JSON",
}
_HELP = {
    Notation.MOMENT: "a date or time (ISO 8601, UTC if it has no offset), or how long ago, such as 7d",
    Notation.DURATION: "such as 30s, 10m or 2h",
    Notation.FILE: "- is stdin",
}
# The parameters whose values are names of fields.
_FIELDS = frozenset({"fields", "filter_type", "lookup_field"})


class OutputForm(StrEnum):
    """How an answer is written."""

    JSON = "json"
    TABLE = "table"


JsonOption = Annotated[
    str | None, typer.Option("--json", metavar="FILE", help="A file with the arguments that are JSON; - is stdin.")
]
LimitOption = Annotated[int | None, typer.Option(help="Records to read at most. Default: all; 100 in a table.", min=1)]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Print the exact request; make no call.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
OutputOption = Annotated[OutputForm | None, typer.Option(help="Default: a table on a terminal, else JSON.")]


def signature_of(found: Callee) -> inspect.Signature:
    """Return the parameters of an operation's command: its own, then the common ones that apply to it."""
    own = [
        inspect.Parameter(one.name, _KEYWORD, annotation=_annotated(found, one), **_default(one))
        for one in found.parameters
    ]
    common: list[tuple[str, Any, object]] = []
    if len(structured(found)) > 0:
        common += [("json", JsonOption, None)]
    if found.listed:
        common += [("limit", LimitOption, None)]
    if effect_of(found.operation) not in {Effect.READ, Effect.CHANGE}:
        common += [("yes", YesOption, False)]
    common += [
        ("dry_run", DryRunOption, False),
        ("output", OutputOption, None),
        ("daily", DailyOption, 50_000),
        ("reserve", ReserveOption, 0),
        ("store", StoreOption, None),
    ]
    added = [inspect.Parameter(name, _KEYWORD, annotation=kind, default=value) for name, kind, value in common]
    return inspect.Signature([*own, *added])


def help_of(found: Callee) -> str:
    """Return the help of an operation's command: its summary, what it does at worst, and its permission."""
    operation = found.operation
    effect = effect_of(operation)
    permission = (" and " if operation.every else " or ").join(operation.permissions) or "none"
    lines = [operation.summary, f"{operation.method} {operation.path}; permission: {permission}."]
    if effect is not Effect.READ:
        lines.append(f"It {effect.value}.")
    lines += [f"--json holds {_json_help(found)}."] if structured(found) else []
    return "\n\n".join(lines)


_KEYWORD = inspect.Parameter.KEYWORD_ONLY


def _default(parameter: Parameter) -> dict[str, object]:
    written = notation_of(parameter)
    return {} if parameter.required and written is not Notation.JSON else {"default": None}


def _annotated(found: Callee, parameter: Parameter) -> Any:
    written = notation_of(parameter)
    kind: Any = {Notation.LIST: list[str], Notation.FLAG: bool}.get(written, str)
    complete = _completion(found, parameter)
    if parameter.required and written is not Notation.JSON:
        return Annotated[
            kind, typer.Argument(metavar=parameter.name.upper(), help=_help(parameter), autocompletion=complete)
        ]
    names = [option(parameter.name)]
    if written is Notation.FLAG:
        names = [f"{names[0]}/--no-{names[0][2:]}"]
    metavar = None if written is Notation.FLAG else _METAVARS.get(written) or _word(parameter)
    return Annotated[kind | None, typer.Option(*names, metavar=metavar, help=_help(parameter), autocompletion=complete)]


def _help(parameter: Parameter) -> str:
    """Return what a parameter is, how it is written, and whether it repeats."""
    written = notation_of(parameter)
    choices = choices_of(parameter)
    parts = [_HELP.get(written) or about(parameter)]
    if choices:
        parts.append(("or " if written is Notation.LIST else "one of ") + ", ".join(choices))
    if written is Notation.JSON:
        parts.append(type_text(parameter))
    if written is Notation.LIST and not parameter.required:
        parts.append("repeatable")
    if written is Notation.JSON and parameter.required:
        parts.append("required, here or in --json")
    # typer reads brackets as markup, which the types of lists must not become.
    return "; ".join(part for part in parts if part).replace("[", r"\[")


def _word(parameter: Parameter) -> str:
    """Return the word for a value in the list of options."""
    return {"int": "INTEGER", "[int]": "INTEGER", "float": "NUMBER"}.get(type_text(parameter), "TEXT")


def _json_help(found: Callee) -> str:
    parameters = structured(found)
    if len(parameters) == 1:
        return f"{parameters[0].name}: an array or JSON lines" if _is_list(parameters[0]) else parameters[0].name
    return "an object with " + ", ".join(parameter.name for parameter in parameters)


def _is_list(parameter: Parameter) -> bool:
    return "list[" in str(parameter.kind)


def _completion(found: Callee, parameter: Parameter) -> Callable[[str], list[str]] | None:
    choices = choices_of(parameter)
    if choices:
        return lambda incomplete: [choice for choice in choices if choice.startswith(incomplete)]
    if parameter.name in _FIELDS:
        family = found.operation.name.rpartition(".")[0]
        return lambda incomplete: [name for name in cached_fields(family) if name.startswith(incomplete)]
    return None
