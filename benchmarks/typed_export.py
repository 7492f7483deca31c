"""An export of 500 MB to typed Parquet: memory, and its pace against pyarrow alone on the same file.

Memory is the growth of this process's peak since before the export; the server runs in another process. Then the same
file is converted again and again, in turn by this package and by pyarrow's own reader and writer, which hold it whole
in memory; ratios are medians of wall time.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from msgspec import Struct
from pyarrow import csv, parquet

from benchmarks.bulk_export import FIELDS
from benchmarks.elsewhere import Setup, Where, peak, unlimited_client, unlimited_sandbox
from benchmarks.report import Figure, at_least, at_most, exactly, info
from marketo_async.bulk.exports.conversion import to_json_lines, to_parquet
from marketo_async.bulk.rows.arrow import schema_of
from marketo_async.bulk.rows.typed import ColumnTypes
from marketo_async.models.columns import column_type
from marketo_async.sandbox import Quirks

LEADS, COPIES, ROUNDS = 5_000, 900, 5
QUICK_COPIES, QUICK_ROUNDS = 100, 2


class Paces(Struct, frozen=True):
    """The growth of memory in MB, rows, bytes and seconds of the export; and how its conversion compares."""

    grown: float
    rows: int
    size: int
    seconds: float
    plain: float
    quoted: float
    megabytes: float
    lines: float


async def _export(where: Where, folder: Path) -> tuple[float, int, float, ColumnTypes]:
    async with unlimited_client(where) as marketo:
        now = datetime.now(UTC)
        small = (now - timedelta(hours=9), now)  # imports and warms up the modules of an export
        await marketo.bulk.leads.export_to(folder / "small.parquet", fields=FIELDS, created_at=small, poll=0.05)
        before, started = peak(), time.perf_counter()
        report = await marketo.bulk.leads.export_to(folder / "leads.parquet", fields=FIELDS, static_list=1001, poll=0.5)
        took, grown = time.perf_counter() - started, peak() - before
        await marketo.bulk.leads.download(report.jobs[0].export_id, folder / "leads.csv")
        fields = (await marketo.leads.describe2()).fields
        return grown, report.rows, took, ColumnTypes({one.name: column_type(one.data_type) for one in fields})


def _ours(source: Path, types: ColumnTypes) -> None:
    out = source.with_suffix(".ours")
    with source.open("rb") as file, out.open("wb") as sink:
        asyncio.run(to_parquet(file, sink, out, types, None))


def _pyarrow(source: Path, types: ColumnTypes) -> None:
    kinds = schema_of(FIELDS, types)
    options = csv.ConvertOptions(column_types=kinds, null_values=["null"], strings_can_be_null=True)
    table = csv.read_csv(source, convert_options=options, parse_options=csv.ParseOptions(newlines_in_values=True))
    parquet.write_table(table, source.with_suffix(".theirs"))


def _json_lines(source: Path, types: ColumnTypes | None) -> None:
    out = source.with_suffix(".jsonl")
    with source.open("rb") as file, out.open("wb") as sink:
        asyncio.run(to_json_lines(file, sink, out, types, None))


def _ratio(rounds: int, ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float]:
    """Return how many times faster ours is than theirs, and the seconds of ours."""
    ratios, seconds = [], []
    for _ in range(rounds):
        marks = [time.perf_counter()]
        for work in (theirs, ours):
            work()
            marks.append(time.perf_counter())
        ratios.append((marks[1] - marks[0]) / (marks[2] - marks[1]))
        seconds.append(marks[2] - marks[1])
    return statistics.median(ratios), statistics.median(seconds)


def _written(source: Path, name: str, before: bytes = b"", after: bytes = b"") -> Path:
    """Write the file again, with a header of its fields alone, and other text in its rows."""
    out = source.with_name(name)
    with source.open("rb") as file, out.open("wb") as sink:
        file.readline()
        sink.write(",".join(FIELDS).encode() + b"\n")
        while block := file.readlines(1_000_000):
            sink.write(b"".join(block).replace(before, after) if before else b"".join(block))
    return out


def _measure(pipe: Connection, where: Where, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        grown, rows, took, types = asyncio.run(_export(where, folder))
        source = _written(folder / "leads.csv", "plain.csv")
        size = source.stat().st_size
        plain, seconds = _ratio(rounds, lambda: _ours(source, types), lambda: _pyarrow(source, types))
        same = parquet.read_table(source.with_suffix(".ours")).equals(parquet.read_table(source.with_suffix(".theirs")))
        assert same, "both files have the same rows"
        quoted = _written(source, "quoted.csv", b",Northwind,", b',"Northwind, Inc.",')
        with_quotes, _ = _ratio(rounds, lambda: _ours(quoted, types), lambda: _pyarrow(quoted, types))
        lines, _ = _ratio(1, lambda: _json_lines(source, types), lambda: _json_lines(source, None))
        pipe.send(Paces(grown, rows, size, took, plain, with_quotes, size / 1e6 / seconds, lines))


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` takes a smaller file."""
    copies, rounds = (QUICK_COPIES, QUICK_ROUNDS) if quick else (COPIES, ROUNDS)
    with unlimited_sandbox(Setup(leads=LEADS, quirks=Quirks(export_copies=copies))) as where:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        process = context.Process(target=_measure, args=(there, where, rounds))
        process.start()
        there.close()
        found = here.recv()
        process.join()
    assert isinstance(found, Paces)
    return [
        info("the file", f"{found.size / 1e6:.0f} MB, {found.rows:,} rows in {found.seconds:.0f} s"),
        exactly("rows", found.rows, LEADS * copies),
        at_most("growth of resident memory in MB", found.grown, 64, quoted=True),
        at_least("CSV to typed Parquet against pyarrow alone", found.plain, 0.8, quoted=True),
        info("the same with a quoted cell in every seventh row", f"{found.quoted:.2f}"),
        info("CSV to typed Parquet in MB a second", f"{found.megabytes:.0f}"),
        info("typed JSON lines against those of text", f"{found.lines:.2g}"),
    ]
