"""Files of windows joined into one: whatever the files are, the output holds every row once, under one header."""

from __future__ import annotations

import asyncio
import csv
import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct
from pyarrow import parquet

from marketo_async.bulk.exports import output as output_module
from marketo_async.bulk.exports.jobs import download_file
from marketo_async.bulk.exports.output import ExportOutput, OutputFormat
from marketo_async.bulk.exports.part_file import PartFile
from marketo_async.bulk.exports.request import Calls
from marketo_async.bulk.exports.state import new_state
from marketo_async.bulk.rows.reader import DictMaker, Reader, Row
from marketo_async.errors import DamagedFile
from marketo_async.models.bulk import ExportJob, LeadSelection
from marketo_async.sandbox.records.export_jobs import ExportJob as SandboxJob
from tests.conftest import Client
from tests.wire import Answer, ScriptedServer

from .instances import DAY, POLL, instance

COLUMNS = ["id", "name"]
CELLS = st.text(st.sampled_from('ab",\n\r\u2028 '), max_size=5)
ROWS = st.lists(st.tuples(CELLS, CELLS), max_size=4)


class Written(Struct, frozen=True):
    """A file as a server may write it."""

    rows: list[tuple[str, str]]
    end: str = "\n"
    last_end: bool = True
    nothing: bool = False  # not even a header

    def content(self, mark: str) -> bytes:
        lines = [("id", f"name{mark}"), *self.rows]
        text = self.end.join(",".join(map(quoted, line)) for line in lines) + (self.end if self.last_end else "")
        return b"" if self.nothing else text.encode()


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(mark in cell for mark in '",\n\r') else cell


FILES = st.lists(
    st.builds(Written, rows=ROWS, end=st.sampled_from(["\n", "\r\n"]), last_end=st.booleans())
    | st.builds(Written, rows=st.just([]), last_end=st.booleans())
    | st.just(Written(rows=[], nothing=True)),
    min_size=1,
    max_size=6,
)
ROW = Written(rows=[("1", "x")])
BARE = Written(rows=[], last_end=False)
NOTHING = Written(rows=[], nothing=True)


async def joined(folder: Path, files: Sequence[Written], kind: OutputFormat, *, in_runs: bool) -> Path:
    """Append *files* to an output in one run, or each in a run of its own."""
    path = folder / f"leads.{kind}"
    parts = [str(number) for number in range(len(files))]
    runs = [[number] for number in range(len(files))] if in_runs else [list(range(len(files)))]
    for run in runs:
        with ExportOutput(path) as target:
            state_file = target.state_file(lambda: new_state({}, parts, random.Random(1)))
            for number in run:
                target.window(number).write_bytes(files[number].content(state_file.state.windows[number].mark))
                await target.append(state_file, number, target.window(number))
            if run is runs[-1]:
                await target.finish(state_file, kind, columns=COLUMNS)
    return path


@settings(deadline=None, max_examples=25)  # each joins files twice, to disk
@given(files=FILES, piece=st.integers(1, 30), in_runs=st.booleans())
@example(files=[BARE, ROW], piece=3, in_runs=False)
@example(files=[ROW, NOTHING, ROW], piece=3, in_runs=False)
@example(files=[NOTHING, BARE, NOTHING], piece=3, in_runs=True)
@example(files=[BARE, Written(rows=[("1", "x")], end="\r\n"), ROW], piece=3, in_runs=True)
@example(files=[NOTHING], piece=3, in_runs=False)
def test_every_row_of_every_file_is_there_once_under_one_header(
    files: list[Written], piece: int, *, in_runs: bool
) -> None:
    expected = [dict(zip(COLUMNS, row, strict=True)) for file in files for row in file.rows]
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        patch.setattr(output_module, "_PIECE", piece)
        path = asyncio.run(joined(Path(folder), files, "csv", in_runs=in_runs))
        content = path.read_bytes()
        path.unlink()
        lines = asyncio.run(joined(Path(folder), files, "jsonl", in_runs=in_runs)).read_bytes()
    reader: Reader[Row] = Reader(DictMaker)
    found = reader.feed(content)
    while more := reader.close():
        found += more
    assert (reader.columns, found) == (COLUMNS, expected)
    assert [json.loads(line) for line in lines.splitlines()] == expected


@given(file=st.builds(Written, rows=ROWS, end=st.sampled_from(["\n", "\r\n"]), last_end=st.booleans()), data=st.data())
def test_records_are_counted_whatever_the_pieces(file: Written, data: st.DataObject) -> None:
    content = file.content("")
    with TemporaryDirectory() as folder, PartFile(Path(folder, "file")) as spool:
        at = 0
        while at < len(content):
            size = data.draw(st.integers(1, len(content) - at))
            spool.write(content[at : at + size])
            at += size
        assert (spool.held, spool.records) == (len(content), len(file.rows))
        spool.read_existing()
        assert (spool.held, spool.records) == (len(content), len(file.rows))


# What the job says


def told(content: bytes, records: int | None, *, size: int | None = None, checksum: bool = False) -> ExportJob:
    digest = f"sha256:{sha256(content).hexdigest()}" if checksum else None
    return ExportJob(export_id="e", status="Completed", file_size=size, file_checksum=digest, number_of_records=records)


FILE = b'id,name\n1,x\n2,"y\nz"\n'


@pytest.mark.parametrize(
    ("job", "content", "flaw"),
    [
        (told(FILE, 2), FILE, ""),
        (told(FILE, 3), FILE, "2 records were received, the job has 3"),
        (told(b"", 1), b"", "0 records were received, the job has 1"),
        (told(FILE, None, size=5), FILE, "20 bytes were received, the job has 5"),
        (told(FILE, 3, checksum=True), FILE, ""),  # the checksum proves more than a count
    ],
)
async def test_what_the_job_says_of_its_file_is_compared_with_what_came(
    job: ExportJob, content: bytes, flaw: str, client: Client, tmp_path: Path
) -> None:
    async with ScriptedServer(Answer(content)) as server, client(server.origin) as marketo:
        calls: Calls[LeadSelection] = Calls(marketo.bulk.leads, marketo.bulk.leads._sender)
        if not flaw:
            assert await download_file(calls, job, tmp_path / "file") == 2
            return
        with pytest.raises(DamagedFile, match=flaw):
            await download_file(calls, job, tmp_path / "file")


async def test_a_report_counts_the_rows_that_came(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    async with instance(30) as (_, marketo):
        start = SandboxJob.start

        def miscounted(self: SandboxJob, moment: float) -> None:
            start(self, moment)
            self.number_of_records += 5

        monkeypatch.setattr(SandboxJob, "start", miscounted)
        report = await marketo.bulk.leads.export_to(tmp_path / "l.csv", fields=["id"], static_list=1001, poll=POLL)
    assert report.rows == 30


LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("lost", [True, False])
async def test_a_window_without_records_needs_no_file(*, lost: bool, tmp_path: Path) -> None:
    async with instance(10, export_files_lost=lost) as (_, marketo):
        empty = (LONG_AGO, LONG_AGO + timedelta(days=40))
        export = marketo.bulk.leads
        assert [row async for row in export.export(fields=COLUMN_NAMES, created_at=empty, poll=POLL)] == []
        for suffix in ("csv", "tsv", "jsonl", "parquet"):
            out = tmp_path / f"leads.{suffix}"
            report = await export.export_to(out, fields=COLUMN_NAMES, created_at=empty, poll=POLL)
            assert (report.rows, report.bytes) == (0, out.stat().st_size)
    with (tmp_path / "leads.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [COLUMN_NAMES]
    assert (tmp_path / "leads.tsv").read_bytes() == b"id\temail\n"
    assert (tmp_path / "leads.jsonl").read_bytes() == b""
    table = parquet.read_table(tmp_path / "leads.parquet")
    assert (table.column_names, table.num_rows) == (COLUMN_NAMES, 0)


COLUMN_NAMES = ["id", "email"]


async def test_members_of_several_programs_without_a_file_still_have_their_program_s_column(
    tmp_path: Path,
) -> None:
    async with instance(10, export_files_lost=True) as (_, marketo):
        out = tmp_path / "members.csv"
        await marketo.bulk.program_members.export_to(
            out,
            program_id=[2001, 2002],
            fields=["leadId"],
            updated_at=(LONG_AGO, LONG_AGO + DAY),
            poll=POLL,
        )
    assert out.read_bytes() == b"programId,leadId\n"
