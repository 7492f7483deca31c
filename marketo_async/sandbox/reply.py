"""`Reply`: the status, headers and body of an answer, and how its connection breaks, if it does.

It compresses the body and breaks the connection. See ``envelope`` for the body.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Literal

from aiohttp import web

JSON = "application/json;charset=UTF-8"
PLAIN = "text/plain;charset=UTF-8"
GZIP_FROM = 1_024

# Compressing blocks the event loop; the fastest level keeps a page of activities below a millisecond.
_GZIP_LEVEL = 1
_GZIP_WINDOW = 31
_PIECE = 262_144


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of an open file from ``first`` on; several readers may share the file."""

    file: IO[bytes]
    first: int
    size: int

    def pieces(self, end: int) -> Iterator[bytes]:
        """Yield the bytes of this part up to ``end``."""
        for at in range(0, end, _PIECE):
            self.file.seek(self.first + at)
            yield self.file.read(min(_PIECE, end - at))


@dataclass(slots=True)
class Reply:
    """One HTTP answer, or a connection that breaks."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": JSON})
    cut: Literal["reset", "truncate"] | None = None
    """How the connection breaks: before the answer or inside its body."""
    cut_at: int | None = None
    """The bytes of the body that are sent before the break; ``None`` is half of them."""
    changed: int | None = None
    """The index of the byte of the body that is changed."""
    part: FilePart | None = None
    """The body instead of ``body``, if it is read from a file."""

    @property
    def size(self) -> int:
        """The bytes of the body."""
        return len(self.body) if self.part is None else self.part.size

    def compress(self, accepted: str) -> None:
        """Compress the body if the caller accepts gzip and it is long enough."""
        if "gzip" in accepted.lower() and len(self.body) >= GZIP_FROM:
            packer = zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
            self.body = packer.compress(self.body) + packer.flush()
            self.headers["Content-Encoding"] = "gzip"

    async def send(self, request: web.BaseRequest) -> web.StreamResponse:
        """Send the answer, or break the connection."""
        if self.cut == "reset":
            if request.transport is not None:
                request.transport.abort()
        elif self.cut == "truncate":
            response = await self._streamed(request, self.size // 2 if self.cut_at is None else self.cut_at)
            if request.transport is not None:
                request.transport.close()
            return response
        elif self.part is not None or self.changed is not None:
            return await self._streamed(request, self.size)
        return web.Response(body=self.body, status=self.status, headers=self.headers)

    async def _streamed(self, request: web.BaseRequest, end: int) -> web.StreamResponse:
        """Send the body up to ``end`` in pieces, as if the whole body followed."""
        response = web.StreamResponse(status=self.status, headers=self.headers)
        response.content_length = self.size
        await response.prepare(request)
        at = 0
        for piece in [self.body[:end]] if self.part is None else self.part.pieces(end):
            if self.changed is not None and at <= self.changed < at + len(piece):
                place = self.changed - at
                piece = piece[:place] + bytes([piece[place] ^ 1]) + piece[place + 1 :]  # noqa: PLW2901
            await response.write(piece)
            at += len(piece)
        return response
