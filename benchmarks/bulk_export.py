"""A bulk export of 500 MB: memory, and rows as dicts and Structs against csv.DictReader.

Memory is the growth of this process's peak since before the export; the server runs in another process. The readers
alternate on the same bytes, round by round, so that a slow machine slows all of them; ratios are medians.
"""

from __future__ import annotations

import asyncio
import csv
import io
import multiprocessing
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from msgspec import Struct

from benchmarks.elsewhere import Setup, Where, peak, unlimited_client, unlimited_sandbox
from benchmarks.report import Figure, at_least, at_most, exactly, info
from marketo_async.bulk.rows.reader import BLOCK, DictMaker, Reader, StructMaker
from marketo_async.sandbox import Quirks

T = TypeVar("T")

LEADS, COPIES, ROUNDS = 5_000, 900, 7
QUICK_COPIES, QUICK_ROUNDS = 100, 2
MEGABYTE = 1_048_576
SAMPLE, QUICK_SAMPLE = 24 * MEGABYTE, 6 * MEGABYTE
FIELDS = [
    *("id", "email", "firstName", "lastName", "company", "country", "title"),
    *("leadScore", "unsubscribed", "createdAt", "updatedAt", "phone"),
]


class Lead(Struct):
    """A lead, with the types of its fields."""

    id: int
    email: str
    firstName: str | None  # noqa: N815 - Marketo's names
    lastName: str | None  # noqa: N815
    company: str | None
    country: str | None
    title: str | None
    leadScore: int | None  # noqa: N815
    unsubscribed: bool
    createdAt: datetime  # noqa: N815
    updatedAt: datetime  # noqa: N815
    phone: str | None


async def _export(where: Where) -> tuple[float, int, int, float, bytes]:
    """Return memory growth, rows, bytes and seconds of an export, and a part of the file."""
    async with unlimited_client(where) as marketo:
        now = datetime.now(UTC)
        small = (now - timedelta(hours=9), now)  # imports and warms up the modules of an export
        async for _ in marketo.bulk.leads.export(fields=FIELDS, created_at=small, poll=0.05):
            pass
        before, rows, started = peak(), 0, time.perf_counter()
        async for _ in marketo.bulk.leads.export(fields=FIELDS, static_list=1001, poll=0.5):
            rows += 1
        took, grown = time.perf_counter() - started, peak() - before
        [job] = [job async for job in marketo.bulk.leads.jobs() if (job.file_size or 0) > 10 * MEGABYTE]
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "leads.csv")
            size = await marketo.bulk.leads.download(job.export_id, path)
            grown = max(grown, peak() - before)
            return grown, rows, size, took, _sample(path)


def _sample(path: Path) -> bytes:
    """Return whole lines from the beginning of a file, without a byte order mark."""
    with path.open("rb") as file:
        file.readline()
        sample = file.read(SAMPLE)
    return ",".join(FIELDS).encode() + b"\n" + sample[: sample.rfind(b"\n") + 1]


def _in_a_process_of_its_own(pipe: Connection, where: Where) -> None:
    pipe.send(asyncio.run(_export(where)))


def _read(sample: bytes, reader: Reader[T]) -> int:
    return sum(len(reader.feed(sample[at : at + BLOCK])) for at in range(0, len(sample), BLOCK)) + len(reader.close())


def _ratios(sample: bytes, rounds: int) -> tuple[float, float]:
    """Return how many times faster than csv.DictReader dicts and Structs are read from the same bytes."""
    text = sample.decode()
    clock, dicts, structs = time.process_time, [], []
    for _ in range(rounds):
        marks = [clock()]
        count = sum(1 for _ in csv.DictReader(io.StringIO(text, newline="")))
        marks.append(clock())
        assert _read(sample, Reader(DictMaker)) == count
        marks.append(clock())
        assert _read(sample, Reader(lambda columns: StructMaker(columns, Lead))) == count
        marks.append(clock())
        plain = marks[1] - marks[0]
        dicts.append(plain / (marks[2] - marks[1]))
        structs.append(plain / (marks[3] - marks[2]))
    return statistics.median(dicts), statistics.median(structs)


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` takes a smaller file."""
    copies, rounds = (QUICK_COPIES, QUICK_ROUNDS) if quick else (COPIES, ROUNDS)
    with unlimited_sandbox(Setup(leads=LEADS, quirks=Quirks(export_copies=copies))) as where:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_in_a_process_of_its_own, args=(there, where))
        process.start()
        grown, rows, size, took, sample = here.recv()
        process.join()
    if quick:
        sample = sample[: sample.rfind(b"\n", 0, QUICK_SAMPLE) + 1]
    dicts, structs = _ratios(sample, rounds)
    quoted, _ = _ratios(sample.replace(b",Northwind,", b',"Northwind, Inc.",'), rounds)
    return [
        info("the file", f"{size / 1e6:.0f} MB, {rows:,} rows in {took:.0f} s"),
        exactly("rows", rows, LEADS * copies),
        at_most("growth of resident memory in MB", grown, 48, quoted=True),
        at_least("rows as dicts against csv.DictReader", dicts, 1.5, quoted=True),
        info("the same where every seventh row has a quoted cell", f"{quoted:.3g}"),
        at_least("rows as Structs against csv.DictReader", structs, 1.0, quoted=True),
    ]
