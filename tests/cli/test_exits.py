"""How commands end: the code, the one line on stderr, and nothing else."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketo_async import RetryPolicy
from marketo_async.cli import main
from marketo_async.cli.exits import Exit, exit_for
from marketo_async.errors import MarketoError, OutcomeUnknown
from marketo_async.sandbox import Fault

from .commands import Ended, invoke
from .instances import Instance, running

LEADS = "/rest/v1/lists/1001/leads.json"


def drained(instance: Instance, out: Path, *arguments: object) -> Ended:
    return invoke("leads", "--list", 1001, "--out", out, *arguments, environment=instance.environment)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "leads.jsonl"


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens: the port is taken, but not for connections."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def one_line(ended: Ended) -> str:
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert ended.stderr.startswith("error: ")
    return ended.stderr


def test_1_is_an_error_of_marketo(instance: Instance, out: Path) -> None:
    ended = invoke("leads", "--list", 7, "--out", out, environment=instance.environment)
    assert ended.code == Exit.REFUSED
    assert "lists.leads: 1013 " in one_line(ended)


def test_1_on_the_way_tells_how_far_it_came(instance: Instance, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/bin/marketo-async", "leads", "--list", "1001", "--start-over", "--out", "a b"])

    def spoil_the_next() -> None:
        instance.brake.release()
        instance.sandbox.faults.append(Fault("1003", path=LEADS, times=1))

    instance.brake.pages, instance.brake.at_the_last = 2, spoil_the_next
    ended = drained(instance, out)
    assert ended.code == Exit.REFUSED
    error, note = ended.stderr.splitlines()
    assert error.startswith("error: lists.leads: 1003 ")
    assert note == f"600 leads are in {out}; resume with: marketo-async leads --list 1001 --out 'a b'"


def test_2_is_an_environment_without_an_instance(out: Path) -> None:
    ended = invoke("leads", "--list", 1001, "--out", out)
    assert ended.code == Exit.USAGE
    assert "set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID" in one_line(ended)


def test_2_is_a_file_that_cannot_be_written(instance: Instance, tmp_path: Path) -> None:
    ended = drained(instance, tmp_path / "nowhere" / "leads.jsonl")
    assert ended.code == Exit.USAGE
    assert one_line(ended) == f"error: {tmp_path}/nowhere/leads.jsonl: No such file or directory\n"


def test_2_is_an_option_that_is_missing() -> None:
    assert invoke("leads", "--list", 1001).code == Exit.USAGE


def test_3_is_a_wrong_secret(instance: Instance, out: Path) -> None:
    wrong = {**instance.environment, "MARKETO_CLIENT_SECRET": "wrong"}
    ended = invoke("leads", "--list", 1001, "--out", out, environment=wrong)
    assert ended.code == Exit.DENIED
    assert "the identity endpoint refuses the credentials" in one_line(ended)
    assert list(out.parent.iterdir()) == []


def test_3_is_a_permission_that_is_missing(out: Path) -> None:
    with running(permissions=frozenset({"Read-Only Activity"})) as instance:
        ended = drained(instance, out)
    assert ended.code == Exit.DENIED
    assert "603" in one_line(ended)


def test_4_is_the_quota_and_tells_when_it_starts_anew(out: Path) -> None:
    with running(daily=3) as instance:
        ended = drained(instance, out)
    assert ended.code == Exit.QUOTA
    assert "it resets at 20" in ended.stderr
    assert "600 leads are in " in ended.stderr


def test_4_is_a_quota_that_others_have_used_up_but_for_the_reserve(instance: Instance, out: Path) -> None:
    assert drained(instance, out.with_name("other"), "--store", "none").code == 0
    calls = instance.calls
    ended = drained(instance, out, "--daily", 10, "--reserve", 6)
    assert ended.code == Exit.QUOTA
    # The one call is that which asks how many the day has seen.
    assert instance.calls == calls + 1


def test_5_is_a_network_without_an_instance(out: Path, nobody: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RetryPolicy, "delay", lambda *_: 0.0)
    environment = {"MARKETO_BASE_URL": nobody, "MARKETO_CLIENT_ID": "id", "MARKETO_CLIENT_SECRET": "secret"}
    ended = invoke("leads", "--list", 1001, "--out", out, environment=environment)
    assert ended.code == Exit.NETWORK
    assert "no answer from the identity endpoint" in one_line(ended)


@pytest.mark.parametrize("error", [MarketoError("x"), OutcomeUnknown("x", operation="leads.push")])
def test_whatever_has_no_code_of_its_own_is_1(error: MarketoError) -> None:
    assert exit_for(error) is Exit.REFUSED


def test_the_help_documents_the_codes() -> None:
    for command in ((), ("leads",), ("activities",), ("demo",), ("usage",), ("sandbox",)):
        shown = " ".join(invoke(*command, "--help").stdout.split())
        assert "Exit codes: 0 done, 1 Marketo returned an error, 2 wrong arguments" in shown
        assert "130 interrupted" in shown


def test_the_version_is_told() -> None:
    assert invoke("--version").stdout.startswith("0.")


@pytest.mark.parametrize("library", ["typer", "rich", "platformdirs"])
def test_without_the_extra_it_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in [name for name in sys.modules if name.startswith("marketo_async.cli.")]:
        monkeypatch.delitem(sys.modules, module)
        monkeypatch.delattr(module)
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.setattr(sys, "argv", ["marketo-async", "usage", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == Exit.USAGE
    assert capsys.readouterr().err == f"the command line needs {library}: pip install 'marketo-async[cli]'\n"


def test_another_missing_module_is_a_fault_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "marketo_async.cli.drains", raising=False)
    monkeypatch.setattr(sys, "argv", ["marketo-async", "leads", "--help"])
    monkeypatch.setitem(sys.modules, "marketo_async.cli.drain", None)
    with pytest.raises(ModuleNotFoundError, match=r"marketo_async\.cli\.drain"):
        main()


def test_the_entry_point_runs_the_commands(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["marketo-async", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == Exit.DONE
    assert capsys.readouterr().out.startswith("0.")
