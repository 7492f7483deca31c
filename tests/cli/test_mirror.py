"""The command ``mirror``: what it loads, says, compares and repairs; its errors, and its secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from marketo_async.cli.mirroring import without_passwords

from .commands import clean, invoke, process
from .instances import Instance, running


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "dlt"))
    monkeypatch.chdir(tmp_path)
    return "duckdb:///marketo.duckdb"


def change(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as database:
        for statement in statements:
            database.execute(statement)


def test_a_mirror_is_loaded_and_rows_that_differ_are_printed(instance: Instance, target: str, tmp_path: Path) -> None:
    assert invoke("mirror", "run", target, "--tables", "leads", environment=instance.environment).code == 0
    change(tmp_path / "marketo.duckdb", "DELETE FROM leads WHERE id = 17")
    wrong = invoke("mirror", "verify", target, environment=instance.environment)
    assert wrong.code == 1
    assert json.loads(wrong.stdout) == {"table": "leads", "kind": "missing", "key": {"id": 17}}
    assert "900 leads compared in every field, 1 difference (1 missing)" in wrong.stderr


@pytest.mark.slow
def test_a_mirror_is_loaded_compared_and_repaired(instance: Instance, target: str, tmp_path: Path) -> None:
    environment = instance.environment
    assert invoke("mirror", "verify", target, environment=environment).code == 2  # nothing is there yet
    ran = invoke("mirror", "run", target, "--tables", "leads,lists,list_members", environment=environment)
    assert ran.code == 0
    assert "1,801 rows in 3 tables" in ran.stderr
    assert ran.stdout == ""
    status = json.loads(invoke("mirror", "status", target, "--json", environment=environment).stdout)
    assert status["rows"] == {"leads": 900, "list_members": 900, "lists": 1}
    right = invoke("mirror", "verify", target, environment=environment)
    assert (right.code, right.stdout) == (0, "")
    assert "900 leads compared in every field, 0 differences" in right.stderr

    change(tmp_path / "marketo.duckdb", "DELETE FROM leads WHERE id = 17", "UPDATE leads SET title = 'x' WHERE id = 20")
    wrong = invoke("mirror", "verify", target, "--full", environment=environment)
    assert wrong.code == 1
    rows = [json.loads(line) for line in wrong.stdout.splitlines()]
    assert [(row["kind"], row["key"]) for row in rows] == [("missing", {"id": 17}), ("different", {"id": 20})]
    assert rows[1]["column"] == "title"
    assert "2 differences (1 different, 1 missing)" in wrong.stderr
    repaired = invoke("mirror", "verify", target, "--full", "--repair", "--quiet", environment=environment)
    assert (repaired.code, repaired.stdout, repaired.stderr) == (0, wrong.stdout, "")
    assert invoke("mirror", "verify", target, "--full", environment=environment).code == 0


def test_status_is_a_table(instance: Instance, target: str) -> None:
    shown = invoke("mirror", "status", target, environment=instance.environment)
    assert shown.code == 0
    assert "It has nothing yet." in shown.stdout
    assert instance.calls == 0


def test_plan_shows_what_a_first_load_costs(instance: Instance, target: str, tmp_path: Path) -> None:
    shown = invoke("mirror", "plan", target, "--tables", "leads,activity_send_email", environment=instance.environment)
    assert shown.code == 0
    lines = [line.split() for line in shown.stdout.splitlines()]
    assert [line[0] for line in lines[1:]] == ["table", "(probes)", "leads", "activities", "total"]
    assert lines[3][:3] == ["leads", "ids", "900"]
    assert not (tmp_path / "marketo.duckdb").exists()


@pytest.mark.slow
def test_each_instance_of_a_file_has_a_schema_and_none_stops_another(
    instance: Instance, target: str, tmp_path: Path
) -> None:
    with ExitStack() as stack:
        other = stack.enter_context(running(leads=30, activities=0))
        described = {"first": instance.sandbox, "second": other.sandbox, "third": other.sandbox}
        lines: list[str] = []
        for name, sandbox in described.items():
            secret = sandbox.client_secret if name != "third" else "wrong"
            lines += [f"[instances.{name}]", f'base_url = "{sandbox.base_url}"', f'client_id = "{sandbox.client_id}"']
            lines += [f'client_secret = "{secret}"']
        file = tmp_path / "instances.toml"
        file.write_text("\n".join(lines))
        ran = invoke("mirror", "run", target, "--tables", "leads", "--instances", file)
        assert ran.code == 3
        assert "third: error: " in ran.stderr
        assert "first: 900 rows in 1 tables; second: 30 rows in 1 tables; third: 0 rows in 0 tables" in ran.stderr
        with duckdb.connect(str(tmp_path / "marketo.duckdb"), read_only=True) as database:
            counts = [
                database.execute(f"SELECT count(*) FROM {name}.leads").fetchone()  # noqa: S608
                for name in ("first", "second")
            ]
        assert counts == [(900,), (30,)]
        change(tmp_path / "marketo.duckdb", "DELETE FROM second.leads WHERE id = 3")
        file.write_text("\n".join(lines[:8]))
        verified = invoke("mirror", "verify", target, "--instances", file)
        assert verified.code == 1
        row = {"instance": "second", "table": "leads", "kind": "missing", "key": {"id": 3}}
        assert json.loads(verified.stdout) == row
        apart = invoke("mirror", "status", "duckdb:///{instance}.duckdb", "--json", "--instances", file)
        assert [json.loads(line)["name"] for line in apart.stdout.splitlines()] == ["first", "second"]
        refused = invoke("mirror", "run", target, "--dataset", "one", "--instances", file)
        assert refused.code == 2
        assert "--dataset would put all instances into the same tables" in refused.stderr


@pytest.mark.parametrize("command", ["run", "status", "verify"])
def test_a_password_never_shows(instance: Instance, target: str, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for address, variable in (("user:s3cr3t%21@", ""), ("user@", "s3cr3t!")):
        failed = invoke(
            "mirror",
            command,
            f"postgresql://{address}127.0.0.1:1/marketo",
            environment={**instance.environment, "MARKETO_MIRROR_PASSWORD": variable},
        )
        assert failed.code == 2
        assert "postgresql://user@127.0.0.1:1/marketo can't be used" in failed.stderr
        assert "s3cr3t" not in failed.stdout + failed.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("run postgresql://me:se:cr@et@db/marketo --follow", "run postgresql://me:***@db/marketo --follow"),
        ("run postgresql://me@db/marketo", "run postgresql://me@db/marketo"),
        ("run duckdb:///a:b.duckdb", "run duckdb:///a:b.duckdb"),
    ],
)
def test_a_command_is_repeated_without_its_password(text: str, shown: str) -> None:
    assert without_passwords(text) == shown


def test_a_target_that_is_not_one_is_refused_without_a_call(instance: Instance) -> None:
    failed = invoke("mirror", "run", "mysql://me:s3cr3t@db/marketo", environment=instance.environment)
    assert failed.code == 2
    assert "duckdb:///file.duckdb" in failed.stderr
    assert "s3cr3t" not in failed.stderr
    assert instance.calls == 0


def test_a_schema_with_the_name_of_its_database_is_refused_without_a_call(instance: Instance, target: str) -> None:
    failed = invoke("mirror", "run", target, "--dataset", "Marketo", environment=instance.environment)
    assert failed.code == 2
    assert "can't tell the schema 'Marketo' from the database 'marketo.duckdb'" in failed.stderr
    assert instance.calls == 0


@pytest.mark.parametrize("library", ["dlt", "pyarrow"])
def test_a_missing_library_is_named_with_its_extra(instance: Instance, target: str, library: str) -> None:
    program = f"import sys; sys.modules['{library}'] = None; import marketo_async.cli as c; c.main()"
    ended = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", program, "mirror", "run", target],
        env=clean(instance.environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr == f"error: the mirror needs {library}: pip install 'marketo-async[mirror]'\n"
    assert instance.calls == 0


@pytest.mark.slow
def test_a_mirror_that_follows_shows_its_lag_and_ends_with_ctrl_c(instance: Instance, target: str) -> None:
    arguments = ("mirror", "run", target, "--tables", "leads,lead_changes", "--follow", "--poll", "1")
    with process(*arguments, environment=instance.environment) as command:
        command.wait_for(lambda line: "s behind" in line and "rows 900" in line)
        (new,) = instance.add_leads("new@example.com")
        command.wait_for(lambda line: "rows 901 in 1 tables" in line)
        command.signal(2)
        ended = command.end()
    assert ended.code == 130
    assert f"continue with: marketo-async mirror run {target}" in ended.stderr
    status = json.loads(invoke("mirror", "status", target, "--json", environment=instance.environment).stdout)
    assert status["rows"]["leads"] == 901
    assert new == 901
