"""A server over HTTP in this process, on any free port."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from marketo_async.mcp.desk import Desk
from marketo_async.mcp.http import serve_http
from marketo_async.mcp.server import Protocol, http_app
from marketo_async.mcp.tools import selection_of

LOOPBACK = ["127.0.0.1", "127.0.0.1:*"]


@asynccontextmanager
async def serving(desk: Desk, *, tools: str = "default", hosts: list[str] = LOOPBACK, **how: Any) -> AsyncIterator[str]:
    """Serve a desk, and yield the address of its endpoint."""
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    app = http_app(Protocol(desk, selection=selection_of(tools)), desk, hosts=hosts, origins=[])
    server = asyncio.create_task(serve_http(app, host="127.0.0.1", port=0, started=port.set_result, **how))
    try:
        server.add_done_callback(lambda _: port.done() or port.cancel())
        yield f"http://127.0.0.1:{await port}/mcp"
    finally:
        server.cancel()
        await asyncio.gather(server, return_exceptions=True)
