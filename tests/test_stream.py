"""Files as servers, proxies and networks may send them: whatever comes, the sink holds the file and nothing else."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from marketo_async import Marketo
from marketo_async.bulk.exports.jobs import download_file
from marketo_async.bulk.exports.request import Calls
from marketo_async.errors import AccessDenied, ApiError, BadResponse, DamagedFile, NotFound
from marketo_async.models.bulk import ExportJob
from tests.conftest import Client
from tests.wire import Answer, Reply, ScriptedServer, Sent, cut, grant, refused, written

FILE = b"id,name\n" + b"".join(b"%d,somebody\n" % number for number in range(2_000))
BRACES = b"{a},b\n1,2\n"


def part(start: int, content: bytes = FILE) -> Answer:
    headers = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
    return Answer(content[start:], status=206, headers=headers)


def broken_at(size: int, content: bytes = FILE) -> Reply:
    return cut(Answer(content), len(written(Answer(content))) - len(content) + size)


def told(content: bytes = FILE, size: int | None = -1) -> ExportJob:
    return ExportJob(
        export_id="e",
        status="Completed",
        file_size=len(content) if size == -1 else size,
        file_checksum=f"sha256:{sha256(content).hexdigest()}",
    )


async def fetch(marketo: Marketo, path: Path, job: ExportJob) -> bytes:
    leads = marketo.bulk.leads
    await download_file(Calls(leads, leads._sender), job, path)
    return path.read_bytes()  # noqa: ASYNC240 - a small one


def by_range(sent: Sent) -> Reply:
    """Answer the part that was asked for."""
    return part(int(sent.headers["range"].removeprefix("bytes=").removesuffix("-")))


CASES: dict[str, list[Reply]] = {
    "whole": [Answer(FILE)],
    "broken, then the rest": [broken_at(5_000), by_range],  # type: ignore[list-item]
    "broken, then all of it again": [broken_at(5_000), Answer(FILE)],
    "broken, then another part": [broken_at(5_000), part(7_000), Answer(FILE)],
    "broken, then a part without its place": [broken_at(5_000), Answer(FILE[5_000:], status=206), Answer(FILE)],
    "broken, then no such part": [broken_at(5_000), Answer(b"", status=416), Answer(FILE)],
    "broken, then an error": [broken_at(5_000), refused("608", "busy"), by_range],  # type: ignore[list-item]
    "broken, then an expired token": [broken_at(5_000), refused("602", "expired"), by_range],  # type: ignore[list-item]
    "broken, then a web page": [broken_at(5_000), Answer(b"<!DOCTYPE html><p>no"), by_range],  # type: ignore[list-item]
    "broken, then a gateway": [broken_at(5_000), Answer(b"<html>", status=502), by_range],  # type: ignore[list-item]
}


@pytest.mark.parametrize("script", CASES.values(), ids=CASES)
async def test_whatever_comes_the_file_is_whole(script: list[Reply], client: Client, tmp_path: Path) -> None:
    steps = iter(script)

    def answer(sent: Sent) -> Reply:
        step: Any = next(steps)
        found: Reply = by_range(sent) if step is by_range else step
        return found

    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.grants, server.default = [grant(), grant("another")], answer
        assert await fetch(marketo, tmp_path / "file", told()) == FILE
        assert list(steps) == []
        assert all(call.headers["accept-encoding"] == "identity" for call in server.calls)


async def test_what_is_here_already_is_not_asked_for_again(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FILE[:9_000])
    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = by_range
        assert await fetch(marketo, tmp_path / "file", told()) == FILE
        assert [call.headers["range"] for call in server.calls] == ["bytes=9000-"]
        assert await fetch(marketo, tmp_path / "file", told()) == FILE
        assert len(server.calls) == 1


async def test_a_file_of_unknown_size_is_whole_when_there_is_no_more(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FILE)
    end = Answer(b"", status=416, headers={"Content-Range": f"bytes */{len(FILE)}"})
    async with ScriptedServer(end) as server, client(server.origin) as marketo:
        assert await fetch(marketo, tmp_path / "file", told(size=None)) == FILE


async def test_more_than_there_should_be_starts_over(client: Client, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(FILE + b"more")
    async with ScriptedServer(Answer(FILE)) as server, client(server.origin) as marketo:
        assert await fetch(marketo, tmp_path / "file", told()) == FILE


async def test_a_connection_that_just_ends_is_no_end(client: Client, tmp_path: Path) -> None:
    """Without a length, a proxy that gives up looks like the end of the file."""
    headers = b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nConnection: close\r\n\r\n"
    script = iter([headers + FILE[:4_000]])

    def answer(sent: Sent) -> Reply:
        return next(script, None) or by_range(sent)

    async with ScriptedServer() as server, client(server.origin) as marketo:
        server.default = answer
        assert await fetch(marketo, tmp_path / "file", told()) == FILE
        assert len(server.calls) == 2


@pytest.mark.parametrize("content", [BRACES, b"", b"<a>\n1\n", b"{" + b"x" * 100_000 + b"\n1\n"])
async def test_a_file_that_looks_like_something_else_is_a_file(content: bytes, client: Client, tmp_path: Path) -> None:
    async with ScriptedServer(Answer(content)) as server, client(server.origin) as marketo:
        assert await fetch(marketo, tmp_path / "file", told(content, None)) == content


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Answer(b"File not found", status=404, headers={"Content-Type": "text/plain"}), NotFound),
        (refused("603", "Access denied"), AccessDenied),
        (Answer(b"<!DOCTYPE html><p>no"), BadResponse),
        (Answer(b"", status=302), BadResponse),
        (Answer(b"", status=416), ApiError),
        (Answer(FILE[:-5] + b"xxxx\n"), DamagedFile),
        (Answer(FILE + b"more"), DamagedFile),
    ],
)
async def test_what_is_no_file_is_its_error_and_leaves_none(
    answer: Answer, kind: type[Exception], client: Client, tmp_path: Path
) -> None:
    async with ScriptedServer(answer) as server, client(server.origin) as marketo:
        with pytest.raises(kind):
            await fetch(marketo, tmp_path / "file", told())
    assert not (tmp_path / "file").exists() or (tmp_path / "file").read_bytes() == b""


async def test_cancelling_the_caller_hangs_up_and_keeps_the_slot_of_what_marketo_works_on(
    client: Client, tmp_path: Path
) -> None:
    async def stall(_: Sent, writer: asyncio.StreamWriter) -> None:
        writer.write(written(Answer(FILE))[:5_000])
        await writer.drain()

    async with ScriptedServer(stall) as server, client(server.origin) as marketo:
        running = asyncio.ensure_future(fetch(marketo, tmp_path / "file", told()))
        await server.arrivals(1)
        assert marketo.governor.snapshot().in_flight == 1
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        while marketo.session._under_way:  # noqa: ASYNC110 - gives way until the exchange has ended
            await asyncio.sleep(0)
        assert marketo.governor.snapshot().in_flight == 1  # until Marketo has certainly ended it
