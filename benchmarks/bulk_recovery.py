"""Downloads broken 20 times, and an export of five windows killed 50 times: nothing lost, no job created twice.

Breaks happen at random bytes, kills (``SIGKILL``) at random moments of a run in its own process; the server runs in
another process.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Self

from msgspec.structs import replace

from benchmarks.elsewhere import LIFTED, Setup, Where, unlimited_sandbox
from benchmarks.report import Figure, at_most, exactly, info
from marketo_async import CallRecord, Governor, Limits, Marketo, RetryPolicy
from marketo_async.models.bulk import DateRange, ExportJob, LeadSelection
from marketo_async.sandbox import Fault, Quirks

BREAKS, KILLS, WINDOWS = 20, 50, 5
QUICK_KILLS = 4
BUFFER = 65_536
FIELDS = ["id", "email", "firstName", "createdAt"]
DAY = timedelta(days=1)
_FORK = multiprocessing.get_context("fork")  # the next run starts at once


def client(where: Where, hook: Callable[[CallRecord], None] | None = None) -> Marketo:
    """Return a client whose limits are out of reach."""
    return Marketo(
        where.base_url,
        client_id=where.client_id,
        client_secret=where.client_secret,
        governor=Governor(Limits(calls=LIFTED, daily=LIFTED), on_call=hook),
        retry=RetryPolicy(base=0.01, cap=0.02),
    )


class Meter:
    """A proxy on loopback that counts the bytes from the server, and the connections that end early."""

    def __init__(self, base_url: str) -> None:
        self.came = 0
        self._port = int(base_url.rpartition(":")[2])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._joined, "127.0.0.1", 0)
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # at the end; asyncio would report it
            await self._passed_on(reader, writer)

    async def _passed_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, downstream = await asyncio.open_connection("127.0.0.1", self._port)
        asked = asyncio.ensure_future(_copied(reader, downstream))
        while piece := await upstream.read(BUFFER):
            self.came += len(piece)
            writer.write(piece)
            await writer.drain()
        asked.cancel()
        downstream.close()
        writer.close()


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(BUFFER):
        writer.write(piece)


async def _broken(where: Where) -> tuple[int, int, int]:
    """Return the size of a file, the bytes received for it, and the number of calls."""
    async with client(where) as marketo:
        dates = DateRange(start_at=datetime.now(UTC) - 31 * DAY, end_at=datetime.now(UTC))
        job = await marketo.bulk.leads.create(FIELDS, LeadSelection(created_at=dates))
        await marketo.bulk.leads.enqueue(job.export_id)
        while (job := await marketo.bulk.leads.status(job.export_id)).status != "Completed":  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    records: list[CallRecord] = []
    async with (
        Meter(where.base_url) as meter,
        client(replace(where, base_url=meter.base_url), records.append) as marketo,
    ):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "leads.csv")
            size = await marketo.bulk.leads.download(job.export_id, path)
            assert job.file_checksum == f"sha256:{sha256(path.read_bytes()).hexdigest()}"  # noqa: ASYNC240
    return size, meter.came, sum(record.operation == "bulk.leads.file" for record in records)


def _run(where: Where, out: Path, since: datetime, until: datetime) -> None:
    async def export() -> None:
        async with client(where) as marketo:
            await marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=(since, until), poll=0.02)

    asyncio.run(export())


async def _jobs(where: Where) -> list[ExportJob]:
    async with client(where) as marketo:
        return await marketo.bulk.leads.jobs().all()


def killed(where: Where, moments: Iterable[float], *, folder: Path) -> tuple[int, int, int]:
    """Kill exports after fractions of the time that one takes, and run them again.

    Returns how many files differ, how many jobs were created twice, and how many runs were killed before their end.
    """
    until = datetime.now(UTC)
    since = until - 31 * WINDOWS * DAY
    plain = folder / "plain.csv"
    _run(where, plain, since, until)  # a fork inherits what this warms up
    plain.unlink()
    started = time.perf_counter()
    _run(where, plain, since, until)
    took, wanted = time.perf_counter() - started, plain.read_bytes()
    made = len(asyncio.run(_jobs(where)))
    other = doubled = caught = 0
    for number, moment in enumerate(moments):
        out = folder / f"{number}.csv"
        process = _FORK.Process(target=_run, args=(where, out, since, until))
        process.start()
        process.join(moment * took)
        caught += process.is_alive()
        process.kill()
        process.join()
        if not out.exists():
            _run(where, out, since, until)
        other += out.read_bytes() != wanted
        now = len(asyncio.run(_jobs(where)))
        doubled += now - made - WINDOWS
        made = now
        out.unlink()
    return other, doubled, caught


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` kills less often."""
    kills = QUICK_KILLS if quick else KILLS
    drops = Fault("drop", times=BREAKS, path="/bulk/v1/leads/export/*/file.json")
    with unlimited_sandbox(Setup(leads=20_000, quirks=Quirks(export_copies=100), faults=(drops,))) as where:
        size, came, fetches = asyncio.run(_broken(where))
    rng = random.Random(5)
    with (
        unlimited_sandbox(Setup(leads=20_000, quirks=Quirks(export_seconds=0.05))) as where,
        tempfile.TemporaryDirectory() as folder,
    ):
        other, doubled, caught = killed(where, [rng.random() for _ in range(kills)], folder=Path(folder))
    return [
        exactly("calls for the file, all but the last interrupted", fetches, BREAKS + 1),
        info("bytes of the file, and bytes received for it", f"{size:,}, {came:,}"),
        at_most("bytes received twice, in buffers of 64 KB per break", (came - size) / BUFFER / BREAKS, 1),
        info("kills before the export ended", f"{caught} of {kills}"),
        exactly("files that differ", other, 0, quoted=True),
        exactly("jobs created twice", doubled, 0, quoted=True),
    ]
