"""``tail``: follows the changes of an instance, live, and writes one line for each event.

See ``event_lines`` for the lines, and ``event_file`` for what is on disk at which moment.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import typer
from msgspec import Struct

from marketo_async import Marketo
from marketo_async.changes import Budget
from marketo_async.cli.drain import this_command
from marketo_async.cli.event_file import EventFile, EventStream
from marketo_async.cli.event_lines import LineFormat, encoder
from marketo_async.cli.exits import EPILOG, errors_in_one_line
from marketo_async.cli.gauge import Gauge, Tally
from marketo_async.cli.options import (
    ENVIRONMENT,
    DailyOption,
    QuietOption,
    ReserveOption,
    StartOverOption,
    StoreOption,
    activity_types,
    split,
)
from marketo_async.cli.output import STDOUT
from marketo_async.cli.relative_time import duration, moment_or_ago
from marketo_async.cli.separate_files import require_separate
from marketo_async.cli.sharing import client
from marketo_async.errors import MarketoError
from marketo_async.resources.activity_queries import Types

HELP = (
    "Follow the changes of an instance, and write one line for each event: new, changed, deleted and merged leads,"
    " lists, programs, and every other activity.\n\n"
    "With --out: FILE.checkpoint records the progress after each batch. After any interruption, run the same command"
    " again to resume: no event is missing or doubled. If you move FILE away between runs, the new one holds only the"
    " new events.\n\n"
    "Marketo records some activities minutes late; they come after newer ones. Those that are more than --lag late are"
    f" lost.\n\n{ENVIRONMENT}"
)

_MINUTES = "30m"


class Followed(Struct, frozen=True):
    """What the command follows, and how."""

    types: Types
    fields: list[str] | Literal["all"]
    since: datetime | None
    lag: timedelta
    sweep: timedelta
    poll: float
    follow: bool
    budget: Budget | None


commands = typer.Typer(add_completion=False)


@commands.command(help=HELP, epilog=EPILOG)
def tail(  # noqa: PLR0913 - one parameter per option
    *,
    types: Annotated[
        str, typer.Option(metavar="all|1,12,..", help="The activity types: ids or names, or all of the instance.")
    ] = "all",
    fields: Annotated[
        str, typer.Option(metavar="all|A,B,C", help="API names of the fields whose changes are events.")
    ] = "all",
    since: Annotated[
        str | None,
        typer.Option(
            metavar="AGO|WHEN",
            help="Start: 10m, 2h or 7d ago, or an ISO 8601 date or time. Default: now. A resumed FILE has its own.",
        ),
    ] = None,
    format: Annotated[
        LineFormat | None, typer.Option(help="The format of a line. Default: text, and jsonl with --out.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="File to append to; - is stdout.", dir_okay=False)
    ] = STDOUT,
    follow: Annotated[bool, typer.Option(help="Wait for new events until Ctrl-C, or end with those until now.")] = True,
    poll: Annotated[float, typer.Option(metavar="SECONDS", help="Seconds between two looks for new events.")] = 60.0,
    lag: Annotated[
        str, typer.Option(metavar="DURATION", help="How late Marketo may record an activity, such as 30m or 4h.")
    ] = _MINUTES,
    sweep: Annotated[
        str, typer.Option(metavar="DURATION", help="The time between two looks for late events, such as 30m.")
    ] = _MINUTES,
    budget: Annotated[
        int | None, typer.Option(metavar="CALLS", help="The most calls a day for this command.", min=1)
    ] = None,
    start_over: StartOverOption = False,
    daily: DailyOption = 50_000,
    reserve: ReserveOption = 0,
    store: StoreOption = None,
    quiet: QuietOption = False,
) -> None:
    """Follow the changes of an instance, one line an event."""
    with errors_in_one_line():
        followed = Followed(
            types=activity_types(types),
            fields="all" if fields.strip() == "all" else split(fields) or [],
            since=None if since is None else moment_or_ago("--since", since, now=datetime.now(UTC)),
            lag=duration("--lag", lag),
            sweep=duration("--sweep", sweep),
            poll=poll,
            follow=follow,
            budget=None if budget is None else Budget(calls_per_day=budget),
        )
        require_separate("--out", out, {"the file of --store": store})
        marketo = client(daily=daily, reserve=reserve, store=store)
        _run(marketo, followed, _destination(marketo, out, format, start_over=start_over), quiet=quiet)


def _destination(
    marketo: Marketo, out: Path, format: LineFormat | None, *, start_over: bool
) -> EventFile | EventStream:
    if out == STDOUT:
        coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        return EventStream(encoder(format or LineFormat.TEXT, coloured=coloured, charset=sys.stdout.encoding))
    chosen = format or LineFormat.JSONL
    instance = marketo.munchkin_id or marketo.base_url
    return EventFile(out, encoder(chosen), instance=instance, format=chosen.value, start_over=start_over)


def _run(marketo: Marketo, followed: Followed, into: EventFile | EventStream, *, quiet: bool) -> None:
    """Follow until the end; an exception gets a note that says how to resume."""
    gauge = Gauge(marketo.governor, Tally("events"))
    before = 0

    async def follow() -> None:
        nonlocal before
        async with into as lines:
            before = lines.checkpoint.records
            async with marketo:
                await marketo.calibrate()  # the quota then includes the calls of all API users
                await _follow(marketo, followed, lines)

    try:
        asyncio.run(follow())
    except (KeyboardInterrupt, MarketoError, OSError) as error:
        if into.resumable and into.checkpoint.token is not None:
            kept = f"{into.checkpoint.records:,} events are in {into.path}"
            error.add_note(f"{kept}; resume with: {this_command()}")
        raise
    if not quiet:
        records = into.checkpoint.records
        new = f", {records - before:,} of them new" if before else ""
        typer.echo(f"{records:,} events in {into.path}{new} | {gauge.pace()}", err=True)


async def _follow(marketo: Marketo, followed: Followed, lines: EventFile | EventStream) -> None:
    changes = marketo.changes(
        since=followed.since,
        position=lines.checkpoint.token,
        types=followed.types,
        fields=followed.fields,
        lag=followed.lag,
        sweep=followed.sweep,
        poll=followed.poll,
        follow=followed.follow,
        budget=followed.budget,
    )
    async with changes as feed:
        await lines.begin(feed.position)
        async for batch in feed:
            await lines.take(batch)
