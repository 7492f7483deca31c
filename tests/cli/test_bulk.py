"""``export`` and ``import``: what ends up in files and on the instance, and what the exit codes say."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from .commands import Ended, invoke, process
from .instances import Instance

NOW = datetime.now(UTC)
YEAR = ("--since", (NOW - timedelta(days=370)).isoformat(), "--until", NOW.isoformat())
POLL = ("--poll", 0.1, "--store", "none")  # no more calls than a window holds


def run(instance: Instance, *arguments: object) -> Ended:
    return invoke(*arguments, *POLL, environment=instance.environment)


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_leads_are_exported_in_any_format(form: str, instance: Instance, tmp_path: Path) -> None:
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
    ("arguments", "said"),
    [
        (("leads", "--fields", "id", "--since", "2026-01-01"), "--since and --until go together"),
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
