"""``export``: the commands of bulk exports, with their options. See ``transfer`` for how they run."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Literal

import typer

from marketo_async.bulk.exports.output import OutputFormat
from marketo_async.bulk.exports.span import Between
from marketo_async.cli import transfer
from marketo_async.cli.exits import EPILOG, errors_in_one_line
from marketo_async.cli.options import (
    AGO_SINCE,
    AGO_UNTIL,
    ENVIRONMENT,
    DailyOption,
    FieldsOption,
    OutOption,
    PollOption,
    QuietOption,
    ReserveOption,
    StartOverOption,
    StoreOption,
    numbers,
    split,
)
from marketo_async.cli.relative_time import duration, moving
from marketo_async.cli.sharing import client

_RESUMING = (
    "FILE appears when it is complete; until then FILE.part and FILE.state hold the progress. After any interruption,"
    " run the same command again to resume: it continues with the jobs that were already created, for the range of the"
    " first run.\n\nThe suffix of FILE is its format: .csv, .tsv, .ssv, .jsonl or .parquet; .gz or .zst after it"
    " compresses it."
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
DeadlineOption = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="Give up a job that is not over so long after it was enqueued, such as 6h."),
]
TypedOption = Annotated[
    bool | None,
    typer.Option(
        "--typed/--no-typed",
        help="Numbers, booleans and moments in JSON lines and Parquet, or text alone. Default: typed in Parquet alone.",
    ),
]
WaitOption = Annotated[
    bool,
    typer.Option("--wait-for-quota", help="If the daily export volume is used up, wait for the next day."),
]


@exporting.command("leads", help=f"Write leads to a file.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG)
def export_leads(  # noqa: PLR0913 - one parameter per option
    *,
    out: OutOption,
    fields: FieldsOption = None,
    since: Annotated[str | None, AGO_SINCE] = None,
    until: Annotated[str | None, AGO_UNTIL] = None,
    by: Annotated[DateField, typer.Option(help="The date that --since and --until select by.")] = DateField.CREATED,
    static_list: StaticListOption = None,
    smart_list: SmartListOption = None,
    format: FormatOption = None,
    typed: TypedOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    deadline: DeadlineOption = None,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write leads to a file."""
    with errors_in_one_line():
        dates = None if not (since or until) and (static_list or smart_list) else _range(since, until)
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.leads.export_to(
                path,
                fields=_fields(fields),
                created_at=dates if by is DateField.CREATED else None,
                updated_at=dates if by is DateField.UPDATED else None,
                static_list=_list(static_list),
                smart_list=_list(smart_list),
                format=_format(format),
                typed=typed,
                poll=poll,
                on_quota=_on_quota(wait),
                deadline=_deadline(deadline),
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
    since: Annotated[str | None, AGO_SINCE] = None,
    until: Annotated[str | None, AGO_UNTIL] = None,
    types: Annotated[str | None, typer.Option(metavar="1,12,..", help="The activity type ids. Default: all.")] = None,
    fields: FieldsOption = None,
    format: FormatOption = None,
    typed: TypedOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    deadline: DeadlineOption = None,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write activities to a file."""
    with errors_in_one_line():
        dates = _range(since, until)
        marketo = client(daily=daily, reserve=reserve, store=store)
        chosen = numbers("--types", types)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.activities.export_to(
                path,
                created_at=dates,
                types=chosen,
                fields=_fields(fields),
                format=_format(format),
                typed=typed,
                poll=poll,
                on_quota=_on_quota(wait),
                deadline=_deadline(deadline),
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
    since: Annotated[str | None, AGO_SINCE] = None,
    until: Annotated[str | None, AGO_UNTIL] = None,
    format: FormatOption = None,
    typed: TypedOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    deadline: DeadlineOption = None,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write program members to a file."""
    with errors_in_one_line():
        dates = _range(since, until) if since or until else None
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.program_members.export_to(
                path,
                program_id=program[0] if len(program) == 1 else program,
                fields=_fields(fields),
                status_names=status or None,
                updated_at=dates,
                format=_format(format),
                typed=typed,
                poll=poll,
                on_quota=_on_quota(wait),
                deadline=_deadline(deadline),
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
    since: Annotated[str | None, AGO_SINCE] = None,
    until: Annotated[str | None, AGO_UNTIL] = None,
    static_list: StaticListOption = None,
    smart_list: SmartListOption = None,
    format: FormatOption = None,
    typed: TypedOption = None,
    poll: PollOption = None,
    wait: WaitOption = False,
    deadline: DeadlineOption = None,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write the custom objects of one type to a file."""
    with errors_in_one_line():
        dates = None if not (since or until) and (static_list or smart_list) else _range(since, until)
        marketo = client(daily=daily, reserve=reserve, store=store)
        transfer.export(
            marketo,
            lambda path, hook: marketo.bulk.custom_objects(api_name).export_to(
                path,
                fields=_fields(fields),
                updated_at=dates,
                static_list=_list(static_list),
                smart_list=_list(smart_list),
                format=_format(format),
                typed=typed,
                poll=poll,
                on_quota=_on_quota(wait),
                deadline=_deadline(deadline),
                progress=hook,
                start_over=start_over,
            ),
            out,
            quiet=quiet,
        )


def _range(since: str | None, until: str | None) -> Between:
    """Return the range of the options; an end that is not given is the beginning of the instance, or now."""
    now = datetime.now(UTC)
    return (
        None if since is None else moving("--since", since, now=now),
        None if until is None else moving("--until", until, now=now),
    )


def _fields(text: str | None) -> list[str] | Literal["all"] | None:
    return "all" if text is not None and text.strip() == "all" else split(text)


def _deadline(text: str | None) -> float | None:
    return None if text is None else duration("--deadline", text).total_seconds()


def _list(given: str | None) -> int | str | None:
    return int(given) if given is not None and given.isdecimal() else given


def _format(given: ExportFormat | None) -> OutputFormat | None:
    return None if given is None else given.value


def _on_quota(wait: bool) -> Literal["raise", "wait"]:  # noqa: FBT001 - an option's value
    return "wait" if wait else "raise"
