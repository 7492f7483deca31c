"""A mirror beside tap-marketo, the Singer tap that Stitch and Meltano run, on the same sandbox. See ``mirror``.

Both load the instance, then operations happen, a tenth of their activities committed up to two seconds late, and both
run once more. The tap runs in an environment of its own, with its address changed and nothing else.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import venv
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.elsewhere import Where
from benchmarks.mirror_tables import Tables
from benchmarks.mirror_worker import Order, Outcome
from benchmarks.report import Figure, exactly, info
from marketo_async.sandbox import InstanceLimits, Quirks, Sandbox, Traffic

_TAP = "tap-marketo==2.9.4"
_MOST_SECONDS = 300
_MAIN = """
import sys, tap_marketo
from tap_marketo.client import Client
base_url = sys.argv.pop(1)
Client.get_url = lambda _, url: f"{base_url}/{url}"
tap_marketo.main()
"""
_LIMITS = InstanceLimits(calls=10**6, concurrency=100, daily=10**9)
_OWN = {"activity_types", "campaigns", "lists", "programs"}

Worker = Callable[[Order], Awaitable[Outcome | None]]


class Tap:
    """tap-marketo in an environment of its own, and what it has written so far."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = folder / "tap" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        self.leads: set[int] = set()
        self.guids: set[str] = set()
        self._state: dict[str, Any] = {}

    def install(self) -> str:
        """Install the tap; return why that can't be done, nothing if it is."""
        venv.create(self._folder / "tap", with_pip=True)
        command = [str(self._python), "-m", "pip", "install", "-q", "--disable-pip-version-check", _TAP]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_MOST_SECONDS, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            return f"it did not install within {_MOST_SECONDS} s"
        return "" if done.returncode == 0 else "it can't be installed here"

    def sync(self, sandbox: Sandbox) -> None:
        """Discover the streams, and run all of them from where the last run ended."""
        config = {
            "endpoint": f"https://{sandbox.munchkin_id}.mktorest.com/rest",
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
            "start_date": (datetime.now(UTC) - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "poll_interval": 0.1,
        }
        (self._folder / "config.json").write_text(json.dumps(config))
        (self._folder / "state.json").write_text(json.dumps(self._state))
        catalog = json.loads("".join(self._run(sandbox, "--discover")))
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                entry["metadata"]["selected"] = True
        (self._folder / "catalog.json").write_text(json.dumps(catalog))
        for line in self._run(sandbox, "--properties", "catalog.json", "--state", "state.json"):
            message = json.loads(line)
            if message["type"] == "STATE":
                self._state = message["value"]
            elif message["type"] == "RECORD" and message["stream"] == "leads":
                self.leads.add(int(message["record"]["id"]))
            elif message["type"] == "RECORD" and message["stream"] not in _OWN:
                self.guids.add(message["record"]["marketoGUID"])

    def _run(self, sandbox: Sandbox, *arguments: str) -> list[str]:
        command = [str(self._python), "-c", _MAIN, sandbox.base_url, "--config", "config.json", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self._folder, check=True)  # noqa: S603
        return done.stdout.splitlines()


def exported(sandbox: Sandbox) -> int:
    """Return the bytes of all exports of a sandbox."""
    return sum(job.size for job in sandbox.instance.exports._jobs.values())  # noqa: SLF001


async def beside(leads: int, activities: int, events: int, folder: Path, worker: Worker) -> list[Figure]:
    """Run both twice, with events between, and count what each lacks."""
    tap = Tap(folder)
    reason = await asyncio.to_thread(tap.install)
    if reason:
        return [info("beside tap-marketo", f"not measured: {reason}")]
    traffic = Traffic(rate=0)
    quirks = Quirks(export_wait=0.0, export_seconds=0.005, late_share=0.1, late_by=(0.0, 2.0))
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    people = [{"email": f"lead{number}@example.com", "createdAt": now} for number in range(leads)]
    async with Sandbox(leads=people, activities=activities, limits=_LIMITS, quirks=quirks, traffic=traffic) as sandbox:
        traffic.join(sandbox.instance)
        order = Order(
            where=Where(sandbox.base_url, sandbox.client_id, sandbox.client_secret),
            target=f"duckdb:///{folder / 'beside.duckdb'}",
            folder=str(folder / "beside"),
            tables=["leads", "lead_deletions", "activities"],
            quick=True,
        )
        calls: dict[str, int] = defaultdict(int)
        megabytes: dict[str, float] = defaultdict(float)

        async def both() -> None:
            for name in ("tap-marketo", "mirror"):
                before, size = sandbox.stats.calls, exported(sandbox)
                if name == "mirror":
                    await worker(order)
                else:
                    await asyncio.to_thread(tap.sync, sandbox)
                calls[name] += sandbox.stats.calls - before
                megabytes[name] += (exported(sandbox) - size) / 1e6

        await both()
        for _ in range(events):
            traffic.happen()
            await asyncio.sleep(0)
        await both()  # some are not committed yet
        await asyncio.sleep(3.0)
        await both()
        instance = sandbox.instance
        truth = {one.marketo_guid for one in instance.activities}
        alive = set(instance.leads.ids())
        held = Tables(folder / "beside.duckdb")
        ours = {lead_id for (lead_id,) in held.rows("SELECT id FROM leads")}
        deletions = {activity.marketo_guid for activity in instance.activities if activity.activity_type_id == 37}  # noqa: PLR2004
    figures = [exactly("mirror: activities missed", len(truth - held.guids()), 0, quoted=True)]
    figures += [
        exactly("mirror: leads missed; kept although deleted", len(alive - ours) + len(ours - alive), 0, quoted=True),
        info("tap-marketo: activities missed", f"{len(truth - deletions - tap.guids):,}", quoted=True),
        info("tap-marketo: leads kept although deleted", f"{len(tap.leads - alive):,}", quoted=True),
        info("tap-marketo: leads missed", f"{len(alive - tap.leads):,}", quoted=True),
    ]
    return figures + [
        info(f"{name}: calls and MB of three runs", f"{calls[name]:,}; {megabytes[name]:.1f}", quoted=True)
        for name in calls
    ]
