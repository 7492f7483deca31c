"""A Marketo instance in virtual time, which answers, fails, and judges: by arrivals of its own count, nothing else.

It shares no code with the governor. A call that has arrived is worked on to its end, also where its caller has hung up.
`faults` holds every promise that was broken as this side sees it.
"""

from __future__ import annotations

import json
import random
from bisect import bisect_left, bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.life.network import Request, Side
from tests.life.virtual import Timeline

FILE = bytes(range(256)) * 4
PAGE = 3  # records on a page of a listing
_TIMEOUTS = {
    "push": 90.0,
    "sync": 90.0,
    "trigger": 300.0,
    "email": 300.0,
    "list": 60.0,
    "customobjects": 120.0,
    "merge": 180.0,
    "file": 300.0,
}
_MARGIN = 1.0  # seconds by which even the slowest work, its way there included, stays below Marketo's own time-out
_GATEWAY = b"<html>gateway</html>"
_PAUSE = 0.02  # of the window: what everyone pauses at least after a 606, a little less than what is promised
_DAY, _YOUNG = 86_400.0, 1_800.0  # seconds; soon after midnight a 607 may still be about the day before
_IDENTITY_CALLS = 8  # that one client may make within a second, whatever happens

_NO_FILE = frozenset({"dropped", "dropped, not done", "503", "503, not done", "608", "604", "601"})  # not a byte of it

# What becomes of calls in each kind of weather, with their weights.
CALM = {"fine": 1}
SLOW = {"fine": 2, "slow": 3, "slowest": 1}
STORM = {
    "fine": 6,
    "slow": 1,
    "dropped": 1,
    "dropped, not done": 1,
    "cut": 1,
    "silent": 1,
    "503": 1,
    "503, not done": 1,
    "608": 1,
    "604": 1,
    "unreadable": 1,
    "no result": 1,
    "601": 1,
}
WEATHERS = {"calm": CALM, "slow": SLOW, "storm": STORM}


@dataclass
class Identity:
    """What the identity endpoint does for one client id, and the token that it hands out."""

    state: str = "fine"
    token: str = "token-0"
    number: int = 0
    dies_at: float = -1.0

    def renew(self) -> None:
        self.number += 1
        self.token = f"token-{self.number}"


@dataclass
class Work:
    """A call that is being worked on."""

    worker: str
    own: bool = True


class Instance:
    """One instance: `arrive` takes requests, `faults` tells what must not have happened."""

    def __init__(self, timeline: Timeline, rng: random.Random, *, calls: int, per: float, concurrency: int) -> None:
        self.timeline, self.rng = timeline, rng
        self.calls, self.per, self.concurrency = calls, per, concurrency
        self.weather = CALM
        self.faults: list[str] = []
        self.excused = 0
        self.excuse: Callable[[], bool] = lambda: False
        self.killed: Callable[[str], bool] = lambda worker: False
        self.alone = True  # every call goes through one governor in memory
        self.spent_until = -1.0  # the day's calls are gone, by others
        self.identities: dict[str, Identity] = defaultdict(Identity)
        self.token_life = 3_600.0
        self.acted: Counter[str] = Counter()
        self.in_use: set[str] = set()  # e-mails that can't be deleted
        self.totals: dict[int, int] = {}  # of the listings
        self.lost: set[str] = set()  # whose answer did not come back whole, or says nothing
        self.arrived = 0
        self.refused: Counter[str] = Counter()
        self._own: list[float] = []
        self._others: list[float] = []
        self._work: list[Work] = []
        self._paused_since: dict[str, list[float]] = defaultdict(list)
        self._spent_since: dict[str, float] = {}

    # The judge

    def others_call(self, count: int, seconds: float) -> None:
        """Let *count* calls of somebody else arrive, each working for *seconds*."""
        for _ in range(count):
            self._others.append(self.timeline.now)
            self._begin(Work("others", own=False), seconds)

    def others_spend_the_day(self, until: float) -> None:
        """Let the day's calls be gone until the clock reads *until*."""
        if until != self.spent_until:
            self.spent_until = until
            self._spent_since.clear()

    def _counted(self, arrivals: list[float]) -> int:
        return len(arrivals) - bisect_right(arrivals, self.timeline.now - self.per)

    def _begin(self, work: Work, seconds: float) -> None:
        self._work.append(work)
        self.timeline.after(seconds, lambda: self._work.remove(work))

    def _judge(self, request: Request) -> str:
        """Count an arrival and return the code that it is refused with, if it is."""
        now, worker = self.timeline.now, request.wire.side.worker
        self.arrived += 1
        insort(self._own, now)
        window, others = self._counted(self._own), self._counted(self._others)
        own = [work for work in self._work if work.own]
        if window > self.calls:
            self._fault(f"606: {window} calls within {self.per} s of {self.calls}")
        if len(own) + 1 > self.concurrency:
            excused = any(self.killed(work.worker) for work in own)
            self._fault(f"615: {len(own) + 1} calls at once of {self.concurrency}", excused=excused)
        if self.alone:
            began = request.began
            for since in self._paused_since[worker]:
                if since < began < since + _PAUSE * self.per:
                    self.faults.append(f"a call began {began - since:.6f} s after a 606 was answered")
            since = self._spent_since.get(worker, began)
            if since < began and now < self.spent_until and since > self.spent_until - _DAY + _YOUNG:
                self.faults.append(f"a call began {began - since:.6f} s after a 607 was answered")
        if window + others > self.calls:
            return "606"
        return "615" if len(self._work) >= self.concurrency else ""

    def _fault(self, what: str, *, excused: bool = False) -> None:
        if excused or self.excuse():
            self.excused += 1
        else:
            self.faults.append(f"at {self.timeline.now:.3f}: {what}")

    # Requests

    def arrive(self, request: Request) -> None:
        """Take one request."""
        if request.url.path == "/identity/oauth/token":
            self._identify(request)
            return
        code = self._judge(request)
        side = request.wire.side
        if code:
            self.refused[code] += 1
            self._answer(request, refusal(code), then=partial(self._heard, side, code))
            return
        if self.timeline.now < self.spent_until:
            self._answer(request, refusal("607"), then=partial(self._heard, side, "607"))
            return
        identity = self.identities[side.client]
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token != identity.token or self.timeline.now >= identity.dies_at:
            self._answer(request, refusal("602"))
            return
        self._work_on(request)

    def _heard(self, side: Side, code: str) -> None:
        """Note when a refusal has come back to a worker."""
        if code == "606":
            self._paused_since[side.worker].append(self.timeline.now)
        elif code == "607":
            self._spent_since.setdefault(side.worker, self.timeline.now)

    def _work_on(self, request: Request) -> None:
        call = Call.of(request)
        (fate,) = self.rng.choices(list(self.weather), list(self.weather.values()))
        longest = call.timeout - _MARGIN
        seconds = {"slow": self.rng.uniform(0.5, 8.0), "slowest": longest, "silent": longest}.get(
            fate, self.rng.uniform(0.0, 0.3)
        )
        self._begin(Work(request.wire.side.worker), seconds)
        if call.kind == "file" and fate not in _NO_FILE:
            self.timeline.after(seconds / 3, lambda: request.wire.answer(head_of(call) + call.rest[:100]))
        self.timeline.after(seconds, lambda: self._finish(request, call, fate))

    def _finish(self, request: Request, call: Call, fate: str) -> None:
        if fate not in {"fine", "slow", "slowest", "601", "608"} or not request.wire.reaches():
            self.lost.update(call.tags)
        match fate:
            case "601":
                self.identities[request.wire.side.client].renew()
                self._answer(request, refusal("601"))
            case "608":
                self._answer(request, refusal("608"))
            case "dropped, not done":
                request.wire.drop(ConnectionResetError(104, "reset"))
            case "503, not done":
                self._answer(request, _GATEWAY, status=503)
            case _:
                self._come_back(request, call, fate, self._act(call))

    def _come_back(self, request: Request, call: Call, fate: str, body: bytes) -> None:  # noqa: C901 - a case for each fate
        """Answer a call that was done, or fail to."""
        if call.kind == "file" and fate not in _NO_FILE:
            if fate == "cut":
                request.wire.answer(call.rest[100 : self.rng.randrange(101, 600)])
                request.wire.drop(ConnectionResetError(104, "reset"))
            elif fate != "silent":
                request.wire.answer(call.rest[100:])
            return
        match fate:
            case "dropped":
                request.wire.drop()
            case "cut":
                whole = written(body)
                request.wire.answer(whole[: self.rng.randrange(1, len(whole))])
                request.wire.drop(ConnectionResetError(104, "reset"))
            case "silent":
                pass
            case "503":
                self._answer(request, _GATEWAY, status=503)
            case "604":
                self._answer(request, refusal("604"))
            case "unreadable":
                self._answer(request, b'{"requestId": "1", "success": tru')
            case "no result" if call.kind in {"push", "write", "trigger", "delete", "email"} and b"errors" not in body:
                self._answer(request, envelope(success=True))
            case _:
                self._answer(request, body)

    def _answer(
        self, request: Request, body: bytes, *, status: int = 200, then: Callable[[], None] | None = None
    ) -> None:
        def come_back() -> None:
            request.wire.answer(written(body, status))
            if then is not None and request.wire.reaches():
                then()

        self.timeline.after(self.rng.uniform(0.0, 0.1), come_back)

    def _act(self, call: Call) -> bytes:  # noqa: C901 - a case for each kind
        """Do what a call asks for, and return the answer."""
        match call.kind:
            case "get":
                return envelope(success=True, result=[{"id": int(call.tags[0])}])
            case "list":
                total = self.totals.get(int(call.tags[0]), 0)
                records = [{"id": number} for number in range(total)][call.offset : call.offset + PAGE]
                more = call.offset + PAGE < total
                token = {"nextPageToken": f"{call.tags[0]}-{call.offset + PAGE}"} if more else {}
                return envelope(success=True, result=records, moreResult=more, **token)
            case "file":
                return refusal("1003")
            case "describe":
                return envelope(success=True, result=[{"name": "thing_c", "dedupeFields": ["key"], "fields": []}])
            case "delete":
                return envelope(success=True, result=[self._delete(tag) for tag in call.tags])
            case "email":
                (tag,) = call.tags
                if tag in self.in_use:
                    return refusal("709", "Email is in use by Email Program 12")
                if self.acted[tag]:
                    return refusal("702", "Email not found")
                self.acted[tag] += 1
                return envelope(success=True, result=[{"id": int(tag)}])
            case "merge":
                if any(tag in self.in_use or self.acted[tag] for tag in call.tags):
                    return refusal("1004", "Lead not found")
                self.acted.update(call.tags)
                return envelope(success=True)
            case "trigger":
                self.acted.update(call.tags)
                return envelope(success=True, result=[{"id": 1}])
            case _:
                self.acted.update(call.tags)
                return envelope(success=True, result=[{"id": int(tag), "status": "updated"} for tag in call.tags])

    def _delete(self, tag: str) -> dict[str, object]:
        if self.acted[tag]:
            return {"id": int(tag), "status": "skipped", "reasons": [{"code": "1004", "message": "Lead not found"}]}
        self.acted[tag] += 1
        return {"id": int(tag), "status": "deleted"}

    def _identify(self, request: Request) -> None:
        now, name = self.timeline.now, request.wire.side.client
        identity = self.identities[name]
        asked = request.wire.side.identity_calls
        asked.append(now)
        recent = len(asked) - bisect_left(asked, now - 1.0)
        if recent > _IDENTITY_CALLS:
            self.faults.append(f"{recent} identity calls of one client within a second")
        if identity.state == "down":
            self._answer(request, _GATEWAY, status=503)
        elif identity.state == "refusing":
            self._answer(request, json.dumps({"error": "unauthorized", "error_description": "no"}).encode(), status=401)
        elif identity.state != "silent":
            if now >= identity.dies_at - 1e-3:
                identity.renew()
                identity.dies_at = now + self.token_life
            left = identity.dies_at - now
            grant = {"access_token": identity.token, "token_type": "bearer", "expires_in": int(left)}
            self._answer(request, json.dumps(grant).encode())


@dataclass(frozen=True)
class Call:
    """What a request asks for: the kind, and the names of what it is about."""

    kind: str
    tags: tuple[str, ...]
    timeout: float = 30.0
    offset: int = 0

    @property
    def rest(self) -> bytes:
        """The part of the file that was asked for."""
        return FILE[self.offset :]

    @classmethod
    def of(cls, request: Request) -> Call:  # noqa: C901 - a case for each path
        parts = request.url.path.strip("/").removesuffix(".json").split("/")
        body = json.loads(request.body) if request.body else {}
        match parts[1:]:  # after "rest"
            case ["v1", "lead", tag]:
                return cls("get", (tag,))
            case ["v1", "lists", tag, "leads"]:
                token = request.url.query.get("nextPageToken", "-0")
                return cls("list", (tag,), _TIMEOUTS["list"], int(token.rpartition("-")[2]))
            case ["v1", "leads", "push"]:
                return cls("write", tags_of(body["input"], "email"), _TIMEOUTS["push"])
            case ["v1", "leads"]:
                return cls("write", tags_of(body["input"], "email"), _TIMEOUTS["sync"])
            case ["v1", "leads", "submitForm"]:
                return cls("write", tags_of([row["leadFormFields"] for row in body["input"]], "email"))
            case ["v1", "leads", "delete"]:
                return cls("delete", tuple(str(row["id"]) for row in body["input"]))
            case ["v1", "campaigns", _, "trigger"]:
                leads = body["input"]["leads"]
                return cls("trigger", tuple(str(row["id"]) for row in leads), _TIMEOUTS["trigger"])
            case ["v1", "leads", "export", tag, "file"]:
                first = int(request.headers.get("range", "bytes=0-")[6:-1])
                return cls("file", (tag,), _TIMEOUTS["file"], first)
            case ["v1", "customobjects", _, "describe"]:
                return cls("describe", ())
            case ["v1", "customobjects", _]:
                return cls("write", tags_of(body["input"], "key"), _TIMEOUTS["customobjects"])
            case ["v1", "leads", _, "merge"]:
                return cls("merge", tuple(request.url.query["leadIds"].split(",")), _TIMEOUTS["merge"])
            case ["asset", "v1" | "v2", "email", tag, "delete"]:
                return cls("email", (tag,), _TIMEOUTS["email"])
        raise AssertionError(f"{request.method} {request.url.path} is not scripted")


def head_of(call: Call) -> bytes:
    """Return the head of the answer that brings the rest of a file."""
    part = f"\r\nContent-Range: bytes {call.offset}-{len(FILE) - 1}/{len(FILE)}" if call.offset else ""
    status = 206 if call.offset else 200
    return f"HTTP/1.1 {status} OK\r\nContent-Type: text/csv\r\nContent-Length: {len(call.rest)}{part}\r\n\r\n".encode()


def tags_of(rows: list[dict[str, str]], member: str) -> tuple[str, ...]:
    return tuple(row[member].partition("@")[0] for row in rows)


def envelope(**members: object) -> bytes:
    return json.dumps({"requestId": "1a2b#3c", **members}).encode()


def refusal(code: str, message: str = "no") -> bytes:
    return envelope(success=False, errors=[{"code": code, "message": message}])


def written(body: bytes, status: int = 200) -> bytes:
    head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
