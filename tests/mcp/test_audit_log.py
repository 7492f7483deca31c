"""The audit's files: one chain whatever process writes, and no record that is not there as a whole."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import resource
import stat
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from marketo_async.errors import AuditUnavailable
from marketo_async.mcp.audit import AuditLog, AuditRecord
from marketo_async.mcp.audit.query import read_records, verify_file

NOVEMBER, DECEMBER = 1_795_000_000.0, 1_797_000_000.0


class Clock:
    def __init__(self, now: float = NOVEMBER) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def log(folder: Path, **options: object) -> AuditLog:
    return AuditLog(folder, "123-ABC-456", **{"clock": Clock(), **options})  # type: ignore[arg-type]


def record(says: str = "it happened", agent: str = "a") -> AuditRecord:
    return AuditRecord(at="2026-11-18T11:06:40.000Z", kind="intent", agent=agent, says=says)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    audit = log(tmp_path)
    numbers = [audit.append(record(agent=agent)) for agent in "aba"]
    path = audit.path_at(NOVEMBER)

    assert numbers == [1, 2, 3]
    assert path.name == "2026-11.123-ABC-456.jsonl"
    assert [found.n for found in read_records(path, agent="a")] == [1, 3]
    assert list(read_records(path, since="2027")) == []
    assert verify_file(path).good


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    audit = log(tmp_path / "audit")
    audit.append(record())

    assert stat.S_IMODE((tmp_path / "audit").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "audit").iterdir()} == {0o600}


def test_a_month_continues_the_chain_of_the_one_before(tmp_path: Path) -> None:
    clock = Clock()
    audit = log(tmp_path, clock=clock)
    audit.append(record())
    clock.now = DECEMBER
    audit.append(record())
    december = audit.path_at(DECEMBER)
    again = log(tmp_path, clock=clock)
    again.append(record())

    assert verify_file(december).records == 2
    first = audit.path_at(NOVEMBER).read_bytes()
    audit.path_at(NOVEMBER).write_bytes(first.replace(b"happened", b"occurred"))
    assert verify_file(audit.path_at(NOVEMBER)).bad_line == 1
    (audit.path_at(NOVEMBER)).write_bytes(b"")
    log(tmp_path).append(record("another one"))
    assert verify_file(december).bad_line == 1


def test_two_writers_make_one_chain(tmp_path: Path) -> None:
    one, two = log(tmp_path), log(tmp_path)
    assert [writer.append(record()) for writer in (one, two, two, one, two)] == [1, 2, 3, 4, 5]
    assert verify_file(one.path_at(NOVEMBER)).records == 5
    assert one.masker.hashed("a@b.c") == two.masker.hashed(" A@b.c")


def _write_many(folder: Path, barrier: Callable[[], object]) -> None:
    audit = log(folder)
    barrier()
    for _ in range(200):
        audit.append(record())


def test_many_processes_make_one_chain(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(3)
    writers = [context.Process(target=_write_many, args=(tmp_path, barrier.wait)) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()

    assert verify_file(log(tmp_path).path_at(NOVEMBER)).records == 600


def test_a_torn_line_is_cut_off_and_recorded(tmp_path: Path) -> None:
    audit = log(tmp_path)
    audit.append(record())
    path = audit.path_at(NOVEMBER)
    path.write_bytes(path.read_bytes() + b'{"n":2,"at":"20')
    log(tmp_path).append(record("after it"))

    assert [found.says for found in read_records(path)] == [
        "it happened",
        "A torn line of 15 bytes was cut off after record 1.",
        "after it",
    ]
    assert verify_file(path).good


def test_a_torn_first_line_is_cut_off(tmp_path: Path) -> None:
    path = log(tmp_path).path_at(NOVEMBER)
    path.write_bytes(b'{"n":1')
    assert log(tmp_path).append(record()) == 2
    assert verify_file(path).good


@pytest.mark.parametrize("how", ["shorter", "removed", "replaced", "foreign"])
def test_a_damaged_file_is_not_continued(tmp_path: Path, how: str) -> None:
    audit = log(tmp_path)
    audit.append(record())
    audit.append(record())
    path = audit.path_at(NOVEMBER)
    whole = path.read_bytes()
    if how == "shorter":
        os.truncate(path, len(whole.splitlines(keepends=True)[0]))
    elif how == "foreign":
        with path.open("ab") as file:
            file.write(b"no record\n")
    else:
        path.unlink()
        if how == "replaced":
            path.write_bytes(whole)

    with pytest.raises(AuditUnavailable):
        audit.append(record())


def test_a_full_disk_leaves_no_part_of_a_record(tmp_path: Path) -> None:
    audit = log(tmp_path)
    audit.append(record())
    path = audit.path_at(NOVEMBER)
    size = path.stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1]))
    try:
        with pytest.raises(AuditUnavailable):
            audit.append(record())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)

    assert path.stat().st_size == size
    assert audit.append(record()) == 2
    assert verify_file(path).good


def test_a_folder_that_can_not_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditUnavailable, match=r"file.*needs a writable folder"):
        log(tmp_path / "file" / "audit")
    (tmp_path / "masking.key").write_bytes(b"short")
    with pytest.raises(AuditUnavailable, match="is not a key of 32 bytes"):
        log(tmp_path)


async def test_a_durable_record_is_on_the_disk_before_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fdatasync", synced.append)
    clock = Clock()
    audit = log(tmp_path, clock=clock)
    await audit.write(record(), durable=False)
    synced.clear()

    await audit.write(record(), durable=False)
    assert len(synced) == 0
    await asyncio.gather(*(audit.write(record(), durable=True) for _ in range(3)))
    assert len(synced) == 3
    clock.now += 1
    await audit.write(record(), durable=False)
    assert len(synced) == 4
    await log(tmp_path, sync_each=True, clock=clock).write(record(), durable=False)
    assert len(synced) >= 5


def test_the_anchor_shows_what_was_cut_off(tmp_path: Path) -> None:
    clock = Clock()
    anchor = tmp_path / "anchor"
    audit = log(tmp_path / "audit", clock=clock, anchor=anchor, anchor_every=3)
    for _ in range(7):
        audit.append(record())
    entries = [msgspec.json.decode(line)["n"] for line in anchor.read_bytes().splitlines()]
    assert entries == [1, 4, 7]
    clock.now += 61
    audit.append(record())
    audit.append(record())
    audit.close()
    audit.close()
    path = audit.path_at(NOVEMBER)
    lines = path.read_bytes().splitlines(keepends=True)

    assert verify_file(path, anchor=anchor).records == 9
    for kept in range(9):
        path.write_bytes(b"".join(lines[:kept]))
        assert verify_file(path).good
        assert verify_file(path, anchor=anchor).bad_line == kept + 1


def test_what_can_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "2026-11.x.jsonl"
    with pytest.raises(AuditUnavailable, match="can't be read"):
        verify_file(path)
    with pytest.raises(AuditUnavailable, match="can't be read"):
        list(read_records(path))
    path.write_bytes(b"{}\n")
    with pytest.raises(AuditUnavailable, match="line 1 is not a record"):
        list(read_records(path))
    (tmp_path / "anchor").write_bytes(b"x\n")
    with pytest.raises(AuditUnavailable, match="it is not an anchor"):
        verify_file(path, anchor=tmp_path / "anchor")
