"""Changes seconds after they happen, for the price of a slow poll: Marketo's webhook flow step nudges the feed.

::

    POST /marketo/changed    the feed looks for changes now; the header X-Webhook-Secret must hold WEBHOOK_SECRET

In Marketo, make a webhook with this URL and a custom header, and call it in a trigger campaign. The feed polls every
five minutes all the same, so a webhook that Marketo does not deliver loses nothing. A campaign may call thousands of
times; the feed is nudged at most every few seconds, because each nudge costs a call for each of its lanes.

https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/webhooks/webhooks

With MARKETO_* in the environment it serves that instance. Otherwise it starts a sandbox, sends a few requests to
itself, and ends.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

from aiohttp import ClientSession, web

from marketo_async import Marketo
from marketo_async.changes import Changes
from marketo_async.sandbox import Sandbox

POLL, BETWEEN_NUDGES = 300.0, 5.0  # seconds
LARGEST = 16_384  # bytes of a request's body
MARKETO = web.AppKey("marketo", Marketo)
SECRET = web.AppKey("secret", str)
SEEN = web.AppKey("seen", asyncio.Event)

routes = web.RouteTableDef()  # a method without a route is answered with 405


class Bell:
    """Nudges a feed soon after it is rung, and not more often than every few seconds."""

    def __init__(self) -> None:
        self.changes: Changes | None = None
        self._last = -BETWEEN_NUDGES
        self._due: asyncio.TimerHandle | None = None

    def ring(self) -> None:
        """Let the feed be nudged, unless it will be anyway."""
        if self._due is None:
            loop = asyncio.get_running_loop()
            self._due = loop.call_at(max(loop.time(), self._last + BETWEEN_NUDGES), self._nudge)

    def _nudge(self) -> None:
        self._last, self._due = asyncio.get_running_loop().time(), None
        if self.changes is not None:
            self.changes.nudge()


BELL = web.AppKey("bell", Bell)


@routes.post("/marketo/changed")
async def changed(request: web.Request) -> web.Response:
    """Check the secret in constant time, and ring; the body is read up to its limit, and not used."""
    given = request.headers.get("X-Webhook-Secret", "")
    if not hmac.compare_digest(given.encode(), request.app[SECRET].encode()):
        raise web.HTTPUnauthorized
    await request.read()  # raises 413 for more than LARGEST
    request.app[BELL].ring()
    return web.json_response({})


async def client(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the application starts, and close it when it stops."""
    async with AsyncExitStack() as stack:
        if any(name.startswith("MARKETO_") for name in os.environ):
            marketo = Marketo.from_env()
        else:
            print("No MARKETO_* in the environment: this is a sandbox on this machine.")
            sandbox = await stack.enter_async_context(Sandbox(activities=0))
            marketo = Marketo(sandbox.base_url, client_id=sandbox.client_id, client_secret=sandbox.client_secret)
        app[MARKETO] = await stack.enter_async_context(marketo)
        yield


async def feed(app: web.Application) -> AsyncIterator[None]:
    """Follow the changes while the application runs."""
    async with app[MARKETO].changes(poll=POLL) as changes:
        app[BELL].changes = changes
        following = asyncio.create_task(follow(changes, app[SEEN]))
        yield
        following.cancel()
        await asyncio.wait([following])


async def follow(changes: Changes, seen: asyncio.Event) -> None:
    """Do something with each event; here, print it."""
    async for batch in changes:
        for event in batch.events:
            print(f"event: {event.envelope()['source']['event']}", flush=True)
            seen.set()


def application(secret: str) -> web.Application:
    """Put the service together."""
    app = web.Application(client_max_size=LARGEST)
    app[SECRET], app[BELL], app[SEEN] = secret, Bell(), asyncio.Event()
    app.add_routes(routes)
    app.cleanup_ctx.extend([client, feed])
    return app


async def show(url: str, secret: str, app: web.Application) -> None:
    """Send requests that are refused; then change something and ring."""
    right = {"X-Webhook-Secret": secret}
    async with ClientSession(url) as http:

        async def sent(method: str, headers: dict[str, str], size: int = 10) -> int:
            async with http.request(method, "/marketo/changed", headers=headers, data=b"x" * size) as response:
                return response.status

        print("without the secret:", await sent("POST", {}), await sent("POST", {"X-Webhook-Secret": "wrông"}))
        print("another method:", await sent("PUT", right))
        print("too large:", await sent("POST", right, LARGEST + 1))
        await app[MARKETO].leads.sync([{"email": "new@example.com"}])
        print("rung:", await sent("POST", right), await sent("POST", right))
        async with asyncio.timeout(30):  # the next poll is minutes away
            await app[SEEN].wait()


async def main() -> None:
    """Serve, or send a few requests to show the service."""
    on_a_sandbox = not any(name.startswith("MARKETO_") for name in os.environ)
    secret = secrets.token_urlsafe() if on_a_sandbox else os.environ["WEBHOOK_SECRET"]
    app = application(secret)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0 if on_a_sandbox else 8080).start()
        if not on_a_sandbox:
            await asyncio.Event().wait()
        await show(f"http://127.0.0.1:{runner.addresses[0][1]}", secret, app)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
