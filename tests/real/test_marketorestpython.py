"""marketorestpython, the most used Python client, over all of its methods that do anything."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.environments import environment

STORY = Path(__file__).with_name("marketorestpython_story.py")
LIMITLESS = InstanceLimits(calls=10**9, concurrency=10**6, daily=10**9)

# Methods of the client that make no call, or are none of the API.
APART = {"execute", "authenticate", "process_lead_activity_until_datetime"}
# Methods that the client declares and leaves empty.
EMPTY = {
    "sync_named_accounts",
    "delete_named_accounts",
    "add_named_account_list_members",
    "remove_named_account_list_members",
    "sync_named_account_lists",
    "delete_named_account_lists",
}
_METHODS = (
    "from marketorestpython.client import MarketoClient as C;"
    "print(*[n for n, f in vars(C).items() if callable(f) and not n.startswith('_')])"
)


def output_of(*command: str) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_every_method_comes_to_the_end_that_is_expected(tmp_path: Path) -> None:
    python = await asyncio.to_thread(environment, tmp_path, "marketorestpython==0.5.25")
    listed = await asyncio.to_thread(output_of, str(python), "-c", _METHODS)
    async with Sandbox(leads=50, activities=500, limits=LIMITLESS) as sandbox:
        access = sandbox.base_url, sandbox.client_id, sandbox.client_secret
        told = await asyncio.to_thread(output_of, str(python), str(STORY), *access)
    lines = [json.loads(line) for line in told.splitlines()]
    wrong = [f"{line['method']}: {line['outcome']}" for line in lines if line["outcome"] != "ok"]

    assert wrong == []
    assert set(listed.split()) - APART - EMPTY == set(Counter(line["method"] for line in lines))
    assert sandbox.stats.errors["610"] == 0  # it asks for no path that the sandbox does not know
