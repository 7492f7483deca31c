"""Batchers: when a batch goes, what becomes of each record, back-pressure, and what a journal keeps."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketo_async import RetryPolicy
from marketo_async.batcher import Batcher
from marketo_async.errors import (
    AccessDenied,
    ConfigurationError,
    InvalidRequest,
    OutcomeUnknown,
    QuotaExceeded,
    RecordRefused,
    TransportError,
)
from marketo_async.models.records import Reason
from marketo_async.sandbox import Fault, Sandbox
from marketo_async.writes import Result
from tests.conftest import Client
from tests.wire import ScriptedServer, hang_up, ok
from tests.writes.instances import GENEROUS, client_of

Fails = Callable[[Sequence[int]], BaseException | None]


class Post:
    """Takes batches of numbers and keeps them; ``fails`` decides which it does not take, ``status`` what it says."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.times: list[float] = []
        self.fails: Fails = lambda _: None
        self.status: Callable[[int], str] = lambda _: "created"
        self.gate: asyncio.Event | None = None

    async def __call__(self, records: Sequence[int]) -> list[Result[int]]:
        self.times.append(asyncio.get_running_loop().time())
        if self.gate is not None:
            await self.gate.wait()
        if error := self.fails(records):
            raise error
        self.batches.append(list(records))
        return [self.result(number, record) for number, record in enumerate(records)]

    def result(self, number: int, record: int) -> Result[int]:
        said = self.status(record)
        why = [Reason("1006", "no such field")] if said == "skipped" else []
        return Result(index=number, record=record, status=said, reasons=why)

    @property
    def written(self) -> list[int]:
        return [number for batch in self.batches for number in batch]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.mark.looptime
async def test_a_batch_goes_when_enough_records_wait(post: Post) -> None:
    async with Batcher(post, max_records=3) as batcher:
        for number in range(7):
            await batcher.put(number)
        await asyncio.sleep(1)
        assert (post.batches, batcher.waiting) == ([[0, 1, 2], [3, 4, 5]], 1)

    assert post.batches == [[0, 1, 2], [3, 4, 5], [6]]


@pytest.mark.looptime
async def test_a_batch_goes_when_the_oldest_record_has_waited_long_enough(post: Post) -> None:
    loop = asyncio.get_running_loop()
    async with Batcher(post, max_age=1800) as batcher:
        started = loop.time()
        await batcher.put(1)
        await asyncio.sleep(1000)
        await batcher.put(2)
        await asyncio.sleep(799)
        assert post.batches == []
        await asyncio.sleep(2)
        assert post.batches == [[1, 2]]
        await asyncio.sleep(5000)
        await batcher.put(3)
        await asyncio.sleep(1801)

    assert post.batches == [[1, 2], [3]]
    assert [round(at - started) for at in post.times] == [1800, 8601]


@pytest.mark.looptime
async def test_a_record_left_over_from_a_full_batch_keeps_its_age(post: Post) -> None:
    loop = asyncio.get_running_loop()
    async with Batcher(post, max_records=2, max_age=100) as batcher:
        started = loop.time()
        await batcher.put(1)
        await asyncio.sleep(50)
        await asyncio.gather(batcher.put(2), batcher.put(3))
        await asyncio.sleep(200)

    assert [round(at - started) for at in post.times] == [50, 150]
    assert post.batches == [[1, 2], [3]]


@pytest.mark.looptime
async def test_a_batch_goes_when_it_is_large_enough_and_is_not_larger(post: Post) -> None:
    async with Batcher(post, max_bytes=10) as batcher:
        for number in (1000, 2000, 3000, 4000):
            await batcher.put(number)
        await asyncio.sleep(1)

    assert post.batches == [[1000, 2000], [3000, 4000]]


@pytest.mark.looptime
async def test_a_flush_sends_what_was_accepted_before_it_and_no_one_waits_for_more(post: Post) -> None:
    async with Batcher(post, max_records=3, width=2) as batcher:
        for number in range(2):
            await batcher.put(number)
        await batcher.flush()
        assert post.batches == [[0, 1]]
        await batcher.flush()

        post.gate = asyncio.Event()
        for number in range(2, 10):
            await batcher.put(number)
        flushed = asyncio.ensure_future(batcher.flush())
        await asyncio.sleep(1)
        await batcher.put(10)
        assert not flushed.done()
        post.gate.set()
        await flushed

    assert post.batches == [[0, 1], [2, 3, 4, 5, 6, 7], [8, 9, 10]]


@pytest.mark.looptime
async def test_a_caller_gets_the_result_of_its_own_record(post: Post) -> None:
    post.status = lambda number: "skipped" if number == 2 else "created"
    async with Batcher(post, max_records=3) as batcher:
        results = await asyncio.gather(*map(batcher.submit, range(3)))
        assert [(result.record, result.status) for result in results] == [
            (0, "created"),
            (1, "created"),
            (2, "skipped"),
        ]
        assert await batcher.set_aside() == [], "its caller knows"


@pytest.mark.looptime
async def test_put_waits_while_the_queue_is_full(post: Post) -> None:
    post.gate = asyncio.Event()
    async with Batcher(post, max_records=2, max_queued=4) as batcher:
        for number in range(4):
            await batcher.put(number)
        fifth = asyncio.ensure_future(batcher.put(4))
        sixth = asyncio.ensure_future(batcher.put(5))
        await asyncio.sleep(10)
        assert not fifth.done()
        sixth.cancel()
        post.gate.set()
        await fifth

    assert post.written == [0, 1, 2, 3, 4]


@pytest.mark.looptime
async def test_a_record_that_is_refused_is_set_aside_and_blocks_nothing(post: Post) -> None:
    def refuse_two(records: Sequence[int]) -> BaseException | None:
        return RecordRefused("it is two", index=list(records).index(2)) if 2 in records else None

    post.fails = refuse_two
    post.status = lambda number: "skipped" if number == 4 else "created"
    async with Batcher(post, max_records=6) as batcher:
        waiting = asyncio.ensure_future(batcher.submit(3))
        for number in (1, 2, 4, 5, 6):
            await batcher.put(number)
        assert (await waiting).status == "created"
        await batcher.flush()
        aside = await batcher.set_aside(forget=True)

        assert [(found.record, found.reason) for found in aside] == [
            (2, "record 1: it is two"),
            (4, "skipped: 1006 no such field"),
        ]
        assert (await batcher.set_aside(), batcher.waiting) == ([], 0)
        with pytest.raises(RecordRefused, match="it is two"):
            await asyncio.gather(batcher.submit(2), batcher.flush())

    assert post.batches == [[1, 4, 5, 6, 3]]


@pytest.mark.looptime
async def test_a_flush_is_not_over_while_others_wait_for_a_refused_record_to_be_set_aside(post: Post) -> None:
    post.fails = lambda records: RecordRefused("it is two", index=list(records).index(2)) if 2 in records else None
    async with Batcher(post) as batcher:
        for number in range(4):
            await batcher.put(number)
        await batcher.flush()
        assert (post.written, batcher.waiting) == ([0, 1, 3], 0)


@pytest.mark.looptime
async def test_a_call_that_failed_is_tried_again_later_and_its_callers_know_at_once(post: Post) -> None:
    loop = asyncio.get_running_loop()
    post.fails = lambda _: TransportError("no connection") if len(post.times) < 3 else None
    async with Batcher(post, max_records=2, retry_after=60) as batcher:
        started = loop.time()
        await batcher.put(1)
        with pytest.raises(TransportError):
            await batcher.submit(2)
        assert batcher.waiting == 1
        await batcher.put(3)
        await asyncio.sleep(59)
        assert len(post.times) == 1
        await asyncio.sleep(100)

    assert [round(at - started) for at in post.times] == [0, 60, 120]
    assert post.batches == [[1, 3]]


@pytest.mark.looptime
async def test_a_spent_quota_is_waited_out_and_a_flush_says_so(post: Post) -> None:
    spent = QuotaExceeded("spent", code="607", resets_at=datetime.now(UTC) + timedelta(hours=3))
    post.fails = lambda _: spent if len(post.times) < 3 else None
    async with Batcher(post, max_records=2) as batcher:
        await batcher.put(1)
        with pytest.raises(QuotaExceeded):
            await batcher.flush()
        await batcher.put(2)
        await asyncio.sleep(10_000)
        assert len(post.times) == 1
        with pytest.raises(QuotaExceeded):
            await batcher.flush()
        await asyncio.sleep(11_000)

    assert post.batches == [[1, 2]]


@pytest.mark.looptime
async def test_a_lost_answer_is_sent_again_or_set_aside_where_that_could_do_harm(post: Post) -> None:
    post.status = lambda _: "unknown" if len(post.times) == 1 else "created"
    async with Batcher(post, retry_after=5) as batcher:
        await batcher.put(1)
        with pytest.raises(OutcomeUnknown):
            await batcher.flush()
        await batcher.flush()
        assert batcher.waiting == 0
    once = Post()
    once.status = lambda _: "unknown"
    async with Batcher(once, repeats=False) as careful:
        await careful.put(1)
        await careful.flush()
        assert [found.reason for found in await careful.set_aside()] == ["unknown"]

    assert (post.batches, once.batches) == ([[1], [1]], [[1]])


@pytest.mark.looptime
async def test_close_raises_what_can_not_be_sent_at_the_end(post: Post, caplog: pytest.LogCaptureFixture) -> None:
    post.fails = lambda _: TransportError("no connection")
    batcher = await Batcher(post, max_records=2, width=1).__aenter__()
    waiting = asyncio.ensure_future(batcher.submit(1))
    await asyncio.sleep(0)
    for number in range(2, 5):
        await batcher.put(number)
    with pytest.raises(TransportError):
        await batcher.close()
    await batcher.close()

    with pytest.raises(TransportError):
        await waiting
    assert batcher.waiting == 3
    for call in (batcher.put(5), batcher.flush(), batcher.set_aside(), batcher.__aenter__()):
        with pytest.raises(ConfigurationError):
            await call
    other = await Batcher(post).__aenter__()
    await other.put(1)
    await other.__aexit__(None, KeyError(), None)
    assert "could not send its remaining records" in caplog.text


@pytest.mark.looptime
async def test_callers_that_wait_for_room_fail_at_close_and_nothing_is_lost(post: Post) -> None:
    post.gate = asyncio.Event()
    batcher = await Batcher(post, max_records=2, max_queued=2).__aenter__()
    await batcher.put(1)
    await batcher.put(2)
    late = [asyncio.ensure_future(batcher.put(number)) for number in (3, 4)]
    await asyncio.sleep(1)
    closing = asyncio.ensure_future(batcher.close())
    await asyncio.sleep(1)
    post.gate.set()
    await closing

    assert [type(error) for error in await asyncio.gather(*late, return_exceptions=True)] == [ConfigurationError] * 2
    assert post.written == [1, 2]


@pytest.mark.looptime
async def test_callers_who_go_leave_their_records_to_be_written(post: Post) -> None:
    post.gate = asyncio.Event()
    post.status = lambda number: "skipped" if number == 1 else "created"
    async with Batcher(post, max_records=2) as batcher:
        early = asyncio.ensure_future(batcher.submit(1))
        await asyncio.sleep(0)
        early.cancel()
        late = asyncio.ensure_future(batcher.submit(2))
        await asyncio.sleep(1)
        flushing = asyncio.ensure_future(batcher.flush())
        await asyncio.sleep(0)
        late.cancel()
        flushing.cancel()
        await asyncio.sleep(0)
        post.gate.set()
        await batcher.flush()
        assert [found.record for found in await batcher.set_aside()] == [1]

    assert post.written == [1, 2]


@pytest.mark.looptime
async def test_a_refusal_of_no_record_of_the_batch_is_a_failure_like_any_other(post: Post) -> None:
    post.fails = lambda _: RecordRefused("of another", index=7) if len(post.times) == 1 else None
    async with Batcher(post) as batcher:
        await batcher.put(1)
        with pytest.raises(RecordRefused):
            await batcher.flush()
        assert batcher.waiting == 1

    assert post.written == [1]


@pytest.mark.looptime
async def test_a_sender_that_returns_too_few_results_is_an_error(post: Post) -> None:
    async def short(records: Sequence[int]) -> list[Result[int]]:
        return (await post(records))[:-1]

    batcher = await Batcher(short, retry_after=5).__aenter__()
    await batcher.put(1)
    await batcher.put(2)
    with pytest.raises(InvalidRequest, match="1 results for 2 records"):
        await batcher.flush()
    assert batcher.waiting == 1
    with pytest.raises(InvalidRequest):
        await batcher.close()


async def test_what_can_not_be_written_or_set_is_refused_at_once(post: Post) -> None:
    async with Batcher[Any, Any](post) as batcher:
        with pytest.raises(InvalidRequest, match="JSON"):
            await batcher.put(object())
    for settings in ({"max_records": 0}, {"max_age": 0}, {"max_bytes": 0}, {"width": 0}, {"max_queued": 0}):
        with pytest.raises(InvalidRequest):
            Batcher(post, **settings)  # type: ignore[arg-type]


async def test_a_journal_keeps_what_was_accepted_for_the_next_one(post: Post, tmp_path: Path) -> None:
    path = tmp_path / "numbers.journal"
    post.fails = lambda _: TransportError("no connection")
    first = await Batcher(post, journal=path).__aenter__()
    await asyncio.gather(*map(first.put, range(500)))
    await first.put(500)
    with pytest.raises(TransportError):
        await first.close()
    post.fails = lambda _: None
    post.status = lambda number: "skipped" if number == 250 else "created"
    async with Batcher(post, journal=path, max_records=300, max_queued=300) as batcher:
        assert batcher.waiting == 501
        await batcher.put(501)
        await batcher.flush()
        assert batcher.waiting == 0
    async with Batcher(post, journal=str(path)) as batcher:
        assert [(found.record, found.reason) for found in await batcher.set_aside(forget=True)] == [
            (250, "skipped: 1006 no such field")
        ]
        await batcher.put(502)
        assert await batcher.set_aside() == []

    assert post.written == [*range(503)]


async def test_a_journal_has_one_owner_and_is_one(post: Post, tmp_path: Path) -> None:
    path, other = tmp_path / "numbers.journal", tmp_path / "other.db"
    other.write_bytes(b"something else, and long enough to be seen as such" * 30)
    database = sqlite3.connect(tmp_path / "theirs.db")
    database.execute("CREATE TABLE theirs (x)")
    database.close()
    async with Batcher(post, journal=path):
        for taken in (path, other, tmp_path / "theirs.db", tmp_path / "no" / "such" / "directory"):
            with pytest.raises(ConfigurationError, match="can't be opened as a journal"):
                await Batcher(post, journal=taken).__aenter__()


async def test_a_producer_that_is_cancelled_leaves_its_record_counted(post: Post, tmp_path: Path) -> None:
    async with Batcher(post, journal=tmp_path / "j", max_queued=1000) as batcher:
        puts = [asyncio.ensure_future(batcher.put(number)) for number in range(50)]
        await asyncio.sleep(0)
        for put in puts[::2]:
            put.cancel()
        await asyncio.gather(*puts, return_exceptions=True)
        await batcher.flush()
        assert batcher.waiting == 0

    assert post.written == [*range(50)]


async def test_leads_that_come_one_by_one_are_written_in_the_fewest_calls(tmp_path: Path) -> None:
    async with (
        Sandbox(leads=0, activities=0, limits=GENEROUS, latency=(0.005, 0.004)) as sandbox,
        client_of(sandbox) as marketo,
        marketo.leads.batcher(journal=tmp_path / "leads", max_records=100) as batcher,
    ):
        own = asyncio.ensure_future(batcher.submit({"email": "own@example.com"}))
        await asyncio.sleep(0)
        for number in range(1_000):
            await batcher.put({"email": f"p{number % 900}@example.com", "firstName": str(number)})
        await batcher.put({"email": "bad@example.com", "shoeSize": 44})
        with pytest.raises(RecordRefused, match="no email"):
            await batcher.put({"firstName": "Nobody"})
        with pytest.raises(RecordRefused, match="updateOnly"):
            await batcher.submit({"email": "a@example.com", "id": 7})
        await batcher.flush()

        assert (await own).status == "created"
        assert [found.record for found in await batcher.set_aside()] == [{"email": "bad@example.com", "shoeSize": 44}]
        assert len(sandbox.instance.leads) == 901
        assert sandbox.stats.calls <= 12
        assert not any(sandbox.stats.overlaps.values())
        (last,) = sandbox.instance.leads.find("email", ["p99@example.com"])
        assert (sandbox.instance.leads.get(last) or {})["firstName"] == "999"


async def test_list_members_that_come_one_by_one_are_added_and_removed_in_batches() -> None:
    async with (
        Sandbox(leads=500, activities=0, lists={1001: []}, limits=GENEROUS) as sandbox,
        client_of(sandbox) as marketo,
    ):
        async with marketo.lists.batcher(1001) as adding:
            for number in range(1, 401):
                await adding.put(number)
        assert [result.status for result in await marketo.lists.is_member(1001, [1, 400, 401])] == [
            "memberof",
            "memberof",
            "notmemberof",
        ]
        async with marketo.lists.batcher(1001, remove=True) as removing:
            with pytest.raises(RecordRefused, match="positive"):
                await removing.put(0)
            result = asyncio.ensure_future(removing.submit(1))
            await removing.put(499)
            await asyncio.sleep(0)
            await removing.flush()
            assert (await result).status == "removed"
            assert [found.reason.partition(":")[0] for found in await removing.set_aside()] == ["skipped"]
        assert sandbox.stats.calls == 4


async def test_an_upsert_whose_answers_are_lost_is_tried_again_and_one_that_doubles_is_not(client: Client) -> None:
    retry = RetryPolicy(attempts=1)
    async with ScriptedServer(hang_up, ok({"id": 1, "status": "updated"})) as server:
        async with client(server.origin, retry=retry) as marketo, marketo.leads.batcher() as batcher:
            await batcher.put({"email": "a@x.io"})
            with pytest.raises(OutcomeUnknown):
                await batcher.flush()
            await batcher.flush()
        server.script = [hang_up]
        async with client(server.origin) as marketo, marketo.leads.batcher(action="createDuplicate") as batcher:
            await batcher.put({"email": "a@x.io"})
            await batcher.flush()
            (found,) = await batcher.set_aside()

    assert found.reason.startswith("unknown")
    assert len(server.calls) == 3


async def test_a_call_without_permission_leaves_everything_in_the_journal(tmp_path: Path) -> None:
    journal = tmp_path / "leads"
    async with Sandbox(leads=0, activities=0, limits=GENEROUS, faults=[Fault("603", times=1)]) as sandbox:
        async with client_of(sandbox) as marketo:
            with pytest.raises(AccessDenied):
                async with marketo.leads.batcher(journal=journal) as batcher:
                    await batcher.put({"email": "a@example.com"})
            async with marketo.leads.batcher(journal=journal) as batcher:
                assert batcher.waiting == 1
        assert len(sandbox.instance.leads) == 1
