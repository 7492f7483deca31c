"""A client's whole life as a state machine: what can happen to clients, workers, loops, stores and the instance.

Hypothesis draws the order. What must hold is judged by the instance (`instance`), by each caller (`callers`), and here:
nobody waits too long, no error is shared, and nothing is left of a client that was closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
import tempfile
import warnings
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, TypeVar, cast
from unittest.mock import patch

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from marketo_async import Governor, Limits, Marketo, Priority, RetryPolicy, operations
from marketo_async.call import Options
from marketo_async.errors import ConfigurationError, DailyQuotaExceeded, MarketoError
from marketo_async.governor import CallRecord, grants
from marketo_async.operation import Operation, Plan, raw
from tests.life.callers import LATE, Caller, drain, get, problems, run
from tests.life.instance import WEATHERS, Instance
from tests.life.network import Connector, Network, Side
from tests.life.stores import InMemory, OnDisk, Shared, Weather
from tests.life.virtual import Timeline, VirtualLoop

T = TypeVar("T")

WORKER: contextvars.ContextVar[str] = contextvars.ContextVar("worker", default="")

_STORE_PATIENCE = 6.0  # seconds that a store may hold up the closing of a client
_LONGEST_EXCHANGE = 340.0  # seconds that an exchange can take: Marketo's longest time-out and what we wait above it
_AGAIN = 3.0  # seconds within which a store that failed is asked again
_REMEMBERED = 60.0  # seconds after which a failure of the identity endpoint is asked for again
_PROBE = 400.0  # seconds within which a call gets through, whatever other clients go through
_DAY = 26 * 3600.0
_SECONDS = st.sampled_from([0.0, 0.001, 0.02, 0.1, 0.3, 1.0, 3.0, 10.0, 35.0, 120.0])
_KIND = st.sampled_from(
    ["get", "get", "list", "push", "sync", "form", "delete", "trigger", "email", "asset", "merge", "thing", "file"]
)
_HOT = 10**6  # from here on, the numbers of records that are written again and again
_PICK = st.integers(0, 7)
_TIMEOUT = st.sampled_from([None, None, None, 0.05, 0.5, 5.0, 40.0])

steps: Counter[str] = Counter()  # by the kind of store, over all machines of this process
seen: Counter[str] = Counter()  # what came of them


@dataclass(eq=False)
class Client:
    """A client that was opened, and its end of the network."""

    worker: Worker
    marketo: Marketo
    side: Side
    open: bool = True


@dataclass(eq=False)
class Worker:
    """A process: one governor, and its clients one after the other or side by side."""

    name: str
    governor: Governor
    clients: list[Client] = field(default_factory=list)
    killed: bool = False


def raising(kind: str) -> Callable[[CallRecord], None] | None:
    """Return a hook that fails."""

    def hook(record: CallRecord) -> None:
        if kind == "cancels":
            raise asyncio.CancelledError
        raise ValueError(kind)

    return None if kind == "none" else hook


class Life(RuleBasedStateMachine):
    """The rules are what happens, the invariants what is promised."""

    @initialize(
        seed=st.integers(0, 2**32 - 1),
        kind=st.sampled_from(["memory", "memory", "shared", "store that moves", "sqlite"]),
        calls=st.integers(3, 14),
        per=st.sampled_from([5.0, 20.0]),
        concurrency=st.integers(1, 4),
        on_quota=st.sampled_from(["raise", "wait"]),
        hook=st.sampled_from(["none", "none", "fails", "cancels"]),
        token_life=st.sampled_from([3600.0, 60.0]),
    )
    def begin(
        self,
        seed: int,
        kind: str,
        calls: int,
        per: float,
        concurrency: int,
        on_quota: Literal["raise", "wait"],
        hook: str,
        token_life: float,
    ) -> None:
        self.timeline = timeline = Timeline()
        # A governor whose loop is closed reads the system's clock, which is the same one as a loop's; so it is here.
        self.clocks = patch.object(grants, "time", SimpleNamespace(monotonic=lambda: timeline.now))
        self.clocks.start()
        self.rng = rng = random.Random(seed)
        self.limits = Limits(calls=calls, per=per, concurrency=concurrency)
        self.kind, self.on_quota, self.hook = kind, on_quota, hook
        self.instance = Instance(timeline, rng, calls=calls, per=per, concurrency=concurrency)
        self.instance.token_life = token_life
        self.instance.killed = lambda name: any(worker.killed and worker.name == name for worker in self.workers)
        self.connecting = "fine"
        self.network = Network(
            timeline, trip=lambda: rng.uniform(0.0, 0.05), fate=self.fate, arrived=self.instance.arrive
        )
        self.folder = tempfile.TemporaryDirectory()
        self.way: Weather | None = None
        self.shared: Shared | None = None
        if kind != "memory":
            self.way = way = Weather(timeline, rng, counted=_LONGEST_EXCHANGE + per)
            self.shared = (
                OnDisk(way, Path(self.folder.name))
                if kind == "sqlite"
                else InMemory(way, moves=kind == "store that moves")
            )
            self.instance.excuse = way.excused
            self.instance.alone = False
        self.workers: list[Worker] = []
        self.callers: list[Caller] = []
        self.connectors: list[Connector] = []
        self.errors: dict[int, tuple[BaseException, Caller]] = {}
        self.judged: set[Caller] = set()
        self.faults: list[str] = []
        self.numbers = 0
        self.over = False
        self.tasks: weakref.WeakKeyDictionary[asyncio.Task[Any], str] = weakref.WeakKeyDictionary()
        self.new_loop()
        self.hire()
        self.open(self.workers[0])

    # The pieces

    def new_loop(self) -> None:
        self.timeline.threads = 0
        self.loop = VirtualLoop(self.timeline)
        self.loop.set_task_factory(self.task)  # type: ignore[arg-type]  # typeshed lets a factory return a future
        self.loop.set_exception_handler(self.complaint)

    def task(self, loop: asyncio.AbstractEventLoop, coro: Coroutine[Any, Any, T], **options: Any) -> asyncio.Task[T]:
        """Make a task, and remember whose it is."""
        context = options.get("context")
        task = asyncio.Task(coro, loop=loop, **options)
        self.tasks[task] = WORKER.get() if context is None else context.get(WORKER, "")
        return task

    def complaint(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults.append(f"the loop complains: {context.get('message')} {context.get('exception')!r}")

    def within(self, worker: Worker, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        context = contextvars.copy_context()
        context.run(WORKER.set, worker.name)
        return self.loop.create_task(work, context=context)

    def wait(self, task: asyncio.Task[T], what: str, bound: float) -> T:
        """Let time pass until *task* is done, which must be within *bound* seconds."""
        begun = self.timeline.now
        while not task.done() and self.timeline.now < begun + bound + LATE:
            handle = self.loop.call_at(begun + bound + 2 * LATE, self.loop.stop)
            task.add_done_callback(self.stop)
            self.loop.run_forever()
            task.remove_done_callback(self.stop)
            handle.cancel()
        self.claim(task.done(), f"{what} took more than {bound:g} s")
        return task.result()

    def stop(self, _: object) -> None:
        self.loop.stop()

    def claim(self, holds: object, what: str) -> None:
        if not holds:
            self.over = True
            raise AssertionError(what)

    def fate(self, side: Side) -> str:
        if self.connecting == "trouble":
            return self.rng.choices(["fine", "refused", "vanishes"], [3, 2, 1])[0]
        return "fine"

    def hire(self) -> Worker:
        name = f"worker-{len(self.workers)}"
        worker = Worker(name, Governor(clock=self.timeline.moment))

        def killed() -> bool:
            return worker.killed

        worker.governor = Governor(
            self.limits,
            on_quota=self.on_quota,
            on_call=raising(self.hook),
            store=self.shared.store(killed) if self.shared else None,
            clock=self.timeline.moment,
            rng=random.Random(self.rng.random()),
        )
        self.workers.append(worker)
        return worker

    def open(self, worker: Worker) -> Client:
        name = f"client-{self.rng.randrange(3)}"
        side = Side(worker.name, name, lambda: worker.killed)
        marketo = Marketo(
            "http://127.0.0.1:1",
            client_id=name,
            client_secret="secret",
            governor=worker.governor,
            connector=lambda: self.connector(side),
        )
        self.wait(self.within(worker, marketo.__aenter__()), "opening", 0.0)
        marketo.session._rng.seed(self.rng.random())
        client = Client(worker, marketo, side)
        worker.clients.append(client)
        return client

    def under_way(self) -> list[asyncio.Task[Any]]:
        """Return the loop's tasks in the order in which they began, so that runs repeat."""
        return [task for task in self.tasks if task.get_loop() is self.loop and not task.done()]

    def connector(self, side: Side) -> Connector:
        self.connectors.append(Connector(self.network, side))
        return self.connectors[-1]

    def clients(self) -> list[Client]:
        return [client for worker in self.workers for client in worker.clients if client.open and not worker.killed]

    def client(self, pick: int) -> Client:
        return self.clients()[pick % len(self.clients())]

    def living(self) -> list[Worker]:
        return [worker for worker in self.workers if not worker.killed]

    def tag(self) -> str:
        self.numbers += 1
        return str(self.numbers)

    def call(self, client: Client, kind: str, *, timeout: float | None, priority: Priority | None = None) -> Caller:
        """Begin a call of a kind, in a task of its own."""
        marketo = client.marketo.with_options(timeout=timeout, priority=priority)
        tag = self.tag()
        calls = 1
        tags: tuple[str, ...] = (tag,)
        if kind in {"delete", "push", "merge"}:
            tags = (tag, self.tag())
        if kind == "list":
            total = self.rng.choice([0, 2, 3, 7])
            self.instance.totals[int(tag)] = total
            calls = 1 + total // 3
        if kind == "thing":
            calls = 2  # the description comes first
        if kind == "hot":
            calls, tags = 2, (str(_HOT + self.rng.randrange(2)),)  # first it waits for others that write the same
        if kind in {"email", "asset", "merge"} and self.rng.random() < 0.5:
            self.instance.in_use.add(tag)
        bound = inf if timeout is None or kind == "file" else timeout * calls
        caller = Caller(kind, tags, self.timeline.now, bound, client)
        rows = [{"email": f"{name}@example.com"} for name in tags]
        work: Callable[[], Awaitable[Any]] = {
            "get": lambda: get(marketo, tag),
            "list": lambda: drain(marketo, caller),
            "push": lambda: marketo.leads.push(rows, "Program").all(),
            "hot": lambda: marketo.leads.sync(rows, lookup_field="email").all(),
            "sync": lambda: marketo.leads.sync(rows, lookup_field="email").all(),
            "form": lambda: marketo.leads.submit_form(1, rows[0]),
            "delete": lambda: marketo.leads.delete([int(name) for name in tags]).all(),
            "trigger": lambda: marketo.campaigns.request(1, [int(name) for name in tags]).all(),
            "email": lambda: marketo.emails.delete(int(tag)),
            "asset": lambda: marketo.emails_v2.delete(tag),
            "merge": lambda: marketo.leads.merge(10**9 + int(tag), [int(name) for name in tags]).all(),
            "file": lambda: marketo.session.stream(*file_of(tag), caller.sink, Options(retry=RetryPolicy(attempts=4))),
            "thing": lambda: marketo.custom_objects.sync("thing_c", [{"key": tag}], check=False).all(),
        }[kind]

        async def begin() -> None:
            await run(caller, work(), lambda: self.timeline.now)

        caller.task = self.within(client.worker, begin())
        self.callers.append(caller)
        return caller

    # What happens

    @precondition(lambda self: self.clients())
    @rule(
        pick=_PICK,
        kind=_KIND,
        count=st.sampled_from([1, 1, 2, 5, 25]),
        timeout=_TIMEOUT,
        priority=st.sampled_from([None, *Priority]),
    )
    def calls_begin(self, pick: int, kind: str, count: int, timeout: float | None, priority: Priority | None) -> None:
        for _ in range(count):
            self.call(self.client(pick), kind, timeout=timeout, priority=priority)
        self.loop.run_for(0.0)

    @precondition(lambda self: self.clients())
    @rule(pick=_PICK, kind=_KIND)
    def another_call_begins(self, pick: int, kind: str) -> None:
        self.call(self.client(pick), kind, timeout=None)
        self.loop.run_for(0.0)

    @precondition(lambda self: self.clients())
    @rule(pick=_PICK, count=st.sampled_from([2, 10]), timeout=st.sampled_from([0.05, 0.5, 5.0]))
    def records_are_written_again(self, pick: int, count: int, timeout: float) -> None:
        """Begin writes of the same few records, which wait for each other, and the first for as long as it takes."""
        self.call(self.client(pick), "hot", timeout=None)
        for _ in range(count):
            self.call(self.client(pick), "hot", timeout=timeout)
        self.loop.run_for(0.0)

    @rule(seconds=st.floats(0.0, 1.0))
    def a_moment_passes(self, seconds: float) -> None:
        self.loop.run_for(seconds)

    @rule(seconds=_SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.loop.run_for(seconds)

    @precondition(lambda self: any(caller.waits for caller in self.callers))
    @rule(pick=st.integers(0, 63), count=st.sampled_from([1, 2, 5, 100]))
    def callers_give_up(self, pick: int, count: int) -> None:
        waiting = [caller for caller in self.callers if caller.waits]
        begun = self.timeline.now
        for caller in waiting[pick % len(waiting) :][:count]:
            caller.gave_up = True
            assert caller.task is not None
            caller.task.cancel()
            self.wait(asyncio.ensure_future(asyncio.wait([caller.task]), loop=self.loop), f"giving up {caller}", LATE)
        self.claim(self.timeline.now <= begun + count * LATE, "callers that gave up were held up")

    @rule(kind=st.sampled_from([*WEATHERS, "storm"]), connecting=st.sampled_from(["fine", "fine", "trouble"]))
    def weather_changes(self, kind: str, connecting: str) -> None:
        self.instance.weather, self.connecting = WEATHERS[kind], connecting

    @rule(number=st.integers(0, 2), state=st.sampled_from(["fine", "fine", "fine", "down", "refusing", "silent"]))
    def identity_changes(self, number: int, state: str) -> None:
        self.instance.identities[f"client-{number}"].state = state

    @rule(number=st.integers(0, 2))
    def token_dies(self, number: int) -> None:
        self.instance.identities[f"client-{number}"].dies_at = -1.0

    @rule(count=st.integers(1, 14), seconds=st.sampled_from([0.1, 3.0]))
    def others_call(self, count: int, seconds: float) -> None:
        self.instance.others_call(count, seconds)

    @rule(chance=st.integers(0, 5))
    def others_spend_the_day(self, chance: int) -> None:
        if chance == 0:
            self.instance.others_spend_the_day(midnight_after(self.timeline))

    @precondition(lambda self: len(self.clients()) < 4)
    @rule(pick=_PICK)
    def client_opens(self, pick: int) -> None:
        self.open(self.living()[pick % len(self.living())])

    @precondition(lambda self: self.shared is not None and len(self.living()) < 3)
    @rule()
    def worker_begins(self) -> None:
        self.open(self.hire())

    @precondition(lambda self: self.clients())
    @rule(pick=_PICK, grace=st.sampled_from([0.0, 0.5, 5.0]), load=st.sampled_from([0, 0, 1, 5]))
    def client_closes(self, pick: int, grace: float, load: int) -> None:
        """Close a client, with work under way or not, beside another one that wants the same slots."""
        client = self.client(pick)
        if load:
            rival = next((other for other in client.worker.clients if other.open and other is not client), None)
            rival = rival or self.open(client.worker)
            for _ in range(load):
                self.call(client, "get", timeout=None)
            self.loop.run_for(self.rng.uniform(0.0, 1.0))
            for _ in range(load):
                self.call(rival, "get", timeout=None)
            self.loop.run_for(0.0)
        self.close(client, grace)

    @precondition(lambda self: self.clients())
    @rule(how=st.sampled_from(["closed", "cancelled", "dropped"]), collected=st.sampled_from(["before", "after"]))
    def loop_ends(self, how: str, collected: str) -> None:
        """End the loop and begin another one.

        Its clients are closed first, or cancelled with what they have under way as `asyncio.run` does it, or dropped.
        What is left of it is collected *before* or *after* calls have begun on the next loop.
        """
        if how == "closed":
            for client in self.clients():
                self.close(client, 0.5)
        left, complaints = self.under_way(), len(self.faults)
        for caller in self.callers:
            caller.left |= caller.ended is None
        if how != "dropped":
            for task in left:
                task.cancel()
            if left:
                self.loop.run_until_complete(asyncio.wait(left, timeout=1.0))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            self.end_loop()
            if collected == "before":
                self.forget(left)
            self.timeline.skip(self.timeline.now + self.rng.choice([0.0, 0.1, 3.0]))
            self.new_loop()
            for worker in self.living():
                self.call(self.open(worker), "get", timeout=None)
            self.loop.run_for(0.0)
            self.forget(left)
            left.clear()
        del self.faults[complaints:]  # that a loop was left with tasks is what was meant here

    @precondition(lambda self: self.shared is not None and len(self.living()) > 1)
    @rule(pick=_PICK)
    def worker_is_killed(self, pick: int) -> None:
        worker = self.living()[pick % len(self.living())]
        worker.killed = True
        for caller in self.callers:
            caller.left |= cast(Client, caller.client).worker is worker and caller.ended is None

    @precondition(lambda self: self.way is not None)
    @rule(state=st.sampled_from(["up", "up", "slow", "lossy", "away"]))
    def store_changes(self, state: str) -> None:
        assert self.way is not None
        self.way.state = state

    @precondition(lambda self: self.way is not None)
    @rule(steps=st.sampled_from([1, 5, 20, 1000]))
    def store_goes_back(self, steps: int) -> None:
        assert self.shared is not None
        self.shared.go_back(steps)

    @precondition(lambda self: self.shared is not None and self.clients())
    @rule(pick=_PICK)
    def worker_with_other_limits_is_refused(self, pick: int) -> None:
        """Let a worker ask with other limits while calls are known: it is refused, at once and for good."""
        assert self.shared is not None
        assert self.way is not None
        if self.healthy(self.client(pick)).error is not None:
            return
        other = Governor(
            Limits(calls=self.limits.calls + 50, per=self.limits.per),
            store=self.shared.store(lambda: False),
            fallback=Limits(calls=1, per=self.limits.per),
            clock=self.timeline.moment,
        )

        async def ask() -> BaseException | None:
            try:
                await other.acquire()
            except MarketoError as error:
                return error
            return None

        asked = self.way.asked
        refused = self.wait(self.loop.create_task(ask()), "asking with other limits", 2.0)
        self.claim(isinstance(refused, ConfigurationError), f"other limits got {refused!r}")
        self.loop.run_for(1.0)
        self.claim(self.way.asked - asked < 1_000, "a store was asked without end")

    @precondition(lambda self: self.clients())
    @rule(pick=_PICK)
    def healthy_client_gets_through(self, pick: int) -> None:
        """Let one client's calls get through in time, whatever the other clients go through."""
        self.healthy(self.client(pick))

    def clear(self, client: Client) -> None:
        """Let nothing stand in the way of one client's calls."""
        self.instance.weather, self.connecting = WEATHERS["calm"], "fine"
        identity = self.instance.identities[client.side.client]
        if identity.state != "fine":
            identity.state = "fine"
            self.loop.run_for(_REMEMBERED)
        if self.way is not None:
            self.way.state = "up"
        if self.on_quota == "wait" and self.timeline.now < self.instance.spent_until:
            self.loop.run_for(self.instance.spent_until - self.timeline.now + 120.0)

    # What is promised

    def close(self, client: Client, grace: float) -> None:
        """Close a client: who waits hears of it at once, who is under way within the grace, and nothing is left."""
        client.open = False
        for caller in self.callers:
            caller.closed |= caller.client is client and caller.waits
        closing = self.within(client.worker, client.marketo.close(grace))
        self.loop.run_for(LATE)
        waiting = [caller for caller in self.callers if caller.client is client and caller.waits]
        at_most = self.limits.concurrency
        self.claim(len(waiting) <= at_most, f"{len(waiting)} wait after close(), where {at_most} can be under way")
        patience = _STORE_PATIENCE if self.shared else 0.0
        self.wait(closing, "close()", grace + patience)
        for caller in self.callers:
            if caller.client is client and caller.waits:
                caller.due = min(caller.due, self.timeline.now + LATE)
        self.loop.run_for(2 * LATE)
        self.everyone_is_answered_in_time()
        self.claim(not client.side.wires, f"{len(client.side.wires)} connections are left after close()")
        if not any(other.open for other in client.worker.clients):
            self.nothing_is_left(client.worker)

    def nothing_is_left(self, worker: Worker) -> None:
        """Hold that no waiter, task or timer of a worker is left."""
        waiting = worker.governor.snapshot().waiting
        self.claim(waiting == 0, f"{waiting} waiters are left after close()")
        if self.way is not None and self.timeline.now < self.way.failed_at + _AGAIN:
            return  # unsent reports are repeated until they arrive, or no longer count
        tasks = [task for task in self.under_way() if self.tasks.get(task) == worker.name]
        self.claim(not tasks, f"tasks are left after close(): {tasks}")
        timers = [timer for timer in self.loop.timers() if context_of(timer).get(WORKER, "") == worker.name]
        self.claim(not timers, f"timers are left after close(): {timers}")

    @invariant()
    def a_step_was_taken(self) -> None:
        steps[self.kind] += 1

    @invariant()
    def nothing_is_wrong(self) -> None:
        for what in [*self.faults, *self.instance.faults]:
            self.claim(not what, what)

    @invariant()
    def everyone_is_answered_in_time(self) -> None:
        now = self.timeline.now
        for caller in self.callers:
            late = caller.due < (now if caller.ended is None else caller.ended)
            self.claim(caller.gave_up or caller.left or not late, f"{caller} is answered {caller.lateness}")
            error = caller.error
            if error is not None and caller not in self.judged:
                other = self.errors.setdefault(id(error), (error, caller))[1]
                self.claim(other is caller, f"{caller} and {other} got the same object: {error!r}")
                self.judged.add(caller)

    def teardown(self) -> None:
        if not hasattr(self, "loop"):
            return
        try:
            if not self.over:
                self.everything_ends()
        finally:
            self.clean_up()

    def everything_ends(self) -> None:
        """Let the weather clear, and hold that everything that was begun comes to its end."""
        for client in self.clients():
            self.clear(client)
        self.loop.run_for(4 * _LONGEST_EXCHANGE)
        for caller in self.callers:
            self.claim(not caller.waits, f"{caller} never got an answer")
        for worker in self.living():
            if not any(client.open for client in worker.clients):
                self.open(worker)
        for client in self.clients():
            self.healthy(client)
        for client in self.clients():
            self.close(client, 5.0)
        self.loop.run_for(_LONGEST_EXCHANGE)
        self.nothing_is_wrong()
        for caller in self.callers:
            found = problems(caller, self.instance)
            self.claim(not found, f"{caller} {'; '.join(found)}")
            seen[type(caller.error).__name__ if caller.error else "answers" if caller.ended else "nothing"] += 1
        for worker in self.living():
            self.nothing_is_left(worker)
            left = worker.governor.snapshot().in_flight
            self.claim(left == 0 or self.shared is not None, f"{left} calls are under way for ever")
        seen["calls"] += self.instance.arrived
        seen["excused"] += self.instance.excused

    def healthy(self, client: Client) -> Caller:
        """Hold that a call gets through where nothing stands in its way."""
        self.clear(client)
        caller = self.call(client, "get", timeout=None, priority=Priority.INTERACTIVE)
        assert caller.task is not None
        self.wait(caller.task, f"{caller} of a healthy client", _PROBE)
        spent = self.timeline.now < self.instance.spent_until and isinstance(caller.error, DailyQuotaExceeded)
        self.claim(caller.error is None or spent, f"{caller} of a healthy client got {caller.error!r}")
        return caller

    def clean_up(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            left = self.under_way()
            self.end_loop()
            self.forget(left)
            left.clear()
            if self.shared is not None:
                self.shared.close()
            self.callers.clear()
            self.errors.clear()
            self.workers.clear()
        self.clocks.stop()
        self.folder.cleanup()

    def end_loop(self) -> None:
        """Close the loop, whatever is left on it."""
        self.loop.close()
        self.loop.set_exception_handler(lambda *_: None)
        for connector in self.connectors:  # nobody closes them, which is the caller's fault and not what is judged
            connector.let_go()
        self.connectors.clear()
        for worker in self.workers:
            for client in worker.clients:
                client.open = False

    def forget(self, tasks: list[asyncio.Task[Any]]) -> None:
        """End what a closed loop left, as the collector of garbage does: at any later moment, on any other loop."""
        for task in tasks:
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            coroutine = task.get_coro()
            with contextlib.suppress(RuntimeError, asyncio.CancelledError):
                coroutine.close()


def file_of(tag: str) -> tuple[Operation, Plan[bytes]]:
    """Return the call that brings a bulk file, and what it asks for."""
    return operations()["bulk.leads.file"], raw(path={"exportId": tag})


def context_of(timer: asyncio.TimerHandle) -> contextvars.Context:
    """Return the context in which a timer was set."""
    context: contextvars.Context = timer._context  # type: ignore[attr-defined]
    return context


def midnight_after(timeline: Timeline) -> float:
    """Return the next midnight in America/Chicago, which is half a day after a timeline begins."""
    days = int((timeline.now + 12 * 3600) // 86_400) + 1
    return days * 86_400 - 12 * 3600
