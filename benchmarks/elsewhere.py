"""A sandbox in another process, so that its CPU time and its memory are not counted in this one."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

from msgspec import Struct

from marketo_async.sandbox import Fault, InstanceLimits, Quirks, Sandbox

LIFTED = 10**6


class Options(Struct, frozen=True, kw_only=True):
    """What the sandbox is to be like; its limits are never reached."""

    leads: int = 1_000
    quirks: Quirks = Quirks()
    faults: tuple[Fault, ...] = ()


def _serve(pipe: Connection, options: Options) -> None:
    async def main() -> None:
        limits = InstanceLimits(calls=LIFTED, daily=LIFTED, export_daily_bytes=LIFTED * LIFTED)
        async with Sandbox(
            leads=options.leads, quirks=options.quirks, faults=options.faults, limits=limits, seed=11
        ) as sandbox:
            pipe.send((sandbox.base_url, sandbox.client_id, sandbox.client_secret))
            await asyncio.get_running_loop().run_in_executor(None, pipe.recv)

    asyncio.run(main())


@contextmanager
def sandbox_elsewhere(options: Options | None = None) -> Iterator[tuple[str, str, str]]:
    """Run a sandbox in another process while the block runs; gives its URL, client id and client secret."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, options or Options()), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send("stop")
        process.join(10)
