"""A producer with a journal is killed with SIGKILL at random moments: every record that it accepted reaches the server.

The sandbox runs here, each producer in its own process; a producer reports each accepted record through a pipe at once.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from benchmarks.report import Figure, exactly, info
from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import InstanceLimits, Sandbox

KILLS = 50
ROOT = Path(__file__).resolve().parent.parent
PRODUCERS, HOT = 20, 10  # tasks that put at once; keys that are written again and again
LIFTED = 1_000_000


class Killed(Struct):
    """The result of the kills."""

    kills: int
    accepted: int
    lost: int  # accepted, but never received by the server
    outdated: int  # keys whose last accepted value was overwritten by an older one
    calls: int
    left: int  # records in the journal when the last producer started


def email_of(number: int) -> str:
    """Return the key of a record: even numbers have a key each, odd numbers share a few."""
    return f"hot{number % HOT}@example.com" if number % 2 else f"person{number}@example.com"


async def killed(kills: int, *, seed: int = 1) -> Killed:
    """Kill ``kills`` producers, let one more send the rest, and compare."""
    rng = random.Random(seed)
    limits = InstanceLimits(calls=LIFTED, daily=LIFTED)
    accepted: set[int] = set()
    with tempfile.TemporaryDirectory() as directory:
        journal = Path(directory) / "leads.journal"
        async with Sandbox(leads=0, activities=0, limits=limits, latency=(0.05, 0.04), seed=seed) as sandbox:
            for round_ in range(kills):
                first = (round_ + 1) * LIFTED
                accepted |= await _produced(sandbox, journal, first, after=rng.uniform(0.0, 0.5))
            left = await _produced(sandbox, journal, 0, after=None)
            leads = sandbox.instance.leads
            hot = {email_of(number): number for number in sorted(accepted) if number % 2}
            found = [leads.get(lead) or {} for email in hot for lead in leads.find("email", [email])]
            written: Mapping[object, object] = {lead["email"]: lead["title"] for lead in found}
            return Killed(
                kills=kills,
                accepted=len(accepted),
                lost=sum(not leads.find("email", [email_of(number)]) for number in accepted),
                outdated=sum(int(str(written.get(email, 0))) < number for email, number in hot.items()),
                calls=sandbox.stats.calls,
                left=len(left),
            )


async def _produced(sandbox: Sandbox, journal: Path, first: int, *, after: float | None) -> set[int]:
    """Run one producer and return its report: kill it ``after`` seconds of work, or let it finish."""
    arguments = [sandbox.base_url, sandbox.client_id, sandbox.client_secret, str(journal), str(first)]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.journal",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdout is not None
    begun = await process.stdout.readline() if after is not None else b""
    reading = asyncio.ensure_future(process.stdout.read())
    if after is not None:
        await asyncio.sleep(after)
        process.kill()
    told_numbers = begun + await reading
    status = await process.wait()
    assert after is not None or status == 0, f"the last producer ended with {status}"
    return {int(line) for line in told_numbers.splitlines(keepends=True) if line.endswith(b"\n")}


async def produce(origin: str, client_id: str, client_secret: str, journal: str, first: int) -> None:
    """Put records numbered from ``first`` without end; with 0, only send what the journal holds and report how much."""
    governor = Governor(Limits(calls=LIFTED, daily=LIFTED))
    retry = RetryPolicy(base=0.01, cap=0.1)
    async with (
        Marketo(origin, client_id=client_id, client_secret=client_secret, governor=governor, retry=retry) as marketo,
        marketo.leads.batcher(max_records=50, max_age=0.2, journal=journal) as batcher,
    ):
        if not first:
            for number in range(batcher.waiting):
                os.write(1, b"%d\n" % number)
            return

        async def put(numbers: Iterator[int]) -> None:
            for number in numbers:
                await batcher.put({"email": email_of(number), "title": str(number)})
                os.write(1, b"%d\n" % number)

        cold = iter(range(first, first + LIFTED, 2))
        async with asyncio.TaskGroup() as group:
            for _ in range(PRODUCERS):
                group.create_task(put(cold))
            group.create_task(put(iter(range(first + 1, first + LIFTED, 2))))  # the order of the hot keys is checked


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    kills = KILLS // 15 if quick else KILLS
    found = asyncio.run(killed(kills))
    return [
        exactly("producers killed under load", found.kills, kills),
        info("records they had accepted", f"{found.accepted:,} in {found.calls:,} calls"),
        exactly("accepted records that never reached the server", found.lost, 0),
        exactly("keys with an older value than the last one accepted", found.outdated, 0),
        info("records that the last producer found in the journal", f"{found.left:,}"),
    ]


if __name__ == "__main__":
    asyncio.run(produce(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])))
