"""The commands and their options.

See ``drain``, ``demo``, ``usage`` and ``serving`` for what the commands do, and ``exits`` for the exit codes.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from marketo_async.cli import demo as demonstration
from marketo_async.cli import operations as listing
from marketo_async.cli import usage as figures
from marketo_async.cli.drain import run
from marketo_async.cli.exits import EPILOG, Exit, errors_in_one_line
from marketo_async.cli.exports import exporting
from marketo_async.cli.imports import importing
from marketo_async.cli.mirror import mirroring_app
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
from marketo_async.cli.serving import serve
from marketo_async.cli.sharing import client
from marketo_async.cli.values_file import read_values
from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import Activity
from marketo_async.models.leads import Record
from marketo_async.resources.activity_queries import Types
from marketo_async.sandbox import Quirks, Sandbox, Traffic

_RESUMING = (
    "FILE is written page by page, and FILE.checkpoint records the progress. After any interruption, run the same"
    " command again to resume: no record is missing or doubled."
)

app = typer.Typer(
    help="Read and write the data of a Marketo instance, as fast as its limits allow.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(exporting, name="export")
app.add_typer(importing, name="import")
app.add_typer(mirroring_app, name="mirror")

LeadsOption = Annotated[int, typer.Option(help="Number of leads in the sandbox.", min=0)]
ActivitiesOption = Annotated[int, typer.Option(help="Number of activities in the sandbox, all of the last day.", min=0)]
LatencyOption = Annotated[float, typer.Option(help="Mean seconds per call, 40 % more or less.", min=0.0)]
SeedOption = Annotated[int, typer.Option(help="Random seed; the same seed makes the same data.")]


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


@app.command(epilog=EPILOG)
def demo(
    *,
    leads: LeadsOption = demonstration.LEADS,
    activities: ActivitiesOption = demonstration.ACTIVITIES,
    latency: LatencyOption = demonstration.LATENCY,
    seed: SeedOption = demonstration.SEED,
    quiet: QuietOption = False,
) -> None:
    """Read a whole sandbox at full speed and compare the pace with the limits; takes half a minute.

    The sandbox is a local server that enforces Marketo's limits. The demo reads its leads and activities concurrently.
    """
    with errors_in_one_line():
        if not quiet:
            typer.echo(f"A sandbox with {leads:,} leads and {activities:,} activities, on loopback.", err=True)
        result = asyncio.run(
            demonstration.run(leads=leads, activities=activities, latency=latency, seed=seed, quiet=quiet)
        )
    Console().print(result.report())
    if not result.flawless:
        raise typer.Exit(Exit.REFUSED)


@app.command(
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


@app.command(
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


@app.command(epilog=EPILOG)
def sandbox(
    *,
    port: Annotated[int, typer.Option(help="The loopback port; 0 takes any free port.", min=0, max=65_535)] = 8080,
    leads: LeadsOption = 1_000,
    activities: ActivitiesOption = 1_000,
    latency: LatencyOption = 0.0,
    traffic: Annotated[
        float, typer.Option(metavar="RATE", help="Live events per second: visits, changes, merges ...", min=0)
    ] = 0.0,
    late: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Share of the activities, 0 to 1, that appear minutes after their date.", min=0, max=1
        ),
    ] = 0.0,
    seed: SeedOption = demonstration.SEED,
) -> None:
    """Run a sandbox, a local server like Marketo, until Ctrl-C; print the lines that point your shell at it.

    The sandbox enforces Marketo's limits. It serves plain HTTP on loopback only.
    """
    spread = demonstration.around(latency)
    with errors_in_one_line(), suppress(KeyboardInterrupt):  # Ctrl-C is the normal way to end it
        instance = Sandbox(
            leads=leads,
            activities=activities,
            latency=spread,
            seed=seed,
            port=port,
            quirks=Quirks(late_share=late),
            traffic=Traffic(traffic, seed=seed) if traffic else None,
        )
        asyncio.run(serve(instance, typer.echo))


@app.command(help=f"Show today's calls and errors of all API users; makes two calls.\n\n{ENVIRONMENT}", epilog=EPILOG)
def usage(
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
    daily: DailyOption = 50_000,
    store: StoreOption = None,
) -> None:
    """Show today's usage."""
    with errors_in_one_line():
        report = asyncio.run(figures.fetch(client(daily=daily, store=store)))
    if json:
        typer.echo(msgspec.json.encode(report))
    else:
        Console().print(report.table())


@app.command(epilog=EPILOG)
def operations(
    part: Annotated[str | None, typer.Argument(help="Only operations with this text in name or path.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON list instead of a table.")] = False,
) -> None:
    """List the client's operations with the permissions they need. Makes no call."""
    found = listing.rows(part)
    if json:
        typer.echo(msgspec.json.encode(found))
    else:
        Console().print(listing.table(found))


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
