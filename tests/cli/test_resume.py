"""Going on: interrupted, killed, or failed at any step, and what must not be gone on with.

Whatever happens on the way, the file holds every record exactly once in the end.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from marketo_async.cli.checkpoint import Checkpoint
from marketo_async.cli.output import Output

from .commands import invoke, process
from .instances import Instance, records, running

TYPES = "1,2,6,7,10,11,12,13,22"
LEADS = 12_000
ACTIVITIES = 4_500
DAY = timedelta(days=1)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out.jsonl"


@pytest.fixture
def large() -> Iterator[Instance]:
    with running(leads=LEADS, activities=ACTIVITIES) as started:
        yield started


def arguments(what: str, out: Path) -> tuple[object, ...]:
    now = datetime.now(UTC)
    if what == "filter":
        values = out.with_name("values")
        values.write_text("\n".join(map(str, range(1, LEADS + 1))))
        return ("leads", "--filter", "id", "--values-from", values, "--out", out)
    if what == "list":
        return ("leads", "--list", 1001, "--out", out)
    since = ("activities", "--since", (now - 2 * DAY).isoformat(), "--types", TYPES, "--out", out)
    return (*since, "--until", (now + DAY).isoformat()) if what == "between" else since


def expected(what: str) -> int:
    return LEADS if what in {"filter", "list"} else ACTIVITIES


def assert_whole(what: str, out: Path) -> None:
    """Assert that the file holds everything, and everything once."""
    key = "id" if what in {"filter", "list"} else "marketoGUID"
    found = [record[key] for record in records(out.read_bytes())]
    assert len(found) == len(set(found)) == expected(what)


def some_records(line: str) -> bool:
    return line[0] != "0" and " in flight " in line


@pytest.mark.parametrize(
    "what", ["list", *(pytest.param(what, marks=pytest.mark.slow) for what in ("filter", "between", "since"))]
)
def test_killed_it_goes_on_where_it_was(large: Instance, out: Path, what: str) -> None:
    command = arguments(what, out)
    # Of a filter, ten chunks are under way at once: enough pages for the first ones to be among those let through.
    large.brake.pages = 30 if what == "filter" else 7
    with process(*command, environment=large.environment) as started:
        started.wait_for(some_records)
        started.signal(signal.SIGKILL)
        assert started.end().code == -signal.SIGKILL
    large.hang_up()
    kept = Checkpoint.load(out.with_name("out.jsonl.checkpoint"))
    assert kept is not None
    assert 0 < kept.records < expected(what)
    assert kept.written <= out.stat().st_size

    calls = large.calls
    ended = invoke(*command, environment=large.environment)
    assert ended.code == 0
    assert f"{expected(what) - kept.records:,} of them new" in ended.stderr
    assert_whole(what, out)
    # Some shards are cut again to the page, so only sequential listings show how many pages were saved.
    if what in {"list", "since"}:
        openings = 1  # the usage
        assert large.calls - calls == openings + (expected(what) - kept.records) // 300


@pytest.mark.parametrize("what", ["list", "between"])
def test_an_interrupted_command_says_how_to_resume(large: Instance, out: Path, what: str) -> None:
    command = arguments(what, out)
    large.brake.pages = 7
    with process(*command, environment=large.environment) as started:
        started.wait_for(some_records)
        started.signal(signal.SIGINT)
        large.hang_up()
        ended = started.end()
    assert (ended.code, ended.stdout) == (130, "")
    interrupted, note = ended.stderr.splitlines()[-2:]
    kept = Checkpoint.load(out.with_name("out.jsonl.checkpoint"))
    assert kept is not None
    assert interrupted == "interrupted"
    assert note.startswith(f"{kept.records:,} {command[0]} are in {out}; resume with: marketo-async {command[0]} --")

    typed = note.partition(" resume with: marketo-async ")[2].split()
    assert invoke(*typed, environment=large.environment).code == 0
    assert_whole(what, out)


def interrupt() -> None:
    """Press Ctrl-C, from whatever thread."""
    main = threading.main_thread().ident
    assert main is not None
    signal.pthread_kill(main, signal.SIGINT)


@pytest.mark.parametrize("page", [1, 2, 3])
def test_interrupted_at_any_page_it_goes_on(instance: Instance, out: Path, page: int) -> None:
    command = ("leads", "--list", 1001, "--out", out)
    instance.brake.pages, instance.brake.at_the_last = page, interrupt
    stopped = invoke(*command, environment=instance.environment)
    assert stopped.code == 130
    instance.brake.release()
    assert invoke(*command, environment=instance.environment).code == 0
    assert [record["id"] for record in records(out.read_bytes())] == list(range(1, 901))


def test_killed_after_the_last_page_it_only_tidies_up(
    instance: Instance, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("leads", "--list", 1001, "--out", out)
    with monkeypatch.context() as patches:
        patches.setattr(Output, "finish", lambda _: None)
        assert invoke(*command, environment=instance.environment).code == 0
    held, calls = out.read_bytes(), instance.calls
    ended = invoke(*command, environment=instance.environment)
    assert (ended.code, out.read_bytes(), instance.calls) == (0, held, calls)
    assert ended.stderr.startswith(f"900 leads in {out} | ")
    assert list(out.parent.iterdir()) == [out]


def test_other_arguments_are_refused(large: Instance, out: Path) -> None:
    command = ("activities", "--since", "2020-01-01", "--types", "1,12", "--out", out)
    assert invoke(*command, environment=large.environment).code == 0
    held, calls = out.read_bytes(), large.calls
    other = ("activities", "--since", "2020-01-02", "--types", "1,12", "--leads", "7", "--out", out)
    refused = invoke(*other, environment=large.environment)
    assert refused.code == 2
    assert (
        f"{out}.checkpoint belongs to other arguments (--leads was not given, is 7; "
        "--since was 2020-01-01T00:00:00+00:00, is 2020-01-02T00:00:00+00:00);"
        " give the same arguments to resume, or use --start-over"
    ) in refused.stderr
    assert (out.read_bytes(), large.calls) == (held, calls)
    assert invoke(*other, "--start-over", environment=large.environment).code == 0
    assert {record["leadId"] for record in records(out.read_bytes())} <= {7}
