"""Sandboxes in another process, one after the other, so that their CPU time and memory are not counted here."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from marketo_async import Governor, Limits, Marketo
from marketo_async.sandbox import Fault, InstanceLimits, Quirks, Sandbox

LIFTED = 10**6


def peak() -> float:
    """Return the peak of this process's resident memory, in MB.

    On Linux a process inherits ``ru_maxrss`` from its parent, so the process's own mark is read there.
    """
    status = Path("/proc/self/status")
    if status.exists():
        mark = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(mark.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024)


class Setup(Struct, frozen=True, kw_only=True):
    """The settings of a sandbox: numbers of records, seconds of latency and their spread, limits, and faults."""

    leads: int = 1_000
    activities: int = 0
    latency: tuple[float, float] = (0.0, 0.0)
    limits: InstanceLimits = InstanceLimits()
    faults: tuple[Fault, ...] = ()
    quirks: Quirks = Quirks()


class Where(Struct, frozen=True):
    """The address of a sandbox, and its client id and secret."""

    base_url: str
    client_id: str
    client_secret: str


class Seen(Struct, frozen=True):
    """The counts of an instance, and its leads: all of them, and how many different addresses."""

    calls: int
    identity_calls: int
    refused: int
    leads: int
    addresses: int


class Remote:
    """A sandbox that listens in the other process."""

    def __init__(self, pipe: Connection, where: Where) -> None:
        self._pipe = pipe
        self.where = where

    def seen(self) -> Seen:
        """Return the counts up to now."""
        self._pipe.send("seen")
        answer = self._pipe.recv()
        assert isinstance(answer, Seen)
        return answer


class Host:
    """A process that serves sandboxes."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    @contextmanager
    def sandbox(self, setup: Setup) -> Iterator[Remote]:
        """Serve one sandbox for as long as the context is open."""
        self._pipe.send(setup)
        where = self._pipe.recv()
        assert isinstance(where, Where)
        try:
            yield Remote(self._pipe, where)
        finally:
            self._pipe.send("stop")


@contextmanager
def host() -> Iterator[Host]:
    """Run the process; it ends with the context."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve_all, args=(there,), daemon=True)
    process.start()
    there.close()  # so that the death of the process raises EOFError here, and does not block
    try:
        yield Host(here)
    finally:
        if process.is_alive():
            here.send(None)
        process.join(10)


@contextmanager
def unlimited_sandbox(setup: Setup | None = None) -> Iterator[Where]:
    """Serve one sandbox whose limits are out of reach, to measure the cost of a call or a file."""
    limits = InstanceLimits(calls=LIFTED, daily=LIFTED, export_daily_bytes=LIFTED * LIFTED)
    with host() as process, process.sandbox(replace(setup or Setup(), limits=limits)) as remote:
        yield remote.where


def unlimited_client(where: Where) -> Marketo:
    """Return a client whose governor has limits that are out of reach."""
    governor = Governor(Limits(calls=LIFTED, daily=LIFTED))
    return Marketo(where.base_url, client_id=where.client_id, client_secret=where.client_secret, governor=governor)


def _serve_all(pipe: Connection) -> None:
    while isinstance(setup := pipe.recv(), Setup):
        asyncio.run(_serve(pipe, setup))


async def _serve(pipe: Connection, setup: Setup) -> None:
    sandbox = Sandbox(
        leads=setup.leads,
        activities=setup.activities,
        latency=setup.latency,
        limits=setup.limits,
        faults=setup.faults,
        quirks=setup.quirks,
    )
    loop = asyncio.get_running_loop()
    async with sandbox:
        pipe.send(Where(sandbox.base_url, sandbox.client_id, sandbox.client_secret))
        while await loop.run_in_executor(None, pipe.recv) == "seen":
            pipe.send(_seen(sandbox))


def _seen(sandbox: Sandbox) -> Seen:
    leads, stats = sandbox.instance.leads, sandbox.stats
    addresses = {lead["email"] for number in leads.ids() if (lead := leads.get(number)) is not None}
    return Seen(
        calls=stats.calls,
        identity_calls=stats.identity_calls,
        refused=stats.refused.total(),
        leads=len(leads),
        addresses=len(addresses),
    )
