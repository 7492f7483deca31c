"""Fixtures of the whole suite: clients that retry without delay, and the two stand-ins for Marketo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from marketo_async import Marketo, RetryPolicy
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN, MockedMarketo

Client = Callable[..., Marketo]


def pytest_configure() -> None:
    """Say that there is no current event loop: looptime asks for it before every test, sync ones too.

    It would be made then, and closed by nobody: a ResourceWarning in whatever test collects the garbage.
    """
    asyncio.set_event_loop(None)


@pytest.fixture
def fast() -> RetryPolicy:
    """A policy whose delays can't be felt, for tests in real time."""
    return RetryPolicy(attempts=4, few=2, base=0.001, cap=0.002)


@pytest.fixture
def client(fast: RetryPolicy) -> Client:
    """Make clients with made-up credentials; they retry at once."""
    return partial(Marketo, client_id=CLIENT_ID, client_secret=CLIENT_SECRET, retry=fast)


@pytest.fixture
def mocked() -> Iterator[MockedMarketo]:
    """Marketo in memory, in aiohttp's place: time may be virtual."""
    with MockedMarketo() as marketo:
        yield marketo


@pytest.fixture
def patient() -> Marketo:
    """A client of the mocked Marketo with the default policy, for tests in virtual time."""
    return Marketo(ORIGIN, client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
