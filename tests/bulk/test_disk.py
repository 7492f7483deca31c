"""A disk that is full for a moment: every writer reports the disk's own error, at once, and continues without damage.

The disk is a real one: each process may write files of a certain size only (RLIMIT_FSIZE), until it may again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import start_blocking_portal
from pyarrow import parquet

from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox

from .instances import DAY, QUICK, calls

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits of a process are POSIX's")

STARTED = datetime.now(UTC)
WINDOWS = 4

_LIMITED = """
import asyncio, json, resource, sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

@contextmanager
def room_for(size):
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

def failure(error):
    return {
        "kind": type(error).__name__,
        "errno": getattr(error, "errno", None),
        "file": getattr(error, "filename", None),
        "notes": getattr(error, "__notes__", []),
    }
"""


def run(code: str, *arguments: object) -> Any:
    """Run ``code`` in a process of its own, and return what it prints as JSON."""
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", _LIMITED + code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return json.loads(done.stdout)


def is_the_disk_s(found: Any, path: Path) -> bool:
    """Return whether an error is the disk's own, names a file (``path`` may be a pattern), and says what to do next."""
    return (
        (found["kind"], found["errno"]) == ("OSError", 27)
        and fnmatch(found["file"], str(path))
        and "make room" in " ".join(found["notes"])
    )


_DOWNLOAD = """
from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.bulk.exports.jobs import download_file
from marketo_async.bulk.exports.request import Calls
from marketo_async.models.bulk import ExportJob
from tests.wire import Answer, ScriptedServer

FILE = b"id,name\\n" + b"".join(b"%d,somebody\\n" % number for number in range(200_000))

def answer(sent):
    start = int(sent.headers.get("range", "bytes=0-")[6:-1])
    place = {"Content-Range": f"bytes {start}-{len(FILE) - 1}/{len(FILE)}"}
    return Answer(FILE[start:], status=206 if start else 200, headers=place if start else {})

async def main(path):
    job = ExportJob(
        export_id="e", status="Completed", file_size=len(FILE), file_checksum=f"sha256:{sha256(FILE).hexdigest()}"
    )
    async with ScriptedServer() as server:
        server.default = answer
        retry = RetryPolicy(base=0.001, cap=0.001)
        async with Marketo(server.origin, client_id="i", client_secret="s", retry=retry) as marketo:
            exporter = Calls(marketo.bulk.leads, marketo.bulk.leads._sender)
            found, held = [], []
            for size in (1_000_000, 1_500_000):
                with room_for(size):
                    try:
                        await download_file(exporter, job, path)
                    except Exception as error:
                        found.append(failure(error))
                    held.append(path.stat().st_size)
            await download_file(exporter, job, path)
        ranges = [call.headers.get("range") for call in server.calls]
    print(json.dumps({"errors": found, "held": held, "ranges": ranges, "right": path.read_bytes() == FILE}))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_a_full_disk_stops_a_download_at_once_and_what_it_took_is_not_asked_for_again(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv.part"
    found = run(_DOWNLOAD, path)
    assert [is_the_disk_s(error, path) for error in found["errors"]] == [True, True], found
    assert found["held"] == [1_000_000, 1_500_000]
    assert found["ranges"] == [None, "bytes=1000000-", "bytes=1500000-"]
    assert found["right"]


_MOMENT = """
import threading
from tests.wire import ScriptedServer
exec(DOWNLOAD.partition("async def main")[0])

async def main(path):
    job = ExportJob(
        export_id="e", status="Completed", file_size=len(FILE), file_checksum=f"sha256:{sha256(FILE).hexdigest()}"
    )
    async with ScriptedServer() as server:
        server.default = answer
        retry = RetryPolicy(attempts=50, few=50, base=0.05, cap=0.05)
        async with Marketo(server.origin, client_id="i", client_secret="s", retry=retry) as marketo:
            exporter = Calls(marketo.bulk.leads, marketo.bulk.leads._sender)
            _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
            again = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            asyncio.get_running_loop().call_later(0.2, again)
            while True:
                try:
                    await download_file(exporter, job, path)
                    break
                except OSError:
                    await asyncio.sleep(0.05)
    print(json.dumps(path.read_bytes() == FILE))

asyncio.run(main(Path(sys.argv[1])))
"""


def test_what_passes_for_whole_is_whole_on_the_disk(tmp_path: Path) -> None:
    assert run(f"DOWNLOAD = {_DOWNLOAD!r}\n{_MOMENT}", tmp_path / "file") is True


_WRITERS = """
import random, tempfile
from marketo_async.bulk.exports.output import ExportOutput
from marketo_async.bulk.exports.part_file import PartFile
from marketo_async.bulk.exports.state import new_state
from marketo_async.bulk import JobSlots, Rejected
from marketo_async.bulk.imports.input_file import FileDialect
from marketo_async.bulk.imports.run import Importer, ImportRun
from marketo_async.bulk.slots import Polling
from marketo_async.cli import output as lines
from marketo_async.cli.rejects import RejectsFile
from marketo_async.atomic_file import replace_file
from marketo_async.models.bulk import ImportJob
from marketo_async.operation import Page

BODY = b"".join(b"%d,somebody\\n" % number for number in range(1_000))

def state(folder):
    replace_file(folder / "state", b"before")
    yield folder / "state", lambda: replace_file(folder / "state", BODY)
    yield (folder / "state").read_bytes() == b"before", [path.name for path in folder.iterdir()] == ["state"]
    replace_file(folder / "state", BODY)
    yield (folder / "state").read_bytes() == BODY

def spool(folder):
    with PartFile(folder / "spool") as spool:
        yield folder / "spool", lambda: spool.write(BODY)
        yield spool.held == 5_000, True
        spool.write(BODY[spool.held :])
    yield (folder / "spool").read_bytes() == BODY

def drain(folder):
    page = Page(items=[{"id": number} for number in range(1_000)], token=None, more=False)
    with lines.Output(folder / "leads.jsonl", {}) as output:
        yield folder / "leads.jsonl", lambda: output.take(page)
    with lines.Output(folder / "leads.jsonl", {}) as output:
        yield output.checkpoint.records == 0, True
        output.take(page)
        output.finish()
    yield len((folder / "leads.jsonl").read_bytes().splitlines()) == 1_000

def part(folder):
    with ExportOutput(folder / "leads.csv") as output:
        state_file = output.state_file(lambda: new_state({}, ["one"], random.Random(1)))
        output.window(0).write_bytes(b"id,name\\n" + BODY)
        append = lambda: asyncio.run(output.append(state_file, 0, output.window(0)))
        yield output.part, append
        yield output.part.stat().st_size == 0, not state_file.state.windows[0].written
        append()
        asyncio.run(output.finish(state_file, "csv", columns=["id", "name"]))
    yield (folder / "leads.csv").read_bytes() == b"id,name\\n" + BODY

def imported(folder):
    tempfile.tempdir, sent = str(folder), []
    async def send(content):
        sent.append(content)
        return ImportJob(batch_id=1, status="Complete", num_of_leads_processed=1_000, num_of_rows_failed=0,
                         num_of_rows_with_warning=0)
    importer = Importer(kind="leads", known={"id": None, "name": None}, keys=("id",), send=send, status=None,
                        failures=None, warnings=None)
    def load():
        rows = [{"id": number, "name": "somebody"} for number in range(1_000)]
        return asyncio.run(ImportRun(importer, JobSlots(), Polling()).run(rows, None, FileDialect()))
    yield folder / "*" / "0-0.csv", load
    yield not sent, not any(folder.iterdir())
    yield load().all_taken and len(sent) == 1 and sent[0].count(b"somebody") == 1_000

def rejects(folder):
    path, listed = folder / "rejects.jsonl", [
        Rejected(kind="failure", index=number, record={}, reason="", batch_id=1) for number in range(1_000)
    ]
    def write():
        with RejectsFile(path) as file:
            for start in range(0, 1_000, 10):
                file.add(listed[start : start + 10])
        if file.error is not None:
            raise file.error
    yield path, write
    whole = [json.loads(line)["index"] for line in path.read_bytes().splitlines()[:-1]]
    yield whole == list(range(len(whole))), len(whole) > 10
    write()
    yield len(path.read_bytes().splitlines()) == 1_000

def converted(folder, kind):
    path = folder / f"leads.{kind}"
    with ExportOutput(path) as output:
        state_file = output.state_file(lambda: new_state({}, ["one"], random.Random(1)))
        output.window(0).write_bytes(b"id,name\\n" + BODY)
        asyncio.run(output.append(state_file, 0, output.window(0)))
        finish = lambda: asyncio.run(output.finish(state_file, kind, columns=["id", "name"]))
        yield path, finish
        yield not path.exists(), not path.with_name(f"{path.name}.new").exists()
        finish()
    yield path.stat().st_size > 5_000 and [found.name for found in folder.iterdir()] == [path.name]

writer, folder = sys.argv[1], Path(sys.argv[2])
steps = converted(folder, writer) if writer in {"jsonl", "parquet"} else globals()[writer](folder)
path, write = next(steps)
with room_for(5_000):
    try:
        write()
    except Exception as error:
        found = failure(error)
print(json.dumps({"error": found, "path": str(path), "kept": next(steps), "right": next(steps)}))
"""


@pytest.mark.parametrize("writer", ["state", "spool", "drain", "part", "jsonl", "parquet", "imported", "rejects"])
def test_every_writer_reports_the_disk_s_error_with_its_path_and_continues(writer: str, tmp_path: Path) -> None:
    found = run(_WRITERS, writer, tmp_path)
    assert is_the_disk_s(found["error"], Path(found["path"])), found
    assert (found["kept"], found["right"]) == ([True, True], True)


_EXPORT = """
from marketo_async import Governor, Limits, Marketo

async def main(url, client_id, secret, out, since, until, *sizes):
    governor, found = Governor(Limits(calls=10**6, daily=10**6)), []
    async with Marketo(url, client_id=client_id, client_secret=secret, governor=governor) as marketo:
        async def export():
            fields = ["id", "email", "createdAt"]
            await marketo.bulk.leads.export_to(out, fields=fields, created_at=(since, until), poll=0.01)
        for size in map(int, sizes):
            with room_for(size):
                try:
                    await export()
                except Exception as error:
                    found.append(failure(error))
                else:
                    break
        else:
            await export()
    print(json.dumps(found))

asyncio.run(main(*sys.argv[1:]))
"""


@contextmanager
def running() -> Iterator[Sandbox]:
    sandbox = Sandbox(
        leads=2_000,
        activities=0,
        limits=InstanceLimits(calls=100_000, daily=1_000_000),
        quirks=Quirks(**QUICK),  # type: ignore[arg-type]
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(sandbox):
        yield sandbox


@pytest.mark.parametrize(
    "suffix", ["csv", *(pytest.param(suffix, marks=pytest.mark.slow) for suffix in ("jsonl", "parquet"))]
)
def test_an_export_stopped_by_the_disk_wherever_continues_without_another_job(suffix: str, tmp_path: Path) -> None:
    sizes = (300, 3_000, 16_000, 40_000)  # too little for the state, a window, the part, what is made of it
    out, plain = tmp_path / "limited" / f"leads.{suffix}", tmp_path / f"leads.{suffix}"
    out.parent.mkdir()
    with running() as sandbox:
        access = sandbox.base_url, sandbox.client_id, sandbox.client_secret
        between = (STARTED - 31 * WINDOWS * DAY).isoformat(), STARTED.isoformat()
        found = run(_EXPORT, *access, out, *between, *sizes)
        made = calls(sandbox, "create.json")
        files = calls(sandbox, "file.json")
        assert run(_EXPORT, *access, plain, *between) == []
    if suffix == "parquet":
        assert parquet.read_table(out).equals(parquet.read_table(plain))
    else:
        assert out.read_bytes() == plain.read_bytes()
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    assert len(found) >= 3
    assert all((error["kind"], error["errno"]) == ("OSError", 27) for error in found)
    assert all(Path(error["file"]).parent == out.parent for error in found)
    assert made == WINDOWS
    assert files <= WINDOWS * (len(sizes) + 1)
