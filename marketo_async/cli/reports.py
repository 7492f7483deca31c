"""The commands ``usage`` and ``operations``, with their options. See their modules for what they show."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from marketo_async.cli import operations as listing
from marketo_async.cli import usage as figures
from marketo_async.cli.exits import EPILOG, errors_in_one_line
from marketo_async.cli.options import ENVIRONMENT, DailyOption, StoreOption
from marketo_async.cli.sharing import client

commands = typer.Typer(add_completion=False)


@commands.command(
    help=f"Show today's calls and errors of all API users; makes two calls.\n\n{ENVIRONMENT}", epilog=EPILOG
)
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


@commands.command(epilog=EPILOG)
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
