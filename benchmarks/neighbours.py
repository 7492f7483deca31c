"""Three clients that know nothing of each other on one instance, and a neighbour that calls in bursts.

Measures total pace, refusals, fairness (Jain) and the time until shares are fair, as the server counts them; each
client has its own governor, which starts with the whole instance and learns of the others by 606 and 615 alone. The
bound is the pace of one client that has the instance to itself. For comparison, three leaky buckets (aiolimiter) of the
whole limits, which back off after a refusal: full jitter, doubling from 1 to 20 s. Figures are medians over seeds, of
the second half of a run. Virtual time, Marketo's real limits, latency 0.5 s; a refused call is counted, too.
"""

from __future__ import annotations

import asyncio
import random
import statistics
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from aiolimiter import AsyncLimiter
from msgspec import Struct

from benchmarks.instance import Instance, Road, course, in_virtual_time, jain
from benchmarks.report import Chart, Finding, Line, at_least, at_most, info, over_repeats
from marketo_async import Governor, Limits

LIMITS, LATENCY = Limits(), 0.5
STRANGERS, WORKERS, SEEDS = 3, 12, 5
TOGETHER, APART = 0.0, 7.0  # seconds between the first calls of two clients
SECONDS, BURSTING = 600.0, 400.0
FAIR, LOOK, STEP = 0.95, 60.0, 5.0  # shares of a minute count as equal from this index on
BURST, EVERY = 60, 40.0

Caller = Callable[[Road, random.Random], Awaitable[bool]]


class Client(Struct):
    """The results of one client's calls."""

    done: list[float] = []
    refused: int = 0

    def between(self, since: float, until: float) -> float:
        """Count its successes in a range of time."""
        return float(bisect_left(self.done, until) - bisect_left(self.done, since))


class Shared(Struct, frozen=True):
    """Several clients on one instance."""

    clients: Sequence[Client]
    seconds: float

    @property
    def refused(self) -> float:
        """The share of the clients' calls that were refused, in per cent."""
        refused = sum(client.refused for client in self.clients)
        return 100 * refused / (refused + sum(len(client.done) for client in self.clients))

    @property
    def pace(self) -> float:
        """Calls a second that succeeded in the second half, all clients together."""
        return sum(self.shares(self.seconds / 2, self.seconds)) / (self.seconds / 2)

    def shares(self, since: float, until: float) -> list[float]:
        """Count each client's successes in a range of time."""
        return [client.between(since, until) for client in self.clients]

    def fair_after(self) -> float:
        """Return when the first minute with fair shares ended; the end of the run if there was none."""
        starts = (step * STEP for step in range(int((self.seconds - LOOK) / STEP)))
        fair = (start + LOOK for start in starts if jain(self.shares(start, start + LOOK)) >= FAIR)
        return next(fair, self.seconds)


def governed(limits: Limits, seed: int) -> Caller:
    """Return a call as a session makes it: it reports refusals to its governor, which holds all calls back."""
    governor = Governor(limits, rng=random.Random(seed))

    async def call(road: Road, rng: random.Random) -> bool:
        code = await road.call_through(governor)
        if code == "615":
            await asyncio.sleep(rng.uniform(0, 0.5))
        return not code

    return call


def leaky() -> Caller:
    """Return a call through a leaky bucket and ten slots, with backoff after refusals."""
    limiter, slots = AsyncLimiter(LIMITS.calls, LIMITS.per), asyncio.Semaphore(LIMITS.concurrency)
    refusals: Counter[Road] = Counter()

    async def call(road: Road, rng: random.Random) -> bool:
        async with limiter, slots:
            code = await road.call()
        if not code:
            refusals.pop(road, None)
            return True
        await asyncio.sleep(rng.uniform(0, min(20.0, 2.0 ** refusals[road])))
        refusals[road] += 1
        return False

    return call


async def strangers(
    callers: Sequence[Caller], seconds: float, *, apart: float = 0.0, seed: int = 0, bursts: bool = False
) -> Shared:
    """Let clients call as fast as they can, started ``apart`` seconds apart, beside a neighbour's bursts."""
    instance, loop = Instance(LIMITS), asyncio.get_running_loop()
    clients = [Client() for _ in callers]

    async def work(number: int, worker: int, call: Caller) -> None:
        rng = random.Random(10_000 * seed + 100 * number + worker)
        road = Road(instance, LATENCY, seed=rng.randrange(2**32))
        await asyncio.sleep(apart * number)
        while loop.time() < seconds:
            if await call(road, rng):
                clients[number].done.append(loop.time())
            else:
                clients[number].refused += 1

    async def neighbour() -> None:
        road = Road(instance, LATENCY, seed=5)
        while loop.time() < seconds:
            await asyncio.sleep(EVERY)
            slots = asyncio.Semaphore(LIMITS.concurrency)

            async def one(slots: asyncio.Semaphore = slots) -> None:
                async with slots:
                    await road.call()

            await asyncio.gather(*(one() for _ in range(BURST)))

    tasks = [work(number, worker, call) for number, call in enumerate(callers) for worker in range(WORKERS)]
    await asyncio.gather(*tasks, *([neighbour()] if bursts else []))
    return Shared(clients, seconds)


def shared(seed: int, seconds: float, *, apart: float, count: int = STRANGERS) -> Shared:
    """Let governed strangers share an instance in virtual time."""
    callers = [governed(LIMITS, 100 * seed + number) for number in range(count)]
    return in_virtual_time(strangers(callers, seconds, apart=apart, seed=seed))


def sharing(name: str, seeds: int, seconds: float, *, apart: float) -> tuple[list[Finding], Shared]:
    """Return the figures of three strangers, and one run of them for the chart."""
    runs = [shared(seed, seconds, apart=apart) for seed in range(seeds)]
    paces = [run.pace for run in runs]
    refused = [run.refused for run in runs]
    fairness = [jain(run.shares(seconds / 2, seconds)) for run in runs]
    firsts = [run.fair_after() for run in runs]
    case = f"three strangers, {name}"
    return [
        over_repeats(at_least(f"{case}: calls a second of 5", statistics.median(paces), 4.0), paces),
        over_repeats(at_most(f"{case}: calls refused", statistics.median(refused), 12, " %", quoted=True), refused),
        over_repeats(at_least(f"{case}: fairness (Jain)", statistics.median(fairness), 0.9, quoted=True), fairness),
        over_repeats(info(f"{case}: first fair minute ends after", f"{statistics.median(firsts):.0f} s"), firsts),
    ], runs[0]


def buckets(seconds: float) -> list[Finding]:
    """Return the figures of three leaky buckets that know nothing of each other."""
    seen = in_virtual_time(strangers([leaky() for _ in range(STRANGERS)], seconds))
    return [
        info("three leaky buckets, started together: calls a second of 5", f"{seen.pace:.2f}", quoted=True),
        info("three leaky buckets, started together: calls refused", f"{seen.refused:.0f} %", quoted=True),
    ]


def bursting(seconds: float) -> list[Finding]:
    """Return the figures of one client beside a neighbour's bursts, without and with its own smoothing."""
    left = LIMITS.calls / LIMITS.per - BURST / EVERY
    found: list[Finding] = []
    for name, limits in (("the window alone", LIMITS), ("burst=10", Limits(burst=10))):
        seen = in_virtual_time(strangers([governed(limits, 1)], seconds, bursts=True))
        case = f"a neighbour calls {BURST} times every {EVERY:g} s, {name}"
        found += [
            info(f"{case}: our calls refused", f"{seen.refused:.1f} %"),
            info(f"{case}: our pace", f"{seen.pace:.2f} a second of the {left:.1f} that are left"),
        ]
    return found


def run(*, quick: bool = False) -> Sequence[Finding]:
    """Return the figures and the chart."""
    seeds, seconds = (1, SECONDS / 2) if quick else (SEEDS, SECONDS)
    together, _ = sharing("started together", seeds, seconds, apart=TOGETHER)
    apart, one = sharing(f"{APART:g} s apart", seeds, seconds, apart=APART)
    chart = Chart(
        name="neighbours",
        title="Three clients that know nothing of each other: calls that succeeded in the last minute",
        x="seconds",
        y="calls in 60 s",
        lines=[
            Line(f"client {number + 1}", *course(client.done, LOOK, STEP, seconds))
            for number, client in enumerate(one.clients)
        ],
        limit=LIMITS.calls * LOOK / LIMITS.per / STRANGERS,
        limit_label="an equal share",
    )
    return [*together, *apart, *buckets(seconds), *bursting(BURSTING / 2 if quick else BURSTING), chart]
