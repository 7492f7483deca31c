"""The promises of the feed against a model: drawn commits, lateness, kills, refused tokens, outages, other queries.

Time is virtual. The model is the sandbox's log of what was committed and when; the sink stores rows by GUID, and the
position with them.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from marketo_async.changes import backlog, feed, store
from marketo_async.errors import TransportError
from marketo_async.governor.quota import as_utc
from marketo_async.models.moment import parse
from marketo_async.sandbox.records.activity_log import Order
from tests.changes.instance import FakeInstance, feed_of, guids, now
from tests.changes.virtual import in_jumps

LAG, SWEEP, POLL = 60.0, 90.0, 10.0
QUERIES: tuple[tuple[int, ...], ...] = ((1, 6, 12, 13, 24, 37), (1, 6, 24, 104), (1, 12, 13, 37, 104), (1, 24))
KINDS = (1, 6, 12, 13, 24, 37, 104)
FIRST = 300.0  # seconds before the feed starts


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    """Let minutes of activities be a backlog, which is split."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(feed, "_FAR_BEHIND", 200.0)
        patch.setattr(backlog, "_PAGE", 3)
        patch.setattr(backlog, "_WORTH_A_SPLIT", 4)
        patch.setattr(store, "WorkThread", Inline)  # virtual time does not wait for a thread
        yield


class Inline:
    """Runs in the loop what a `WorkThread` runs in its thread."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def run(self, function: Callable[..., Any], *args: object) -> Any:
        await asyncio.sleep(0.01)
        return function(*args)


class Log(Struct, frozen=True):
    """Activities: so many of a kind, so many seconds apart, committed late by so much."""

    kind: int
    count: int
    apart: float
    late: float


class Wait(Struct, frozen=True):
    seconds: float


class Restart(Struct, frozen=True):
    """Kill the feed, or stop it cleanly, and start again later, perhaps with another query."""

    clean: bool
    away: float
    query: int


class Refuse(Struct, frozen=True):
    """Refuse all tokens that were issued."""


class Nudge(Struct, frozen=True):
    """Nudge the feed."""


class Outage(Struct, frozen=True):
    seconds: float


Step = Log | Wait | Restart | Refuse | Nudge | Outage

# Seconds; a lateness up to the lag is promised, one above it is not.
lateness = st.one_of(st.just(0.0), st.floats(0, LAG), st.just(LAG), st.floats(LAG + 1, 5 * LAG))
seconds = st.floats(0.1, 400)


def steps(*, restarts: st.SearchStrategy[Restart], refusals: bool = True) -> st.SearchStrategy[list[Step]]:
    log = st.builds(
        Log, st.sampled_from(KINDS), st.integers(1, 40), st.sampled_from([0.0, 0.05, 0.7, 4.0, 15.0]), lateness
    )
    kinds: list[st.SearchStrategy[Any]] = [
        log,
        log,
        log,
        st.builds(Wait, seconds),
        st.builds(Wait, seconds),
        restarts,
        restarts,
        st.just(Nudge()),
        st.builds(Outage, st.floats(1, 200)),
    ]
    if refusals:
        kinds.append(st.just(Refuse()))
    return st.lists(st.one_of(kinds), min_size=5, max_size=25)


class Case(Struct, frozen=True):
    """The rest of an example: how the instance pages, how the consumer reads, and what happened before."""

    order: Order
    mode: Literal["live", "settled"]
    page: int
    short: float
    empty: float
    window: int
    thinks: float
    since: float
    before: tuple[Log, ...]
    seed: int


def cases(mode: Literal["live", "settled"] | None = None) -> st.SearchStrategy[Case]:
    return st.builds(
        Case,
        order=st.sampled_from(["date", "commit"]),
        mode=st.sampled_from(["live", "settled"]) if mode is None else st.just(mode),
        page=st.integers(1, 8),
        short=st.sampled_from([0.0, 0.3]),
        empty=st.sampled_from([0.0, 0.3]),
        window=st.integers(1, 8),
        thinks=st.sampled_from([0.0, 0.3, 5.0]),
        since=st.sampled_from([0.0, FIRST, FIRST - 250, FIRST + 50]),
        before=st.lists(
            st.builds(Log, st.sampled_from(KINDS), st.integers(1, 60), st.sampled_from([0.0, 0.5, 3.0]), lateness),
            max_size=4,
        ).map(tuple),
        seed=st.integers(0, 1000),
    )


class Sink:
    """Rows by GUID, and the position, in one transaction; counts what each process delivered."""

    def __init__(self) -> None:
        self.position: str | None = None
        self.counts: Counter[str] = Counter()
        self.of_process: Counter[str] = Counter()
        self.twice_in_a_process: list[str] = []

    def write(self, events: Any, position: str) -> None:
        assert len(position.encode()) <= 8192
        for guid in guids(events):
            self.counts[guid] += 1
            self.of_process[guid] += 1
            if self.of_process[guid] > 1:
                self.twice_in_a_process.append(guid)
        self.position = position


class Run:
    """One example: a feed, its consumer, and the script."""

    def __init__(self, case: Case, store: Path | None) -> None:
        self.case = case
        self.store = store
        self.sink = Sink()
        self.instance = FakeInstance(
            case.order, page=case.page, short=case.short, empty=case.empty, seed=case.seed, latency=0.3
        )
        self.asked = [(0.0, frozenset(QUERIES[0]))]
        self.since = 0.0
        self.lates: dict[str, float] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._feed: Any = None

    async def play(self, script: list[Step]) -> None:
        start = now()
        for log in self.case.before:
            self._tasks.append(asyncio.create_task(self._log(log)))
        await asyncio.sleep(FIRST)
        self.since = start + self.case.since
        self.asked[0] = (self.since, frozenset(QUERIES[0]))
        self._consumer = self._started(0)
        for step in script:
            if self._consumer.done():
                break
            await self._do(step)
        consumer = self._consumer
        await asyncio.gather(*self._tasks)
        enough = now() + 30_000
        while self.lost() and now() < enough and not consumer.done():  # noqa: ASYNC110 - time is virtual
            await asyncio.sleep(POLL)
        await asyncio.sleep(2 * (LAG + SWEEP))  # what may come twice has come
        if consumer.done():
            consumer.result()
        await self._stopped(consumer)

    async def _do(self, step: Step) -> None:
        match step:
            case Log():
                self._tasks.append(asyncio.create_task(self._log(step)))
            case Wait(seconds):
                await asyncio.sleep(seconds)
            case Restart():
                await self._restart(step)
            case Refuse():
                self.instance.refuse_tokens()
            case Nudge():
                if self._feed is not None:
                    self._feed.nudge()
            case Outage(seconds):
                self.instance.down = TransportError("down", sent=False)
                await asyncio.sleep(seconds)
                self.instance.down = None

    async def _restart(self, restart: Restart) -> None:
        if restart.clean:
            await self._stopped(self._consumer)
        else:
            self._consumer.cancel()
            await asyncio.wait([self._consumer])
        await asyncio.sleep(restart.away)
        self.sink.of_process.clear()
        types = frozenset(QUERIES[restart.query])
        if types != self.asked[-1][1]:
            self.asked.append((now(), types))
        self._consumer = self._started(restart.query)

    def _started(self, query: int) -> asyncio.Task[None]:
        self._stopping = asyncio.Event()
        return asyncio.create_task(self._consume(query))

    async def _stopped(self, consumer: asyncio.Task[None]) -> None:
        """Let the consumer end between two batches."""
        self._stopping.set()
        await asyncio.wait([consumer])
        consumer.result()

    async def _consume(self, query: int) -> None:
        given: dict[str, Any] = {"store": self.store} if self.store else {"position": self.sink.position}
        feed = feed_of(
            self.instance,
            since=as_utc(self.since),
            types=QUERIES[query],
            lag=timedelta(seconds=LAG),
            sweep=timedelta(seconds=SWEEP),
            poll=POLL,
            window=self.case.window,
            mode=self.case.mode,
            **given,
        )
        async with feed:
            self._feed = feed
            try:
                while True:
                    taking = asyncio.ensure_future(anext(feed))
                    stopping = asyncio.ensure_future(self._stopping.wait())
                    try:
                        await asyncio.wait({taking, stopping}, return_when=asyncio.FIRST_COMPLETED)
                    finally:
                        stopping.cancel()
                        if not taking.done():
                            taking.cancel()
                            await asyncio.wait([taking])
                    if taking.cancelled():
                        return
                    batch = taking.result()
                    await asyncio.sleep(self.case.thinks * self.instance.rng.random())
                    self.sink.write(batch.events, batch.position)
                    await asyncio.sleep(self.case.thinks * self.instance.rng.random())
                    batch.ack()
            finally:
                self._feed = None

    async def _log(self, log: Log) -> None:
        for _ in range(log.count):
            self.lates[self.instance.happen(log.kind, late=log.late)] = log.late
            if log.apart:
                await asyncio.sleep(log.apart)

    def lost(self) -> list[str]:
        """Return the activities that are promised and did not come."""
        found = []
        for activity, _ in self.instance.log.commits():
            date = parse(activity.activity_date).timestamp()
            promised = (
                self.lates[activity.marketo_guid] <= LAG
                and date >= self.since
                and all(
                    activity.activity_type_id in types
                    for (begun, types), until in zip(
                        self.asked, [moment for moment, _ in self.asked[1:]] + [inf], strict=True
                    )
                    if until > date
                )
            )
            if promised and activity.marketo_guid not in self.sink.counts:
                found.append(activity.marketo_guid)
        return found


def check(case: Case, script: list[Step], *, once: bool = False, store: bool = False) -> Run:
    with TemporaryDirectory() as folder:

        async def main() -> Run:
            run = Run(case, Path(folder) / "feed" if store else None)
            await run.play(script)
            return run

        run = in_jumps(main())
    assert run.lost() == []
    assert run.sink.twice_in_a_process == []
    if once:
        assert {guid: count for guid, count in run.sink.counts.items() if count > 1} == {}
    return run


anything = st.builds(
    Restart,
    clean=st.booleans(),
    away=st.sampled_from([0.5, 30.0, 250.0, 500.0]),
    query=st.integers(0, len(QUERIES) - 1),
)
same_query = st.builds(Restart, clean=st.booleans(), away=st.sampled_from([0.5, 30.0, 250.0, 500.0]), query=st.just(0))
clean = st.builds(Restart, clean=st.just(value=True), away=st.sampled_from([0.5, 30.0, 250.0, 500.0]), query=st.just(0))

PROMISES: dict[str, tuple[Any, Any, dict[str, bool]]] = {
    "none lost, none twice in a process": (cases(), steps(restarts=anything), {}),
    "settled mode: once without a key, across kills": (
        cases("settled"),
        steps(restarts=same_query, refusals=False),
        {"once": True},
    ),
    "store: once across clean restarts": (cases(), steps(restarts=clean), {"once": True, "store": True}),
}


def hold(promise: str, count: int) -> None:
    """Check a promise for so many examples."""
    drawn, scripts, kept = PROMISES[promise]
    seen: Counter[str] = Counter()

    @given(drawn, scripts)
    @settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def holds(case: Case, script: list[Step]) -> None:
        run = check(case, script, **kept)
        seen[f"{case.mode}, by {case.order}"] += 1
        seen["activities"] += len(run.instance.log)
        seen["restarts"] += sum(isinstance(step, Restart) for step in script)

    holds()
    print(f"\n{promise}: {dict(seen)}")  # noqa: T201 - shown by -s


@pytest.mark.parametrize(("promise", "count"), [*zip(PROMISES, (40, 30, 10), strict=True)])
def test_the_feed_keeps_its_promises(promise: str, count: int) -> None:
    hold(promise, count)


def killed(away: float, query: int) -> Restart:
    return Restart(clean=False, away=away, query=query)


def repeated(times: int, *steps: Step) -> list[Step]:
    return [*steps] * times


HAZARDS: dict[str, list[Step]] = {
    "committed late during a downtime": [Wait(100), Log(1, 40, 15.0, 50.0), killed(500.0, 0), Wait(100)],
    "committed late at the end of every poll": [Log(1, 60, 0.7, LAG), Log(6, 60, 4.0, LAG - 0.5), Wait(400)],
    "another query while rows are late": [
        Wait(300),
        Log(24, 40, 4.0, 50.0),
        Wait(60),
        killed(30.0, 1),
        Wait(100),
        killed(250.0, 3),
    ],
    "refused in a backlog": [
        Log(1, 40, 15.0, 50.0),
        Wait(300),
        killed(500.0, 0),
        Wait(2.5),
        Refuse(),
        Wait(50),
    ],
    "killed in a backlog": [Log(1, 40, 15.0, 59.0), Wait(300), *repeated(4, killed(250.0, 0), Wait(1.5))],
    "killed in sweeps": [Log(1, 40, 4.0, 59.0), *repeated(9, Wait(70), killed(0.5, 0))],
    "refused while rows are late": [Log(1, 40, 4.0, 59.0), *repeated(9, Wait(45), Refuse())],
    "far beyond the lag": [*repeated(4, Log(1, 20, 4.0, 250.0), Wait(90), Refuse()), Wait(300)],
}


@pytest.mark.parametrize("hazard", HAZARDS)
@pytest.mark.parametrize("mode", ["live", "settled"])
@pytest.mark.parametrize("order", ["date", "commit"])
@pytest.mark.parametrize("seeds", [range(1), pytest.param(range(1, 3), marks=pytest.mark.slow)])
def test_known_hazards(hazard: str, mode: Literal["live", "settled"], order: Order, seeds: range) -> None:
    for seed in seeds:
        before = (Log(1, 60, 3.0, 59.0), Log(6, 200, 0.5, 30.0))
        check(Case(order, mode, 3, 0.0, 0.0, 4, 0.3, 20.0 * seed, before, seed), HAZARDS[hazard])


# Examples that once delivered activities twice: a head that had opened again read them after they were forgotten.
FOUND: dict[str, tuple[Case, list[Step]]] = {
    "refused after a restart, and swept before the head has caught up": (
        Case("date", "live", 1, 0.0, 0.0, 1, 0.0, 0.0, (), 0),
        [
            *(Log(1, 1, 0.0, 0.0), Log(1, 1, 0.0, 0.0), Restart(clean=True, away=250.0, query=0), Nudge()),
            *(Log(1, 27, 4.0, 0.0), Wait(174.0), Restart(clean=True, away=0.5, query=0), Outage(101.0)),
            *(Log(1, 1, 0.0, 0.0), Refuse()),
        ],
    ),
    "refused at the end of a listing": (
        Case("commit", "settled", 3, 0.3, 0.3, 8, 0.0, 0.0, (Log(104, 44, 0.5, 5.5),), 196),
        [Log(13, 34, 15.0, 300.0), Wait(90), Wait(350), Refuse(), Nudge(), Nudge(), Log(13, 33, 0.7, 0.0), Refuse()],
    ),
    "refused in a backlog after a restart": (
        Case("date", "live", 1, 0.0, 0.0, 1, 0.0, 0.0, (), 0),
        [
            *(Log(1, 2, 0.0, 0.0), Restart(clean=True, away=250.0, query=0), Wait(1.0), Log(1, 1, 0.0, 0.0)),
            *(Refuse(), Restart(clean=True, away=0.5, query=0)),
        ],
    ),
    "refused while a sweep ends": (
        Case(
            *("commit", "live", 3, 0.0, 0.0, 8, 5.0, 350.0),
            (Log(12, 4, 0.5, 60.0), Log(6, 16, 0.0, 141.2), Log(24, 13, 0.5, 46.4), Log(37, 9, 0.0, 60.0)),
            seed=382,
        ),
        [
            *(Outage(37.92), Refuse(), Refuse(), Log(12, 5, 0.05, 60.0), Nudge(), Wait(159.33), Outage(55.23)),
            *(Restart(clean=True, away=500.0, query=0), Outage(19.9), Nudge(), Outage(181.13), Log(37, 12, 0.05, 0.5)),
            *(Wait(84.02), Outage(200.0), Nudge(), Refuse(), Outage(55.72), Wait(0.3), Nudge(), Log(6, 4, 0.7, 55.4)),
            *(Outage(21.67), Outage(197.09), Refuse(), Outage(182.76), Nudge()),
        ],
    ),
}


@pytest.mark.parametrize("name", FOUND)
def test_an_example_that_once_failed(name: str) -> None:
    case, script = FOUND[name]
    check(case, script, once=True, store=True)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("promise", PROMISES)
def test_the_feed_keeps_its_promises_in_many_examples(promise: str) -> None:
    hold(promise, int(os.environ.get("FEED_EXAMPLES", "200")))
