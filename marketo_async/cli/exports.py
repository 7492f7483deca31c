"""``export``: the commands of bulk exports, with their options. See ``transfer`` for how they run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

import typer

from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.windows import Between
from marketo_async.cli import transfer
from marketo_async.cli.exits import EPILOG, errors_in_one_line
from marketo_async.cli.options import (
    ENVIRONMENT,
    SINCE,
    UNTIL,
    DailyOption,
    FieldsOption,
    OutOption,
    PollOption,
    QuietOption,
    ReserveOption,
    StartOverOption,
    StoreOption,
    moment,
    numbers,
    split,
)
from marketo_async.cli.sharing import client
from marketo_async.errors import InvalidRequest

_RESUMING = (
    "FILE appears when it is complete; until then FILE.part and FILE.state hold the progress. After any interruption,"
    " run the same command again to resume: it continues with the jobs that were already created."
)


class ExportFormat(StrEnum):
    """The file formats of an export."""

    CSV = "csv"
    TSV = "tsv"
    SSV = "ssv"
    JSONL = "jsonl"
    PARQUET = "parquet"


class DateField(StrEnum):
    """The date of a lead that a range selects by."""

    CREATED = "created"
    UPDATED = "updated"


exporting = typer.Typer(help=f"Write any amount of data to a file.\n\n{_RESUMING}", no_args_is_help=True)

FormatOption = Annotated[ExportFormat | None, typer.Option("--format", help="Default: by the suffix of FILE.")]
StaticListOption = Annotated[str | None, typer.Option(metavar="LIST", help="Members of this static list (id or name).")]
SmartListOption = Annotated[str | None, typer.Option(metavar="LIST", help="Members of this smart list (id or name).")]
WaitOption = Annotated[
    bool,
    typer.Option("--wait-for-quota", help="If the daily export volume is used up, wait for the next day."),
]


@exporting.command("leads", help=f"Write leads to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG)
def export_leads(  # noqa: PLR0913 - one parameter per option
    *,
    out: OutOption,
    fields: FieldsOption = None,
    since: Annotated[str | None, SINCE] = None,
    until: Annotated[str | None, UNTIL] = None,
    by: Annotated[DateField, typer.Option(help="The date that --since and --until select by.")] = DateField.CREATED,
    static_list: StaticListOption = None,
    smart_list: SmartListOption = None,
    format: FormatOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write leads to a file."""
    with errors_in_one_line():
        dates, marketo = _range(since, until), client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.leads.export_to(
                path,
                fields=split(fields),
                created_at=dates if by is DateField.CREATED else None,
                updated_at=dates if by is DateField.UPDATED else None,
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
def export_activities(  # noqa: PLR0913 - one parameter per option
    *,
    out: OutOption,
    since: Annotated[str, SINCE],
    until: Annotated[str, UNTIL],
    types: Annotated[str | None, typer.Option(metavar="1,12,..", help="The activity type ids. Default: all.")] = None,
    fields: FieldsOption = None,
    format: FormatOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write activities to a file."""
    with errors_in_one_line():
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
    "program-members", help=f"Write program members to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG
)
def export_program_members(  # noqa: PLR0913 - one parameter per option
    *,
    out: OutOption,
    program: Annotated[list[int], typer.Option(metavar="ID", help="A program id; repeatable, at most ten.")],
    status: Annotated[list[str] | None, typer.Option(help="Only members with this status; repeatable.")] = None,
    fields: FieldsOption = None,
    since: Annotated[str | None, SINCE] = None,
    until: Annotated[str | None, UNTIL] = None,
    format: FormatOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write program members to a file."""
    with errors_in_one_line():
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
    "custom-objects",
    help=f"Write the custom objects of one type to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def export_custom_objects(  # noqa: PLR0913 - one parameter per option
    api_name: Annotated[str, typer.Argument(help="The API name of the custom object type.")],
    *,
    out: OutOption,
    fields: FieldsOption = None,
    since: Annotated[str | None, SINCE] = None,
    until: Annotated[str | None, UNTIL] = None,
    static_list: StaticListOption = None,
    smart_list: SmartListOption = None,
    format: FormatOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the custom objects of one type to a file."""
    with errors_in_one_line():
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


def _range(since: str | None, until: str | None) -> Between | None:
    if since is None and until is None:
        return None
    if since is None or until is None:
        missing = "--until" if until is None else "--since"
        raise InvalidRequest(f"{missing} is missing; give both --since and --until, or neither")
    return moment("--since", since), moment("--until", until)


def _list(given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isdecimal() else given


def _format(given: ExportFormat | None) -> OutputFormat | None:
    return None if given is None else given.value


def _on_quota(wait: bool) -> Literal["raise", "wait"]:  # noqa: FBT001 - an option's value
    return "wait" if wait else "raise"
