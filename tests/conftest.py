"""Fixtures of the whole suite: clients that retry without delay, and the two stand-ins for Marketo."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec

import pytest
from hypothesis import settings

from marketo_async import Marketo, RetryPolicy
from tests.wire import CLIENT_ID, CLIENT_SECRET, ORIGIN, MockedMarketo

Client = Callable[..., Marketo]

# How long an example takes depends on the load of the machine; the time-out of pytest bounds each test.
settings.register_profile("suite", deadline=None)
settings.load_profile("suite")

# Tests that need an extra, or a tool of the test extra, are left out where that is not installed; `.ci/run` has all.
_NEEDS = {
    "typer": ["cli", "test_examples.py", "test_readme.py"],
    "redis": [
        "governor/test_shared_limiter.py",
        "governor/test_shared_limiter_property.py",
        "governor/test_shared_limiter_script.py",
        "governor/test_governor_property.py",
        "governor/test_store_client.py",
        "governor/test_processes.py",
        "governor/test_stores.py",
        "governor/test_stores_lost.py",
        "benchmarks",
        "test_examples.py",
    ],
    "pyarrow": ["bulk/test_export.py", "bulk/test_tables.py", "bulk/test_batches.py"],
    "dlt": ["mirror", "cli/test_mirror.py"],
    "mypy": ["test_readme.py", "test_typing.py"],
}
_MISSING = [name for name in _NEEDS if find_spec(name) is None]
collect_ignore = [path for name in _MISSING for path in _NEEDS[name]]


def pytest_report_header() -> list[str]:
    """Say what is left out."""
    return [f"{name} is not installed, so these are left out: {', '.join(_NEEDS[name])}" for name in _MISSING]


def pytest_configure() -> None:
    """Say that there is no current event loop: looptime asks for it before every test, sync ones too.

    It would be made then, and closed by nobody: a ResourceWarning in whatever test collects the garbage.
    """
    asyncio.set_event_loop(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each slow test five minutes, because others run beside it; a time-out of its own stays."""
    for item in items:
        if item.get_closest_marker("slow") and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(300))


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
