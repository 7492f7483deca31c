"""``import``: the commands of bulk imports, with their options. See ``transfer`` for how they run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from marketo_async.bulk.imports.input_file import Delimiter
from marketo_async.cli import transfer
from marketo_async.cli.exits import EPILOG, errors_in_one_line
from marketo_async.cli.options import ENVIRONMENT, DailyOption, PollOption, QuietOption, ReserveOption, StoreOption
from marketo_async.cli.separate_files import require_separate
from marketo_async.cli.sharing import client
from marketo_async.errors import InvalidRequest

importing = typer.Typer(help="Import any amount of data from a file or stdin.", no_args_is_help=True)

FileArgument = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Delimited text whose first line holds API names, JSON lines, or Parquet; - is stdin.",
    ),
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map", metavar="COLUMN=NAME", help='The API name of a column, as "Email Address=email"; repeatable.'
    ),
]
CheckOption = Annotated[
    bool, typer.Option("--dry-run", help="Check all rows and send none; print how many rows, files and calls.")
]
RejectsOption = Annotated[Path | None, typer.Option(metavar="FILE", help="JSON Lines of rejected rows; - is stdout.")]
EncodingOption = Annotated[str | None, typer.Option(metavar="NAME", help="The encoding of FILE. Default: UTF-8.")]
DelimiterOption = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="CHAR", help="The delimiter of FILE: , ; | or tab. Default: detected."),
]
NullOption = Annotated[bool, typer.Option("--null", help="Read an unquoted null as no value; exports write it so.")]


@importing.command("leads", help=f"Create or update leads from a file.\n\n{ENVIRONMENT}", epilog=EPILOG)
def import_leads(  # noqa: PLR0913 - one parameter per option
    file: FileArgument,
    *,
    lookup_field: Annotated[str, typer.Option(metavar="FIELD", help="The field that identifies a lead.")] = "email",
    list_id: Annotated[
        int | None, typer.Option("--list", metavar="ID", help="A static list to add the leads to.")
    ] = None,
    partition: Annotated[str | None, typer.Option(metavar="NAME", help="The lead partition for new leads.")] = None,
    rejects: RejectsOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    null: NullOption = False,
    map_: MapOption = None,
    dry_run: CheckOption = False,
    poll: PollOption = None,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Create or update leads from a file."""
    with errors_in_one_line():
        require_separate("--rejects", rejects, {"the file to import": Path(file), "the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.load(
            marketo,
            lambda path, hook, on_rejected: marketo.bulk.leads.load(
                path,
                lookup_field=lookup_field,
                list_id=list_id,
                partition_name=partition,
                null=null,
                encoding=encoding,
                delimiter=_delimiter(delimiter),
                rename=_names(map_),
                dry_run=dry_run,
                poll=poll,
                progress=hook,
                on_rejected=on_rejected,
            ),
            file,
            rejects,
            lookup=["bulk.leads.import_status"],
            dry_run=dry_run,
            quiet=quiet,
        )


@importing.command(
    "program-members", help=f"Make leads members of a program, from a file.\n\n{ENVIRONMENT}", epilog=EPILOG
)
def import_program_members(  # noqa: PLR0913 - one parameter per option
    file: FileArgument,
    *,
    program: Annotated[int, typer.Option(metavar="ID", help="The program id.")],
    status: Annotated[str, typer.Option(help="The status that all members get.")],
    rejects: RejectsOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    null: NullOption = False,
    map_: MapOption = None,
    dry_run: CheckOption = False,
    poll: PollOption = None,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Make leads members of a program, from a file."""
    with errors_in_one_line():
        require_separate("--rejects", rejects, {"the file to import": Path(file), "the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.load(
            marketo,
            lambda path, hook, on_rejected: marketo.bulk.program_members.load(
                program,
                status,
                path,
                null=null,
                encoding=encoding,
                delimiter=_delimiter(delimiter),
                rename=_names(map_),
                dry_run=dry_run,
                poll=poll,
                progress=hook,
                on_rejected=on_rejected,
            ),
            file,
            rejects,
            lookup=["bulk.program_members.import_status"],
            dry_run=dry_run,
            quiet=quiet,
        )


@importing.command(
    "custom-objects", help=f"Create or update custom objects from a file.\n\n{ENVIRONMENT}", epilog=EPILOG
)
def import_custom_objects(  # noqa: PLR0913 - one parameter per option
    api_name: Annotated[str, typer.Argument(help="The API name of the custom object type.")],
    file: FileArgument,
    *,
    rejects: RejectsOption = None,
    encoding: EncodingOption = None,
    delimiter: DelimiterOption = None,
    null: NullOption = False,
    map_: MapOption = None,
    dry_run: CheckOption = False,
    poll: PollOption = None,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Create or update custom objects from a file."""
    with errors_in_one_line():
        require_separate("--rejects", rejects, {"the file to import": Path(file), "the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.load(
            marketo,
            lambda path, hook, on_rejected: marketo.bulk.custom_objects(api_name).load(
                path,
                null=null,
                encoding=encoding,
                delimiter=_delimiter(delimiter),
                rename=_names(map_),
                dry_run=dry_run,
                poll=poll,
                progress=hook,
                on_rejected=on_rejected,
            ),
            file,
            rejects,
            lookup=["bulk.custom_objects.import_status", api_name],
            dry_run=dry_run,
            quiet=quiet,
        )


def _delimiter(given: str | None) -> Delimiter | None:
    """Return the delimiter; ``tab`` names the tab, which is hard to type in a shell."""
    named = "\t" if given in {"tab", "\\t"} else given
    for known in get_args(Delimiter):
        if named == known:
            return cast(Delimiter, known)
    if named is not None:
        raise InvalidRequest(f"--delimiter must be one of , ; | and tab, not {given!r}")
    return None


def _names(given: list[str] | None) -> dict[str, str]:
    """Return the API names of columns; the name follows the last equals sign, as API names have none."""
    found = {}
    for text in given or ():
        column, equals, name = text.rpartition("=")
        if not (equals and column and name):
            raise InvalidRequest(f"--map takes COLUMN=NAME such as 'Email Address=email', not {text!r}")
        found[column] = name
    return found
