"""``sandbox``: a sandbox alone, until it is interrupted, for whatever client is pointed at it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from marketo_async.sandbox import Sandbox


async def serve(sandbox: Sandbox, announce: Callable[[str], None]) -> None:
    """Keep *sandbox* open without end, once *announce* has been given the lines that point a shell at it."""
    async with sandbox:
        announce(
            f"export MARKETO_BASE_URL={sandbox.base_url}\n"
            f"export MARKETO_CLIENT_ID={sandbox.client_id}\n"
            f"export MARKETO_CLIENT_SECRET={sandbox.client_secret}"
        )
        await asyncio.Event().wait()
