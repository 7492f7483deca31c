"""Stores in virtual time that can be slow, away, rolled back and lost; the state is decided by what is shipped."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections import deque
from collections.abc import Callable
from contextlib import closing
from math import inf
from pathlib import Path
from typing import Protocol

from marketo_async.errors import StoreUnavailable
from marketo_async.governor import SQLiteStore, Store
from marketo_async.governor.stores.messages import StoreReply, StoreRequest
from marketo_async.governor.stores.sqlite import LimiterFile
from tests.governor.shared_limiters import InClass, packed, unpacked_state
from tests.life.virtual import Timeline

_KEPT = 60  # states that can be gone back to


class Shared(Protocol):
    """The state that the stores of all workers share."""

    def store(self, killed: Callable[[], bool]) -> Store:
        """Return one worker's way to it."""
        ...

    def go_back(self, steps: int) -> None:
        """Forget the last *steps* decisions."""
        ...

    def close(self) -> None:
        """Let go of files."""
        ...


class Weather:
    """How the way to the store is, for all workers, and which of them know what the state has lost.

    A state that went back to before a call that nobody tells it of is excused for as long as that call counts.
    """

    def __init__(self, timeline: Timeline, rng: random.Random, counted: float) -> None:
        self.timeline, self.rng, self._counted = timeline, rng, counted
        self.state = "up"
        self.asked = 0
        self.failed_at = -inf
        self._version = 0
        self._heard: dict[str, int] = {}
        self._know: set[str] = set()  # the workers that heard what the state has forgotten
        self._forgot_at = -inf
        self._excused_until = -1.0

    def excused(self) -> bool:
        """Tell whether calls may be refused, because the store has forgotten what nobody could tell it."""
        return self.timeline.now < self._excused_until

    def went_back(self, steps: int) -> None:
        """Note that the last *steps* decisions are forgotten."""
        behind = self._version - steps
        self._know |= {worker for worker, version in self._heard.items() if version > behind}
        self._forgot_at = self.timeline.now

    def decided(self, request: StoreRequest, reply: StoreReply) -> None:
        """Note a decision: one that is taken before anybody has come who knows of those forgotten is excused."""
        self.asked += 1
        if self.timeline.now < self._forgot_at + self._counted:
            if request.worker in self._know:
                self._forgot_at = -inf
                self._know.clear()
            elif reply.ruling == 1:
                self._excused_until = self.timeline.now + self._counted
        self._version += 1

    def heard(self, request: StoreRequest) -> None:
        """Note that an answer has reached its worker."""
        self._heard[request.worker] = self._version

    def failed(self, what: str) -> StoreUnavailable:
        """Return the error of a request that got no answer."""
        self.failed_at = self.timeline.now
        return StoreUnavailable(what)

    async def travel(self) -> None:
        """Take as long as a request or an answer takes."""
        await asyncio.sleep(self.rng.uniform(0.0, 0.5 if self.state == "slow" else 0.02))


class _Handle:
    """One worker's way to a shared state."""

    lease: float | None = None

    def __init__(self, weather: Weather, killed: Callable[[], bool]) -> None:
        self.weather, self.killed = weather, killed

    async def ask(self, request: StoreRequest) -> StoreReply:
        weather = self.weather
        await weather.travel()
        if self.killed():
            await asyncio.Event().wait()
        lost = weather.rng.random() if weather.state == "lossy" else 1.0
        if weather.state == "away" or lost < 0.25:
            raise weather.failed("the store is out of reach")
        reply = await self.decide(request)
        weather.decided(request, reply)
        await weather.travel()
        if self.killed():
            await asyncio.Event().wait()
        if lost < 0.5:
            raise weather.failed("the answer was lost")
        weather.heard(request)
        return reply

    async def decide(self, request: StoreRequest) -> StoreReply:
        raise NotImplementedError

    async def close(self) -> None:
        pass


class InMemory:
    """The class itself, without a server; as with one, a state that is lost rests, and one that went back has moved.

    *moves* is whether the place where a state is found changes when it goes back, as with a failover. Where it does not
    change, as when a dump is restored, only those who know what is missing can notice.
    """

    def __init__(self, weather: Weather, *, moves: bool) -> None:
        self.weather = weather
        self._moves, self._home = moves, 0
        self._decider = InClass(paused=True)
        self._states: deque[bytes | None] = deque([None], maxlen=_KEPT)

    def store(self, killed: Callable[[], bool]) -> Store:
        shared, timeline = self, self.weather.timeline

        class Handle(_Handle):
            async def decide(self, request: StoreRequest) -> StoreReply:
                reply = shared._decider.decide(request, timeline.now, timeline.moment(), f"home-{shared._home}")
                assert shared._decider.shared is not None
                shared._states.append(packed(shared._decider.shared))
                return reply

        return Handle(self.weather, killed)

    def go_back(self, steps: int) -> None:
        """Forget the last *steps* decisions."""
        steps = min(steps, len(self._states) - 1)
        for _ in range(steps):
            self._states.pop()
        state = self._states[-1]
        self._decider.shared = None if state is None else unpacked_state(state)
        if self._moves:
            self._home += 1
        elif state is not None:
            self.weather.went_back(steps)

    def close(self) -> None:
        pass


class OnDisk:
    """A real SQLite file, with the thread that each store has; one decision at a time, so that runs repeat."""

    def __init__(self, weather: Weather, folder: Path) -> None:
        self.weather = weather
        self._path = folder / "limits.db"
        self._states: deque[list[tuple[object, ...]]] = deque([[]], maxlen=_KEPT)
        self._stores: list[SQLiteStore] = []
        self._turn: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    def store(self, killed: Callable[[], bool]) -> Store:
        shared, timeline = self, self.weather.timeline
        inner = SQLiteStore(self._path)
        inner._file = LimiterFile(self._path, patience=5.0, clock=lambda: timeline.now, moment=timeline.moment)
        self._stores.append(inner)

        class Handle(_Handle):
            async def decide(self, request: StoreRequest) -> StoreReply:
                async with shared._lock():
                    with timeline.thread():
                        reply = await inner.ask(request)
                    shared._states.append(shared._rows())
                return reply

            async def close(self) -> None:
                async with shared._lock():
                    with timeline.thread():
                        await inner.close()

        return Handle(self.weather, killed)

    def go_back(self, steps: int) -> None:
        """Restore an older state, as from a backup."""
        steps = min(steps, len(self._states) - 1)
        for _ in range(steps):
            self._states.pop()
        with closing(sqlite3.connect(self._path, isolation_level=None)) as file:
            if self._states[-1] or file.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
                file.execute("DELETE FROM shared_limiter")
                for row in self._states[-1]:
                    file.execute("INSERT INTO shared_limiter VALUES (?, ?)", row)
        self.weather.went_back(steps)

    def close(self) -> None:
        for store in self._stores:
            store._file.close()

    def _lock(self) -> asyncio.Lock:
        loop = asyncio.get_running_loop()
        if self._turn is None or self._turn[0] is not loop:
            self._turn = loop, asyncio.Lock()
        return self._turn[1]

    def _rows(self) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self._path)) as file:
            return file.execute("SELECT * FROM shared_limiter").fetchall()
