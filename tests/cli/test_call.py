"""``call``: every operation of the registry from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from anyio.from_thread import start_blocking_portal

from marketo_async.cli.exits import Exit
from marketo_async.cli.showing import _cell
from marketo_async.effects import Effect, effect_of
from marketo_async.schema import callees
from tests.families.test_every_operation import NOT_UNDERSTOOD
from tests.json_arguments import json_arguments
from tests.test_openapi import answer
from tests.wire import ScriptedServer, Sent

from .commands import Ended, invoke
from .instances import Instance, running
from .words import words_of

MUNCHKIN = "123-ABC-456"
NOW = datetime.now(UTC)
NAMES = sorted(callees())
# Every operation is called by the slow tests, and every eighth by the others.
SOME_FAST = [name if place % 8 == 0 else pytest.param(name, marks=pytest.mark.slow) for place, name in enumerate(NAMES)]


@pytest.fixture(scope="module")
def wide() -> Iterator[Instance]:
    """One instance for all operations, with room for their calls."""
    with running(leads=10, activities=10) as started:
        yield started


def environment(instance: Instance) -> dict[str, str]:
    sandbox = instance.sandbox
    return {
        **instance.environment,
        "MARKETO_MUNCHKIN_ID": sandbox.munchkin_id,
        "MARKETO_INGESTION_URL": sandbox.ingestion_url,
    }


def call(instance: Instance, name: str, *words: object, stdin: str | None = None) -> Ended:
    return invoke("call", name, "--store", "none", *words, environment=environment(instance), stdin=stdin)


def harmful(name: str) -> bool:
    return effect_of(callees()[name].operation) not in {Effect.READ, Effect.CHANGE}


@pytest.mark.parametrize("name", SOME_FAST)
def test_every_operation_is_called(name: str, wide: Instance, tmp_path: Path) -> None:
    """Made-up ids are not found: what counts is that the sandbox serves the call and understands what it asks."""
    found = callees()[name]
    before = dict(wide.sandbox.stats.by_operation)
    ended = call(wide, name, *(["--yes"] if harmful(name) else []), *words_of(found, json_arguments()[name], tmp_path))
    assert ended.code in {Exit.DONE, Exit.REFUSED, Exit.DENIED}, ended.stderr
    if ended.stderr.startswith("error: "):
        assert ended.stderr.split(": ")[2].split()[0] not in NOT_UNDERSTOOD, ended.stderr
    assert wide.sandbox.stats.by_operation != before, "no call was made"


@pytest.fixture(scope="module")
def heard() -> Iterator[ScriptedServer]:
    """A server that keeps the bytes that arrive, and ends every listing at once."""
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(ScriptedServer()) as server:
        server.default = answer
        yield server


def as_printed(sent: Sent, origin: str) -> bytes:
    """Write a request that arrived as the dry run writes it."""
    names = ("Content-Type", "x-app-type")
    headers = [f"{name}: {sent.headers[name.lower()]}" for name in names if name.lower() in sent.headers]
    head = "\n".join([f"{sent.method} {origin}{sent.target}", *headers]).encode()
    return head + b"\n\n" + sent.body if sent.body else head


@pytest.mark.parametrize("name", SOME_FAST)
def test_a_dry_run_prints_the_bytes_that_arrive(name: str, heard: ScriptedServer, tmp_path: Path) -> None:
    found = callees()[name]
    words = words_of(found, json_arguments()[name], tmp_path)
    given = {
        "MARKETO_BASE_URL": heard.origin,
        "MARKETO_MUNCHKIN_ID": MUNCHKIN,
        "MARKETO_INGESTION_URL": heard.origin,
        "MARKETO_CLIENT_ID": "i",
        "MARKETO_CLIENT_SECRET": "s",
    }
    heard.calls.clear()
    dry = invoke("call", name, "--store", "none", "--dry-run", *words, environment=given)
    assert (dry.code, heard.calls) == (0, []), dry.stderr
    yes = ["--yes"] if harmful(name) else []
    invoke("call", name, "--store", "none", *yes, *words, environment=given)
    sent = heard.calls if found.listed else [one for one in heard.calls if not one.path.endswith("describe.json")]
    sent = sent or heard.calls  # an operation that describes
    printed = [as_printed(one, heard.origin) for one in sent]
    if found.listed:
        assert dry.raw.startswith(printed[0])
    else:
        assert dry.raw == b"\n\n".join(printed) + b"\n"


REFUSALS: dict[str, tuple[list[str], int, str]] = {
    "no such operation": (["leads.gett", "7"], 2, "meant leads.get"),
    "nothing like it": (["xyzzy"], 2, "lists them"),
    "a missing argument": (["leads.merge"], 2, "WINNER_ID"),
    "an unknown option": (["leads.get", "7", "--colour", "red"], 2, "No such option"),
    "a number that is not one": (["leads.get", "x"], 2, "leads.get: lead_id: expected int"),
    "a choice that is not one": (["emails.get", "7", "--status", "lost"], 2, "emails.get: status: invalid enum"),
    "text that is not JSON": (["folders.get", "--folder", "7:Folder"], 2, "--folder is not JSON"),
    "lines that are not JSON": (["leads.sync", "--json", "-"], 2, "--json is not JSON"),
    "a member that it lacks": (["folders.get", "--folder", '{"id": 7, "kind": "x"}'], 2, "'kind' is not a member"),
    "no JSON at all": (["folders.get"], 2, "folder is missing"),
    "an argument twice": (["folders.get", "--folder", "{}", "--json", "JSON"], 2, "both have folder"),
    "stdin twice": (["files.create", "-", "--json", "-"], 2, "only one of the arguments can be read from stdin"),
    "a file that is not there": (["files.create", "no-such-file"], 2, "no-such-file: No such file"),
    "JSON that is not there": (["folders.get", "--json", "no-such-file"], 2, "no-such-file"),
    "a wrong object": (["programs.update", "7", "--json", "JSON"], 2, "--json must be an object with these members"),
    "a date that is not one": (["activities.since", "soon", "1"], 2, "SINCE takes how long ago"),
    "a duration that is not one": (["activities.since", "2d", "1", "--lag", "soon"], 2, "--lag takes a duration"),
    "a comma in a value": (["leads.by_filter", "email", "a,b"], 2, "splits values at commas"),
    "types that only the instance knows": (["activities.since", "2d", "all", "--dry-run"], 2, "give types by id"),
    "no terminal to ask": (["leads.delete", "7"], 2, "leads.delete deletes, removes, merges or discards; pass --yes"),
    "publishing": (["emails.approve", "7"], 2, "pass --yes"),
    "reaching people": (["campaigns.request", "7", "1"], 2, "pass --yes"),
    "administering": (
        ["users.remove_roles", "u", "--roles", '[{"accessRoleId": 1, "workspaceId": 0}]'],
        2,
        "pass --yes",
    ),
    "an error of Marketo": (["lists.leads", "7"], 1, "lists.leads: 1013"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_wrong_call_is_refused_with_its_reason(case: str, wide: Instance, tmp_path: Path) -> None:
    words, code, text = REFUSALS[case]
    (tmp_path / "JSON").write_text('{"id": 7}')
    before = wide.calls
    ended = call(wide, *[str(tmp_path / "JSON") if word == "JSON" else word for word in words], stdin="{]\n")
    plain = " ".join(ended.stderr.replace("│", " ").split())
    assert (ended.code, ended.stdout) == (code, "")
    assert text in plain
    assert (wide.calls > before) == (code == 1)


def lines(ended: Ended) -> list[Any]:
    assert ended.code == 0, ended.stderr
    return [msgspec.json.decode(line) for line in ended.stdout.splitlines()]


def test_a_listing_is_json_lines_up_to_its_limit(instance: Instance) -> None:
    every = lines(call(instance, "lists.leads", "1001", "--fields", "id", "--fields", "email"))
    few = lines(call(instance, "lists.leads", "1001", "--fields", "id", "--fields", "email", "--limit", 7))
    assert len(every) > 300
    before = instance.calls
    assert len(lines(call(instance, "lists.leads", "1001", "--limit", 300))) == 300
    assert instance.calls - before <= 2, "no page is fetched far ahead of a limit"
    assert few == every[:7]
    assert all(lead.keys() == {"id", "email"} for lead in every)


def test_a_list_repeats_its_argument_and_is_never_split(instance: Instance) -> None:
    instance.add_leads("a@example.com", "b@example.com")
    found = lines(call(instance, "leads.by_filter", "email", "a@example.com", "b@example.com", "--fields", "email"))
    assert sorted(lead["email"] for lead in found) == ["a@example.com", "b@example.com"]


def test_records_come_as_an_array_as_lines_or_as_one(instance: Instance) -> None:
    texts = ('[{"email": "c@x.io"}, {"email": "d@x.io"}]', '{"email": "c@x.io"}\n{"email": "d@x.io"}\n')
    for text in texts:
        found = lines(call(instance, "leads.sync", "--json", "-", stdin=text))
        assert [(result["index"], result["record"]["email"]) for result in found] == [(0, "c@x.io"), (1, "d@x.io")]
    (one,) = lines(call(instance, "leads.sync", "--json", "-", stdin='{"email": "c@x.io"}'))
    assert one["status"] == "updated"


def test_records_that_are_not_accepted_end_with_code_1(instance: Instance) -> None:
    ended = call(instance, "lists.add", "1001", "999999", "1")
    assert ended.code == Exit.REFUSED
    assert len(ended.stdout.splitlines()) == 2
    assert ended.stderr == "records not accepted: 1\n"


def test_an_answer_of_one_record_is_one_object_and_none_is_null(instance: Instance) -> None:
    assert lines(call(instance, "leads.get", "1", "--fields", "id")) == [{"id": 1}]
    assert lines(call(instance, "leads.get", "999999")) == [None]


def test_a_file_goes_to_stdout_as_it_is(instance: Instance) -> None:
    dates = {"createdAt": {"startAt": (NOW - timedelta(days=20)).isoformat(), "endAt": NOW.isoformat()}}
    (job,) = lines(call(instance, "bulk.leads.create", "id", "--selection", msgspec.json.encode(dates).decode()))
    lines(call(instance, "bulk.leads.enqueue", job["exportId"]))
    while lines(call(instance, "bulk.leads.status", job["exportId"]))[0]["status"] != "Completed":
        pass
    ended = call(instance, "bulk.leads.file", job["exportId"])
    assert ended.stdout.splitlines()[0] == "id"


def test_a_table_shows_a_page_and_how_to_read_more(instance: Instance) -> None:
    ended = call(instance, "lists.leads", "1001", "--fields", "email", "--output", "table")
    assert ended.code == 0
    assert ended.stderr == "the first 100 records; --limit reads more, --output json reads all\n"
    assert "email" in ended.stdout
    assert len(ended.stdout.splitlines()) > 100


def test_a_table_of_one_record_has_a_row_for_each_member(instance: Instance) -> None:
    instance.add_leads("x@x.io")
    (lead,) = lines(call(instance, "leads.by_filter", "email", "x@x.io", "--fields", "id"))
    ended = call(instance, "leads.get", str(lead["id"]), "--fields", "email", "--output", "table")
    assert ["email", "x@x.io"] in [line.split() for line in ended.stdout.splitlines()]


def test_values_can_t_control_the_terminal() -> None:
    assert _cell("a\x1b[31mb").plain == "a\\x1b[31mb"
    assert _cell({"a": [1]}).plain == '{"a":[1]}'
