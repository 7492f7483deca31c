"""The entry of data ingestion, with its own token header, limits, answers and error codes.

Its requests do not count against the window, the slots or the quota of the REST API. Marketo's page:
https://experienceleague.adobe.com/en/docs/marketo-developer/marketo/rest/data-ingestion
"""

from __future__ import annotations

import random
import uuid
from collections import deque

import msgspec
from aiohttp import web

from marketo_async.sandbox.call import Call, Work
from marketo_async.sandbox.damage import broken
from marketo_async.sandbox.envelope import Members
from marketo_async.sandbox.errors import ApiError
from marketo_async.sandbox.families import data_ingestion
from marketo_async.sandbox.faults import Fault, FaultPlan
from marketo_async.sandbox.identity import ApiUser, Identity
from marketo_async.sandbox.latency import Latency, drawn_seconds
from marketo_async.sandbox.limits import InstanceLimits
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.reply import Reply
from marketo_async.sandbox.request import BodyTooLarge, Request
from marketo_async.sandbox.routing import Route, Router
from marketo_async.sandbox.stats import Stats

INGESTION_PATH = "/subscriptions/"

TOKEN = "X-Mkto-User-Token"  # noqa: S105 - a header
_LONGEST_HEADERS = {"X-Correlation-Id": 255, "X-Request-Source": 50}

# The codes of this API for those of the REST API; all codes about a value become invalid data.
_CODES = {
    "502": "5000801",
    "601": "401013",
    "602": "401013",
    "603": "4030801",
    "604": "5000801",
    "605": "404040",
    "606": "429001",
    "607": "4290801",
    "608": "5000801",
    "609": "4000801",
    "610": "404040",
    "611": "5000801",
    "612": "4000801",
    "615": "429001",
}
_INVALID_DATA = "4000802"


class Ingestion:
    """Answers the data ingestion requests of one sandbox."""

    def __init__(
        self,
        instance: Instance,
        identity: Identity,
        faults: FaultPlan,
        limits: InstanceLimits,
        stats: Stats,
        latency: Latency,
        rng: random.Random,
    ) -> None:
        self._instance = instance
        self._router = Router([data_ingestion.routes])
        self._identity = identity
        self._faults = faults
        self._limits = limits
        self._stats = stats
        self._latency = latency
        self._rng = rng
        self._arrivals: dict[str, deque[float]] = {}

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        request = Request.arriving(http)
        try:
            reply = await self._accepted(request)
        except BodyTooLarge:
            reply = self._refused("4000801", "The body exceeds 1 MB")
        except ApiError as error:
            # Codes of this API have six digits or more.
            known = error.code if len(error.code) > 4 else _CODES.get(error.code, _INVALID_DATA)  # noqa: PLR2004
            reply = self._refused(known, error.message)
        finally:
            self._stats.keep(http.method, http.raw_path, request.content)
        request_id = uuid.UUID(int=self._rng.getrandbits(128), version=4)
        reply.headers = {**reply.headers, "X-Request-Id": str(request_id)}
        return await reply.send(http)

    async def _accepted(self, request: Request) -> Reply:
        if not request.path.startswith(INGESTION_PATH):
            raise ApiError("404040", "Resource not found")
        user = self._user(request)
        fault = self._drawn(request)
        if fault is not None and fault.is_code and fault.prevents:
            raise ApiError(fault.kind, "Injected error")
        self._count(user)
        route, call = await self._call(request, user, fault)
        if fault is None or not fault.prevents:
            call.check_required()
            route.handler(call)
        await call.work.done()
        if fault is None or fault.mangles:
            return Reply(b"", 202, {})
        if fault.is_code:
            raise ApiError(fault.kind, "Injected error")
        return broken(fault, b"", f"http://{request.http.host}/moved{request.path}")

    async def _call(self, request: Request, user: ApiUser, fault: Fault | None) -> tuple[Route, Call]:
        await request.read(self._limits.body_bytes)
        route, arguments = self._router.find(request.method, request.path)
        self._stats.by_operation[route.operation] += 1
        if arguments["munchkinId"] != self._instance.munchkin_id or not user.may(route.permissions):
            raise ApiError("4030801", "Unauthorized")
        for name, longest in _LONGEST_HEADERS.items():
            if len(request.http.headers.get(name, "")) > longest:
                raise ApiError("4000801", f"{name} has at most {longest} characters")
        if request.query:
            raise ApiError("4000801", "There are no query parameters")
        seconds = drawn_seconds(self._latency, self._rng, request.method, request.path)
        work = Work(seconds + (fault.seconds if fault else 0.0))
        body = _spelled(request.body(route), route.body)
        return route, Call(self._instance, user, route, arguments, {}, body, work)

    def _user(self, request: Request) -> ApiUser:
        token = request.http.headers.get(TOKEN)
        if not token:
            raise ApiError("403010", f"{TOKEN} is missing")
        return self._identity.authenticate(token)

    def _count(self, user: ApiUser) -> None:
        now = self._instance.clock.time()
        arrivals = self._arrivals.setdefault(user.client_id, deque())
        while arrivals and arrivals[0] <= now - 1:
            arrivals.popleft()
        if len(arrivals) >= self._limits.ingestion_per_second:
            raise ApiError("429001", "Service limit reached")
        arrivals.append(now)

    def _drawn(self, request: Request) -> Fault | None:
        fault = self._faults.draw(request.method, request.path)
        if fault is not None:
            self._stats.faults_injected[fault.kind] += 1
        return fault

    def _refused(self, code: str, message: str) -> Reply:
        self._stats.errors[code] += 1
        return Reply(msgspec.json.encode({"error_code": code, "message": message}), int(code[:3]))


def _spelled(body: Members, required: tuple[str, ...]) -> Members:
    """Return a body with ``input`` under this name; the documentation uses other names for it."""
    for name in ("companies", "leads"):
        if "input" in required and "input" not in body and name in body:
            return {**body, "input": body[name]}
    return body
