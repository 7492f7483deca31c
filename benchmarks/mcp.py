"""The MCP server: the context its tools take, how well it finds, what a call costs, and a calm agent beside a flood.

The sandbox runs here. The servers over stdio and HTTP run in processes of their own, as hosts start them; every call
goes through the guard, the audit and the official client, and is compared with the client's own call to the sandbox.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import bpe_openai
import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from msgspec import Struct

from benchmarks.report import Figure, at_least, at_most, exactly, info
from marketo_async import Governor, Limits, Marketo
from marketo_async.effects import AREAS
from marketo_async.mcp.access import Access
from marketo_async.mcp.agents import AgentIdentity, new_key
from marketo_async.mcp.audit import AuditLog, AuditRecord
from marketo_async.mcp.audit.query import verify_file
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.find import find_operations
from marketo_async.mcp.policy import AccessLevel, Agent, Policy
from marketo_async.mcp.toolcall import CallCost, ToolCall
from marketo_async.mcp.tools import Tool, selection_of, tools_of
from marketo_async.sandbox import InstanceLimits, Sandbox
from tests.mcp.questions import PROMPTS, QUESTIONS

ROOT = Path(__file__).resolve().parent.parent
LIFTED = 1_000_000
FULL = Access("full", Agent(access=dict.fromkeys(AREAS.values(), AccessLevel.FULL), sample_domains=["example.com"]))
_RUN = "from marketo_async.cli import main; main()"
_WARMING, _TIMED = 10, 80  # calls: together fewer than a window has
_LEAD = 7
_WINDOW = Limits(calls=100, per=4.0)  # an instance's window, five times as fast

POLICY = """
version = 1
[instances.main]
base_url = "{base_url}"
client_id = {{ env = "MARKETO_CLIENT_ID" }}
client_secret = {{ env = "MARKETO_CLIENT_SECRET" }}
[agents.agent]
keys = ["{key}"]
access = {{ people = "read", lists = "write" }}
limits = {{ calls_a_window = 100, at_once = 10 }}
"""


def tokens() -> list[Figure]:
    """Count what the lists of tools take, as a model sees them: name, description and schema."""
    encoding = bpe_openai.get_encoding("o200k_base")

    def size(tool: Tool) -> int:
        seen = {"name": tool.name, "description": tool.description, "parameters": tool.schema}
        return len(encoding.encode(json.dumps(seen, separators=(",", ":"), ensure_ascii=False)))

    sizes = {
        choice: [size(tool) for tool in tools_of(FULL, selection_of(choice)).values()]
        for choice in ("meta", "default", "all")
    }
    return [
        at_most("tokens of the default list (o200k)", sum(sizes["default"]), 2_500),
        at_most("tokens of the list with meta", sum(sizes["meta"]), 600),
        at_most("tokens of the largest tool of all", max(sizes["all"]), 450),
        info("tokens of a tool for each operation", f"{sum(sizes['all']):,}"),
    ]


def hits() -> list[Figure]:
    """Measure how often one of the right operations is among the first ones found."""

    def rate(questions: tuple[tuple[str, str], ...], limit: int) -> float:
        found = [bool(set(right.split()) & set(find_operations(text, limit=limit))) for text, right in questions]
        return sum(found) / len(found)

    return [
        at_least("marketo_find: hit@5 of 100 questions", rate(QUESTIONS, 5), 0.90),
        at_least("marketo_find: hit@8 of 100 questions", rate(QUESTIONS, 8), 0.95),
        info(f"marketo_find: hit@5 of Adobe's {len(PROMPTS)} prompts", f"{rate(PROMPTS, 5):.2f}"),
    ]


async def timed(call: Callable[[], Awaitable[object]]) -> float:
    """Return the median of the seconds of a call; a server makes fewer calls than its window has."""
    taken = []
    for number in range(_WARMING + _TIMED):
        begun = time.perf_counter()
        await call()
        if number >= _WARMING:
            taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


class Round(Struct):
    """The medians of one round, in seconds."""

    direct: float
    echo: float
    stdio: float
    http: float
    write: float
    sync: float


async def round_of_calls() -> Round:
    """Make the same read by the client itself, over stdio and over HTTP, each server in a new process."""
    limits = InstanceLimits(calls=LIFTED, concurrency=100, daily=LIFTED)
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(Sandbox(leads=100, activities=0, limits=limits))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        key = new_key("agent")
        policy = folder / "policy.toml"
        policy.write_text(POLICY.format(base_url=sandbox.base_url, key=key.hash))
        policy.chmod(0o400)
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "XDG_STATE_HOME": str(folder),
            "MARKETO_CLIENT_ID": sandbox.client_id,
            "MARKETO_CLIENT_SECRET": sandbox.client_secret,
        }
        async with Marketo(
            sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret
        ) as marketo:
            direct = await timed(lambda: marketo.leads.get(_LEAD))
        arguments = ["-c", _RUN, "mcp", "serve", "--policy", str(policy)]
        server = StdioServerParameters(command=sys.executable, args=arguments, env=environment)
        echo_server = StdioServerParameters(command=sys.executable, args=["-m", "benchmarks.mcp_echo"], env=environment)
        async with Client(stdio_client(echo_server)) as client:
            echo = await timed(lambda: client.call_tool("echo", {"lead_id": _LEAD}))
        async with Client(stdio_client(server)) as client:
            stdio = await timed(lambda: client.call_tool("leads_get", {"lead_id": _LEAD}))
        async with Client(stdio_client(server)) as client:
            write = await timed(lambda: client.call_tool("lists_add", {"list_id": 1001, "lead_ids": [_LEAD]}))
        async with (
            http_server(arguments, environment) as url,
            httpx2.AsyncClient(headers={"Authorization": f"Bearer {key.key}"}) as http,
            Client(streamable_http_client(url, http_client=http)) as client,
        ):
            over_http = await timed(lambda: client.call_tool("leads_get", {"lead_id": _LEAD}))
        return Round(direct, echo, stdio, over_http, write, synced(folder / "disk", _TIMED))


def overheads(rounds: int) -> list[Figure]:
    """Compare a read through the server with the client's own, round by round."""
    found = [asyncio.run(round_of_calls()) for _ in range(rounds)]

    def middle(of: Callable[[Round], float]) -> float:
        return 1000 * statistics.median(map(of, found))

    return [
        info("a read by the client itself, median", f"{middle(lambda one: one.direct):.2f} ms"),
        info("a tool of the official SDK that does nothing, over stdio", f"{middle(lambda one: one.echo):.2f} ms"),
        at_most("a read over stdio takes longer by", middle(lambda one: one.stdio - one.direct), 1.0, " ms"),
        at_most("a read over HTTP takes longer by", middle(lambda one: one.http - one.direct), 2.0, " ms"),
        info("a write over stdio, on the disk before it is sent", f"{middle(lambda one: one.write):.2f} ms"),
        info("one fdatasync of this disk, median", f"{middle(lambda one: one.sync):.2f} ms"),
    ]


@asynccontextmanager
async def http_server(arguments: list[str], environment: Mapping[str, str]) -> AsyncIterator[str]:
    """Start a server over HTTP in its own process, and yield its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, "--http", "127.0.0.1:0", env=dict(environment), stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    try:
        line = (await process.stderr.readline()).decode()
        yield line.removeprefix("serving ").strip()
    finally:
        process.terminate()
        await process.wait()


def synced(path: Path, times: int) -> float:
    """Return the median of the seconds of an fdatasync."""
    taken = []
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for _ in range(times):
        os.write(file, b"x" * 500)
        begun = time.perf_counter()
        os.fdatasync(file)
        taken.append(time.perf_counter() - begun)
    os.close(file)
    return statistics.median(taken)


async def beside_a_flood(seconds: float) -> list[Figure]:
    """Let one agent flood the server, with 40 tasks that never pause, and time the calls of a calm one."""
    limits = InstanceLimits(calls=100, per=4.0)
    async with Sandbox(leads=100, activities=0, limits=limits) as sandbox:
        reads = Agent(access={"people": AccessLevel.READ})
        policy = Policy(agents={"flood": reads, "calm": reads})
        environment = {
            "MARKETO_BASE_URL": sandbox.base_url,
            "MARKETO_CLIENT_ID": sandbox.client_id,
            "MARKETO_CLIENT_SECRET": sandbox.client_secret,
        }
        with tempfile.TemporaryDirectory() as folder:
            async with Desk(
                policy, state=Path(folder), environment=environment, governor=lambda: Governor(_WINDOW)
            ) as desk:
                flood = [asyncio.create_task(flooding(desk)) for _ in range(40)]
                await asyncio.sleep(_WINDOW.per)
                taken = []
                until = time.perf_counter() + seconds
                while time.perf_counter() < until:
                    begun = time.perf_counter()
                    await read(desk, "calm")
                    taken.append(time.perf_counter() - begun)
                    await asyncio.sleep(0.25)
                for task in flood:
                    task.cancel()
                await asyncio.gather(*flood, return_exceptions=True)
        refused = sum(sandbox.stats.refused.values())
    p95 = statistics.quantiles(taken, n=20)[-1]
    return [
        info(f"calls of the calm agent beside the flood, in {seconds:g} s", f"{len(taken)}"),
        info("a call of the calm agent, median", f"{statistics.median(taken):.3f} s"),
        at_most("a call of the calm agent, p95", p95, 0.5, " s"),
        exactly("calls that the sandbox refused", refused, 0),
    ]


async def flooding(desk: Desk) -> None:
    """Read without a pause."""
    while True:
        await read(desk, "flood")


async def read(desk: Desk, agent: str) -> None:
    """Call a tool as the server does."""
    seat = await desk.seat(AgentIdentity(agent, "bearer"))
    until = asyncio.get_running_loop().time() + 600.0
    call = ToolCall(seat=seat, tool="leads_get", until=until, cost=CallCost())
    tool = tools_of(seat.access, ["leads.get"])["leads_get"]
    answer: dict[str, Any] = await tool.handler(call, {"lead_id": _LEAD})
    assert answer["result"]["id"] == _LEAD, answer


def verified(records: int) -> Figure:
    """Measure how fast a file of the audit is verified."""
    with tempfile.TemporaryDirectory() as folder:
        log = AuditLog(Path(folder), "here")
        for number in range(records):
            log.append(
                AuditRecord(at=log.now(), kind="intent", agent="a", operation="leads.get", says=f"read {number}")
            )
        log.close()
        (path,) = Path(folder).glob("*.jsonl")
        begun = time.perf_counter()
        found = verify_file(path)
        taken = time.perf_counter() - begun
    assert found.good
    return at_least("records of the audit verified in a second", records / taken, 200_000)


def run(*, quick: bool = False) -> list[Figure]:
    """Return the figures."""
    return [
        *tokens(),
        *hits(),
        *overheads(1 if quick else 7),
        *asyncio.run(beside_a_flood(6.0 if quick else 30.0)),
        verified(20_000 if quick else 100_000),
    ]
