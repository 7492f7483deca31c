"""An aiohttp web service that shares one client, and so one governor, over the life of the application.

::

    GET /leads/{email}    one lead, requested ahead of everything that can wait
    GET /health           the governor's snapshot

While it serves, a job in the background drains a whole list. When calls have to wait, those of requests go first
(``priority``). The last calls of the day are left to the other integrations of the instance (``reserve``).

With MARKETO_* in the environment it serves that instance. Otherwise it starts a sandbox, makes a few requests to
itself, and ends; with ``--serve`` it keeps serving.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import msgspec
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler

from marketo_async import Governor, Limits, Marketo, Priority
from marketo_async.errors import DailyQuotaExceeded, MarketoError
from marketo_async.sandbox import Sandbox

MARKETO = web.AppKey("marketo", Marketo)
URGENT = web.AppKey("urgent", Marketo)

log = logging.getLogger("service")
routes = web.RouteTableDef()


def as_json(value: object, status: int = 200) -> web.Response:
    """Answer with anything that msgspec can encode."""
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)


@routes.get("/leads/{email}")
async def lead(request: web.Request) -> web.Response:
    """Answer the first lead with an e-mail address."""
    found = await request.app[URGENT].leads.by_filter("email", [request.match_info["email"]]).first()
    return as_json({"error": "no such lead"}, 404) if found is None else as_json(found)


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Answer the governor's snapshot; costs no call."""
    return as_json(request.app[MARKETO].governor.snapshot())


@web.middleware
async def errors_as_answers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an error of a call to Marketo into an answer of this service."""
    try:
        return await handler(request)
    except DailyQuotaExceeded as error:
        answer = as_json({"error": "the daily quota is used up"}, 503)
        answer.headers["Retry-After"] = error.resets_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return answer
    except MarketoError as error:
        log.warning("%s", error)
        return as_json({"error": type(error).__name__}, 502)


async def client(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the application starts, and close it when it stops."""
    governor = Governor(Limits(reserve=5_000))
    async with AsyncExitStack() as stack:
        if any(name.startswith("MARKETO_") for name in os.environ):
            marketo = Marketo.from_env(governor=governor)
        else:
            print("No MARKETO_* in the environment: this is a sandbox on this machine.")
            sandbox = await stack.enter_async_context(Sandbox(leads=10_000, latency=(0.1, 0.05)))
            marketo = Marketo(
                sandbox.base_url,
                client_id=sandbox.client_id,
                client_secret=sandbox.client_secret,
                governor=governor,
            )
        app[MARKETO] = await stack.enter_async_context(marketo)
        # A sibling shares session and governor; its calls go first, and none takes longer than this.
        app[URGENT] = marketo.with_options(priority=Priority.INTERACTIVE, timeout=10)
        yield


async def background(app: web.Application) -> AsyncIterator[None]:
    """Drain a list while the application runs."""
    job = asyncio.create_task(count_members(app[MARKETO]))
    yield
    job.cancel()
    await asyncio.wait([job])


async def count_members(marketo: Marketo) -> None:
    """Count the members of a list: a job of many calls, which are bulk, so that all other calls pass them."""
    try:
        static_list = await marketo.lists.browse().first()
        if static_list is not None:
            members = len(await marketo.lists.leads(static_list.id, fields=["id"]).all())
            log.info("%s has %d members", static_list.name, members)
    except MarketoError:
        log.exception("the members could not be counted")


def application() -> web.Application:
    """Put the service together."""
    app = web.Application(middlewares=[errors_as_answers])
    app.add_routes(routes)
    app.cleanup_ctx.extend([client, background])
    return app


async def show(url: str) -> None:
    """Make a few requests to the service."""
    async with ClientSession(url) as http:
        for path in ("/leads/lead7@example.com", "/leads/nobody@example.com", "/health"):
            async with http.get(path) as response:
                print(f"GET {path}: {response.status} {await response.text()}")


async def main() -> None:
    """Serve, or make a few requests to show the service."""
    parser = argparse.ArgumentParser(description="A web service on Marketo.")
    parser.add_argument("--serve", action="store_true", help="keep serving, also on a sandbox")
    parser.add_argument("--port", type=int, default=0, help="the port; any free one by default")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    keep_serving = arguments.serve or any(name.startswith("MARKETO_") for name in os.environ)

    runner = web.AppRunner(application())
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", arguments.port).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        print(f"listening on {url}", flush=True)
        if keep_serving:
            await asyncio.Event().wait()
        await show(url)
    finally:
        await runner.cleanup()


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        print("stopped")
