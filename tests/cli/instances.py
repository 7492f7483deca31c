"""A sandbox on a thread of its own, so that the command can have the main one, and a process as well."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
from anyio.from_thread import BlockingPortal, start_blocking_portal

from marketo_async import Marketo
from marketo_async.sandbox import Fault, InstanceLimits, Quirks, Sandbox, Traffic

_HELD = 60.0
_LISTINGS = ("/leads.json", "/activities.json")


class Brake:
    """Lets so many pages through and holds the others back for longer than any test lasts.

    ``at_the_last`` is called when the last page that is let through is asked for.
    """

    def __init__(self) -> None:
        self.pages: int | None = None
        self.at_the_last: Callable[[], None] | None = None

    def __call__(self, rng: random.Random, method: str, path: str) -> float:
        if self.pages is None or not path.endswith(_LISTINGS):
            return 0.0
        self.pages -= 1
        left, at_the_last = self.pages, self.at_the_last
        if left == 0 and at_the_last is not None:
            at_the_last()
        return _HELD if left < 0 else 0.0

    def release(self) -> None:
        self.pages = self.at_the_last = None


class Instance:
    """One running sandbox, and the environment that points the command at it."""

    def __init__(self, sandbox: Sandbox, brake: Brake, portal: BlockingPortal) -> None:
        self.sandbox = sandbox
        self.brake = brake
        self._portal = portal
        self.environment = {
            "MARKETO_BASE_URL": sandbox.base_url,
            "MARKETO_CLIENT_ID": sandbox.client_id,
            "MARKETO_CLIENT_SECRET": sandbox.client_secret,
        }

    @property
    def calls(self) -> int:
        return self.sandbox.stats.calls

    def hang_up(self) -> None:
        """Break every connection, and answer at once from then on."""
        self.brake.release()
        self._portal.call(self.sandbox.stop)
        self._portal.call(self.sandbox.start)

    def add_leads(self, *emails: str) -> list[int]:
        """Create leads, each with a New Lead activity."""

        async def sync() -> list[int]:
            async with Marketo.from_env(self.environment) as marketo:
                results = await marketo.leads.sync([{"email": email} for email in emails])
            return [result.id for result in results if result.id is not None]

        return self._portal.call(sync)


@contextmanager
def running(
    *,
    leads: int = 900,
    activities: int = 900,
    daily: int = 50_000,
    faults: tuple[Fault, ...] = (),
    permissions: frozenset[str] | None = None,
    traffic: Traffic | None = None,
    quirks: Quirks | None = None,
) -> Iterator[Instance]:
    """Run a sandbox whose window is wide enough for one run after the other."""
    brake = Brake()
    sandbox = Sandbox(
        leads=leads,
        activities=activities,
        limits=InstanceLimits(calls=100_000, daily=daily),
        latency=brake,
        faults=faults,
        permissions=permissions,
        traffic=traffic,
        quirks=quirks,
    )
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(sandbox):
        yield Instance(sandbox, brake, portal)


def records(lines: bytes) -> list[dict[str, object]]:
    """Read JSON lines, every one of which has to be whole."""
    assert not lines or lines.endswith(b"\n")
    return [msgspec.json.decode(line, type=dict[str, object]) for line in lines.splitlines()]
