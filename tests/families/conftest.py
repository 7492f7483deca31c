"""A sandbox with room for every call, a client of it, and a client of scripted answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN, MockedMarketo, done, ok

Tell = Callable[..., Marketo]
NOTHING = done(errors=[], warnings=["No assets found for the given search criteria."])


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(limits=InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)) as instance:
        yield instance


@pytest.fixture
async def marketo(sandbox: Sandbox) -> AsyncIterator[Marketo]:
    client = Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        munchkin_id=sandbox.munchkin_id,
        ingestion_url=sandbox.ingestion_url,
        governor=Governor(Limits(calls=10_000)),
        retry=RetryPolicy(base=0.001, cap=0.002),
    )
    async with client:
        yield client


@pytest.fixture
async def tell(mocked: MockedMarketo) -> AsyncIterator[Tell]:
    """Return a client whose every call is answered with the records given, or as Marketo says that there are none."""
    async with Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET) as client:

        def told(*records: object) -> Marketo:
            mocked.script = [ok(*records, errors=[], warnings=[]) if records else NOTHING]
            return client

        yield told
