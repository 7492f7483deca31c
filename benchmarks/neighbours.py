"""Three clients that know nothing of each other on one instance, and one client beside neighbours that call in bursts.

Each client has its own governor, which starts with the whole instance and learns of the others by 606 and 615 alone.
The server counts. Figures are medians over seeds; paces and fairness (Jain) are of the second half of a run. A refused
call is counted against the window, too. Virtual time, Marketo's real limits, latency 0.5 s unless a figure names
another.

Strangers: total pace, refusals, fairness, and the time until shares are fair. The bound is the pace of one client that
has the instance to itself.

Bursts: a neighbour makes 60 calls every 40 s, ten at a time, and repeats none that is refused. So 40 of 100 places are
left, and the bound is 40 calls per window and latency: 1.95 a second. Both sides are counted. The first burst meets a
client that has the whole window, which no rule can foresee, so the neighbour's 606 are counted in the second half.
Then neighbours that come, leave and call in bursts of random size at random times.

For comparison, the same with leaky buckets (aiolimiter) of the whole limits, which back off after a refusal: full
jitter, doubling from 1 to 20 s.
"""

from __future__ import annotations

import asyncio
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from math import inf
from statistics import median

from aiolimiter import AsyncLimiter
from msgspec import Struct, field

from benchmarks.instance import Instance, Road, course, in_virtual_time, jain
from benchmarks.report import Chart, Finding, Line, at_least, at_most, exactly, info, over_repeats
from marketo_async import Governor, Limits

LIMITS, LATENCY = Limits(), 0.5
STRANGERS, WORKERS, SEEDS = 3, 12, 5
TOGETHER, APART = 0.0, 7.0  # seconds between the first calls of two clients
SECONDS, BURSTING, HOUR, RANDOM = 600.0, 400.0, 3600.0, 900.0
FAIR, LOOK, STEP = 0.95, 60.0, 5.0  # shares of a minute count as equal from this index on
OTHER_LATENCIES = (0.1, 1.5)

Caller = Callable[[Road, random.Random], Awaitable[str]]
Make = Callable[[int], Caller]  # from a seed


class Client(Struct):
    """The results of one client's calls: when it succeeded, and when it was refused with which code."""

    done: list[float] = []
    refusals: list[tuple[float, str]] = []

    def note(self, now: float, code: str) -> None:
        """Note an answer; ``code`` is empty for success."""
        if code:
            self.refusals.append((now, code))
        else:
            self.done.append(now)

    def between(self, since: float, until: float) -> float:
        """Count its successes in a range of time."""
        return float(bisect_left(self.done, until) - bisect_left(self.done, since))

    def refused(self, *codes: str, since: float = 0.0) -> int:
        """Count its refusals with these codes since a moment."""
        return sum(moment >= since and code in codes for moment, code in self.refusals)

    def part(self, *codes: str) -> float:
        """Return the part of all its calls that was refused with these codes, in per cent."""
        return 100 * self.refused(*codes) / max(1, len(self.done) + len(self.refusals))


class Bursts(Struct, frozen=True):
    """A neighbour that calls ``fewest`` to ``most`` times, ten at a time, then waits ``every`` seconds.

    With ``stays``, the mean seconds for which it is there and away, its pauses are random, too. At the moment
    ``leaves`` it leaves for good.
    """

    fewest: int = 60
    most: int = 60
    every: float = 40.0
    stays: float = inf
    leaves: float = inf

    async def call(self, road: Road, rng: random.Random, until: float, seen: Client) -> None:
        """Call until a moment, and drop the calls that are refused."""
        loop = asyncio.get_running_loop()
        steady = self.stays == inf
        leaves = inf if steady else rng.expovariate(1 / self.stays)
        while True:
            if loop.time() >= leaves:
                await asyncio.sleep(rng.expovariate(1 / self.stays))
                leaves = loop.time() + rng.expovariate(1 / self.stays)
            await asyncio.sleep(self.every if steady else rng.expovariate(1 / self.every))
            if loop.time() >= min(until, self.leaves):
                return
            slots = asyncio.Semaphore(LIMITS.concurrency)

            async def one(slots: asyncio.Semaphore = slots) -> None:
                async with slots:
                    code = await road.call()
                seen.note(loop.time(), code)

            await asyncio.gather(*(one() for _ in range(rng.randint(self.fewest, self.most))))


REGULAR = Bursts()
COMING_AND_GOING = Bursts(fewest=20, most=90, every=30.0, stays=300.0)
SMALL = Bursts(fewest=5, most=30, every=10.0, stays=300.0)


class Shared(Struct, frozen=True):
    """Several clients on one instance, and the neighbour beside them."""

    clients: Sequence[Client]
    seconds: float
    neighbour: Client = field(default_factory=Client)

    @property
    def refused(self) -> float:
        """The share of the clients' calls that were refused, in per cent."""
        refused = sum(len(client.refusals) for client in self.clients)
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


def governed(seed: int, limits: Limits = LIMITS) -> Caller:
    """Return a call as a session makes it: it reports refusals to its governor, which holds all calls back."""
    governor = Governor(limits, rng=random.Random(seed))

    async def call(road: Road, rng: random.Random) -> str:
        code = await road.call_through(governor)
        if code == "615":
            await asyncio.sleep(rng.uniform(0, 0.5))
        return code

    return call


def leaky(_: int = 0) -> Caller:
    """Return a call through a leaky bucket and ten slots, with backoff after refusals."""
    limiter, slots = AsyncLimiter(LIMITS.calls, LIMITS.per), asyncio.Semaphore(LIMITS.concurrency)
    refusals: Counter[Road] = Counter()

    async def call(road: Road, rng: random.Random) -> str:
        async with limiter, slots:
            code = await road.call()
        if not code:
            refusals.pop(road, None)
            return code
        await asyncio.sleep(rng.uniform(0, min(20.0, 2.0 ** refusals[road])))
        refusals[road] += 1
        return code

    return call


async def strangers(
    callers: Sequence[Caller],
    seconds: float,
    *,
    apart: float = 0.0,
    seed: int = 0,
    bursts: Bursts | None = None,
    latency: float = LATENCY,
) -> Shared:
    """Let clients call as fast as they can, started ``apart`` seconds apart, beside a neighbour's bursts."""
    instance, loop = Instance(LIMITS), asyncio.get_running_loop()
    clients, neighbour = [Client() for _ in callers], Client()

    async def work(number: int, worker: int, call: Caller) -> None:
        rng = random.Random(10_000 * seed + 100 * number + worker)
        road = Road(instance, latency, seed=rng.randrange(2**32))
        await asyncio.sleep(apart * number)
        while loop.time() < seconds:
            code = await call(road, rng)
            clients[number].note(loop.time(), code)

    tasks = [work(number, worker, call) for number, call in enumerate(callers) for worker in range(WORKERS)]
    if bursts is not None:
        tasks.append(bursts.call(Road(instance, latency, seed=seed + 5), random.Random(seed), seconds, neighbour))
    await asyncio.gather(*tasks)
    return Shared(clients, seconds, neighbour)


def shared(seed: int, seconds: float, *, apart: float, count: int = STRANGERS) -> Shared:
    """Let governed strangers share an instance in virtual time."""
    callers = [governed(100 * seed + number) for number in range(count)]
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
        over_repeats(at_least(f"{case}: calls a second of 5", median(paces), 4.0), paces),
        over_repeats(at_most(f"{case}: calls refused", median(refused), 12, " %", quoted=True), refused),
        over_repeats(at_least(f"{case}: fairness (Jain)", median(fairness), 0.97, quoted=True), fairness),
        over_repeats(at_most(f"{case}: first fair minute ends after", median(firsts), 90, " s", quoted=True), firsts),
    ], runs[0]


def buckets(seconds: float) -> list[Finding]:
    """Return the figures of three leaky buckets that know nothing of each other."""
    seen = in_virtual_time(strangers([leaky() for _ in range(STRANGERS)], seconds))
    return [
        info("three leaky buckets, started together: calls a second of 5", f"{seen.pace:.2f}", quoted=True),
        info("three leaky buckets, started together: calls refused", f"{seen.refused:.0f} %", quoted=True),
    ]


def beside(bursts: Bursts, make: Make, seeds: int, seconds: float, latency: float = LATENCY) -> list[Shared]:
    """Let one client call beside a neighbour in virtual time, once for each seed."""
    runs = (strangers([make(seed)], seconds, seed=seed, bursts=bursts, latency=latency) for seed in range(seeds))
    return [in_virtual_time(run) for run in runs]


def both_sides(case: str, runs: Sequence[Shared]) -> list[Finding]:
    """Return both sides' paces and refusals, of whole runs and without a target."""

    def of(client: Callable[[Shared], Client], code: str) -> str:
        return f"{median([client(run).part(code) for run in runs]):.1f} %"

    def ours(run: Shared) -> Client:
        return run.clients[0]

    def theirs(run: Shared) -> Client:
        return run.neighbour

    paces = [len(run.clients[0].done) / run.seconds for run in runs]
    calls = [len(run.neighbour.done) / run.seconds for run in runs]
    return [
        over_repeats(info(f"{case}: our calls a second", f"{median(paces):.2f}"), paces),
        info(f"{case}: our refusals, 606; 615", f"{of(ours, '606')}; {of(ours, '615')}"),
        over_repeats(info(f"{case}: the neighbour's calls a second", f"{median(calls):.2f}"), calls),
        info(f"{case}: its refusals, 606; 615", f"{of(theirs, '606')}; {of(theirs, '615')}"),
    ]


def bursting(seeds: int, seconds: float) -> list[Finding]:
    """Return the figures of one client beside a neighbour's regular bursts."""
    runs = beside(REGULAR, governed, seeds, seconds)
    case = f"a neighbour calls {REGULAR.fewest} times every {REGULAR.every:g} s"
    bound = (LIMITS.calls - REGULAR.most) / (LIMITS.per + LATENCY)
    paces, refused = [run.pace for run in runs], [run.refused for run in runs]
    crowded = [run.neighbour.part("615") for run in runs]
    throttled = sum(run.neighbour.refused("606", since=seconds / 2) for run in runs)
    first = [run.neighbour.refused("606") for run in runs]
    return [
        over_repeats(at_least(f"{case}: our calls a second of {bound:.2f}", median(paces), 1.85, quoted=True), paces),
        over_repeats(at_most(f"{case}: our calls refused", median(refused), 3, " %", quoted=True), refused),
        exactly(f"{case}: the neighbour's 606 in the second halves of {seeds} runs", throttled, 0, quoted=True),
        over_repeats(at_most(f"{case}: the neighbour's 615", median(crowded), 10, " %", quoted=True), crowded),
        over_repeats(info(f"{case}: the neighbour's 606 in a whole run", f"{median(first):.0f}", quoted=True), first),
    ]


def alone_again(seeds: int, leaves: float, seconds: float) -> Finding:
    """Return how long after its neighbour's last burst a client has a window of calls without a refusal again."""
    runs = beside(Bursts(leaves=leaves), governed, seeds, seconds)
    waits = []
    for run in runs:
        done, last = run.clients[0].done, max([*run.neighbour.done, *(moment for moment, _ in run.neighbour.refusals)])
        near = LIMITS.calls * LIMITS.per / (LIMITS.per + LATENCY) * 0.95
        full = (moment for number, moment in enumerate(done) if moment > last and _held(done, number) >= near)
        waits.append(next(full, seconds) - last)
    return over_repeats(at_most("after a neighbour's last burst: a full window within", max(waits), 540, " s"), waits)


def _held(done: Sequence[float], number: int) -> int:
    """Count the successes in the window that ends at one of them."""
    return number + 1 - bisect_left(done, done[number] - LIMITS.per)


def run(*, quick: bool = False) -> Sequence[Finding]:
    """Return the figures and the chart."""
    seeds, share = (1, 0.5) if quick else (SEEDS, 1.0)
    seconds = SECONDS * share
    together, _ = sharing("started together", seeds, seconds, apart=TOGETHER)
    apart, one = sharing(f"{APART:g} s apart", seeds, seconds, apart=APART)
    found = [*together, *apart, *buckets(seconds), *bursting(2 * seeds - 1, BURSTING)]
    if not quick:
        found.append(alone_again(2, 400.0, 1000.0))
        found += both_sides("the same for an hour", beside(REGULAR, governed, 1, HOUR))
        for latency in OTHER_LATENCIES:
            found += both_sides(f"the same at {latency:g} s", beside(REGULAR, governed, 2, BURSTING, latency))
        smooth = beside(REGULAR, lambda seed: governed(seed, Limits(burst=10)), 2, BURSTING)
        found += both_sides("the same with burst=10", smooth)
        found += both_sides("the same, a leaky bucket", beside(REGULAR, leaky, 1, BURSTING))
    for name, bursts in (("bursts of 20 to 90", COMING_AND_GOING), ("bursts of 5 to 30", SMALL)):
        case = f"a neighbour comes and goes, {name}"
        found += both_sides(case, beside(bursts, governed, seeds, RANDOM * share))
        if not quick:
            found += both_sides(f"{case}, a leaky bucket", beside(bursts, leaky, 1, RANDOM))
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
    return [*found, chart]
