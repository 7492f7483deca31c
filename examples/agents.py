"""Two agents on one governed server: one may change a list, the other may not; then the audit is read back.

It starts a sandbox and an MCP server on this machine, and connects twice with the official client, as a host does.
Needs the extra ``mcp``.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from marketo_async.mcp.agents import new_key
from marketo_async.mcp.audit.query import read_records, verify_file
from marketo_async.mcp.desk import Desk
from marketo_async.mcp.http import serve_http
from marketo_async.mcp.policy import load_policy
from marketo_async.mcp.server import Protocol, http_app
from marketo_async.mcp.tools import selection_of
from marketo_async.sandbox import Sandbox

POLICY = """
version = 1

[instances.main]
base_url = "{base_url}"
client_id = {{ env = "MARKETO_CLIENT_ID" }}
client_secret = {{ env = "MARKETO_CLIENT_SECRET" }}

[agents.campaign]
title = "Campaign Agent"
keys = ["{campaign}"]
access = {{ people = "read", lists = "write" }}
only = {{ list_id = [1001] }}
fields = {{ read = ["id", "email", "firstName"], mask = ["email"] }}
limits = {{ calls_a_day = 100 }}

[agents.support]
title = "Support Agent"
keys = ["{support}"]
access = {{ people = "read" }}
"""


async def call(client: Client, tool: str, **arguments: object) -> str:
    """Call a tool, and return what a model would read."""
    result = await client.call_tool(tool, dict(arguments))
    answer = json.loads(getattr(result.content[0], "text", "{}"))
    return json.dumps(answer["error"] if result.is_error else answer)


async def as_campaign(client: Client) -> None:
    """Do what this agent is for, and try what it may not do."""
    print("campaign sees", ", ".join(tool.name for tool in (await client.list_tools()).tools if "list" in tool.name))
    print("campaign reads:", await call(client, "leads_get", lead_id=7))
    print("campaign plans:", await call(client, "marketo_plan", operation="lists.add",
                                        arguments={"list_id": 1001, "lead_ids": [7]}))  # fmt: skip
    print("campaign adds:", await call(client, "lists_add", list_id=1001, lead_ids=[7]))
    print("campaign tries another list:", await call(client, "lists_add", list_id=1002, lead_ids=[7]))


async def as_support(client: Client) -> None:
    """Read a person, and try what this agent does not even see."""
    print("support reads:", await call(client, "marketo_person", email="lead7@example.com"))
    print("support tries to read a list:", await call(client, "marketo_read", operation="lists.leads",
                                                      arguments={"list_id": 1001}))  # fmt: skip


async def main() -> None:
    """Serve both agents, then read the audit."""
    campaign, support = new_key("campaign"), new_key("support")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = await stack.enter_async_context(Sandbox(leads=50, activities=50))
        (folder / "policy.toml").write_text(
            POLICY.format(base_url=sandbox.base_url, campaign=campaign.hash, support=support.hash)
        )
        credentials = {"MARKETO_CLIENT_ID": sandbox.client_id, "MARKETO_CLIENT_SECRET": sandbox.client_secret}
        policy = load_policy(folder / "policy.toml")
        desk = await stack.enter_async_context(Desk(policy, state=folder / "state", environment=credentials))

        port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        app = http_app(Protocol(desk, selection=selection_of("default")), desk, hosts=["127.0.0.1:*"], origins=[])
        server = asyncio.create_task(serve_http(app, host="127.0.0.1", port=0, started=port.set_result))
        try:
            url = f"http://127.0.0.1:{await port}/mcp"
            for key, act in ((campaign.key, as_campaign), (support.key, as_support)):
                async with (
                    httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}) as http,
                    Client(streamable_http_client(url, http_client=http)) as client,
                ):
                    await act(client)
        finally:
            server.cancel()
            await asyncio.gather(server, return_exceptions=True)

        (audit,) = (folder / "state" / "audit").glob("*.jsonl")
        for record in read_records(audit):
            print("audit:", record.says)
        print("the audit is", "as it was written" if verify_file(audit).good else "changed")


if __name__ == "__main__":
    asyncio.run(main())
