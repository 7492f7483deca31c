"""Imports from JSON lines, Parquet, dataclasses, rows of sqlite3 and scalars of other libraries; dry runs; names."""

from __future__ import annotations

import sqlite3
from collections import namedtuple
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from marketo_async import Marketo
from marketo_async.bulk import ImportProgress, ImportReport
from marketo_async.errors import BadRow, InvalidRequest
from marketo_async.sandbox import Sandbox

from .instances import POLL, calls, instance

ROWS: list[dict[str, Any]] = [
    {"email": "a@x.io", "leadScore": 7, "unsubscribed": True, "firstName": None},
    {"email": "b@x.io", "leadScore": None, "unsubscribed": False, "firstName": 'Zoë, "Z"\nnull'},
]


async def load(marketo: Marketo, source: Any, **options: Any) -> ImportReport:
    return await marketo.bulk.leads.load(source, poll=POLL, **options)


def stored(sandbox: Sandbox, email: str) -> dict[str, Any]:
    leads = sandbox.instance.leads
    return next(dict(lead) for lead in map(leads.get, leads.ids()) if lead is not None and lead["email"] == email)


def written(folder: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    import json  # noqa: PLC0415

    path = folder / f"rows.{kind}"
    if kind == "parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        path.write_text("\ufeff" + "\n\n".join(json.dumps(row) for row in rows))
    return path


@pytest.mark.parametrize("kind", ["jsonl", "parquet", "csv"])
async def test_a_file_of_records_is_imported_whatever_its_name(kind: str, tmp_path: Path) -> None:
    path = written(tmp_path, kind, ROWS)
    async with instance(0) as (sandbox, marketo):
        report = await load(marketo, path)
        assert (report.rows, report.processed, report.files) == (2, 2, 1)
        assert stored(sandbox, "b@x.io")["firstName"] == ROWS[1]["firstName"]
        assert stored(sandbox, "a@x.io")["leadScore"] == 7


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
async def test_columns_are_renamed(kind: str, tmp_path: Path) -> None:
    rows = [{"Email Address": row["email"], "leadScore": 1} for row in ROWS]
    async with instance(0) as (_, marketo):
        report = await load(marketo, written(tmp_path, kind, rows), rename={"Email Address": "email"})
        assert report.processed == 2
        with pytest.raises(InvalidRequest, match=r"no column 'E-Mail' to rename; its columns are Email Address, lead"):
            await load(marketo, written(tmp_path, kind, rows), rename={"E-Mail": "email"})


async def test_columns_of_text_are_renamed(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("Email Address;First\na@x.io;A\n")
    async with instance(0) as (sandbox, marketo):
        await load(marketo, path, rename={"Email Address": "email", "First": "firstName"})
        assert stored(sandbox, "a@x.io")["firstName"] == "A"
        with pytest.raises(InvalidRequest, match="no column 'E-Mail' to rename"):
            await load(marketo, path, rename={"E-Mail": "email"})
        with pytest.raises(InvalidRequest, match="apply to a file"):
            await load(marketo, ROWS, rename={"E-Mail": "email"})


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.jsonl", b'{"email": "a@x.io"}\n[1]\n', "line 2, column 1: the line is not a JSON object"),
        ("a.jsonl", b'{"email": "a@x.io"}\n{"email": "b', "line 2, column 1: the line is not a JSON object"),
        ("a.jsonl", b'{"email": "a@x.io"}\n{"email": "\xff"}\n', "line 2"),
        ("a.jsonl", b'{"email": "a@x.io"}\n{"emial": "b@x.io"}\n', "row 1 differs from the first row"),
        ("a.jsonl", b'{"email": {"of": "a@x.io"}}\n', "row 0: email: dict can't be sent to Marketo"),
        ("a.parquet", b"PAR1PAR1PAR1PAR1", "is not a Parquet file that can be read"),
    ],
)
async def test_a_wrong_record_is_refused_before_anything_is_sent(
    name: str, content: bytes, text: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    async with instance(0) as (sandbox, marketo):
        with pytest.raises((InvalidRequest, BadRow), match=text):
            await load(marketo, path)
        assert calls(sandbox, "bulk/v1/leads.json") == 0


async def test_an_empty_parquet_file_has_its_columns_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"emial": pa.array([], pa.string())}), path)
    async with instance(0) as (_, marketo):
        with pytest.raises(InvalidRequest, match="no field 'emial'"):
            await load(marketo, path)


@dataclass
class Person:
    email: str
    leadScore: int  # noqa: N815 - an API name


def rows_of_sqlite() -> list[sqlite3.Row]:
    database = sqlite3.connect(":memory:")
    database.row_factory = sqlite3.Row
    rows = database.execute("select 'a@x.io' as email, 7 as leadScore").fetchall()
    database.close()
    return rows


@pytest.mark.parametrize("rows", [[Person("a@x.io", 7)], rows_of_sqlite()], ids=["dataclass", "sqlite3"])
async def test_rows_of_other_kinds_are_taken(rows: list[Any]) -> None:
    async with instance(0) as (sandbox, marketo):
        assert (await load(marketo, rows)).processed == 1
        assert stored(sandbox, "a@x.io")["leadScore"] == 7


class Series:
    """A row of a data frame."""

    def to_dict(self) -> dict[str, object]:
        return {}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (namedtuple("P", ["email"])("a@x.io"), r"row 1 has the type P: pass row\._asdict\(\)"),  # noqa: PYI024
        (Series(), r"row 1 has the type Series: pass row\.to_dict\(\)"),
        (Person, "row 1 has the type type: pass mappings, Structs, dataclasses or rows of sqlite3"),
    ],
)
async def test_a_row_of_another_type_is_refused_by_index_with_the_remedy(row: object, text: str) -> None:
    async with instance(0) as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match=text):
            await load(marketo, [{"email": "a@x.io"}, row])
        assert calls(sandbox, "bulk/v1/leads.json") == 0


async def test_scalars_of_numpy_and_pandas_are_taken_or_refused_by_index() -> None:
    np, pd = pytest.importorskip("numpy"), pytest.importorskip("pandas")
    moment = pd.Timestamp("2026-01-02T03:04:05Z")
    taken = {
        "email": np.str_("a@x.io"),
        "leadScore": np.int64(7),
        "unsubscribed": np.bool_(1),
        "annualRevenue": np.float32(0.5),
        "createdAt": moment,
    }
    refused = [
        (np.datetime64("2026-01-01"), "row 1: email: datetime64 can't be sent to Marketo"),
        (np.array([1, 2]), "row 1: email: ndarray can't be sent"),
        (np.float64("nan"), "row 1: email: nan is not a number that Marketo can store; pass None"),
        (pd.NA, "row 1: email: <NA> of pandas can't be sent to Marketo; pass None"),
        (pd.NaT, "row 1: email: NaT of pandas can't be sent to Marketo; pass None"),
        (pd.Timestamp("2026-01-01"), "row 1: email: 2026-01-01T00:00:00 has no time zone"),
        (pd.Timedelta(1), "row 1: email: Timedelta can't be sent"),
    ]
    async with instance(0) as (sandbox, marketo):
        assert (await load(marketo, [taken], dry_run=True)).rows == 1
        del taken["createdAt"]
        assert (await load(marketo, [taken])).processed == 1
        lead = stored(sandbox, "a@x.io")
        assert (lead["leadScore"], lead["unsubscribed"], lead["annualRevenue"]) == (7, True, 0.5)
        for value, text in refused:
            with pytest.raises(InvalidRequest) as caught:
                await load(marketo, [taken, {**taken, "email": value}])
            assert text in str(caught.value)


async def test_a_dry_run_checks_all_and_sends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("email\na@x.io\nb@x.io\n")
    async with instance(0) as (sandbox, marketo):
        report = await load(marketo, path, dry_run=True)
        assert (report.rows, report.files, report.processed, report.jobs) == (2, 1, 0, [])
        path.write_text("emial\n")
        with pytest.raises(InvalidRequest, match="meant 'email'"):
            await load(marketo, path, dry_run=True)
        assert calls(sandbox, "bulk/v1/leads.json") == 0


async def test_progress_has_the_batch_ids_under_way() -> None:
    seen: list[ImportProgress] = []
    async with instance(0) as (_, marketo):
        report = await load(marketo, ROWS, progress=seen.append)
    assert (report.jobs[0].batch_id,) in {one.under_way for one in seen}
    assert seen[-1].under_way == ()
