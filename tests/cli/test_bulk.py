"""``export`` and ``import``: what ends up in files and on the instance, and what the exit codes say."""

from __future__ import annotations

import csv
import gzip
import json
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_async.bulk.imports.files import ImportFiles
from marketo_async.sandbox import Fault

from .commands import Ended, invoke, process
from .instances import Instance

NOW = datetime.now(UTC)
YEAR = ("--since", (NOW - timedelta(days=370)).isoformat(), "--until", NOW.isoformat())
POLL = ("--poll", 0.1, "--store", "none")  # no more calls than a window holds


def run(instance: Instance, *arguments: object, stdin: str | None = None) -> Ended:
    return invoke(*arguments, *POLL, environment=instance.environment, stdin=stdin)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_leads_are_exported_in_any_format(form: str, instance: Instance, tmp_path: Path) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    out = tmp_path / "leads"
    ended = run(instance, "export", "leads", *YEAR, "--fields", "id,email", "--out", out, "--format", form)
    assert (ended.code, ended.stdout) == (0, ""), ended.stderr
    assert ended.stderr.splitlines()[-1].startswith("900 rows, ")
    assert [path.name for path in tmp_path.iterdir()] == ["leads"]
    if form == "csv":
        with out.open(newline="") as file:
            assert [int(row["id"]) for row in csv.DictReader(file)] == list(range(1, 901))
    elif form == "jsonl":
        assert [int(json.loads(line)["id"]) for line in out.read_bytes().splitlines()] == list(range(1, 901))
    else:
        assert out.read_bytes().startswith(b"PAR1")


def test_the_other_kinds_are_exported_too(instance: Instance, tmp_path: Path) -> None:
    day = ("--since", (NOW - timedelta(days=2)).isoformat(), "--until", NOW.isoformat())
    for arguments in (
        ("leads", "--static-list", "1001", "--fields", "id"),
        ("leads", *YEAR, "--by", "updated", "--fields", "id"),
        ("activities", *day, "--types", "1,12"),
        ("program-members", "--program", 2001),
        ("program-members", "--program", 2001, "--program", 2002, "--fields", "leadId,statusName"),
    ):
        out = tmp_path / "out.csv"
        ended = run(instance, "export", *arguments, "--out", out, "--quiet")
        assert (ended.code, ended.stderr) == (0, "")
        assert len(out.read_text().splitlines()) > 1
        out.unlink()


@pytest.mark.parametrize(
    ("arguments", "rows"),
    [
        (("--fields", "id,email"), 900),
        (("--fields", "id", "--since", "2020-01-01"), 900),
        (("--fields", "id", "--since", "1d", "--until", "12h"), None),
        (("--fields", "id", "--since", "yesterday"), None),
        (("--fields", "all", "--since", "7d", "--deadline", "6h"), None),
    ],
)
def test_a_range_has_ends_that_move(
    arguments: tuple[str, ...], rows: int | None, instance: Instance, tmp_path: Path
) -> None:
    out = tmp_path / "leads.csv.gz"
    ended = run(instance, "export", "leads", *arguments, "--out", out)
    assert ended.code == 0, ended.stderr
    lines = gzip.decompress(out.read_bytes()).splitlines()
    assert rows in {None, len(lines) - 1}
    assert len(lines) < 60 or rows is not None
    assert len(instance.sandbox.instance.exports._jobs) <= 13


def test_fields_that_the_instance_does_not_export_are_named(instance: Instance) -> None:
    instance.sandbox.instance.quirks = replace(instance.sandbox.instance.quirks, unexportable=frozenset({"leadScore"}))
    ended = run(instance, "export", "leads", "--fields", "all", "--since", "1d", "--out", "-")
    assert ended.code == 0
    assert "leadScore" not in ended.stdout.splitlines()[0].split(",")
    assert "not exported, as the instance refuses these fields: leadScore\n" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("leads", "--fields", "id", "--since", "soon"),
            "--since takes how long ago, such as 10m",
        ),
        (("leads", "--fields", "id", "--deadline", "soon"), "--deadline takes a duration"),
        (("leads", *YEAR, "--fields", "emial"), "meant 'email'"),
        (("leads", *YEAR), "name the fields"),
        (("custom-objects", "nothing_c", *YEAR), ""),
    ],
)
def test_what_can_not_be_exported_is_told_in_a_line(
    arguments: tuple[object, ...], said: str, instance: Instance, tmp_path: Path
) -> None:
    ended = run(instance, "export", *arguments, "--out", tmp_path / "out.csv")
    assert ended.code in {1, 2}
    assert said in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_interrupted_it_says_how_to_go_on_and_does(instance: Instance, tmp_path: Path) -> None:
    out = tmp_path / "leads.csv"
    command = ("export", "leads", *YEAR, "--fields", "id", "--out", out, *POLL)
    with process(*command, environment=instance.environment) as started:
        started.wait_for(lambda line: "windows" in line and not line.startswith("windows 0 /"))
        started.signal(9)
        started.end()
    if not out.exists():
        assert out.with_name("leads.csv.state").exists()
        ended = invoke(*command, environment=instance.environment)
        assert ended.code == 0
    assert out.read_text().splitlines()[1:] == [str(number) for number in range(1, 901)]
    made = instance.sandbox.instance.exports._jobs.values()
    assert len([job for job in made if job.status == "Completed"]) == len(made) == 12


def test_a_file_is_imported_and_what_was_refused_is_written(instance: Instance, tmp_path: Path) -> None:
    file, rejects = tmp_path / "new.csv", tmp_path / "rejects.jsonl"
    file.write_text("email,firstName\na@example.com,A\nnonsense,B\n")
    ended = run(instance, "import", "leads", file, "--list", 1001, "--rejects", rejects)
    assert ended.code == 1
    assert "1 of 2 rows taken, 1 failed" in ended.stderr
    assert "row 1: Invalid email address" in ended.stderr
    [rejected] = [json.loads(line) for line in rejects.read_bytes().splitlines()]
    assert (rejected["kind"], rejected["index"], rejected["record"]["firstName"]) == ("failure", 1, "B")
    file.write_text("email\nb@example.com\n")
    assert run(instance, "import", "leads", file, "--quiet").code == 0
    ended = run(instance, "import", "program-members", file, "--program", 2001, "--status", "Attended")
    assert (ended.code, "1 of 1 rows taken" in ended.stderr) == (0, True)
    assert run(instance, "import", "custom-objects", "nothing_c", file).code == 1


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        ("email;firstName\na@example.com;A\n".encode("utf-16"), (), "1 of 1 rows taken"),
        ("email|firstName\ra@example.com|Zoë\r".encode("cp1252"), ("--encoding", "cp1252"), "1 of 1 rows taken"),
        (b"email\tfirstName\na@example.com\tA\n", ("--delimiter", "tab"), "1 of 1 rows taken"),
        (b"email,firstName\na@example.com,null\n", ("--null",), "1 of 1 rows taken"),
    ],
    ids=["UTF-16", "cp1252", "tab", "null"],
)
def test_files_of_any_spelling_are_imported(
    content: bytes, options: tuple[str, ...], said: str, instance: Instance, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    file.write_bytes(content)
    ended = run(instance, "import", "leads", file, *options)
    assert (ended.code, said in ended.stderr) == (0, True), ended.stderr


@pytest.mark.parametrize(
    ("content", "options", "said"),
    [
        (b"PK\x03\x04", (), "a workbook"),
        (b"", (), "is empty"),
        (b"nonsense\n", (), "no field 'nonsense'"),
        (b"Email Address\r\n", (), "the display name of 'email'"),
        (b"email,firstName\na@example.com,caf\xe9\n", (), "line 2, column 2: the bytes are not utf-8"),
        (b"email\n", ("--delimiter", "x"), "--delimiter must be one of , ; | and tab, not 'x'"),
        (b"email\n", ("--encoding", "x"), "not a text encoding of Python"),
    ],
    ids=["workbook", "empty", "unknown", "displayed", "cell", "delimiter", "encoding"],
)
def test_files_that_can_not_be_imported_are_refused_before_anything_is_sent(
    content: bytes, options: tuple[str, ...], said: str, instance: Instance, tmp_path: Path
) -> None:
    file = tmp_path / "new.csv"
    file.write_bytes(content)
    ended = run(instance, "import", "leads", file, *options)
    assert ended.code in {1, 2}
    assert said in ended.stderr
    assert sent(instance) == 0


def sent(instance: Instance) -> int:
    return instance.sandbox.stats.by_operation["POST /bulk/v1/leads.json"]


def test_a_row_that_failed_and_is_not_listed_is_told_and_is_no_success(instance: Instance, tmp_path: Path) -> None:
    instance.sandbox.faults.append(Fault("http_404", path="/bulk/v1/leads/batch/*/failures.json"))
    file, rejects = tmp_path / "new.csv", tmp_path / "rejects.jsonl"
    file.write_text("email\na@example.com\nnonsense\n")
    rejects.write_text("of another import\n")
    ended = run(instance, "import", "leads", file, "--rejects", rejects)
    assert ended.code == 1
    assert "1 of 2 rows taken, 1 failed" in ended.stderr
    assert "import 1001: 1 of rows 0 to 1 failed, but it is not known which: " in ended.stderr
    assert rejects.read_bytes() == b""


def test_rejects_that_find_no_room_are_reported_after_all_else(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("email\na@example.com\nnonsense\n")
    ended = run(instance, "import", "leads", file, "--rejects", "/dev/full")
    assert ended.code == 2
    assert "1 of 2 rows taken, 1 failed" in ended.stderr
    error, remedy = ended.stderr.splitlines()[-2:]
    assert error == "error: /dev/full: No space left on device"
    assert remedy.startswith("make room or repair the disk; the import continued")


def three_files(path: Path, bytes_a_row: int, rows: int) -> None:
    """Write an input that is sent as three files; the first one has a row that fails."""
    lines = [f"a{number}@example.com,{'x' * bytes_a_row}\n" for number in range(rows)]
    path.write_text("".join(["email,title\nnonsense,\n", *lines]))


def test_an_import_that_stops_keeps_its_rejects_and_says_what_is_open(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImportFiles.__init__, "__kwdefaults__", {"largest": 1_000})
    file, rejects = tmp_path / "new.csv", tmp_path / "rejects.jsonl"
    three_files(file, 80, 16)
    for target, said in (
        (rejects, f"the rejected rows that are known so far are in {rejects}"),
        (Path("/dev/full"), "/dev/full could not be written: No space left on device"),
    ):
        second = 1_002 + len(instance.sandbox.instance.imports._jobs)
        instance.sandbox.faults.append(Fault("1003", path=f"/bulk/v1/leads/batch/{second}.json"))
        ended = run(instance, "import", "leads", file, "--rejects", target)
        assert ended.code == 1
        assert "error: the import stopped after " in ended.stderr
        assert said in ended.stderr
        assert "sent, but not known to be taken: some of rows " in ended.stderr
    assert [json.loads(line)["index"] for line in rejects.read_bytes().splitlines()] == [0]


def test_an_import_that_is_interrupted_keeps_its_rejects(instance: Instance, tmp_path: Path) -> None:
    file, rejects = tmp_path / "new.csv", tmp_path / "rejects.jsonl"
    three_files(file, 100_000, 120)
    instance.sandbox.faults.append(Fault("slow", seconds=30.0, path="/bulk/v1/leads/batch/1002.json"))
    command = ("import", "leads", file, "--rejects", rejects, *POLL)
    with process(*command, environment=instance.environment) as started:
        started.wait_for(lambda line: line.startswith(("files 1 /", "files 2 /")))
        started.signal(2)
        ended = started.end()
    assert ended.code == 130
    assert f"the rejected rows that are known so far are in {rejects}" in ended.stderr
    assert [json.loads(line)["index"] for line in rejects.read_bytes().splitlines()] == [0]


@pytest.mark.slow
def test_quiet_costs_no_call_for_the_gauge(instance: Instance, tmp_path: Path) -> None:
    def listed() -> int:
        counted = instance.sandbox.stats.by_operation.items()
        return sum(count for operation, count in counted if operation.endswith("/export.json"))

    arguments = ("export", "leads", *YEAR, "--fields", "id", "--out")
    before = listed()
    assert run(instance, *arguments, tmp_path / "a.csv", "--quiet").code == 0
    assert listed() == before
    assert run(instance, *arguments, tmp_path / "b.csv").code == 0
    assert listed() > before


def test_stdin_is_imported_and_its_columns_renamed(instance: Instance) -> None:
    text = "Email Address;Last\nz1@example.com;Z\nz2@example.com;null\n"
    names = ("--map", "Email Address=email", "--map", "Last=lastName", "--delimiter", ";", "--null")
    ended = run(instance, "import", "leads", "-", *names, stdin=text)
    assert (ended.code, "2 of 2 rows taken" in ended.stderr) == (0, True), ended.stderr
    ended = run(instance, "import", "leads", "-", stdin='{"email": "z3@example.com"}\n')
    assert (ended.code, "1 of 1 rows taken" in ended.stderr) == (0, True), ended.stderr


def test_a_dry_run_says_what_an_import_would_cost_and_sends_nothing(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "new.jsonl"
    file.write_text('{"email": "a@example.com"}\n' * 3)
    for arguments in (("leads", file), ("program-members", file, "--program", 2001, "--status", "Attended")):
        ended = run(instance, "import", *arguments, "--dry-run", "--rejects", tmp_path / "rejects")
        assert ended.code == 0, ended.stderr
        assert ended.stdout == "rows: 3, files: 1, calls: at least 2; nothing was sent\n"
    assert sent(instance) == 0
    assert not (tmp_path / "rejects").exists()
    file.write_text('{"email": "a@example.com"}\n{"email": [1]}\n')
    ended = run(instance, "import", "leads", file, "--dry-run")
    assert (ended.code, "row 1: email: list can't be sent to Marketo" in ended.stderr) == (2, True)


@pytest.mark.parametrize("text", ["email", "=email", "Email Address="])
def test_a_name_without_its_column_is_refused(text: str, instance: Instance) -> None:
    ended = run(instance, "import", "leads", "-", "--map", text, stdin="email\n")
    assert (ended.code, "--map takes COLUMN=NAME" in ended.stderr) == (2, True)


def test_a_file_that_is_not_there_is_refused(instance: Instance) -> None:
    ended = run(instance, "import", "leads", "no-such-file")
    assert (ended.code, "no-such-file is not a file" in ended.stderr) == (2, True)


def test_an_interrupted_import_says_how_to_look_up_its_files(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("email\nlate@example.com\n")
    instance.sandbox.faults.append(Fault("slow", seconds=30.0, path="/bulk/v1/leads/batch/*.json"))
    with process("import", "leads", file, *POLL, environment=instance.environment) as running:
        line = running.wait_for(lambda line: "(import " in line)
        running.signal(signal.SIGINT)
        ended = running.end()
    batch_id = line.partition("(import ")[2].partition(")")[0]
    assert ended.code == 130
    said = f"sent, and its result is not known: import {batch_id}; look it up with: marketo-async call"
    assert f"{said} bulk.leads.import_status {batch_id}\n" in ended.stderr
    instance.sandbox.faults.clear()
    found = invoke("call", "bulk.leads.import_status", batch_id, "--store", "none", environment=instance.environment)
    assert json.loads(found.stdout)["batchId"] == int(batch_id)


@pytest.mark.parametrize(
    ("form", "options", "first"),
    [
        ("jsonl", (), {"id": "1", "leadScore": "10"}),
        ("jsonl", ("--typed",), {"id": 1, "leadScore": 10}),
        ("parquet", (), {"id": 1, "leadScore": 10}),
        ("parquet", ("--no-typed",), {"id": "1", "leadScore": "10"}),
    ],
)
def test_values_have_types_on_request(
    form: str, options: tuple[str, ...], first: dict[str, object], instance: Instance, tmp_path: Path
) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    out = tmp_path / f"leads.{form}"
    ended = run(instance, "export", "leads", *YEAR, "--fields", "id,leadScore", *options, "--out", out, "--quiet")
    assert ended.code == 0, ended.stderr
    found = json.loads(out.read_bytes().splitlines()[0]) if form == "jsonl" else parquet.read_table(out).to_pylist()[0]
    assert {name: type(value) for name, value in found.items()} == {name: type(value) for name, value in first.items()}
    assert found["id"] == first["id"]


def test_text_has_no_types(instance: Instance, tmp_path: Path) -> None:
    ended = run(instance, "export", "leads", *YEAR, "--fields", "id", "--typed", "--out", tmp_path / "leads.csv")
    assert ended.code == 2
    assert "typed=True needs JSON lines or Parquet" in ended.stderr
