"""The commands ``demo`` and ``sandbox``, with their options. See ``demo`` and ``serving`` for what they do."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated

import typer
from rich.console import Console

from marketo_async.cli import demo as demonstration
from marketo_async.cli.exits import EPILOG, Exit, errors_in_one_line
from marketo_async.cli.options import QuietOption
from marketo_async.cli.serving import serve
from marketo_async.sandbox import Quirks, Sandbox, Traffic

commands = typer.Typer(add_completion=False)

LeadsOption = Annotated[int, typer.Option(help="Number of leads in the sandbox.", min=0)]
ActivitiesOption = Annotated[int, typer.Option(help="Number of activities in the sandbox, all of the last day.", min=0)]
LatencyOption = Annotated[float, typer.Option(help="Mean seconds per call, 40 % more or less.", min=0.0)]
SeedOption = Annotated[int, typer.Option(help="Random seed; the same seed makes the same data.")]


@commands.command(epilog=EPILOG)
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


@commands.command(epilog=EPILOG)
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
