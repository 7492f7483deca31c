"""The steps of every request: arrival, token, gate, fault, route, operation, answer.

Each step is one method, in that order. The rules of each step are in a module of their own.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable
from dataclasses import replace

import msgspec
from aiohttp import web

from marketo_async.sandbox.call import Call, Work
from marketo_async.sandbox.clock import central_day
from marketo_async.sandbox.damage import AT_ONCE, broken, damaged, injected_error, mangled
from marketo_async.sandbox.downloads import downloaded
from marketo_async.sandbox.envelope import Answer, Download, RequestIds, unfamiliar
from marketo_async.sandbox.errors import UNCOUNTED_CODES, ApiError
from marketo_async.sandbox.faults import FILE_KINDS, Fault, FaultPlan
from marketo_async.sandbox.gate import Arrival, Gate
from marketo_async.sandbox.identity import ApiUser, Identity, IdentityError
from marketo_async.sandbox.latency import Latency, drawn_seconds
from marketo_async.sandbox.limits import InstanceLimits
from marketo_async.sandbox.records.instance import Instance
from marketo_async.sandbox.reply import JSON, PLAIN, Reply
from marketo_async.sandbox.request import BodyTooLarge, Request
from marketo_async.sandbox.routing import Route, Router
from marketo_async.sandbox.stats import Stats
from marketo_async.sandbox.wording import answered, refused

_TOKEN_HEADERS = {"Content-Type": JSON, "Cache-Control": "no-store", "Pragma": "no-cache"}

TOKEN_PATH = "/identity/oauth/token"  # noqa: S105 - a path


class Exchange:
    """Answers the requests of one sandbox."""

    def __init__(
        self,
        instance: Instance,
        router: Router,
        gate: Gate,
        identity: Identity,
        faults: FaultPlan,
        limits: InstanceLimits,
        stats: Stats,
        latency: Latency,
        rng: random.Random,
    ) -> None:
        self._instance = instance
        self._router = router
        self._gate = gate
        self._identity = identity
        self._faults = faults
        self._limits = limits
        self._stats = stats
        self._latency = latency
        self._rng = rng
        self._request_ids = RequestIds(rng)

    async def answer(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        request = Request.arriving(http)
        if request.path == TOKEN_PATH:
            return await (await self._identified(request)).send(http)
        arrival = self._gate.arrive()
        try:
            reply = await self._answered(request, arrival)
            if not request.is_bulk:
                reply.compress(http.headers.get("Accept-Encoding", ""))
        finally:
            self._gate.leave(arrival)
            self._stats.keep(http.method, http.raw_path, request.content)
        return await reply.send(http)

    async def _identified(self, request: Request) -> Reply:
        self._stats.identity_calls += 1
        try:
            return await self._granted(request)
        except IdentityError as error:
            return Reply(msgspec.json.encode(error.body), 401, dict(_TOKEN_HEADERS))
        except ApiError as error:
            return self._failed(error, request)

    async def _granted(self, request: Request) -> Reply:
        await request.read(self._limits.body_bytes)
        fault = self._drawn(request)
        # Only a latency function that names its path slows down the identity service.
        work = Work((self._seconds(request) if callable(self._latency) else 0.0) + (fault.seconds if fault else 0.0))
        await work.done()
        if fault is not None and fault.prevents:
            return self._struck(fault, request, {})
        body = self._identity.grant(request.credentials())
        if fault is not None:
            return self._struck(fault, request, body)
        return Reply(msgspec.json.encode(body), headers=dict(_TOKEN_HEADERS))

    async def _answered(self, request: Request, arrival: Arrival) -> Reply:
        if request.uri_bytes > (self._limits.asset_uri_bytes if request.is_asset else self._limits.uri_bytes):
            return Reply(b"Request-URI Too Long", 414, {"Content-Type": PLAIN})
        try:
            return await self._admitted(request, arrival)
        except BodyTooLarge:
            return Reply(b"Request Entity Too Large", 413, {"Content-Type": PLAIN})
        except ApiError as error:
            self._instance.usage.count_error(central_day(arrival.at), error.code)
            return self._failed(error, request)

    async def _admitted(self, request: Request, arrival: Arrival) -> Reply:
        user = self._user(request, arrival)
        day = central_day(arrival.at)
        try:
            self._gate.admit(arrival)
        finally:
            if arrival.counted:
                self._instance.usage.count_call(day, user.login)
        try:
            return await self._performed(request, arrival, user)
        except (ApiError, BodyTooLarge) as error:
            if isinstance(error, BodyTooLarge) or error.code in UNCOUNTED_CODES:
                self._gate.forget(arrival)
                self._instance.usage.count_call(day, user.login, -1)
            raise

    def _failed(self, error: ApiError, request: Request) -> Reply:
        self._stats.errors[error.code] += 1
        request_id = self._request_ids.issue(self._instance.clock.time())
        return self._worded(*refused(request.path, error, request_id))

    def _user(self, request: Request, arrival: Arrival) -> ApiUser:
        try:
            return self._identity.authenticate(request.token(in_query=self._instance.quirks.query_token))
        except ApiError as error:
            if error.code not in UNCOUNTED_CODES:
                self._gate.count(arrival)
            raise

    async def _performed(self, request: Request, arrival: Arrival, user: ApiUser) -> Reply:
        fault = self._drawn(request)
        if fault is not None and fault.prevents and fault.kind in AT_ONCE:
            raise self._injected(fault)
        await request.read(self._limits.import_bytes - 1 if request.is_import else self._limits.body_bytes)
        request.resolve(self._instance.quirks)
        route, arguments = self._router.find(request.method, request.path)
        self._stats.by_operation[route.operation] += 1
        if not user.may(route.permissions):
            raise ApiError("603", "Access denied")
        request.check_headers()
        call = Call(
            self._instance,
            user,
            route,
            arguments,
            request.query,
            request.body(route),
            Work(self._seconds(request) + (fault.seconds if fault else 0.0)),
        )
        request_id = self._request_ids.issue(arrival.at)
        if fault is not None and fault.prevents:
            await call.work.done()
            return self._struck(fault, request, {"requestId": request_id, "success": True})
        answer = await self._run(route, call)
        if answer.download is not None:
            return self._downloaded(answer.download, fault, request)
        said = answered(route.path, answer, request_id)
        return self._worded(said) if fault is None else self._struck(fault, request, said)

    async def _run(self, route: Route, call: Call) -> Answer:
        try:
            call.check_required()
            answer = route.handler(call)
            return await answer if isinstance(answer, Awaitable) else answer
        finally:
            await call.work.done()

    def _drawn(self, request: Request) -> Fault | None:
        fault = self._faults.draw(request.method, request.path)
        if fault is not None:
            self._stats.faults_injected[fault.kind] += 1
        return fault

    def _struck(self, fault: Fault, request: Request, said: object) -> Reply:
        if fault.is_code:
            raise self._injected(fault)
        if fault.mangles:
            return self._worded(mangled(fault, said))
        elsewhere = f"http://{request.http.host}/moved{request.path}"
        return broken(fault, msgspec.json.encode(said), elsewhere)

    def _downloaded(self, download: Download, fault: Fault | None, request: Request) -> Reply:
        reply = downloaded(download, request.http.headers.get("Range", ""))
        # A file has no members to spoil.
        if fault is None or fault.mangles:
            return reply
        if fault.kind in FILE_KINDS:
            return damaged(fault, reply, self._rng) if download.found else reply
        return replace(reply, cut="truncate") if fault.kind == "truncate" else self._struck(fault, request, {})

    def _injected(self, fault: Fault) -> ApiError:
        return injected_error(fault, self._limits)

    def _seconds(self, request: Request) -> float:
        return drawn_seconds(self._latency, self._rng, request.method, request.path)

    def _worded(self, said: object, status: int = 200) -> Reply:
        quirks = self._instance.quirks
        if quirks.shuffled_members or quirks.unknown_members:
            said = unfamiliar(said, self._rng, shuffled=quirks.shuffled_members, unknown=quirks.unknown_members)
        return Reply(msgspec.json.encode(said), status)
