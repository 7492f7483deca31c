"""The examples, run as a user runs them: each says that it uses a sandbox, and prints what it did."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ON_A_SANDBOX = "No MARKETO_* in the environment: this is a sandbox on this machine."


def start(name: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MARKETO_")}
    return subprocess.Popen(  # noqa: S603 - this interpreter, our own example
        [sys.executable, str(EXAMPLES / name), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


LIBRARIES = ("pandas", "polars", "DuckDB")


def output_of(name: str) -> list[str]:
    with start(name) as process:
        stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert "Traceback" not in stderr
    return stdout.splitlines()


def test_quickstart_shows_a_little_of_everything() -> None:
    lines = output_of("quickstart.py")
    assert lines[0] == ON_A_SANDBOX
    assert lines[1].startswith("lead 5: {'id': 5, 'email': 'lead5@example.com', 'firstName': ")
    assert [line.partition("'email': ")[2] for line in lines[2:4]] == ["'lead7@example.com'}", "'lead8@example.com'}"]
    assert lines[4] == "List 1001 has 1,000 members"
    assert any("Visit Webpage" in line for line in lines[5:-3])
    assert lines[-3].startswith("later activities begin at ")
    assert lines[-2].startswith("calls today, by all integrations: ")
    assert lines[-1].startswith("the governor: Snapshot(window_used=")
    assert "refusals=0" in lines[-1]


@pytest.mark.slow
def test_threads_share_one_client() -> None:
    assert output_of("threads.py") == [
        ON_A_SANDBOX,
        "32 threads found 400 leads with 400 calls; refusals: 0",
        "a page of 300 leads",
        "a page of 100 leads",
        "the sandbox refused 0 of 402 calls",
    ]


@pytest.mark.slow
def test_processes_share_one_instance_without_a_refusal() -> None:
    assert output_of("processes.py") == [
        ON_A_SANDBOX,
        "120 leads by 4 processes in 12 parts",
        "120 calls, refused: 0",
    ]


@pytest.mark.slow
def test_celery_workers_share_one_instance_without_a_refusal() -> None:
    assert output_of("celery_workers.py") == [
        "This is a sandbox, a Valkey and Celery workers on this machine.",
        "120 leads by 2 workers of 2 processes in 12 tasks",
        "120 calls, refused: 0",
    ]


def test_connector_shows_all_nine_actions() -> None:
    lines = output_of("connector.py")
    assert lines == [
        ON_A_SANDBOX,
        "6 create or update a lead: created",
        "6 several: ['updated', 'created', 'created', 'created']",
        "7 create or update, batched: set aside [] waiting 0",
        "1 add to a list: added skipped added",
        "2 add to a list, batched: ['added', 'added', 'added', 'added', 'added']",
        "3 remove from a list: removed",
        "4 remove from a list, batched: removed",
        "5 transactional e-mail: requested",
        "8 merge: ['merged']",
        lines[-1],
    ]
    assert lines[-1].startswith("9 bulk import into a list, set aside: [('connector-bad@example.com', 'skipped: ")


def test_bulk_exports_half_a_year_and_reports_the_row_that_was_refused() -> None:
    lines = output_of("bulk.py")
    assert lines[0] == ON_A_SANDBOX
    found = re.fullmatch(r"(\d+) leads, the last one: lead1000@example.com", lines[1])
    assert found
    assert 400 < int(found[1]) < 600
    assert lines[2].startswith(f"6 windows, {found[1]} rows, ")
    assert lines[3].startswith(f"{found[1]} rows in leads.jsonl; exported today: ")
    assert lines[4] == "99 of 100 rows taken"
    assert lines[5].startswith("row 42: Invalid email address: {'email': 'no address'")
    assert len(lines) == 6


def test_tables_give_three_libraries_the_same_figures() -> None:
    lines = output_of("tables.py")
    assert lines[0] == ON_A_SANDBOX
    assert lines[1].endswith("leads: id int64, leadScore int64, unsubscribed bool, createdAt timestamp[us, tz=UTC]")
    means = [
        re.fullmatch(rf"{name}: mean score (\d+\.\d{{3}})", line)
        for name, line in zip(LIBRARIES, lines[2:5], strict=True)
    ]
    assert len({found and found[1] for found in means}) == 1
    assert re.fullmatch(r"[1-9]\d* visits of [1-9]\d* pages", lines[5])
    assert len(lines) == 6


@pytest.mark.slow
def test_mirror_loads_a_database_updates_it_and_proves_that_it_is_right() -> None:
    assert output_of("mirror.py") == [
        ON_A_SANDBOX,
        "lead_changes 0, lead_deletions 0, leads 1,000, list_members 1,000, lists 1",
        "lead_changes 1, lead_deletions 1, leads 999, list_members 999, lists 1",
        "missing leads {'id': 3} repaired",
        "999 leads compared in every field, 1 difference (1 missing)",
        "999 members of 1 of 1 lists, 0 differences",
        "999 leads compared in every field, 0 differences",
        "999 members of 1 of 1 lists, 0 differences",
    ]


def test_service_shows_itself_and_ends() -> None:
    lines = output_of("service.py")
    assert lines[0] == ON_A_SANDBOX
    assert lines[1].startswith("listening on http://127.0.0.1:")
    assert lines[2].startswith("GET /leads/lead7@example.com: 200 ")
    assert json.loads(lines[2].partition(" 200 ")[2])["email"] == "lead7@example.com"
    assert lines[3] == 'GET /leads/nobody@example.com: 404 {"error":"no such lead"}'
    assert lines[4].startswith("GET /health: 200 ")
    health = json.loads(lines[4].partition(" 200 ")[2])
    assert health["refusals"] == 0
    assert health["left_today"] + health["used_today"] == 45_000
    assert len(lines) == 5


def test_service_keeps_serving_until_it_is_interrupted() -> None:
    with start("service.py", "--serve") as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == ON_A_SANDBOX
        url = process.stdout.readline().split()[-1]
        with urlopen(f"{url}/leads/lead1@example.com") as response:  # noqa: S310 - loopback
            assert json.load(response)["id"] == 1
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert stdout == "stopped\n"
    assert "Traceback" not in stderr


def test_the_feed_is_in_sqlite_exactly_once_after_a_crash() -> None:
    lines = output_of("feed_sqlite.py")
    assert lines[0] == ON_A_SANDBOX
    found = re.fullmatch(r"gave up in the middle of a batch, with (\d+) events in the table", lines[1])
    assert found
    assert 0 < int(found[1]) < 1_000
    assert lines[2:] == ["1,001 events in the table, 1,001 on the instance"]


def test_the_feed_is_in_a_redis_stream_exactly_once_after_a_crash() -> None:
    assert output_of("feed_redis.py") == [
        "No MARKETO_* in the environment: this is a sandbox and a Valkey on this machine.",
        "gave up in the middle of a batch",
        "1,001 entries, 1,001 of them different",
        "1,001 activities on the instance",
        "the last one: op c, lead 1001",
    ]


def test_a_webhook_nudges_the_feed_and_refuses_what_is_not_marketo_s() -> None:
    lines = output_of("webhook.py")
    assert lines[:4] == [ON_A_SANDBOX, "without the secret: 401 401", "another method: 405", "too large: 413"]
    assert sorted(lines[4:]) == ["event: LeadCreated", "rung: 200 200"]


@pytest.mark.slow
def test_two_agents_have_their_own_rights_and_are_on_record() -> None:
    pytest.importorskip("mcp", reason="it comes with the mcp extra")
    lines = output_of("agents.py")
    assert any(line.startswith("campaign reads:") and "l***@example.com" in line for line in lines)
    assert any(line.startswith("campaign adds:") and '"added": 1' in line for line in lines)
    assert any(line.startswith("campaign tries another list:") and '"denied"' in line for line in lines)
    assert any(line.startswith("support tries to read a list:") and '"denied"' in line for line in lines)
    audit = [line.removeprefix("audit: ") for line in lines if line.startswith("audit: ")]
    # Another list, people of a list, and the activities that `marketo_person` leaves out for an agent without them.
    assert sum("denied by" in line for line in audit) == 3
    assert any(line.startswith("Campaign Agent asked to add 1 person to static list 1001") for line in audit)
    assert lines[-1] == "the audit is as it was written"
