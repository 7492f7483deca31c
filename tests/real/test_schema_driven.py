"""schemathesis over the official OpenAPI files: whatever they allow, the sandbox answers, and not with a 5xx."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import aiohttp
import pytest

from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.environments import environment

FILES = Path(__file__).resolve().parents[3] / "shared" / "marketo-openapi"
LIMITLESS = InstanceLimits(calls=10**9, concurrency=10**6, daily=10**9)
SECONDS = {"mapi": 30, "asset": 40, "user": 15, "data-ingestion": 8}  # two minutes in all, with starting it

# Answers of 5xx that the sandbox means, by operation.
MEANT = {
    "POST /userservice/management/v1/users/{userid}/delete.json": "user management answers 611 with HTTP 500, and the"
    " user that the calls are made with cannot be deleted",
}


async def token_of(sandbox: Sandbox) -> str:
    asked = {"grant_type": "client_credentials", "client_id": sandbox.client_id, "client_secret": sandbox.client_secret}
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{sandbox.base_url}/identity/oauth/token", params=asked) as answer,
    ):
        return str((await answer.json())["access_token"])


def failures(report: Path) -> list[str]:
    """Return what a report says has failed, or could not be sent, a line for each operation."""
    return [
        f"{case.get('name')}: {' '.join((found.get('message') or found.text or '').split())[:400]}"
        for case in ET.parse(report).iter("testcase")  # noqa: S314 - written by the run above
        for found in (*case.findall("failure"), *case.findall("error"))
    ]


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_whatever_the_files_allow_is_answered(tmp_path: Path) -> None:
    if not FILES.exists():
        pytest.skip(f"the OpenAPI files are not at {FILES}")
    python = await asyncio.to_thread(environment, tmp_path, "schemathesis>=4.30")
    async with Sandbox(leads=50, activities=100, limits=LIMITLESS) as sandbox:
        token = await token_of(sandbox)
        for name, seconds in SECONDS.items():
            report = tmp_path / f"{name}.xml"
            command = [
                str(python.with_name("schemathesis")),
                "run",
                str(FILES / f"swagger-{name}.json"),
                f"--url={sandbox.ingestion_url if name == 'data-ingestion' else sandbox.base_url}",
                f"--header=Authorization: Bearer {token}",
                f"--header=X-Mkto-User-Token: {token}",
                "--checks=not_a_server_error",
                "--phases=examples,coverage,fuzzing",
                "--max-examples=3",
                f"--max-time={seconds}",
                "--seed=1",
                "--continue-on-failure",
                "--generation-database=:memory:",
                "--report=junit",
                f"--report-junit-path={report}",
            ]
            done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, cwd=tmp_path)
            assert "Test cases:" in done.stdout, done.stdout + done.stderr
            wrong = [line for line in failures(report) if not line.startswith(tuple(MEANT))]
            assert wrong == [], wrong
