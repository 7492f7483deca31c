"""A sandbox whose loop runs in a thread, as blocking tests have none, and a blocking client of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from anyio.from_thread import start_blocking_portal

from marketo_async import Governor, Limits, RetryPolicy
from marketo_async.sandbox import InstanceLimits, Sandbox
from marketo_async.sync import Marketo

Start = Callable[..., Sandbox]
GENEROUS = InstanceLimits(calls=10_000, concurrency=100, daily=1_000_000)


@pytest.fixture
def start() -> Iterator[Start]:
    """Start sandboxes that are stopped at the end of the test."""
    with ExitStack() as stack:
        portal = stack.enter_context(start_blocking_portal())

        def started(**knobs: object) -> Sandbox:
            given: dict[str, object] = {"leads": 1000, "limits": GENEROUS, **knobs}
            make: Callable[[], Sandbox] = partial(Sandbox, **given)  # type: ignore[arg-type]
            return stack.enter_context(portal.wrap_async_context_manager(portal.call(make)))

        yield started


@pytest.fixture
def sandbox(start: Start) -> Sandbox:
    return start()


def client_of(sandbox: Sandbox, **options: object) -> Marketo:
    """Return a blocking client of *sandbox* that is not open yet."""
    given: dict[str, object] = {
        "client_id": sandbox.client_id,
        "client_secret": sandbox.client_secret,
        "munchkin_id": sandbox.munchkin_id,
        "ingestion_url": sandbox.ingestion_url,
        "governor": Governor(Limits(calls=10_000)),
        "retry": RetryPolicy(base=0.001, cap=0.002),
        **options,
    }
    return Marketo(sandbox.base_url, **given)  # type: ignore[arg-type]


@pytest.fixture
def marketo(sandbox: Sandbox) -> Iterator[Marketo]:
    with client_of(sandbox) as client:
        yield client
