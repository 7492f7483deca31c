"""Common jobs, done by this client, by marketorestpython, and by a plain loop of aiohttp.

Measures wall time, calls spent, refusals, records lost or doubled, CPU time and memory: leads by id, the members of a
list, the activities of a day, upserts and an export; then the list again with failures: one 606, tokens that live a
second, one 502 in HTML. Each client works in a fresh process, the sandbox in another, with Marketo's real limits and a
latency of 0.1 s +/- 0.04. The bound of the wall time is the latency of the calls, ten at a time, or the window. Lost
and doubled records are found by comparison with the sandbox's records. See ``contenders`` for the jobs.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection

from msgspec import Struct

from benchmarks.contenders import CONTENDERS, Task
from benchmarks.elsewhere import Host, Remote, Seen, Setup, Where, host, peak
from benchmarks.report import Finding, at_most, exactly, info
from marketo_async.sandbox import Fault, InstanceLimits

OURS, PEER = "marketo_async", "marketorestpython"
LATENCY = (0.1, 0.04)
TYPES = (1, 2, 6, 7, 10, 11, 12, 13, 22)  # those that a sandbox generates
PATIENCE = 180.0

# Records per job, and with --quick, which leaves out three jobs; 36,000 by id are 120 calls, more than a window holds.
SIZES = {
    "leads_by_id": (36_000, 600),
    "list_members": (12_000, 600),
    "activities": (12_000, 0),
    "upserts": (20_000, 0),
    "export": (12_000, 0),
}
WEATHERS = {
    "one 606": Setup(faults=(Fault("606", times=1),)),
    "tokens live 1 s": Setup(limits=InstanceLimits(token_life=1.0)),
    "one 502 in HTML": Setup(faults=(Fault("html", times=1),)),
}
IN_WEATHER = (6_000, 900)


class Spent(Struct, frozen=True):
    """The report of a client's process: the records that it received, and their cost."""

    delivered: int
    different: int
    error: str
    wall: float
    cpu: float
    megabytes: float


class Result(Struct, frozen=True):
    """The result of one client on one job."""

    spent: Spent
    seen: Seen
    lost: int
    doubled: int

    def __str__(self) -> str:
        spent, seen = self.spent, self.seen
        flaws = f"{self.lost:,} lost, {self.doubled:,} doubled" if self.lost or self.doubled else "all once"
        ended = f"; ended by {spent.error}" if spent.error else ""
        return (
            f"{spent.wall:.2f} s, {seen.calls} calls + {seen.identity_calls} tokens, {seen.refused} refused, {flaws},"
            f" CPU {spent.cpu:.2f} s, {spent.megabytes:+.0f} MB{ended}"
        )


def _work(pipe: Connection, contender: str, job: str, where: Where, task: Task) -> None:
    """Do one job in this process, and send its cost to the parent; imports are not part of the cost."""
    if contender == PEER:
        import marketorestpython.client  # noqa: F401, PLC0415 - imported before the clock starts, in this process only
    delivered: list[object] = []
    error = ""
    before = peak()
    wall, cpu = time.perf_counter(), time.process_time()
    try:
        CONTENDERS[contender](job, where, task, delivered.append)
    except Exception as failure:  # noqa: BLE001 - any failure of a client is a result
        error = f"{type(failure).__name__}: {str(failure)[:60]}"
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    pipe.send(Spent(len(delivered), len(set(delivered)), error, wall, cpu, peak() - before))


def _in_a_process(contender: str, job: str, where: Where, task: Task) -> Spent:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_work, args=(there, contender, job, where, task), daemon=True)
    process.start()
    there.close()  # so that the death of the process raises EOFError here
    try:
        if here.poll(PATIENCE):
            answer = here.recv()
            assert isinstance(answer, Spent)
            return answer
        return Spent(0, 0, f"nothing within {PATIENCE:g} s", PATIENCE, 0.0, 0.0)
    finally:
        process.kill()
        process.join()


def measure(machine: Host, contender: str, job: str, records: int, weather: Setup) -> Result:
    """Let one client do one job against its own sandbox."""
    writes = job == "upserts"
    setup = Setup(
        leads=10 if writes else records,
        activities=records if job == "activities" else 0,
        latency=LATENCY,
        limits=weather.limits,
        faults=weather.faults,
    )
    with machine.sandbox(setup) as remote:
        spent = _in_a_process(contender, job, remote.where, _task(records))
        return _judged(remote, spent, setup, records, writes=writes)


def _judged(remote: Remote, spent: Spent, setup: Setup, records: int, *, writes: bool) -> Result:
    seen = remote.seen()
    if writes:
        return Result(spent, seen, records - (seen.addresses - setup.leads), seen.leads - seen.addresses)
    return Result(spent, seen, records - spent.different, spent.delivered - spent.different)


def _task(records: int) -> Task:
    """Return the task of the day of activities that a sandbox has just made."""
    until = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=1)
    return Task(records, until - timedelta(days=1, minutes=2), until, TYPES)


def compare(machine: Host, job: str, records: int, weather: Setup, name: str) -> list[Finding]:
    """Return the figures of all clients on one job."""
    results = {contender: measure(machine, contender, job, records, weather) for contender in CONTENDERS}
    ours, theirs = results[OURS], results[PEER]
    found: list[Finding] = [info(f"{name}, {contender}", str(result)) for contender, result in results.items()]
    flaws = ours.lost + ours.doubled
    found.append(exactly(f"{name}: refused, lost or doubled here", ours.seen.refused + flaws, 0, quoted=True))
    if not theirs.spent.error:
        ratio = ours.spent.wall / theirs.spent.wall
        found.append(at_most(f"{name}: time against marketorestpython", ratio, 1.0, " x", quoted=True))
    return found


def run(*, quick: bool = False) -> Sequence[Finding]:
    """Return the figures of every job, and of one job with every failure."""
    figures: list[Finding] = []
    with host() as machine:
        for job, sizes in SIZES.items():
            if records := sizes[quick]:
                figures += compare(machine, job, records, Setup(), f"{records:,} {job.replace('_', ' ')}")
        for name, weather in WEATHERS.items():
            figures += compare(machine, "list_members", IN_WEATHER[quick], weather, f"list members, {name}")
    return figures
