"""A journal on a disk or in a file that fails: everybody hears of it, nothing accepted is lost, and it recovers."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from marketo_async.batcher import Batcher
from marketo_async.errors import ConfigurationError, JournalUnavailable, MarketoError
from marketo_async.writes import Result

SOON = 5.0


class Post:
    """Writes numbers, or texts, and keeps them."""

    def __init__(self) -> None:
        self.written: list[object] = []
        self.gate: asyncio.Event | None = None

    async def __call__(self, records: Sequence[object]) -> list[Result[object]]:
        if self.gate is not None:
            await self.gate.wait()
        self.written += records
        return [Result(index=index, record=record, status="created") for index, record in enumerate(records)]


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """Let no file of this process grow beyond what the journal's log has now, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def damage(path: Path, number: int, body: bytes | str) -> None:
    """Put other bytes in the place of a record's, as a failing disk would."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE records SET body = ? WHERE number = ?", (body, number))


def overwrite(path: Path) -> None:
    """Put rubbish in the place of every page but the first."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (size - 4096))


async def filled(path: Path, *records: object) -> None:
    """Leave *records* in a journal, as a process does that ends before they are sent."""

    async def refuse(_: Sequence[object]) -> list[Result[object]]:
        raise ConfigurationError("not now")

    batcher = await Batcher[object, Result[object]](refuse, journal=path).__aenter__()
    for record in records:
        await batcher.put(record)
    with pytest.raises(ConfigurationError):
        await batcher.close()


async def test_a_full_disk_is_an_error_for_each_producer_and_passes(post: Post, path: Path) -> None:
    async with asyncio.timeout(SOON), Batcher(post, journal=path) as batcher:
        await batcher.put("first")
        with full_disk(path):
            found = await asyncio.gather(*(batcher.put("x" * 9000) for _ in range(3)), return_exceptions=True)
            assert [type(error) for error in found] == [JournalUnavailable] * 3
            assert len({id(error) for error in found}) == 3, "each has one of its own"
            assert all(isinstance(error, MarketoError) and "disk" in str(error) for error in found)
            with pytest.raises(JournalUnavailable):
                await batcher.submit("x" * 9000)
        assert (batcher.waiting, batcher._callers, len(batcher._arrived)) == (1, {}, 1)
        await batcher.put("second")

    assert post.written == ["first", "second"]


async def test_results_are_returned_although_the_journal_can_not_record_them(post: Post, path: Path) -> None:
    post.gate = asyncio.Event()
    async with asyncio.timeout(SOON), Batcher(post, journal=path, retry_after=0.01) as batcher:
        own = asyncio.ensure_future(batcher.submit("first"))
        while batcher.waiting < 1:  # noqa: ASYNC110 - nothing else tells that it was accepted
            await asyncio.sleep(0)
        flushing = asyncio.ensure_future(batcher.flush())
        await asyncio.sleep(0.05)
        with full_disk(path):
            post.gate.set()
            assert (await own).status == "created"
            with pytest.raises(JournalUnavailable):
                await flushing
            with pytest.raises(JournalUnavailable):
                await batcher.flush()
        await batcher.flush()
        await batcher.put("second")

    assert post.written == ["first", "second"], "nothing is written twice because the journal failed for a moment"
    async with Batcher(post, journal=path) as batcher:
        assert batcher.waiting == 0


async def test_who_waits_for_room_hears_of_a_journal_that_fails(post: Post, path: Path) -> None:
    post.gate = asyncio.Event()
    async with asyncio.timeout(SOON), Batcher(post, journal=path, max_records=1, max_queued=1) as batcher:
        await batcher.put("first")
        late = [asyncio.ensure_future(batcher.put(number)) for number in range(3)]
        await asyncio.sleep(0.05)
        with full_disk(path):
            post.gate.set()
            found = await asyncio.gather(*late, return_exceptions=True)
        assert {type(error) for error in found} == {JournalUnavailable}
        await batcher.flush()

    assert post.written == ["first"]


DAMAGED: dict[str, bytes | str] = {
    "cut off": b'{"email": "a@exam',
    "not UTF-8": b'"\xff\xfe\xfd"',
    "empty": b"",
    "zeros": bytes(40),
    "text of no JSON": "no JSON",
    "too deep": b"[" * 100_000,
}


@pytest.mark.parametrize("body", DAMAGED.values(), ids=DAMAGED)
async def test_a_damaged_record_is_set_aside_and_the_rest_is_sent(post: Post, path: Path, body: bytes | str) -> None:
    await filled(path, *range(1, 6))
    damage(path, 2, body)
    async with asyncio.timeout(SOON), Batcher(post, journal=path, max_queued=5) as batcher:
        await batcher.flush()
        assert batcher.waiting == 0
        (found,) = await batcher.set_aside()
        await batcher.put(6)

    assert post.written == [1, 3, 4, 5, 6]
    assert found.record == (body.encode() if isinstance(body, str) else body)
    assert "damaged" in found.reason
    async with Batcher(post, journal=path) as batcher:
        assert await batcher.set_aside(forget=True) == [found], "and it can still be read by the next one"


async def test_a_file_that_is_overwritten_while_in_use_is_an_error_and_hangs_nobody(post: Post, path: Path) -> None:
    await filled(path, *("x" * 3000 for _ in range(50)))
    batcher = await Batcher(post, journal=path).__aenter__()
    batcher._queue._database.execute("PRAGMA shrink_memory")  # type: ignore[attr-defined]
    overwrite(path)
    async with asyncio.timeout(SOON):
        with pytest.raises(JournalUnavailable, match="damaged") as caught:
            await batcher.flush()
        shared = caught.value.__cause__  # the copy for this caller was made of it
        assert isinstance(shared, JournalUnavailable)
        assert isinstance(shared.__cause__, sqlite3.Error)
        with pytest.raises(JournalUnavailable):
            await batcher.close()


async def test_what_can_not_be_opened_says_why(post: Post, tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"something else, and long enough to be seen as such" * 30)
    async with Batcher(post, journal=tmp_path / "taken"):
        for name, why in (
            ("taken", "another process has it"),
            ("text", "not an SQLite file"),
            ("no/such", "directory"),
        ):
            with pytest.raises(ConfigurationError, match=why):
                await Batcher(post, journal=tmp_path / name).__aenter__()
