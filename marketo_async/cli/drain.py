"""Writes a selection to a file and can resume after an interruption: the work of ``leads`` and ``activities``.

See ``output`` for the order in which lines and checkpoints reach the disk.
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
    """Write ``selection``, or the rest of it, to ``path``; an exception gets a note that says how to resume."""
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
                error.add_note(f"{kept}; resume with: {this_command()}")
            elif isinstance(error, KeyboardInterrupt):
                error.add_note(f"nothing was written yet; start again with: {this_command()}")
            raise
        output.finish()
    if not quiet:
        typer.echo(summary, err=True)


async def _drain(marketo: Marketo, selection: Selection[T], output: Output | Stdout, *, quiet: bool) -> str:
    """Write every page to ``output``, and return the summary."""
    before = output.checkpoint
    tally = Tally(selection.noun, records=before.records)
    gauge = Gauge(marketo.governor, tally)
    if selection.endless or not before.complete:
        async with gauge.shown(quiet=quiet), marketo:
            await marketo.calibrate()  # the quota then includes the calls of all API users
            async with aclosing(selection.pager(marketo, before.token).pages()) as pages:
                async for page in pages:
                    output.take(page)
                    tally.add(len(page.items))
    summary = f"{tally} in {output.path}"
    if before.token is not None:
        summary += f", {tally.records - before.records:,} of them new"
    if selection.endless and output.resumable:
        summary += "; run the same command again to add new ones"
    return f"{summary} | {gauge.pace()}"


def this_command() -> str:
    """Return the command as it was typed, without ``--start-over``."""
    return shlex.join(["marketo-async", *(word for word in sys.argv[1:] if word != START_OVER)])
