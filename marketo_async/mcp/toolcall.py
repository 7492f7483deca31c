"""`ToolCall`: one call of a tool on its way: whose it is, until when, what it cost, and what a person said to it.

A handler returns a plain value, a `ToolError`, or a `PersonNeeded`, which the server turns into a question to the
host's user and then calls the handler again with what the person said. See ``server``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from msgspec import Struct

from marketo_async.errors import MarketoError
from marketo_async.governor import CallRecord
from marketo_async.mcp.access import Access, Verdict
from marketo_async.mcp.answers import Rests, Seal
from marketo_async.mcp.calls import whole
from marketo_async.mcp.confirm import Approvals
from marketo_async.mcp.policy import Confirmer
from marketo_async.mcp.tool_errors import ErrorKind, ToolError
from marketo_async.operation import Operation, Plan, nothing
from marketo_async.planning import Planned, parts, plan_of
from marketo_async.resources.base import Sender
from marketo_async.writes import Batches


class Refusal(MarketoError):
    """Ends a tool call with an error that is already as the tool answers it."""

    def __init__(self, error: ToolError) -> None:
        super().__init__(error.message)
        self.error = error


def refuse(kind: ErrorKind, message: str, then: str, **other: Any) -> Refusal:
    """Return a refusal: what happened, and in one sentence what helps."""
    return Refusal(ToolError(kind=kind, message=message, next=then, **other))


def judged_plan(planned: Planned) -> Plan[Any]:
    """Return the plan to judge: a write with all its records, or the first part of a listing."""
    return whole(planned) if isinstance(planned, Batches) else next(parts(planned), nothing())


class PersonNeeded(Struct, frozen=True):
    """A question that a person must answer before the kept plan is made."""

    plan: str
    question: str


class Said(Struct, frozen=True):
    """What a person said to the question about a kept plan."""

    plan: str
    yes: bool


class Confirmed(Struct, frozen=True):
    """Who allowed the call with this digest: the host's user, or an operator by name."""

    digest: str
    by: str


class CallCost:
    """What one tool call has cost so far."""

    def __init__(self) -> None:
        self.calls = 0
        self.waited = 0.0
        self.request_ids: list[str] = []

    def add(self, record: CallRecord) -> None:
        """Count one attempt at a call."""
        self.calls += 1
        self.waited += record.waited
        if record.request_id is not None:
            self.request_ids.append(record.request_id)


class Seat(Protocol):
    """What a tool needs of an agent that is connected: its rights, its sender, and its instance."""

    @property
    def name(self) -> str:
        """The agent's name in the policy."""
        ...

    @property
    def holder(self) -> str:
        """Whose plans and cursors these are."""
        ...

    @property
    def title(self) -> str:
        """The agent's title for people."""
        ...

    @property
    def instance(self) -> str:
        """The instance's host, without a scheme."""
        ...

    @property
    def base_url(self) -> str:
        """The origin of the instance."""
        ...

    @property
    def ingestion_url(self) -> str:
        """The origin of data ingestion."""
        ...

    @property
    def munchkin_id(self) -> str:
        """The instance's munchkin id, empty if it is not known."""
        ...

    @property
    def access(self) -> Access:
        """What the agent may do."""
        ...

    @property
    def approvals(self) -> Approvals:
        """The plans that are kept."""
        ...

    @property
    def seal(self) -> Seal:
        """Seals cursors."""
        ...

    @property
    def rests(self) -> Rests:
        """The pages of which a part was given."""
        ...

    @property
    def answer_chars(self) -> int:
        """The size of an answer."""
        ...

    def sender(self, call: ToolCall, confirmed: Confirmed | None = None) -> Sender:
        """Return the guarded sender of one tool call; ``confirmed`` allows the one call that a person has confirmed."""
        ...

    def confirmer(self, verdict: Verdict) -> Confirmer:
        """Return who must confirm an allowed call now."""
        ...

    def record_denied(self, call: ToolCall, operation: Operation, plan: Plan[Any], why: str, rule: str) -> None:
        """Put on record that a call was denied before it reached the guard."""
        ...

    async def left(self) -> dict[str, Any]:
        """Return what the agent and the instance have left today and in the window."""
        ...


class ToolCall(Struct, kw_only=True):
    """One call of a tool.

    ``until`` is by the loop's clock. ``plan`` is the kept plan that it makes. ``can_ask`` says whether the host can put
    a question to its user; ``said`` is what the user answered. ``progress`` receives how far the call is.
    """

    seat: Seat
    tool: str
    until: float
    plan: str = ""
    can_ask: bool = False
    said: Said | None = None
    progress: Callable[[int, str], Awaitable[None]] | None = None
    cost: CallCost

    @property
    def seconds_left(self) -> float:
        """The seconds until its deadline."""
        return self.until - asyncio.get_running_loop().time()

    async def report(self, done: int, text: str) -> None:
        """Report progress."""
        if self.progress is not None:
            await self.progress(done, text)

    def denied(self, operation: Operation, why: str, *, rule: str, plan: Plan[Any] | None = None) -> Refusal:
        """Put a denial on record, and return it as the tool answers it: without the line of the policy."""
        self.seat.record_denied(self, operation, nothing() if plan is None else plan, why, rule)
        return refuse("denied", f"{operation.name}: {why}", "Ask the owner of this agent.", operation=operation.name)

    def require_allowed(self, operation: Operation, arguments: Mapping[str, Any]) -> None:
        """Refuse an operation that the agent may not call with any arguments; the record shows those given."""
        if self.seat.access.allows(operation):
            return
        try:
            plan = judged_plan(plan_of(operation.name, arguments, munchkin_id=self.seat.munchkin_id)[1])
        except MarketoError:
            plan = nothing()  # they make no plan
        rule = self.seat.access.check(operation, plan).rule
        raise self.denied(operation, "this agent may not call it", rule=rule, plan=plan)

    async def costs(self) -> dict[str, Any]:
        """Return the cost of the call, and the calls that the day has left."""
        found = {"calls": self.cost.calls, "waited_s": round(self.cost.waited, 3)}
        return {**found, "left_today": (await self.seat.left()).get("calls_today")}
