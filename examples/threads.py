"""Blocking workers: any number of threads share one client, which keeps the instance's limits for all of them.

Without MARKETO_* in the environment, it uses a sandbox on this machine, with windows of 1.5 s in place of Marketo's 20.
Set MARKETO_BASE_URL (or MARKETO_MUNCHKIN_ID), MARKETO_CLIENT_ID and MARKETO_CLIENT_SECRET to use your instance; it only
reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from anyio.from_thread import start_blocking_portal

from marketo_async import Governor, Limits
from marketo_async.sandbox import InstanceLimits, Sandbox
from marketo_async.sync import Marketo

THREADS, CALLS = 32, 400
SHORT = 1.5  # seconds of the sandbox's window


def work(marketo: Marketo) -> None:
    """Look up many leads, each with its own call, as the workers of a shop would."""
    with ThreadPoolExecutor(THREADS) as pool:
        found = sum(lead is not None for lead in pool.map(marketo.leads.get, range(1, CALLS + 1)))
    print(f"{THREADS} threads found {found} leads with {CALLS} calls; refusals: {marketo.snapshot().refusals}")

    # A listing is an ordinary iterable: the next page is fetched while you work on this one.
    for page in marketo.leads.by_filter("id", range(1, CALLS + 1), fields=["id"]).pages():
        print(f"a page of {len(page.items)} leads")


@contextmanager
def client() -> Iterator[Marketo]:
    """Open a client of the instance in the environment, or of a sandbox whose loop runs in a thread."""
    if any(name.startswith("MARKETO_") for name in os.environ):
        with Marketo.from_env() as marketo:
            yield marketo
        return
    print("No MARKETO_* in the environment: this is a sandbox on this machine.")
    with start_blocking_portal() as portal:
        sandbox = portal.call(partial(Sandbox, leads=CALLS, limits=InstanceLimits(per=SHORT), latency=0.05))
        governor = Governor(Limits(per=SHORT))
        with (
            portal.wrap_async_context_manager(sandbox),
            Marketo(
                sandbox.base_url,
                client_id=sandbox.client_id,
                client_secret=sandbox.client_secret,
                governor=governor,
            ) as marketo,
        ):
            yield marketo
            print(f"the sandbox refused {sum(sandbox.stats.refused.values())} of {sandbox.stats.calls} calls")


if __name__ == "__main__":
    with client() as opened:
        work(opened)
