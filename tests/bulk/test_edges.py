"""Where an export ends, and what it may touch: refusals, formats, other programs' jobs, hooks, the client's end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import pytest
from pyarrow import parquet

from marketo_async import Marketo
from marketo_async.bulk import ExportProgress
from marketo_async.errors import BadRow, ConfigurationError, ExportQuotaExceeded, InvalidRequest, MarketoError
from marketo_async.models.bulk import DateRange, LeadSelection
from marketo_async.sandbox import Fault, InstanceLimits, Sandbox
from marketo_async.sandbox.records import export_jobs

from .instances import DAY, POLL, calls, client, instance, jobs, range_of, until
from .test_disk import running
from .test_export import FIELDS, YEAR, names_in, read_csv, same, stop_after, whole

CREATE = "/bulk/v1/leads/export/create.json"


def statuses(sandbox: Sandbox, *export_ids: str) -> list[str]:
    return [job.status for job in jobs(sandbox) if job.export_id in export_ids]


# Bad rows, other formats, refusals


@pytest.fixture
def odd_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every export file end in a row that has too many cells."""
    stored = export_jobs.stored  # type: ignore[attr-defined]

    def odd(*arguments: Any, **options: Any) -> Any:
        file, _, _ = stored(*arguments, **options)
        file.seek(0)
        content = file.read() + b"1,2,3,4,5,6,7\n"
        file.seek(0)
        file.write(content)
        return file, len(content), sha256(content).hexdigest()

    monkeypatch.setattr(export_jobs, "stored", odd)


@pytest.mark.usefixtures("odd_rows")
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
async def test_a_bad_row_costs_no_job_whatever_is_done_about_it(suffix: str, tmp_path: Path) -> None:
    async with instance() as (sandbox, marketo):
        export = partial(marketo.bulk.leads.export_to, fields=FIELDS, created_at=same(40), poll=POLL)
        with pytest.raises(BadRow, match="7 cells, but 3 columns") as caught:
            await export(tmp_path / f"leads.{suffix}")
        assert "kept in" in caught.value.__notes__[0]
        assert not (tmp_path / f"leads.{suffix}").exists()
        bad: list[BadRow] = []
        report = await export(tmp_path / f"leads.{suffix}", on_bad_row=bad.append)
        assert (report.resumed, len(jobs(sandbox)), len(bad)) == (True, 2, 2)
        with pytest.raises(BadRow):
            await export(tmp_path / f"again.{suffix}")
        report = await export(tmp_path / "again.csv")
        assert (report.resumed, len(jobs(sandbox))) == (True, 4)
    assert sorted(names_in(tmp_path)) == ["again.csv", f"leads.{suffix}"]
    assert (tmp_path / "again.csv").read_bytes().count(b"1,2,3,4,5,6,7\n") == 2


@pytest.mark.parametrize(("before", "after"), [("jsonl", "csv"), ("csv", "parquet"), ("parquet", "jsonl")])
@pytest.mark.parametrize("renamed", [True, False])
async def test_another_format_continues_with_the_same_windows(
    before: str, after: Any, *, renamed: bool, tmp_path: Path
) -> None:
    first = tmp_path / f"leads.{before}"
    out = tmp_path / f"leads.{after}" if renamed else first
    async with instance() as (sandbox, marketo):
        await stop_after(marketo, first, 3)
        report = await marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(YEAR), poll=POLL, format=after)
        assert report.resumed
        assert sum(job.status == "Completed" for job in jobs(sandbox)) == 12
    assert names_in(tmp_path) == [out.name]
    if after == "csv":
        assert whole(read_csv(out))
    elif after == "jsonl":
        assert whole([json.loads(line) for line in out.read_bytes().splitlines()])
    else:
        assert whole(parquet.read_table(out).to_pylist())


async def test_an_export_that_runs_is_not_taken_over(tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        export = partial(marketo.bulk.leads.export_to, fields=FIELDS, created_at=same(YEAR), poll=POLL)
        reports = await asyncio.gather(export(tmp_path / "leads.csv"), export(tmp_path / "leads.jsonl"))
    assert [report.resumed for report in reports] == [False, False]
    assert sorted(names_in(tmp_path)) == ["leads.csv", "leads.jsonl"]


async def test_other_arguments_are_not_taken_over(tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        await stop_after(marketo, tmp_path / "leads.jsonl", 1)
        report = await marketo.bulk.leads.export_to(
            tmp_path / "leads.csv", fields=["id"], created_at=same(YEAR), poll=POLL
        )
        assert not report.resumed
    assert "leads.jsonl.state" in names_in(tmp_path)


async def test_a_refused_call_leaves_nothing_behind(tmp_path: Path) -> None:
    async with instance(unavailable_filters=frozenset({"updatedAt"})) as (_, marketo):
        for arguments in ({"static_list": "No such list"}, {"updated_at": range_of(100)}):
            with pytest.raises(MarketoError):
                await marketo.bulk.leads.export_to(tmp_path / "l.csv", fields=FIELDS, poll=POLL, **cast(Any, arguments))
            assert names_in(tmp_path) == []
        await marketo.bulk.leads.export_to(tmp_path / "l.csv", fields=FIELDS, static_list=1001, poll=POLL)


# Other programs' jobs


async def foreign(sandbox: Sandbox, count: int = 1) -> list[str]:
    """Create idle jobs as another program of the same user."""
    async with client(sandbox) as other:
        since = datetime.now(UTC) - 200 * DAY
        selection = LeadSelection(created_at=DateRange(start_at=since, end_at=since + DAY))
        return [(await other.bulk.leads.create(FIELDS, selection)).export_id for _ in range(count)]


async def test_after_a_definite_refusal_no_other_program_s_job_is_taken_for_ours(tmp_path: Path) -> None:
    limits = InstanceLimits(calls=100_000, export_daily_bytes=1)
    async with instance(limits=limits) as (sandbox, marketo):
        export = partial(
            marketo.bulk.leads.export_to, tmp_path / "l.csv", fields=FIELDS, created_at=same(YEAR), poll=POLL
        )
        with pytest.raises(ExportQuotaExceeded):
            await export()
        windows = json.loads((tmp_path / "l.csv.state").read_bytes())["windows"]
        assert [window for window in windows if "intended_at" in window and "job_id" not in window] == []
        sandbox.clock.advance(86_400)
        [other] = await foreign(sandbox)
        with suppress(ExportQuotaExceeded):
            await export()
        assert statuses(sandbox, other) == ["Created"]


async def killed_after_asking(marketo: Marketo, out: Path, ago: timedelta) -> None:
    """Leave the state of a run that was killed while it asked for the job of its last window."""
    await stop_after(marketo, out, 2)
    state_path = out.with_name(f"{out.name}.state")
    state = json.loads(state_path.read_bytes())
    window = state["windows"][-1]
    for name in ("job_id", "file_size", "file_checksum", "records"):
        window.pop(name, None)
    window["intended_at"] = (datetime.now(UTC) - ago).timestamp()
    state_path.write_bytes(json.dumps(state).encode())


async def test_a_job_of_another_time_is_not_taken_for_ours(tmp_path: Path) -> None:
    async with instance() as (sandbox, marketo):
        await killed_after_asking(marketo, tmp_path / "l.csv", timedelta(days=3))
        [other] = await foreign(sandbox)
        await marketo.bulk.leads.export_to(tmp_path / "l.csv", fields=FIELDS, created_at=same(YEAR), poll=POLL)
        assert statuses(sandbox, other) == ["Created"]
    assert whole(read_csv(tmp_path / "l.csv"))


async def test_of_several_jobs_that_may_be_ours_none_is_taken(tmp_path: Path) -> None:
    async with instance() as (sandbox, marketo):
        others = await foreign(sandbox, 2)
        sandbox.faults.append(Fault("reset", times=1, path=CREATE))
        await marketo.bulk.leads.export_to(tmp_path / "l.csv", fields=FIELDS, created_at=same(40), poll=POLL)
        assert statuses(sandbox, *others) == ["Created", "Created"]


@pytest.mark.parametrize("to_file", [True, False])
async def test_a_job_that_is_not_proven_ours_is_never_cancelled(*, to_file: bool, tmp_path: Path) -> None:
    async with instance(export_seconds=600) as (sandbox, marketo):
        [other] = await foreign(sandbox)
        sandbox.faults.append(Fault("reset", times=1, path=CREATE))
        arguments: Any = {"fields": FIELDS, "created_at": same(YEAR), "poll": POLL}
        leads = marketo.bulk.leads
        work = leads.export_to(tmp_path / "l.csv", **arguments) if to_file else anext(leads.export(**arguments))
        running = asyncio.ensure_future(cast("Any", work))
        await until(lambda: sum(job.status == "Processing" for job in jobs(sandbox)) == 2)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert statuses(sandbox, other) == ["Processing"]
        assert [job.status for job in jobs(sandbox) if job.export_id != other and job.queued_at] == ["Canceled"]


# Hooks


def raising(error: BaseException) -> Callable[[ExportProgress], None]:
    def hook(_: ExportProgress) -> None:
        raise error

    return hook


@pytest.mark.parametrize(
    "error", [RuntimeError("no"), asyncio.CancelledError(), OSError(28, "full"), GeneratorExit(), StopIteration()]
)
async def test_whatever_a_hook_raises_the_export_is_whole(error: BaseException, tmp_path: Path) -> None:
    async with instance(2_000, export_copies=20) as (_, marketo):
        report = await marketo.bulk.leads.export_to(
            tmp_path / "l.csv", fields=FIELDS, created_at=range_of(YEAR), poll=POLL, progress=raising(error)
        )
    assert report.rows == 40_000


async def test_a_hook_that_nothing_could_await_or_call_is_refused_before_a_job_is_made(tmp_path: Path) -> None:
    async def hook(_: ExportProgress) -> None:
        raise AssertionError

    def unnoticed(progress: ExportProgress) -> Any:
        return hook(progress)

    class Awaited:
        async def __call__(self, _: ExportProgress) -> None:
            raise AssertionError

    async with instance() as (sandbox, marketo):
        for wrong in (hook, Awaited(), "hook"):
            with pytest.raises(InvalidRequest, match=r"progress (is|must be)"):
                await marketo.bulk.leads.export_to(
                    tmp_path / "l.csv", fields=FIELDS, created_at=range_of(1), progress=cast("Any", wrong)
                )
        assert jobs(sandbox) == []
        report = await marketo.bulk.leads.export_to(
            tmp_path / "l.csv",
            fields=FIELDS,
            created_at=range_of(1),
            poll=POLL,
            progress=cast("Any", unnoticed),
        )
        assert report.jobs


async def test_a_volume_that_can_not_be_known_fails_no_export() -> None:
    refused = Fault("http_500", times=50, path="/rest/v1/customobjects.json")
    seen: list[ExportProgress] = []
    async with instance(faults=[refused]) as (_, marketo):
        found = [
            row
            async for row in marketo.bulk.leads.export(
                fields=FIELDS, created_at=range_of(YEAR), poll=POLL, progress=seen.append
            )
        ]
    assert whole(found)
    assert {progress.used_today for progress in seen} == {None}


# The client's end, and the main thread's


@pytest.mark.parametrize("kept", [True, False])
async def test_leaving_the_loop_and_then_the_client_cancels_the_jobs(*, kept: bool) -> None:
    def slow(sandbox: Sandbox) -> bool:
        return any(job.status in {"Queued", "Processing"} for job in jobs(sandbox))

    async with instance(export_seconds=0.2) as (sandbox, _):
        leads: AsyncGenerator[Any, None] | None = None
        async with client(sandbox) as mine:
            export = partial(mine.bulk.leads.export, fields=FIELDS, created_at=range_of(YEAR), poll=POLL)
            if kept:
                leads = export()
                async for _row in leads:
                    await until(lambda: slow(sandbox))
                    break
            else:
                async for _row in export():
                    await until(lambda: slow(sandbox))
                    break
        assert not slow(sandbox)
        if leads is not None:
            with pytest.raises(ConfigurationError, match="the client was closed"):
                [row async for row in leads]


async def test_closing_the_client_ends_an_export_of_another_task_with_an_error(tmp_path: Path) -> None:
    async with instance(export_seconds=600) as (sandbox, _):
        async with client(sandbox) as mine:
            running = asyncio.ensure_future(
                mine.bulk.leads.export_to(tmp_path / "l.csv", fields=FIELDS, created_at=same(YEAR), poll=POLL)
            )
            await until(lambda: sum(job.status == "Processing" for job in jobs(sandbox)) == 2)
        with pytest.raises(ConfigurationError, match="the client was closed"):
            await running
        assert not any(job.status in {"Queued", "Processing"} for job in jobs(sandbox))


_LATE = """
import asyncio, sys, threading
from marketo_async import Governor, Limits, Marketo
async def work(url, client_id, secret, folder, since, until):
    governor = Governor(Limits(calls=10**6, daily=10**6))
    async with Marketo(url, client_id=client_id, client_secret=secret, governor=governor) as marketo:
        leads, dates = marketo.bulk.leads, (since, until)
        report = await leads.export_to(f"{folder}/l.jsonl", fields=["id", "email"], created_at=dates, poll=0.01)
        rows = [row async for row in leads.export(fields=["id", "email"], created_at=dates, poll=0.01)]
        await leads.download(report.jobs[0].export_id, f"{folder}/one.csv")
        taken = await leads.load([{"email": "late@example.com"}], poll=0.01)
        with open(f"{folder}/in.csv", "w") as file:
            file.write("email\\nlater@example.com\\n")
        more = await leads.load(f"{folder}/in.csv", poll=0.01)
    print(report.rows == len(rows) > 0, taken.processed, more.processed)
def late():
    threading.main_thread().join()
    asyncio.run(work(*sys.argv[1:]))
threading.Thread(target=late).start()
"""


def test_bulk_jobs_work_after_the_main_thread_has_ended(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    with running() as sandbox:
        access = sandbox.base_url, sandbox.client_id, sandbox.client_secret
        between = (now - 40 * DAY).isoformat(), now.isoformat()
        done = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", _LATE, *access, str(tmp_path), *between], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "True 1 1\n", "")
        assert calls(sandbox, "leads.json") == 2
