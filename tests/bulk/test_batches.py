"""Typed exports: record batches, tables, Parquet and JSON lines, as the instance describes its fields."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from marketo_async import Marketo
from marketo_async.bulk.exports import batches as exports_batches
from marketo_async.bulk.exports import conversion
from marketo_async.errors import BadRow, ConfigurationError, InvalidRequest
from marketo_async.sandbox.records import export_jobs

from .instances import POLL, instance, jobs, range_of, until
from .test_export import YEAR, a_car_type, names_in, rows, same

FIELDS = ["id", "email", "leadScore", "unsubscribed", "dateOfBirth", "annualRevenue", "createdAt"]
MOMENT = pa.timestamp("us", tz="UTC")
TYPES = [pa.int64(), pa.string(), pa.int64(), pa.bool_(), pa.date32(), pa.float64(), MOMENT]

Write = Callable[[bytes], bytes]


@pytest.fixture
def rewritten(monkeypatch: pytest.MonkeyPatch) -> Callable[[Write], None]:
    """Let a function rewrite the content of every export file."""
    stored = export_jobs.stored  # type: ignore[attr-defined]

    def use(write: Write) -> None:
        def written(*arguments: Any, **options: Any) -> Any:
            file, _, _ = stored(*arguments, **options)
            file.seek(0)
            content = write(file.read())
            file.seek(0)
            file.truncate()
            file.write(content)
            return file, len(content), sha256(content).hexdigest()

        monkeypatch.setattr(export_jobs, "stored", written)

    return use


async def test_a_table_of_a_year_has_the_rows_of_the_export_with_types() -> None:
    async with instance() as (_, marketo):
        plain = await rows(marketo, fields=FIELDS)
        table = await marketo.bulk.leads.table(fields=FIELDS, created_at=range_of(YEAR), poll=POLL)
    assert table.schema == pa.schema(list(zip(FIELDS, TYPES, strict=True)))
    assert table["id"].to_pylist() == list(range(1, 401)) == [int(row["id"]) for row in plain]
    assert table["email"].to_pylist() == [row["email"] for row in plain]
    assert [
        None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}" for moment in table["createdAt"].to_pylist()
    ] == [row["createdAt"] for row in plain]


async def test_batches_come_window_by_window_and_jobs_end_with_the_loop() -> None:
    async with instance() as (sandbox, marketo):
        found = marketo.bulk.leads.batches(fields=["id"], created_at=range_of(YEAR), poll=POLL)
        async with aclosing(found) as batches:
            first = await anext(batches)
        assert first["id"][0].as_py() == 1
        assert 0 < len(first) < 400
        await until(lambda: not any(job.status in {"Queued", "Processing"} for job in jobs(sandbox)))


@pytest.mark.parametrize(
    ("table", "types"),
    [
        (
            lambda bulk: bulk.activities.table(created_at=range_of(40), poll=POLL),
            {"marketoGUID": pa.string(), "leadId": pa.int64(), "activityDate": MOMENT, "attributes": pa.string()},
        ),
        (
            lambda bulk: bulk.activities.table(types=[22], poll=POLL),
            {"attributes": pa.string(), "New Value": pa.int64(), "Change Value": pa.string()},
        ),
        (
            lambda bulk: bulk.activities.table(types=[22], fields=["leadId"], poll=POLL),
            {"leadId": pa.int64()},
        ),
        (
            lambda bulk: bulk.program_members.table(
                program_id=[2001, 2002], fields=["leadId", "statusName", "membershipDate", "email"], poll=POLL
            ),
            {"programId": pa.int64(), "leadId": pa.int64(), "statusName": pa.string(), "membershipDate": MOMENT},
        ),
        (
            lambda bulk: bulk.custom_objects("car_c").table(static_list=1001, poll=POLL),
            {"vin": pa.string(), "wheels": pa.int64(), "createdAt": MOMENT, "updatedAt": MOMENT},
        ),
    ],
)
async def test_every_kind_has_tables(
    table: Callable[[Any], Awaitable[pa.Table]], types: dict[str, pa.DataType]
) -> None:
    async with instance() as (_, marketo):
        await a_car_type(marketo)
        await marketo.bulk.custom_objects("car_c").load([{"vin": "1", "leadId": 2, "wheels": 4}], poll=POLL)
        found = await table(marketo.bulk)
    assert {name: found.schema.field(name).type for name in types} == types
    assert len(found) > 0


async def test_a_table_without_rows_has_its_columns() -> None:
    async with instance(0) as (_, marketo):
        table = await marketo.bulk.leads.table(fields=FIELDS, created_at=range_of(1), poll=POLL)
    assert (table.schema.types, len(table)) == (TYPES, 0)


@pytest.mark.parametrize("typed", [None, True, False])
async def test_parquet_is_typed_unless_it_is_declined(typed: Any, tmp_path: Path) -> None:
    async with instance() as (_, marketo):
        await marketo.bulk.leads.export_to(
            tmp_path / "leads.parquet", fields=FIELDS, created_at=range_of(YEAR), poll=POLL, typed=typed
        )
    found = parquet.read_schema(tmp_path / "leads.parquet").types
    assert found == ([pa.string()] * len(FIELDS) if typed is False else TYPES)


async def test_an_empty_parquet_file_has_its_columns(tmp_path: Path) -> None:
    async with instance(0) as (_, marketo):
        await marketo.bulk.leads.export_to(tmp_path / "a.parquet", fields=FIELDS, created_at=range_of(1), poll=POLL)
    table = parquet.read_table(tmp_path / "a.parquet")
    assert (table.schema.types, len(table)) == (TYPES, 0)


async def test_a_large_parquet_file_has_several_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversion, "_GROUP", 150)
    monkeypatch.setattr(exports_batches, "BLOCK", 10_000)
    async with instance(export_copies=3) as (_, marketo):
        await marketo.bulk.leads.export_to(tmp_path / "a.parquet", fields=FIELDS, created_at=range_of(YEAR), poll=POLL)
    file = parquet.ParquetFile(tmp_path / "a.parquet")
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert sum(sizes) == 1_200
    assert min(sizes[:-1]) >= 150 > max(sizes) - 150  # a block has about a hundred rows


async def test_json_lines_are_typed_on_request(tmp_path: Path) -> None:
    out = tmp_path / "activities.jsonl"
    async with instance() as (_, marketo):
        await marketo.bulk.activities.export_to(out, created_at=range_of(40), poll=POLL, typed=True)
        table = await marketo.bulk.activities.table(created_at=range_of(40), poll=POLL)
    found = [json.loads(line) for line in out.read_bytes().splitlines()]
    for row, typed in zip(found, table.to_pylist(), strict=True):
        assert datetime.fromisoformat(row["activityDate"]) == typed["activityDate"].astimezone(UTC)
        assert row["attributes"] == json.loads(typed["attributes"])
        same_as = ("leadId", "activityTypeId", "campaignId", "primaryAttributeValue")
        assert {name: row[name] for name in same_as} == {name: typed[name] for name in same_as}


@pytest.mark.parametrize("suffix", ["csv", "tsv.gz"])
async def test_text_files_have_no_types(suffix: str, tmp_path: Path) -> None:
    async with instance() as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match="typed=True needs JSON lines or Parquet"):
            await marketo.bulk.leads.export_to(
                tmp_path / f"leads.{suffix}", fields=FIELDS, created_at=range_of(1), typed=True
            )
        assert sandbox.stats.calls == 0
    assert names_in(tmp_path) == []


def unfit(content: bytes) -> bytes:
    """Put a word into the number of the second row."""
    lines = content.split(b"\n")
    lines[2] = lines[2].replace(b",", b",many,", 1).rpartition(b",")[0]
    return b"\n".join(lines)


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
async def test_a_value_that_does_not_fit_costs_no_job(
    suffix: str, rewritten: Callable[[Write], None], tmp_path: Path
) -> None:
    rewritten(unfit)
    bad: list[BadRow] = []
    out = tmp_path / f"leads.{suffix}"

    async def export(marketo: Marketo, **options: Any) -> None:
        await marketo.bulk.leads.export_to(
            out, fields=["id", "leadScore", "email"], created_at=same(20), poll=POLL, **options
        )

    async with instance() as (sandbox, marketo):
        with pytest.raises(BadRow, match="line 3, column leadScore: 'many' is not a whole number") as caught:
            await export(marketo, typed=True)
        assert "typed=False" in caught.value.__notes__[0]
        await export(marketo, typed=True, on_bad_row=bad.append)
        assert len(jobs(sandbox)) == 1
        assert [(row.line, row.column) for row in bad] == [(3, "leadScore")]
        typed = out.read_bytes()
        await export(marketo, typed=False, start_over=True)
    assert b"many" in out.read_bytes()
    assert b"many" not in typed


async def test_a_value_that_does_not_fit_ends_the_loop_after_the_rows_before_it(
    rewritten: Callable[[Write], None],
) -> None:
    rewritten(unfit)
    bad: list[BadRow] = []
    options: dict[str, Any] = {"fields": ["id", "leadScore", "email"], "created_at": range_of(20), "poll": POLL}
    async with instance() as (_, marketo):
        batches = marketo.bulk.leads.batches(**options)
        assert len(await anext(batches)) == 1
        with pytest.raises(BadRow, match="'many' is not a whole number"):
            await anext(batches)
        table = await marketo.bulk.leads.table(**options, on_bad_row=bad.append)
        every = [row async for row in marketo.bulk.leads.export(**options)]
    assert len(bad) == 1
    assert len(table) == len(every) - 1


async def test_an_error_of_the_hook_ends_the_loop(rewritten: Callable[[Write], None]) -> None:
    def fails(_: BadRow) -> None:
        raise RuntimeError("no")

    rewritten(unfit)
    async with instance() as (_, marketo):
        with pytest.raises(RuntimeError, match="no"):
            await marketo.bulk.leads.table(
                fields=["id", "leadScore", "email"], created_at=range_of(20), poll=POLL, on_bad_row=fails
            )


@pytest.mark.parametrize("method", ["batches", "table"])
async def test_without_pyarrow_nothing_is_sent(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    async with instance() as (sandbox, marketo):
        found = getattr(marketo.bulk.leads, method)(fields=FIELDS, created_at=range_of(1))
        with pytest.raises(ConfigurationError, match=r"pip install 'marketo-async\[parquet\]'"):
            await (anext(found) if method == "batches" else found)
        assert sandbox.stats.calls == 0
