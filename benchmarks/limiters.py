"""The governor and four limiters on the same server stand-in and the same load.

Measures refusals and pace as the server counts them, the process's CPU time, fairness (Jain over 60 tasks, and grants
out of turn among waiters), and the allowance that is left when waiters are cancelled. The server refuses beyond 100
calls in a window or 10 at once, and counts refusals; the bound is 100 accepted calls per window. Real time, because
some of the limiters read their own clocks; the window is scaled to 2 s, and latency with it: 0.05 s +/- 40 %.

Each is used as its documentation shows, at its best for this task: the algorithm nearest to a rolling window, a
semaphore of ten acquired *before* its grant, so that a granted call leaves at once, and full-jitter backoff after a
refusal. Settings: ``AsyncLimiter(100, 2)``; pyrate-limiter's ``InMemoryBucket`` (a log of times) with its buffer of 50
ms scaled like the window; limits' ``MovingWindowRateLimiter`` in memory, which can't wait, so the caller sleeps until
its ``reset_time``; throttled-py with ``sliding_window`` and with ``gcra``, waiting through its ``timeout``.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import limits
import pyrate_limiter
import throttled.asyncio
from aiolimiter import AsyncLimiter
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter
from msgspec import Struct

from benchmarks.instance import Instance, Road, jain, rolling
from benchmarks.report import Finding, at_least, at_most, exactly, info
from marketo_async import Governor, Limits

WINDOW, SLOTS, TASKS = 100, 10, 60
LATENCY = 1 / 40  # of the window: 0.5 s of 20
WAITERS, CANCELLED = 260, 80
BUFFER = 50 / 20_000  # of the window: pyrate-limiter's default margin, at Marketo's 20 s

FULL, QUICK = (2, 5), (1, 1)  # seconds of a window, and how many

Grant = Callable[[], Awaitable[object]]
Call = Callable[[Road], Awaitable[str]]


class Contender(Struct, frozen=True):
    """One limiter: how to wait for a grant, and how to make a call through it, for a window of some seconds."""

    name: str
    grant: Callable[[int], Grant]
    call: Callable[[int], Call]


def _governed(per: int) -> Call:
    governor = Governor(Limits(calls=WINDOW, per=per, concurrency=SLOTS))
    return lambda road: road.call_through(governor)


def _governor(per: int) -> Grant:
    governor = Governor(Limits(calls=WINDOW, per=per, concurrency=WAITERS))

    async def grant() -> None:
        (await governor.acquire()).release()

    return grant


def _aiolimiter(per: int) -> Grant:
    return AsyncLimiter(WINDOW, per).acquire


def _pyrate(per: int) -> Grant:
    bucket = pyrate_limiter.InMemoryBucket([pyrate_limiter.Rate(WINDOW, per * 1000)])
    limiter = pyrate_limiter.Limiter(bucket, buffer_ms=max(1, round(BUFFER * per * 1000)))
    grant: Grant = limiter.try_acquire_async
    return grant


def _limits(per: int) -> Grant:
    limiter, item = MovingWindowRateLimiter(MemoryStorage()), limits.RateLimitItemPerSecond(WINDOW, per)

    async def grant() -> None:
        while not await limiter.hit(item, "marketo"):
            window = await limiter.get_window_stats(item, "marketo")
            await asyncio.sleep(max(0.0, window.reset_time - time.time()))

    return grant


def _throttled(algorithm: str) -> Callable[[int], Grant]:
    def make(per: int) -> Grant:
        quota = throttled.asyncio.per_duration(timedelta(seconds=per), WINDOW, WINDOW)
        limiter = throttled.asyncio.Throttled(
            key="marketo", using=algorithm, quota=quota, timeout=600, store=throttled.asyncio.MemoryStore()
        )
        grant: Grant = limiter.limit
        return grant

    return make


def _with_slots(make: Callable[[int], Grant]) -> Callable[[int], Call]:
    """Return a call through a limiter that knows nothing of concurrency or refusals."""

    def through(per: int) -> Call:
        grant, slots, rng = make(per), asyncio.Semaphore(SLOTS), random.Random(3)
        refusals = 0

        async def call(road: Road) -> str:
            nonlocal refusals
            async with slots:
                await grant()
                code = await road.call()
            if code:
                await asyncio.sleep(rng.uniform(0, min(per, per / 20 * 2.0 ** min(refusals, 10))))
                refusals += 1
            else:
                refusals = 0
            return code

        return call

    return through


CONTENDERS = (
    Contender("marketo_async", _governor, _governed),
    *(
        Contender(name, make, _with_slots(make))
        for name, make in (
            ("aiolimiter", _aiolimiter),
            ("pyrate-limiter", _pyrate),
            ("limits", _limits),
            ("throttled-py, sliding_window", _throttled("sliding_window")),
            ("throttled-py, gcra", _throttled("gcra")),
        )
    ),
)


class Load(Struct, frozen=True):
    """The result of a load of some windows."""

    instance: Instance
    accepted: list[int]
    windows: int
    cpu: float


async def load(contender: Contender, per: int, windows: int) -> Load:
    """Let all tasks call as fast as they can for some windows."""
    instance = Instance(Limits(calls=WINDOW, per=per, concurrency=SLOTS))
    call, accepted, loop = contender.call(per), [0] * TASKS, asyncio.get_running_loop()
    ends = loop.time() + per * windows

    async def work(number: int) -> None:
        road = Road(instance, LATENCY * per, seed=number)
        while loop.time() < ends:
            accepted[number] += not await call(road)

    busy = time.process_time()
    tasks = [asyncio.create_task(work(number)) for number in range(TASKS)]
    await asyncio.sleep(ends - loop.time())
    busy = time.process_time() - busy
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Load(instance, accepted, windows, busy)


class Queue(Struct, frozen=True):
    """How waiters were served, some of them cancelled: moments in windows, and the numbers of the served waiters."""

    moments: list[float]
    order: list[int]
    never: int

    @property
    def most(self) -> int:
        """The most grants in any one window."""
        return max(held for _, held in rolling(self.moments, 1.0))

    @property
    def out_of_turn(self) -> float:
        """The share of waiters served after one that came later."""
        latest, late = -1, 0
        for number in self.order:
            late += number < latest
            latest = max(latest, number)
        return late / len(self.order)


async def queue(contender: Contender, per: int) -> Queue:
    """Let many wait at once, cancel some of them, and record when the rest is served."""
    grant, loop = contender.grant(per), asyncio.get_running_loop()
    moments: list[float] = []
    order: list[int] = []

    async def wait(number: int) -> None:
        await grant()
        moments.append((loop.time() - started) / per)
        order.append(number)

    started = loop.time()
    tasks = [asyncio.create_task(wait(number)) for number in range(WAITERS)]
    await asyncio.sleep(0.3 * per)
    waiting = [task for task in tasks if not task.done()]
    for task in waiting[: 2 * CANCELLED : 2]:
        task.cancel()
    _, never = await asyncio.wait(tasks, timeout=4 * per)
    for task in never:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return Queue(moments, order, len(never))


def compare(contender: Contender, per: int, windows: int) -> list[Finding]:
    """Return the figures of one limiter; only this package's have targets."""
    seen = asyncio.run(load(contender, per, windows))
    line = asyncio.run(queue(contender, per))
    refused, accepted = seen.instance.refused.total(), len(seen.instance.accepted)
    pace, share = accepted / (windows * WINDOW), 100 * refused / (refused + accepted)
    name, cpu = contender.name, seen.cpu / max(accepted, 1) * 1e6
    out, last = 100 * line.out_of_turn, max(line.moments)
    if contender is CONTENDERS[0]:
        return [
            exactly(f"{name}: refusals", refused, 0, quoted=True),
            at_least(f"{name}: pace against the bound", pace, 0.95, quoted=True),
            info(f"{name}: CPU an accepted call", f"{cpu:.0f} µs"),
            at_least(
                f"{name}: fairness over {TASKS} tasks (Jain)", jain(seen.accepted), 0.99 if windows > QUICK[1] else 0.9
            ),
            at_most(f"{name}: grants in the fullest window", line.most, WINDOW),
            at_most(f"{name}: waiters served out of turn", out, 0, " %"),
            at_most(f"{name}: after {CANCELLED} were cancelled, the rest was served within", last, 1.05, " windows"),
            exactly(f"{name}: waiters never served", line.never, 0),
        ]
    return [
        info(f"{name}: refusals, of its calls", f"{refused:,}, {share:.0f} %", quoted=True),
        info(f"{name}: pace against the bound", f"{pace:.3g}", quoted=True),
        info(f"{name}: CPU an accepted call", f"{cpu:.0f} µs"),
        info(f"{name}: fairness over {TASKS} tasks (Jain)", f"{jain(seen.accepted):.3f}"),
        info(f"{name}: grants in the fullest window", f"{line.most}"),
        info(f"{name}: waiters served out of turn", f"{out:.0f} %"),
        info(
            f"{name}: after {CANCELLED} were cancelled, the rest was served within",
            f"{last:.2f} windows{f', {line.never} never' if line.never else ''}",
        ),
    ]


def run(*, quick: bool = False) -> Sequence[Finding]:
    """Return the figures of all limiters."""
    per, windows = QUICK if quick else FULL
    return [figure for contender in CONTENDERS for figure in compare(contender, per, windows)]
