"""Ranges whose ends move: the beginning, now, a time ago; what they cost, and that an export keeps them."""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from marketo_async import Marketo
from marketo_async.bulk.exports.beginning import beginning
from marketo_async.bulk.exports.span import Between, asked, needs_beginning, resolved
from marketo_async.bulk.exports.state import ExportState
from marketo_async.caller import Caller
from marketo_async.errors import InvalidRequest, JobFailed
from marketo_async.sandbox import Fault

from .instances import DAY, POLL, calls, client, instance, jobs

NOW = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)
BEGAN = datetime(2025, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("between", "since", "until"),
    [
        ((None, None), BEGAN, NOW.replace(microsecond=0)),
        ((timedelta(days=7), None), NOW.replace(microsecond=0) - 7 * DAY, NOW.replace(microsecond=0)),
        (
            (timedelta(days=7), timedelta(days=1)),
            NOW.replace(microsecond=0) - 7 * DAY,
            NOW.replace(microsecond=0) - DAY,
        ),
        (("2026-01-01", "2026-02-01"), datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
        (("2020-01-01", None), BEGAN, NOW.replace(microsecond=0)),
        (("2020-01-01", "2020-02-01"), datetime(2020, 1, 31, 23, 59, 59, tzinfo=UTC), datetime(2020, 2, 1, tzinfo=UTC)),
    ],
)
def test_a_range_is_resolved(between: Between, since: datetime, until: datetime) -> None:
    found = resolved("created_at", between, NOW, BEGAN)
    assert (found.since, found.until) == (since, until)
    assert found.asked == asked("created_at", between)


def test_each_range_has_a_text_of_its_own() -> None:
    ranges: list[Between] = [
        (None, None),
        (timedelta(days=7), None),
        (timedelta(days=8), None),
        ("2026-01-01", None),
        ("2026-01-01", timedelta(days=1)),
        (None, "2026-01-01"),
    ]
    assert len({asked("created_at", one) for one in ranges}) == len(ranges)


@pytest.mark.parametrize(
    ("between", "needed"),
    [
        ((None, None), True),
        ((None, "2026-04-01"), True),
        ((timedelta(days=90), None), False),
        ((timedelta(days=100), None), True),
        (("2020-01-01", "2020-02-01"), False),
    ],
)
def test_the_beginning_is_asked_for_where_it_decides_or_saves(between: Between, *, needed: bool) -> None:
    assert needs_beginning("created_at", between, NOW) is needed


def test_a_range_that_is_not_one_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="pass a pair"):
        asked("created_at", "2026-01-01")  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="is not known"):
        resolved("created_at", (None, None), NOW, None)


def sender(marketo: Marketo) -> Caller:
    return Caller(marketo._open_client, marketo._options)


async def test_the_beginning_is_a_day_before_the_first_record() -> None:
    async with instance() as (sandbox, marketo):
        first = datetime.fromisoformat(str(sandbox.instance.leads.get(1)["createdAt"]))  # type: ignore[index]
        found = await beginning(sender(marketo))
        assert found is not None
        assert found <= first - DAY
        assert sandbox.stats.calls == 2


async def test_deleted_first_leads_cost_a_search() -> None:
    leads = [{"id": number, "email": f"{number}@x.io"} for number in range(19_000, 19_400)]
    async with instance(leads) as (sandbox, marketo):
        assert await beginning(sender(marketo)) is not None
        assert sandbox.stats.calls <= 24


async def test_without_leads_and_rights_nothing_is_known() -> None:
    refused = [Fault("603", path="/rest/v1/leads.json"), Fault("603", path="/rest/asset/v1/folders.json")]
    async with instance(faults=refused) as (_, marketo):
        assert await beginning(sender(marketo)) is None
    async with instance(0, faults=[Fault("603", path="/rest/asset/v1/folders.json")]) as (sandbox, marketo):
        assert await beginning(sender(marketo)) is None
        assert sandbox.stats.calls <= 26


async def export(marketo: Marketo, path: Path, **options: Any) -> Any:
    options = {"fields": ["id", "email"], "created_at": (None, None), "poll": POLL, **options}
    return await marketo.bulk.leads.export_to(path, **options)


async def test_a_range_from_2020_on_a_year_makes_the_jobs_of_a_year(tmp_path: Path) -> None:
    async with instance() as (sandbox, marketo):
        report = await export(marketo, tmp_path / "a.csv", created_at=("2020-01-01", None))
        assert report.rows == 400
        assert len(report.jobs) <= 13
        before = sandbox.stats.calls
        again = await export(marketo, tmp_path / "b.csv")
        assert len(again.jobs) == len(report.jobs)
        assert calls(sandbox, "folders.json") == 1, "the beginning is asked for once"
        assert sandbox.stats.calls > before


async def test_an_export_to_now_resumes_its_own_range(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    async with instance() as (sandbox, marketo):
        sandbox.faults.append(Fault("603", path="/bulk/v1/leads/export/*/file.json"))
        with pytest.raises(Exception, match="603"):
            await export(marketo, path)
        state = msgspec.json.decode((tmp_path / "leads.csv.state").read_bytes(), type=ExportState)
        assert state.span is not None
        assert state.span.began == state.span.since
        sandbox.faults.clear()
        made, asked_before = len(jobs(sandbox)), calls(sandbox, "folders.json")
        async with client(sandbox) as later:
            report = await export(later, path)
        assert (report.rows, report.resumed) == (400, True)
        assert calls(sandbox, "folders.json") == asked_before
        assert len(jobs(sandbox)) - made <= len(state.windows)
        assert path.read_text().splitlines()[0] == "id,email"


async def test_all_fields_are_those_that_the_instance_exports(tmp_path: Path) -> None:
    hidden = frozenset({"leadScore", "unsubscribed"})
    async with instance(40, unexportable=hidden) as (sandbox, marketo):
        report = await export(marketo, tmp_path / "a.csv", fields="all")
        described = {field.name for field in (await marketo.leads.describe2()).fields}
        columns = (tmp_path / "a.csv").read_text().splitlines()[0].split(",")
        assert set(report.dropped) == hidden & described
        assert report.dropped
        assert set(columns) == described - hidden
        assert calls(sandbox, "export/create.json") == len(report.jobs) + 1, "one refusal"


async def test_named_fields_that_are_refused_stay_refused(tmp_path: Path) -> None:
    async with instance(40, unexportable=frozenset({"unsubscribed"})) as (_, marketo):
        with pytest.raises(Exception, match="Invalid fields"):
            await export(marketo, tmp_path / "a.csv", fields=["id", "unsubscribed"])


async def test_an_export_of_all_fields_resumes_without_the_dropped_ones(tmp_path: Path) -> None:
    async with instance(40, unexportable=frozenset({"unsubscribed"})) as (sandbox, marketo):
        sandbox.faults.append(Fault("603", path="/bulk/v1/leads/export/*/file.json"))
        with pytest.raises(Exception, match="603"):
            await export(marketo, tmp_path / "a.csv", fields="all")
        sandbox.faults.clear()
        report = await export(marketo, tmp_path / "a.csv", fields="all")
        assert (report.dropped, report.rows) == (["unsubscribed"], 40)


async def test_a_stuck_job_is_cancelled_at_its_deadline(tmp_path: Path) -> None:
    async with instance(40, export_wait=3600.0) as (sandbox, marketo):
        with pytest.raises(JobFailed, match=r"not over 0\.05 s after it was enqueued"):
            await export(marketo, tmp_path / "a.csv", created_at=(timedelta(days=20), None), deadline=0.05)
        assert [job.status for job in jobs(sandbox)] == ["Canceled"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
async def test_a_suffix_compresses(suffix: str, tmp_path: Path) -> None:
    async with instance(40) as (_, marketo):
        for name in (f"a.{suffix}", f"a.{suffix}.gz", f"a.{suffix}.zst"):
            await export(marketo, tmp_path / name)
    wanted = (tmp_path / f"a.{suffix}").read_bytes()
    assert gzip.decompress((tmp_path / f"a.{suffix}.gz").read_bytes()) == wanted
    with pa.CompressedInputStream(str(tmp_path / f"a.{suffix}.zst"), "zstd") as packed:
        assert packed.read() == wanted
    assert len(os.listdir(tmp_path)) == 3  # noqa: PTH208 - a few names


async def test_parquet_is_not_compressed_again(tmp_path: Path) -> None:
    async with instance(40) as (_, marketo):
        with pytest.raises(InvalidRequest, match="compressed already"):
            await export(marketo, tmp_path / "a.parquet.gz")
