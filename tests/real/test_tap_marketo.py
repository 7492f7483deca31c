"""tap-marketo, the Singer tap that Stitch and Meltano run: what it discovers, and a sync of all of its streams."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.environments import environment

TAP = Path(__file__).with_name("tap_marketo_here.py")
LIMITLESS = InstanceLimits(calls=10**9, concurrency=10**6, daily=10**9)
STREAMS = {"activity_types", "leads", "campaigns", "lists", "programs"}


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_it_discovers_and_syncs_every_stream(tmp_path: Path) -> None:
    python = await asyncio.to_thread(environment, tmp_path, "tap-marketo==2.9.4")
    leads = [{"email": f"lead{number}@example.com"} for number in range(50)]  # created now, within the days asked for
    async with Sandbox(leads=leads, activities=300, limits=LIMITLESS) as sandbox:
        config = {
            "endpoint": f"https://{sandbox.munchkin_id}.mktorest.com/rest",
            "client_id": sandbox.client_id,
            "client_secret": sandbox.client_secret,
            "start_date": (datetime.now(UTC) - timedelta(days=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "poll_interval": 0.1,
        }
        (tmp_path / "config.json").write_text(json.dumps(config))

        async def tap(*arguments: str) -> list[str]:
            command = [str(python), str(TAP), sandbox.base_url, "--config", "config.json", *arguments]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
            assert done.returncode == 0, done.stderr[-3_000:]
            return done.stdout.splitlines()

        catalog: dict[str, Any] = json.loads("".join(await tap("--discover")))
        activities = {stream["tap_stream_id"] for stream in catalog["streams"]} - STREAMS
        for stream in catalog["streams"]:
            for entry in stream["metadata"]:
                entry["metadata"]["selected"] = True
        (tmp_path / "catalog.json").write_text(json.dumps(catalog))
        messages = [json.loads(line) for line in await tap("--properties", "catalog.json")]
        kinds = {activity.activity_type_id for activity in sandbox.instance.activities}
        expected = sorted(activity.marketo_guid for activity in sandbox.instance.activities)

    records = Counter(message["stream"] for message in messages if message["type"] == "RECORD")
    assert {stream["tap_stream_id"] for stream in catalog["streams"]} >= STREAMS
    assert len(activities) >= len(kinds)
    assert {message["stream"] for message in messages if message["type"] == "SCHEMA"} == STREAMS | activities
    # The tap asks again for days that it has, so a lead may come twice; none is missing.
    found = {
        message["record"]["id"] for message in messages if message["type"] == "RECORD" and message["stream"] == "leads"
    }
    assert len(found) == 50
    assert all(records[name] for name in STREAMS)
    guids = [
        message["record"]["marketoGUID"]
        for message in messages
        if message["type"] == "RECORD" and message["stream"] in activities
    ]
    assert sorted(set(guids)) == expected
    assert sandbox.stats.errors["606"] + sandbox.stats.errors["610"] == 0
