"""``sandbox``: runs a sandbox for any client until it is interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from marketo_async.sandbox import Sandbox


async def serve(sandbox: Sandbox, announce: Callable[[str], None]) -> None:
    """Pass the export lines for a shell to ``announce``, and keep ``sandbox`` open until cancelled."""
    async with sandbox:
        announce(
            f"export MARKETO_BASE_URL={sandbox.base_url}\n"
            f"export MARKETO_CLIENT_ID={sandbox.client_id}\n"
            f"export MARKETO_CLIENT_SECRET={sandbox.client_secret}"
        )
        await asyncio.Event().wait()
