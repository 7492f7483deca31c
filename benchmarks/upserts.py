"""Upserts at volume: calls spent, keys that overlap, memory while a million records stream, and the cost of encoding.

The sandbox counts overlaps. The stream goes from a fresh process to a stand-in in another process.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.report import Figure, at_most, exactly, info
from marketo_async import Governor, Limits, Marketo, operations
from marketo_async.request import build
from marketo_async.sandbox import InstanceLimits, Sandbox
from marketo_async.writes import WriteRow
from marketo_async.writes.chunks import Cutter

UPSERTS, CHUNK, TENTH = 20_000, 300, 10
STREAMED, SAMPLED_EVERY = 1_000_000, 10_000
LIFTED = Limits(calls=1_000_000, per=1.0, daily=10_000_000)


def repeated(count: int) -> Iterator[dict[str, object]]:
    """Yield upserts of which every tenth repeats a key: the one before it, one of this call, or one of calls ago."""
    for number in range(count):
        key = number
        if number % TENTH == TENTH - 1:
            tens = number // TENTH
            key = number - (1, 1 + TENTH + 1, 1 + 200 * TENTH + 2)[tens % 3]
        yield {
            "email": f"Person{key}@example.com" if number % 2 else f"person{key}@example.com",
            "firstName": str(number),
        }


async def overlaps() -> list[Figure]:
    """Write upserts with repeated keys, and compare with the sandbox's records."""
    limits = InstanceLimits(calls=1_000, per=2.0)
    async with Sandbox(leads=0, activities=0, limits=limits, latency=(0.05, 0.04), seed=3) as sandbox:
        governor = Governor(Limits(calls=1_000, per=2.0))
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret, governor=governor
        ) as marketo:
            results = [result async for result in marketo.leads.sync(repeated(UPSERTS))]
        last = {str(record["email"]).casefold(): record["firstName"] for record in repeated(UPSERTS)}
        stored = {email: sandbox.instance.leads.find("email", [email]) for email in last}
        leads = sandbox.instance.leads
        wrong = sum(
            len(ids) != 1 or (leads.get(ids[0]) or {})["firstName"] != last[email] for email, ids in stored.items()
        )
        fewest = -(-UPSERTS // CHUNK)
        return [
            exactly("keys that the sandbox saw in two calls at once", sum(sandbox.stats.overlaps.values()), 0),
            exactly("leads doubled, missing, or not as written last", wrong, 0),
            at_most(f"calls, of which {fewest} are the fewest", sandbox.stats.calls, fewest * 1.05),
            exactly("results in the order of the input", sum(r.index == n for n, r in enumerate(results)), UPSERTS),
            exactly("records that failed", sum(result.failed for result in results), 0),
        ]


def stream(count: int) -> Iterator[dict[str, object]]:
    """Yield leads as an export would."""
    for number in range(count):
        yield {
            "email": f"person{number}@example.com",
            "firstName": "Ann",
            "lastName": f"Lee {number}",
            "title": "Head of something long enough to be real",
            "leadScore": number % 100,
        }


def resident() -> int:
    """Return the memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


async def drive(origin: str) -> None:
    """Stream records from this fresh process, and print the cost."""
    governor = Governor(LIFTED)
    async with Marketo(origin, client_id="i", client_secret="s", governor=governor) as marketo:
        await marketo.leads.sync(stream(CHUNK))  # imports and one-time allocations
        before = peak = resident()
        count, started, cpu = 0, time.monotonic(), time.process_time()
        async for result in marketo.leads.sync(stream(STREAMED)):
            assert result.index == count
            assert not result.failed
            count += 1
            if count % SAMPLED_EVERY == 0:
                peak = max(peak, resident())
        spent = {"seconds": time.monotonic() - started, "cpu": time.process_time() - cpu}
        print(msgspec.json.encode({"count": count, "growth": peak - before, **spent}).decode())


async def counted(origin: str) -> dict[str, int]:
    """Return the counts of the stand-in."""
    async with aiohttp.ClientSession() as session, session.get(f"{origin}/counts") as response:
        return msgspec.json.decode(await response.read(), type=dict[str, int])


def streamed() -> list[Figure]:
    """Stream a million records from one process to another."""
    with subprocess.Popen([sys.executable, "-m", "benchmarks.standin"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            origin = server.stdout.readline().strip()
            printed = subprocess.run(  # noqa: S603 - this interpreter, this module
                [sys.executable, "-m", "benchmarks.upserts", origin], check=True, stdout=subprocess.PIPE
            ).stdout
            came = asyncio.run(counted(origin))
        finally:
            server.terminate()
    found = msgspec.json.decode(printed, type=dict[str, float])
    return [
        exactly("records streamed", int(found["count"]), STREAMED),
        exactly("records that reached the server, 300 of them to warm up", came["records"], STREAMED + CHUNK),
        at_most("memory growth while they streamed", found["growth"] / 2**20, 32, " MB"),
        info("CPU a record, all in all", f"{found['cpu'] / STREAMED * 1e6:.1f} µs"),
        info("records a second", f"{STREAMED / found['seconds']:,.0f}"),
    ]


def encoding() -> list[Figure]:
    """Compare the CPU time of encoding request bodies with msgspec's on the same bodies."""
    marketo = Marketo("123-ABC-456", client_id="i", client_secret="s")
    sync = operations()["leads.sync"]
    records: list[WriteRow] = [*stream(CHUNK * 100)]
    chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
    batches = type(marketo.leads).sync.planner(marketo.leads, records)

    def filled(chunk: list[WriteRow]) -> Cutter[WriteRow]:
        cutter: Cutter[WriteRow] = Cutter(batches)
        for index, record in enumerate(chunk):
            cutter.add(index, record)
        return cutter

    def ours() -> float:
        cutters = [filled(chunk) for chunk in chunks]  # reading the clock per chunk would cost as much as the chunk
        items = []  # kept: msgspec alone does not pay for freeing records either
        started = time.process_time()
        for cutter in cutters:
            load = cutter.take()
            assert load is not None
            build(sync, batches.plan(load.encoded), "https://x")
            items.append(load.items)
        return time.process_time() - started

    def alone() -> float:
        started = time.process_time()
        for chunk in chunks:
            msgspec.json.encode({"action": "createOrUpdate", "input": chunk})
        return time.process_time() - started

    runs = [(ours(), alone()) for _ in range(25)]
    # The minimum of each is the cost of the work; the rest is other load on the machine.
    ratio = min(run[0] for run in runs) / min(run[1] for run in runs)
    side_by_side = statistics.median(run[0] / run[1] for run in runs)
    return [
        at_most("CPU of encoding against msgspec alone, the least of 25 runs each", ratio, 1.5, "x"),
        info("the same, median of the runs side by side", f"{side_by_side:.2f}x"),
    ]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` leaves out the million records."""
    return [*asyncio.run(overlaps()), *([] if quick else streamed()), *encoding()]


if __name__ == "__main__":
    asyncio.run(drive(sys.argv[1]))
