"""The change feed of the blocking client: its events, its acknowledgements, its threads, and how it ends."""

from __future__ import annotations

import inspect
import signal
import threading
from pathlib import Path

import pytest

from marketo_async import client
from marketo_async.changes import Batch, ChangeEvent, Changes, Gap
from marketo_async.errors import ConfigurationError, InvalidRequest
from marketo_async.sandbox import Fault, Sandbox
from marketo_async.sync import Marketo
from marketo_async.sync.changes import BlockingBatch, BlockingChanges
from tests.sync.conftest import Start, client_of
from tests.sync.test_processes import run

LONG_AGO = "2026-01-01"


def guids(events: list[ChangeEvent]) -> list[str]:
    return sorted(event.guid for event in events if not isinstance(event, Gap))


@pytest.fixture
def events(sandbox: Sandbox) -> list[str]:
    """The GUIDs of what a feed is to find."""
    return sorted(activity.marketo_guid for activity in sandbox.instance.activities)


def test_it_takes_the_arguments_of_the_async_client() -> None:
    here, there = inspect.signature(Marketo.changes), inspect.signature(client.Marketo.changes)
    assert here.parameters == there.parameters
    assert public(Changes) - public(BlockingChanges) <= {"acknowledge", "text_after"}  # of the feed's own batches
    assert public(Batch) - public(BlockingBatch) <= {"position"}  # an attribute here


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


@pytest.mark.parametrize("of", ["batch", "feed"])
def test_each_event_comes_once_and_a_position_resumes(marketo: Marketo, events: list[str], of: str) -> None:
    found: list[ChangeEvent] = []
    position = ""
    with marketo.changes(since=LONG_AGO, follow=False) as changes:
        for batch in changes:
            found += batch.events
            if len(found) > 300:
                position = batch.position
                batch.ack()
                position = position if of == "batch" else changes.position
                break
    assert 300 < len(found) < len(events)
    with marketo.changes(position=position, follow=False) as changes:
        for batch in changes:
            assert batch.lane in {lane.name for lane in changes.snapshot().lanes}
            found += batch.events
    assert guids(found) == events


def test_leaving_the_loop_early_leaves_the_last_batch_to_the_next_feed(
    marketo: Marketo, events: list[str], tmp_path: Path
) -> None:
    store = tmp_path / "crm.feed"
    found: list[ChangeEvent] = []

    def fail_at_the_third(changes: BlockingChanges) -> None:
        for number, batch in enumerate(changes):
            found.extend(batch.events if 1 / (2 - number) else ())

    with pytest.raises(ZeroDivisionError), marketo.changes(since=LONG_AGO, store=store, follow=False) as changes:
        fail_at_the_third(changes)
    with marketo.changes(store=store, follow=False) as changes:
        for batch in changes:
            found += batch.events
    assert guids(found) == events


def test_other_threads_nudge_and_look(marketo: Marketo, sandbox: Sandbox) -> None:
    with marketo.changes(types=[12], poll=600.0) as changes:

        def create() -> None:
            while not changes.snapshot().calls_today:
                pass
            marketo.leads.sync([{"email": "nudged@example.com"}]).all()
            while changes.snapshot().unacknowledged == 0:
                changes.nudge()

        with_thread = threading.Thread(target=create)
        with_thread.start()
        batch = next(changes)
        with_thread.join()
        assert [type(event).__name__ for event in batch.events] == ["LeadCreated"]
        assert changes.snapshot().unacknowledged == 1
        batch.ack()
        assert changes.snapshot().unacknowledged == 0
        assert repr(batch) == "<Batch lead changes: 1 events>"


def test_a_batch_that_arrives_as_the_wait_is_interrupted_comes_next(
    marketo: Marketo, events: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread never saw the batch, so to ask for the next one must not acknowledge it."""
    portal, interrupted = marketo._portal, 0

    def call(method: object, *arguments: object) -> object:
        nonlocal interrupted
        answer: object = type(portal).call(portal, method, *arguments)  # type: ignore[arg-type]
        if getattr(method, "__name__", "") == "_await_next" and interrupted < 2:
            interrupted += 1
            raise KeyboardInterrupt
        return answer

    found: list[ChangeEvent] = []
    with marketo.changes(since=LONG_AGO, follow=False) as changes:
        monkeypatch.setattr(portal, "call", call)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                next(changes)
            found += next(changes).events
        for batch in changes:
            found += batch.events
    assert guids(found) == events


def test_what_ends_the_feed_is_raised_in_the_thread(start: Start) -> None:
    sandbox = start(faults=[Fault("610", path="/rest/v1/activities.json")])
    with (
        client_of(sandbox) as marketo,
        pytest.raises(Exception, match="610"),
        marketo.changes(since=LONG_AGO, types=[1]) as changes,
    ):
        next(changes)


def test_wrong_arguments_and_a_feed_or_client_that_is_not_open_are_refused(sandbox: Sandbox, marketo: Marketo) -> None:
    with pytest.raises(InvalidRequest, match="poll"):
        marketo.changes(poll=0)
    with pytest.raises(ConfigurationError, match="is not a position"), marketo.changes(position="{"):
        pytest.fail("it opened")
    for use in (next, lambda feed: feed.snapshot(), lambda feed: feed.position):
        with pytest.raises(ConfigurationError, match="the feed is not open"):
            use(marketo.changes())
    with pytest.raises(ConfigurationError, match="the client is not open"), client_of(sandbox).changes():
        pytest.fail("it opened")


def test_closing_the_client_ends_a_wait_for_the_next_batch(sandbox: Sandbox) -> None:
    marketo = client_of(sandbox).open()
    changes = marketo.changes().__enter__()

    def close() -> None:
        changes.snapshot()
        marketo.close(grace=0.0)

    closing = threading.Thread(target=close)
    closing.start()
    with pytest.raises(ConfigurationError, match=r"closed|not open"):
        for _ in changes:
            pass
    closing.join()


# A busy machine makes steps of the loop slow, which asyncio's debug mode reports; its errors stay.
PATIENT = "import logging; logging.getLogger('asyncio').setLevel(logging.ERROR)\n"
FOLLOWING = """
print("calling", flush=True)
with marketo.changes() as changes:
    try:
        for batch in changes: pass
    except KeyboardInterrupt:
        print("interrupted", changes.snapshot().unacknowledged)
marketo.close(grace=0.0)
"""


def test_an_interrupt_ends_the_wait_at_once_and_the_feed_can_be_closed(sandbox: Sandbox) -> None:
    with run(sandbox, PATIENT + FOLLOWING) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "calling\n"
        while sandbox.stats.by_operation["GET /rest/v1/activities/deletedleads.json"] == 0:
            pass
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    # A batch that arrives as the wait is interrupted waits for the next one who asks, and is not acknowledged.
    assert (process.returncode, stderr) == (0, "")
    assert stdout in {"interrupted 0\n", "interrupted 1\n"}


@pytest.mark.parametrize("store", ["None", "sys.argv[1].rpartition(':')[2] + '.feed'"])
def test_a_process_ends_although_its_feed_was_left_open(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    monkeypatch.chdir(tmp_path)
    opened = f"changes = marketo.changes(since='{LONG_AGO}', store={store}).__enter__()"
    # From 3.13 on, Python says of the file too that it was left open.
    quiet = "import warnings; warnings.simplefilter('ignore', ResourceWarning)\n"
    code = f"{PATIENT}{quiet}{opened}; print(len(next(changes).events) > 0)"
    with run(sandbox, code) as process:
        stdout, stderr = process.communicate()
    assert (process.returncode, stdout.strip(), stderr) == (0, "True", "")
