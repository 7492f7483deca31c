"""Imports from end to end: split below the limit, in order by key, and every rejected row found again."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct, UnsetType, field

from marketo_async import Marketo, RetryPolicy
from marketo_async.bulk import ImportProgress, ImportReport, Rejected
from marketo_async.bulk.imports import files as chunks
from marketo_async.bulk.imports.files import Columns, ImportFiles
from marketo_async.bulk.imports.rejects import find_rejected, read_rejects
from marketo_async.errors import BadRow, ImportStopped, InvalidRequest, JobFailed, OutcomeUnknown
from marketo_async.sandbox import Fault
from marketo_async.sandbox.records.import_jobs import ImportJob
from tests.wire import ScriptedServer, done, ok

from .instances import POLL, calls, client, instance, until

NAMES = ["email", "name"]
SENDS = "POST /bulk/v1/leads.json"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> int:
    """Make files hold about thirty rows."""
    monkeypatch.setattr(chunks.ImportFiles.__init__, "__kwdefaults__", {"largest": 1_000})
    return 1_000


def people(count: int) -> list[dict[str, object]]:
    return [{"email": f"new{number}@example.com", "leadScore": number} for number in range(count)]


class NewLead(Struct, kw_only=True):
    email: str
    first_name: str | None = field(name="firstName", default=None)
    unsubscribed: bool = False
    lead_score: int | UnsetType = field(name="leadScore", default=UNSET)


async def asynchronous(rows: list[Any]) -> AsyncIterator[Any]:
    for row in rows:
        yield row


async def test_any_iterable_of_any_rows_is_taken() -> None:
    async with instance() as (_sandbox, marketo):
        load = marketo.bulk.leads.load
        seen: list[ImportProgress] = []
        report = await load(people(20), poll=POLL, progress=seen.append)
        assert (report.rows, report.processed, report.failures, report.warnings) == (20, 20, [], [])
        assert (seen[-1].processed, seen[-1].files, seen[-1].files_done) == (20, 1, 1)
        assert (await load(asynchronous(people(20)), poll=POLL)).processed == 20
        assert (await load(iter([NewLead(email="a@example.com", unsubscribed=True)]), poll=POLL)).processed == 1
        assert (await load([], poll=POLL)) == ImportReport(rows=0, processed=0, failures=[], warnings=[], jobs=[])
        stored = [lead async for lead in marketo.leads.by_filter("email", ["new7@example.com", "a@example.com"])]
        assert len(stored) == 2


async def test_a_file_is_read_and_null_is_nothing_in_it(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text('email,firstName\na@example.com,"A\n""B"""\nb@example.com,null\n')
    tabs = tmp_path / "leads.tsv"
    tabs.write_text("email\tlastName\na@example.com\tC\n")
    async with instance() as (sandbox, marketo):
        assert (await marketo.bulk.leads.load(path, null=True, poll=POLL)).processed == 2
        assert (await marketo.bulk.leads.load(str(tabs), poll=POLL)).processed == 1
        found = {
            lead["email"]: lead
            async for lead in marketo.leads.by_filter(
                "email", ["a@example.com", "b@example.com"], fields=["email", "firstName", "lastName"]
            )
        }
        assert (found["a@example.com"]["firstName"], found["a@example.com"]["lastName"]) == ('A\n"B"', "C")
        assert found["b@example.com"]["firstName"] is None
        path.write_text("email,firstName\na@example.com,x\nbroken\n")
        with pytest.raises(BadRow, match="line 3"):
            await marketo.bulk.leads.load(path, poll=POLL)
        assert calls(sandbox, "/bulk/v1/leads.json") == 2


async def test_large_inputs_are_split_and_no_key_is_ever_in_two_files_under_way(small: int) -> None:
    async with instance(import_seconds=0.01) as (sandbox, marketo):
        rows = [{"email": f"k{number % 91}@example.com", "leadScore": number} for number in range(900)]
        imports = sandbox.instance.imports
        add, together = imports.add, []

        def watched(plan: Any) -> Any:
            job = add(plan)
            running = [one for one in imports._jobs.values() if one.finished_at is None]
            keys = [{line.split(b",")[0] for line in one.plan.content.splitlines()[1:]} for one in running]
            together.append(len(running))
            assert not any(a & b for number, a in enumerate(keys) for b in keys[number + 1 :])
            assert all(len(one.plan.content) <= small for one in running)
            assert all(one.plan.content.startswith(b"email,leadScore\n") for one in running)
            return job

        imports.add = watched  # type: ignore[method-assign]
        report = await marketo.bulk.leads.load(rows, poll=POLL)
        assert (report.rows, report.processed) == (900, 900)
        assert len(report.jobs) > 15
        assert max(together) == 2
        stored = [
            lead
            async for lead in marketo.leads.by_filter(
                "email", [f"k{number}@example.com" for number in range(91)], fields=["email", "leadScore"]
            )
        ]
        last = {row["email"]: row["leadScore"] for row in rows}
        assert {lead["email"]: lead["leadScore"] for lead in stored} == last


async def test_files_into_one_list_follow_each_other(small: int) -> None:
    async with instance() as (sandbox, marketo):
        report = await marketo.bulk.leads.load(people(200), list_id=1001, poll=POLL)
        assert report.processed == 200
        assert sandbox.stats.errors["1019"] == 0
        assert len(report.jobs) > 3


async def test_a_full_queue_and_a_busy_list_are_waited_for() -> None:
    async with instance(import_seconds=300) as (sandbox, marketo):
        for number in range(10):
            await marketo.bulk.leads.import_file(
                f"email\nx{number}@example.com\n".encode(), "CSV", list_id=1001 if number == 9 else None
            )
        running = asyncio.ensure_future(marketo.bulk.leads.load(people(5), list_id=1001, poll=POLL))
        await until(lambda: sandbox.stats.errors["1016"] > 0)
        while not running.done():
            sandbox.clock.advance(20)
            await asyncio.sleep(0.005)
        assert (await running).processed == 5
        assert sandbox.stats.errors["1016"] > 0
        assert sandbox.stats.errors["1019"] > 0


@pytest.mark.parametrize("trimmed", [False, True])
async def test_failures_and_warnings_are_those_of_the_input(*, trimmed: bool, small: int) -> None:
    rows: list[dict[str, object]] = [
        {"email": f"r{number}@example.com", "leadScore": number, "lastName": "", "firstName": ""}
        for number in range(200)
    ]
    bad = {7: ("email", "nonsense"), 60: ("leadScore", "many"), 61: ("email", ""), 150: ("email", "nonsense")}
    for number, (name, value) in bad.items():
        rows[number][name] = value
    rows[150]["leadScore"] = rows[7]["leadScore"]  # the very same row twice
    async with instance(import_rejects_trimmed=trimmed, imports_warn=True) as (_, marketo):
        report = await marketo.bulk.leads.load(rows, poll=POLL)
    assert [(row.index, row.reason) for row in report.failures] == [
        (7, "Invalid email address"),
        (60, "Invalid data type in field Lead Score"),
        (61, "missing.dedupe.fields"),
        (150, "Invalid email address"),
    ]
    assert report.failures[1].record == {
        "email": "r60@example.com",
        "leadScore": "many",
        "lastName": "",
        "firstName": "",
    }
    assert [row.index for row in report.warnings] == [number for number in range(200) if number not in bad]
    assert {row.reason for row in report.warnings} == {"Warning on demand"}


CELLS = st.sampled_from(["", "a", "b", ",", '"', "x\ny", "ü"])


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=12),
    chosen=st.data(),
    trimmed=st.booleans(),
)
def test_every_rejected_row_is_found_again(rows: list[tuple[str, ...]], chosen: Any, *, trimmed: bool) -> None:
    indices = sorted(chosen.draw(st.sets(st.integers(0, len(rows) - 1))))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["a", "b", "c", "Import Failure Reason"])
    for index in indices:
        cells = list(rows[index])
        while trimmed and cells and not cells[-1]:
            cells.pop()
        writer.writerow([*cells, "why"])

    def numbered() -> Iterator[tuple[int, list[str]]]:
        return ((number, list(row)) for number, row in enumerate(rows))

    rejected = read_rejects(text.getvalue().encode(), ",", ["a", "b", "c"])
    assert rejected.flaw == ""
    found = find_rejected("failure", rejected.rows, ["a", "b", "c"], ["a"], numbered, batch_id=1)
    assert len(found) == len(indices)
    # Rows that are alike can't be told apart: the first of them are named.
    assert sorted(tuple(row.record.values()) for row in found) == sorted(rows[index] for index in indices)
    assert all(row.index is not None and rows[row.index] == tuple(row.record.values()) for row in found)
    assert len({row.index for row in found}) == len(found)


def test_a_row_that_marketo_changed_is_found_by_its_key_or_told_without_an_index() -> None:
    content = b"email,name,Import Failure Reason\nA@example.com ,changed,why\nnobody@example.com,,lost\n"

    def numbered() -> Iterator[tuple[int, list[str]]]:
        return iter([(4, ["a@example.com", "as sent"]), (5, ["b@example.com", ""])])

    found = find_rejected("failure", read_rejects(content, ",", NAMES).rows, NAMES, ["email"], numbered, batch_id=9)
    assert [(row.index, row.record["name"], row.reason) for row in found] == [(4, "as sent", "why"), (None, "", "lost")]


def test_a_row_that_is_found_already_is_not_found_again_by_its_key() -> None:
    content = b"email,name,Import Failure Reason\na@example.com,one,first\na@example.com,changed,second\n"

    def numbered() -> Iterator[tuple[int, list[str]]]:
        return iter([(0, ["a@example.com", "one"]), (1, ["a@example.com", "two"])])

    found = find_rejected("failure", read_rejects(content, ",", NAMES).rows, NAMES, ["email"], numbered, batch_id=9)
    assert [(row.index, row.reason) for row in found] == [(0, "first"), (1, "second")]


BAD: list[tuple[list[Any], dict[str, Any], str]] = [
    ([{"email": "a@example.com", "emial": "x"}], {}, "no field 'emial' .meant 'email'"),
    ([{"firstName": "x"}], {}, "found by email: add email to the rows"),
    (
        [{"email": "a"}, {"email": "b", "firstName": "x"}],
        {},
        "row 1 differs from the first row: it has also 'firstName'",
    ),
    ([{"email": "a", "firstName": "x"}, {"email": "b"}], {}, "row 1 .* has no 'firstName'"),
    ([{"email": "a", "firstName": ["x"]}], {}, "row 0: firstName: list can't be sent"),
    ([{"email": "a", "createdAt": datetime(2026, 1, 1)}], {}, "no time zone"),  # noqa: DTZ001 - that is the point
    ([{"email": "a", "title": "x" * 10_000_000}], {}, "row 0 has .* bytes"),
    ([7], {}, "row 0 has the type int: pass mappings"),
    ([{}], {}, "no members"),
]


@pytest.mark.parametrize(("rows", "options", "message"), BAD)
async def test_what_can_not_be_sent_is_refused_before_anything_is(
    rows: list[Any], options: dict[str, Any], message: str
) -> None:
    async with instance() as (sandbox, marketo):
        with pytest.raises(InvalidRequest, match=message):
            await marketo.bulk.leads.load(rows, poll=POLL, **options)
        assert calls(sandbox, "/bulk/v1/leads.json") == 0


def test_cells_are_written_as_marketo_reads_them(tmp_path: Path) -> None:
    row = {
        "a": None,
        "b": True,
        "c": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
        "d": date(2026, 1, 2),
        "e": Decimal("1.50"),
        "f": UNSET,
    }
    chunker = ImportFiles(tmp_path, Columns(row), ["a"], lanes=2)
    chunker.add(row)
    [chunk] = chunker.close()
    assert chunk.path.read_bytes() == b"a,b,c,d,e,f\n,true,2026-01-02T03:04:05Z,2026-01-02,1.50,\n"
    assert list(Columns(row, ["a", "z"]).cells(0, {"z": 1})) == ["", "1"]


SPOILED: list[tuple[str, bytes | None, list[int | None], str]] = [
    ("missing", None, [], "404"),
    ("empty", b"", [], "the file is empty"),
    ("blank", b"\r\n", [], "the file is empty"),
    ("header alone", b"email,leadScore,Import Failure Reason\n", [], "lists 0 rows, but counts 2"),
    ("too few", b"email,leadScore,Import Failure Reason\nnonsense,1,why\n", [1], "lists 1 rows, but counts 2"),
    ("an error page", b"<html>\n<body>busy</body>\n</html>\n", [], "a web page, not a file"),
    ("another file", b"busy,x\n1,2\n", [], "none of the columns that were sent: 'busy,x"),
    ("JSON", b'{"requestId":"a#b","success":false}', [], "success is false"),
    (
        "not UTF-8",
        b"email,leadScore,Import Failure Reason\nnonsense,1,caf\xe9\nnix,3,b\n",
        [3],
        "line 2, column 3: the b",
    ),
    ("UTF-16", "email,leadScore,Import Failure Reason\n".encode("utf-16"), [], "not UTF-8"),
    ("torn in quotes", b'email,leadScore,Import Failure Reason\nnonsense,1,"why\nnix,3,x\n', [], "never closed"),
    ("a stray quote", b'email,leadScore,Import Failure Reason\n"nonsense"x,1,why\nnix,3,x\n', [], "a closing quote"),
]


@pytest.mark.parametrize("kind", ["failure", "warning"])
@pytest.mark.parametrize(
    ("content", "indices", "reason"), [row[1:] for row in SPOILED], ids=[row[0] for row in SPOILED]
)
async def test_a_report_comes_and_says_what_is_not_known_whatever_the_file_of_rejects_is(
    content: bytes | None, indices: list[int | None], reason: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = people(5)
    rows[1], rows[3] = {"email": "nonsense", "leadScore": 1}, {"email": "nix", "leadScore": 3}
    if kind == "warning":
        rows[1], rows[3] = {"email": "b@example.com", "leadScore": 1}, {"email": "d@example.com", "leadScore": 3}
        content = content and content.replace(b"nonsense", b"b@example.com").replace(b"nix", b"d@example.com")
    async with instance(0, imports_warn=kind == "warning") as (_, marketo):
        file = ImportJob.file

        def served(job: ImportJob, of: Any) -> bytes | None:
            return content if of.lower() == kind else file(job, of)

        monkeypatch.setattr(ImportJob, "file", served)
        monkeypatch.setattr(ImportJob, "finish", finished(kind))
        seen: list[Rejected] = []
        report = await marketo.bulk.leads.load(rows, poll=POLL, on_rejected=seen.extend)
    found = report.failures if kind == "failure" else report.warnings
    assert [row.index for row in found] == indices
    assert [row.index for row in seen] == indices
    [unlisted] = report.unlisted
    assert (unlisted.kind, unlisted.rows, unlisted.first, unlisted.end) == (kind, 2 - len(indices), 0, 5)
    assert reason in unlisted.reason
    assert report.uncounted == 0
    assert report.all_taken is (kind == "warning")
    assert report.failed == (2 if kind == "failure" else 0)


def finished(kind: str) -> Any:
    """Let a job warn of the rows 1 and 3 alone."""
    finish = ImportJob.finish

    def finished(job: ImportJob, moment: float) -> None:
        finish(job, moment)
        job.warnings = [job.warnings[1], job.warnings[3]] if kind == "warning" else job.warnings

    return finished


async def test_a_file_of_rejects_that_can_not_be_fetched_leaves_the_report() -> None:
    async with instance(0, faults=[Fault("html", path="/bulk/v1/leads/batch/*/failures.json")]) as (_, marketo):
        report = await marketo.bulk.leads.load([{"email": "nonsense"}, {"email": "a@example.com"}], poll=POLL)
    assert (report.processed, report.failures, report.all_taken) == (1, [], False)
    assert [(one.rows, one.kind) for one in report.unlisted] == [(1, "failure")]


async def test_rejected_rows_are_handed_out_file_by_file_and_a_hook_that_fails_is_logged(
    small: int, caplog: pytest.LogCaptureFixture
) -> None:
    rows: list[dict[str, object]] = [{"email": f"nonsense{number}"} for number in range(200)]
    seen: list[int | None] = []

    def hook(found: list[Rejected]) -> None:
        seen.extend(row.index for row in found)
        raise OSError("no room")

    async with instance(0) as (_, marketo):
        report = await marketo.bulk.leads.load(rows, poll=POLL, on_rejected=hook)
    assert set(seen) == set(range(200))
    assert len(seen) == 200
    assert [row.index for row in report.failures] == list(range(200))
    assert "no room" in caplog.text


@pytest.mark.parametrize("status", ["Cancelled", "Partial", "", "Completed "])
async def test_a_status_that_is_not_known_is_no_success(
    status: str, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = ImportJob.finish

    def finished(job: ImportJob, moment: float) -> None:
        finish(job, moment)
        job.status = cast(Any, status)

    monkeypatch.setattr(ImportJob, "finish", finished)
    async with instance(0) as (_, marketo):
        with pytest.raises(ImportStopped, match=r"after 0 of 200 rows: .*an unknown status") as caught:
            await marketo.bulk.leads.load(people(200), poll=POLL)
    assert isinstance(caught.value.__cause__, JobFailed)
    assert caught.value.__cause__.status == status
    [(first, behind)] = caught.value.unknown
    assert (first, caught.value.unsent[0][0]) == (0, behind)


async def test_rows_whose_job_can_not_be_followed_are_unknown(small: int) -> None:
    async with instance(0) as (sandbox, marketo):
        sandbox.faults.append(Fault("1003", path="/bulk/v1/leads/batch/*"))
        with pytest.raises(ImportStopped) as caught:
            await marketo.bulk.leads.load(people(200), poll=POLL)
    assert [first for first, _ in caught.value.unknown] == [0]


@pytest.mark.parametrize("counted", [None, 3])
async def test_rows_that_are_in_no_count_are_not_taken(counted: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    finish = ImportJob.finish

    def finished(job: ImportJob, moment: float) -> None:
        finish(job, moment)
        job.processed = cast(Any, counted)

    monkeypatch.setattr(ImportJob, "finish", finished)
    async with instance(0) as (_, marketo):
        report = await marketo.bulk.leads.load(people(5), poll=POLL)
    assert (report.uncounted, report.all_taken) == (5 - (counted or 0), False)


async def test_a_lost_answer_is_told_and_nothing_is_sent_twice(small: int) -> None:
    async with instance() as (sandbox, marketo):
        sandbox.faults.append(Fault("reset", times=1, path="/bulk/v1/leads.json", when="after"))
        with pytest.raises(ImportStopped, match="stopped after 0 of 200 rows") as caught:
            await marketo.bulk.leads.load(people(200), poll=POLL)
        assert isinstance(caught.value.__cause__, OutcomeUnknown)
        [(first, behind)] = caught.value.unknown
        assert (first, caught.value.unsent[0][0]) == (0, behind)
        assert calls(sandbox, "/bulk/v1/leads.json") == 1


async def test_a_file_that_was_taken_with_an_answer_that_can_not_be_read_is_unknown_and_not_unsent(
    small: int, fast: RetryPolicy
) -> None:
    """Marketo has it: to tell its rows as unsent would have them sent a second time."""
    async with (
        ScriptedServer() as server,
        Marketo(server.origin, client_id="i", client_secret="s", retry=fast) as marketo,
    ):
        server.default = lambda sent: (
            ok({"fields": [{"name": "email"}, {"name": "leadScore"}]}) if sent.method == "GET" else done()
        )
        with pytest.raises(ImportStopped) as caught:
            await marketo.bulk.leads.load(people(200), poll=POLL)

    assert isinstance(caught.value.__cause__, OutcomeUnknown)
    [(first, behind)] = caught.value.unknown
    assert (first, caught.value.unsent[0][0]) == (0, behind)
    assert sum(sent.method == "POST" for sent in server.calls) == 1


async def test_an_import_that_fails_as_a_whole_stops_the_rest_with_the_report_so_far(small: int) -> None:
    async with instance(imports_fail=True) as (_sandbox, marketo):
        with pytest.raises(ImportStopped) as caught:
            await marketo.bulk.leads.load(people(200), poll=POLL)
        assert isinstance(caught.value.__cause__, JobFailed)
        report = caught.value.report
        assert isinstance(report, ImportReport)
        assert (len(report.jobs), report.jobs[0].status) == (1, "Failed")
        assert caught.value.unsent


async def test_members_are_imported_with_one_status() -> None:
    async with instance() as (sandbox, marketo), client(sandbox, retry=RetryPolicy(attempts=1)) as other:
        rows = [{"email": f"m{number}@example.com"} for number in range(5)]
        report = await other.bulk.program_members.load(2001, "Attended", rows, poll=POLL)
        assert report.processed == 5
        members = [
            row["statusName"]
            async for row in marketo.bulk.program_members.export(
                program_id=2001, fields=["statusName"], status_names=["Attended"], poll=POLL
            )
        ]
        assert len(members) >= 5
