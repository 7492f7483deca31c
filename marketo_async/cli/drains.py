"""The commands ``leads`` and ``activities``, with their options. See ``drain`` for how they run."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from marketo_async.cli.drain import run
from marketo_async.cli.exits import EPILOG, errors_in_one_line
from marketo_async.cli.options import (
    ENVIRONMENT,
    SINCE,
    UNTIL,
    DailyOption,
    FieldsOption,
    OutOption,
    QuietOption,
    ReserveOption,
    StartOverOption,
    StoreOption,
    activity_types,
    moment,
    numbers,
    split,
)
from marketo_async.cli.selection import ActivitiesBetween, ActivitiesSince, LeadsByFilter, ListMembers, Selection
from marketo_async.cli.separate_files import require_separate
from marketo_async.cli.sharing import client
from marketo_async.cli.values_file import read_values
from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import Activity
from marketo_async.models.leads import Record
from marketo_async.resources.activity_queries import Types

_RESUMING = (
    "FILE is written page by page, and FILE.checkpoint records the progress. After any interruption, run the same"
    " command again to resume: no record is missing or doubled."
)

commands = typer.Typer(add_completion=False)


@commands.command(
    help=f"Write leads, by --filter or --list, to a JSON Lines file.\n\n{_RESUMING}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def leads(
    *,
    out: OutOption,
    field: Annotated[
        str | None, typer.Option("--filter", metavar="FIELD", help="The leads with one of the values in FIELD.")
    ] = None,
    value: Annotated[list[str] | None, typer.Option(help="A value for --filter; repeatable.")] = None,
    values_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='A file with one value for --filter on each line, in "quotes" if needed; - is stdin.',
            dir_okay=False,
        ),
    ] = None,
    list_id: Annotated[int | None, typer.Option("--list", metavar="ID", help="The members of a static list.")] = None,
    fields: FieldsOption = None,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write leads to a JSON Lines file."""
    with errors_in_one_line():
        require_separate("--out", out, {"the file of --values-from": values_from, "the file of --store": store})
        selection = _leads(field, [*(value or ()), *read_values(values_from)], list_id, split(fields))
        marketo = client(daily=daily, reserve=reserve, store=store)
        run(marketo, selection, out, start_over=start_over, quiet=quiet)


@commands.command(
    help="Write activities to a JSON Lines file.\n\n"
    "With --until: the activities from --since to --until, read in concurrent shards and not sorted across shards."
    " Marketo records some activities minutes late, so choose an --until some minutes in the past.\n\n"
    "Without --until: all activities since --since, in order; each later run adds the new ones, because FILE.checkpoint"
    " is kept. If you move FILE away between runs, each file holds only the new ones.\n\n"
    f"{_RESUMING}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def activities(
    *,
    since: Annotated[str, SINCE],
    types: Annotated[
        str,
        typer.Option(
            metavar="all|1,12,..",
            help="The activity types: ids or names, or all of the instance but Delete Lead. A resumed FILE keeps its"
            " types.",
        ),
    ],
    out: OutOption,
    until: Annotated[str | None, UNTIL] = None,
    lead_ids: Annotated[
        str | None, typer.Option("--leads", metavar="1,2,..", help="Only the activities of these lead ids.")
    ] = None,
    shards: Annotated[int, typer.Option(help="With --until: the number of parts to read concurrently.", min=1)] = 8,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Write activities to a JSON Lines file."""
    with errors_in_one_line():
        selection = _activities(
            moment("--since", since),
            None if until is None else moment("--until", until),
            activity_types(types),
            numbers("--leads", lead_ids),
            shards,
        )
        require_separate("--out", out, {"the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        run(marketo, selection, out, start_over=start_over, quiet=quiet)


def _leads(field: str | None, values: list[str], list_id: int | None, fields: list[str] | None) -> Selection[Record]:
    if field is not None and list_id is None:
        if not values:
            raise InvalidRequest("--filter has no values; give --value, or --values-from with at least one line")
        return LeadsByFilter(field=field, values=values, fields=fields)
    if list_id is None or field is not None:
        raise InvalidRequest("give either --filter or --list")
    if values:
        raise InvalidRequest("--list takes no values; use --value and --values-from with --filter only")
    return ListMembers(list_id=list_id, fields=fields)


def _activities(
    since: datetime, until: datetime | None, types: Types, leads: list[int] | None, shards: int
) -> Selection[Activity]:
    if until is None:
        return ActivitiesSince(since=since, types=types, leads=leads)
    return ActivitiesBetween(since=since, until=until, types=types, leads=leads, shards=shards)
