"""Draining a selection into a file, in a way that can be interrupted and gone on with.

The one routine behind ``leads`` and ``activities``. Not here: what is on disk at which moment (``output``).
"""

from __future__ import annotations

import asyncio
import shlex
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TypeVar

import typer

from marketo_async import Marketo
from marketo_async.cli.gauge import Gauge, Tally
from marketo_async.cli.output import STDOUT, Output, Stdout
from marketo_async.cli.selection import Selection
from marketo_async.errors import MarketoError

T = TypeVar("T")

START_OVER = "--start-over"


def run(marketo: Marketo, selection: Selection[T], path: Path, *, start_over: bool, quiet: bool) -> None:
    """Drain *selection* into *path*, or what is left of it; whatever stops it gets a note on how to go on."""
    arguments = {"instance": marketo.base_url, **selection.arguments()}
    if path == STDOUT:
        into: Output | Stdout = Stdout(arguments)
    else:
        into = Output(path, arguments, endless=selection.endless, start_over=start_over)
    with into as output:
        try:
            summary = asyncio.run(_drain(marketo, selection, output, quiet=quiet))
        except (KeyboardInterrupt, MarketoError, OSError) as error:
            if not output.resumable:
                raise
            if output.checkpoint.token is not None:
                kept = f"{output.checkpoint.records:,} {selection.noun} are in {path}"
                error.add_note(f"{kept}; go on with: {this_command()}")
            elif isinstance(error, KeyboardInterrupt):
                error.add_note(f"nothing was written yet; begin again with: {this_command()}")
            raise
        output.finish()
    if not quiet:
        typer.echo(summary, err=True)


async def _drain(marketo: Marketo, selection: Selection[T], output: Output | Stdout, *, quiet: bool) -> str:
    """Bring every page into *output*, and return what there is to say at the end."""
    before = output.checkpoint
    tally = Tally(selection.noun, records=before.records)
    gauge = Gauge(marketo.governor, tally)
    if selection.endless or not before.complete:
        async with gauge.shown(quiet=quiet), marketo:
            await marketo.calibrate()  # so that the quota shown, and stopped at, is everybody's
            async with aclosing(selection.pager(marketo, before.token).pages()) as pages:
                async for page in pages:
                    output.take(page)
                    tally.add(len(page.items))
    told = f"{tally} in {output.path}"
    if before.token is not None:
        told += f", {tally.records - before.records:,} of them new"
    if selection.endless and output.resumable:
        told += "; the same command adds what comes from now on"
    return f"{told} | {gauge.pace()}"


def this_command() -> str:
    """Return what was typed, but for what would begin anew."""
    return shlex.join(["marketo-async", *(word for word in sys.argv[1:] if word != START_OVER)])
