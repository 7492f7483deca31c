"""An answer on its way out: status, headers, body, and whether the connection survives it.

What the body says was decided before; gzip and breaking the connection happen here.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Literal

from aiohttp import web

JSON = "application/json;charset=UTF-8"
PLAIN = "text/plain;charset=UTF-8"
GZIP_FROM = 1_024

# Answers are compressed while the loop waits; the fastest level keeps a page of activities below a millisecond.
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31


@dataclass(slots=True)
class Reply:
    """One HTTP answer, or the lack of one."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    cut: Literal["reset", "truncate"] | None = None
    """How the connection breaks: before any byte of the answer, or in the middle of its body."""

    def compress(self, accepted: str) -> None:
        """Compress the body where the caller accepts gzip and it is long enough."""
        if "gzip" in accepted.lower() and len(self.body) >= GZIP_FROM:
            packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
            self.body = packer.compress(self.body) + packer.flush()
            self.headers["Content-Encoding"] = "gzip"

    async def send(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the answer, or break the connection as told."""
        if self.cut == "reset":
            if request.transport is not None:
                request.transport.abort()
        elif self.cut == "truncate":
            response = web.StreamResponse(status=self.status, headers=self.headers)
            response.content_length = len(self.body)
            await response.prepare(request)
            await response.write(self.body[: len(self.body) // 2])
            if request.transport is not None:
                request.transport.close()
            return response
        return web.Response(body=self.body, status=self.status, headers=self.headers)
