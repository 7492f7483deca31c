"""A client of a sandbox whose limits never make anybody wait, for the tests of writes."""

from __future__ import annotations

from marketo_async import Governor, Limits, Marketo, RetryPolicy
from marketo_async.sandbox import InstanceLimits, Sandbox

GENEROUS = InstanceLimits(calls=100_000, daily=1_000_000)


def client_of(sandbox: Sandbox, *, concurrency: int = 10) -> Marketo:
    """Return a client that repeats at once."""
    return Marketo(
        sandbox.base_url,
        client_id=sandbox.client_id,
        client_secret=sandbox.client_secret,
        governor=Governor(Limits(calls=100_000, concurrency=concurrency)),
        retry=RetryPolicy(base=0.001, cap=0.002),
    )
