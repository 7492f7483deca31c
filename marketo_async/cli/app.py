"""The commands and their options: what is typed becomes a selection, a sandbox or a report, and an exit code.

Not here: what the commands do (``drain``, ``demo``, ``usage``, ``serving``), and what their ends mean (``exits``).
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
from marketo_async.cli.apart import apart
from marketo_async.cli.bulk import exporting, importing
from marketo_async.cli.drain import run
from marketo_async.cli.exits import EPILOG, Exit, told_in_a_line
from marketo_async.cli.options import ENVIRONMENT, Daily, Quiet, Reserve, StartOver, StoreOption, moment, numbers, split
from marketo_async.cli.selection import ActivitiesBetween, ActivitiesSince, LeadsByFilter, ListMembers, Selection
from marketo_async.cli.serving import serve
from marketo_async.cli.sharing import client
from marketo_async.cli.values_file import read_values
from marketo_async.errors import InvalidRequest
from marketo_async.models.activities import Activity
from marketo_async.models.leads import Record
from marketo_async.sandbox import Quirks, Sandbox, Traffic

_RESUMING = (
    "FILE is written page by page, with FILE.checkpoint beside it. Interrupted by whatever it may be, the same command"
    " goes on where it stopped: no record is missing or doubled."
)

app = typer.Typer(
    help="Work with a Marketo instance as fast as its limits allow, and never faster.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(exporting, name="export")
app.add_typer(importing, name="import")

OutOption = Annotated[
    Path,
    typer.Option("--out", metavar="FILE", help="The file of JSON lines to write, or - for stdout.", dir_okay=False),
]
LeadCount = Annotated[int, typer.Option(help="How many leads the sandbox has.", min=0)]
ActivityCount = Annotated[int, typer.Option(help="How many activities it has, over the last day.", min=0)]
Latency = Annotated[float, typer.Option(help="Seconds that a call takes, 40 % more or less.", min=0.0)]
Seed = Annotated[int, typer.Option(help="The same seed makes the same sandbox.")]


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer's way to call it
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
    """Take the options that come before a command."""


@app.command(epilog=EPILOG)
def demo(
    *,
    leads: LeadCount = demonstration.LEADS,
    activities: ActivityCount = demonstration.ACTIVITIES,
    latency: Latency = demonstration.LATENCY,
    seed: Seed = demonstration.SEED,
    quiet: Quiet = False,
) -> None:
    """Show the governor at work on a sandbox that enforces Marketo's own limits; takes half a minute.

    All leads and a day of activities are drained side by side, and what was done is set against what the limits allow.
    """
    with told_in_a_line():
        if not quiet:
            typer.echo(f"A sandbox with {leads:,} leads and {activities:,} activities, on loopback.", err=True)
        result = asyncio.run(
            demonstration.run(leads=leads, activities=activities, latency=latency, seed=seed, quiet=quiet)
        )
    Console().print(result.report())
    if not result.flawless:
        raise typer.Exit(Exit.REFUSED)


@app.command(help=f"Write leads to a file, as JSON lines.\n\n{_RESUMING}\n\n{ENVIRONMENT}", epilog=EPILOG)
def leads(
    *,
    out: OutOption,
    field: Annotated[
        str | None, typer.Option("--filter", metavar="FIELD", help="Those where this field has one of the values.")
    ] = None,
    value: Annotated[list[str] | None, typer.Option(help="A value to look for; may be repeated.")] = None,
    values_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help='A file with a value on each line, "quoted" where it has to be; - is stdin.',
            dir_okay=False,
        ),
    ] = None,
    list_id: Annotated[int | None, typer.Option("--list", metavar="ID", help="The members of a static list.")] = None,
    fields: Annotated[str | None, typer.Option(metavar="A,B,C", help="The fields to write.")] = None,
    start_over: StartOver = False,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Write leads to a file."""
    with told_in_a_line():
        apart("--out", out, {"the file of --values-from": values_from, "the file of --store": store})
        selection = _leads(field, [*(value or ()), *read_values(values_from)], list_id, split(fields))
        marketo = client(daily=daily, reserve=reserve, store=store)
        run(marketo, selection, out, start_over=start_over, quiet=quiet)


@app.command(
    help="Write activities to a file, as JSON lines.\n\n"
    "With --until, those between two moments, drained in shards side by side and in no order across them. Marketo"
    " records some minutes late: choose an end that lies a while back.\n\n"
    "Without, those since a moment, in order, and FILE.checkpoint stays: every later run adds what is new since the"
    " last one. Move FILE away between runs, and each file holds what is new.\n\n"
    f"{_RESUMING}\n\n{ENVIRONMENT}",
    epilog=EPILOG,
)
def activities(
    *,
    since: Annotated[str, typer.Option(metavar="WHEN", help="A date or time in ISO 8601; UTC without an offset.")],
    types: Annotated[str, typer.Option(metavar="1,12,..", help="The types of activity, by id.")],
    out: OutOption,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="The end, itself not included.")] = None,
    lead_ids: Annotated[
        str | None, typer.Option("--leads", metavar="1,2,..", help="Those of some leads only, by id.")
    ] = None,
    shards: Annotated[int, typer.Option(help="How many parts to cut the range into, with --until.", min=1)] = 8,
    start_over: StartOver = False,
    daily: Daily = 50_000,
    reserve: Reserve = 0,
    store: StoreOption = None,
    quiet: Quiet = False,
) -> None:
    """Write activities to a file."""
    with told_in_a_line():
        selection = _activities(
            moment("--since", since),
            None if until is None else moment("--until", until),
            numbers("--types", types) or [],
            numbers("--leads", lead_ids),
            shards,
        )
        apart("--out", out, {"the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        run(marketo, selection, out, start_over=start_over, quiet=quiet)


@app.command(epilog=EPILOG)
def sandbox(
    *,
    port: Annotated[int, typer.Option(help="The port on loopback; 0 takes any free one.", min=0, max=65_535)] = 8080,
    leads: LeadCount = 1_000,
    activities: ActivityCount = 1_000,
    latency: Latency = 0.0,
    traffic: Annotated[
        float, typer.Option(metavar="RATE", help="Live events a second: visits, changes, merges ...", min=0)
    ] = 0.0,
    late: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="Share of the activities that are committed minutes after their date.", min=0, max=1
        ),
    ] = 0.0,
    seed: Seed = demonstration.SEED,
) -> None:
    """Run a sandbox until Ctrl-C, and print the three lines that point a shell at it.

    It enforces Marketo's own limits and speaks plain http on loopback only.
    """
    spread = demonstration.around(latency)
    with told_in_a_line(), suppress(KeyboardInterrupt):  # the only way to end it is no interruption
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


@app.command(help=f"Show today's calls and errors, everybody's.\n\n{ENVIRONMENT}", epilog=EPILOG)
def usage(
    *,
    json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    daily: Daily = 50_000,
    store: StoreOption = None,
) -> None:
    """Show today's usage."""
    with told_in_a_line():
        report = asyncio.run(figures.fetch(client(daily=daily, store=store)))
    if json:
        typer.echo(msgspec.json.encode(report))
    else:
        Console().print(report.table())


@app.command(epilog=EPILOG)
def operations(
    part: Annotated[str | None, typer.Argument(help="Only those whose name or path holds this.")] = None,
    *,
    json: Annotated[bool, typer.Option("--json", help="As one JSON list.")] = False,
) -> None:
    """List every operation with the permission it needs."""
    found = listing.rows(part)
    if json:
        typer.echo(msgspec.json.encode(found))
    else:
        Console().print(listing.table(found))


def _leads(field: str | None, values: list[str], list_id: int | None, fields: list[str] | None) -> Selection[Record]:
    if field is not None and list_id is None:
        if not values:
            raise InvalidRequest("--filter needs values: --value, or --values-from with at least one line")
        return LeadsByFilter(field=field, values=values, fields=fields)
    if list_id is None or field is not None:
        raise InvalidRequest("name either a field with --filter or a static list with --list")
    if values:
        raise InvalidRequest("values go with --filter, not with --list")
    return ListMembers(list_id=list_id, fields=fields)


def _activities(
    since: datetime, until: datetime | None, types: list[int], leads: list[int] | None, shards: int
) -> Selection[Activity]:
    if until is None:
        return ActivitiesSince(since=since, types=types, leads=leads)
    return ActivitiesBetween(since=since, until=until, types=types, leads=leads, shards=shards)
