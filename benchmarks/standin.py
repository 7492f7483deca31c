"""A fast server that accepts leads and forgets them; the sandbox keeps them, which costs more than the client.

Run in its own process, it prints its address; ``GET /counts`` returns how many calls and records it received.
"""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web


class Body(msgspec.Struct):
    """The body of a sync, as far as it is read."""

    input: list[msgspec.Raw]


class StandIn:
    """Counts calls and records."""

    def __init__(self) -> None:
        self.calls = 0
        self.records = 0
        self._read = msgspec.json.Decoder(Body)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer an identity call, a sync, or the counts."""
        if request.path.startswith("/identity/"):
            said: object = {"access_token": "t", "token_type": "bearer", "expires_in": 3600}
        elif request.path == "/counts":
            said = {"calls": self.calls, "records": self.records}
        else:
            records = self._read.decode(await request.read()).input
            result = [{"id": self.records + n, "status": "created"} for n in range(len(records))]
            self.calls += 1
            self.records += len(records)
            said = {"requestId": "1#1", "success": True, "result": result}
        return web.Response(body=msgspec.json.encode(said), content_type="application/json")


async def serve() -> None:
    """Print the address, and serve until the process is ended."""
    runner = web.ServerRunner(web.Server(StandIn().answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
