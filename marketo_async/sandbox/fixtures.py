"""Pytest fixtures for users: put ``pytest_plugins = ["marketo_async.sandbox.fixtures"]`` into a conftest.

This is the one module of the sandbox that needs pytest and pytest-asyncio.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol, TypedDict, Unpack

import pytest_asyncio

from marketo_async.sandbox.clock import SandboxClock
from marketo_async.sandbox.faults import Fault
from marketo_async.sandbox.latency import Latency
from marketo_async.sandbox.limits import InstanceLimits, Limits
from marketo_async.sandbox.quirks import Quirks
from marketo_async.sandbox.server import Sandbox
from marketo_async.sandbox.traffic import Traffic

GENEROUS = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)


class Knobs(TypedDict, total=False):
    """The arguments of a sandbox, all of them optional."""

    leads: int | Iterable[Mapping[str, object]]
    activities: int | Iterable[Mapping[str, object]]
    activity_days: float
    lists: Mapping[int, Iterable[int]] | None
    limits: Limits | None
    quirks: Quirks | None
    seed: int
    faults: Iterable[Fault]
    latency: Latency
    clock: SandboxClock | None
    traffic: Traffic | None
    permissions: frozenset[str] | None
    host: str
    port: int


class SandboxFactory(Protocol):
    """Starts a sandbox that is stopped at the end of the test."""

    async def __call__(self, **knobs: Unpack[Knobs]) -> Sandbox:
        """Return a running sandbox."""
        ...


@pytest_asyncio.fixture
async def marketo_sandbox_factory() -> AsyncIterator[SandboxFactory]:
    """Start sandboxes for a test; by default small ones with generous limits."""
    async with AsyncExitStack() as stack:

        async def start(**knobs: Unpack[Knobs]) -> Sandbox:
            given: Knobs = {"leads": 100, "activities": 200, "limits": GENEROUS}
            given.update(knobs)
            return await stack.enter_async_context(Sandbox(**given))

        yield start


@pytest_asyncio.fixture
async def marketo_sandbox(marketo_sandbox_factory: SandboxFactory) -> Sandbox:
    """Start a sandbox with a hundred leads and limits that tests do not reach by accident."""
    return await marketo_sandbox_factory()
