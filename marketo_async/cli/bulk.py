"""``export`` and ``import``: the options of bulk transfers. Not here: running them (``transfer``)."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import typer

from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.windows import Between
from marketo_async.bulk.imports.input_file import Delimiter
from marketo_async.cli import transfer
from marketo_async.cli.apart import apart
from marketo_async.cli.exits import EPILOG, told_in_a_line
from marketo_async.cli.options import ENVIRONMENT, Daily, Quiet, Reserve, StartOver, StoreOption, moment, numbers, split
from marketo_async.cli.sharing import client
from marketo_async.errors import InvalidRequest

_RESUMING = (
    "FILE appears when it is whole; FILE.part and FILE.state stand beside it until then. Interrupted by whatever it may"
    " be, the same command goes on where it stopped, with the jobs that were made."
)


class Format(StrEnum):
    """What files can be written as."""

    CSV = "csv"
    TSV = "tsv"
    SSV = "ssv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class Dated(StrEnum):
    """Which date of a lead a range is about."""

    CREATED = "created"
    UPDATED = "updated"


exporting = typer.Typer(help=f"Write any amount of data to a file.\n\n{_RESUMING}", no_args_is_help=True)
importing = typer.Typer(help="Bring any amount of data in, from a file of delimited text.", no_args_is_help=True)

ExportOutOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="The file to write, - for stdout; see --format.", dir_okay=False)
]
As = Annotated[Format | None, typer.Option("--format", help="What to write it as; by its suffix without.")]
Named = Annotated[str | None, typer.Option("--fields", metavar="A,B,C", help="The fields to write.")]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="A date or time in ISO 8601; UTC without an offset.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="The end, itself not included.")]
StaticListOption = Annotated[str | None, typer.Option(metavar="LIST", help="Those of a static list, by id or name.")]
SmartListOption = Annotated[str | None, typer.Option(metavar="LIST", help="Those of a smart list, by id or name.")]
Poll = Annotated[
    float | None, typer.Option(metavar="SECONDS", help="Look at jobs so often; Marketo renews them once a minute.")
]
Waiting = Annotated[bool, typer.Option("--wait-for-quota", help="Wait for the next day when the volume is spent.")]
SourceArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE", help="The file to read: delimited text whose first line has API names of fields.", exists=True
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Where to write failed and warned rows, as JSON lines; - for stdout."),
]
Encoding = Annotated[
    str | None, typer.Option(metavar="NAME", help="How FILE is encoded, such as cp1252; by default UTF-8.")
]
Delimiting = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="CHAR", help="What is between cells: , ; | or tab; else it is seen."),
]
Null = Annotated[bool, typer.Option("--null", help="Read the bare word null as no value, as exports write it.")]


@exporting.command("leads", help=f"Write leads to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG)
def export_leads(  # noqa: PLR0913 - each is an option of its own
    *,
    out: ExportOutOption,
    fields: Named = None,
    since: Since = None,
    until: Until = None,
    by: Annotated[Dated, typer.Option(help="Which date the range is about.")] = Dated.CREATED,
    static_list: StaticListOption = None,
    smart_list: SmartListOption = None,
    format: As = None,
    poll: Poll = None,
    wait: Waiting = False,
    start_over: StartOver = False,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Write leads to a file."""
    with told_in_a_line():
        dates, marketo = _range(since, until), client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.leads.export_to(
                path,
                fields=split(fields),
                created_at=dates if by is Dated.CREATED else None,
                updated_at=dates if by is Dated.UPDATED else None,
                static_list=_list(static_list),
                smart_list=_list(smart_list),
                format=_format(format),
                poll=poll,
                on_quota=_on_quota(wait),
                progress=hook,
                start_over=start_over,
            ),
            out,
            quiet=quiet,
        )


@exporting.command("activities", help=f"Write activities to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG)
def export_activities(  # noqa: PLR0913 - each is an option of its own
    *,
    out: ExportOutOption,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A date or time in ISO 8601; UTC without an offset.")],
    until: Annotated[str, typer.Option(metavar="WHEN", help="The end, itself not included.")],
    types: Annotated[str | None, typer.Option(metavar="1,12,..", help="The types of activity, by id.")] = None,
    fields: Named = None,
    format: As = None,
    poll: Poll = None,
    wait: Waiting = False,
    start_over: StartOver = False,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Write activities to a file."""
    with told_in_a_line():
        dates = moment("--since", since), moment("--until", until)
        marketo = client(daily=daily, reserve=reserve, store=store)
        chosen = numbers("--types", types)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.activities.export_to(
                path,
                created_at=dates,
                types=chosen,
                fields=split(fields),
                format=_format(format),
                poll=poll,
                on_quota=_on_quota(wait),
                progress=hook,
                start_over=start_over,
            ),
            out,
            quiet=quiet,
        )


@exporting.command(
    "program-members", help=f"Write members of programs to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG
)
def export_program_members(  # noqa: PLR0913 - each is an option of its own
    *,
    out: ExportOutOption,
    program: Annotated[list[int], typer.Option(metavar="ID", help="A program; may be repeated, ten times at most.")],
    status: Annotated[list[str] | None, typer.Option(help="Those with this status; may be repeated.")] = None,
    fields: Named = None,
    since: Since = None,
    until: Until = None,
    format: As = None,
    poll: Poll = None,
    wait: Waiting = False,
    start_over: StartOver = False,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Write members of programs to a file."""
    with told_in_a_line():
        dates, marketo = _range(since, until), client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.program_members.export_to(
                path,
                program_id=program[0] if len(program) == 1 else program,
                fields=split(fields),
                status_names=status or None,
                updated_at=dates,
                format=_format(format),
                poll=poll,
                on_quota=_on_quota(wait),
                progress=hook,
                start_over=start_over,
            ),
            out,
            quiet=quiet,
        )


@exporting.command(
    "custom-objects", help=f"Write custom objects of a type to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG
)
def export_custom_objects(  # noqa: PLR0913 - each is an option of its own
    api_name: Annotated[str, typer.Argument(help="The type, by its API name.")],
    *,
    out: ExportOutOption,
    fields: Named = None,
    since: Since = None,
    until: Until = None,
    static_list: StaticListOption = None,
    smart_list: SmartListOption = None,
    format: As = None,
    poll: Poll = None,
    wait: Waiting = False,
    start_over: StartOver = False,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Write custom objects to a file."""
    with told_in_a_line():
        dates, marketo = _range(since, until), client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.custom_objects(api_name).export_to(
                path,
                fields=split(fields),
                updated_at=dates,
                static_list=_list(static_list),
                smart_list=_list(smart_list),
                format=_format(format),
                poll=poll,
                on_quota=_on_quota(wait),
                progress=hook,
                start_over=start_over,
            ),
            out,
            quiet=quiet,
        )


@importing.command("leads", help=f"Create or update leads from a file.\n\n{ENVIRONMENT}", epilog=EPILOG)
def import_leads(  # noqa: PLR0913 - each is an option of its own
    file: SourceArgument,
    *,
    lookup_field: Annotated[str, typer.Option(metavar="FIELD", help="What leads are found by.")] = "email",
    list_id: Annotated[int | None, typer.Option("--list", metavar="ID", help="A static list to add them to.")] = None,
    partition: Annotated[str | None, typer.Option(metavar="NAME", help="The partition of new leads.")] = None,
    rejects: Rejects = None,
    encoding: Encoding = None,
    delimiter: Delimiting = None,
    null: Null = False,
    poll: Poll = None,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Create or update leads from a file."""
    with told_in_a_line():
        apart("--rejects", rejects, {"the file to import": file, "the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.load(
            marketo,
            lambda hook, on_rejected: marketo.bulk.leads.load(
                file,
                lookup_field=lookup_field,
                list_id=list_id,
                partition_name=partition,
                null=null,
                encoding=encoding,
                delimiter=_delimiter(delimiter),
                poll=poll,
                progress=hook,
                on_rejected=on_rejected,
            ),
            rejects,
            quiet=quiet,
        )


@importing.command(
    "program-members", help=f"Make people members of a program from a file.\n\n{ENVIRONMENT}", epilog=EPILOG
)
def import_program_members(
    file: SourceArgument,
    *,
    program: Annotated[int, typer.Option(metavar="ID", help="The program.")],
    status: Annotated[str, typer.Option(help="The status of all of them.")],
    rejects: Rejects = None,
    encoding: Encoding = None,
    delimiter: Delimiting = None,
    null: Null = False,
    poll: Poll = None,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Make people members of a program from a file."""
    with told_in_a_line():
        apart("--rejects", rejects, {"the file to import": file, "the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.load(
            marketo,
            lambda hook, on_rejected: marketo.bulk.program_members.load(
                program,
                status,
                file,
                null=null,
                encoding=encoding,
                delimiter=_delimiter(delimiter),
                poll=poll,
                progress=hook,
                on_rejected=on_rejected,
            ),
            rejects,
            quiet=quiet,
        )


@importing.command(
    "custom-objects", help=f"Create or update custom objects from a file.\n\n{ENVIRONMENT}", epilog=EPILOG
)
def import_custom_objects(
    api_name: Annotated[str, typer.Argument(help="The type, by its API name.")],
    file: SourceArgument,
    *,
    rejects: Rejects = None,
    encoding: Encoding = None,
    delimiter: Delimiting = None,
    null: Null = False,
    poll: Poll = None,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Create or update custom objects from a file."""
    with told_in_a_line():
        apart("--rejects", rejects, {"the file to import": file, "the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.load(
            marketo,
            lambda hook, on_rejected: marketo.bulk.custom_objects(api_name).load(
                file,
                null=null,
                encoding=encoding,
                delimiter=_delimiter(delimiter),
                poll=poll,
                progress=hook,
                on_rejected=on_rejected,
            ),
            rejects,
            quiet=quiet,
        )


def _range(since: str | None, until: str | None) -> Between | None:
    if since is None and until is None:
        return None
    if since is None or until is None:
        raise InvalidRequest("--since and --until go together")
    return moment("--since", since), moment("--until", until)


def _list(given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isdecimal() else given


def _format(given: Format | None) -> OutputFormat | None:
    return None if given is None else given.value


def _on_quota(wait: bool) -> Literal["raise", "wait"]:  # noqa: FBT001 - an option's value
    return "wait" if wait else "raise"


def _delimiter(given: str | None) -> Delimiter | None:
    """Return the delimiter that is named; a shell makes a tab hard to type."""
    named = "\t" if given in {"tab", "\\t"} else given
    for known in get_args(Delimiter):
        if named == known:
            return cast(Delimiter, known)
    if named is not None:
        raise InvalidRequest(f"--delimiter is one of , ; | and tab, not {given!r}")
    return None
