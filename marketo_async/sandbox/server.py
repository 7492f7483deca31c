"""`Sandbox`: a Marketo instance on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from aiohttp import web

from marketo_async.sandbox.clock import SandboxClock
from marketo_async.sandbox.exchange import Exchange
from marketo_async.sandbox.families import FAMILIES
from marketo_async.sandbox.faults import Fault, FaultPlan
from marketo_async.sandbox.gate import Gate
from marketo_async.sandbox.identity import ApiUser, Identity
from marketo_async.sandbox.ingestion import INGESTION_PATH, Ingestion
from marketo_async.sandbox.latency import Latency
from marketo_async.sandbox.limits import InstanceLimits, Limits
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.routing import Router
from marketo_async.sandbox.seeding import seeded_instance, seeded_rng
from marketo_async.sandbox.stats import Stats
from marketo_async.sandbox.traffic import Traffic

Answerer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

# Long request targets must reach the sandbox, so that it can refuse them.
_LONGEST_LINE = 1_048_576
_SHUTDOWN_SECONDS = 0.2


class Sandbox:
    """A Marketo instance that listens on loopback while the context is open.

    ``leads`` and ``activities`` are records, or numbers to generate; ``lists`` maps list ids to lead ids, by default
    one list 1001 of every lead. ``latency`` is real seconds, a mean with a spread, or a function of the random
    numbers, method and path; only such a function applies to identity calls too. ``traffic`` makes live events
    while the sandbox listens.
    """

    def __init__(  # noqa: PLR0913 - each is a knob of its own
        self,
        *,
        leads: int | Iterable[Mapping[str, object]] = 1_000,
        activities: int | Iterable[Mapping[str, object]] = 1_000,
        activity_days: float = 1.0,
        lists: Mapping[int, Iterable[int]] | None = None,
        limits: Limits | None = None,
        quirks: Quirks | None = None,
        seed: int = 7,
        faults: Iterable[Fault] = (),
        latency: Latency = 0.0,
        clock: SandboxClock | None = None,
        traffic: Traffic | None = None,
        permissions: frozenset[str] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.clock = clock or SandboxClock()
        self.limits = InstanceLimits.of(limits or InstanceLimits())
        self.quirks = quirks or Quirks()
        self.stats = Stats()
        self.instance = seeded_instance(
            leads=leads,
            activities=activities,
            activity_days=activity_days,
            lists=lists,
            seed=seed,
            quirks=self.quirks,
            clock=self.clock,
        )
        self._identity = Identity(
            self.clock,
            seeded_rng(seed, "identity"),
            life=self.limits.token_life,
            always_602=self.quirks.always_602,
        )
        self.user = self.add_user("api.user@sandbox.example", permissions)
        self._faults = FaultPlan(list(faults), seeded_rng(seed, "faults"))
        self._exchange = Exchange(
            self.instance,
            Router(FAMILIES),
            Gate(self.limits, self.clock, self.stats),
            self._identity,
            self._faults,
            self.limits,
            self.stats,
            latency,
            seeded_rng(seed, "exchange"),
        )
        self.instance.overlaps.seen = self.stats.overlaps
        self.instance.inbox.daily_objects = self.limits.ingestion_daily
        self.instance.exports.daily_bytes = self.limits.export_daily_bytes
        self._ingestion = Ingestion(
            self.instance,
            self._identity,
            self._faults,
            self.limits,
            self.stats,
            latency,
            seeded_rng(seed, "ingestion"),
        )
        self.traffic = traffic
        self._events: asyncio.Task[None] | None = None
        self._host = host
        self._port = port
        self._ingestion_port = 0
        self._listening: AsyncExitStack | None = None

    def __repr__(self) -> str:
        where = self.base_url if self._listening is not None else "not started"
        return f"Sandbox({where}, {len(self.instance.leads)} leads, {len(self.instance.activities)} activities)"

    @property
    def base_url(self) -> str:
        """The origin of all paths, without a trailing slash."""
        return self._origin(self._port)

    @property
    def ingestion_url(self) -> str:
        """An origin that serves only data ingestion; ``base_url`` serves it too."""
        return self._origin(self._ingestion_port)

    @property
    def client_id(self) -> str:
        """The client id of the first API user."""
        return self.user.client_id

    @property
    def client_secret(self) -> str:
        """The client secret of the first API user."""
        return self.user.client_secret

    @property
    def munchkin_id(self) -> str:
        """The Munchkin account id of the instance."""
        return self.instance.munchkin_id

    @property
    def faults(self) -> list[Fault]:
        """The faults in force; change the list at any time."""
        return self._faults.faults

    def add_user(self, login: str, permissions: frozenset[str] | None = None) -> ApiUser:
        """Create another API user with its own credentials; by default it has all permissions."""
        if self.instance.users.find(login) is None:
            self.instance.users.add_api_user(login, self.clock.time())
        return self._identity.add_user(login, permissions)

    async def start(self) -> None:
        """Start to listen; port 0 takes any free port."""
        async with AsyncExitStack() as stack:
            self._port = await self._listen(stack, self._exchange.answer, self._port)
            self._ingestion_port = await self._listen(stack, self._ingestion.answer, self._ingestion_port)
            self._listening = stack.pop_all()
        if self.traffic is not None:
            self._events = asyncio.get_running_loop().create_task(self.traffic.run(self.instance))

    async def stop(self) -> None:
        """Stop listening; calls in flight are cut off after a moment."""
        if self._events is not None:
            events, self._events = self._events, None
            events.cancel()
            await asyncio.wait([events])
        if self._listening is not None:
            listening, self._listening = self._listening, None
            await listening.aclose()

    async def serve_forever(self) -> None:
        """Listen until the task is cancelled, for a command that does nothing else."""
        async with self:
            await asyncio.Event().wait()

    async def _listen(self, stack: AsyncExitStack, answer: Answerer, port: int) -> int:
        async def settled(http: web.BaseRequest) -> web.StreamResponse:
            self.instance.settle()
            at_ingestion = http.raw_path.startswith(INGESTION_PATH)
            return await (self._ingestion.answer if at_ingestion else answer)(http)

        runner = web.ServerRunner(
            web.Server(settled, access_log=None, max_line_size=_LONGEST_LINE), shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, self._host, port).start()
        return int(runner.addresses[0][1])

    def _origin(self, port: int) -> str:
        if self._listening is None:
            raise RuntimeError("the sandbox has no address before it starts; use `async with Sandbox()`")
        return f"http://{self._host}:{port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()
        self.instance.exports.close()
