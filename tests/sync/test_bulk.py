"""Bulk jobs from threads: rows, files and imports, and jobs that nobody waits for any more."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from marketo_async import bulk
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.resources.descriptors import Composite, Declared
from marketo_async.sandbox import Quirks, Sandbox
from marketo_async.sync import Marketo
from marketo_async.sync.bulk import Bulk
from tests.bulk.instances import POLL, jobs, range_of
from tests.sync.conftest import Start, client_of

FIELDS = ["id", "email"]
QUARTER = range_of(90)
QUIRKS = Quirks(export_wait=0.0, export_seconds=0.005, import_wait=0.0, import_seconds=0.005)


class Person(Struct):
    id: int
    email: str
    createdAt: datetime  # noqa: N815 - Marketo's name


@pytest.fixture
def sandbox(start: Start) -> Sandbox:
    return start(leads=400, activities=300, quirks=QUIRKS)


def test_every_kind_has_a_twin_with_the_same_methods(marketo: Marketo) -> None:
    assert isinstance(marketo.bulk, Bulk)
    assert marketo.bulk is marketo.bulk
    assert marketo.bulk.leads is marketo.bulk.leads
    twins: dict[Any, Any] = {
        marketo.bulk.leads: marketo._twin.bulk.leads,
        marketo.bulk.activities: marketo._twin.bulk.activities,
        marketo.bulk.program_members: marketo._twin.bulk.program_members,
        marketo.bulk.custom_objects("car_c"): marketo._twin.bulk.custom_objects("car_c"),
    }
    for twin, plain in twins.items():
        assert issubclass(type(twin), type(plain))
        assert inspect.getdoc(type(twin)) == inspect.getdoc(type(plain))
        typed = twin.of(Person)
        assert type(typed) is type(twin)
        assert typed.twin.model is Person
        for name, declared in inspect.getmembers(type(plain)):
            if isinstance(declared, Declared | Composite):
                method = getattr(twin, name)
                assert not inspect.iscoroutinefunction(method)
                assert inspect.signature(method).parameters == inspect.signature(getattr(plain, name)).parameters


def test_rows_are_iterated_without_a_loop(marketo: Marketo) -> None:
    rows = list(marketo.bulk.leads.export(fields=FIELDS, created_at=QUARTER, poll=POLL))
    assert rows
    people = list(marketo.bulk.leads.of(Person).export(created_at=QUARTER, poll=POLL))
    assert [person.id for person in people] == [int(row["id"] or 0) for row in rows]
    assert all(isinstance(person.createdAt, datetime) for person in people)
    assert marketo.bulk.used_today() > 0


def test_tables_come_without_a_loop(marketo: Marketo) -> None:
    pytest.importorskip("pyarrow")
    batches = list(marketo.bulk.leads.batches(fields=FIELDS, created_at=QUARTER, poll=POLL))
    table = marketo.bulk.leads.table(fields=FIELDS, created_at=QUARTER, poll=POLL)
    assert len(table) == sum(map(len, batches)) > 0
    assert table.column_names == FIELDS


def test_leaving_the_loop_cancels_the_jobs(start: Start) -> None:
    sandbox = start(leads=400, quirks=replace(QUIRKS, export_seconds=0.2))
    with client_of(sandbox) as marketo:
        for _ in marketo.bulk.leads.export(fields=FIELDS, created_at=range_of(365), poll=POLL):
            break
        assert {job.status for job in jobs(sandbox)} <= {"Completed", "Canceled"}


def test_a_file_is_written_and_a_hook_is_told_in_the_loop_s_thread(marketo: Marketo, tmp_path: Path) -> None:
    told: list[tuple[int, bulk.ExportProgress]] = []
    report = marketo.bulk.leads.export_to(
        tmp_path / "leads.csv",
        fields=FIELDS,
        created_at=QUARTER,
        poll=POLL,
        progress=lambda progress: told.append((threading.get_ident(), progress)),
    )
    assert isinstance(report, bulk.ExportReport)
    assert len((tmp_path / "leads.csv").read_text().splitlines()) == report.rows + 1
    assert told[-1][1].windows_done == told[-1][1].windows
    assert threading.get_ident() not in {thread for thread, _ in told}
    size = marketo.bulk.leads.download(report.jobs[0].export_id, tmp_path / "again.csv")
    assert size == report.jobs[0].file_size


def test_rows_to_import_are_read_in_the_caller_s_thread(marketo: Marketo, tmp_path: Path) -> None:
    threads = set()

    def people() -> Iterator[dict[str, str]]:
        for number in range(700):
            threads.add(threading.get_ident())
            yield {"email": f"new{number}@example.com", "firstName": "No"}

    report = marketo.bulk.leads.load(people(), poll=POLL)
    assert (report.rows, report.processed, report.failures) == (700, 700, [])
    assert threads == {threading.get_ident()}
    file = tmp_path / "people.csv"
    file.write_text("email,firstName\nnew1@example.com,Yes\nno address,Bad\n")
    report = marketo.bulk.leads.load(file, poll=POLL)
    assert [(failed.index, failed.record["email"]) for failed in report.failures] == [(1, "no address")]
    assert marketo.leads.by_filter("email", ["new1@example.com"], fields=["firstName"]).all()[0]["firstName"] == "Yes"


def test_what_is_wrong_with_rows_is_raised_here(marketo: Marketo) -> None:
    def broken() -> Iterator[dict[str, str]]:
        yield {"email": "new1@example.com"}
        raise LookupError("cursor")

    with pytest.raises(LookupError, match="cursor"):
        marketo.bulk.leads.load(broken(), poll=POLL)
    with pytest.raises(TypeError, match="source"):
        marketo.bulk.leads.load()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="field"):
        marketo.bulk.leads.export_to(field=["id"])  # type: ignore[call-arg]
    with pytest.raises(InvalidRequest, match="emali"):
        marketo.bulk.leads.load([{"emali": "new1@example.com"}], lookup_field="emali", poll=POLL)


def test_a_hook_that_calls_the_blocking_client_is_told_that_it_can_not(marketo: Marketo) -> None:
    errors: list[BaseException] = []

    def hook(_: object) -> None:
        try:
            marketo.leads.get(1)
        except ConfigurationError as error:
            errors.append(error)

    list(marketo.bulk.leads.export(fields=FIELDS, created_at=QUARTER, poll=POLL, progress=hook))
    assert errors
    assert "own event loop" in str(errors[0])
