"""An MCP server of the official SDK whose one tool answers with a text: the least that a call through MCP costs."""

from __future__ import annotations

import asyncio
from typing import Any

import mcp_types as types
from mcp.server import Server
from mcp.server.context import ServerRequestContext
from mcp.server.stdio import stdio_server

TEXT = '{"id":5,"email":"lead5@example.com","firstName":"Ada","lastName":"Lovelace","updatedAt":"2026-01-31T12:00:00Z"}'


async def call_tool(_: ServerRequestContext[Any], __: types.CallToolRequestParams) -> types.CallToolResult:
    """Answer any call."""
    return types.CallToolResult(content=[types.TextContent(text=TEXT)])


async def list_tools(_: ServerRequestContext[Any], __: types.PaginatedRequestParams | None) -> types.ListToolsResult:
    """List the tool."""
    return types.ListToolsResult(tools=[types.Tool(name="echo", input_schema={"type": "object"})])


async def main() -> None:
    """Serve over stdio."""
    server: Server[Any] = Server("echo", on_list_tools=list_tools, on_call_tool=call_tool)
    async with stdio_server() as (reading, writing):
        await server.run(reading, writing, server.create_initialization_options())


if __name__ == "__main__":
    asyncio.run(main())
