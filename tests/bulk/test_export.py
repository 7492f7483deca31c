"""Exports from end to end: whole, in order, patient with a shared queue, and gone on with after whatever happened."""

from __future__ import annotations

import asyncio
import csv
import json
import random
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import Struct
from pyarrow import parquet

from marketo_async import Marketo
from marketo_async.bulk import ExportProgress, JobSlots
from marketo_async.bulk.exports import jobs as jobs_module
from marketo_async.bulk.exports.output import ExportOutput
from marketo_async.bulk.namespace import Bulk
from marketo_async.bulk.slots import Polling
from marketo_async.errors import (
    ApiError,
    BadRow,
    DamagedFile,
    ExportQuotaExceeded,
    InvalidRequest,
    JobCancelled,
    JobFailed,
    NotFound,
)
from marketo_async.models.bulk import DateRange, LeadSelection
from marketo_async.sandbox import Fault, InstanceLimits
from marketo_async.sandbox.reply import Reply
from tests.sandbox.bulk import VIN

from .instances import DAY, FILES, POLL, calls, client, instance, jobs, range_of, until

FIELDS = ["id", "email", "createdAt"]
YEAR = 370
STARTED = datetime.now(UTC)


async def rows(marketo: Marketo, days: float = YEAR, **options: Any) -> list[Any]:
    options = {"fields": FIELDS, "created_at": range_of(days), "poll": POLL, **options}
    return [row async for row in marketo.bulk.leads.export(**options)]


def whole(found: list[dict[str, Any]], leads: int = 400) -> bool:
    return [int(row["id"]) for row in found] == list(range(1, leads + 1))


class Person(Struct):
    id: int
    email: str
    createdAt: datetime  # noqa: N815 - Marketo's name


async def test_a_year_comes_in_windows_each_lead_once_and_in_order() -> None:
    async with instance() as (sandbox, marketo):
        assert whole(await rows(marketo))
        assert len(jobs(sandbox)) == 12
        people = [person async for person in marketo.bulk.leads.of(Person).export(created_at=range_of(YEAR), poll=POLL)]
        assert [person.id for person in people] == list(range(1, 401))
        assert people[0].createdAt.tzinfo is not None


async def test_never_more_than_two_jobs_of_ours_are_in_the_queue() -> None:
    async with instance(export_seconds=0.02) as (sandbox, marketo):
        most: list[int] = []
        enqueue = sandbox.instance.exports.enqueue

        def counted(job: Any) -> None:
            enqueue(job)
            most.append(sum(job.status in {"Queued", "Processing"} for job in jobs(sandbox)))

        sandbox.instance.exports.enqueue = counted  # type: ignore[method-assign]
        found = await asyncio.gather(rows(marketo), rows(marketo.with_options(timeout=30)))
        assert all(map(whole, found))
        assert max(most) == 2


async def test_every_kind_can_be_exported() -> None:
    async with instance() as (sandbox, marketo):
        since, until = range_of(2)
        activities = [
            row async for row in marketo.bulk.activities.export(types=[1, 12], created_at=(since, until), poll=POLL)
        ]
        wanted = [found for found in sandbox.instance.activities if found.activity_type_id in {1, 12}]
        assert [row["marketoGUID"] for row in activities] == [found.marketo_guid for found in wanted]
        assert all(isinstance(json.loads(row["attributes"] or ""), dict) for row in activities)
        members = [row async for row in marketo.bulk.program_members.export(program_id=2001, poll=POLL)]
        assert {row["leadId"] for row in members} == {str(number) for number in range(1, 401)}
        both = marketo.bulk.program_members.export(
            program_id=[2001, 2002], fields=["leadId", "email"], updated_at=(since, until), poll=POLL
        )
        assert {"programId", "leadId", "email"} == (await anext(both)).keys()
        await both.aclose()
        listed = [row async for row in marketo.bulk.leads.export(fields=["id"], static_list=1001, poll=POLL)]
        assert whole(listed)
        named = [row async for row in marketo.bulk.leads.export(fields=["id"], static_list="List 1001", poll=POLL)]
        assert named == listed


async def test_custom_objects_are_bound_to_their_type() -> None:
    async with instance() as (_, marketo):
        await a_car_type(marketo)
        cars = marketo.bulk.custom_objects("car_c")
        report = await cars.load(
            [{"vin": str(number), "leadId": number + 1, "wheels": 4} for number in range(30)], poll=POLL
        )
        assert (report.rows, report.processed, report.failures) == (30, 30, [])
        found = [row async for row in cars.export(static_list=1001, fields=["vin", "wheels"], poll=POLL)]
        assert found == [{"vin": str(number), "wheels": "4"} for number in range(30)]
        everything = [row async for row in cars.export(static_list=1001, poll=POLL)]
        assert {"vin", "leadId", "wheels", "marketoGUID"} <= everything[0].keys()
        listed = await cars.jobs().all()
        assert len(listed) == 2
        assert (await cars.status(listed[0].export_id)).status == "Completed"
        assert await cars.file(listed[0].export_id)
        with pytest.raises(InvalidRequest, match=r"vim.*meant 'vin'"):
            await cars.load([{"vin": "1", "vim": "2"}])
        with pytest.raises(InvalidRequest, match="found by vin"):
            await cars.load([{"wheels": "2"}])
        assert await marketo.bulk.used_today() == sum(job.file_size or 0 for job in listed)


async def a_car_type(marketo: Marketo, name: str = "car_c") -> None:
    schema = "/rest/v1/customobjects/schema"
    for path, body in (
        (f"{schema}.json", {"apiName": name, "displayName": "Car"}),
        (
            f"{schema}/{name}/addField.json",
            {
                "input": [
                    VIN,
                    {
                        "name": "leadId",
                        "displayName": "Lead Id",
                        "dataType": "integer",
                        "relatedTo": {"name": "Lead", "field": "id"},
                    },
                    {"name": "wheels", "displayName": "Wheels", "dataType": "integer"},
                ]
            },
        ),
        (f"{schema}/{name}/approve.json", None),
    ):
        await marketo.call("POST", path, json=body)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda bulk: bulk.leads.export(fields=["id", "emial"], static_list=1), "'emial' .meant 'email'"),
        (lambda bulk: bulk.leads.export(fields=["id", "id"], static_list=1), "id is named twice"),
        (lambda bulk: bulk.leads.export(static_list=1), "name the fields"),
        (lambda bulk: bulk.leads.export(fields=["id"]), "exactly one of .* not by none"),
        (lambda bulk: bulk.leads.export(fields=["id"], static_list=1, smart_list=2), "static_list and smart_list"),
        (lambda bulk: bulk.activities.export(created_at=range_of(1), fields=["leadID"]), "meant 'leadId'"),
        (lambda bulk: bulk.activities.export(created_at=range_of(1), types=[1], primary_values="x"), "not the text"),
        (lambda bulk: bulk.program_members.export(program_id=2001, fields=["leadid"]), "'leadid'"),
    ],
)
async def test_what_marketo_would_refuse_is_refused_before_a_job_is_made(
    ask: Callable[[Bulk], Any], message: str
) -> None:
    async with instance() as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match=message):
            await anext(ask(marketo.bulk))
        assert jobs(sandbox) == []


async def test_fields_are_asked_for_once_a_day() -> None:
    async with instance() as (sandbox, marketo):
        await rows(marketo, 40)
        await rows(marketo.with_options(timeout=30), 40)
        assert calls(sandbox, "leads/describe2.json") == 1


async def test_a_full_queue_is_waited_for() -> None:
    async with instance(export_seconds=600) as (sandbox, marketo):
        exports = sandbox.instance.exports
        for _ in range(10):
            exports.enqueue(exports.create("/bulk/v1/leads", "stranger@example.com", "CSV", ["id"], list))
        running = asyncio.ensure_future(rows(marketo, 20))
        while sandbox.stats.errors["1029"] < 2:
            await asyncio.sleep(0.001)
            assert not running.done()
        while not running.done():
            sandbox.clock.advance(300)
            await asyncio.sleep(0.001)
        assert await running


async def test_already_queued_is_what_was_wanted() -> None:
    lost = Fault("reset", times=2, path="/bulk/v1/leads/export/*/enqueue.json", when="after")
    async with instance(faults=[lost]) as (sandbox, marketo):
        assert whole(await rows(marketo))
        assert len(jobs(sandbox)) == 12


async def test_a_spent_volume_is_raised_with_the_moment_it_starts_anew() -> None:
    limits = InstanceLimits(calls=100_000, export_daily_bytes=1)
    async with instance(limits=limits) as (_sandbox, marketo):
        with pytest.raises(ExportQuotaExceeded) as caught:
            await rows(marketo)
        assert datetime.now(UTC) < caught.value.resets_at < datetime.now(UTC) + 1.1 * DAY
        midnight = caught.value.resets_at.astimezone(ZoneInfo("America/Chicago"))
        assert (midnight.hour, midnight.minute) == (0, 0)
        assert await marketo.bulk.used_today() > 0


async def test_a_spent_volume_is_waited_for_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = InstanceLimits(calls=100_000, export_daily_bytes=1)
    async with instance(limits=limits) as (sandbox, marketo):
        waits: list[datetime] = []

        async def next_day(_: JobSlots, moment: datetime) -> None:
            waits.append(moment)
            sandbox.clock.advance(86_400)

        monkeypatch.setattr(JobSlots, "sleep_until", next_day)
        found = await rows(marketo, 150, on_quota="wait")
        assert len({row["id"] for row in found}) == len(found) > 0
        assert waits


@pytest.mark.looptime
async def test_waiting_for_a_day_looks_at_the_clock_again_and_again() -> None:
    loop = asyncio.get_running_loop()
    start = datetime(2026, 3, 1, tzinfo=UTC)
    slots = JobSlots(clock=lambda: start.timestamp() + loop.time(), rng=random.Random(1))
    await slots.sleep_until(start + timedelta(hours=9))
    assert 9 * 3600 < loop.time() <= 9 * 3600 + 61


@pytest.mark.looptime
async def test_polling_is_patient_unless_told_otherwise() -> None:
    rng = random.Random(3)
    assert all(60 <= Polling().export_wait(rng) <= 72 for _ in range(100))
    assert all(60 <= Polling().queue_wait(rng) <= 240 for _ in range(100))
    assert all(4 <= Polling().import_wait(rng, polls) <= 30 for polls in range(20))
    assert all(2 <= Polling(poll=2).export_wait(rng) <= 2.4 for _ in range(100))
    assert all(2 <= Polling(poll=2).queue_wait(rng) <= 8 for _ in range(100))


async def test_a_file_that_comes_late_is_waited_for() -> None:
    async with instance(export_file_delay=0.02) as (sandbox, marketo):
        assert whole(await rows(marketo))
        assert len(jobs(sandbox)) == 12


async def test_a_file_that_never_comes_has_its_job_made_anew() -> None:
    missing = Fault("http_404", times=5, path=FILES)
    async with instance(faults=[missing]) as (sandbox, marketo):
        assert await rows(marketo, 20)
        assert len(jobs(sandbox)) == 2
    async with instance(export_files_lost=True) as (sandbox, marketo):
        with pytest.raises(JobFailed, match="no file"):
            await rows(marketo, 20)
        assert len(jobs(sandbox)) == 3


async def test_a_job_that_fails_is_made_anew_a_few_times() -> None:
    async with instance(exports_fail=True) as (sandbox, marketo):
        with pytest.raises(JobFailed, match="Export job failed") as caught:
            await rows(marketo, 20)
        assert (caught.value.status, len(jobs(sandbox))) == ("Failed", 3)


@pytest.mark.parametrize("spelling", ["Canceled", "Cancelled"])
async def test_a_job_that_somebody_cancels_is_not_made_anew(spelling: str) -> None:
    async with instance(export_cancelled=spelling, export_seconds=60) as (sandbox, marketo):
        running = asyncio.ensure_future(rows(marketo, 20))
        await until(lambda: any(job.status == "Processing" for job in jobs(sandbox)))
        made = jobs(sandbox)
        sandbox.instance.exports.cancel(made[0])
        with pytest.raises(JobCancelled):
            await running
        assert len(jobs(sandbox)) == 1


async def test_cancelling_the_caller_cancels_the_jobs(tmp_path: Path) -> None:
    async with instance(export_seconds=60) as (sandbox, marketo):
        for work in (
            rows(marketo),
            marketo.bulk.leads.export_to(tmp_path / "l.csv", fields=FIELDS, created_at=range_of(YEAR), poll=POLL),
        ):
            running = asyncio.ensure_future(work)
            await until(lambda: sum(job.status == "Processing" for job in jobs(sandbox)) == 2)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running
            assert {job.status for job in jobs(sandbox)} <= {"Canceled", "Created"}
        assert all(job.queued_at is None or job.status == "Canceled" for job in jobs(sandbox))


async def test_leaving_the_loop_cancels_the_jobs_too_and_leaves_no_file_behind() -> None:
    async with instance() as (sandbox, marketo):
        async with aclosing(marketo.bulk.leads.export(fields=FIELDS, created_at=range_of(YEAR), poll=POLL)) as leads:
            async for _ in leads:
                break
        await asyncio.sleep(0)
        assert {job.status for job in jobs(sandbox)} <= {"Completed", "Canceled"}


async def test_an_answer_to_create_that_was_lost_costs_no_second_job() -> None:
    lost = Fault("reset", times=3, path="/bulk/v1/leads/export/create.json", when="after")
    async with instance(faults=[lost]) as (sandbox, marketo):
        assert whole(await rows(marketo))
        assert len(jobs(sandbox)) == 12


async def test_somebody_else_s_idle_job_is_never_taken_for_ours() -> None:
    """Where our create never arrived, the idle job of another program of the same user is the only one to be found."""
    async with instance() as (sandbox, marketo), client(sandbox) as other:
        since, until = range_of(5)
        dates = DateRange(start_at=since - 200 * DAY, end_at=since - 190 * DAY)
        foreign = await other.bulk.leads.create(FIELDS, LeadSelection(created_at=dates))
        sandbox.faults.append(Fault("reset", times=1, path="/bulk/v1/leads/export/create.json"))
        found = await rows(marketo, created_at=(since, until))
        assert [row["createdAt"] or "" for row in found] == sorted(row["createdAt"] or "" for row in found)
        assert all((row["createdAt"] or "") >= since.strftime("%Y-%m-%dT%H:%M:%SZ") for row in found)
        assert len(jobs(sandbox)) == 2
        assert found
        assert foreign.export_id in {job.export_id for job in jobs(sandbox)}


# Files


async def test_a_download_broken_twenty_times_is_whole_and_each_byte_comes_once(tmp_path: Path) -> None:
    drops = Fault("drop", times=20, path=FILES)
    async with instance(3_000, faults=[drops], export_copies=20) as (sandbox, marketo):
        job = await completed(marketo)
        sandbox.stats.by_operation.clear()
        with watched() as sent:
            size = await marketo.bulk.leads.download(job, tmp_path / "x.csv")
        content = (tmp_path / "x.csv").read_bytes()
    told = next(found for found in jobs(sandbox) if found.export_id == job)
    assert (size, sha256(content).hexdigest()) == (told.size, told.digest)
    assert calls(sandbox, "file.json") == 21
    # What the server had sent and the broken connection swallowed is at most a buffer each time.
    assert size <= sum(sent) <= size + 20 * 65_536


@contextmanager
def watched(after: Callable[[], None] = lambda: None) -> Iterator[list[int]]:
    """Count the bytes of every part that goes out, and call *after* behind each."""
    sent: list[int] = []
    streamed = Reply._streamed

    async def counting(self: Reply, request: Any, end: int) -> Any:
        response = await streamed(self, request, end)
        sent.append(end)
        after()
        return response

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Reply, "_streamed", counting)
        yield sent


async def completed(marketo: Marketo, days: float = 31) -> str:
    """Make a job by single calls and see it through."""
    since, until = range_of(days)
    job = await marketo.bulk.leads.create(FIELDS, LeadSelection(created_at=DateRange(start_at=since, end_at=until)))
    await marketo.bulk.leads.enqueue(job.export_id)
    while (await marketo.bulk.leads.status(job.export_id)).status != "Completed":  # noqa: ASYNC110 - polling it is
        await asyncio.sleep(POLL)
    return job.export_id


async def test_a_damaged_file_is_fetched_anew(tmp_path: Path) -> None:
    async with instance(faults=[Fault("corrupt", times=2, path=FILES)]) as (_, marketo):
        assert whole(await rows(marketo))
    async with instance(export_checksums_wrong=True) as (sandbox, marketo):
        out = tmp_path / "leads.csv"
        with pytest.raises(DamagedFile, match="3 downloads: the checksum is"):
            await marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=range_of(20), poll=POLL)
        assert not out.exists()
        with pytest.raises(DamagedFile):
            await marketo.bulk.leads.download(await completed(marketo), out)
        assert not out.exists()
        assert calls(sandbox, "file.json") == 6


async def test_a_job_that_is_not_completed_has_nothing_to_download(tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        since, until = range_of(1)
        job = await marketo.bulk.leads.create(["id"], LeadSelection(created_at=DateRange(start_at=since, end_at=until)))
        with pytest.raises(JobFailed, match="its status is Created"):
            await marketo.bulk.leads.download(job.export_id, tmp_path / "x.csv")


async def test_a_token_that_expires_on_the_way_costs_no_byte(tmp_path: Path) -> None:
    drops = Fault("drop", times=3, path=FILES, at=1_000)
    async with instance(3_000, faults=[drops]) as (sandbox, marketo):
        job = await completed(marketo)
        with watched(lambda: sandbox.clock.advance(4_000)) as sent:
            size = await marketo.bulk.leads.download(job, tmp_path / "x.csv")
        assert sandbox.stats.errors["602"] + sandbox.stats.errors["601"] > 0
    assert len(sent) == 4
    assert sum(sent) == size


# Output


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("suffix", ["csv", "tsv", "ssv", "jsonl", "parquet"])
async def test_a_file_is_written_in_every_format(suffix: str, tmp_path: Path) -> None:
    out = tmp_path / f"leads.{suffix}"
    seen: list[ExportProgress] = []
    async with instance() as (_sandbox, marketo):
        report = await marketo.bulk.leads.export_to(
            out, fields=FIELDS, created_at=range_of(YEAR), poll=POLL, progress=seen.append
        )
    assert (report.rows, len(report.jobs), report.resumed) == (400, 12, False)
    assert report.bytes == out.stat().st_size
    assert names_in(tmp_path) == [out.name]
    assert (seen[-1].windows_done, seen[-1].rows, seen[-1].bytes) == (12, 400, seen[-1].bytes_expected)
    assert seen[-1].used_today == seen[-1].bytes
    if suffix == "csv":
        assert whole(read_csv(out))
    elif suffix == "jsonl":
        assert whole([json.loads(line) for line in out.read_bytes().splitlines()])
    elif suffix == "parquet":
        assert whole(parquet.read_table(out).to_pylist())
    else:
        delimiter = {"tsv": "\t", "ssv": ";"}[suffix]
        assert out.read_text().splitlines()[0] == delimiter.join(FIELDS)


async def test_a_hook_that_fails_stops_nothing(tmp_path: Path) -> None:
    def fails(_: ExportProgress) -> None:
        raise RuntimeError("no")

    async with instance() as (_, marketo):
        assert whole(await rows(marketo, progress=fails))


async def stop_after(marketo: Marketo, out: Path, windows: int, days: float = YEAR, **options: Any) -> None:
    """Export until so many windows are written, and be cancelled there."""
    reached = asyncio.Event()

    def hook(progress: ExportProgress) -> None:
        state = out.with_name(f"{out.name}.state")
        if state.exists() and state.read_text().count('"written": true') >= windows:
            reached.set()

    running = asyncio.ensure_future(
        marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(days), poll=POLL, progress=hook, **options)
    )
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


def same(days: float) -> tuple[datetime, datetime]:
    """Return a range that stays the same from run to run."""
    return STARTED - days * DAY, STARTED


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
async def test_another_run_goes_on_with_the_windows_that_are_there(suffix: str, tmp_path: Path) -> None:
    out, plain = tmp_path / f"leads.{suffix}", tmp_path / f"plain.{suffix}"
    async with instance() as (sandbox, marketo):
        await stop_after(marketo, out, 3)
        assert not out.exists()
        report = await marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(YEAR), poll=POLL)
        assert report.resumed
        completed = [job for job in jobs(sandbox) if job.status == "Completed"]
        assert len(completed) == 12
        await marketo.bulk.leads.export_to(plain, fields=FIELDS, created_at=same(YEAR), poll=POLL)
        assert out.read_bytes() == plain.read_bytes()


async def test_what_can_not_be_gone_on_with_is_refused(tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    async with instance() as (_, marketo):
        export = marketo.bulk.leads.export_to
        await stop_after(marketo, out, 2)
        with pytest.raises(InvalidRequest, match=r"other arguments .*fields was"):
            await export(out, fields=["id"], created_at=same(YEAR), poll=POLL)
        part = out.with_name("leads.csv.part")
        part.write_bytes(b"")
        with pytest.raises(InvalidRequest, match="its state counts"):
            await export(out, fields=FIELDS, created_at=same(YEAR), poll=POLL)
        out.with_name("leads.csv.state").write_bytes(b"{")
        with pytest.raises(InvalidRequest, match="not the state of an export"):
            await export(out, fields=FIELDS, created_at=same(YEAR), poll=POLL)
        await export(out, fields=FIELDS, created_at=same(YEAR), poll=POLL, start_over=True)
        assert whole(read_csv(out))
        with pytest.raises(InvalidRequest, match="without a state to resume from"):
            await export(out, fields=FIELDS, created_at=same(YEAR), poll=POLL)
        assert names_in(tmp_path) == ["leads.csv"]
        for name in ("leads", "leads.xlsx"):
            with pytest.raises(InvalidRequest, match="end the name"):
                await export(tmp_path / name, fields=FIELDS, created_at=same(YEAR))
        with pytest.raises(InvalidRequest, match="not a directory"):
            await export(tmp_path / "none" / "x.csv", fields=FIELDS, created_at=same(YEAR))


async def test_two_runs_on_one_file_refuse_each_other(tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    async with instance() as (_, marketo):
        found = await asyncio.gather(
            *(marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(YEAR), poll=POLL) for _ in range(2)),
            return_exceptions=True,
        )
    assert sum(isinstance(one, InvalidRequest) and "another run" in str(one) for one in found) == 1
    assert whole(read_csv(out))


async def test_jobs_that_marketo_has_forgotten_are_made_anew(tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    async with instance() as (sandbox, marketo):
        await stop_after(marketo, out, 1)
        sandbox.instance.exports.close()
        sandbox.instance.exports._jobs.clear()
        await marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(YEAR), poll=POLL)
    assert whole(read_csv(out))


@pytest.mark.parametrize("renamed", [False, True])
async def test_a_run_killed_around_the_last_rename_is_finished(*, renamed: bool, tmp_path: Path) -> None:
    """The state says complete, and the part may or may not bear the final name already."""
    out = tmp_path / "leads.csv"
    with pytest.MonkeyPatch.context() as patch:

        def killed(self: ExportOutput, *_: object) -> int:
            raise Killed

        async with instance() as (sandbox, marketo):
            if renamed:
                patch.setattr(ExportOutput, "_clean_up", killed)
            else:
                patch.setattr(Path, "replace", stopping_at(out))
            task = asyncio.ensure_future(
                marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(40), poll=POLL)
            )
            try:
                with pytest.raises(Killed):
                    await task
            finally:
                patch.undo()
            assert out.exists() is renamed
            report = await marketo.bulk.leads.export_to(out, fields=FIELDS, created_at=same(40), poll=POLL)
            assert report.resumed
            assert len(jobs(sandbox)) == 2
    assert len(read_csv(out)) == report.rows > 0
    assert names_in(tmp_path) == ["leads.csv"]


REPLACE = Path.replace


def stopping_at(out: Path) -> Callable[[Path, Path], Path]:
    """Return what moves files but to *out*, where it ends the run."""

    def replace(self: Path, to: Path) -> Path:
        if to == out:
            raise Killed
        return REPLACE(self, to)

    return replace


class Killed(BaseException):
    """Ends a run at once."""


async def test_a_bad_row_is_raised_or_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    leads = [{"email": f"{number}@example.com", "lastName": f"a\rb\u2028c\0{number}"} for number in range(5)]
    async with instance(leads) as (_, marketo):
        found = [
            row async for row in marketo.bulk.leads.export(fields=["lastName", "email"], static_list=1001, poll=POLL)
        ]
        assert [row["lastName"] for row in found] == [lead["lastName"] for lead in leads]

        class Strict(Struct):
            email: int

        with pytest.raises(BadRow, match="line 2, column email"):
            await anext(marketo.bulk.leads.of(Strict).export(static_list=1001, poll=POLL))
        bad: list[BadRow] = []
        strict = marketo.bulk.leads.of(Strict)
        assert [row async for row in strict.export(static_list=1001, poll=POLL, on_bad_row=bad.append)] == []
        assert len(bad) == 5


async def test_a_filter_that_is_not_enabled_says_so() -> None:
    async with instance(unavailable_filters=frozenset({"smartListId"})) as (_, marketo):
        with pytest.raises(ApiError, match="1035"):
            await rows(marketo, created_at=None, smart_list=7)
        with pytest.raises((ApiError, NotFound)):
            await rows(marketo, created_at=None, static_list="No such list")


def test_the_number_of_fetches_is_what_the_tests_count_on() -> None:
    assert jobs_module.DOWNLOADS == 3
