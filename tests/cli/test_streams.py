"""Stdout, stdin, locales, and files that are the wrong ones: what every command does with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketo_async.cli.values_file import values_of
from marketo_async.errors import InvalidRequest

from .commands import clean, invoke
from .instances import Instance, records, running

MAIN = "import marketo_async.cli as c; c.main()"
SINCE = ("--since", "2020-01-01", "--types", "1,12")
RANGE = ("--since", "2026-01-01", "--until", "2026-01-02")
ALONE = ("--store", "none")


def run(
    *arguments: object, environment: dict[str, str], locale: dict[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    """Run the command in a process of its own, whose streams and locale are real."""
    return subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", MAIN, *map(str, arguments)],
        env=clean({**environment, **(locale or {})}),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=50,
    )


def test_a_dash_is_stdout_and_nothing_else_is_in_it(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, quiet in ((("leads", "--list", 1001, "--fields", "id"), ("--quiet",)), (("activities", *SINCE), ())):
        ended = invoke(*arguments, "--out", "-", *ALONE, *quiet, environment=instance.environment)
        assert ended.code == 0, ended.stderr
        assert len(records(ended.stdout.encode())) > 300
        assert ended.stderr == "" if quiet else "in stdout | " in ended.stderr
        assert "run the same command again" not in ended.stderr
    lists = ("--static-list", 1001, "--fields", "id", "--poll", 0.1, *ALONE)
    for form, first in (("csv", "id\n1\n2\n"), ("jsonl", '{"id":"1"}\n')):
        named = () if form == "csv" else ("--format", form)
        ended = invoke("export", "leads", *lists, *named, "--out", "-", environment=instance.environment)
        assert ended.code == 0, ended.stderr
        assert ended.stdout.startswith(first)
        assert "900 rows, " in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_stdout_has_data_alone_in_a_process_of_its_own(instance: Instance) -> None:
    ended = run("leads", "--list", 1001, "--fields", "id", "--out", "-", *ALONE, environment=instance.environment)
    assert (ended.returncode, len(records(ended.stdout))) == (0, 900)


def test_rejects_go_to_stdout_too(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "new.csv"
    file.write_text("email\nnonsense\n")
    command = ("import", "leads", file, "--rejects", "-", "--poll", 0.1, *ALONE)
    ended = invoke(*command, environment=instance.environment)
    assert ended.code == 1
    assert [record["index"] for record in records(ended.stdout.encode())] == [0]


def test_stdout_that_is_closed_early_ends_the_command_without_a_traceback(instance: Instance) -> None:
    arguments = ["leads", "--list", "1001", "--out", "-", "--quiet", *ALONE]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-c", MAIN, *arguments],
        env=clean(instance.environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        started.stdout.close()
        assert started.stderr.read() == b""
        assert started.wait(50) == 1


def test_what_is_left_undone_for_stdout_says_no_way_to_go_on(tmp_path: Path) -> None:
    with running(daily=3) as instance:
        ended = invoke("leads", "--list", 1001, "--out", "-", "--quiet", *ALONE, environment=instance.environment)
    assert ended.code == 4
    assert "resume with" not in ended.stderr
    assert len(records(ended.stdout.encode())) == 600


LOCALES: list[dict[str, str]] = [
    {"PYTHONIOENCODING": "ascii"},
    {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "60"},
]
ODD = "Jürgen 🦊"


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("locale", LOCALES, ids=["streams", "everything"])
def test_no_command_fails_for_a_locale_without_letters(
    locale: dict[str, str], instance: Instance, tmp_path: Path
) -> None:
    file = tmp_path / "é.csv"
    file.write_text(f"email,firstName\nnonsense,{ODD}\n", encoding="utf-8")
    values = tmp_path / "ü.txt"
    values.write_text(f"{ODD}\n", encoding="utf-8")
    commands: list[tuple[tuple[object, ...], set[int]]] = [
        (("leads", "--help"), {0}),
        (("operations",), {0}),
        (("operations", ODD), {0}),
        (("usage", *ALONE), {0}),
        (("demo", "--leads", 10, "--activities", 10, "--latency", 0), {0}),
        (("leads", "--filter", "email", "--values-from", values, "--out", tmp_path / "ö.jsonl", *ALONE), {0}),
        (("leads", "--filter", "email", "--value", ODD, "--out", "-", *ALONE), {0, 2}),
        (("leads", "--filter", ODD, "--value", "x", "--out", "-", *ALONE), {1, 2}),
        (("activities", "--since", ODD, "--types", 1, "--out", "-", *ALONE), {2}),
        (("export", "leads", "--static-list", ODD, "--fields", "id", "--out", "-", *ALONE), {1, 2}),
        (("import", "leads", file, "--rejects", tmp_path / "à.jsonl", "--poll", 0.1, *ALONE), {1}),
        (("import", "program-members", file, "--program", 2001, "--status", ODD, "--poll", 0.1, *ALONE), {1, 2}),
        (("import", "custom-objects", ODD, file, *ALONE), {1, 2}),
    ]
    for arguments, codes in commands:
        ended = run(*arguments, environment=instance.environment, locale=locale)
        assert b"Traceback" not in ended.stderr, (arguments, ended.stderr)
        assert ended.returncode in codes, (arguments, ended.stderr)
        if ended.returncode == 2:
            assert ended.stderr.startswith(b"error: "), (arguments, ended.stderr)
    assert json.loads((tmp_path / "à.jsonl").read_bytes())["record"]["firstName"] == ODD


VALUES: list[tuple[str, list[str]]] = [
    ("a\nb\r\nc\rd", ["a", "b", "c", "d"]),
    (' a \n\n  \n"Acme, Inc."\nAcme, Inc.\n', ["a", "Acme, Inc.", "Acme, Inc."]),
    ('" a "\n"x ""y"" z"\n  "b"\t\n', [" a ", 'x "y" z', "b"]),
    ('"two\r\nlines"\nc', ["two\r\nlines", "c"]),
    ('5" pipe\n', ['5" pipe']),
    ('""\n', [""]),
    ("", []),
]


@pytest.mark.parametrize(("text", "values"), VALUES)
def test_values_are_lines_or_quoted(text: str, values: list[str]) -> None:
    assert values_of(text) == values


@settings(deadline=None)
@given(st.lists(st.text(st.sampled_from('a",\r\n é\t'), max_size=6)), st.sampled_from(["\n", "\r\n", "\r"]))
def test_every_value_can_be_quoted(values: list[str], end: str) -> None:
    assert values_of(end.join('"' + value.replace('"', '""') + '"' for value in values)) == values


@pytest.mark.parametrize("text", ['a\nb\r\n"c" d\n', 'a\nb\n"c', 'a\nb\n"c","d"\n', 'a\n"x\n"\n"c"d"\n'])
def test_a_line_that_is_not_one_quoted_value_is_refused(text: str) -> None:
    line = 4 if "x" in text else 3
    with pytest.raises(InvalidRequest, match=rf'--values-from, line {line}: "c.* is not one quoted value'):
        values_of(text)


def test_an_argument_that_is_not_text_is_refused_in_a_line(instance: Instance) -> None:
    command = ("leads", "--filter", "email", "--value", os.fsdecode(b"caf\xe9"), "--out", "-", *ALONE)
    ended = invoke(*command, environment=instance.environment)
    assert (ended.code, instance.calls) == (2, 0)
    assert ended.stderr == (
        "error: '\\udce9' can't be written as utf-8; run with LC_ALL=C.UTF-8 or PYTHONUTF8=1,"
        " and pass names and values in UTF-8\n"
    )


def test_quoted_values_are_looked_for_as_they_are_meant(instance: Instance, tmp_path: Path) -> None:
    values, out = tmp_path / "values", tmp_path / "out"
    values.write_text('"lead7@example.com"\r\n"lead9@example.com"\r\n')
    command = ("leads", "--filter", "email", "--values-from", values, "--out", out)
    assert invoke(*command, environment=instance.environment).code == 0
    assert len(records(out.read_bytes())) == 2


def linked(path: Path, how: str) -> Path:
    """Return another name of a file."""
    other = path.with_name("other")
    if how == "symlink":
        other.symlink_to(path)
    elif how == "hard link":
        os.link(path, other)
    return path if how == "itself" else other


@pytest.mark.parametrize("how", ["itself", "symlink", "hard link"])
def test_a_file_that_is_read_is_not_written(how: str, instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "in"
    file.write_text("email\na@example.com\n")
    before = instance.calls
    ended = invoke("import", "leads", file, "--rejects", linked(file, how), *ALONE, environment=instance.environment)
    assert (ended.code, instance.calls) == (2, before)
    assert "is the file to import; name another file" in ended.stderr
    for option in ((), ("--start-over",)):
        out = linked(file, how) if not file.with_name("other").exists() else file.with_name("other")
        command = ("leads", "--filter", "email", "--values-from", file, "--out", out, *option, *ALONE)
        ended = invoke(*command, environment=instance.environment)
        assert (ended.code, instance.calls) == (2, before)
        assert "is the file of --values-from; name another file" in ended.stderr
    assert file.read_text() == "email\na@example.com\n"


def test_the_store_is_not_written_over(instance: Instance, tmp_path: Path) -> None:
    file, store = tmp_path / "in", tmp_path / "limits.db"
    file.write_text("email\na@example.com\n")
    for command in (
        ("import", "leads", file, "--rejects", store),
        ("leads", "--list", 1001, "--out", store, "--start-over"),
        ("activities", *SINCE, "--out", store),
    ):
        ended = invoke(*command, "--store", store, environment=instance.environment)
        assert (ended.code, instance.calls, store.exists()) == (2, 0, False)
        assert "is the file of --store; name another file" in ended.stderr


def test_a_pipe_is_read_once(instance: Instance) -> None:
    command = ("import", "leads", "/dev/stdin", "--poll", 0.1, *ALONE)
    content = "email;title\ra@example.com;A\r".encode("utf-16")
    ended = run(*command, environment=instance.environment, stdin=content)
    assert (ended.returncode, b"1 of 1 rows taken" in ended.stderr) == (0, True)


@pytest.mark.parametrize("place", ["nowhere/rejects", ".", "in/rejects"])
def test_rejects_that_can_not_be_written_are_refused_before_anything_is_sent(
    place: str, instance: Instance, tmp_path: Path
) -> None:
    file = tmp_path / "in"
    file.write_text("email\na@example.com\n")
    ended = invoke("import", "leads", file, "--rejects", tmp_path / place, *ALONE, environment=instance.environment)
    assert (ended.code, instance.calls) == (2, 0)
    assert ended.stderr.startswith(f"error: {tmp_path}")


@pytest.mark.parametrize("kept", [b"", b"kept\n"])
def test_a_refused_import_leaves_the_rejects_of_another_one_alone(
    kept: bytes, instance: Instance, tmp_path: Path
) -> None:
    file, rejects = tmp_path / "in", tmp_path / "rejects"
    file.write_text("nonsense\n")
    if kept:
        rejects.write_bytes(kept)
    ended = invoke("import", "leads", file, "--rejects", rejects, *ALONE, environment=instance.environment)
    assert ended.code == 2
    assert rejects.exists() is bool(kept)
    assert not kept or rejects.read_bytes() == kept
