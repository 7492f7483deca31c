"""``mcp``: keys, checks of a policy, configurations of hosts, approvals, and what can't be served."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from marketo_async.mcp.agents import hash_of
from marketo_async.mcp.audit import AuditLog, AuditRecord
from marketo_async.mcp.confirm import Approvals, KeptPlan

from .commands import Ended, invoke

POLICY = """
version = 1

[agents.campaign]
title = "Campaign Agent"
access = { people = "read", lists = "write", "lists.remove" = "full" }
only = { list_id = [1001] }

[agents.reader]
access = { usage = "read" }
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(POLICY)
    return path


def test_a_key_is_printed_once_with_its_hash() -> None:
    ended = invoke("mcp", "key", "campaign")
    assert ended.code == 0
    key = ended.stdout.strip()
    assert re.fullmatch(r"mka_campaign_[A-Za-z0-9_-]{43}", key)
    assert f'keys = ["{hash_of(key)}"]' in ended.stderr
    assert key not in ended.stderr


def test_a_name_that_no_agent_can_have_gets_no_key() -> None:
    ended = invoke("mcp", "key", "Campaign Agent")
    assert ended.code == 2
    assert "is not a name of an agent" in ended.stderr


def test_a_policy_is_explained(policy: Path) -> None:
    ended = invoke("mcp", "check", policy)
    assert ended.code == 0
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("campaign: Campaign Agent, 0 keys, ")
    assert "  read: people" in lines
    assert "  full: lists.remove" in lines
    assert any(line.startswith("reader: reader, ") for line in lines)
    only = invoke("mcp", "check", policy, "--agent", "reader").stdout
    assert "campaign:" not in only


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--operation", "lists.add"], 3, "campaign: lists.add is allowed\nreader: lists.add is denied"),
        (["--agent", "campaign", "--operation", "add_leads_to_list"], 0, "campaign: lists.add is allowed"),
        (
            ["--agent", "campaign", "--operation", "lists.add", "--arguments", '{"list_id": 1001, "lead_ids": [7]}'],
            0,
            "campaign: lists.add is allowed: agents.campaign.access.lists = write",
        ),
        (
            ["--agent", "campaign", "--operation", "lists.remove", "--arguments", '{"list_id": 1001, "lead_ids": [7]}'],
            0,
            "host confirms",
        ),
        (
            ["--agent", "campaign", "--operation", "lists.add", "--arguments", '{"list_id": 7, "lead_ids": [7]}'],
            3,
            "campaign: lists.add is denied: list_id 7 is not among those of this agent",
        ),
    ],
)
def test_a_call_is_judged(policy: Path, arguments: list[str], code: int, text: str) -> None:
    ended = invoke("mcp", "check", policy, *arguments)
    assert (ended.code, text in ended.stdout) == (code, True), ended


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--agent", "pets"], "the policy has no agent 'pets'; it has campaign, reader"),
        (["--operation", "lists.adds"], "did you mean"),
        (["--operation", "lists.add", "--arguments", "{"], "--arguments is not JSON"),
        (["--operation", "lists.add", "--arguments", "[]"], "--arguments takes a JSON object"),
        (["--operation", "lists.add", "--arguments", "{}"], "list_id, lead_ids is missing"),
    ],
)
def test_a_wrong_question_is_refused(policy: Path, arguments: list[str], text: str) -> None:
    ended = invoke("mcp", "check", policy, *arguments)
    assert ended.code == 2
    assert text in ended.stderr


def test_a_broken_policy_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text("version = 1\n[agents.a]\naccess = { lists = 'writ' }")
    ended = invoke("mcp", "check", tmp_path / "policy.toml")
    assert ended.code == 2
    assert "agents.a.access.lists: 'writ' is not a level" in ended.stderr


def test_each_host_has_a_configuration() -> None:
    everything = invoke("mcp", "hosts", "--policy", "p.toml", "--agent", "a").stdout
    assert [line[2:] for line in everything.splitlines() if line.startswith("# ")] == [
        "claude", "cursor", "vscode", "codex",
    ]  # fmt: skip
    serve = ["mcp", "serve", "--policy", "p.toml", "--agent", "a"]
    assert invoke("mcp", "hosts", "claude", "--policy", "p.toml", "--agent", "a").stdout.strip() == (
        f"claude mcp add marketo -- marketo-async {' '.join(serve)}"
    )
    cursor = json.loads(invoke("mcp", "hosts", "cursor", "--policy", "p.toml", "--agent", "a").stdout)
    assert cursor == {"mcpServers": {"marketo": {"command": "marketo-async", "args": serve}}}
    codex = tomllib.loads(invoke("mcp", "hosts", "codex").stdout)
    assert codex == {"mcp_servers": {"marketo": {"command": "marketo-async", "args": ["mcp", "serve"]}}}


def test_each_host_has_a_configuration_over_http() -> None:
    url = "https://mcp.example.com/mcp"
    vscode = json.loads(invoke("mcp", "hosts", "vscode", "--url", url).stdout)
    headers = {"Authorization": "Bearer YOUR-KEY"}
    assert vscode == {"servers": {"marketo": {"type": "http", "url": url, "headers": headers}}}
    codex = tomllib.loads(invoke("mcp", "hosts", "codex", "--url", url).stdout)
    assert codex == {"mcp_servers": {"marketo": {"url": url, "http_headers": headers}}}
    assert "--transport http marketo https" in invoke("mcp", "hosts", "claude", "--url", url).stdout
    ended = invoke("mcp", "hosts", "emacs")
    assert (ended.code, "the hosts are claude, cursor, vscode, codex" in ended.stderr) == (2, True)


def kept(state: Path) -> KeptPlan:
    async def keep() -> KeptPlan:
        approvals = Approvals(state / "marketo-async" / "mcp" / "approvals.db", time.time)
        plan = await approvals.keep(
            agent="campaign", instance="i", operation="leads.delete", arguments={}, digest="d",
            question="Delete them?", state="waiting",
        )  # fmt: skip
        await approvals.close()
        return plan

    return asyncio.run(keep())


@pytest.mark.parametrize(("command", "state"), [("approve", "approved"), ("deny", "denied")])
def test_an_operator_decides(tmp_path: Path, command: str, state: str) -> None:
    environment = {"XDG_STATE_HOME": str(tmp_path)}
    plan = kept(tmp_path)
    listed = invoke("mcp", "approvals", environment=environment)
    assert plan.id in listed.stdout
    assert "Delete them?" in listed.stdout
    decided = invoke("mcp", command, plan.id, environment=environment)
    assert (decided.code, decided.stdout) == (0, f"{state}: Delete them?\n")
    again = invoke("mcp", command, plan.id, environment=environment)
    assert (again.code, "does not wait" in again.stderr) == (2, True)
    assert invoke("mcp", "approvals", environment=environment).stdout == "no plan waits\n"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--http", "8080"], "--http takes a host and a port"),
        (["--http", "127.0.0.1:99999"], "--http takes a host and a port"),
        (["--http", "0.0.0.0:8080"], "0.0.0.0 is not loopback"),
        (["--http", "0.0.0.0:8080", "--allow-host", "mcp.example.com"], "0.0.0.0 is not loopback"),
        (["--http", "0.0.0.0:8080", "--behind-proxy"], "0.0.0.0 is not loopback"),
        (["--http", "127.0.0.1:0", "--tls-cert", "c"], "--tls-cert and --tls-key need each other"),
        (["--http", "127.0.0.1:0"], "no agent of the policy has a key"),
        (["--tools", "few"], "'few' is not a choice of tools"),
        (["--agent", "pets"], "the policy has no agent 'pets'; it has local"),
        (["--policy", "POLICY"], "the policy has several agents: pass --agent campaign or reader"),
        (["--policy", "nowhere.toml"], "nowhere.toml: it can't be read"),
        ([], "MARKETO_BASE_URL"),
    ],
)
def test_what_can_t_be_served_is_refused(arguments: list[str], text: str, policy: Path, tmp_path: Path) -> None:
    pytest.importorskip("mcp", reason="it comes with the mcp extra")
    given = [str(policy) if one == "POLICY" else one for one in arguments]
    ended = invoke("mcp", "serve", *given, environment={"XDG_STATE_HOME": str(tmp_path)})
    assert ended.code == 2
    assert text in ended.stderr


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A state folder with three records, one about jane@example.com."""
    folder = tmp_path / "marketo-async" / "mcp" / "audit"
    log = AuditLog(folder, "123-ABC-456", clock=lambda: 1_700_000_000.0)
    for number, agent in enumerate(["campaign", "reader", "campaign"]):
        about = [log.masker.hashed("jane@example.com")] if number == 1 else []
        record = AuditRecord(
            at=log.now(), kind="intent", agent=agent, operation="leads.get", says=f"sentence {number}", about=about
        )
        log.append(record)
    log.close()
    return tmp_path


def audit(state: Path, *arguments: object) -> Ended:
    return invoke("mcp", "audit", *arguments, environment={"XDG_STATE_HOME": str(state)})


def test_the_audit_is_read_as_sentences(recorded: Path) -> None:
    lines = audit(recorded).stdout.splitlines()
    assert lines == [f"2023-11-14T22:13:20.000Z sentence {number}" for number in range(3)]
    (file,) = (recorded / "marketo-async" / "mcp" / "audit").glob("*.jsonl")
    assert audit(recorded, file).stdout.splitlines() == lines


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["--agent", "campaign"], [0, 2]),
        (["--about", "Jane@example.com"], [1]),
        (["--about", "joe@example.com"], []),
        (["--since", "2023-11-14T22:13:20Z"], [0, 1, 2]),
        (["--since", "2023-11-15"], []),
    ],
)
def test_the_audit_is_searched(recorded: Path, arguments: list[str], numbers: list[int]) -> None:
    assert [int(line[-1]) for line in audit(recorded, *arguments).stdout.splitlines()] == numbers


def test_the_audit_is_exported(recorded: Path) -> None:
    rows = [json.loads(line) for line in audit(recorded, "--format", "jsonl").stdout.splitlines()]
    assert [row["n"] for row in rows] == [1, 2, 3]
    table = list(csv.DictReader(audit(recorded, "--format", "csv").stdout.splitlines()))
    assert [row["says"] for row in table] == ["sentence 0", "sentence 1", "sentence 2"]


def test_a_cell_of_the_audit_is_no_formula(tmp_path: Path) -> None:
    log = AuditLog(tmp_path / "marketo-async" / "mcp" / "audit", "here")
    log.append(AuditRecord(at=log.now(), kind="intent", says="=1+1"))
    log.close()
    (row,) = csv.DictReader(audit(tmp_path, "--format", "csv").stdout.splitlines())
    assert row["says"] == "'=1+1"


def test_a_changed_record_is_found(recorded: Path) -> None:
    good = audit(recorded, "--verify")
    assert (good.code, "3 records, all as they were written" in good.stdout) == (0, True)
    (file,) = (recorded / "marketo-async" / "mcp" / "audit").glob("*.jsonl")
    file.write_bytes(file.read_bytes().replace(b"sentence 1", b"sentence 7"))
    bad = audit(recorded, "--verify")
    assert (bad.code, "line 2" in bad.stdout) == (1, True)


def test_a_policy_names_the_folder_the_key_and_the_anchor(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(
        f'{POLICY}\n[audit]\nfolder = "{tmp_path}/records"\nanchor = "{tmp_path}/anchor"\nkey = {{ env = "AUDIT_KEY" }}'
    )
    log = AuditLog(tmp_path / "records", "here", key=b"k", anchor=tmp_path / "anchor")
    for _ in range(2):
        log.append(AuditRecord(at=log.now(), kind="intent", says="x"))
    log.close()
    environment = {"AUDIT_KEY": "k", "XDG_STATE_HOME": str(tmp_path)}
    assert invoke("mcp", "audit", "--verify", "--policy", policy, environment=environment).code == 0
    wrong = {**environment, "AUDIT_KEY": "other"}
    assert invoke("mcp", "audit", "--verify", "--policy", policy, environment=wrong).code == 1
    (file,) = (tmp_path / "records").glob("*.jsonl")
    file.write_bytes(file.read_bytes().splitlines(keepends=True)[0])
    assert invoke("mcp", "audit", "--verify", "--policy", policy, environment=environment).code == 1


def test_an_address_is_not_found_without_the_key(recorded: Path) -> None:
    (recorded / "marketo-async" / "mcp" / "audit" / "masking.key").unlink()
    ended = audit(recorded, "--about", "jane@example.com")
    assert (ended.code, "masking.key is missing" in ended.stderr) == (2, True)


def printed_by(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout + done.stderr


def test_a_server_without_its_library_says_what_to_install() -> None:
    pytest.importorskip("uvicorn", reason="without the extra, another of its libraries is missed first")
    code = """if True:
        import sys
        sys.modules["mcp"] = None
        sys.argv = ["marketo-async", "mcp", "serve"]
        from marketo_async.cli import main
        try:
            main()
        except SystemExit as end:
            print(end.code)
    """
    assert printed_by(code).splitlines() == ["2", "error: the server needs mcp: pip install 'marketo-async[mcp]'"]


def test_no_other_command_imports_the_library() -> None:
    code = """if True:
        import sys
        from marketo_async.cli.app import app
        try:
            app(["mcp", "hosts"])
        except SystemExit:
            pass
        print("imported", *sorted({"mcp", "mcp_types", "starlette", "uvicorn"} & sys.modules.keys()))
    """
    assert printed_by(code).splitlines()[-1] == "imported"
