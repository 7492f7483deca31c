"""``tail``: its lines, its file, and what a kill, a moved file, Ctrl-C or a closed pipe make of them."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from marketo_async.changes import Change, ChangeEvent, Gap, LeadChanged, LeadCreated, LeadDeleted
from marketo_async.changes.store import FeedStore
from marketo_async.cli.event_lines import LineFormat, encoder, text_of
from marketo_async.cli.relative_time import duration, moment_or_ago
from marketo_async.errors import InvalidRequest
from marketo_async.sandbox import Quirks, Traffic

from .commands import clean, invoke, process
from .instances import Instance, records, running

ALONE = ("--store", "none")
LONG_AGO = ("--since", "5d")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
COMMON = (NOW, NOW, False, "100-SBX-001")


def guids_of(lines: bytes) -> list[str]:
    return [str(record["guid"]) for record in records(lines)]


def on_the_instance(instance: Instance) -> list[str]:
    return sorted(activity.marketo_guid for activity in instance.sandbox.instance.activities)


@pytest.mark.parametrize(
    ("text", "seconds"), [("30s", 30), ("10m", 600), (" 2h ", 7200), ("7d", 604_800), ("1w", 604_800), ("0m", 0)]
)
def test_a_duration_counts_back_from_now(text: str, seconds: float) -> None:
    assert duration("--lag", text) == timedelta(seconds=seconds)
    assert moment_or_ago("--since", text, now=NOW) == NOW - timedelta(seconds=seconds)


def test_a_moment_may_be_a_date_too() -> None:
    assert moment_or_ago("--since", "2026-02-28", now=NOW) == datetime(2026, 2, 28, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "10", "m", "10 minutes", "-5m", "1.5h", "10M", "tomorrow", "9999999w"])
def test_other_texts_are_refused_with_the_option(text: str) -> None:
    with pytest.raises(InvalidRequest, match="--since takes how long ago, such as 10m"):
        moment_or_ago("--since", text, now=NOW)
    if text != "9999999w":
        with pytest.raises(InvalidRequest, match="--lag takes a duration such as 30s"):
            duration("--lag", text)


def test_a_text_line_is_one_line_without_control_characters() -> None:
    changes = {"title": Change(None, "A\x1b[31m\nB"), "city": Change("Łódź", "x" * 400)}
    event = LeadChanged("g", 7, *COMMON, changes=changes, attributes={})
    line = text_of(event)
    assert line.startswith("2026-03-01 12:00:00Z  lead 7        changed              title: - → A")
    assert r"A\x1b[31m\nB, city: Łódź → xx" in line
    assert line.endswith("...")
    assert "\x1b" not in line
    assert text_of(event, coloured=True).count("\x1b[") == 2
    assert encoder(LineFormat.TEXT, charset="ascii")([event]).isascii()
    late = LeadDeleted("g", 7, NOW, NOW, True, "100-SBX-001", name="Ada")  # noqa: FBT003 - as it is declared
    assert text_of(late).endswith("deleted              Ada (late)")
    gap = Gap(lane="deleted leads", since=NOW, until=NOW, reason="14 days", seen_at=NOW, instance="100-SBX-001")
    assert "gap                  deleted leads since 2026-03-01 12:00:00Z: 14 days" in text_of(gap)


def test_every_format_has_one_line_for_each_event() -> None:
    created = LeadCreated("g", 7, *COMMON, attributes={"Source": "a\nb"})
    events: list[ChangeEvent] = [created, LeadDeleted("h", 8, *COMMON)]
    for one in LineFormat:
        assert "Łódź".encode() in encoder(one)([replace(created, attributes={"city": "Łódź"})])
        assert encoder(one)(events).count(b"\n") == 2
        assert encoder(one)([]) == b""


def test_all_kinds_of_events_have_a_text() -> None:
    """Of every kind of live event, as the sandbox writes them."""
    traffic = Traffic(0)
    with running(leads=50, activities=0) as instance:
        traffic.join(instance.sandbox.instance)
        for kind in ("visit", "form", "email", "change", "create", "delete", "merge", "list", "list", "program"):
            traffic.happen(kind)
        ended = invoke("tail", "--since", "10m", "--no-follow", *ALONE, environment=instance.environment)
    assert ended.code == 0, ended.stderr
    told = " ".join(line[36:57].strip() for line in ended.stdout.splitlines())
    for what in ("Visit Webpage", "Fill Out Form", "changed", "created", "deleted", "merged", "list", "program status"):
        assert what in told
    assert "\x1b" not in ended.stdout
    assert f"{len(ended.stdout.splitlines())} events in stdout | " in ended.stderr


def test_debezium_lines_are_envelopes(instance: Instance) -> None:
    arguments = ("tail", *LONG_AGO, "--no-follow", "--format", "debezium", "--types", "12", "--quiet", *ALONE)
    ended = invoke(*arguments, environment=instance.environment)
    found = records(ended.stdout.encode())
    assert {record["op"] for record in found} == {"c"}
    assert ended.stderr == ""


def test_a_file_gets_each_event_once_and_later_runs_add_the_new_ones(instance: Instance, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    command = ("tail", *LONG_AGO, "--no-follow", "--out", out, *ALONE)
    ended = invoke(*command, environment=instance.environment)
    assert ended.code == 0, ended.stderr
    assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)
    assert f"900 events in {out} | " in ended.stderr
    instance.add_leads("new@example.com")
    ended = invoke(*command, environment=instance.environment)
    assert ended.code == 0, ended.stderr
    assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)
    assert f"901 events in {out}, 1 of them new | " in ended.stderr

    out.rename(tmp_path / "yesterday.jsonl")
    instance.add_leads("newer@example.com")
    assert invoke(*command, environment=instance.environment).code == 0
    assert len(guids_of(out.read_bytes())) == 1

    assert invoke(*command, "--start-over", environment=instance.environment).code == 0
    assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)
    assert invoke(*command, environment=instance.environment).code == 0
    assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)


def test_a_run_without_events_keeps_where_it_started(tmp_path: Path) -> None:
    """Or a later run, whose --since is another moment, would lose what happened in between."""
    out = tmp_path / "events.jsonl"
    command = ("tail", "--no-follow", "--out", out, *ALONE)
    with running(leads=10, activities=0) as instance:
        assert invoke(*command, environment=instance.environment).code == 0
        assert out.read_bytes() == b""
        instance.add_leads("meanwhile@example.com")
        ended = invoke(*command, environment=instance.environment)
    assert len(guids_of(out.read_bytes())) == 1, ended.stderr


def test_what_a_killed_run_had_not_counted_is_cut_off(instance: Instance, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    command = ("tail", *LONG_AGO, "--no-follow", "--out", out, *ALONE)
    assert invoke(*command, environment=instance.environment).code == 0
    with out.open("ab") as file:
        file.write(b'{"half of a li')
    assert invoke(*command, environment=instance.environment).code == 0
    assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)


@pytest.mark.parametrize("wrong", ["other", "short", "format", "foreign", "store"])
def test_a_file_that_does_not_fit_is_refused_and_not_changed(instance: Instance, tmp_path: Path, wrong: str) -> None:
    out = tmp_path / "events.jsonl"
    command: tuple[object, ...] = ("tail", *LONG_AGO, "--no-follow", "--out", out, *ALONE)
    if wrong == "other":
        out.write_text("mine\n")
    else:
        assert invoke(*command, environment=instance.environment).code == 0
    if wrong == "short":
        out.write_text("mine\n")
    if wrong == "format":
        command = (*command, "--format", "text")
    if wrong == "foreign":
        out.with_name("events.jsonl.checkpoint").write_text("mine")
    if wrong == "store":

        async def save() -> None:
            store = FeedStore(out.with_name("events.jsonl.checkpoint"))
            await store.open()
            await store.save("{}", [], since=0)
            await store.close()

        asyncio.run(save())
    before = out.read_bytes()
    ended = invoke(*command, environment=instance.environment)
    said = {
        "other": "exists without a checkpoint",
        "short": "but its checkpoint counts",
        "format": "--format was jsonl, is text",
        "foreign": "can't be opened as the store of a feed",
        "store": "is not a checkpoint of this command",
    }
    assert ended.code == 2
    assert said[wrong] in ended.stderr
    assert out.read_bytes() == before


def test_a_run_that_fails_before_it_reads_leaves_nothing(instance: Instance, tmp_path: Path) -> None:
    wrong = {**instance.environment, "MARKETO_CLIENT_SECRET": "wrong"}
    for more in ((), ("--start-over",)):
        ended = invoke("tail", "--out", tmp_path / "events.jsonl", *ALONE, *more, environment=wrong)
        assert ended.code == 3
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--since", "soon"), "--since takes"),
        (("--lag", "0m"), "above 0"),
        (("--types", "Nonsense"), "Nonsense"),
        (("--fields", ","), "fields is empty"),
        (("--poll", "0"), "poll"),
    ],
)
def test_wrong_arguments_end_with_code_2(instance: Instance, arguments: tuple[str, ...], said: str) -> None:
    ended = invoke("tail", *arguments, *ALONE, environment=instance.environment)
    assert ended.code == 2
    assert said in ended.stderr


def test_it_follows_until_ctrl_c_and_says_how_to_resume(instance: Instance, tmp_path: Path) -> None:
    out = tmp_path / "events.jsonl"
    command = ("tail", *LONG_AGO, "--poll", "0.5", "--types", "1,2,6,7,10,11,12,13,22", "--out", out, *ALONE)

    def lines() -> int:
        return out.read_bytes().count(b"\n") if out.exists() else 0

    with process(*command, environment=instance.environment) as started:
        while not (out.exists() and out.read_bytes().count(b"\n") == 900):
            pass
        instance.add_leads("live@example.com")
        while out.read_bytes().count(b"\n") < 901:
            pass
        started.signal(signal.SIGINT)
        ended = started.end()
    assert (ended.code, ended.stdout) == (130, "")
    interrupted, note = ended.stderr.splitlines()
    assert interrupted == "interrupted"
    # The line may be there before it is counted: the next run then cuts it off and writes it again.
    assert note[:3] in {"900", "901"}
    assert note[3:].startswith(f" events are in {out}; resume with: marketo-async tail --since 5d")
    typed = note.partition(" resume with: marketo-async ")[2].split()
    assert invoke(*typed, "--no-follow", environment=instance.environment).code == 0
    assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)


def test_a_closed_pipe_ends_it_without_a_traceback(instance: Instance) -> None:
    command = [sys.executable, "-c", "import marketo_async.cli as c; c.main()", "tail", *LONG_AGO, *ALONE]
    with subprocess.Popen(  # noqa: S603 - this interpreter
        command, env=clean(instance.environment), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        assert started.stdout.readline()
        started.stdout.close()
        assert started.stderr.read() == b""
        assert started.wait(50) == 1


@pytest.mark.parametrize("more", [{}, {"NO_COLOR": "1"}])
def test_only_a_terminal_gets_colours(instance: Instance, more: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    command = ["tail", *LONG_AGO, "--types", "12", "--no-follow", "--quiet", *ALONE]
    done = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-c", "import marketo_async.cli as c; c.main()", *command],
        env=clean({**instance.environment, **more}),
        stdout=theirs,
        stderr=subprocess.PIPE,
        check=False,
        timeout=50,
    )
    os.close(theirs)
    shown = os.read(ours, 10_000)
    os.close(ours)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (b"\x1b[32m" in shown) is (not more)


def test_the_guids_of_the_last_batch_are_counted_with_its_lines(instance: Instance, tmp_path: Path) -> None:
    """Or an event that a sweep reads again would be written twice after a kill."""
    out = tmp_path / "events.jsonl"
    command = ("tail", "--since", "20m", "--no-follow", "--out", out, *ALONE)
    assert invoke(*command, environment=instance.environment).code == 0
    assert json.loads(out.read_bytes().splitlines()[0])["guid"]

    async def known() -> set[str]:
        store = FeedStore(out.with_name("events.jsonl.checkpoint"))
        _, seen = await store.open()
        await store.close()
        return {guid for guid, _ in seen}

    assert asyncio.run(known()) == set(guids_of(out.read_bytes()))


@pytest.mark.slow
def test_killed_again_and_again_under_late_commits_it_loses_and_doubles_nothing(tmp_path: Path) -> None:
    out, rng = tmp_path / "events.jsonl", random.Random(4)
    quirks = Quirks(late_share=0.2, late_by=(0, 3))
    with running(leads=300, activities=0, traffic=Traffic(60), quirks=quirks) as instance:
        # As many lanes and polls as the limits of a fresh process allow, 100 calls in 20 s.
        pace = ("--types", "1,2,6,7,10,12,13,24,25,32,37,104", "--poll", "3", "--lag", "5s", "--sweep", "5s")
        command = ("tail", "--since", "1m", *pace, "--out", out, *ALONE)

        def written() -> int:
            return out.stat().st_size if out.exists() else 0

        for _ in range(8):
            enough = written() + rng.randrange(1, 30_000)
            with process(*command, environment=instance.environment) as started:
                until(lambda least=enough: written() >= least)  # type: ignore[misc]
                started.signal(signal.SIGKILL)
        instance.sandbox.traffic.rate = 0.0  # type: ignore[union-attr]
        with process(*command, environment=instance.environment) as started:
            until(lambda: set(guids_of(whole_lines(out))) == set(on_the_instance(instance)))
            started.signal(signal.SIGINT)
            assert started.end().code == 130
        assert sorted(guids_of(out.read_bytes())) == on_the_instance(instance)


def until(reached: Callable[[], bool]) -> None:
    """Look again and again, without keeping the instance in this process from its work; give up after a while."""
    deadline, pause = time.monotonic() + 40, threading.Event()
    while not reached() and time.monotonic() < deadline:
        pause.wait(0.02)


def whole_lines(path: Path) -> bytes:
    """Return what is written, without a line that is being written."""
    found = path.read_bytes()
    return found[: found.rfind(b"\n") + 1]
